"""The journal when the disk is full, a file cannot be written or the database is locked: all of a group or nothing."""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from db import atomic_file
from db.group import Group
from db.transaction import Transaction
from db.users import User
from protocol.errors import Code
from tests.db.conftest import Clock, Disk, message
from tests.db.desk import Desk, broken_commit, messages, post
from tests.support.databases import SqliteFiles

pytestmark = pytest.mark.anyio


@pytest.fixture
async def desk(tmp_path: Path, disk: Disk, clock: Clock) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path, disk.url, clock)
    yield desk
    await asyncio.to_thread(desk.stop)


@pytest.fixture
async def sqlite_desk(tmp_path: Path, sqlite: SqliteFiles, clock: Clock) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path, sqlite.new(tmp_path), clock)
    yield desk
    await asyncio.to_thread(desk.stop)


def breaks_writing(monkeypatch: pytest.MonkeyPatch, number: int = errno.ENOSPC) -> None:
    def write_new(path: Path, data: bytes) -> Any:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(atomic_file, "write_new", write_new)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS])
async def test_a_document_that_cannot_be_written_fails_with_a_clear_reason(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    desk.put("ann", nickname="A")
    desk.submit(post("m1"))
    await desk.quiet()
    with monkeypatch.context() as broken:
        breaks_writing(broken, number)
        settled = await desk.grouped(
            lambda: desk.put("ann", post("never"), nickname="B"), lambda: desk.put("ben"),
            lambda: desk.submit(messages), lambda: desk.submit(post("m2")),
        )  # fmt: skip
    for refused in settled[:2]:
        assert refused.code is Code.UNAVAILABLE
        assert os.strerror(number) in refused.text
        assert "Nothing was changed" in refused.text
    assert settled[2:] == [["m1"], "m2"], "reading, and what needs no document, goes on"
    ann = desk.documents.users.get("ann")
    assert ann is not None
    assert ann.nickname == "A"
    assert desk.documents.users.get("ben") is None
    assert desk.on_disk()["ann"]["nickname"] == "A"
    assert list(desk.folder.glob("*.tmp-*")) == []
    assert desk.rows("SELECT id FROM messages ORDER BY n") == [("m1",), ("m2",)]
    desk.put("ann", nickname="C")
    assert await desk.quiet() == ["ann"]
    assert desk.on_disk()["ann"]["nickname"] == "C"


async def test_of_two_documents_both_are_written_or_none(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = atomic_file.replace

    def no_roles(path: Path, data: bytes, exists: bool) -> Any:
        if path.name == "roles.json":
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(path, data, exists)

    user_role = desk.documents.roles.get("user")
    assert user_role is not None
    with monkeypatch.context() as broken:
        broken.setattr(atomic_file, "replace", no_roles)
        desk.documents.users.put(User(id="ann", username="ann"))
        desk.documents.roles.put(msgspec.structs.replace(user_role, color="#ff0000"))
        desk.submit(lambda tx: "both", desk.documents.take_changes())
        (refused,) = await desk.quiet()
    assert refused.code is Code.UNAVAILABLE
    assert desk.on_disk() == {}
    assert desk.documents.users.get("ann") is None
    assert desk.documents.roles.get("user") == user_role


async def test_a_commit_that_fails_takes_the_documents_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.put("ann", nickname="A")
    await desk.quiet()
    with monkeypatch.context() as broken:
        broken.setattr(Group, "commit", broken_commit)
        settled = await desk.grouped(lambda: desk.put("ann", nickname="B"), lambda: desk.put("ben"))
        assert not desk.journal.works
    assert [refused.code for refused in settled] == [Code.UNAVAILABLE] * 2
    assert "disk is full" in settled[0].text
    assert list(desk.on_disk()) == ["ann"]
    assert desk.on_disk()["ann"]["nickname"] == "A"
    ann = desk.documents.users.get("ann")
    assert ann is not None
    assert ann.nickname == "A"
    desk.put("ann", nickname="C")
    assert await desk.quiet() == ["ann"]
    assert desk.journal.works
    assert desk.on_disk()["ann"]["nickname"] == "C"


async def test_a_full_database_refuses_writing_and_goes_on_reading(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    desk.submit(post("m1"))
    await desk.quiet()

    def fill(tx: Transaction) -> None:
        pages = tx.connection.execute(text("PRAGMA page_count")).scalar_one()
        tx.connection.execute(text(f"PRAGMA max_page_count = {pages}"))

    desk.submit(fill)
    long = "x" * 100_000
    desk.submit(lambda tx: tx.messages.add("general", message("long", content=long), [], [], None))
    desk.submit(messages)
    desk.put("ann", lambda tx: tx.log.append("all", "x", long.encode()))
    settled = await desk.quiet()
    assert settled[1].code is Code.UNAVAILABLE
    assert "full" in settled[1].text
    assert settled[2] == ["m1"]
    assert settled[3].code is Code.UNAVAILABLE
    assert desk.on_disk() == {}
    assert desk.documents.users.get("ann") is None


async def test_a_locked_database_refuses_writing_and_goes_on_reading(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = sqlite_desk
    desk.submit(post("m1"))
    await desk.quiet()
    connection: Any = desk.store._connection.connection.driver_connection
    connection.execute("PRAGMA busy_timeout = 1")
    with closing(sqlite3.connect(desk.folder / "chat.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        settled = await desk.grouped(
            lambda: desk.submit(messages), lambda: desk.submit(post("m2")), lambda: desk.put("ann"),
            lambda: desk.submit(messages),
        )  # fmt: skip
        other.execute("ROLLBACK")
    assert settled[0] == settled[3] == ["m1"]
    assert settled[1].code is settled[2].code is Code.UNAVAILABLE
    assert "locked" in settled[1].text
    assert desk.on_disk() == {}
    assert desk.documents.users.get("ann") is None
    desk.submit(post("m3"))
    desk.submit(messages)
    assert await desk.quiet() == ["m3", ["m1", "m3"]]
    assert connection.execute("PRAGMA busy_timeout").fetchone() == (5_000,), "patient again"


async def test_a_locked_database_is_waited_for_once_a_group(sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = sqlite_desk
    waits: list[int] = []
    commit = Group.commit

    def locked(group: Group) -> Any:
        connection: Any = group.connection.connection.driver_connection
        waits.append(connection.execute("PRAGMA busy_timeout").fetchone()[0])
        if group._events:
            group.rollback()
            raise OperationalError("COMMIT", {}, sqlite3.OperationalError("database is locked"))
        return commit(group)

    with monkeypatch.context() as broken:
        broken.setattr(Group, "commit", locked)
        await desk.grouped(*(lambda number=number: desk.submit(post(f"m{number}")) for number in range(5)))
    assert waits[-6:] == [5_000, 0, 0, 0, 0, 0]
