"""Direct channels: text channels of two members that nobody else sees. The stored ones, and the index in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from sqlalchemy import Row, bindparam, or_, select

from db.schema import directs

if TYPE_CHECKING:
    from db.group import Group

_INSERT = directs.insert()
_ONE = select(directs).where(directs.c.id == bindparam("id"))
_BETWEEN = select(directs).where(directs.c.first == bindparam("low"), directs.c.second == bindparam("high"))
_OF = (
    select(directs)
    .where(or_(directs.c.first == bindparam("user"), directs.c.second == bindparam("user")))
    .order_by(directs.c.created_at, directs.c.id)
)
_ALL = select(directs).order_by(directs.c.created_at, directs.c.id)
_REPLACE = (
    directs.update().where(directs.c.id == bindparam("of")).values(first=bindparam("low"), second=bindparam("high"))
)

FORMER_PREFIX = "former:"


def ordered(one: str, other: str) -> tuple[str, str]:
    """Two user ids as a direct channel keeps them."""
    return (one, other) if one < other else (other, one)


def bare_id(member: str) -> str:
    """The user id of a member, also of a former one."""
    return member.split(":", 2)[2] if member.startswith(FORMER_PREFIX) else member


class Direct(msgspec.Struct, frozen=True, kw_only=True):
    """A channel of two members; handlers use it like a `db.channels.Channel`.

    members: user ids, the smaller one first. A member that is gone, and whose id belongs to somebody else now, is there
    as `former:<id of the channel>:<user id>`. created_at: unix seconds.
    """

    type: ClassVar[str] = "text"
    permissions: ClassVar[dict[str, tuple[str, ...]]] = {}
    restricted: ClassVar[bool] = False
    moderated: ClassVar[bool] = False
    members_only: ClassVar[bool] = False
    operators: ClassVar[tuple[str, ...]] = ()
    voices: ClassVar[tuple[str, ...]] = ()
    display_name: ClassVar[str | None] = None
    description: ClassVar[str | None] = None
    icon: ClassVar[str | None] = None
    wallpaper: ClassVar[str | None] = None
    size: ClassVar[int | None] = None
    extra: ClassVar[dict[str, Any]] = {}

    id: str
    members: tuple[str, str]
    created_at: float

    @property
    def name(self) -> str:
        """Unique among all channels, and never another one."""
        return f"dm-{self.id.replace('-', '')}"

    def other(self, user_id: str) -> str:
        """The member that is not this one."""
        return self.members[1] if self.members[0] == user_id else self.members[0]

    def without(self, user_id: str, called: str | None = None) -> Direct:
        """The same channel, in which this member is a former one. called: instead of its user id."""
        former = f"{FORMER_PREFIX}{self.id}:{called or user_id}"
        return msgspec.structs.replace(self, members=ordered(former, self.other(user_id)))


class Directs:
    """All direct channels in memory. Belongs to the event loop; others may ask for one by its id."""

    def __init__(self, directs: Iterable[Direct] = ()) -> None:
        self._by_id: dict[str, Direct] = {}
        self._by_name: dict[str, Direct] = {}
        self._by_members: dict[tuple[str, str], Direct] = {}
        self._by_user: dict[str, dict[str, Direct]] = {}
        for direct in directs:
            self.put(direct)

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Direct]:
        return iter(self._by_id.values())

    def get(self, id: str) -> Direct | None:
        return self._by_id.get(id)

    def by_name(self, name: str) -> Direct | None:
        return self._by_name.get(name)

    def of_user(self, user_id: str) -> tuple[Direct, ...]:
        """Oldest first."""
        return tuple(self._by_user.get(user_id, {}).values())

    def between(self, one: str, other: str) -> Direct | None:
        return self._by_members.get(ordered(one, other))

    def put(self, direct: Direct) -> None:
        """Add or replace. Only from `Outcome.then`: memory follows the database."""
        old = self._by_id.get(direct.id)
        if old is not None and old.members != direct.members:
            del self._by_members[old.members]
            for member in old.members:
                del self._by_user[member][direct.id]
        self._by_id[direct.id] = self._by_name[direct.name] = self._by_members[direct.members] = direct
        for member in direct.members:
            self._by_user.setdefault(member, {})[direct.id] = direct


class StoredDirects:
    """`tx.directs`. What changed is put in the index by `Outcome.then`."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def get(self, id: str) -> Direct | None:
        row = self._group.connection.execute(_ONE, {"id": id}).first()
        return None if row is None else _read(row)

    def between(self, one: str, other: str) -> Direct | None:
        low, high = ordered(one, other)
        row = self._group.connection.execute(_BETWEEN, {"low": low, "high": high}).first()
        return None if row is None else _read(row)

    def of_user(self, user_id: str) -> list[Direct]:
        """Oldest first."""
        return [_read(row) for row in self._group.connection.execute(_OF, {"user": user_id})]

    def all(self) -> list[Direct]:
        """Oldest first."""
        return [_read(row) for row in self._group.connection.execute(_ALL)]

    def add(self, direct: Direct) -> None:
        """There is none between the two members yet."""
        first, second = direct.members
        values = {"id": direct.id, "first": first, "second": second, "created_at": direct.created_at}
        self._group.connection.execute(_INSERT, values)

    def retire(self, user_id: str, called: str | None = None) -> list[Direct]:
        """Whoever has this user id from now on is somebody else, who sees none of the channels so far. Gives them as
        they are now; the others in them keep them. called: instead of its user id."""
        changed = [direct.without(user_id, called) for direct in self.of_user(user_id)]
        for direct in changed:
            self._group.connection.execute(
                _REPLACE, {"of": direct.id, "low": direct.members[0], "high": direct.members[1]}
            )
        return changed


def _read(row: Row[Any]) -> Direct:
    return Direct(id=row.id, members=(row.first, row.second), created_at=row.created_at)
