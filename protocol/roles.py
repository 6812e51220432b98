"""Roles, and who has them. A lower position is more powerful; nobody manages roles at or above their own."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from protocol.base import Command, Packet, spec
from protocol.channels import ChannelsGetEvent
from protocol.errors import Code
from protocol.objects_community import (
    Category,
    Color,
    Description,
    Hoisted,
    Permissions,
    Role,
    RoleIdRef,
    RoleName,
    RoleNameRef,
    RoleNames,
    SelfAssignable,
    SelfRole,
    UserColor,
    UserRef,
)

NewName = Annotated[
    str,
    Meta(description="1 to 64 visible characters, unique without case, not starting with `!`; both ends are trimmed."),
]
Position = Annotated[int, Meta(ge=0, le=100_000, description="Lower is more powerful.")]
MANAGE_ERRORS = (Code.ROLE_REQUIRED, Code.ROLE_NOT_FOUND, Code.ROLE_ABOVE)
CHANGE_ERRORS = (
    *MANAGE_ERRORS,
    Code.PERMISSION_ABOVE,
    Code.CANNOT_BE_SELF_ASSIGNABLE,
    Code.ROLE_PROTECTED,
    Code.ROLE_EXISTS,
    Code.BAD_ROLE_NAME,
    Code.ROLE_IN_USE,
)
MANAGERS = "server permission `manage_roles`, for roles below the own ones"
HOLDERS = "server permission `manage_users`, for oneself and members below, and roles below the own ones"


class RolesListEvent(Packet, kw_only=True, frozen=True, tag="roles_list"):
    """All roles by name; the answer to `roles_list`, and news to everybody whenever a role changes."""

    durable: ClassVar[bool] = True

    roles: dict[str, Role]


class UserRolesGetEvent(Packet, kw_only=True, frozen=True, tag="user_roles_get"):
    """The roles of one member, in the order that decides color and channel rules."""

    durable: ClassVar[bool] = True

    user: str
    roles: list[str]
    color: UserColor
    global_: Literal[True] | UnsetType = field(name="global", default=UNSET)


# ---------------------------------------------------------------- roles


@spec(does="List all roles.", allowed="everybody after login", reply=RolesListEvent)
class RolesList(Command, kw_only=True, frozen=True):
    pass


class RoleCreateReply(Packet, kw_only=True, frozen=True, tag="role_create"):
    """The role exists."""

    id: str
    name: str


@spec(
    does="Create a role, below all others.",
    allowed="server permission `manage_roles`; only permissions that the caller holds",
    needs="manage_roles",
    reply=RoleCreateReply,
    events=(RolesListEvent, ChannelsGetEvent),
    errors=(Code.ROLE_EXISTS, Code.BAD_ROLE_NAME, Code.PERMISSION_ABOVE, Code.CANNOT_BE_SELF_ASSIGNABLE),
    example={"name": "gamer", "color": "#00FF00", "self_assignable": True},
)
class RoleCreate(Command, kw_only=True, frozen=True):
    name: NewName
    description: Description | None = None
    color: Color | None = None
    permissions: Permissions | None = None
    hoisted: Hoisted = False
    self_assignable: SelfAssignable = False
    category: Category | None = None


class RoleUpdateReply(Packet, kw_only=True, frozen=True, tag="role_update"):
    """The role is changed."""

    id: str
    name: str
    updated: bool


@spec(
    does="Change or rename a role; a new name is taken over by its members and by the rules of channels.",
    allowed=MANAGERS,
    needs="manage_roles",
    reply=RoleUpdateReply,
    events=(RolesListEvent, UserRolesGetEvent, ChannelsGetEvent),
    errors=(*CHANGE_ERRORS, Code.NO_UPDATES),
    example={"name": "gamer", "color": "#00FF00"},
)
class RoleUpdate(Command, kw_only=True, frozen=True):
    id: RoleIdRef = None
    name: Annotated[str | None, Meta(description="Without `id` the role's name, with `id` its new name.")] = None
    description: Description | UnsetType | None = UNSET
    color: Color | UnsetType | None = UNSET
    hoisted: Hoisted | UnsetType = UNSET
    self_assignable: SelfAssignable | UnsetType = UNSET
    permissions: Permissions | UnsetType = UNSET
    category: Category | UnsetType | None = UNSET


class RoleData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change of a role."""

    name: NewName | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    color: Color | UnsetType | None = UNSET
    hoisted: Hoisted | UnsetType = UNSET
    self_assignable: SelfAssignable | UnsetType = UNSET
    permissions: Permissions | UnsetType = UNSET
    category: Category | UnsetType | None = UNSET
    position: Position | UnsetType = UNSET


