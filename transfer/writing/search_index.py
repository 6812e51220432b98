"""The search index of a large import, made by a process of its own beside the database, and taken over at the end.

An index of trigrams takes longer than reading and storing the messages together, and nothing waits for it; SQLite lets
only one write to a file, so it is made in another. What is taken over are the tables in which FTS5 keeps an index
(https://www.sqlite.org/fts5.html#fts5_data_structures), whole, into a database whose own index is empty.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import msgspec

from db.message_search import fold
from db.search_sqlite import BULK_HASH_BYTES

SUFFIX = ".index"
Texts = Sequence[tuple[int, str]]
"""(n, content), in the order of `n`."""

_encode = msgspec.msgpack.Encoder().encode


def definition(database: Path) -> str | None:
    """How the index of this database is made; None when it cannot be made elsewhere: there are messages already, or the
    database has an index of another kind."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        if connection.execute("SELECT 1 FROM messages LIMIT 1").fetchone():
            return None
        found = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'message_text'").fetchone()
    return found[0] if found and "fts5" in found[0] else None


class Indexer:
    """The end of the pipe where texts go in."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def add(self, texts: Texts) -> None:
        self._pipe.send_bytes(_encode(texts))

    def finish(self) -> None:
        """The index is complete in its file. Raises EOFError or OSError when the other process has ended before."""
        self._pipe.send_bytes(b"")
        self._pipe.recv_bytes()


def index_texts(pipe: Pipe, database: str, definition: str) -> None:
    """What the process of the index does. Ends as well when nobody sends any more."""
    decode = msgspec.msgpack.Decoder(list[tuple[int, str]]).decode
    with contextlib.closing(sqlite3.connect(database + SUFFIX, isolation_level=None)) as connection:
        for statement in ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "BEGIN", definition):
            connection.execute(statement)
        options = [("hashsize", BULK_HASH_BYTES), ("automerge", 0)]
        connection.executemany("INSERT INTO message_text (message_text, rank) VALUES (?, ?)", options)
        with contextlib.suppress(EOFError):
            while data := pipe.recv_bytes():
                rows = ((n, fold(content)) for n, content in decode(data))
                connection.executemany("INSERT INTO message_text (rowid, folded) VALUES (?, ?)", rows)
            connection.execute("COMMIT")
            pipe.send_bytes(b"done")


def take_over(database: str) -> None:
    """Nobody else may have the database open."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("ATTACH ? AS made", (database + SUFFIX,))
        connection.execute("BEGIN")
        for table in ("message_text_data", "message_text_idx"):
            connection.execute(f"DELETE FROM main.{table}")  # noqa: S608
            connection.execute(f"INSERT INTO main.{table} SELECT * FROM made.{table}")  # noqa: S608
        connection.execute("COMMIT")
        connection.execute("DETACH made")
    Path(database + SUFFIX).unlink()
