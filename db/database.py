"""Opening the database: one server at a time, the right settings, the newest schema.

Pragmas and the copy before an upgrade are SQLite's; what only PostgreSQL needs is in `postgresql.py`.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError

from db import postgresql

HEAD_REVISION = "0003"
"""The newest script of db/migrations/versions."""

MIGRATIONS = Path(__file__).parent / "migrations"

BUSY_TIMEOUT_MS = 5_000
"""How long writing waits for another program that has locked the database; reading does not wait (WAL)."""

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # a commit is on disk when it returns
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA foreign_keys = OFF",
    "PRAGMA cache_size = -32768",  # KiB
    "PRAGMA wal_autocheckpoint = 4000",  # pages
    "PRAGMA journal_size_limit = 67108864",  # bytes
    "PRAGMA temp_store = MEMORY",
)


class DatabaseError(Exception):
    """The database cannot be used; the text says why and what to do."""


class FolderLock:
    """Held by the one server that works in a data folder; freed by the system when its process ends."""

    def __init__(self, folder: Path) -> None:
        """Raises DatabaseError when another server holds it."""
        self.path = folder / "originchats.lock"
        folder.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("a+")
        try:
            _lock(self._file.fileno())
        except OSError:
            self._file.seek(0)
            owner = self._file.read().strip()
            self._file.close()
            known = f" (process {owner})" if owner else ""
            raise DatabaseError(
                f"another server{known} is using {folder}: stop it, or give this one its own --data-dir"
            ) from None
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """The file stays: deleting it would let two servers hold two locks of the same name."""
        self._file.close()

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.release()


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)  # past the text, which others may read
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def open_database(url: str) -> Engine:
    """url: SQLAlchemy's form, such as `sqlite:///db/originchats.db` or `postgresql://user:password@host/name`. Connects
    to nothing yet. Raises DatabaseError when it is of no use."""
    parsed = _parsed(url)
    if parsed.drivername in postgresql.NAMES:
        return postgresql.open_engine(parsed)
    engine = create_engine(parsed)
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise DatabaseError("the URL of the database cannot be read: see DB.url in docs/settings.md") from None
    if parsed.drivername not in ("sqlite", *postgresql.NAMES):
        raise DatabaseError(f"{parsed.drivername} is no database that is served: sqlite and postgresql are")
    if parsed.drivername == "sqlite" and "?" in url:
        raise DatabaseError("the path of the database holds a question mark, where its name would end")
    return parsed


def shown(url: str) -> str:
    """The URL as it may be printed: without its password."""
    return _parsed(url).render_as_string(hide_password=True)


def _set_up(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins no transactions of its own
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def revision(engine: Engine) -> str | None:
    """The revision of the schema; None when the database is empty. Raises DatabaseError when it is not a database."""
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            return found
    except Exception as error:
        raise DatabaseError(unusable(engine, error)) from error


def unusable(engine: Engine, error: Exception) -> str:
    """What is told of a database that refuses its service at the start."""
    cause = " ".join(str(getattr(error, "orig", None) or error).split())
    return f"cannot open the database {_name(engine.url)}: {cause}"


def _name(url: URL) -> str | None:
    """What a message calls it: the path of the file, or the URL without its password."""
    return url.database if url.drivername == "sqlite" else url.render_as_string(hide_password=True)


def check_database(url: str) -> str | None:
    """What is wrong with the database, named first; None: nothing, or there is no such file.

    Changes nothing, and leaves no files beside that of SQLite."""
    try:
        parsed = _parsed(url)
        found = _look_at_file(parsed) if parsed.drivername == "sqlite" else _look_at_server(parsed)
    except DatabaseError as error:
        return str(error)
    return None if found is None or found <= HEAD_REVISION else f"{_name(parsed)}: {_too_new(found)}"


def _look_at_file(url: URL) -> str | None:
    """The revision of the schema; None when the file is empty or there is none. Raises DatabaseError."""
    path = Path(url.database or ":memory:")
    try:
        if not path.stat().st_size:
            return None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DatabaseError(f"{path}: {error.strerror}") from error
    if not os.access(path, os.W_OK):
        raise DatabaseError(f"{path}: is read-only for this user")
    # without `immutable` SQLite makes the files -wal and -shm; with it, it leaves out what stands in them
    alone = not any(path.with_name(path.name + end).exists() for end in ("-wal", "-shm"))
    uri = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if alone else ''}"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "alembic_version" not in tables:
                return None
            found: str | None = connection.execute("SELECT max(version_num) FROM alembic_version").fetchone()[0]
            return found
    except sqlite3.Error as error:
        raise DatabaseError(f"{path}: cannot be used: {error}") from error


def _look_at_server(url: URL) -> str | None:
    """The revision of the schema. Asks without the lock, so that a server may be at work. Raises DatabaseError."""
    engine = create_engine(url.set(drivername=postgresql.DRIVER), connect_args={"connect_timeout": 5})
    try:
        return revision(engine)
    finally:
        engine.dispose()


def _too_new(found: str) -> str:
    return (
        f"was written by a newer version of the server (schema {found}): update the server, or restore the copy that "
        f"was made before the update"
    )


def migrate(engine: Engine) -> Path | None:
    """Bring the schema up to date. An existing SQLite file is copied beforehand; gives the path of the copy.

    Raises DatabaseError when the database comes from a newer version of the server."""
    found = revision(engine)
    copy = None if found == HEAD_REVISION else _upgrade(engine, found)
    if engine.dialect.name == "postgresql":
        postgresql.index_search(engine)
    return copy


def _upgrade(engine: Engine, found: str | None) -> Path | None:
    # a fifth of a second to import, and rarely needed
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    copy = None
    if found is not None:
        try:
            ScriptDirectory.from_config(config).get_revision(found)
        except CommandError:
            raise DatabaseError(f"the database {_name(engine.url)} {_too_new(found)}") from None
        copy = back_up(engine, found)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return copy


def back_up(engine: Engine, label: str) -> Path | None:
    """Copy the SQLite file beside itself, consistently; None when the database is no file."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name == ":memory:":
        return None
    target = Path(f"{name}.{time.strftime('%Y%m%d-%H%M%S')}.{label}.bak")
    with contextlib.closing(sqlite3.connect(name)) as source, contextlib.closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    return target
