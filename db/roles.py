"""What members may do: `roles.json`, an object of role name -> record."""

from __future__ import annotations

from typing import Any

import msgspec

from db.documents import Document


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """One role.

    position: lower is higher; duplicates and gaps occur. mention_roles: who may mention it (everybody, nobody, holders of
    these roles); None is everybody. extra: every other key of the record in the file, kept as it is.
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