class RoleSetReply(Packet, kw_only=True, frozen=True, tag="role_set"):
    """The role is changed."""

    id: str
    name: str
    updated: bool


@spec(
    does="Change a role by a data object, its position included.",
    allowed=MANAGERS,
    needs="manage_roles",
    reply=RoleSetReply,
    events=(RolesListEvent, UserRolesGetEvent, ChannelsGetEvent),
    errors=(*CHANGE_ERRORS, Code.NO_UPDATES),
    example={"name": "gamer", "data": {"name": "player", "position": 4}},
)
class RoleSet(Command, kw_only=True, frozen=True):
    id: RoleIdRef = None
    name: RoleNameRef = None
    data: Annotated[RoleData, Meta(description="What is to change; nothing else changes.")]


class RoleDeleteReply(Packet, kw_only=True, frozen=True, tag="role_delete"):
    """The role is gone, from its members too."""

    id: str
    name: str
    deleted: bool


@spec(
    does="Delete a role that no channel rule names, and take it from its members.",
    allowed=MANAGERS,
    needs="manage_roles",
    reply=RoleDeleteReply,
    events=(RolesListEvent, UserRolesGetEvent, ChannelsGetEvent),
    errors=(*MANAGE_ERRORS, Code.ROLE_PROTECTED, Code.ROLE_IN_USE),
    example={"name": "gamer"},
)
class RoleDelete(Command, kw_only=True, frozen=True):
    id: RoleIdRef = None
    name: RoleNameRef = None


class RoleReorderReply(Packet, kw_only=True, frozen=True, tag="role_reorder"):
    """The order is set; all roles by name, the most powerful first."""

    roles: list[str]


@spec(
    does="Set the positions of roles by their order in a list; roles that it leaves out keep their places.",
    allowed="server permission `manage_roles`; roles at or above the own ones keep their places",
    needs="manage_roles",
    reply=RoleReorderReply,
    events=(RolesListEvent,),
    errors=(Code.ROLE_NOT_FOUND, Code.ROLE_ABOVE, Code.BAD_VALUE),
    example={"roles": ["owner", "admin", "moderator", "gamer", "user"]},
)
class RoleReorder(Command, kw_only=True, frozen=True):
    roles: RoleNames


class RolePermissionsSetReply(Packet, kw_only=True, frozen=True, tag="role_permissions_set"):
    """The role has these permissions now."""

    id: str
    name: str
    permissions: list[str]
    updated: bool


@spec(
    does="Replace the permissions of a role.",
    allowed=f"{MANAGERS}; only permissions that the caller holds are added",
    needs="manage_roles",
    reply=RolePermissionsSetReply,
    events=(RolesListEvent, ChannelsGetEvent),
    errors=(*MANAGE_ERRORS, Code.PERMISSION_ABOVE, Code.CANNOT_BE_SELF_ASSIGNABLE),
    example={"name": "helper", "permissions": ["manage_messages"]},
)
class RolePermissionsSet(Command, kw_only=True, frozen=True):
    id: RoleIdRef = None
    name: RoleNameRef = None
    permissions: Permissions


class RolePermissionsGetReply(Packet, kw_only=True, frozen=True, tag="role_permissions_get"):
    """The permissions of a role."""

    id: str
    name: str
    permissions: list[str]


@spec(
    does="Fetch the permissions of a role.",
    allowed="everybody after login",
    reply=RolePermissionsGetReply,
    errors=(Code.ROLE_REQUIRED, Code.ROLE_NOT_FOUND),
    example={"name": "helper"},
)
class RolePermissionsGet(Command, kw_only=True, frozen=True):
    id: RoleIdRef = None
    name: RoleNameRef = None


# ---------------------------------------------------------------- roles that members take themselves


