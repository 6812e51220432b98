"""Roles. Nobody manages a role at or above the own rank, or passes on a permission it does not hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from db.channels import Channel
from db.permissions import ADMINISTRATOR, NOT_DELETABLE, self_assignable
from db.roles import Role
from db.users import User
from handlers.names import checked_role_name
from handlers.outcome import Change, Event, Outcome
from handlers.registry import handles
from handlers.users import CHANNEL_LIST, user_roles
from protocol import objects_community as wire
from protocol.audience import Everyone
from protocol.errors import Code, Refused
from protocol.roles import (
    RoleCreate,
    RoleCreateReply,
    RoleData,
    RoleDelete,
    RoleDeleteReply,
    RolePermissionsGet,
    RolePermissionsGetReply,
    RolePermissionsSet,
    RolePermissionsSetReply,
    RoleReorder,
    RoleReorderReply,
    RoleSet,
    RoleSetReply,
    RolesList,
    RolesListEvent,
    RoleUpdate,
    RoleUpdateReply,
)

if TYPE_CHECKING:
    from db.transaction import Transaction
    from handlers.context import Context, World
    from protocol.base import Packet


# --- how roles appear, and what is told of them


def role_object(role: Role) -> wire.Role:
    return wire.Role(
        id=role.id,
        name=role.name,
        description=role.description,
        color=role.color,
        hoisted=role.hoisted,
        permissions=list(role.permissions),
        self_assignable=role.self_assignable,
        category=role.category,
        position=role.position,
    )


def all_roles(world: World) -> RolesListEvent:
    return RolesListEvent(roles={role.name: role_object(role) for role in world.roles})


def gives_sight(old: Role | None, new: Role | None) -> bool:
    """Whether the change of a role can change which channels its members may view."""
    return (old is not None and ADMINISTRATOR in old.permissions) != (
        new is not None and ADMINISTRATOR in new.permissions
    )


def _told(world: World, *, members: list[User] | None = None, sight: bool = False) -> list[Event]:
    """What is told after a change of roles. members: whose lists of roles have changed."""
    events = [Event(Everyone(), all_roles(world))]
    events += [Event(Everyone(), user_roles(world, user)) for user in members or ()]
    if sight:
        events.append(Event(Everyone(), CHANNEL_LIST))
    return events


# --- finding and checking


def find_role(world: World, id_: str | None, name: str | None = None) -> Role:
    """By id, else by name. Raises Refused."""
    text = id_ or name
    if not text:
        raise Refused(Code.ROLE_REQUIRED)
    role = world.roles.find(text)
    if role is None:
        raise Refused(Code.ROLE_NOT_FOUND, role=text)
    return role


def _managed_role(ctx: Context, id_: str | None, name: str | None) -> Role:
    role = find_role(ctx.world, id_, name)
    if not ctx.world.access.may_manage(ctx.user, role):
        raise Refused(Code.ROLE_ABOVE, role=role.name)
    return role


def _checked_permissions(ctx: Context, held: tuple[str, ...], wanted: list[str]) -> tuple[str, ...]:
    """Without doubles. held: those the role has already, which anybody who manages it may leave there."""
    above = ctx.world.access.above(ctx.user, [name for name in wanted if name not in held])
    if above:
        raise Refused(Code.PERMISSION_ABOVE, permission=above[0])
    return tuple(dict.fromkeys(wanted))


def _check_self_assignable(role: Role) -> None:
    if role.self_assignable and not self_assignable(role):
        raise Refused(Code.CANNOT_BE_SELF_ASSIGNABLE, role=role.name)


def _check_free(world: World, name: str, role: Role | None = None) -> None:
    """Raise Refused when another role has this name; upper and lower case are the same."""
    if any(other.name.casefold() == name.casefold() for other in world.roles if other is not role):
        raise Refused(Code.ROLE_EXISTS)


def _check_unused_by_config(world: World, role: Role) -> None:
    config = world.config
    if role.name in config.DB.users.default.roles or role.name in (config.cracked.default_roles or ()):
        raise Refused(Code.ROLE_IN_USE, where="the roles of new members (config.json)")


def _rules_naming(world: World, role: str) -> list[Channel]:
    """Channels with a rule that allows or denies the role."""
    return [
        channel
        for channel in world.channels.values()
        if any(role in rule or f"!{role}" in rule for rule in channel.permissions.values())
    ]


# --- commands


@handles(RolesList)
def roles_list(ctx: Context, cmd: RolesList) -> Outcome:
    return Outcome(reply=all_roles(ctx.world))


@handles(RoleCreate)
def role_create(ctx: Context, cmd: RoleCreate) -> Outcome:
    world = ctx.world
    name = checked_role_name(cmd.name)
    _check_free(world, name)
    role = Role(
        name=name,
        id=world.new_id(),
        description=cmd.description,
        color=cmd.color,
        hoisted=cmd.hoisted,
        permissions=_checked_permissions(ctx, (), cmd.permissions or []),
        self_assignable=cmd.self_assignable,
        category=cmd.category,
        position=max((other.position + 1 for other in world.roles), default=0),
    )
    _check_self_assignable(role)
    world.roles.put(role)
    return Outcome(
        reply=RoleCreateReply(id=role.id, name=role.name),
        events=_told(world, sight=gives_sight(None, role)),
        audit=[ctx.audit("role_create", role.id, role.name, color=role.color, permissions=list(role.permissions))],
    )


@handles(RoleUpdate)
def role_update(ctx: Context, cmd: RoleUpdate) -> Outcome | Change:
    """`name` names the role, or renames the one that `id` names."""
    role = _managed_role(ctx, cmd.id, cmd.name)
    data = RoleData(
        name=cmd.name if cmd.id and cmd.name else UNSET,
        description=cmd.description,
        color=cmd.color,
        hoisted=cmd.hoisted,
        self_assignable=cmd.self_assignable,
        permissions=cmd.permissions,
        category=cmd.category,
    )
    return _change(ctx, role, data, lambda new: RoleUpdateReply(id=new.id, name=new.name, updated=True))


@handles(RoleSet)
def role_set(ctx: Context, cmd: RoleSet) -> Outcome | Change:
    role = _managed_role(ctx, cmd.id, cmd.name)
    return _change(ctx, role, cmd.data, lambda new: RoleSetReply(id=new.id, name=new.name, updated=True))


def _change(
    ctx: Context, role: Role, data: RoleData, reply: Callable[[Role], Packet], action: str = "role_update"
) -> Outcome | Change:
    """Check everything, then change: the role, and with its name what refers to it. What changes nothing is told to
    nobody else. reply: to the role as it is then. action: as the moderation log names it."""
    world, access = ctx.world, ctx.world.access
    fields: dict[str, Any] = {
        field: value for field in data.__struct_fields__ if (value := getattr(data, field)) is not UNSET
    }
    if not fields:
        raise Refused(Code.NO_UPDATES)
    if data.permissions is not UNSET:
        fields["permissions"] = _checked_permissions(ctx, role.permissions, data.permissions)
    if data.position is not UNSET and not access.is_owner(ctx.user) and data.position <= access.rank(ctx.user):
        raise Refused(Code.ROLE_ABOVE, role=role.name)
    if data.name is not UNSET:
        fields["name"] = _checked_new_name(world, role, data.name)
    new = msgspec.structs.replace(role, **fields)
    if {"name", "permissions", "self_assignable"} & fields.keys():
        _check_self_assignable(new)
    if new == role:
        return Outcome(reply=reply(role))
    audit = [ctx.audit(action, new.id, new.name, role_changes(new, role), **role_changes(role, new))]
    if new.name == role.name:
        world.roles.put(new)
        return Outcome(reply=reply(new), events=_told(world, sight=gives_sight(role, new)), audit=audit)
    world.roles.remove(role.name)
    world.roles.put(new)
    members = _rename_everywhere(world, role.name, new.name)
    outcome = Outcome(reply=reply(new), events=_told(world, members=members, sight=True), audit=audit)

    def change(tx: Transaction) -> Outcome:
        tx.role_pings.rename(role.name, new.name)
        return outcome

    return change


def role_changes(old: Role, new: Role) -> dict[str, Any]:
    """The fields that a role's managers set and that differ, as they are in `new`."""
    fields = RoleData.__struct_fields__
    return {field: getattr(new, field) for field in fields if getattr(old, field) != getattr(new, field)}


