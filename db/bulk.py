"""Storing very many messages at once, for imports: into a database that nobody else uses meanwhile.

It keeps what `group.py` keeps: ordinals without gaps, timestamps that rise in each place, every message in the search
index. It makes no events, as nobody is there to hear of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, bindparam, func, select
from sqlalchemy.dialects import postgresql

from db import message_rows, search_postgresql, search_sqlite
from db.group import Head, Known, Place
from db.message_rows import Message
from db.schema import messages, pings, places, reactions

PARTS = 500
"""Ids that are asked for with one statement."""

INDEXED_AT_ONCE = 8_000_000
"""Characters of messages that go to the search index together: it makes a part of itself from each such pile."""

HANDED_ON_AT_ONCE = 400_000
"""The same, where somebody else makes the index: so many that few pieces travel, and so few that all are busy."""

_RANGE = messages.c.n.between(bindparam("low"), bindparam("high"))
_HOW_MANY = select(func.count()).select_from(messages).where(_RANGE)
_REMOVE = messages.delete().where(_RANGE)
_KNOWN_IDS = select(messages.c.id).where(messages.c.id.in_(bindparam("ids", expanding=True)))
_IN_PLACE = select(messages.c.n, messages.c.id).where(_RANGE)
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


def insert(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]], rest: str = ""
) -> None:
    """Rows with values in the order of these columns. In SQLite without a look at each value, which takes as long as
    storing it. rest: `ON CONFLICT DO NOTHING`, or nothing."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks}) {rest}"  # noqa: S608
        connection.exec_driver_sql(statement, list(rows))
    else:
        wanted = postgresql.insert(table)
        connection.execute(
            wanted.on_conflict_do_nothing() if rest else wanted, [dict(zip(columns, row, strict=True)) for row in rows]
        )


class BulkMessages:
    """The transaction of the connection is the caller's."""

    def __init__(
        self, connection: Connection, indexer: Callable[[Sequence[tuple[int, str]]], None] | None = None
    ) -> None:
        """indexer: takes (n, content) of what is to be found by search, in place of the index of this database."""
        self._connection = connection
        self._indexer = indexer
        self._at_once = INDEXED_AT_ONCE if indexer is None else HANDED_ON_AT_ONCE
        known = Known(connection)
        self._places = known.places
        self._last_number = known.last_number
        if known.queued:  # what is queued of a place must be newer than what is indexed
            search_sqlite.take_in_queue(connection)
        self._search = search_postgresql if known.search is search_postgresql else search_sqlite
        self._texts: list[tuple[int, str]] = []
        """(n, content) of what the search index does not hold yet."""
        self._characters = 0

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
        rows = self._insert(place, batch)
        here = {"low": place.low | place.next, "high": (place.low | place.next) + len(rows) - 1}
        if self._connection.execute(_HOW_MANY, here).scalar_one() < len(rows):
            self._connection.execute(_REMOVE, here)
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
        """All but those whose id is taken. (To undo a statement that failed would take a savepoint, which copies every
        page that is touched: for random ids a third of the whole time.)"""
        first = place.low | place.next
        rows = [message_rows.values(first + i, new.message) for i, new in enumerate(batch)]
        insert(self._connection, messages, messages.columns.keys(), rows, "ON CONFLICT DO NOTHING")
        return rows

    def _add_rest(self, rows: Sequence[tuple[Any, ...]], batch: Sequence[NewMessage]) -> None:
        called: list[tuple[Any, ...]] = []
        reacted: list[tuple[Any, ...]] = []
        for row, new in zip(rows, batch, strict=True):
            n, message = row[0], new.message
            self._texts.append((n, message.content))
            self._characters += len(message.content)
            if new.targets:
                called += [(target, message.timestamp, n) for target in new.targets]
            if message.reactions:
                reacted += [(n, emoji, user) for emoji, users in message.reactions.items() for user in users]
        if self._characters >= self._at_once:
            self._index()
        insert(self._connection, pings, ("target", "timestamp", "n"), called)
        insert(self._connection, reactions, ("n", "emoji", "user_id"), reacted)

    def _index(self) -> None:
        if self._indexer is not None:
            self._indexer(self._texts)
        else:
            if self._search is search_sqlite:
                search_sqlite.index_much(self._connection)
            self._search.index(self._connection, self._texts)
        self._texts, self._characters = [], 0

    def _taken(self, ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(ids), PARTS):
            found.update(self._connection.execute(_KNOWN_IDS, {"ids": ids[start : start + PARTS]}).scalars())
        return found

    def finish(self) -> None:
        """Call it before the commit."""
        if self._texts:
            self._index()
            if self._indexer is None and self._search is search_sqlite:
                search_sqlite.stop_indexing_much(self._connection)
        rows = [{"of": place.number, "next": place.next, "to": place.id} for place in self._places.values()]
        if rows:
            self._connection.execute(_LAST, rows)
