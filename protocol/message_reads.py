"""Reading messages. Pages, windows, single messages, replies, search, pins and pings."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from protocol.base import Command, Packet, spec
from protocol.errors import Code
from protocol.objects_community import UserRef
from protocol.objects_messages import (
    MAX_INTEGER,
    Bounds,
    ChannelOrThread,
    Embed,
    Limit,
    Message,
    MessageId,
    PageRange,
    Start,
    ThreadRef,
    WindowRange,
)
from protocol.unreads import UnreadsUpdateEvent

PLACE = (Code.PLACE_REQUIRED, Code.CHANNEL_NOT_FOUND, Code.THREAD_NOT_FOUND, Code.NOT_A_TEXT_CHANNEL)
VIEWERS = "who can view the text channel or the thread's parent; locked and archived threads too"
ID_A = "0190a5c0-0000-7000-8000-000000000001"


class MessagesGetReply(Packet, kw_only=True, frozen=True, tag="messages_get"):
    """A page of messages, oldest first."""

    channel: str
    thread_id: str | UnsetType = UNSET
    messages: list[Message]
    range: PageRange


class MessagesAroundReply(Packet, kw_only=True, frozen=True, tag="messages_around"):
    """The messages around one message, itself included, oldest first."""

    channel: str
    thread_id: str | None
    messages: list[Message]
    range: WindowRange


class MessageGetReply(Packet, kw_only=True, frozen=True, tag="message_get"):
    """One message."""

    channel: str
    thread_id: str | UnsetType = UNSET
    message: Message


class MessageRepliesReply(Packet, kw_only=True, frozen=True, tag="message_replies"):
    """The replies to one message, oldest first."""

    channel: str
    thread_id: str | UnsetType = UNSET
    message_id: str
    replies: list[Message]


class MessagesSearchReply(Packet, kw_only=True, frozen=True, tag="messages_search"):
    """What was found, newest first. Each result names its `channel`, and its `thread_id` if it has one, for
    `messages_around`. Where one place was searched, it is named here as well."""

    channel: str | UnsetType = UNSET
    thread_id: str | UnsetType = UNSET
    query: str
    results: list[Message]
    cursor: Annotated[str | None, Meta(description="For the next page; null: there is none.")]
    complete: Annotated[
        bool, Meta(description="False: older messages may fit that were not looked at; narrow the search.")
    ]


class MessagesPinnedReply(Packet, kw_only=True, frozen=True, tag="messages_pinned"):
    """All pinned messages, newest first."""

    channel: str
    thread_id: str | UnsetType = UNSET
    messages: list[Message]


class PingsGetReply(Packet, kw_only=True, frozen=True, tag="pings_get"):
    """Messages that call the caller, newest first; each names its `channel`, and its `thread_id` if it has one."""

    messages: list[Message]
    offset: int
    limit: int
    total: Annotated[int, Meta(description="How many there are on all pages.")]


class EmbedsListReply(Packet, kw_only=True, frozen=True, tag="embeds_list"):
    """The embeds of one message."""

    id: str
    embeds: list[Embed]


@spec(
    does="Page through the history; asking for the newest page marks the place as read, unless told not to.",
    allowed=VIEWERS,
    reply=MessagesGetReply,
    events=(UnreadsUpdateEvent,),
    errors=(*PLACE, Code.BAD_VALUE),
    example={"channel": "general", "start": 0, "limit": 100},
)
class MessagesGet(Command, kw_only=True, frozen=True):
    channel: ChannelOrThread = None
    thread_id: ThreadRef = None
    start: Start = 0
    limit: Limit = 100
    mark_read: Annotated[
        bool, Meta(description="Whether the newest page marks the place as read. False where nobody may be looking.")
    ] = True


@spec(
    does="Fetch a window of messages around one message.",
    allowed=VIEWERS,
    reply=MessagesAroundReply,
    errors=(*PLACE, Code.MESSAGE_NOT_FOUND),
    example={"channel": "general", "around": ID_A, "bounds": {"above": 50, "below": 50}},
)
class MessagesAround(Command, kw_only=True, frozen=True):
    around: MessageId
    channel: ChannelOrThread = None
    thread_id: ThreadRef = None
    bounds: Annotated[Bounds | None, Meta(description="How far the window reaches.")] = None


@spec(
    does="Fetch one message.",
    allowed=VIEWERS,
    reply=MessageGetReply,
    errors=(*PLACE, Code.MESSAGE_NOT_FOUND),
    example={"id": ID_A, "channel": "general"},
)
class MessageGet(Command, kw_only=True, frozen=True):
    id: MessageId
    channel: ChannelOrThread = None
    thread_id: ThreadRef = None


@spec(
    does="List the replies to a message, which need not exist any more.",
    allowed=VIEWERS,
    reply=MessageRepliesReply,
    errors=PLACE,
    example={"id": ID_A, "channel": "general"},
)
class MessageReplies(Command, kw_only=True, frozen=True):
    id: MessageId
    channel: ChannelOrThread = None
    thread_id: ThreadRef = None
    limit: Annotated[int, Meta(ge=1, description="How many at most; more than 200 counts as 200.")] | None = 50


Moment = (
    Annotated[
        float | str,
        Meta(
            description="Unix seconds, or a date and time such as 2026-01-31 or 2026-01-31T18:00+01:00; UTC if unsaid."
        ),
    ]
    | None
)


@spec(
    does="Find messages that contain a text, in upper or lower case, and fit filters; in one channel or thread, in "
    "several channels, or in all places that the caller can view, direct channels included.",
    allowed=VIEWERS,
    pace="searches_per_minute",
    reply=MessagesSearchReply,
    errors=(
        Code.CHANNEL_NOT_FOUND,
        Code.THREAD_NOT_FOUND,
        Code.NOT_A_TEXT_CHANNEL,
        Code.USER_NOT_FOUND,
        Code.BAD_VALUE,
    ),
    example={"query": "hello", "from": "ann", "has": ["image"], "after": "2026-01-31"},
)
class MessagesSearch(Command, kw_only=True, frozen=True):
    query: Annotated[
        str, Meta(max_length=1000, description="Text to find, in any case; may be empty where there is a filter.")
    ] = ""
    channel: ChannelOrThread = None
    thread_id: ThreadRef = None
    channels: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...],
        Meta(max_length=50, description="Names of channels to search instead; those of a forum stand for its threads."),
    ] = ()
    from_: Annotated[UserRef | None, Meta(description="Only messages of this user: username or user id.")] = field(
        name="from", default=None
    )
    has: Annotated[
        frozenset[Literal["link", "image", "file", "embed", "poll", "reaction"]],
        Meta(description="What a message has to carry, all of it."),
    ] = frozenset()
    pinned: Annotated[bool | None, Meta(description="Only pinned ones, or only others.")] = None
    before: Annotated[Moment, Meta(description="Only messages before it.")] = None
    after: Annotated[Moment, Meta(description="Only messages from then on.")] = None
    cursor: Annotated[
        Annotated[str, Meta(max_length=300)] | None,
        Meta(description="`cursor` of the page before; the rest unchanged."),
    ] = None
    limit: (
        Annotated[int, Meta(ge=1, description="How many at most; more than `limits.search_results` counts as that.")]
        | None
    ) = None


@spec(
    does="List the pinned messages of a channel or thread.",
    allowed=VIEWERS,
    reply=MessagesPinnedReply,
    errors=PLACE,
    example={"channel": "general"},
)
class MessagesPinned(Command, kw_only=True, frozen=True):
    channel: ChannelOrThread = None
    thread_id: ThreadRef = None


@spec(
    does="List the messages that mention the caller or one of the caller's roles, or reply to the caller.",
    allowed="everybody; only messages in places the caller can view",
    pace="lists_per_minute",
    reply=PingsGetReply,
    example={"limit": 50, "offset": 0},
)
class PingsGet(Command, kw_only=True, frozen=True):
    limit: Annotated[int, Meta(ge=1, le=100, description="How many at most.")] = 50
    offset: Annotated[int, Meta(ge=0, le=MAX_INTEGER, description="How many of the newest to skip.")] = 0


@spec(
    does="List the embeds of one message.",
    allowed=VIEWERS,
    reply=EmbedsListReply,
    errors=(*PLACE, Code.MESSAGE_NOT_FOUND),
    example={"id": ID_A, "channel": "general"},
)
class EmbedsList(Command, kw_only=True, frozen=True):
    id: MessageId
    channel: ChannelOrThread = None
    thread_id: ThreadRef = None
