"""Read markers. Each user has one per channel and thread: the newest message that was read."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, UnsetType

from protocol.base import Command, Packet, spec
from protocol.errors import Code
from protocol.objects_messages import ChannelOrThread, MessageId, ThreadRef, UnreadEntry

PLACE = (Code.PLACE_REQUIRED, Code.CHANNEL_NOT_FOUND, Code.THREAD_NOT_FOUND)


LastRead = Annotated[str | None, Meta(description="Id of the last message read; null: none is.")]
Mentions = Annotated[int, Meta(description="How many of the unread call the caller; left out: none.")]


class UnreadsUpdateEvent(Packet, kw_only=True, frozen=True, tag="unreads_update"):
    """A read marker of the receiver moved. For threads `thread_id` stands in place of `channel`."""

    durable: ClassVar[bool] = True

    last_read: LastRead
    channel: str | UnsetType = UNSET
    thread_id: str | UnsetType = UNSET
    unread_count: Annotated[int, Meta(description="What is unread behind it; left out: nothing.")] | UnsetType = UNSET
    mentions: Mentions | UnsetType = UNSET


class UnreadsAckReply(Packet, kw_only=True, frozen=True, tag="unreads_ack"):
    """Where the marker is now. For threads `thread_id` stands in place of `channel`."""

    last_read: Annotated[str | None, Meta(description="null when there is nothing to mark.")]
    channel: str | UnsetType = UNSET
    thread_id: str | UnsetType = UNSET


class UnreadsMarkReply(Packet, kw_only=True, frozen=True, tag="unreads_mark"):
    """Where the marker is now. For threads `thread_id` stands in place of `channel`."""

    last_read: LastRead
    unread_count: int
    mentions: Mentions | UnsetType = UNSET
    channel: str | UnsetType = UNSET
    thread_id: str | UnsetType = UNSET


class UnreadsGetReply(Packet, kw_only=True, frozen=True, tag="unreads_get"):
    """What is unread, by channel name or `thread/<thread id>`."""

    unreads: dict[str, UnreadEntry]


class UnreadsCountReply(Packet, kw_only=True, frozen=True, tag="unreads_count"):
    """What is unread in one place. For threads `thread_id` stands in place of `channel`."""

    unread_count: int
    last_read: str | None
    total_messages: int
    channel: str | UnsetType = UNSET
    thread_id: str | UnsetType = UNSET


@spec(
    does="Move the caller's read marker forward; this never moves it back, `unreads_mark` does.",
    allowed="who can view the channel or the thread's parent",
    reply=UnreadsAckReply,
    events=(UnreadsUpdateEvent,),
    errors=(*PLACE, Code.MESSAGE_NOT_FOUND),
    example={"channel": "general", "message_id": "0190a5c0-0000-7000-8000-000000000001"},
)
class UnreadsAck(Command, kw_only=True, frozen=True):
    channel: ChannelOrThread = None
    thread_id: ThreadRef = None
    message_id: Annotated[MessageId | None, Meta(description="Default: the newest message.")] = None


@spec(
    does="Make a message, and all that follow it, unread again. What is unread already stays so.",
    allowed="who can view the channel or the thread's parent",
    pace="broadcasts_per_minute",
    limited=True,
    reply=UnreadsMarkReply,
    events=(UnreadsUpdateEvent,),
    errors=(*PLACE, Code.MESSAGE_NOT_FOUND),
    example={"channel": "general", "message_id": "0190a5c0-0000-7000-8000-000000000001"},
)
class UnreadsMark(Command, kw_only=True, frozen=True):
    message_id: Annotated[MessageId, Meta(description="The first that is to be unread.")]
    channel: ChannelOrThread = None
    thread_id: ThreadRef = None


@spec(
    does="List the read state of every text channel and forum thread the caller sees.",
    allowed="everybody",
    pace="lists_per_minute",
    reply=UnreadsGetReply,
)
class UnreadsGet(Command, kw_only=True, frozen=True):
    pass


@spec(
    does="Count what is unread in one channel or thread.",
    allowed="who can view the channel or the thread's parent",
    reply=UnreadsCountReply,
    errors=(*PLACE, Code.NOT_A_TEXT_CHANNEL),
    example={"channel": "general"},
)
class UnreadsCount(Command, kw_only=True, frozen=True):
    channel: ChannelOrThread = None
    thread_id: ThreadRef = None
