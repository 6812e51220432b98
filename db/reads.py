"""How far each user has read each place."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import bindparam, select

from db import pings, positions
from db.schema import reads

if TYPE_CHECKING:
    from db.group import Group

_OF_USER = select(reads).where(reads.c.user_id == bindparam("user_id"))
_ONE = _OF_USER.where(reads.c.place == bindparam("place"))
_INSERT = reads.insert()
_MOVE = (
    reads.update()
    .where(reads.c.user_id == bindparam("of"), reads.c.place == bindparam("in"))
    .values(message_id=bindparam("to"), n=bindparam("at"))
)
_CLEAR = reads.delete().where(reads.c.user_id == bindparam("of"), reads.c.place == bindparam("in"))
_FORGET_USER = reads.delete().where(reads.c.user_id == bindparam("user_id"))
_FORGET_PLACE = reads.delete().where(reads.c.place == bindparam("place"))


class Unread(msgspec.Struct, frozen=True):
    """last_read: message id, None when nothing was read yet (then everything is unread)."""

    last_read: str | None
    unread: int
    total: int


class Reads:
    def __init__(self, group: Group) -> None:
        self._group = group

    def get(self, user_id: str, place: str) -> str | None:
        row = self._group.connection.execute(_ONE, {"user_id": user_id, "place": place}).first()
        return None if row is None else row.message_id

    def set(self, user_id: str, place: str, message_id: str) -> bool:
        """Move the marker forward. False, and nothing changes, when it is there or further already, or when the place
        has no such message."""
        n = self._group.find(place, message_id)
        if n is None:
            return False
        execute = self._group.connection.execute
        which = {"user_id": user_id, "place": place}
        marker = execute(_ONE, which).first()
        if marker is None:
            execute(_INSERT, {**which, "message_id": message_id, "n": n})
            return True
        if marker.n >= n:
            return False
        execute(_MOVE, {"of": user_id, "in": place, "to": message_id, "at": n})
        return True

    def set_back(self, user_id: str, place: str, message_id: str | None) -> bool:
        """Move the marker back to this message; None: nothing is read. False, and nothing changes, when it is there or
        further back already, or when the place has no such message."""
        execute = self._group.connection.execute
        which = {"of": user_id, "in": place}
        marker = execute(_ONE, {"user_id": user_id, "place": place}).first()
        if marker is None:
            return False
        if message_id is None:
            execute(_CLEAR, which)
            return True
        n = self._group.find(place, message_id)
        if n is None or marker.n <= n:
            return False
        execute(_MOVE, {**which, "to": message_id, "at": n})
        return True

    def of_user(self, user_id: str) -> dict[str, str]:
        """place -> message id."""
        return {row.place: row.message_id for row in self._group.connection.execute(_OF_USER, {"user_id": user_id})}

    def unreads(self, user_id: str, places: Iterable[str]) -> dict[str, Unread]:
        """Exact counts for each of the places, also when the marked message was deleted."""
        group = self._group
        markers = {row.place: row for row in group.connection.execute(_OF_USER, {"user_id": user_id})}
        found = {}
        for id_ in places:
            place = group.place(id_)
            marker = markers.get(id_)
            total = 0 if place is None else place.count
            read = 0 if place is None or marker is None else positions.position(group, place, marker.n + 1)
            found[id_] = Unread(None if marker is None else marker.message_id, total - read, total)
        return found

    def mentions(
        self, user_id: str, roles: Collection[str], silent: Collection[str], places: Collection[str]
    ) -> dict[str, int]:
        """How many unread messages call the user, by id or by one of the roles (names), in those of these places that
        have any. What the users of `silent` (ids) wrote does not count."""
        self._group.flush()
        return pings.unread(self._group, user_id, pings.called(user_id, roles), silent, places)

    def forget_user(self, user_id: str) -> None:
        self._group.connection.execute(_FORGET_USER, {"user_id": user_id})

    def forget_place(self, place: str) -> None:
        self._group.connection.execute(_FORGET_PLACE, {"place": place})
