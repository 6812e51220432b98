"""Where a command acts: a channel or a thread, and whether the caller may.

What the caller cannot see is answered exactly like what does not exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from db.channels import Channel
from db.threads import Thread
from protocol.audience import Viewers
from protocol.errors import Code, Refused

if TYPE_CHECKING:
    from db.permissions import ChannelKey
    from db.transaction import Transaction
    from handlers.context import Context


class Placed(Protocol):
    """A command that names a channel or a thread."""

    @property
    def channel(self) -> str | None: ...

    @property
    def thread_id(self) -> str | None: ...


class Place(msgspec.Struct, frozen=True):
    """id: what the messages are stored under. channel: the channel itself, or the thread's parent."""

    id: str
    channel: Channel
    thread: Thread | None = None

    @property
    def thread_id(self) -> str | None:
        return None if self.thread is None else self.id

    @property
    def audience(self) -> Viewers:
        return Viewers(self.channel.id)


def find_place(ctx: Context, cmd: Placed, *, text: bool = False) -> Place:
    """The thread, else the channel, that a command names. text: a channel has to be of type text.

    Raises Refused when there is none that the caller can view.
    """
    if cmd.thread_id:
        return find_thread(ctx, cmd.thread_id)
    if not cmd.channel:
        raise Refused(Code.PLACE_REQUIRED)
    channel = find_channel(ctx, cmd.channel)
    if text and channel.type != "text":
        raise Refused(Code.NOT_A_TEXT_CHANNEL)
    return Place(channel.id, channel)


def find_channel(ctx: Context, name: str) -> Channel:
    channel = ctx.world.channels.by_name(name)
    if channel is None or not ctx.world.access.may(ctx.user, channel, "view"):
        raise Refused(Code.CHANNEL_NOT_FOUND)
    return channel


def find_thread(ctx: Context, thread_id: str) -> Place:
    thread = ctx.world.threads.get(thread_id)
    channel = ctx.world.channels.get(thread.parent) if thread is not None else None
    if thread is None or channel is None or not ctx.world.access.may(ctx.user, channel, "view"):
        raise Refused(Code.THREAD_NOT_FOUND)
    return Place(thread.id, channel, thread)


def require(ctx: Context, place: Place, key: ChannelKey, action: str) -> None:
    """Raise Refused unless the caller has this channel permission. action: "You do not have permission to ..."."""
    if not ctx.world.access.may(ctx.user, place.channel, key):
        raise Refused(Code.NOT_PERMITTED, action=action)


def thread_now(tx: Transaction, place: Place) -> Thread:
    """The thread as the changes before this one left it, which the index in memory does not know yet."""
    thread = tx.threads.get(place.id)
    if thread is None:
        raise Refused(Code.THREAD_NOT_FOUND)
    return thread


def check_open(tx: Transaction, place: Place) -> None:
    """Raise Refused when the place is a thread that is gone, locked or archived."""
    if place.thread is None:
        return
    thread = thread_now(tx, place)
    if thread.locked:
        raise Refused(Code.THREAD_LOCKED)
    if thread.archived:
        raise Refused(Code.THREAD_ARCHIVED)


def visible_places(ctx: Context) -> list[Place]:
    """Every text channel and every thread of a forum that the caller can view, in the order of the channel list."""
    world, user = ctx.world, ctx.user
    places: list[Place] = []
    for channel in world.channels.values():
        if channel.type not in ("text", "forum") or not world.access.may(user, channel, "view"):
            continue
        if channel.type == "text":
            places.append(Place(channel.id, channel))
        else:
            places += [Place(thread.id, channel, thread) for thread in world.threads.of_channel(channel.id)]
    return places
