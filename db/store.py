"""The database as the rest of the server sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from db.database import BUSY_TIMEOUT_MS, DatabaseError
from db.directs import Directs
from db.group import Group, Head, Known
from db.invites import Invites
from db.memberships import Memberships
from db.push_subscriptions import PushSubscriptions
from db.threads import Threads
from db.transaction import Transaction
from db.webhooks import Webhooks

__all__ = ["Head", "Store"]


class Store:
    """heads: place -> its newest message, as committed; may be read (`get`, not iterated) from any thread.
    threads, directs, memberships, webhooks, invites, push_subscriptions: the event loop's indexes, filled at start."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        """The database is migrated already. Sessions that a former run left connected become disconnected now."""
        self._clock = clock
        self._impatient = False
        self._down: DBAPIError | None = None
        """Why the database could not be reached, while impatient."""
        self._connection = engine.connect()
        self._sqlite = engine.dialect.name == "sqlite"
        self._known = Known(self._connection)
        self._connection.rollback()
        tx = self.begin()
        self.threads = Threads(tx.threads.all())
        self.directs = Directs(tx.directs.all())
        self.memberships = Memberships(tx.memberships.all())
        self.webhooks = Webhooks(tx.webhooks.all())
        self.invites = Invites(tx.invites.all())
        self.push_subscriptions = PushSubscriptions(tx.push.all())
        tx.sessions.disconnect_all(clock())
        tx.commit()

    @property
    def heads(self) -> dict[str, Head]:
        return self._known.heads

    def message_count(self) -> int:
        """Messages in all places, as committed."""
        return sum(place.count for place in list(self._known.places.values()))

    def count(self, place: str) -> int:
        """Messages in a place, as committed."""
        known = self._known.places.get(place)
        return 0 if known is None else known.count

    def begin(self) -> Transaction:
        """Start a group; it ends with `commit` or `rollback`. One at a time, from one thread at a time.

        Connects again when the connection was lost. Raises DBAPIError when the database cannot be reached,
        DatabaseError when it holds what this server knows nothing of."""
        if self._connection.invalidated:
            self._reconnect()
        if self._impatient and not self._sqlite:
            self._connection.exec_driver_sql("SET LOCAL lock_timeout = 1")  # milliseconds; 0 is for ever
        return Transaction(Group(self._connection, self._known, self._clock()))

    def _reconnect(self) -> None:
        if self._down is not None:
            raise self._down
        try:
            found = Known(self._connection)
            self._connection.rollback()
        except DBAPIError as error:
            self._connection.rollback()
            if self._impatient:
                self._down = error
            raise
        if not found.same(self._known):
            self._connection.invalidate()
            raise DatabaseError("the database was changed while it could not be reached: the server must be restarted")

    @contextmanager
    def impatient(self) -> Iterator[None]:
        """Within it, writing to a database that another program has locked, or that cannot be reached, fails at once
        instead of after a while."""
        self._impatient = True
        if self._sqlite:
            driver: Any = self._connection.connection.driver_connection
            driver.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            self._impatient, self._down = False, None
            if self._sqlite:
                driver.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")

    def close(self) -> None:
        self._connection.close()
