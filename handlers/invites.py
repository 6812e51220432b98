"""Invitations: making, listing and deleting them, and what becomes of a code at the door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from db.invites import Invite
from db.permissions import OWNERS_ONLY
from db.users import LOCAL_PREFIX, User
from handlers.outcome import Change, Event, Outcome
from handlers.registry import handles
from handlers.roles import find_role
from handlers.stored import stored
from protocol import invites as wire
from protocol.audience import Holders
from protocol.errors import Code, Refused
from protocol.invites import (
    InviteCreate,
    InviteCreateEvent,
    InviteDelete,
    InviteDeleteEvent,
    InvitesList,
    InvitesListReply,
    InviteUpdateEvent,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from db.roles import Role
    from db.transaction import Transaction
    from handlers.context import Context, World
    from protocol.base import Packet

CODE_LENGTH = 16
"""Characters of a code, each of 64: 96 bits."""
MANAGER = "manage_server"


@handles(InviteCreate)
def invite_create(ctx: Context, cmd: InviteCreate) -> Change:
    world, user = ctx.world, ctx.user
    if user.guest:
        raise Refused(Code.ACCOUNT_REQUIRED)
    roles = [_grantable(ctx, text) for text in dict.fromkeys(cmd.roles)]
    most = world.config.limits.invites_per_user
    invite = Invite(
        code=world.new_secret()[:CODE_LENGTH],
        created_by=user.id,
        created_at=ctx.now,
        expires_at=None if cmd.expires_in_s is None else ctx.now + cmd.expires_in_s,
        max_uses=cmd.max_uses,
        note=cmd.note.strip(),
        roles=tuple(role.id for role in roles),
    )
    entry = ctx.audit(
        "invite_create",
        None,
        _shortened(invite.code),
        expires_at=invite.expires_at,
        max_uses=invite.max_uses,
        roles=[role.name for role in roles],
    )
    made = _told(invite, InviteCreateEvent(invite=_object(world, invite, ctx.now)))

    def change(tx: Transaction) -> Outcome:
        if tx.invites.count(user.id) >= most:
            raise Refused(Code.TOO_MANY_INVITES, max=most)
        tx.invites.add(invite)
        return Outcome(events=[made], audit=[entry], then=lambda: world.invites.put(invite))

    return change


@handles(InvitesList)
def invites_list(ctx: Context, cmd: InvitesList) -> Change:
    world, now = ctx.world, ctx.now
    mine = None if world.access.can(ctx.user, MANAGER) else ctx.user.id

    def change(tx: Transaction) -> Outcome:
        found = [invite for invite in tx.invites.all() if mine is None or invite.created_by == mine]
        return Outcome(reply=InvitesListReply(invites=[_object(world, invite, now) for invite in found]))

    return change


@handles(InviteDelete)
def invite_delete(ctx: Context, cmd: InviteDelete) -> Change:
    world = ctx.world
    invite = world.invites.get(cmd.code)
    if invite is None or (invite.created_by != ctx.user.id and not world.access.can(ctx.user, MANAGER)):
        raise Refused(Code.INVITE_NOT_FOUND)
    maker = world.users.get(invite.created_by)
    entry = ctx.audit("invite_delete", None, _shortened(cmd.code), created_by=maker and maker.username)
    deleted = gone(world, [cmd.code])

    def change(tx: Transaction) -> Outcome:
        if not tx.invites.delete(cmd.code):
            raise Refused(Code.INVITE_NOT_FOUND)
        return Outcome(events=deleted, audit=[entry], then=lambda: world.invites.remove([cmd.code]))

    return change


def gone(world: World, codes: Iterable[str]) -> list[Event]:
    """What those who list them are told when invitations go. Call it while they are in memory."""
    found = filter(None, map(world.invites.get, codes))
    return [_told(invite, InviteDeleteEvent(code=invite.code)) for invite in found]


def _told(invite: Invite, packet: Packet) -> Event:
    """To those to whom `invites_list` shows it."""
    return Event(Holders((MANAGER,), user=invite.created_by), packet)


def _grantable(ctx: Context, text: str) -> Role:
    """A role that the caller may put into an invitation: none of those that only an owner gives."""
    access, user = ctx.world.access, ctx.user
    if not access.can(user, "manage_roles"):
        raise Refused(Code.PERMISSION_REQUIRED, permission="manage_roles")
    role = find_role(ctx.world, text)
    if role.name in OWNERS_ONLY or not access.may_manage(user, role):
        raise Refused(Code.ROLE_ABOVE, role=role.name)
    above = access.above(user, role.permissions)
    if above:
        raise Refused(Code.PERMISSION_ABOVE, permission=above[0])
    return role


def _object(world: World, invite: Invite, now: float) -> wire.Invite:
    maker = world.users.get(invite.created_by)
    return wire.Invite(
        code=invite.code,
        created_by=invite.created_by if maker is None else maker.username,
        created_at=invite.created_at,
        expires_at=invite.expires_at,
        max_uses=invite.max_uses,
        uses=invite.uses,
        note=invite.note,
        roles=[role.name for role in _roles(world, invite)],
        valid=valid(world, invite, now),
    )


def _shortened(code: str) -> str:
    """For the moderation log, whose readers are not to come by it."""
    return code[:4] + "…"


# --- at the door -----------------------------------------------------------------------------------------------


class Card(msgspec.Struct, frozen=True):
    """What a visitor is told of an invitation. inviter: as people call the one who made it."""

    valid: bool
    inviter: str | None
    expires_at: float | None


def registration(world: World) -> Literal["open", "invite", "closed"]:
    """Who may become a member by a local account or as a guest: `open`, `invite` or `closed`."""
    config = world.config
    return config.registration if config.auth_mode == "rotur" or config.cracked.allow_registration else "closed"


def valid(world: World, invite: Invite, now: float) -> bool:
    """Not expired, not used up, and whoever made it is still here and not banned."""
    maker = world.users.get(invite.created_by)
    return invite.usable(now) and maker is not None and not maker.banned


def card(world: World, code: str) -> Card | None:
    """None when there is no such invitation."""
    invite = world.invites.get(code)
    if invite is None:
        return None
    maker = world.users.get(invite.created_by)
    good = world.config.registration != "closed" and valid(world, invite, world.clock())
    return Card(good, None if maker is None else _called(maker), invite.expires_at)


def _called(user: User) -> str:
    return user.nickname or user.username.removeprefix(LOCAL_PREFIX)


def check(ctx: Context, code: str | None) -> None:
    """Raises Refused unless a newcomer with this code may become a member; nothing is used up."""
    world, who = ctx.world, ctx.world.config.registration
    if who == "closed":
        raise Refused(Code.REGISTRATION_DISABLED)
    if code is None:
        if who == "invite":
            raise Refused(Code.INVITE_REQUIRED)
        return
    wait_s = world.logins.wait_s(ctx.visitor.network)
    if wait_s:
        raise Refused(Code.TOO_MANY_TRIES, wait_s=round(wait_s) + 1)
    invite = world.invites.get(code)
    if invite is None:
        world.logins.count(ctx.visitor.network)
        raise Refused(Code.INVITE_NOT_FOUND)
    if not valid(world, invite, ctx.now):
        raise Refused(Code.INVITE_EXPIRED)


class Used(msgspec.Struct, frozen=True):
    """What comes with an invitation. roles: names. news: what others are told of its use."""

    roles: tuple[str, ...] = ()
    news: tuple[Event, ...] = ()


async def use(ctx: Context, code: str) -> Used:
    """Use up one use, which is on disk before the account is made: a crash in between loses a use, and never lets one
    too many in. Raises Refused."""
    world, now = ctx.world, ctx.now
    check(ctx, code)
    used = await stored(world, lambda tx: tx.invites.use(code, now))
    if used is None:
        raise Refused(Code.INVITE_EXPIRED)
    if world.invites.get(code) is None:  # it was deleted meanwhile
        return Used(_brought(world, used))
    world.invites.put(used)
    return Used(_brought(world, used), (_told(used, InviteUpdateEvent(invite=_object(world, used, now))),))


def _brought(world: World, invite: Invite) -> tuple[str, ...]:
    """What the maker may still give."""
    maker = world.users.get(invite.created_by)
    if maker is None or not world.access.can(maker, "manage_roles"):
        return ()
    may = world.access.may_grant
    return tuple(role.name for role in _roles(world, invite) if role.name not in OWNERS_ONLY and may(maker, role))


def _roles(world: World, invite: Invite) -> list[Role]:
    """Those of its roles that there still are."""
    by_id = {role.id: role for role in world.roles}
    return [by_id[id_] for id_ in invite.roles if id_ in by_id]