def _checked_new_name(world: World, role: Role, text: str) -> str:
    name = checked_role_name(text)
    if name == role.name:
        return name
    if role.name in NOT_DELETABLE:
        raise Refused(Code.ROLE_PROTECTED, role=role.name)
    _check_free(world, name, role)
    _check_unused_by_config(world, role)
    return name


def _rename_everywhere(world: World, old: str, new: str) -> list[User]:
    """Members, channel rules and mention rules refer to roles by name. Gives the members as they are now."""
    for channel in _rules_naming(world, old):
        rules = {
            key: _replaced(_replaced(rule, old, new), f"!{old}", f"!{new}") for key, rule in channel.permissions.items()
        }
        world.channels.put(msgspec.structs.replace(channel, permissions=rules))
    for role in list(world.roles):
        mention = role.mention_roles
        if mention == old:
            world.roles.put(msgspec.structs.replace(role, mention_roles=new))
        elif isinstance(mention, tuple) and old in mention:
            world.roles.put(msgspec.structs.replace(role, mention_roles=_replaced(mention, old, new)))
    members = [
        msgspec.structs.replace(user, roles=_replaced(user.roles, old, new)) for user in world.users.with_role(old)
    ]
    for user in members:
        world.users.put(user)
    return members


def _replaced(names: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(new if name == old else name for name in names))


