from __future__ import annotations

import itertools
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from sqlalchemy import Connection, NullPool, create_engine, make_url

from db.database import migrate, open_database
from db.messages import Message
from db.store import Store
from db.transaction import Transaction


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Databases(Protocol):
    """Where databases are made."""

    def new(self, folder: Path) -> str:
        """The URL of a migrated one of its own; it may lie in the folder."""

    def drop(self, url: str) -> None: ...


class SqliteFiles:
    def __init__(self, folder: Path) -> None:
        self.template = folder / "chat.db"
        engine = open_database(f"sqlite:///{self.template}")
        migrate(engine)
        engine.dispose()

    def new(self, folder: Path) -> str:
        shutil.copy(self.template, folder / "chat.db")
        return f"sqlite:///{folder / 'chat.db'}"

    def drop(self, url: str) -> None:
        """The folder goes as a whole."""


class PostgresServer:
    def __init__(self, url: str) -> None:
        self.url = make_url(url).set(drivername="postgresql+psycopg")
        self._engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        self._run = uuid.uuid4().hex[:8]
        self._numbers = itertools.count()
        self.template = self.empty()
        engine = open_database(self.template)
        migrate(engine)
        engine.dispose()

    def execute(self, statement: str) -> list[Any]:
        with self._engine.connect() as connection:
            result = connection.exec_driver_sql(statement)
            return list(result) if result.returns_rows else []

    def empty(self, of: str = "template0") -> str:
        name = f"originchats_test_{self._run}_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE {of}")
        return self.url.set(database=name).render_as_string(hide_password=False)

    def new(self, folder: Path) -> str:
        return self.empty(str(make_url(self.template).database))

    def drop(self, url: str) -> None:
        self.execute(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def connect(self, url: str) -> Connection:
        """As another program does."""
        return create_engine(url, poolclass=NullPool).connect()

    def cut(self, url: str) -> None:
        """Every connection to the database is lost."""
        self.execute(
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{make_url(url).database}'"  # noqa: S608
        )

    def close(self) -> None:
        self.drop(self.template)
        self._engine.dispose()


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
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def template(sqlite: SqliteFiles) -> Path:
    """A migrated SQLite file, to be copied."""
    return sqlite.template


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    url = os.environ.get("TEST_POSTGRES_URL")
    if not url:
        pytest.skip("PostgreSQL is tested only when TEST_POSTGRES_URL is set: see CONTRIBUTING.md")
    server = PostgresServer(url)
    yield server
    server.close()


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
