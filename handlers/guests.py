"""Guests: entering under a name without an account, taking another name, tokens; and the end of a guest."""

from __future__ import annotations

import unicodedata
from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING

import msgspec

from db.sessions import ACCESS_TOKEN, StoredSession
from db.users import GUEST_PREFIX, User
from handlers.login import (
    admit,
    check_name,
    count_registration,
    enter,
    local_accounts_only,
    may_come,
    new_user,
    not_throttled,
    require_free,
    token_hash,
)
from handlers.outcome import Change, Event, Outcome
from handlers.presence import name_changed, user_entry
from handlers.registry import handles
from handlers.sessions import ENDED, close_sessions, expired, session_lifetimes_s
from handlers.users import renamed
from protocol.audience import Everyone
from protocol.errors import Code, Refused
from protocol.guests import (
    AccessTokenCreate,
    AccessTokenCreateReply,
    AccessTokenEnd,
    AccessTokenEndReply,
    GuestLogin,
    UsernameUpdate,
    UsernameUpdateReply,
)
from protocol.users import UserJoinEvent, UserLeaveEvent

if TYPE_CHECKING:
    from db.transaction import Transaction
    from handlers.context import Context, World

TOKEN_AGENT = "access token"
MAX_TOKENS = 20
"""Of one user, each for another device."""


@handles(GuestLogin)
def guest_login(ctx: Context, cmd: GuestLogin) -> Change | Awaitable[Change]:
    world = ctx.world
    if cmd.token is not None:
        return _enter_by_token(ctx, cmd.username, cmd.token, cmd.gap)
    if ctx.visitor.gateway == "rooms" and world.config.rooms.require_token:
        raise Refused(Code.TOKEN_REQUIRED)
    local_accounts_only(world)
    if not world.config.cracked.allow_registration:
        raise Refused(Code.REGISTRATION_DISABLED)
    name = _guest_name(cmd.username)
    may_come(ctx, cmd.invite)
    count_registration(ctx)
    require_free(world, name)
    if cmd.invite is not None:
        return _enter_invited(ctx, name, cmd.invite, cmd.gap)
    return enter(ctx, _new_guest(ctx, name), claim=None, gap=cmd.gap, joined=True)


async def _enter_invited(ctx: Context, name: str, invite: str, gap: bool) -> Change:
    used = await admit(ctx, invite)
    require_free(ctx.world, name)  # it may have been taken meanwhile
    return enter(ctx, _new_guest(ctx, name, used.roles), claim=None, gap=gap, joined=True, news=used.news)


def _enter_by_token(ctx: Context, username: str, token: str, gap: bool) -> Change:
    """Answers alike whether the name is unknown or banned, or the token another's: nobody knows yet who asks."""
    world, wanted = ctx.world, token_hash(token)
    user = world.users.by_mention(_normalized(username))
    if user is None or user.banned:
        raise Refused(Code.INVALID_TOKEN)
    lifetimes_s = session_lifetimes_s(world.config)

    def check(tx: Transaction) -> str | None:
        stored = tx.sessions.by_token_hash(wanted)
        if stored is None or stored.user_id != user.id or expired(stored, lifetimes_s, ctx.now):
            raise Refused(Code.INVALID_TOKEN)
        if stored.gateway == ACCESS_TOKEN:
            tx.sessions.disconnect(stored.id, 0, ctx.now)  # its time begins anew
            return stored.id
        if not user.guest:  # a session of an account is for `resume`, behind its login
            raise Refused(Code.INVALID_TOKEN)
        return stored.access_token

    return enter(ctx, user, claim=None, gap=gap, joined=False, token_check=check)


@handles(UsernameUpdate)
def username_update(ctx: Context, cmd: UsernameUpdate) -> Outcome:
    world, old = ctx.world, ctx.user
    if not old.guest:
        raise Refused(Code.NAME_FIXED)
    name = _guest_name(cmd.username)
    require_free(world, name, but_for=old.id)
    reply = UsernameUpdateReply(username=name)
    if name == old.username:
        return Outcome(reply=reply)
    new = msgspec.structs.replace(old, username=name)
    world.users.put(new)
    return Outcome(reply=reply, events=renamed(world, old, new))


