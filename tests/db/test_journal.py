"""One thread for everything that is remembered: groups, order, and what is left after a failure: nothing."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from config.paths import DataPaths
from db import atomic_file, document_log
from db.database import open_database
from db.document_file import DocumentFiles
from db.documents import Change, Documents
from db.group import Group
from db.journal import MAX_GROUP, Journal, Operation
from db.store import Store
from db.transaction import Transaction
from db.users import User
from protocol.errors import Code, Refused
from tests.db.conftest import Clock, Disk, message
from tests.db.files import edit
from tests.support.databases import SqliteFiles

pytestmark = pytest.mark.anyio
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
            assert release.wait(10)
            return "held"

        self.submit(stand)
        assert began.wait(10)
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


def post(id: str) -> Work:
    def work(tx: Transaction) -> str:
        tx.messages.add("general", message(id), [], [], None)
        tx.log.append("all", "message_new", b"{}")
        return id

    return work


def fails(error: Exception) -> Work:
    """Writes, then fails."""

    def work(tx: Transaction) -> None:
        tx.log.append("all", "never", b"{}")
        tx.messages.add("general", message("never"), [], [], None)
        raise error

    return work


def give(number: int) -> Work:
    return lambda tx: number


def messages(tx: Transaction) -> list[str]:
    return [each.id for each in tx.messages.newest("general", 100)]


# --- order and groups


async def test_nothing_to_do_is_done_at_once(desk: Desk) -> None:
    desk.submit()
    assert desk.settled == [None]


async def test_nothing_to_do_waits_for_what_was_before(desk: Desk) -> None:
    desk.submit(lambda tx: "first")
    desk.submit()
    assert desk.settled == []
    assert await desk.quiet() == ["first", None]


async def test_results_come_in_the_order_of_submission(desk: Desk) -> None:
    for number in range(3 * MAX_GROUP):
        desk.submit(give(number) if number % 3 else lambda tx: tx.log.newest())
    settled = await desk.quiet()
    assert [number for number in settled if number] == [number for number in range(3 * MAX_GROUP) if number % 3]


async def test_what_waits_is_committed_together(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Group, "commit", desk.commit)
    release = desk.hold()
    for number in range(MAX_GROUP + 1):
        desk.submit(post(f"m{number:04}"))
    release.set()
    await desk.quiet()
    assert desk.commits == 3, "the one that was held, a full group, the rest"


async def test_an_operation_sees_those_before_it_in_its_group(desk: Desk) -> None:
    settled = await desk.grouped(
        lambda: desk.submit(post("a")), lambda: desk.submit(messages), lambda: desk.submit(post("b")),
        lambda: desk.submit(messages),
    )  # fmt: skip
    assert settled == ["a", ["a"], "b", ["a", "b"]]


async def test_a_result_is_on_disk_when_it_is_given(desk: Desk) -> None:
    seen: list[Any] = []

    def settle(operation: Operation) -> None:
        seen.append(desk.rows("SELECT id FROM messages"))
        seen.append(desk.on_disk()["ann"]["nickname"])

    desk.documents.users.put(User(id="ann", username="ann", nickname="A"))
    desk.journal.submit(post("m1"), desk.documents.take_changes(), settle)
    await desk.quiet()
    assert seen == [[("m1",)], "A"]


async def test_documents_are_written_before_the_log(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    commit, replace = Group.commit, atomic_file.replace

    def watched_commit(group: Group) -> Any:
        order.append("log")
        return commit(group)

    def watched_replace(path: Path, data: bytes, exists: bool) -> Any:
        order.append(path.name)
        return replace(path, data, exists)

    monkeypatch.setattr(Group, "commit", watched_commit)
    monkeypatch.setattr(atomic_file, "replace", watched_replace)
    desk.put("ann")
    await desk.quiet()
    assert order == ["users.json", "log"]


async def test_a_group_writes_each_document_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    replace = atomic_file.replace

    def watched(path: Path, data: bytes, exists: bool) -> Any:
        written.append(path.name)
        return replace(path, data, exists)

    monkeypatch.setattr(atomic_file, "replace", watched)
    await desk.grouped(*(lambda number=number: desk.put(f"u{number}") for number in range(20)))
    assert written == ["users.json"]
    assert len(desk.on_disk()) == 20


async def test_a_callback_that_fails_does_not_keep_the_next_from_its_result(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(operation: Operation) -> None:
        raise RuntimeError("broken")

    released: list[int] = []
    desk.journal.on_released = lambda: released.append(len(desk.settled))
    with caplog.at_level(logging.ERROR):
        desk.journal.submit(None, (), broken)
        desk.journal.submit(lambda tx: 1, (), broken)
        desk.submit(lambda tx: 2)
        assert await desk.quiet() == [2]
    assert len([record for record in caplog.records if record.exc_info]) == 2
    assert released[-1] == 1, "called after the results of a group"


async def test_depth_counts_what_is_not_settled(desk: Desk) -> None:
    release = desk.hold()
    desk.submit(lambda tx: 1)
    assert desk.journal.depth == 2
    release.set()
    await desk.quiet()
    assert desk.journal.depth == 0


async def test_stop_finishes_what_was_submitted(desk: Desk) -> None:
    for number in range(MAX_GROUP * 2):
        desk.submit(post(f"m{number:04}"))
    await asyncio.to_thread(desk.journal.stop)
    assert desk.rows("SELECT count(*) FROM messages") == [(MAX_GROUP * 2,)]


# --- one that fails


@pytest.mark.parametrize(
    "error", [Refused(Code.MESSAGE_NOT_FOUND), RuntimeError("bug"), OSError(errno.EIO, "I/O error")]
)
async def test_one_that_fails_fails_alone(desk: Desk, error: Exception) -> None:
    def refuses(tx: Transaction) -> None:
        raise error

    settled = await desk.grouped(
        lambda: desk.submit(post("a")), lambda: desk.submit(refuses), lambda: desk.put("ann"),
        lambda: desk.submit(post("b")), lambda: desk.submit(messages),
    )  # fmt: skip
    assert [settled[0], *settled[2:]] == ["a", "ann", "b", ["a", "b"]]
    if isinstance(error, OSError):
        assert settled[1].code is Code.UNAVAILABLE
    else:
        assert settled[1] is error
    assert desk.rows("SELECT seq FROM events") == [(1,), (2,)]
    assert list(desk.on_disk()) == ["ann"]


async def test_what_one_wrote_before_it_failed_is_gone(desk: Desk) -> None:
    settled = await desk.grouped(
        lambda: desk.submit(post("a")), lambda: desk.submit(fails(RuntimeError("bug"))), lambda: desk.submit(messages),
        lambda: desk.submit(post("b")),
    )  # fmt: skip
    assert [settled[0], settled[2], settled[3]] == ["a", ["a"], "b"]
    assert desk.rows("SELECT seq, kind FROM events") == [(1, "message_new"), (2, "message_new")]


async def test_a_refusal_takes_its_document_changes_back_and_no_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Group, "commit", desk.commit)
    desk.put("ann", nickname="A")
    desk.put("ben")
    await desk.quiet()

    def refuse(tx: Transaction) -> None:
        raise Refused(Code.NAME_TAKEN)

    before = desk.commits
    settled = await desk.grouped(
        lambda: desk.put("ann", refuse, nickname="B"), lambda: desk.put("cleo", refuse),
        lambda: desk.put("ben", nickname="Ben"),
    )  # fmt: skip
    assert [type(each) for each in settled] == [Refused, Refused, str]
    assert desk.commits == before + 2, "no second try: nobody else was disturbed"
    ann, ben = desk.documents.users.get("ann"), desk.documents.users.get("ben")
    assert ann is not None
    assert ben is not None
    assert (ann.nickname, ben.nickname) == ("A", "Ben")
    assert desk.documents.users.get("cleo") is None
    on_disk = desk.on_disk()
    assert (on_disk["ann"]["nickname"], on_disk["ben"]["nickname"]) == ("A", "Ben")
    assert "cleo" not in on_disk


async def test_an_order_that_depends_on_a_refused_one_stays_whole(desk: Desk) -> None:
    """Two changes of the same record, the first of which fails after the second was made in memory."""
    desk.put("ann", nickname="A")
    await desk.quiet()

    def refuse(tx: Transaction) -> None:
        raise Refused(Code.NAME_TAKEN)

    await desk.grouped(
        lambda: desk.put("ann", refuse, nickname="B"), lambda: desk.put("ann", pfp_url="https://x.example/p.png")
    )
    ann = desk.documents.users.get("ann")
    assert ann is not None
    assert (ann.nickname, ann.pfp_url) == ("A", "https://x.example/p.png")
    assert desk.on_disk()["ann"]["nickname"] == "A"
    assert desk.on_disk()["ann"]["pfp_url"] == "https://x.example/p.png"


# --- the disk


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


whole_commit = Group.commit


def broken_commit(group: Group) -> Any:
    if not group.connection.in_transaction():
        return whole_commit(group)
    group.flush()
    group.rollback()
    raise OperationalError("COMMIT", {}, sqlite3.OperationalError("database or disk is full"))


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


# --- hand edits


async def test_a_hand_edit_is_given_before_the_results_of_its_group(desk: Desk) -> None:
    desk.put("ann", nickname="A")
    await desk.quiet()
    edit(desk.folder / "users.json", lambda users: users["ann"].update(pfp_url="https://x.example/p.png"))
    order: list[str] = []
    desk.journal.on_external = lambda changes: order.extend(change.key for change in changes)
    desk.journal.look(lambda operation: order.append("looked"))
    await desk.quiet()
    assert order == ["ann", "looked"]


async def test_a_hand_edit_and_a_command_that_fails_do_not_hurt_each_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.put("ann", nickname="A")
    desk.put("ben", nickname="B")
    await desk.quiet()
    edit(desk.folder / "users.json", lambda users: users["ben"].update(nickname="by hand"))
    with monkeypatch.context() as broken:
        broken.setattr(Group, "commit", broken_commit)
        desk.put("ann", nickname="never")
        (refused,) = await desk.quiet()
    assert refused.code is Code.UNAVAILABLE
    desk.journal.look(lambda operation: None)
    await desk.quiet()
    found = {user.id: user.nickname for user in desk.documents.users}
    assert found == {"ann": "A", "ben": "by hand"}
    assert {key: record["nickname"] for key, record in desk.on_disk().items()} == found


async def test_work_that_announces_marks_the_hand_edits_as_seen(desk: Desk) -> None:
    desk.put("ann", nickname="A")
    await desk.quiet()
    edit(desk.folder / "users.json", lambda users: users["ann"].update(nickname="by hand"))
    desk.journal.look(lambda operation: None)
    await desk.quiet()
    before = desk.rows("SELECT logged FROM document_records WHERE key = 'ann'")
    desk.journal.submit(lambda tx: tx.log.append("all", "x", b"{}"), (), lambda operation: None, announces=True)
    await desk.quiet()
    after = desk.rows("SELECT logged FROM document_records WHERE key = 'ann'")
    assert "by hand" not in before[0][0]
    assert "by hand" in after[0][0]