@handles(RoleDelete)
def role_delete(ctx: Context, cmd: RoleDelete) -> Change:
    world, role = ctx.world, _managed_role(ctx, cmd.id, cmd.name)
    if role.name in NOT_DELETABLE:
        raise Refused(Code.ROLE_PROTECTED, role=role.name)
    _check_unused_by_config(world, role)
    for channel in _rules_naming(world, role.name):
        seen = world.access.may(ctx.user, channel, "view")
        where = f"channel '{channel.name}' permissions" if seen else "the permissions of a channel"
        raise Refused(Code.ROLE_IN_USE, where=where)
    world.roles.remove(role.name)
    members = [
        msgspec.structs.replace(user, roles=tuple(name for name in user.roles if name != role.name))
        for user in world.users.with_role(role.name)
    ]
    for user in members:
        world.users.put(user)
    outcome = Outcome(
        reply=RoleDeleteReply(id=role.id, name=role.name, deleted=True),
        events=_told(world, members=members, sight=gives_sight(role, None)),
        audit=[ctx.audit("role_delete", role.id, role.name)],
    )

    def change(tx: Transaction) -> Outcome:
        tx.role_pings.forget(role.name)
        return outcome

    return change


@handles(RoleReorder)
def role_reorder(ctx: Context, cmd: RoleReorder) -> Outcome:
    """Roles that the list leaves out, and those the caller may not manage, keep their places."""
    world, access = ctx.world, ctx.world.access
    wanted = [find_role(world, text) for text in cmd.roles]
    if len({role.name for role in wanted}) != len(wanted):
        raise Refused(Code.BAD_VALUE, field="role_reorder.roles", reason="a role is named twice")
    now = world.roles.by_position()
    listed = iter(wanted)
    order = [next(listed) if role in wanted else role for role in now]
    managed = [role for role in order if access.may_manage(ctx.user, role)]
    first = 0 if access.is_owner(ctx.user) else access.rank(ctx.user) + 1
    moved = {role.name: msgspec.structs.replace(role, position=first + at) for at, role in enumerate(managed)}
    result = sorted((moved.get(role.name, role) for role in order), key=lambda role: role.position)
    names = [role.name for role in wanted]
    for asked, gets in zip(names, (role.name for role in result if role.name in set(names)), strict=True):
        if asked != gets:
            raise Refused(Code.ROLE_ABOVE, role=gets)
    reply = RoleReorderReply(roles=[role.name for role in result])
    changed = [role for role in moved.values() if role != world.roles.get(role.name)]
    for role in changed:
        world.roles.put(role)
    if not changed:
        return Outcome(reply=reply)
    entry = ctx.audit("role_reorder", None, None, {"roles": [role.name for role in now]}, roles=reply.roles)
    return Outcome(reply=reply, events=_told(world), audit=[entry])


@handles(RolePermissionsSet)
def role_permissions_set(ctx: Context, cmd: RolePermissionsSet) -> Outcome | Change:
    def reply(new: Role) -> Packet:
        return RolePermissionsSetReply(id=new.id, name=new.name, permissions=list(new.permissions), updated=True)

    role, data = _managed_role(ctx, cmd.id, cmd.name), RoleData(permissions=cmd.permissions)
    return _change(ctx, role, data, reply, "role_permissions_set")


@handles(RolePermissionsGet)
def role_permissions_get(ctx: Context, cmd: RolePermissionsGet) -> Outcome:
    role = find_role(ctx.world, cmd.id, cmd.name)
    return Outcome(reply=RolePermissionsGetReply(id=role.id, name=role.name, permissions=list(role.permissions)))
