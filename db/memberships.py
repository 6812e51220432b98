"""Who joined which channel: the stored memberships, and the index in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import bindparam, select

from db.schema import memberships

if TYPE_CHECKING:
    from db.group import Group

_columns = memberships.c
_this = (_columns.channel == bindparam("of_channel"), _columns.user_id == bindparam("of_user"))
_INSERT = memberships.insert()
_ONE = select(_columns.joined_at).where(*_this)
_ALL = select(memberships).order_by(_columns.joined_at, _columns.channel, _columns.user_id)
_DELETE = memberships.delete().where(*_this)
_DELETE_CHANNEL = memberships.delete().where(_columns.channel == bindparam("of_channel"))
_DELETE_USER = memberships.delete().where(_columns.user_id == bindparam("of_user"))


class Membership(msgspec.Struct, frozen=True):
    """channel: its id. joined_at: unix seconds."""

    channel: str
    user_id: str
    joined_at: float


class Memberships:
    """All memberships in memory. Belongs to the event loop; `has` may be asked from any thread.

    Members are added only from `Outcome.then`: memory follows the database.
    """

    def __init__(self, memberships: Iterable[Membership] = ()) -> None:
        self._by_channel: dict[str, dict[str, float]] = {}
        self._by_user: dict[str, dict[str, float]] = {}
        self.on_change: Callable[[str], None] = lambda channel_id: None
        """Called with the id of each channel of which somebody has become, or is no longer, a member."""
        for membership in memberships:
            self.put(membership)

    def has(self, channel_id: str, user_id: str, /) -> bool:
        return user_id in self._by_channel.get(channel_id, ())

    def of_channel(self, channel_id: str) -> Mapping[str, float]:
        """User id -> unix seconds of joining, in the order of joining."""
        return self._by_channel.get(channel_id, {})

    def of_user(self, user_id: str) -> Mapping[str, float]:
        """Channel id -> unix seconds of joining, in the order of joining."""
        return self._by_user.get(user_id, {})

    def put(self, membership: Membership) -> None:
        self._by_channel.setdefault(membership.channel, {})[membership.user_id] = membership.joined_at
        self._by_user.setdefault(membership.user_id, {})[membership.channel] = membership.joined_at
        self.on_change(membership.channel)

    def remove(self, channel_id: str, user_id: str) -> None:
        """Harmless when it is not there."""
        for index, key, other in (
            (self._by_channel, channel_id, user_id),
            (self._by_user, user_id, channel_id),
        ):
            joined = index.get(key, {})
            joined.pop(other, None)
            if not joined:
                index.pop(key, None)
        self.on_change(channel_id)

    def forget_channel(self, channel_id: str) -> None:
        for user_id in list(self.of_channel(channel_id)):
            self.remove(channel_id, user_id)

    def forget_user(self, user_id: str) -> None:
        for channel_id in list(self.of_user(user_id)):
            self.remove(channel_id, user_id)


class StoredMemberships:
    """`tx.memberships`. What changed is put in the index by `Outcome.then`."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def add(self, membership: Membership) -> bool:
        """False when the user is a member already; then nothing changes."""
        if self.has(membership.channel, membership.user_id):
            return False
        self._group.connection.execute(_INSERT, msgspec.structs.asdict(membership))
        return True

    def has(self, channel_id: str, user_id: str) -> bool:
        key = {"of_channel": channel_id, "of_user": user_id}
        return self._group.connection.execute(_ONE, key).first() is not None

    def remove(self, channel_id: str, user_id: str) -> bool:
        """False when the user is no member."""
        key = {"of_channel": channel_id, "of_user": user_id}
        return bool(self._group.connection.execute(_DELETE, key).rowcount)

    def forget_channel(self, channel_id: str) -> None:
        self._group.connection.execute(_DELETE_CHANNEL, {"of_channel": channel_id})

    def forget_user(self, user_id: str) -> None:
        self._group.connection.execute(_DELETE_USER, {"of_user": user_id})

    def all(self) -> list[Membership]:
        """In the order of joining."""
        return [Membership(row.channel, row.user_id, row.joined_at) for row in self._group.connection.execute(_ALL)]
