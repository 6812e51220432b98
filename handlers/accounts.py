"""Passwords of local accounts: changed by whoever knows the old one, or given anew by an owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from db.users import LOCAL_PREFIX
from handlers.login import PASSWORD_LENGTH, not_throttled
from handlers.outcome import Change, Outcome
from handlers.passwords import Busy
from handlers.registry import handles
from handlers.sessions import close_sessions
from handlers.users import find_user, require_above
from protocol.accounts import PasswordChange, PasswordChangeReply, PasswordReset, PasswordResetReply
from protocol.errors import Code, Refused

if TYPE_CHECKING:
    from db.transaction import Transaction
    from db.users import User
    from handlers.context import Context

CHANGED_REASON = "Your password was changed"
RESET_LENGTH = 16
"""Characters of 6 bits."""


@handles(PasswordChange)
async def password_change(ctx: Context, cmd: PasswordChange) -> Change:
    """Tries count as those of logging in: a session that was left open is no way to guess."""
    world, session = ctx.world, ctx.session
    user = _with_password(ctx.user)
    if not PASSWORD_LENGTH[0] <= len(cmd.new_password) <= PASSWORD_LENGTH[1]:
        raise Refused(Code.BAD_PASSWORD_LENGTH)
    account = f"account {user.id.removeprefix(LOCAL_PREFIX)}"
    not_throttled(ctx, account)
    stored = user.password_hash
    try:
        fits = await world.passwords.check(stored, cmd.old_password)
        fresh = await world.passwords.hash(cmd.new_password) if fits else None
    except Busy:
        raise Refused(Code.TOO_BUSY) from None
    not_throttled(ctx, account)  # other tries of the same burst may have failed meanwhile
    now = world.users.get(user.id)
    if fresh is None or now is None or now.password_hash != stored or not ctx.visitor.present:
        world.logins.count(ctx.visitor.network, account)
        raise Refused(Code.INVALID_PASSWORD)
    world.users.put(msgspec.structs.replace(now, password_hash=fresh))

    def change(tx: Transaction) -> Outcome:
        ended = [stored.id for stored in tx.sessions.of_user(user.id) if stored.id != session.id]
        for id_ in ended:
            tx.sessions.end(id_)
        return Outcome(
            reply=PasswordChangeReply(ended=len(ended)), after=lambda: close_sessions(world, ended, CHANGED_REASON)
        )

    return change


@handles(PasswordReset)
async def password_reset(ctx: Context, cmd: PasswordReset) -> Change:
    world = ctx.world
    _target(ctx, cmd.user)
    password = world.new_secret()[:RESET_LENGTH]
    try:
        fresh = await world.passwords.hash(password)
    except Busy:
        raise Refused(Code.TOO_BUSY) from None
    target = _target(ctx, cmd.user)  # while it was hashed, everything may have changed
    world.users.put(msgspec.structs.replace(target, password_hash=fresh))
    entry = ctx.audit("password_reset", target.id, target.username)

    def change(tx: Transaction) -> Outcome:
        ended = [stored.id for stored in tx.sessions.of_user(target.id)]
        tx.sessions.end_all(target.id)
        reply = PasswordResetReply(user=target.username, password=password)
        return Outcome(reply=reply, audit=[entry], after=lambda: close_sessions(world, ended, CHANGED_REASON))

    return change


def _target(ctx: Context, text: str) -> User:
    """The member whose password the caller may reset. Raises Refused."""
    if not ctx.visitor.present or not ctx.world.access.is_owner(ctx.user):
        raise Refused(Code.PERMISSION_REQUIRED, permission="owner")
    target = find_user(ctx.world, text)
    require_above(ctx, target)
    return _with_password(target)


def _with_password(user: User) -> User:
    if not user.is_local or user.password_hash is None:
        raise Refused(Code.NO_PASSWORD)
    return user
