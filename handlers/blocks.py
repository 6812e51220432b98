"""Blocking: who wants to hear nothing from whom. user_block, user_unblock, users_blocked_list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from handlers.outcome import Event, Outcome
from handlers.registry import handles
from handlers.users import find_user
from protocol.audience import SessionsOf
from protocol.directs import (
    UserBlock,
    UserBlockEvent,
    UsersBlockedList,
    UsersBlockedListReply,
    UserUnblock,
    UserUnblockEvent,
)
from protocol.errors import Code, Refused

if TYPE_CHECKING:
    from db.users import User
    from handlers.context import Context, World

MAX_BLOCKED = 1000


def has_blocked(world: World, user_id: str, other_id: str) -> bool:
    """Whether the first has blocked the second; no for unknown ids."""
    user = world.users.get(user_id)
    return user is not None and other_id in user.blocked


def require_unblocked(world: World, user: User, other_id: str) -> None:
    """Raise Refused when one of the two has blocked the other. It is not told who."""
    if other_id in user.blocked or has_blocked(world, other_id, user.id):
        raise Refused(Code.BLOCKED)


def blocks_changed(world: World, old: User, new: User) -> list[Event]:
    """What a member's sessions are told when it blocks others than before."""
    name = world.users.username_of
    packets = [
        *(UserBlockEvent(user=name(id_)) for id_ in new.blocked if id_ not in old.blocked),
        *(UserUnblockEvent(user=name(id_)) for id_ in old.blocked if id_ not in new.blocked),
    ]
    return [Event(SessionsOf(new.id), packet) for packet in packets]


@handles(UserBlock)
def user_block(ctx: Context, cmd: UserBlock) -> Outcome:
    user, other = ctx.user, find_user(ctx.world, cmd.user)
    if other.id == user.id:
        raise Refused(Code.NOT_YOURSELF)
    if other.id in user.blocked:
        return Outcome(reply=UserBlockEvent(user=other.username))
    if len(user.blocked) >= MAX_BLOCKED:
        raise Refused(Code.TOO_MANY_BLOCKED, max=MAX_BLOCKED)
    return _set_blocked(ctx, (*user.blocked, other.id))


@handles(UserUnblock)
def user_unblock(ctx: Context, cmd: UserUnblock) -> Outcome:
    """Also who is no member any more can be unblocked, by the name that the list shows."""
    user, users = ctx.user, ctx.world.users
    other = users.find(cmd.user)
    gone = (id_ for id_ in user.blocked if cmd.user in (id_, users.username_of(id_)))
    other_id = next(gone, None) if other is None else other.id
    if other_id in user.blocked:
        return _set_blocked(ctx, tuple(id_ for id_ in user.blocked if id_ != other_id))
    if other is None:
        raise Refused(Code.USER_NOT_FOUND)
    return Outcome(reply=UserUnblockEvent(user=other.username))


def _set_blocked(ctx: Context, blocked: tuple[str, ...]) -> Outcome:
    old = ctx.user
    new = msgspec.structs.replace(old, blocked=blocked)
    ctx.world.users.put(new)
    return Outcome(events=blocks_changed(ctx.world, old, new))


@handles(UsersBlockedList)
def users_blocked_list(ctx: Context, cmd: UsersBlockedList) -> Outcome:
    name = ctx.world.users.username_of
    return Outcome(reply=UsersBlockedListReply(users=[name(id_) for id_ in ctx.user.blocked]))
