"""Roles that members take and drop themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from db.permissions import self_assignable
from db.roles import Role
from handlers.outcome import Outcome
from handlers.registry import handles
from handlers.roles import find_role, role_object
from handlers.users import roles_changed
from protocol.errors import Code, Refused
from protocol.objects_community import SelfRole
from protocol.roles import (
    SelfRoleAdd,
    SelfRoleAddReply,
    SelfRoleRemove,
    SelfRoleRemoveReply,
    SelfRolesList,
    SelfRolesListReply,
)

if TYPE_CHECKING:
    from handlers.context import Context


def _open_role(ctx: Context, text: str) -> Role:
    """A role is open when it is marked so and gives no power over others, however the mark got there."""
    role = find_role(ctx.world, text)
    if not role.self_assignable or not self_assignable(role):
        raise Refused(Code.NOT_SELF_ASSIGNABLE)
    return role


@handles(SelfRoleAdd)
def self_role_add(ctx: Context, cmd: SelfRoleAdd) -> Outcome:
    role, user = _open_role(ctx, cmd.role), ctx.user
    if role.name in user.roles:
        raise Refused(Code.ROLE_HELD)
    ctx.world.profile_changes.spend(user.id)
    changed = msgspec.structs.replace(user, roles=(*user.roles, role.name))
    ctx.world.users.put(changed)
    reply = SelfRoleAddReply(role=role.name, roles=list(changed.roles))
    entry = ctx.audit("self_role_add", user.id, user.username, role=role.name)
    return Outcome(reply=reply, events=roles_changed(ctx.world, changed), audit=[entry])


@handles(SelfRoleRemove)
def self_role_remove(ctx: Context, cmd: SelfRoleRemove) -> Outcome:
    role, user = _open_role(ctx, cmd.role), ctx.user
    if role.name not in user.roles:
        raise Refused(Code.ROLE_NOT_HELD)
    ctx.world.profile_changes.spend(user.id)
    changed = msgspec.structs.replace(user, roles=tuple(name for name in user.roles if name != role.name))
    ctx.world.users.put(changed)
    reply = SelfRoleRemoveReply(role=role.name, roles=list(changed.roles))
    entry = ctx.audit("self_role_remove", user.id, user.username, role=role.name)
    return Outcome(reply=reply, events=roles_changed(ctx.world, changed), audit=[entry])


@handles(SelfRolesList)
def self_roles_list(ctx: Context, cmd: SelfRolesList) -> Outcome:
    held = ctx.user.roles
    entries = [
        SelfRole(**msgspec.structs.asdict(role_object(role)), assigned=role.name in held)
        for role in ctx.world.roles.by_position()
        if role.self_assignable and self_assignable(role)
    ]
    return Outcome(reply=SelfRolesListReply(roles=entries))
