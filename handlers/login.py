"""Logging in: auth (Rotur), login and register (local accounts), claim_owner."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Sequence

import msgspec

from db.audit import AuditEntry
from db.directs import Direct
from db.sessions import StoredSession
from db.transaction import Transaction
from db.users import GUEST_PREFIX, PLACEHOLDER, Status, User
from fanout import Session
from handlers import audit, invites, rotur
from handlers.context import Context, World
from handlers.invites import Used
from handlers.names import is_reserved
from handlers.outcome import Change, Event, Outcome
from handlers.passwords import Busy, needs_rehash
from handlers.presence import ready_user, user_entry
from handlers.registry import handles
from handlers.users import renamed, roles_changed
from protocol.audience import Everyone
from protocol.errors import Code, Refused
from protocol.login import Auth, AuthSuccessEvent, ClaimOwner, ClaimOwnerReply, Login, ReadyEvent, Register
from protocol.users import UserJoinEvent

LOCAL_PREFIX = "USR:local_"
RESERVED = (LOCAL_PREFIX.lower(), GUEST_PREFIX)
"""No id or name of the identity service starts so, in lower case."""
NAME_LENGTH = (2, 32)
MAX_SESSIONS = 100
"""Of one user; who logs in again and again without ever resuming would fill the disk."""
PASSWORD_LENGTH = (4, 128)
NAME = re.compile(r"[\w-]+")


def token_hash(token: str) -> bytes:
    """Sessions are stored by this, so that a stolen database opens none."""
    return hashlib.sha256(token.encode()).digest()


def local_name(text: str) -> str:
    """The bare name of a local account as it is compared: NFKC, lower case, without the prefix."""
    name = unicodedata.normalize("NFKC", text).strip().lower()
    return name.removeprefix(LOCAL_PREFIX.lower())


@handles(Auth)
async def auth(ctx: Context, cmd: Auth) -> Change:
    world, config = ctx.world, ctx.world.config
    if config.auth_mode == "cracked-only":
        raise Refused(Code.ROTUR_DISABLED)
    address = not_throttled(ctx)
    try:
        found = await rotur.validate(
            config.rotur.validate_url, ctx.visitor.validator_key, cmd.validator, config.rotur.timeout_s
        )
    except rotur.RoturUnavailable as error:
        raise Refused(Code.ROTUR_UNAVAILABLE, reason=str(error)) from None
    if found is None or any(text.lower().startswith(RESERVED) for text in (found.id, found.username)):
        world.logins.count(address)
        raise Refused(Code.INVALID_AUTHENTICATION)
    if is_reserved(found.id) or (is_reserved(found.username) and found.id not in world.users):
        raise Refused(Code.NAME_TAKEN)
    used = await admit(ctx, cmd.invite, cmd.claim) if _is_new(world, found) else Used()
    user = world.users.get(found.id)
    joined = user is None
    events = list(used.news)
    named_so = world.users.by_username(found.username)
    free = (named_so is None or named_so.id == found.id) and not is_reserved(found.username)
    if user is None:
        if named_so is not None and named_so.extra.get(PLACEHOLDER) is True:
            user = _in_place_of(ctx, named_so, found.id, found.username)
        elif not free:  # people are told apart by their names
            raise Refused(Code.NAME_TAKEN)
        else:
            user = new_user(ctx, found.id, found.username, brought=used.roles)
    elif user.username != found.username and free:
        old, user = user, msgspec.structs.replace(user, username=found.username)
        world.users.put(user)
        events += renamed(world, old, user)
    return enter(ctx, user, claim=cmd.claim, gap=cmd.gap, joined=joined, news=events)


@handles(Login)
async def login(ctx: Context, cmd: Login) -> Change:
    world = ctx.world
    local_accounts_only(world)
    name = local_name(cmd.username)
    if not name or not cmd.password:
        raise Refused(Code.CREDENTIALS_REQUIRED)
    account = f"account {name}"
    not_throttled(ctx, account)
    user_id = LOCAL_PREFIX + name
    user = world.users.find(user_id)
    stored = user.password_hash if user is not None else None
    try:
        fits = await world.passwords.check(stored, cmd.password)
        fresh = await world.passwords.hash(cmd.password) if fits and stored and needs_rehash(stored) else None
    except Busy:
        raise Refused(Code.TOO_BUSY) from None
    not_throttled(ctx, account)  # other tries of the same burst may have failed meanwhile
    user = world.users.find(user_id)
    if not fits or user is None or user.password_hash != stored:
        world.logins.count(ctx.visitor.network, account)
        raise Refused(Code.INVALID_PASSWORD)
    if fresh is not None:
        user = msgspec.structs.replace(user, password_hash=fresh)
        world.users.put(user)
    return enter(ctx, user, claim=cmd.claim, gap=cmd.gap, joined=False)


@handles(Register)
async def register(ctx: Context, cmd: Register) -> Change:
    world = ctx.world
    local_accounts_only(world)
    if not world.config.cracked.allow_registration:
        raise Refused(Code.REGISTRATION_DISABLED)
    name = local_name(cmd.username)
    _check_new_account(world, name, cmd.password)
    uses_invite = may_come(ctx, cmd.invite, cmd.claim)
    count_registration(ctx)
    try:
        password_hash = await world.passwords.hash(cmd.password)
    except Busy:
        raise Refused(Code.TOO_BUSY) from None
    _check_new_account(world, name, cmd.password)  # the name may have been taken meanwhile
    used = Used()
    if uses_invite:
        used = await invites.use(ctx, cmd.invite or "")
        _check_new_account(world, name, cmd.password)
    user = new_user(
        ctx, LOCAL_PREFIX + name, LOCAL_PREFIX + name, nickname=name, password_hash=password_hash, brought=used.roles
    )
    return enter(ctx, user, claim=cmd.claim, gap=cmd.gap, joined=True, news=used.news)


@handles(ClaimOwner)
def claim_owner(ctx: Context, cmd: ClaimOwner) -> Outcome:
    if ctx.user.guest:
        raise Refused(Code.ACCOUNT_REQUIRED)
    not_throttled(ctx)
    user = _make_owner(ctx, ctx.user, cmd.code)
    reply = ClaimOwnerReply(user=user.username, roles=list(user.roles))
    return Outcome(
        reply=reply,
        events=roles_changed(ctx.world, user),
        audit=[_claimed(ctx, user)],
        then=ctx.world.claim.close,
    )


# --- shared ----------------------------------------------------------------------------------------------------


def local_accounts_only(world: World) -> None:
    """Raises Refused where only Rotur says who somebody is."""
    if world.config.auth_mode == "rotur":
        raise Refused(Code.AUTH_REQUIRED)


def not_throttled(ctx: Context, *keys: str) -> str:
    """Raises Refused while the address or a key has failed too often."""
    wait_s = ctx.world.logins.wait_s(ctx.visitor.network, *keys)
    if wait_s:
        raise Refused(Code.TOO_MANY_TRIES, wait_s=round(wait_s) + 1)
    return ctx.visitor.network


def may_come(ctx: Context, invite: str | None, claim: str | None = None) -> bool:
    """Raises Refused unless a newcomer may become a member. Gives whether that uses up the invitation: whoever is about
    to be the owner needs none."""
    if claim is not None and ctx.world.config.registration != "open":
        not_throttled(ctx)
        if ctx.world.claim.fits(claim):
            return False
        ctx.world.logins.count(ctx.visitor.network)
        raise Refused(Code.WRONG_CLAIM)
    invites.check(ctx, invite)
    return invite is not None


async def admit(ctx: Context, invite: str | None, claim: str | None = None) -> Used:
    """Let a newcomer in, or raise Refused."""
    return await invites.use(ctx, invite or "") if may_come(ctx, invite, claim) else Used()


def count_registration(ctx: Context) -> None:
    """Raises Refused when too many accounts and guests were made from this address lately."""
    wait_s = ctx.world.registrations.wait_s(ctx.visitor.network)
    if wait_s:
        raise Refused(Code.TOO_MANY_TRIES, wait_s=round(wait_s) + 1)
    ctx.world.registrations.count(ctx.visitor.network)


def check_name(name: str) -> None:
    """Raises Refused unless a local account or a guest can be called so."""
    if not NAME_LENGTH[0] <= len(name) <= NAME_LENGTH[1]:
        raise Refused(Code.BAD_NAME_LENGTH)
    if not NAME.fullmatch(name):
        raise Refused(Code.BAD_NAME)
    if is_reserved(name):
        raise Refused(Code.NAME_TAKEN)


def require_free(world: World, name: str, but_for: str | None = None) -> None:
    """Raises Refused when the bare name belongs to anybody besides the user with the id `but_for`."""
    found = (world.users.find(text) for text in (name, LOCAL_PREFIX + local_name(name)))
    if any(user is not None and user.id != but_for for user in found):
        raise Refused(Code.NAME_TAKEN)


def _is_new(world: World, found: rotur.RoturUser) -> bool:
    """Whether this login is to make a member. Raises Refused when that cannot be, before an invitation is used up."""
    if world.users.get(found.id) is not None:
        return False
    named_so = world.users.by_username(found.username)
    if named_so is None:
        return True
    if named_so.extra.get(PLACEHOLDER) is not True:
        raise Refused(Code.NAME_TAKEN)
    return False  # it was a member before the import


def _check_new_account(world: World, name: str, password: str) -> None:
    if not name or not password:
        raise Refused(Code.CREDENTIALS_REQUIRED)
    check_name(name)
    if not PASSWORD_LENGTH[0] <= len(password) <= PASSWORD_LENGTH[1]:
        raise Refused(Code.BAD_PASSWORD_LENGTH)
    require_free(world, name)


def new_user(
    ctx: Context,
    user_id: str,
    username: str,
    *,
    nickname: str | None = None,
    password_hash: str | None = None,
    brought: tuple[str, ...] = (),
) -> User:
    """brought: names of roles besides the usual ones."""
    config = ctx.world.config
    default = config.DB.users.default
    is_guest = user_id.startswith(GUEST_PREFIX)
    is_local = user_id.startswith(LOCAL_PREFIX)
    roles = config.guests.roles if is_guest else config.cracked.default_roles if is_local else None
    user = User(
        id=user_id,
        username=username,
        nickname=nickname,
        password_hash=password_hash,
        roles=tuple(dict.fromkeys((*brought, *(default.roles if roles is None else roles)))),
        status=Status(status="online", text=""),
        joined_at=ctx.now,
        guest=is_guest,
        extra={key: value for key, value in default.extra.items() if key not in User.__struct_fields__},
    )
    ctx.world.users.put(user)
    ctx.world.channels.forget_user(user_id)
    return user


def _in_place_of(ctx: Context, placeholder: User, user_id: str, username: str) -> User:
    """The member of whom an import knew only the name: what it was allowed, the one may who has that name now. Raises
    Refused when it was banned."""
    if placeholder.banned:
        raise Refused(Code.BANNED)
    ctx.world.users.remove(placeholder.id)
    user = new_user(ctx, user_id, username, nickname=placeholder.nickname)
    user = msgspec.structs.replace(user, roles=placeholder.roles or user.roles, muted_until=placeholder.muted_until)
    ctx.world.users.put(user)
    return user


def _make_owner(ctx: Context, user: User, code: str) -> User:
    """The user as owner. Raises Refused when the code is not the one on the start screen, or is used up."""
    if not ctx.world.claim.fits(code):
        ctx.world.logins.count(ctx.visitor.network)
        raise Refused(Code.WRONG_CLAIM)
    user = msgspec.structs.replace(user, roles=("owner", *(role for role in user.roles if role != "owner")))
    ctx.world.users.put(user)
    return user


def _claimed(ctx: Context, user: User) -> AuditEntry:
    return audit.entry(ctx.world, "claim_owner", user.id, user.username, actor_id=user.id, actor_name=user.username)


def enter(
    ctx: Context,
    user: User,
    *,
    claim: str | None,
    gap: bool,
    joined: bool,
    news: Sequence[Event] = (),
    token_check: Callable[[Transaction], str | None] = lambda tx: None,
) -> Change:
    """The last step of every login: bans, the claim code, a stored session, and the packets in their order.

    token_check: runs first in the transaction; raises Refused, or gives the id of the access token that lets in.
    """
    world, visitor = ctx.world, ctx.visitor
    if user.banned:
        raise Refused(Code.BANNED)
    claimed = claim is not None
    if claim is not None:
        user = _make_owner(ctx, user, claim)
    token = world.new_uuid() if visitor.gateway == "rooms" else world.new_secret()
    session = Session(
        id=world.new_id(),
        user_id=user.id,
        sink=visitor.sink,
        address=visitor.address,
        gap_aware=gap,
        joins=visitor.gateway != "",
        gateway=visitor.gateway,
    )
    stored = StoredSession(
        id=session.id,
        token_hash=token_hash(token),
        user_id=user.id,
        created_at=ctx.now,
        last_seen=ctx.now,
        address=visitor.address,
        agent=visitor.agent,
        gateway=visitor.gateway,
    )

    def change(tx: Transaction) -> Outcome:
        tx.sessions.add(msgspec.structs.replace(stored, access_token=token_check(tx)))
        tx.sessions.end_oldest_lost(user.id, MAX_SESSIONS)
        # the name may have been somebody else's, whose direct messages are none of the newcomer's business
        former = tx.directs.retire(user.id) if joined and user.is_local else []
        if joined:
            tx.memberships.forget_user(user.id)
            tx.push.forget_user(user.id)
        invited = tx.invites.forget_user(user.id) if joined else []
        if joined and user.is_local:
            tx.attachments.disown(user.id)
            tx.polls.retire(user.id, former=f"former:{session.id}")
        seq = tx.log.newest()
        session.since = seq
        events = [*news, *invites.gone(world, invited)]
        if joined:
            events.append(Event(Everyone(), UserJoinEvent(user=user_entry(world, user, online=True))))
        if claimed and not joined:
            events += roles_changed(world, user)
        return Outcome(
            first=[
                AuthSuccessEvent(),
                ReadyEvent(user=ready_user(world, user), validator=token, session=token, seq=seq),
            ],
            events=events,
            audit=[_claimed(ctx, user)] if claimed else [],
            then=lambda: entered(former, invited),
        )

    def entered(former: Sequence[Direct], invited: Sequence[str]) -> None:
        world.invites.remove(invited)
        for direct in former:
            world.directs.put(direct)
        if joined:
            world.memberships.forget_user(user.id)
            world.push_subscriptions.forget_user(user.id)
        if claimed:
            world.claim.close()
        visitor.log_in(session)

    return change
