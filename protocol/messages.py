"""Writing messages. Posting, editing, deleting, pinning and reacting, in channels and in threads.

In every packet `channel` is the name of a channel; of a thread's messages it is the thread's parent channel.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType, field

from protocol.base import Command, Packet, spec
from protocol.errors import Code
from protocol.objects_messages import (
    MAX_ATTACHMENTS,
    AttachmentRef,
    ChannelOrThread,
    Emoji,
    Message,
    MessageId,
    MessageType,
    ThreadRef,
)
from protocol.threads import ThreadUpdateEvent

PLACE = (Code.PLACE_REQUIRED, Code.CHANNEL_NOT_FOUND, Code.THREAD_NOT_FOUND)
WRITABLE = (*PLACE, Code.THREAD_LOCKED, Code.THREAD_ARCHIVED, Code.NOT_PERMITTED)
TEXT = (Code.MESSAGE_EMPTY, Code.MESSAGE_TOO_LONG, Code.ROLE_NOT_MENTIONABLE, Code.PLUGIN_REFUSED)
ALTERING = (*WRITABLE, Code.MESSAGE_NOT_FOUND, Code.BLOCKED)

Embeds = Annotated[
    list[dict[str, Any]],
    Meta(max_length=10, description="[Embeds](objects.md#embed); keys of their own travel on untouched."),
]
Attachments = Annotated[
    list[AttachmentRef], Meta(max_length=MAX_ATTACHMENTS, description="Own uploads that the message shows.")
]
Nonce = Annotated[
    str,
    Meta(
        min_length=1, max_length=64,
        description="Any text; posting again with the same one is answered with the message it made.",
    ),
]  # fmt: skip
MessageMeta = Annotated[
    dict[str, Any],
    Meta(description="Any object, kept as it is; as JSON at most `limits.meta_bytes` of the handshake."),
]
ID_A = "0190a5c0-0000-7000-8000-000000000001"


class MessageNewEvent(Packet, kw_only=True, frozen=True, tag="message_new"):
    """A new message. `message.pings` is always there."""

    durable: ClassVar[bool] = True

    message: Message
    channel: str
    thread_id: str | None = None
    nonce: Annotated[str, Meta(description="As the author gave it.")] | UnsetType = UNSET
    global_: Literal[True] = field(name="global", default=True)

    @property
    def ref(self) -> str | None:
        return self.message.id


class MessageEditEvent(Packet, kw_only=True, frozen=True, tag="message_edit"):
    """A message has new content. `message.pings` is there if the new content calls somebody."""

    durable: ClassVar[bool] = True

    id: str
    content: str
    message: Message
    channel: str
    thread_id: str | UnsetType = UNSET
    global_: Literal[True] = field(name="global", default=True)


class MessageDeleteEvent(Packet, kw_only=True, frozen=True, tag="message_delete"):
    """A message is gone."""

    durable: ClassVar[bool] = True

    id: str
    channel: str
    thread_id: str | UnsetType = UNSET
    global_: Literal[True] = field(name="global", default=True)


class MessagePinEvent(Packet, kw_only=True, frozen=True, tag="message_pin"):
    """A message is pinned."""

    durable: ClassVar[bool] = True

    id: str
    channel: str
    thread_id: str | UnsetType = UNSET
    pinned: bool = True
    global_: Literal[True] = field(name="global", default=True)


class MessageUnpinEvent(Packet, kw_only=True, frozen=True, tag="message_unpin"):
    """A message is no longer pinned."""

    durable: ClassVar[bool] = True

    id: str
    channel: str
    thread_id: str | UnsetType = UNSET
    pinned: bool = False
    global_: Literal[True] = field(name="global", default=True)


class MessageReactAddEvent(Packet, kw_only=True, frozen=True, tag="message_react_add"):
    """Somebody reacted to a message."""

    durable: ClassVar[bool] = True

    id: str
    emoji: str
    channel: str
    thread_id: str | UnsetType = UNSET
    from_: Annotated[str, Meta(description="Username of who reacted.")] = field(name="from")
    global_: Literal[True] = field(name="global", default=True)


class MessageReactRemoveEvent(Packet, kw_only=True, frozen=True, tag="message_react_remove"):
    """Somebody took a reaction back."""

    durable: ClassVar[bool] = True

    id: str
    emoji: str
    channel: str
    thread_id: str | UnsetType = UNSET
    from_: Annotated[str, Meta(description="Username of who took it back.")] = field(name="from")
    global_: Literal[True] = field(name="global", default=True)


class TypingEvent(Packet, kw_only=True, frozen=True, tag="typing"):
    """Somebody is typing. Only of the moment: it is not numbered and never replayed."""

    channel: str
    user: Annotated[str, Meta(description="Username.")]
    thread_id: str | None = None
    global_: Literal[True] = field(name="global", default=True)


@spec(
    does="Post a message to a text channel or to a thread.",
    allowed="channel permission `send` on the channel or the thread's parent; mentioned roles must be mentionable",
    limited=True,
    events=(MessageNewEvent, ThreadUpdateEvent),
    errors=(
        *PLACE, Code.THREAD_LOCKED, Code.NOT_PERMITTED, Code.NOT_A_TEXT_CHANNEL, *TEXT, Code.BAD_EMBED,
        Code.REPLY_NOT_FOUND, Code.ATTACHMENTS_DISABLED, Code.ATTACHMENT_NOT_FOUND, Code.BLOCKED, Code.BAD_VALUE,
    ),
    example={"channel": "general", "content": "hello @alice", "reply_to": ID_A, "nonce": "7f3a"},
)  # fmt: skip
class MessageNew(Command, kw_only=True, frozen=True):
    channel: ChannelOrThread = None
    thread_id: ThreadRef = None
    content: Annotated[str, Meta(description="Text; both ends are trimmed. Only with attachments may it be empty.")] = (
        ""
    )
    reply_to: Annotated[MessageId | None, Meta(description="A message of the same channel or thread.")] = None
    ping: Annotated[bool | None, Meta(description="false: the author replied to is not notified.")] = None
    embeds: Embeds | None = None
    attachments: Attachments | None = None
    nonce: Nonce | None = None
    type: MessageType = "message"
    meta: MessageMeta | None = None


@spec(
    does="Replace the content of an own message, and its embeds if given.",
    allowed="the author, with channel permission `edit_own` on the channel or the thread's parent",
    limited=True,
    events=(MessageEditEvent,),
    errors=(*ALTERING, Code.NOT_AUTHOR, *TEXT, Code.BAD_EMBED),
    example={"id": ID_A, "channel": "general", "content": "hello all"},
)
class MessageEdit(Command, kw_only=True, frozen=True):
    id: MessageId
    channel: ChannelOrThread = None
    thread_id: ThreadRef = None
    content: Annotated[
        str, Meta(description="Text; both ends are trimmed. Empty only where the message has attachments.")
    ]
    embeds: Annotated[Embeds | None, Meta(description="Replaces; [] clears; absent keeps.")] = None


@spec(
    does="Delete a message.",
    allowed="the author with channel permission `delete_own`, others with channel permission `delete`",
    limited=True,
    events=(MessageDeleteEvent,),
    errors=(*WRITABLE, Code.MESSAGE_NOT_FOUND),
    example={"id": ID_A, "channel": "general"},
)
class MessageDelete(Command, kw_only=True, frozen=True):
    id: MessageId
    channel: ChannelOrThread = None
    thread_id: ThreadRef = None


@spec(
    does="Pin a message, or unpin it with `pinned` false.",
    allowed="channel permission `pin` on the channel or the thread's parent",
    pace="broadcasts_per_minute",
    events=(MessagePinEvent, MessageUnpinEvent),
    errors=(*ALTERING, Code.TOO_MANY_PINS),
    example={"id": ID_A, "channel": "general", "pinned": True},
)
class MessagePin(Command, kw_only=True, frozen=True):
    id: MessageId
    channel: ChannelOrThread = None
    thread_id: ThreadRef = None
    pinned: Annotated[bool | None, Meta(description="false unpins.")] = None


@spec(
    does="Unpin a message.",
    allowed="channel permission `pin` on the channel or the thread's parent",
    pace="broadcasts_per_minute",
    events=(MessageUnpinEvent,),
    errors=ALTERING,
    example={"id": ID_A, "channel": "general"},
)
class MessageUnpin(Command, kw_only=True, frozen=True):
    id: MessageId
    channel: ChannelOrThread = None
    thread_id: ThreadRef = None


@spec(
    does="React to a message with an emoji.",
    allowed="channel permission `react` on the channel or the thread's parent; not while muted",
    pace="broadcasts_per_minute",
    events=(MessageReactAddEvent,),
    errors=(*ALTERING, Code.ALREADY_REACTED, Code.TOO_MANY_REACTIONS, Code.RATE_LIMIT),
    example={"id": ID_A, "channel": "general", "emoji": "👍"},
)
class MessageReactAdd(Command, kw_only=True, frozen=True):
    id: MessageId
    emoji: Emoji
    channel: ChannelOrThread = None
    thread_id: ThreadRef = None


@spec(
    does="Take an own reaction back.",
    allowed="channel permission `react` on the channel or the thread's parent; own reactions only",
    pace="broadcasts_per_minute",
    events=(MessageReactRemoveEvent,),
    errors=(*ALTERING, Code.NOT_REACTED),
    example={"id": ID_A, "channel": "general", "emoji": "👍"},
)
class MessageReactRemove(Command, kw_only=True, frozen=True):
    id: MessageId
    emoji: Emoji
    channel: ChannelOrThread = None
    thread_id: ThreadRef = None


@spec(
    does="Tell the others that the caller is typing.",
    allowed="who can view the text channel; in a thread channel permission `send` on the parent",
    events=(TypingEvent,),
    errors=(*PLACE, Code.NOT_PERMITTED, Code.NOT_A_TEXT_CHANNEL, Code.BLOCKED, Code.RATE_LIMIT),
    example={"channel": "general"},
)
class Typing(Command, kw_only=True, frozen=True):
    channel: ChannelOrThread = None
    thread_id: ThreadRef = None
