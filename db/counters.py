"""Single numbers that must survive, such as the id of the next emoji."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from db.schema import counters as table

_GET = select(table.c.value).where(table.c.name == bindparam("of"))
_RAISE = table.update().where(table.c.name == bindparam("of")).values(value=bindparam("to"))
_INSERT = table.insert()


def read(connection: Connection, name: str) -> int:
    """0 for a counter that was never raised."""
    return connection.execute(_GET, {"of": name}).scalar() or 0


def raise_to(connection: Connection, name: str, value: int) -> None:
    """The counter is at least `value` now; it never goes back."""
    known = connection.execute(_GET, {"of": name}).scalar()
    if known is None:
        connection.execute(_INSERT, {"name": name, "value": value})
    elif known < value:
        connection.execute(_RAISE, {"of": name, "to": value})
