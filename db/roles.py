"""What members may do: `roles.json`, an object of role name -> record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from db.document_format import BadRecord, Format
from db.documents import Document


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """One role.

    position: lower is higher; duplicates and gaps occur. mention_roles: who may mention it (everybody, nobody, holders
    of these roles); None is everybody. extra: every other key of the record in the file, kept as it is.
    """

    name: str
    id: str
    description: str | None = None
    color: str | None = None
    hoisted: bool = False
    permissions: tuple[str, ...] = ()
    self_assignable: bool = False
    category: str | None = None
    position: int = 0
    mention_roles: bool | str | tuple[str, ...] | None = None
    extra: dict[str, Any] = {}


class Roles(Document[Role]):
    """Roles by name: users and channel rules refer to them by name."""

    name = "roles"

    def key(self, record: Role) -> str:
        return record.name

    def find(self, text: str) -> Role | None:
        """By id or by name."""
        return self._records.get(text) or next((role for role in self._records.values() if role.id == text), None)

    def by_position(self) -> list[Role]:
        """The highest (lowest position) first; equal positions in the order of the file."""
        return sorted(self._records.values(), key=lambda role: role.position)


_KNOWN = set(Role.__struct_fields__) - {"name", "extra"}
_TEXT = {"type": ["string", "null"]}
_NAMES = {"type": "array", "items": {"type": "string"}}
_MENTION = {"anyOf": [{"type": ["boolean", "string", "null"]}, _NAMES]}
_SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "description": _TEXT,
        "color": _TEXT,
        "hoisted": {"type": "boolean"},
        "permissions": {"anyOf": [_NAMES, {"type": "object", "properties": {"mention_roles": _MENTION}}]},
        "self_assignable": {"type": "boolean"},
        "category": _TEXT,
        "position": {"type": "integer"},
        "mention_roles": _MENTION,
    },
}


def _read(key: str, fields: dict[str, Any], place: int) -> Role:
    known = {name: value for name, value in fields.items() if name in _KNOWN}
    extra = {name: value for name, value in fields.items() if name not in _KNOWN}
    if isinstance(known.get("permissions"), dict):  # before permissions were lists: who may mention the role, no more
        known.setdefault("mention_roles", known.pop("permissions").get("mention_roles"))
    known.setdefault("id", "")
    known.setdefault("position", place)
    role = msgspec.convert({**known, "name": key, "extra": extra}, Role)
    if not key:
        raise BadRecord("the name of a role must not be empty")
    return role


def _write(role: Role) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": role.id,
        "description": role.description,
        "color": role.color,
        "hoisted": role.hoisted,
        "permissions": role.permissions,
        "self_assignable": role.self_assignable,
        "category": role.category,
        "position": role.position,
    }
    if role.mention_roles is not None:
        fields["mention_roles"] = role.mention_roles
    return fields | role.extra


def _identify(records: list[Role], base: Mapping[str, Any], new_id: Callable[[], str]) -> bool:
    incomplete = False
    for place, role in enumerate(records):
        if not role.id:
            known = base.get(role.name)
            records[place] = msgspec.structs.replace(role, id=known.id if known is not None else new_id())
            incomplete = True
    return incomplete


def _defaults(new_id: Callable[[], str]) -> list[Role]:
    def role(name: str, position: int, color: str | None, description: str, permissions: str) -> Role:
        return Role(
            name=name,
            id=new_id(),
            description=description,
            color=color,
            hoisted=color is not None,
            permissions=tuple(permissions.split()),
            position=position,
        )

    return [
        role("owner", 0, "#9400D3", "Server owner with ultimate permissions.", "administrator"),
        role(
            "admin",
            1,
            "#FF0000",
            "Administrator role with full permissions.",
            "administrator manage_roles manage_channels manage_users manage_server manage_messages manage_threads"
            " manage_nicknames kick_members ban_members create_invite manage_invites mention_everyone"
            " use_slash_commands",
        ),
        role(
            "moderator",
            2,
            "#FFFF00",
            "Moderator role with elevated permissions.",
            "manage_messages manage_threads kick_members manage_nicknames mute_members deafen_members move_members"
            " create_invite use_slash_commands",
        ),
        role(
            "user",
            3,
            None,
            "Regular user role with standard permissions.",
            "send_messages read_message_history add_reactions attach_files embed_links external_emojis connect speak"
            " stream use_voice_activity change_nickname create_invite use_slash_commands",
        ),
    ]


FORMAT: Format[Role] = Format(
    document=Roles.name,
    type=Role,
    is_list=False,
    schema=_SCHEMA,
    read=_read,
    write=_write,
    key=lambda role: role.name,
    identify=_identify,
    defaults=_defaults,
)
