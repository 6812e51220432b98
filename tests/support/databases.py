"""Databases for tests, each made quickly from a migrated template: SQLite always, PostgreSQL where there is one."""

from __future__ import annotations

import itertools
import shutil
import uuid
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, NullPool, create_engine, make_url

from db.database import migrate, open_database


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
