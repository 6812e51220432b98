from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from db.database import migrate, open_database
from db.store import Store
from db.transaction import Transaction


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_store(tmp_path: Path, clock: Clock) -> Iterator[Callable[[], Store]]:
    """Opens the same database each time, as a restart would."""
    opened = []

    def open_() -> Store:
        engine = open_database(f"sqlite:///{tmp_path / 'chat.db'}")
        migrate(engine)
        opened.append((engine, Store(engine, clock)))
        return opened[-1][1]

    yield open_
    for engine, store in opened:
        store.close()
        engine.dispose()


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Store:
    return open_store()


@contextmanager
def group(store: Store) -> Iterator[Transaction]:
    tx = store.begin()
    try:
        yield tx
        tx.commit()
    finally:
        tx.rollback()