@handles(AccessTokenCreate)
def access_token_create(ctx: Context, cmd: AccessTokenCreate) -> Change:
    world, caller, session = ctx.world, ctx.user, ctx.session
    user = world.users.by_mention(_normalized(cmd.username))
    if not world.access.is_owner(caller) and (user is None or user.id != caller.id):
        raise Refused(Code.PERMISSION_REQUIRED, permission="owner")
    if caller.guest:
        raise Refused(Code.ACCOUNT_REQUIRED)
    joined = user is None
    if user is None:
        name = _guest_name(cmd.username)
        require_free(world, name)
        user = _new_guest(ctx, name)
    bearer, token = user, world.new_uuid()
    device = " ".join(cmd.device.split())
    agent = f"{TOKEN_AGENT}: {device}" if device else TOKEN_AGENT
    stored = StoredSession(
        id=world.new_id(),
        token_hash=token_hash(token),
        user_id=bearer.id,
        created_at=ctx.now,
        last_seen=ctx.now,
        disconnected_at=ctx.now,
        agent=agent,
        gateway=ACCESS_TOKEN,
    )

    # one's own, which every login of a browser makes, is no act of moderation
    audit = [] if bearer.id == caller.id else [ctx.audit("access_token_create", bearer.id, bearer.username)]

    def change(tx: Transaction) -> Outcome:
        tokens = [each for each in tx.sessions.of_user(bearer.id) if each.gateway == ACCESS_TOKEN]
        others = sorted((each for each in tokens if each.agent != agent), key=lambda each: each.last_seen)
        replaced = [each for each in tokens if each.agent == agent] + others[: max(0, len(others) - MAX_TOKENS + 1)]
        for earlier in replaced:
            tx.sessions.end(earlier.id)
            if earlier.agent == agent:
                tx.sessions.rebind(bearer.id, earlier.id, stored.id)
        tx.sessions.add(stored)
        if cmd.here and bearer.id == caller.id:
            tx.sessions.bind(session.id, stored.id)
        news = [Event(Everyone(), UserJoinEvent(user=user_entry(world, bearer)))] if joined else []
        reply = AccessTokenCreateReply(username=bearer.username, token=token, id=stored.id)
        return Outcome(reply=reply, events=news, audit=audit)

    return change


@handles(AccessTokenEnd)
def access_token_end(ctx: Context, cmd: AccessTokenEnd) -> Change:
    world, wanted, network = ctx.world, token_hash(cmd.token), not_throttled(ctx)

    def change(tx: Transaction) -> Outcome:
        stored = tx.sessions.by_token_hash(wanted)
        if stored is None or stored.gateway != ACCESS_TOKEN:
            return Outcome(reply=AccessTokenEndReply(ended=False), after=lambda: world.logins.count(network))
        ended = tx.sessions.end_device(stored.user_id, stored.id)
        return Outcome(reply=AccessTokenEndReply(ended=True), after=lambda: close_sessions(world, ended, ENDED))

    return change


def _normalized(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()


def _guest_name(text: str) -> str:
    name = _normalized(text)
    check_name(name)
    return name


def _new_guest(ctx: Context, name: str, brought: tuple[str, ...] = ()) -> User:
    return new_user(ctx, f"{GUEST_PREFIX}{ctx.world.new_uuid()[:8]}:{name}", name, brought=brought)


# --- the end of a guest ----------------------------------------------------------------------------------------


def may_go(user: User, now: float) -> bool:
    """Whether this is a guest whose record is of no use once it has no session: a ban and a mute outlive it."""
    return user.guest and not user.banned and (user.muted_until is None or user.muted_until <= now)


def forget_guests(world: World, user_ids: Iterable[str], now: float) -> list[Event]:
    """Take guests out of the community that have no session any more; gives what is told of it."""
    events: list[Event] = []
    for user_id in user_ids:
        user = world.users.get(user_id)
        if user is not None and may_go(user, now):
            world.users.remove(user_id)
            world.channels.forget_user(user_id)
            world.memberships.forget_user(user_id)
            world.asset_pictures.discard(user.pfp_url)
            events.append(Event(Everyone(), UserLeaveEvent(username=user.username)))
            events += name_changed(world, user_id)
    return events
