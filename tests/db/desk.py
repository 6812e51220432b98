"""A journal at work, for the tests of it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import OperationalError

from config.paths import DataPaths
from db import document_log
from db.database import open_database
from db.document_file import DocumentFiles
from db.documents import Change, Documents
from db.group import Group
from db.journal import Journal, Operation
from db.store import Store
from db.transaction import Transaction
from db.users import User
from tests.db.conftest import Clock, message

Work = Callable[[Transaction], Any]


class Desk:
    """A journal on real files and a real database, and the documents in memory."""

    def __init__(self, folder: Path, url: str, clock: Clock) -> None:
        self.folder = folder
        self.url = url
        self.engine = open_database(url)
        self.store = Store(self.engine, clock)
        ids = iter(f"id{number:04}" for number in range(10_000))
        paths = DataPaths(folder, folder / "users.json", folder / "roles.json", folder / "channels.json", "")
        self.files = DocumentFiles(paths, lambda: next(ids))
        tx = self.store.begin()
        rows = document_log.load(tx.connection)
        tx.rollback()
        self.documents: Documents
        self.documents, self.edited = self.files.open(rows)
        self.journal = Journal(self.store, self.files, asyncio.get_running_loop())
        self.journal.on_external = lambda changes: self.external.extend(self.documents.apply_external(changes))
        self.external: list[Change] = []
        self.settled: list[Any] = []
        """What the operations gave, or their error, in order of release."""
        self.commits = 0
        commit = Group.commit
        desk = self

        def counting(group: Group) -> Any:
            desk.commits += 1
            return commit(group)

        self.commit: Callable[[Group], Any] = counting
        self.journal.start()

    def submit(self, work: Work | None = None, changes: tuple[Change, ...] = ()) -> None:
        def settle(operation: Operation) -> None:
            if operation.error is not None:
                self.documents.undo(changes)
            self.settled.append(operation.error or operation.result)

        self.journal.submit(work, changes, settle)

    def put(self, name: str, work: Work | None = None, **fields: Any) -> None:
        """A command that changes a member (a new one, where there is none)."""
        user = self.documents.users.get(name) or User(id=name, username=name)
        self.documents.users.put(msgspec.structs.replace(user, **fields))
        self.submit(work or (lambda tx: name), self.documents.take_changes())

    async def quiet(self) -> list[Any]:
        idle = asyncio.get_running_loop().create_future()
        self.journal.when_idle(lambda: idle.set_result(None))
        await idle
        settled, self.settled = self.settled, []
        return settled

    def hold(self) -> threading.Event:
        """What is submitted until this is set will be one group."""
        release, began = threading.Event(), threading.Event()

        def stand(tx: Transaction) -> str:
            began.set()
            assert release.wait(30)
            return "held"

        self.submit(stand)
        assert began.wait(30)
        return release

    async def grouped(self, *submit: Callable[[], None]) -> list[Any]:
        """What the operations give that these submit, all in one group."""
        release = self.hold()
        for each in submit:
            each()
        release.set()
        settled = await self.quiet()
        assert settled[0] == "held"
        return settled[1:]

    def on_disk(self, document: str = "users") -> Any:
        return json.loads((self.folder / f"{document}.json").read_text())

    def rows(self, statement: str) -> list[Any]:
        """What another program sees in the database."""
        other = create_engine(self.url, poolclass=NullPool)
        with other.connect() as connection:
            return list(connection.exec_driver_sql(statement))

    def stop(self) -> None:
        self.journal.stop()
        self.files.close()
        self.store.close()
        self.engine.dispose()


def post(id: str) -> Work:
    def work(tx: Transaction) -> str:
        tx.messages.add("general", message(id), [], [], None)
        tx.log.append("all", "message_new", b"{}")
        return id

    return work


def messages(tx: Transaction) -> list[str]:
    return [each.id for each in tx.messages.newest("general", 100)]


whole_commit = Group.commit


def broken_commit(group: Group) -> Any:
    if not group.connection.in_transaction():
        return whole_commit(group)
    group.flush()
    group.rollback()
    raise OperationalError("COMMIT", {}, sqlite3.OperationalError("database or disk is full"))
