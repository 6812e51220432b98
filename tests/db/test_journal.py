"""One thread for everything that is remembered: order, groups, and nothing left of an operation that fails."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from db import atomic_file
from db.group import Group
from db.journal import MAX_GROUP, Operation
from db.transaction import Transaction
from db.users import User
from protocol.errors import Code, Refused
from tests.db.conftest import Clock, Disk, message
from tests.db.desk import Desk, Work, broken_commit, messages, post
from tests.db.files import edit

pytestmark = pytest.mark.anyio


@pytest.fixture
async def desk(tmp_path: Path, disk: Disk, clock: Clock) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path, disk.url, clock)
    yield desk
    await asyncio.to_thread(desk.stop)


def fails(error: Exception) -> Work:
    """Writes, then fails."""

    def work(tx: Transaction) -> None:
        tx.log.append("all", "never", b"{}")
        tx.messages.add("general", message("never"), [], [], None)
        raise error

    return work


def give(number: int) -> Work:
    return lambda tx: number


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
