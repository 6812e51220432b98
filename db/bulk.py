"""Storing very many messages at once, for imports: into a database that nobody else uses meanwhile.

It keeps what `group.py` keeps: ordinals without gaps, timestamps that rise in each place, every message in the search
index. It makes no events, as nobody is there to hear of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, bindparam, select
from sqlalchemy.exc import IntegrityError

from db import message_rows, search_postgresql, search_sqlite
from db.group import Head, Known, Place
from db.message_rows import Message
from db.schema import messages, pings, places, reactions

PARTS = 500
"""Ids that are asked for with one statement."""

_KNOWN_IDS = select(messages.c.id).where(messages.c.id.in_(bindparam("ids", expanding=True)))
_IN_PLACE = select(messages.c.n, messages.c.id).where(messages.c.n.between(bindparam("low"), bindparam("high")))
_LAST = (
    places.update().where(places.c.number == bindparam("of")).values(next_ordinal=bindparam("next"), id=bindparam("to"))
)


class NewMessage(msgspec.Struct, frozen=True):
    """targets: whom it calls, as `pings.targets` gives it."""

    message: Message
    targets: frozenset[str] = frozenset()


def write_carelessly(connection: Connection) -> None:
    """From now on a crash may leave an SQLite database in pieces: only for a file that is thrown away then. Call it
    outside of a transaction; the next connection is careful again."""
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        for pragma in ("journal_mode = MEMORY", "synchronous = OFF", "cache_size = -262144"):
            driver.execute(f"PRAGMA {pragma}").fetchall()


def insert(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows with values in the order of these columns. In SQLite without a look at each value, which takes as long as
    storing it."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
        connection.exec_driver_sql(statement, list(rows))
    else:
        connection.execute(table.insert(), [dict(zip(columns, row, strict=True)) for row in rows])


class BulkMessages:
    """The transaction of the connection is the caller's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        known = Known(connection)
        self._places = known.places
        self._last_number = known.last_number
        if known.queued:  # what is queued of a place must be newer than what is indexed
            search_sqlite.take_in_queue(connection)
        self._search = search_postgresql if known.search is search_postgresql else search_sqlite

    def place(self, id: str) -> Place:
        """A new one when nothing was ever written there."""
        place = self._places.get(id)
        if place is None:
            self._last_number += 1
            place = self._places[id] = Place(self._last_number, id)
            row = {"number": place.number, "id": id, "next_ordinal": 0}
            self._connection.execute(places.insert(), row)
        return place

    def known(self, id: str) -> Place | None:
        """None when nothing was ever written there."""
        return self._places.get(id)

    def newest_timestamp(self, id: str) -> float:
        """-1 when the place has no message."""
        place = self._places.get(id)
        return -1.0 if place is None or place.head is None else place.head.timestamp

    def ids_in(self, id: str) -> dict[str, int]:
        """Message id -> `n`, of a place."""
        place = self._places.get(id)
        if place is None:
            return {}
        rows = self._connection.execute(_IN_PLACE, {"low": place.low, "high": place.high})
        return {row.id: row.n for row in rows}

    def add(self, place_id: str, batch: Sequence[NewMessage]) -> list[Message]:
        """Append messages whose timestamps rise and whose ids differ. Gives those that were left out, because another
        place has a message of that id."""
        place = self.place(place_id)
        left_out: list[Message] = []
        attempt = self._connection.begin_nested()
        try:
            rows = self._insert(place, batch)
            attempt.commit()
        except IntegrityError:
            attempt.rollback()
            taken = self._taken([new.message.id for new in batch])
            left_out = [new.message for new in batch if new.message.id in taken]
            batch = [new for new in batch if new.message.id not in taken]
            rows = self._insert(place, batch)
        if rows:
            self._add_rest(rows, batch)
            place.next += len(rows)
            place.newest = rows[-1][0]
            place.head = Head(batch[-1].message.timestamp, batch[-1].message.id)
        return left_out

    def _insert(self, place: Place, batch: Sequence[NewMessage]) -> list[tuple[Any, ...]]:
        first = place.low | place.next
        rows = [tuple(message_rows.write(first + i, new.message).values()) for i, new in enumerate(batch)]
        insert(self._connection, messages, messages.columns.keys(), rows)
        return rows

    def _add_rest(self, rows: Sequence[tuple[Any, ...]], batch: Sequence[NewMessage]) -> None:
        texts: list[tuple[int, str]] = []
        called: list[tuple[Any, ...]] = []
        reacted: list[tuple[Any, ...]] = []
        for row, new in zip(rows, batch, strict=True):
            n, message = row[0], new.message
            texts.append((n, message.content))
            called += [(target, message.timestamp, n) for target in new.targets]
            reacted += [(n, emoji, user) for emoji, users in message.reactions.items() for user in users]
        self._search.index(self._connection, texts)
        insert(self._connection, pings, ("target", "timestamp", "n"), called)
        insert(self._connection, reactions, ("n", "emoji", "user_id"), reacted)

    def _taken(self, ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(ids), PARTS):
            found.update(self._connection.execute(_KNOWN_IDS, {"ids": ids[start : start + PARTS]}).scalars())
        return found

    def finish(self) -> None:
        """Call it before the commit."""
        rows = [{"of": place.number, "next": place.next, "to": place.id} for place in self._places.values()]
        if rows:
            self._connection.execute(_LAST, rows)
