"""Messages of members before they are stored: plugins may change or refuse them. Without a filter nothing waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import msgspec

from protocol.directs import DirectMessage
from protocol.errors import Code, Refused
from protocol.messages import MessageEdit, MessageNew

if TYPE_CHECKING:
    from db.channels import Channel
    from db.directs import Direct
    from db.users import User
    from handlers.context import Context
    from handlers.outcome import Answer, Change

Written = TypeVar("Written", MessageNew, MessageEdit, DirectMessage)


class Draft(msgspec.Struct, frozen=True):
    """What is to be stored. channel: None for a direct channel that does not exist yet. edited: the message's id."""

    author: User
    channel: Channel | Direct | None
    thread_id: str | None
    content: str
    edited: str | None


Filter = Callable[[Draft], Awaitable[str]]
"""Gives the text to be stored, in bounded time; raises Refused for a message that is not to be stored."""


def through_filters(ctx: Context, cmd: Written, write: Callable[[Context, Written], Change]) -> Answer:
    """`write(ctx, cmd)`, or with filters: let them see the text, then do every check anew, and the change, in one step.
    write: raises Refused, or gives the change; it changes nothing by itself."""
    return _filtered(ctx, cmd, write) if ctx.world.filters else write(ctx, cmd)


async def _filtered(ctx: Context, cmd: Written, write: Callable[[Context, Written], Change]) -> Change:
    write(ctx, cmd)  # what is refused anyway is no plugin's business
    world, content = ctx.world, cmd.content
    edited = cmd.id if isinstance(cmd, MessageEdit) else None
    for look in list(world.filters):
        channel, thread_id = _place(ctx, cmd)
        content = await look(Draft(ctx.user, channel, thread_id, content, edited))
    require_still(ctx)
    return write(ctx, msgspec.structs.replace(cmd, content=content))


def _place(ctx: Context, cmd: Written) -> tuple[Channel | Direct | None, str | None]:
    world = ctx.world
    if isinstance(cmd, DirectMessage):
        other = world.users.find(cmd.user)
        return (None if other is None else world.directs.between(ctx.user.id, other.id)), None
    if cmd.thread_id:
        thread = world.threads.get(cmd.thread_id)
        return (None if thread is None else world.channels.get(thread.parent)), cmd.thread_id
    name = cmd.channel or ""
    return world.channels.by_name(name) or world.directs.by_name(name), None


def require_still(ctx: Context) -> None:
    """The guards that the dispatcher held before the wait. Raises Refused."""
    user = ctx.user
    if user.banned or not ctx.visitor.present:
        raise Refused(Code.AUTH_REQUIRED)
    now = ctx.world.clock()
    if user.muted_until is not None and user.muted_until > now:
        wait_s = max(1, round(user.muted_until - now))
        raise Refused(Code.RATE_LIMIT, reason=f"You are timed out for {wait_s} seconds")
