"""Threads of forum channels."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta, field

from protocol.base import Command, Packet, spec
from protocol.errors import Code
from protocol.objects_messages import ChannelName, Limit, Message, Start, Thread, ThreadId

THREAD_ID = "0190a5c0-0000-7000-8000-000000000002"
ThreadName = Annotated[str, Meta(description="1 to 100 characters; both ends are trimmed.")]


class ThreadCreateEvent(Packet, kw_only=True, frozen=True, tag="thread_create"):
    """A new thread; each connection receives it exactly once."""

    durable: ClassVar[bool] = True

    thread: Thread
    channel: str
    global_: Literal[True] = field(name="global", default=True)


class ThreadUpdateEvent(Packet, kw_only=True, frozen=True, tag="thread_update"):
    """A thread was renamed, locked, unlocked, archived, or came back from the archive by a new message."""

    durable: ClassVar[bool] = True

    thread: Thread
    channel: str
    global_: Literal[True] = field(name="global", default=True)


class ThreadDeleteEvent(Packet, kw_only=True, frozen=True, tag="thread_delete"):
    """A thread is gone with all its messages."""

    durable: ClassVar[bool] = True

    thread_id: str
    channel: str
    global_: Literal[True] = field(name="global", default=True)


class ThreadJoinEvent(Packet, kw_only=True, frozen=True, tag="thread_join"):
    """Somebody takes part in a thread."""

    durable: ClassVar[bool] = True

    thread: Thread
    thread_id: str
    channel: str
    user: Annotated[str, Meta(description="Username.")]
    global_: Literal[True] = field(name="global", default=True)


class ThreadLeaveEvent(Packet, kw_only=True, frozen=True, tag="thread_leave"):
    """Somebody no longer takes part in a thread."""

    durable: ClassVar[bool] = True

    thread: Thread
    thread_id: str
    channel: str
    user: Annotated[str, Meta(description="Username.")]
    global_: Literal[True] = field(name="global", default=True)


class ThreadGetReply(Packet, kw_only=True, frozen=True, tag="thread_get"):
    """One thread."""

    thread: Thread


class ThreadMessagesReply(Packet, kw_only=True, frozen=True, tag="thread_messages"):
    """A page of a thread's messages, oldest first."""

    thread_id: str
    messages: list[Message]


@spec(
    does="Open a thread in a forum channel.",
    allowed="channel permission `create_thread`",
    limited=True,
    events=(ThreadCreateEvent,),
    errors=(
        Code.CHANNEL_NOT_FOUND,
        Code.NOT_A_FORUM,
        Code.NOT_PERMITTED,
        Code.BAD_VALUE,
        Code.TOO_MANY_THREADS,
        Code.PLUGIN_REFUSED,
    ),
    example={"channel": "help", "name": "How do I start?"},
)
class ThreadCreate(Command, kw_only=True, frozen=True):
    channel: ChannelName
    name: ThreadName


@spec(
    does="Fetch one thread.",
    allowed="who can view the parent channel",
    reply=ThreadGetReply,
    errors=(Code.THREAD_NOT_FOUND,),
    example={"thread_id": THREAD_ID},
)
class ThreadGet(Command, kw_only=True, frozen=True):
    thread_id: ThreadId


@spec(
    does="Page through a thread's messages, without marking them read.",
    allowed="who can view the parent channel; locked and archived threads too",
    reply=ThreadMessagesReply,
    errors=(Code.THREAD_NOT_FOUND, Code.BAD_VALUE),
    example={"thread_id": THREAD_ID, "start": 0, "limit": 50},
)
class ThreadMessages(Command, kw_only=True, frozen=True):
    thread_id: ThreadId
    start: Start = 0
    limit: Limit = 100


@spec(
    does="Rename, lock, unlock, archive or un-archive a thread.",
    allowed="its creator, or the permission `manage_threads`; `locked` needs `manage_threads`; `name` not while muted",
    pace="broadcasts_per_minute",
    events=(ThreadUpdateEvent,),
    errors=(
        Code.THREAD_NOT_FOUND, Code.NOT_PERMITTED, Code.PERMISSION_REQUIRED, Code.BAD_VALUE, Code.PLUGIN_REFUSED,
        Code.RATE_LIMIT,
    ),
    example={"thread_id": THREAD_ID, "archived": True},
)  # fmt: skip
class ThreadUpdate(Command, kw_only=True, frozen=True):
    thread_id: ThreadId
    name: ThreadName | None = None
    locked: Annotated[bool | None, Meta(description="Nobody may write in a locked thread.")] = None
    archived: Annotated[bool | None, Meta(description="An archived thread comes back by a new message.")] = None


@spec(
    does="Delete a thread with all its messages.",
    allowed="its creator, or the permission `manage_threads`",
    pace="broadcasts_per_minute",
    events=(ThreadDeleteEvent,),
    errors=(Code.THREAD_NOT_FOUND, Code.NOT_PERMITTED),
    example={"thread_id": THREAD_ID},
)
class ThreadDelete(Command, kw_only=True, frozen=True):
    thread_id: ThreadId


@spec(
    does="Take part in a thread; doing so twice changes nothing.",
    allowed="who can view the parent channel, unless the thread is locked",
    pace="broadcasts_per_minute",
    events=(ThreadJoinEvent,),
    errors=(Code.THREAD_NOT_FOUND, Code.THREAD_LOCKED),
    example={"thread_id": THREAD_ID},
)
class ThreadJoin(Command, kw_only=True, frozen=True):
    thread_id: ThreadId


@spec(
    does="Stop taking part in a thread; its creator stays.",
    allowed="who can view the parent channel",
    events=(ThreadLeaveEvent,),
    errors=(Code.THREAD_NOT_FOUND,),
    example={"thread_id": THREAD_ID},
)
class ThreadLeave(Command, kw_only=True, frozen=True):
    thread_id: ThreadId
