"""The data folder that an import goes to: what is in it already, and its successor, which is built beside it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from config.paths import DataPaths
from db import channels, document_format, emojis, roles, users
from db.atomic_file import TEMP_MARK, sync_folder, write_new
from db.backup import DATABASE, FOLDER, LOCK
from db.bulk import write_carelessly
from db.database import migrate, open_database
from db.document_format import DataError, Format, Slices
from db.documents import ORDER_KEY, Order
from db.folder_swap import BEFORE, interrupted, prepared_folder, swap
from db.ids import uuid7
from db.schema import counters
from transfer.model import ImportStopped

STAMP = "import"
"""Of the folder that is being built: one that a killed import left behind is in nobody's way."""
FORMATS: dict[str, Format[Any]] = {
    "users.json": users.FORMAT,
    "roles.json": roles.FORMAT,
    "channels.json": channels.FORMAT,
    "serverEmojis.json": emojis.FORMAT,
}
REPLACED = ("roles.json", "channels.json", "serverEmojis.json")
"""Documents that say nothing yet where no message was written: those of a new server."""
MARK = "import:"
"""Beginning of the names of the counters that an import leaves."""

Records = dict[str, Any]


class Target:
    """Belongs to who holds the lock of the folder."""

    def __init__(self, paths: DataPaths) -> None:
        """Raises ImportStopped."""
        self.folder = paths.folder
        self.prepared = prepared_folder(paths.folder, STAMP)
        for path in (paths.users, paths.roles, paths.channels):
            if path.parent != paths.folder or path.name not in FORMATS:
                raise ImportStopped(f"config.json keeps {path.name} at {path}, outside of the data folder")
        if paths.database_url != f"sqlite:///{paths.folder / DATABASE}":
            raise ImportStopped(
                "config.json names a database (DB.url); an import is made to the data folder's own file"
            )
        cut_off = interrupted(paths.folder)
        if cut_off is not None:
            raise ImportStopped(cut_off)
        self.has_messages, self.marks = self._look()
        self.is_new = not self.has_messages
        """No message was written in it: its roles and channels make way."""

    def _look(self) -> tuple[bool, set[str]]:
        """Whether there are messages, and which marks of imports there are."""
        path = self.folder / DATABASE
        if not path.exists():
            return False, set()
        # one that was made by an older server is not migrated in its place, and may lack tables
        with contextlib.closing(self._reader()) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            has = "messages" in tables and connection.execute("SELECT n FROM messages LIMIT 1").fetchone() is not None
            if "counters" not in tables:
                return has, set()
            names = connection.execute("SELECT name FROM counters WHERE name LIKE ?", (f"{MARK}%",)).fetchall()
            return has, {name for (name,) in names}

    def _reader(self) -> sqlite3.Connection:
        """Of the database that is there, which stays as it is: nothing of a WAL is written back."""
        path = self.folder / DATABASE
        # reading would leave the files -wal and -shm beside it
        alone = not any(path.with_name(path.name + end).exists() for end in ("-wal", "-shm"))
        return sqlite3.connect(f"{path.as_uri()}?mode=ro{'&immutable=1' if alone else ''}", uri=True)

    def document(self, name: str) -> Records:
        """The records of a document that is there; an empty one when it is not, or makes way. Raises ImportStopped."""
        format = FORMATS[name]
        path = self.folder / name
        empty: Records = {ORDER_KEY: Order()} if format.is_list else {}
        if not path.exists() or (self.is_new and name in REPLACED):
            return empty
        try:
            content = path.read_bytes()
            return document_format.parse(format, path, content, Slices(format), dict, uuid7).records
        except DataError as error:
            raise ImportStopped(str(error)) from None

    def prepare(self) -> Connection:
        """Begin with a copy of what is there. Gives the connection to its database, outside of a transaction."""
        shutil.rmtree(self.prepared, ignore_errors=True)
        self.prepared.mkdir(mode=0o700)
        if not self.is_new:
            self._copy(self.folder, self.prepared)
            with (
                contextlib.closing(self._reader()) as source,
                contextlib.closing(sqlite3.connect(self.prepared / DATABASE)) as copy,
            ):
                source.backup(copy)
        self._engine = open_database(f"sqlite:///{self.prepared / DATABASE}")
        migrate(self._engine)
        connection = self._engine.connect()
        write_carelessly(connection)
        return connection

    def _copy(self, source: Path, target: Path) -> None:
        """Documents, pictures and so on; what never changes is not copied but linked."""
        for path in source.iterdir():
            if path.name.startswith((DATABASE, LOCK)) or path.name == FOLDER or TEMP_MARK in path.name:
                continue
            if path.is_symlink() or path.is_file():
                shutil.copy2(path, target / path.name, follow_symlinks=False)
            elif path.is_dir():
                shutil.copytree(path, target / path.name, symlinks=True, copy_function=_link)

    @property
    def database(self) -> Path:
        """Of the folder that is being built."""
        return self.prepared / DATABASE

    def write(self, name: str, records: Records) -> None:
        """A document of the folder that is being built."""
        format = FORMATS[name]
        path = self.prepared / name
        content = document_format.render(format, records, Slices(format))
        write_new(path, content)[0].replace(path)

    def close(self, connection: Connection) -> None:
        """The database is complete: have everything on disk."""
        connection.close()
        self._engine.dispose()
        self._engine.connect().close()  # it is an ordinary one from now on
        self._engine.dispose()
        for folder, _, names in os.walk(self.prepared):
            for name in names:
                path = Path(folder, name)
                if not path.is_symlink() and path.stat().st_nlink == 1:
                    with path.open("rb") as file:
                        os.fsync(file.fileno())
            sync_folder(Path(folder))

    def put_in_place(self, stamp: str) -> Path | None:
        """Gives where the former folder is now, None when there was nothing in it."""
        there = {path.name for path in self.folder.iterdir()}
        keep = [name for name in there if not name.startswith((DATABASE, LOCK)) and name not in FORMATS]
        before = swap(self.folder, self.prepared, stamp, keep=keep)
        left = {path.name for path in before.iterdir()} - {LOCK}
        if left:
            return before
        shutil.rmtree(before)
        return None

    def forget(self) -> None:
        """Nothing of the import stays."""
        with contextlib.suppress(AttributeError):
            self._engine.dispose()
        shutil.rmtree(self.prepared, ignore_errors=True)


def leftovers(folder: Path) -> list[Path]:
    """Former data folders that stand beside this one."""
    return sorted(folder.parent.glob(f"{folder.name}{BEFORE}*"))


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def marks(connection: Connection, prefix: str) -> set[str]:
    """What imports left in the database, by the beginning of the name."""
    wanted = select(counters.c.name).where(counters.c.name.startswith(prefix, autoescape=True))
    return set(connection.execute(wanted).scalars())
