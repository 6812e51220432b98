"""The log of durable events: one sequence of numbers, which resume and other readers follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import bindparam, func, select

from db.schema import events

if TYPE_CHECKING:
    from db.group import Group

_AFTER = select(events).where(events.c.seq > bindparam("seq")).order_by(events.c.seq).limit(bindparam("limit"))
_CREATED = select(func.min(events.c.seq)).where(events.c.ref == bindparam("ref"))
_OLDEST = select(func.min(events.c.seq))
_TIMES = (
    select(events.c.seq, events.c.timestamp)
    .where(events.c.seq < bindparam("newest"))
    .order_by(events.c.seq)
    .limit(bindparam("limit"))
)
_DELETE = events.delete().where(events.c.seq <= bindparam("through"))


class LoggedEvent(msgspec.Struct, frozen=True):
    """audience: see `protocol.audience.to_text`. kind: the wire name. payload: JSON. timestamp: unix seconds.
    ref: id of the message that the event brought into being."""

    seq: int
    timestamp: float
    audience: str
    kind: str
    payload: bytes
    ref: str | None = None


class EventLog:
    """`tx.log`. Numbers rise by one; those of a group that is rolled back are given again, as nobody saw them."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def append(self, audience: str, kind: str, payload: bytes, ref: str | None = None) -> int:
        """Gives its `seq`."""
        return self._group.add_event(audience, kind, payload, ref)

    def created(self, ref: str) -> int | None:
        """The number of the event that brought a message into being; None when it is not in the log (any more)."""
        self._group.flush()
        found: int | None = self._group.connection.execute(_CREATED, {"ref": ref}).scalar()
        return found

    def after(self, seq: int, limit: int) -> list[LoggedEvent]:
        """The first `limit` events after this number, in order."""
        if seq >= self._group.newest_seq or limit < 1:
            return []
        self._group.flush()
        rows = self._group.connection.execute(_AFTER, {"seq": seq, "limit": limit})
        return [LoggedEvent(*row) for row in rows]

    def newest(self) -> int:
        """0 when there was no event yet."""
        return self._group.newest_seq

    def oldest(self) -> int:
        """The number of the oldest event that is kept; newest() + 1 when none is."""
        self._group.flush()
        found: int | None = self._group.connection.execute(_OLDEST).scalar()
        return self._group.newest_seq + 1 if found is None else found

    def prune(self, before: float, limit: int = 10_000) -> int:
        """Delete up to `limit` of the oldest events that are older than this (unix seconds); gives how many. The newest
        one always stays, so its number is not forgotten."""
        self._group.flush()
        through = 0
        times = {"limit": limit, "newest": self._group.newest_seq}
        for seq, timestamp in self._group.connection.execute(_TIMES, times).all():
            if timestamp >= before:
                break
            through = seq
        return self._group.connection.execute(_DELETE, {"through": through}).rowcount if through else 0
