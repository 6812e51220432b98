"""Substring search through SQLite's full-text index of trigrams. What only SQLite can do with messages is in this file.

The index holds the trigrams of each content, folded to one case, under the `n` of its message: the messages of one
place are a range of it, read from the newest on. It holds no positions (a third of the size and half of the work), so
a hit is a message that has all trigrams of the query, and every hit is checked against the message itself. It holds no
contents either: what leaves it must be named again (`_REMOVE`).

New messages first stand in a queue, which is taken into the index by the batch, as one merge of many is far cheaper
than many of one; a search reads the queue as well. All that is queued of a place is newer than all that is indexed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, bindparam, select, text

from db import message_search
from db.message_search import MIN_INDEXED_CHARS, fold
from db.schema import messages, search_queue

if TYPE_CHECKING:
    from db.group import Group, Place

BATCH = 256
"""Messages in the queue before they are taken into the index; it takes some milliseconds."""
MAX_TRIGRAMS = 16
"""Every third of a query is looked up, so many of them; the check of each hit does the rest."""

HASH_BYTES, AUTOMERGE = 1 << 20, 4
"""Of the index, as SQLite has them by itself: what it holds in memory before it writes, and how many parts of one size
it merges."""
BULK_HASH_BYTES = 1 << 26

_ADD = text("INSERT INTO message_text (rowid, folded) VALUES (:n, :folded)")
_ADD_FAST = "INSERT INTO message_text (rowid, folded) VALUES (?, ?)"
_REMOVE = text("INSERT INTO message_text (message_text, rowid, folded) VALUES ('delete', :n, :folded)")
_OPTION = text("INSERT INTO message_text (message_text, rank) VALUES (:name, :value)")
_MATCHES = text(
    "SELECT m.* FROM message_text t CROSS JOIN messages m ON m.n = t.rowid"
    " WHERE t.message_text MATCH :match AND t.rowid BETWEEN :low AND :high ORDER BY t.rowid DESC"
    " LIMIT :limit"
).columns(*messages.c)

_ANYWHERE = text("SELECT rowid FROM message_text WHERE message_text MATCH :match LIMIT :limit")
_UP_TO = text(
    "SELECT rowid FROM message_text WHERE message_text MATCH :match AND rowid BETWEEN :low AND :high"
    " ORDER BY rowid DESC LIMIT :limit"
)
_ALL_QUEUED = select(search_queue.c.n)
_QUEUED_UP_TO = (
    select(search_queue.c.n)
    .where(search_queue.c.n.between(bindparam("low"), bindparam("high")))
    .order_by(search_queue.c.n.desc())
)

_ENQUEUE = search_queue.insert()
_DEQUEUE = search_queue.delete().where(search_queue.c.n == bindparam("n"))
_IS_QUEUED = select(search_queue).where(search_queue.c.n == bindparam("n"))
_EMPTY = search_queue.delete()
_QUEUED = select(messages.c.n, messages.c.content).where(messages.c.n.in_(select(search_queue.c.n)))
_QUEUED_HERE = (
    select(messages)
    .where(
        messages.c.n.in_(select(search_queue.c.n).where(search_queue.c.n.between(bindparam("low"), bindparam("high"))))
    )
    .order_by(messages.c.n.desc())
)
_NEWEST = (
    select(messages)
    .where(messages.c.n.between(bindparam("low"), bindparam("high")))
    .order_by(messages.c.n.desc())
    .limit(bindparam("limit"))
)


def added(group: Group, rows: Sequence[Mapping[str, Any]]) -> None:
    group.connection.execute(_ENQUEUE, [{"n": row["n"]} for row in rows])
    group.queued += len(rows)


def changed(group: Group, n: int, before: str, after: str) -> None:
    if group.queued and group.connection.execute(_IS_QUEUED, {"n": n}).first() is not None:
        return  # it will be taken into the index as it is then
    group.connection.execute(_REMOVE, {"n": n, "folded": fold(before)})
    group.connection.execute(_ADD, {"n": n, "folded": fold(after)})


def removed(group: Group, gone: Iterable[tuple[int, str]]) -> None:
    indexed = [{"n": n, "folded": fold(content)} for n, content in gone if not _dequeue(group, n)]
    if indexed:
        group.connection.execute(_REMOVE, indexed)


def _dequeue(group: Group, n: int) -> bool:
    """False when it was not in the queue."""
    if not group.queued or not group.connection.execute(_DEQUEUE, {"n": n}).rowcount:
        return False
    group.queued -= 1
    return True


def commits(group: Group) -> None:
    """Take the queue into the index when it is long enough."""
    if group.queued < BATCH:
        return
    take_in_queue(group.connection)
    group.queued = 0


def index(connection: Connection, rows: Sequence[tuple[int, str]]) -> None:
    """(n, content) of messages that never were in the queue, in the order of `n`; nothing of their places may wait."""
    connection.exec_driver_sql(_ADD_FAST, [(n, fold(content)) for n, content in rows])


def index_much(connection: Connection) -> None:
    """Very much follows by `index`: it is put together in memory, in large parts that are not merged on the way."""
    _configure(connection, hashsize=BULK_HASH_BYTES, automerge=0)


def stop_indexing_much(connection: Connection) -> None:
    """The index is merged bit by bit again, while it is written."""
    _configure(connection, hashsize=HASH_BYTES, automerge=AUTOMERGE)


def _configure(connection: Connection, **options: int) -> None:
    for name, value in options.items():
        connection.execute(_OPTION, {"name": name, "value": value})


def take_in_queue(connection: Connection) -> None:
    """All that waits in the queue goes into the index."""
    rows = [{"n": n, "folded": fold(content)} for n, content in connection.execute(_QUEUED)]
    if rows:
        connection.execute(_ADD, rows)
    connection.execute(_EMPTY)


def search(group: Group, place: Place, query: str, limit: int) -> list[Row[Any]]:
    folded = fold(query)
    if limit < 1 or not folded:
        return []
    here: dict[str, Any] = {"low": place.low, "high": place.high}
    bounded = {**here, "limit": message_search.MAX_SCANNED}
    if len(folded) < MIN_INDEXED_CHARS:
        return _hits(group, _NEWEST, bounded, folded, limit)
    found = _hits(group, _QUEUED_HERE, here, folded, limit) if group.queued else []
    if len(found) < limit:
        found += _hits(group, _MATCHES, {**bounded, "match": _match(folded)}, folded, limit - len(found))
    return found


def everywhere(group: Group, folded: str, most: int) -> list[int] | None:
    found = group.connection.execute(_ANYWHERE, {"match": _match(folded), "limit": most + 1}).scalars().all()
    if len(found) > most:
        return None
    return [*found, *group.connection.execute(_ALL_QUEUED).scalars()]


def candidates(group: Group, place: Place, high: int, folded: str, limit: int, scanned: int) -> tuple[list[int], int]:
    here = {"low": place.low, "high": high}
    queued = list(group.connection.execute(_QUEUED_UP_TO, here).scalars())[:limit] if group.queued else []
    which = {**here, "match": _match(folded), "limit": limit - len(queued)}
    found = queued + list(group.connection.execute(_UP_TO, which).scalars())
    return found, len(found)


def _match(folded: str) -> str:
    """The query of the index for a text of `MIN_INDEXED_CHARS` or more."""
    last = len(folded) - 3
    trigrams = dict.fromkeys(folded[i : i + 3] for i in (*range(0, last, 3), last))
    return " AND ".join(['"' + trigram.replace('"', '""') + '"' for trigram in trigrams][:MAX_TRIGRAMS])


def _hits(group: Group, statement: Any, which: dict[str, Any], folded: str, limit: int) -> list[Row[Any]]:
    """The first `limit` rows that contain the folded query."""
    found: list[Row[Any]] = []
    with group.connection.execute(statement, which) as rows:
        for row in rows:
            if folded in fold(row.content):
                found.append(row)
                if len(found) == limit:
                    break
    return found
