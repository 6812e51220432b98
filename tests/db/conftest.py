from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from db.database import open_database
from db.messages import Message
from db.store import Store
from db.transaction import Transaction
from tests.db.files import Host
from tests.support.databases import Databases, SqliteFiles


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Disk:
    """A migrated database of its own."""

    def __init__(self, folder: Path, databases: Databases, clock: Clock) -> None:
        self.url = databases.new(folder)
        self.clock = clock
        self._databases = databases
        self._engines: list[tuple[Store, Callable[[], None]]] = []

    def open(self) -> Store:
        """What a start of the server does; a former store is left as it is, as by `kill -9`."""
        self.close()
        engine = open_database(self.url)
        store = Store(engine, self.clock)
        self._engines.append((store, engine.dispose))
        return store

    def close(self) -> None:
        while self._engines:
            store, dispose = self._engines.pop()
            store.close()
            dispose()

    def drop(self) -> None:
        self.close()
        self._databases.drop(self.url)


@pytest.fixture(scope="session")
def template(sqlite: SqliteFiles) -> Path:
    """A migrated SQLite file, to be copied."""
    return sqlite.template


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def databases(request: pytest.FixtureRequest) -> Databases:
    """What is tested with this is tested on both."""
    found: Databases = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def disk(tmp_path: Path, databases: Databases, clock: Clock) -> Iterator[Disk]:
    disk = Disk(tmp_path, databases, clock)
    yield disk
    disk.drop()


@pytest.fixture
def store(disk: Disk) -> Store:
    return disk.open()


@contextmanager
def group(store: Store) -> Iterator[Transaction]:
    """A group that is committed unless something is raised in it."""
    tx = store.begin()
    try:
        yield tx
        tx.commit()
    finally:
        tx.rollback()


def message(id: str, **fields: Any) -> Message:
    return Message(**{"id": id, "user_id": "ann", "content": id, "timestamp": 1.0, **fields})


def fill(store: Store, count: int, place: str = "general") -> list[str]:
    ids = [f"m{i:05}" for i in range(count)]
    with group(store) as tx:
        for i, id_ in enumerate(ids):
            tx.messages.add(place, message(id_, timestamp=float(i)))
    return ids


def ids_of(messages: list[Message]) -> list[str]:
    return [m.id for m in messages]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """Two members on disk."""
    (tmp_path / "users.json").write_text(
        json.dumps({"1": {"username": "ann", "roles": ["user"]}, "2": {"username": "bob", "roles": ["user"]}})
    )
    host = Host(tmp_path)
    host.start()
    yield host
    host.stop()
