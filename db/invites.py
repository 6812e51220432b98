"""Invitations to the server: the stored ones, and the index in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Row, bindparam, func, or_, select

from db.schema import invites

if TYPE_CHECKING:
    from db.group import Group

_columns = invites.c
_INSERT = invites.insert()
_ALL = select(invites).order_by(_columns.created_at, _columns.code)
_ONE = select(invites).where(_columns.code == bindparam("code"))
_COUNT = select(func.count()).where(_columns.created_by == bindparam("maker"))
_USE = (
    invites.update()
    .where(
        _columns.code == bindparam("of"),
        or_(_columns.max_uses.is_(None), _columns.uses < _columns.max_uses),
        or_(_columns.expires_at.is_(None), _columns.expires_at > bindparam("now")),
    )
    .values(uses=_columns.uses + 1)
)
_DELETE = invites.delete().where(_columns.code == bindparam("of"))
_OF_MAKER = select(_columns.code).where(_columns.created_by == bindparam("maker"))
_DELETE_OF_MAKER = invites.delete().where(_columns.created_by == bindparam("of"))
_EXPIRED = select(_columns.code).where(_columns.expires_at <= bindparam("now"))
_DELETE_EXPIRED = invites.delete().where(_columns.expires_at <= bindparam("now"))


class Invite(msgspec.Struct, frozen=True, kw_only=True):
    """created_by: user id. All times are unix seconds; expires_at: None for never. max_uses: None for any number.
    roles: ids of roles that whoever comes by it is given."""

    code: str
    created_by: str
    created_at: float
    expires_at: float | None = None
    max_uses: int | None = None
    uses: int = 0
    note: str = ""
    roles: tuple[str, ...] = ()

    def usable(self, now: float) -> bool:
        """Neither expired nor used up."""
        return (self.expires_at is None or self.expires_at > now) and (
            self.max_uses is None or self.uses < self.max_uses
        )


class Invites:
    """All invitations in memory, oldest first. Belongs to the event loop; it changes after the database."""

    def __init__(self, invites: Iterable[Invite] = ()) -> None:
        self._by_code = {invite.code: invite for invite in invites}

    def __iter__(self) -> Iterator[Invite]:
        return iter(self._by_code.values())

    def get(self, code: str) -> Invite | None:
        return self._by_code.get(code)

    def put(self, invite: Invite) -> None:
        self._by_code[invite.code] = invite

    def remove(self, codes: Iterable[str]) -> None:
        """Harmless for those that are not there."""
        for code in codes:
            self._by_code.pop(code, None)


class StoredInvites:
    """`tx.invites`. What changed is put in the index once it is committed."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def add(self, invite: Invite) -> None:
        row = msgspec.structs.asdict(invite)
        row["roles"] = msgspec.json.encode(invite.roles).decode()
        self._group.connection.execute(_INSERT, row)

    def get(self, code: str) -> Invite | None:
        row = self._group.connection.execute(_ONE, {"code": code}).first()
        return None if row is None else _read(row)

    def all(self) -> list[Invite]:
        """Oldest first."""
        return [_read(row) for row in self._group.connection.execute(_ALL)]

    def count(self, maker: str) -> int:
        """Of those that this user made."""
        return int(self._group.connection.execute(_COUNT, {"maker": maker}).scalar_one())

    def use(self, code: str, now: float) -> Invite | None:
        """Count one use; the invitation as it is now, None when it cannot be used (any more)."""
        used = self._group.connection.execute(_USE, {"of": code, "now": now}).rowcount
        return self.get(code) if used else None

    def delete(self, code: str) -> bool:
        """False when there is none."""
        return bool(self._group.connection.execute(_DELETE, {"of": code}).rowcount)

    def forget_user(self, maker: str) -> list[str]:
        """Delete what this user made; gives the codes."""
        codes = list(self._group.connection.execute(_OF_MAKER, {"maker": maker}).scalars())
        self._group.connection.execute(_DELETE_OF_MAKER, {"of": maker})
        return codes

    def prune(self, now: float) -> list[str]:
        """Delete those that have expired; gives their codes."""
        codes = list(self._group.connection.execute(_EXPIRED, {"now": now}).scalars())
        if codes:
            self._group.connection.execute(_DELETE_EXPIRED, {"now": now})
        return codes


def _read(row: Row[Any]) -> Invite:
    fields = dict(row._mapping)
    return Invite(**fields | {"roles": msgspec.json.decode(fields["roles"], type=tuple[str, ...])})
