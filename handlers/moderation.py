"""Acting on members: ban, unban, mute, delete. Only on members below, never on the last owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from db.users import User
from handlers.outcome import Change, Event, Outcome
from handlers.presence import name_changed, user_entry
from handlers.registry import handles
from handlers.users import find_user, require_above, require_another_owner, throw_out
from protocol.audience import Everyone, SessionsOf
from protocol.notices import RateLimitEvent
from protocol.users import (
    UserBan,
    UserBanReply,
    UserDelete,
    UserDeleteReply,
    UserJoinEvent,
    UserLeaveEvent,
    UsersBannedList,
    UsersBannedListReply,
    UserTimeout,
    UserTimeoutReply,
    UserUnban,
    UserUnbanReply,
)

if TYPE_CHECKING:
    from db.transaction import Transaction
    from handlers.context import Context, World

BANNED_REASON = "You have been banned"
DELETED_REASON = "Your account was deleted"


@handles(UsersBannedList)
def users_banned_list(ctx: Context, cmd: UsersBannedList) -> Outcome:
    return Outcome(reply=UsersBannedListReply(users=[user.username for user in ctx.world.users if user.banned]))


@handles(UserBan)
def user_ban(ctx: Context, cmd: UserBan) -> Outcome | Change:
    world, target = ctx.world, ctx.world.users.find(cmd.user)
    if target is None:
        return Outcome(reply=UserBanReply(user=cmd.user, banned=False))
    require_above(ctx, target)
    if target.banned:
        return Outcome(reply=UserBanReply(user=target.username, banned=False))
    require_another_owner(world, target)
    world.users.put(msgspec.structs.replace(target, banned=True))
    return _gone(world, target, UserBanReply(user=target.username, banned=True), BANNED_REASON)


@handles(UserUnban)
def user_unban(ctx: Context, cmd: UserUnban) -> Outcome:
    world, target = ctx.world, ctx.world.users.find(cmd.user)
    if target is None or not target.banned:
        return Outcome(reply=UserUnbanReply(user=cmd.user if target is None else target.username, unbanned=False))
    require_above(ctx, target)
    free = msgspec.structs.replace(target, banned=False)
    world.users.put(free)
    joined = Event(Everyone(), UserJoinEvent(user=user_entry(world, free)))
    return Outcome(reply=UserUnbanReply(user=free.username, unbanned=True), events=[joined])


@handles(UserTimeout)
def user_timeout(ctx: Context, cmd: UserTimeout) -> Outcome:
    target = find_user(ctx.world, cmd.user)
    require_above(ctx, target)
    muted = msgspec.structs.replace(target, muted_until=ctx.now + cmd.timeout if cmd.timeout else None)
    ctx.world.users.put(muted)
    reply = UserTimeoutReply(user=target.username, timeout=cmd.timeout)
    return Outcome(reply=reply, events=[mute_event(muted, ctx.now)])


def mute_event(user: User, now: float) -> Event:
    """What a member is told when a mute is set or lifted."""
    left_s = max(0.0, (user.muted_until or 0.0) - now)
    reason = "User timeout set" if left_s else "User timeout lifted"
    return Event(SessionsOf(user.id), RateLimitEvent(length=round(left_s * 1000), reason=reason))


@handles(UserDelete)
def user_delete(ctx: Context, cmd: UserDelete) -> Change:
    world, target = ctx.world, find_user(ctx.world, cmd.user)
    require_above(ctx, target)
    require_another_owner(world, target)
    world.users.remove(target.id)
    world.channels.forget_user(target.id)
    return _gone(world, target, UserDeleteReply(user=target.username, deleted=True), DELETED_REASON)


def _gone(world: World, user: User, reply: UserBanReply | UserDeleteReply, reason: str) -> Change:
    """The end of a membership: sessions, read markers, channels, connections. user: the record as it was."""
    deleted = isinstance(reply, UserDeleteReply)

    def change(tx: Transaction) -> Outcome:
        tx.sessions.end_all(user.id)
        events = [] if user.banned else [Event(Everyone(), UserLeaveEvent(username=user.username))]
        if deleted:
            tx.reads.forget_user(user.id)
            tx.memberships.forget_user(user.id)
            events += name_changed(world, user.id)
        return Outcome(reply=reply, events=events, then=forget, after=lambda: throw_out(world, user.id, reason))

    def forget() -> None:
        if deleted:
            world.memberships.forget_user(user.id)

    return change
