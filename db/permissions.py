"""Who may do what. Pure functions of the records as they are now; nothing is remembered from a login.

Server permissions come from roles: the role named `owner` and the permission `administrator` grant all of them.
Channel rules are lists of role names for each key. The member's roles are walked in their stored order; the first that
a list names decides: as `!role` it denies, as `role` it allows. None named denies, a missing key means `DEFAULT_RULES`.
Owner and administrator pass every rule. A banned member passes nothing. A direct channel has no rules: its members do
in it what `DIRECT_KEYS` says, and nobody else does anything, owners included.

Modes narrow a channel further: one with an invitation, a secret name or a key is for those who have joined it, whatever
the rules say; in a moderated one only operators and voices write. Operators pass every rule and mode of their channel.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final, Literal, Protocol, get_args

OWNER: Final = "owner"
ADMINISTRATOR: Final = "administrator"
NO_RANK: Final = 9999
"""The rank of a member none of whose roles exists."""

NOT_DELETABLE: Final = frozenset({OWNER, "admin", "user"})
NOT_SELF_ASSIGNABLE: Final = frozenset({OWNER, "admin", "moderator"})
OWNERS_ONLY: Final = frozenset({OWNER, "admin"})
"""Roles that only an owner may change, grant or take away, whatever their position."""

PERMISSIONS: Final = (
    "administrator", "manage_server", "view_audit_log", "manage_roles", "manage_channels", "manage_threads",
    "manage_users", "manage_messages", "read_message_history", "send_messages", "embed_links", "attach_files",
    "add_reactions", "external_emojis", "connect", "speak", "stream", "use_voice_activity", "mention_everyone",
    "use_slash_commands", "create_invite",
)  # fmt: skip
"""The names that clients are told. Roles may hold any others, which grant nothing here."""

EVERYDAY: Final = frozenset({
    "send_messages", "read_message_history", "add_reactions", "attach_files", "embed_links", "external_emojis",
    "connect", "speak", "stream", "use_voice_activity", "change_nickname", "create_invite", "use_slash_commands",
})  # fmt: skip
"""What the default role `user` holds. These give no power over others: whoever manages roles may pass them on."""

ChannelKey = Literal["view", "send", "delete", "delete_own", "edit_own", "react", "pin", "create_thread"]
CHANNEL_KEYS: Final[tuple[ChannelKey, ...]] = get_args(ChannelKey)

DEFAULT_RULES: Final[Mapping[ChannelKey, tuple[str, ...]]] = {
    "view": (OWNER,),
    "send": (OWNER,),
    "delete": (OWNER,),
    "delete_own": ("user",),
    "edit_own": ("user",),
    "react": ("user",),
    "pin": (OWNER,),
    "create_thread": (OWNER,),
}

DIRECT_KEYS: Final[frozenset[ChannelKey]] = frozenset({"view", "send", "react", "edit_own", "delete_own", "pin"})
"""What the members of a direct channel may."""


WRITING: Final[frozenset[ChannelKey]] = frozenset({"send", "edit_own", "create_thread"})
"""What needs a voice in a moderated channel."""


class Member(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def roles(self) -> tuple[str, ...]: ...
    @property
    def banned(self) -> bool: ...


class RoleRecord(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def permissions(self) -> tuple[str, ...]: ...
    @property
    def position(self) -> int: ...


class RoleTable(Protocol):
    def get(self, key: str, /) -> RoleRecord | None: ...


class ChannelRecord(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def members(self) -> tuple[str, ...]: ...
    @property
    def permissions(self) -> dict[str, tuple[str, ...]]: ...
    @property
    def restricted(self) -> bool: ...
    @property
    def moderated(self) -> bool: ...
    @property
    def operators(self) -> tuple[str, ...]: ...
    @property
    def voices(self) -> tuple[str, ...]: ...


class MembershipTable(Protocol):
    def has(self, channel_id: str, user_id: str, /) -> bool: ...


class NoMemberships:
    """Nobody has joined anything."""

    def has(self, channel_id: str, user_id: str, /) -> bool:
        return False


def decide(rule: Collection[str], roles: Iterable[str]) -> bool:
    """Whether a member with these roles, in this order, passes a list of `role` and `!role`."""
    for role in roles:
        if f"!{role}" in rule:
            return False
        if role in rule:
            return True
    return False


class Access:
    """The one evaluator. It keeps nothing but the tables, which it reads at every question."""

    def __init__(self, roles: RoleTable, memberships: MembershipTable | None = None) -> None:
        """memberships: None when nobody has joined anything."""
        self._roles = roles
        self._memberships = memberships or NoMemberships()

    # --- server permissions ------------------------------------------------------------------------------------

    def is_owner(self, user: Member) -> bool:
        return OWNER in user.roles and not user.banned

    def passes_everything(self, user: Member) -> bool:
        """Owner or administrator, not banned."""
        return self.can(user, ADMINISTRATOR)

    def can(self, user: Member, permission: str) -> bool:
        if user.banned:
            return False
        for name in user.roles:
            if name == OWNER:
                return True
            role = self._roles.get(name)
            if role is not None and (permission in role.permissions or ADMINISTRATOR in role.permissions):
                return True
        return False

    # --- channels ----------------------------------------------------------------------------------------------

    def may(self, user: Member, channel: ChannelRecord, key: ChannelKey, *, joined: bool | None = None) -> bool:
        """joined: as if the user had joined the channel, or had not; None: as it is."""
        if channel.members:
            return user.id in channel.members and key in DIRECT_KEYS and not user.banned
        rule = channel.permissions.get(key, DEFAULT_RULES[key])
        if not user.banned and decide(rule, user.roles) and self._passes_modes(user, channel, key, joined):
            return True
        return (user.id in channel.operators and not user.banned) or self.passes_everything(user)

    def _passes_modes(self, user: Member, channel: ChannelRecord, key: ChannelKey, joined: bool | None) -> bool:
        if channel.moderated and key in WRITING and user.id not in channel.voices:
            return False
        if not channel.restricted:
            return True
        return self._memberships.has(channel.id, user.id) if joined is None else joined

    def is_in_charge(self, user: Member, channel: ChannelRecord) -> bool:
        """Whether the user decides about modes and members of the channel."""
        return (user.id in channel.operators and not user.banned) or self.can(user, "manage_channels")

    # --- hierarchy ---------------------------------------------------------------------------------------------

    def rank(self, user: Member) -> int:
        """The lowest position among the member's roles that exist; lower is more powerful."""
        found = (self._roles.get(name) for name in user.roles)
        return min((role.position for role in found if role is not None), default=NO_RANK)

    def outranks(self, user: Member, other: Member) -> bool:
        """Whether `user` may act on `other`. Owners may act on everybody, nobody else acts on an owner."""
        if user.banned:
            return False
        if OWNER in user.roles:
            return True
        return OWNER not in other.roles and self.rank(user) < self.rank(other)

    def may_manage(self, user: Member, role: RoleRecord) -> bool:
        """Whether the role is below `user`: it may be changed, deleted, moved, granted and taken away."""
        if user.banned:
            return False
        if OWNER in user.roles:
            return True
        return role.name not in OWNERS_ONLY and role.position > self.rank(user)

    def above(self, user: Member, permissions: Iterable[str]) -> list[str]:
        """Those of the permissions that `user` may not pass on, because it does not hold them itself."""
        return [name for name in permissions if name not in EVERYDAY and not self.can(user, name)]

    def may_grant(self, user: Member, role: RoleRecord) -> bool:
        """Whether `user` may give the role to somebody."""
        return self.may_manage(user, role) and not self.above(user, role.permissions)


def self_assignable(role: RoleRecord) -> bool:
    """Whether everybody may be allowed to take the role: it is not a protected one and gives no power over others."""
    return role.name not in NOT_SELF_ASSIGNABLE and EVERYDAY.issuperset(role.permissions)