class SelfRoleAddReply(Packet, kw_only=True, frozen=True, tag="self_role_add"):
    """The caller has the role; all its roles."""

    role: str
    success: Literal[True] = True
    roles: list[str]


@spec(
    does="Take a self-assignable role.",
    allowed="everybody after login, for roles marked self-assignable that give no power over others",
    reply=SelfRoleAddReply,
    events=(UserRolesGetEvent, ChannelsGetEvent),
    errors=(Code.ROLE_NOT_FOUND, Code.NOT_SELF_ASSIGNABLE, Code.ROLE_HELD, Code.TOO_MANY_TRIES),
    example={"role": "gamer"},
)
class SelfRoleAdd(Command, kw_only=True, frozen=True):
    role: RoleName


class SelfRoleRemoveReply(Packet, kw_only=True, frozen=True, tag="self_role_remove"):
    """The caller has dropped the role; all its roles."""

    role: str
    success: Literal[True] = True
    roles: list[str]


@spec(
    does="Drop a self-assignable role.",
    allowed="everybody after login, for roles marked self-assignable that give no power over others",
    reply=SelfRoleRemoveReply,
    events=(UserRolesGetEvent, ChannelsGetEvent),
    errors=(Code.ROLE_NOT_FOUND, Code.NOT_SELF_ASSIGNABLE, Code.ROLE_NOT_HELD, Code.TOO_MANY_TRIES),
    example={"role": "gamer"},
)
class SelfRoleRemove(Command, kw_only=True, frozen=True):
    role: RoleName


class SelfRolesListReply(Packet, kw_only=True, frozen=True, tag="self_roles_list"):
    """The self-assignable roles, the most powerful first."""

    roles: list[SelfRole]


@spec(does="List the self-assignable roles.", allowed="everybody after login", reply=SelfRolesListReply)
class SelfRolesList(Command, kw_only=True, frozen=True):
    pass


# ---------------------------------------------------------------- roles of members


@spec(
    does="Fetch the roles of one member.",
    allowed="everybody after login",
    reply=UserRolesGetEvent,
    errors=(Code.USER_NOT_FOUND,),
    example={"user": "alice"},
)
class UserRolesGet(Command, kw_only=True, frozen=True):
    user: UserRef


GRANT_ERRORS = (Code.USER_NOT_FOUND, Code.MEMBER_ABOVE, Code.ROLE_NOT_FOUND, Code.ROLE_ABOVE, Code.LAST_OWNER)


@spec(
    does="Replace the roles of a member.",
    allowed=HOLDERS,
    needs="manage_users",
    events=(UserRolesGetEvent, ChannelsGetEvent),
    errors=(*GRANT_ERRORS, Code.PERMISSION_ABOVE),
    example={"user": "alice", "roles": ["moderator", "user"]},
)
class UserRolesSet(Command, kw_only=True, frozen=True):
    user: UserRef
    roles: RoleNames


class UserRolesAddReply(Packet, kw_only=True, frozen=True, tag="user_roles_add"):
    """The member has the roles; all its roles."""

    user: str
    roles: list[str]
    added: bool


@spec(
    does="Give roles to a member, behind those it has.",
    allowed=HOLDERS,
    needs="manage_users",
    reply=UserRolesAddReply,
    events=(UserRolesGetEvent, ChannelsGetEvent),
    errors=(*GRANT_ERRORS, Code.PERMISSION_ABOVE),
    example={"user": "alice", "roles": ["moderator"]},
)
class UserRolesAdd(Command, kw_only=True, frozen=True):
    user: UserRef
    roles: RoleNames


class UserRolesRemoveReply(Packet, kw_only=True, frozen=True, tag="user_roles_remove"):
    """The member does not have the roles any more; all its roles."""

    user: str
    roles: list[str]
    removed: bool


@spec(
    does="Take roles from a member; one has to be left.",
    allowed=HOLDERS,
    needs="manage_users",
    reply=UserRolesRemoveReply,
    events=(UserRolesGetEvent, ChannelsGetEvent),
    errors=(*GRANT_ERRORS, Code.NO_ROLE_LEFT),
    example={"user": "alice", "roles": ["moderator"]},
)
class UserRolesRemove(Command, kw_only=True, frozen=True):
    user: UserRef
    roles: RoleNames
