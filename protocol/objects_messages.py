"""The objects that message packets are made of: message, thread, embed and their parts.

Users appear here by username, channels by name. Times are unix seconds, lengths count code points.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol.objects_polls import PollCard

# ---------------------------------------------------------------- fields that many commands share

ChannelName = Annotated[str, Meta(description="Name of the channel.")]
ChannelOrThread = Annotated[
    str | None, Meta(description="Name of the channel; required unless `thread_id` is given, which wins over it.")
]
ThreadId = Annotated[str, Meta(description="Id of the thread.")]
ThreadRef = Annotated[str | None, Meta(description="Id of the thread; required unless `channel` is given.")]
MessageId = Annotated[str, Meta(min_length=1, max_length=128, description="Id of the message.")]
Emoji = Annotated[
    str,
    Meta(min_length=1, max_length=200, description="Unicode emoji, or `originChats://<server>/emojis/<id>`."),
]
Limit = Annotated[int | None, Meta(description="How many at most.")]
Start = Annotated[
    int | str | None,
    Meta(description="A number: how many of the newest to skip. A message id: only messages older than it."),
]

MessageType = Annotated[
    Literal["message", "action", "notice"],
    Meta(description="`action`: something that the author does; `notice`: not to be answered."),
]

MAX_INTEGER = 2**53
"""Numbers beyond it are not exact in every client, and none is needed here."""


# ---------------------------------------------------------------- message


class ReplyTo(Struct, frozen=True, forbid_unknown_fields=True):
    """The message that is answered. `user` is its author; the message itself may be gone by now."""

    id: str
    user: str


class Pings(Struct, frozen=True, forbid_unknown_fields=True):
    """Who a live message calls: mentioned usernames, mentioned roles, the author that is replied to."""

    users: list[str] = []
    roles: list[str] = []
    replies: list[str] = []


class Interaction(Struct, frozen=True):
    """The slash command a message answers."""

    command: str
    username: str


class WebhookAuthor(Struct, frozen=True):
    """The webhook that wrote a message."""

    id: str
    name: str
    avatar: str | None = None


AttachmentId = Annotated[str, Meta(min_length=1, max_length=128, description="Id of the upload.")]
MAX_ATTACHMENTS = 10


class AttachmentRef(Struct, frozen=True):
    """An own upload, to be attached."""

    id: AttachmentId


class Attachment(Struct, frozen=True):
    """An uploaded file; in a message as it was when the message was sent. `size` in bytes, `width` and `height` in
    pixels, of pictures only. `url` is absolute."""

    id: str
    name: str
    mime_type: str
    size: int
    url: str
    expires_at: float | None = None
    permanent: bool = False
    width: int | UnsetType = UNSET
    height: int | UnsetType = UNSET


class Message(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message as clients see it. `timestamp` rises strictly from message to message."""

    id: str
    user: str
    content: str
    timestamp: float
    type: MessageType = "message"
    pinned: bool = False
    interaction: Interaction | None = None
    edited: bool | UnsetType = UNSET
    reply_to: ReplyTo | UnsetType = UNSET
    ping: Annotated[bool, Meta(description="As the sender gave it; false notifies nobody.")] | UnsetType = UNSET
    reactions: (
        Annotated[dict[str, list[str]], Meta(description="Emoji to usernames in the order of reacting.")] | UnsetType
    ) = UNSET
    embeds: list[Embed] | UnsetType = UNSET
    attachments: list[Attachment] | UnsetType = UNSET
    meta: Annotated[dict[str, Any], Meta(description="As the author gave it.")] | UnsetType = UNSET
    webhook: WebhookAuthor | UnsetType = UNSET
    pings: Annotated[Pings, Meta(description="Only in live packets, never in history.")] | UnsetType = UNSET
    channel: Annotated[str, Meta(description="Only in `pings_get`.")] | UnsetType = UNSET
    thread_id: Annotated[str, Meta(description="Only in `pings_get`, for messages in threads.")] | UnsetType = UNSET


# ---------------------------------------------------------------- thread


class Thread(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A thread of a forum channel. The creator is the first of `participants`."""

    id: str
    name: str
    parent_channel: str
    created_by: str
    created_at: float
    locked: bool
    archived: bool
    participants: list[str]
    last_message: Annotated[float | None, Meta(description="Time of the newest message.")]
    last_message_id: str | None


# ---------------------------------------------------------------- ranges


class Bounds(Struct, frozen=True):
    """How far a window reaches from its middle. More than 200 counts as 200."""

    above: Annotated[int, Meta(ge=0, description="Number of newer messages.")] = 50
    below: Annotated[int, Meta(ge=0, description="Number of older messages.")] = 50


class PageRange(Struct, frozen=True):
    """What was asked for: `start` as given and `start + limit`; when `start` is a message id, `end` is the id of the
    oldest message of the page (null when the page is empty)."""

    start: int | str
    end: int | str | None


class WindowRange(Struct, frozen=True):
    """Positions counted from the oldest message of the place, which is 0; `end` is not included."""

    start: int
    end: int


# ---------------------------------------------------------------- unreads


class UnreadEntry(Struct, frozen=True, kw_only=True):
    """How much of one place the caller has not read."""

    last_read: str | None
    unread_count: int
    total_messages: int
    mentions: Annotated[int, Meta(description="How many of them call the caller; left out: none.")] | UnsetType = UNSET
    parent_channel: Annotated[str, Meta(description="Only for threads.")] | UnsetType = UNSET


# ---------------------------------------------------------------- embed

WebUrl = Annotated[
    str,
    Meta(max_length=2048, pattern=r"^(?:[hH][tT][tT][pP][sS]?://|/)\S*$", description="http(s) URL, or a path."),
]


class EmbedAuthor(Struct, frozen=True):
    name: Annotated[str, Meta(max_length=256)]
    url: WebUrl | UnsetType = UNSET
    icon_url: WebUrl | UnsetType = UNSET


class EmbedFooter(Struct, frozen=True):
    text: Annotated[str, Meta(max_length=2048)]
    icon_url: WebUrl | UnsetType = UNSET


class EmbedImage(Struct, frozen=True):
    url: WebUrl
    width: int | UnsetType = UNSET
    height: int | UnsetType = UNSET


class EmbedField(Struct, frozen=True):
    name: Annotated[str, Meta(max_length=256)]
    value: Annotated[str, Meta(max_length=1024)]
    inline: bool = False


class Embed(Struct, frozen=True, kw_only=True):
    """A card below a message. Unknown keys travel on untouched; absent ones stay absent."""

    type: Literal["rich", "poll", "link", "image", "video", "article"] = "rich"
    title: Annotated[str, Meta(max_length=256)] | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=4096)] | UnsetType = UNSET
    url: WebUrl | UnsetType = UNSET
    color: Annotated[int, Meta(ge=0, le=0xFFFFFF)] | UnsetType = UNSET
    timestamp: str | UnsetType = UNSET
    author: EmbedAuthor | UnsetType = UNSET
    footer: EmbedFooter | UnsetType = UNSET
    image: EmbedImage | UnsetType = UNSET
    thumbnail: EmbedImage | UnsetType = UNSET
    fields: Annotated[list[EmbedField], Meta(max_length=25)] | UnsetType = UNSET
    poll: Annotated[PollCard, Meta(description="Only the server makes these.")] | UnsetType = UNSET
