"""Who has which roles: set, given and taken by those above."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from db.permissions import OWNER
from db.users import User
from handlers.outcome import Outcome
from handlers.registry import handles
from handlers.roles import find_role
from handlers.users import find_user, require_above, require_another_owner, roles_changed, user_roles
from protocol.errors import Code, Refused
from protocol.roles import (
    UserRolesAdd,
    UserRolesAddReply,
    UserRolesGet,
    UserRolesRemove,
    UserRolesRemoveReply,
    UserRolesSet,
)

if TYPE_CHECKING:
    from db.audit import AuditEntry
    from handlers.context import Context


@handles(UserRolesGet)
def user_roles_get(ctx: Context, cmd: UserRolesGet) -> Outcome:
    return Outcome(reply=user_roles(ctx.world, find_user(ctx.world, cmd.user)))


@handles(UserRolesSet)
def user_roles_set(ctx: Context, cmd: UserRolesSet) -> Outcome:
    target = _target(ctx, cmd.user)
    # names that the member has and that belong to no role (any more) may stay, in any place
    wanted = tuple(text if text in target.roles else find_role(ctx.world, text).name for text in cmd.roles)
    changed = _give(ctx, target, wanted)
    if changed.roles == target.roles:
        return Outcome(reply=user_roles(ctx.world, target, global_=True))
    return Outcome(events=roles_changed(ctx.world, changed, global_=True), audit=[_note(ctx, target, changed)])


@handles(UserRolesAdd)
def user_roles_add(ctx: Context, cmd: UserRolesAdd) -> Outcome:
    target = _target(ctx, cmd.user)
    wanted = (*target.roles, *(find_role(ctx.world, text).name for text in cmd.roles))
    changed = _give(ctx, target, wanted)
    added = changed.roles != target.roles
    return Outcome(
        reply=UserRolesAddReply(user=target.username, roles=list(changed.roles), added=added),
        events=roles_changed(ctx.world, changed) if added else [],
        audit=[_note(ctx, target, changed)] if added else [],
    )


@handles(UserRolesRemove)
def user_roles_remove(ctx: Context, cmd: UserRolesRemove) -> Outcome:
    target = _target(ctx, cmd.user)
    taken = {text if text in target.roles else find_role(ctx.world, text).name for text in cmd.roles}
    left = tuple(role for role in target.roles if role not in taken)
    removed = left != target.roles
    if not left:
        raise Refused(Code.NO_ROLE_LEFT)
    changed = _give(ctx, target, left)
    return Outcome(
        reply=UserRolesRemoveReply(user=target.username, roles=list(changed.roles), removed=removed),
        events=roles_changed(ctx.world, changed) if removed else [],
        audit=[_note(ctx, target, changed)] if removed else [],
    )


def _note(ctx: Context, old: User, changed: User) -> AuditEntry:
    return ctx.audit("user_roles_set", changed.id, changed.username, {"roles": old.roles}, roles=list(changed.roles))


def _target(ctx: Context, text: str) -> User:
    """Oneself, or a member below."""
    target = find_user(ctx.world, text)
    if target.id != ctx.user.id:
        require_above(ctx, target)
    return target


def _give(ctx: Context, target: User, roles: tuple[str, ...]) -> User:
    """Check each role that comes or goes, then change the member. Gives it as it is now."""
    world, roles = ctx.world, tuple(dict.fromkeys(roles))
    for name in roles:
        if name not in target.roles:
            role = find_role(world, name)
            if not world.access.may_manage(ctx.user, role):
                raise Refused(Code.ROLE_ABOVE, role=name)
            above = world.access.above(ctx.user, role.permissions)
            if above:
                raise Refused(Code.PERMISSION_ABOVE, permission=above[0])
    for name in target.roles:
        held = world.roles.get(name)
        if name not in roles and held is not None and not world.access.may_manage(ctx.user, held):
            raise Refused(Code.ROLE_ABOVE, role=name)
    if OWNER in target.roles and OWNER not in roles:
        require_another_owner(world, target)
    if roles == target.roles:
        return target
    changed = msgspec.structs.replace(target, roles=roles)
    world.users.put(changed)
    return changed
