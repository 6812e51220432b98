"""The database as the rest of the server sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine

from db.database import BUSY_TIMEOUT_MS
from db.group import Group, Head, Known
from db.threads import Threads
from db.transaction import Transaction

__all__ = ["Head", "Store"]


class Store:
    """heads: place -> its newest message, as committed; may be read (`get`, not iterated) from any thread.
    threads: the event loop's index, filled at start."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        """The database is migrated already. Sessions that a former run left connected become disconnected now."""
        self._clock = clock
        self._connection = engine.connect()
        self._known = Known(self._connection)
        self._connection.rollback()
        tx = self.begin()
        self.threads = Threads(tx.threads.all())
        tx.sessions.disconnect_all(clock())
        tx.commit()

    @property
    def heads(self) -> dict[str, Head]:
        return self._known.heads

    def message_count(self) -> int:
        """Messages in all places, as committed."""
        return sum(place.count for place in list(self._known.places.values()))

    def begin(self) -> Transaction:
        """Start a group; it ends with `commit` or `rollback`. One at a time, from one thread at a time."""
        return Transaction(Group(self._connection, self._known, self._clock()))

    @contextmanager
    def impatient(self) -> Iterator[None]:
        """Within it, writing to a database that another program has locked fails at once instead of after a while."""
        driver: Any = self._connection.connection.driver_connection
        sqlite = self._connection.dialect.name == "sqlite"
        if sqlite:
            driver.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            if sqlite:
                driver.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")

    def close(self) -> None:
        self._connection.close()
