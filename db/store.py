"""The database as the rest of the server sees it."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
from sqlalchemy import Engine

from db.threads import Threads
from db.transaction import Transaction


class Head(msgspec.Struct, frozen=True):
    """The newest message of a place."""

    timestamp: float
    id: str


class Store:
    """heads: place -> its newest message, as committed; may be read (`get`, not iterated) from any thread.
    threads: the event loop's index, filled at start."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self.heads: dict[str, Head] = {}
        self.threads = Threads()

    def begin(self) -> Transaction:
        """Start a group. Only one at a time, always in the same thread; ends with `commit` or `rollback`."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError
