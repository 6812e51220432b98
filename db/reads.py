"""How far each user has read each place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from db.group import Group


class Unread(msgspec.Struct, frozen=True):
    """last_read: message id, None when nothing was read yet (then everything is unread)."""

    last_read: str | None
    unread: int
    total: int


class Reads:
    def __init__(self, group: Group) -> None:
        self._group = group

    def get(self, user_id: str, place: str) -> str | None:
        raise NotImplementedError

    def set(self, user_id: str, place: str, message_id: str) -> bool:
        """Move the marker forward. False, and nothing changes, when it is there or further already, or when the place
        has no such message."""
        raise NotImplementedError

    def of_user(self, user_id: str) -> dict[str, str]:
        """place -> message id."""
        raise NotImplementedError

    def unreads(self, user_id: str, places: Iterable[str]) -> dict[str, Unread]:
        """Exact counts for each of the places, also when the marked message was deleted."""
        raise NotImplementedError

    def forget_user(self, user_id: str) -> None:
        raise NotImplementedError

    def forget_place(self, place: str) -> None:
        raise NotImplementedError
