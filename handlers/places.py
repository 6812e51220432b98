"""Where a command acts: a channel or a thread, and whether the caller may.

What the caller cannot see is answered exactly like what does not exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from db.channels import Channel
from db.directs import Direct
from db.threads import Thread
from handlers.blocks import require_unblocked
from protocol.audience import Viewers
from protocol.errors import Code, Refused

if TYPE_CHECKING:
    from db.messages import Message
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
    channel: Channel | Direct
    thread: Thread | None = None

    @property
    def thread_id(self) -> str | None:
        return None if self.thread is None else self.id

    @property
    def audience(self) -> Viewers:
        return Viewers(self.channel.id)


def find_place(ctx: Context, cmd: Placed, *types: str) -> Place:
    """The thread, else the channel, that a command names. types: the types a channel may have, none for any.

    Raises Refused when there is none that the caller can view.
    """
    if cmd.thread_id:
        return find_thread(ctx, cmd.thread_id)
    if not cmd.channel:
        raise Refused(Code.PLACE_REQUIRED)
    channel = find_channel(ctx, cmd.channel)
    if types and channel.type not in types:
        raise Refused(Code.NOT_A_TEXT_CHANNEL)
    return Place(channel.id, channel)


def find_channel(ctx: Context, name: str) -> Channel | Direct:
    world = ctx.world
    channel = world.channels.by_name(name) or world.directs.by_name(name)
    if channel is None or not world.access.may(ctx.user, channel, "view"):
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
    user, channel = ctx.user, place.channel
    if not ctx.world.access.may(user, channel, key):
        raise Refused(Code.NOT_PERMITTED, action=action)
    if isinstance(channel, Direct):
        require_unblocked(ctx.world, user, channel.other(user.id))


def require_joined(ctx: Context, channel: Channel | Direct) -> None:
    """Raise Refused when the caller comes by a way in where people join channels, and writes from outside."""
    if not ctx.session.joins or not channel.members_only:
        return
    if not ctx.world.memberships.has(channel.id, ctx.user.id):
        raise Refused(Code.NOT_A_MEMBER)


def thread_now(tx: Transaction, place: Place) -> Thread:
    """The thread as the changes before this one left it, which the index in memory does not know yet."""
    thread = tx.threads.get(place.id)
    if thread is None:
        raise Refused(Code.THREAD_NOT_FOUND)
    return thread


def find_message(tx: Transaction, place: Place, id: str) -> tuple[Place, Message]:
    """A message, and the place it is in. Raises Refused when it is not there.

    Clients often name only the forum for a message in one of its threads; the thread is found out then.
    """
    if place.thread is None and place.channel.type == "forum":
        home = tx.messages.place_of(id)
        thread = tx.threads.get(home) if home is not None else None
        if thread is None or thread.parent != place.channel.id:
            raise Refused(Code.MESSAGE_NOT_FOUND)
        place = Place(thread.id, place.channel, thread)
    message = tx.messages.get(place.id, id)
    if message is None:
        raise Refused(Code.MESSAGE_NOT_FOUND)
    return place, message


def find_open_message(tx: Transaction, place: Place, id: str) -> tuple[Place, Message]:
    """The same for changing it: raises Refused as well when its thread is gone, locked or archived."""
    if place.thread is not None:
        _check_open(thread_now(tx, place))
        return find_message(tx, place, id)
    place, message = find_message(tx, place, id)
    if place.thread is not None:
        _check_open(place.thread)
    return place, message


def _check_open(thread: Thread) -> None:
    if thread.locked:
        raise Refused(Code.THREAD_LOCKED)
    if thread.archived:
        raise Refused(Code.THREAD_ARCHIVED)


def visible_places(ctx: Context) -> list[Place]:
    """Every text channel and every thread of a forum that the caller can view, in the order of the channel list, in
    which direct channels come last."""
    world, user = ctx.world, ctx.user
    places: list[Place] = []
    for channel in world.channels.values():
        if channel.type not in ("text", "forum") or not world.access.may(user, channel, "view"):
            continue
        if channel.type == "text":
            places.append(Place(channel.id, channel))
        else:
            places += [Place(thread.id, channel, thread) for thread in world.threads.of_channel(channel.id)]
    directs = [direct for direct in world.directs.of_user(user.id) if world.access.may(user, direct, "view")]
    return places + [Place(direct.id, direct) for direct in directs]
