"""Acting on members: ban, unban, mute, delete. Only on members below, never on the last owner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from db.users import User
from handlers.erasure import begin, forget_in_documents
from handlers.invites import gone as gone_invites
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
    from db.audit import AuditEntry
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
    entry = ctx.audit("user_ban", target.id, target.username)
    return _gone(world, target, UserBanReply(user=target.username, banned=True), BANNED_REASON, entry)


@handles(UserUnban)
def user_unban(ctx: Context, cmd: UserUnban) -> Outcome:
    world, target = ctx.world, ctx.world.users.find(cmd.user)
    if target is None or not target.banned:
        return Outcome(reply=UserUnbanReply(user=cmd.user if target is None else target.username, unbanned=False))
    require_above(ctx, target)
    free = msgspec.structs.replace(target, banned=False)
    world.users.put(free)
    joined = Event(Everyone(), UserJoinEvent(user=user_entry(world, free)))
    entry = ctx.audit("user_unban", free.id, free.username)
    return Outcome(reply=UserUnbanReply(user=free.username, unbanned=True), events=[joined], audit=[entry])


@handles(UserTimeout)
def user_timeout(ctx: Context, cmd: UserTimeout) -> Outcome:
    target = find_user(ctx.world, cmd.user)
    require_above(ctx, target)
    muted = msgspec.structs.replace(target, muted_until=ctx.now + cmd.timeout if cmd.timeout else None)
    ctx.world.users.put(muted)
    reply = UserTimeoutReply(user=target.username, timeout=cmd.timeout)
    changed = muted.muted_until is not None or (target.muted_until or 0.0) > ctx.now
    left_s = round((target.muted_until or 0.0) - ctx.now)
    before = {"timeout": left_s} if left_s > 0 else None
    audit = [ctx.audit("user_timeout", target.id, target.username, before, timeout=cmd.timeout)] if changed else []
    return Outcome(reply=reply, events=[mute_event(muted, ctx.now)], audit=audit)


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
    news = forget_in_documents(world, target) if cmd.erase else []
    world.users.remove(target.id)
    world.channels.forget_user(target.id)
    reply = UserDeleteReply(user=target.username, deleted=True, erasing=cmd.erase or UNSET)
    entry = ctx.audit("user_delete", target.id, target.username, **({"erase": True} if cmd.erase else {}))
    return _gone(world, target, reply, DELETED_REASON, entry, news)


def _gone(
    world: World,
    user: User,
    reply: UserBanReply | UserDeleteReply,
    reason: str,
    entry: AuditEntry,
    news: Sequence[Event] = (),
) -> Change:
    """The end of a membership: sessions, read markers, channels, connections. user: the record as it was."""
    deleted = isinstance(reply, UserDeleteReply)
    erasing = isinstance(reply, UserDeleteReply) and reply.erasing is True
    requested_at = world.timestamp()

    def gone() -> None:
        throw_out(world, user.id, reason)
        if deleted:
            world.asset_pictures.discard(user.pfp_url)

    def change(tx: Transaction) -> Outcome:
        tx.sessions.end_all(user.id)
        events = [] if user.banned else [Event(Everyone(), UserLeaveEvent(username=user.username))]
        if deleted:
            tx.reads.forget_user(user.id)
            tx.push.forget_user(user.id)
            tx.memberships.forget_user(user.id)
            events += name_changed(world, user.id)
        invited = tx.invites.forget_user(user.id) if deleted else []
        told, erase = begin(world, tx, user, requested_at) if erasing else ([], None)

        def forget() -> None:
            if deleted:
                world.memberships.forget_user(user.id)
                world.push_subscriptions.forget_user(user.id)
            world.invites.remove(invited)
            if erase is not None:
                erase()

        events += [*news, *told, *gone_invites(world, invited)]
        return Outcome(reply=reply, events=events, audit=[entry], then=forget, after=gone)

    return change
