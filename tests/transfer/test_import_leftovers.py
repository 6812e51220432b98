"""What an import does not take over is told, and what fails on the way changes nothing."""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from db.bulk import BulkMessages
from tests.support.old_folders import START, current, message, sqlite_era
from tests.transfer.conftest import Moved
from transfer.model import ImportStopped
from transfer.writing import sinks
from transfer.writing.tables import TableWriter
from transfer.writing.target import Target


def everything(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "originchats.lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_files_without_use_are_told(moved: Moved, tmp_path: Path) -> None:
    old = current(tmp_path / "old")
    for name in ("users.json.tmp", "serverStickers/cat.png", "attachments/stray.png", "threadMessages/t9.jsonl",
                 "threads/t8_messages.jsonl", "backup/users.json", "pinned_messages.json", "elsewhere/x"):  # fmt: skip
        old.write(name, "x")
    report = moved.run(old.path)
    told = report.examples
    assert told["unknown_file"] == [
        "elsewhere/", "serverStickers/", "users.json.tmp", "serverEmojis/9.png: no emoji shows it",
    ]  # fmt: skip
    assert told["no_thread"] == ["threadMessages/t9.jsonl", "threads/t8_messages.jsonl"]
    assert told["stray_upload"] == ["stray.png"]


def test_messages_of_a_thread_that_the_old_database_has_no_record_of_are_told(moved: Moved, tmp_path: Path) -> None:
    old = sqlite_era(tmp_path / "old")
    with sqlite3.connect(old.db / "originchats.db") as connection:
        connection.execute("DELETE FROM threads")
    connection.close()
    assert moved.run(old.path).examples["no_thread"] == ["thread t1"]


def test_a_thread_of_the_first_hours_has_both_of_its_files(moved: Moved, tmp_path: Path) -> None:
    old = current(tmp_path / "old")
    old.lines("threads/t1_messages.jsonl", [message(90), message(91), message(100, content="as it was first")])
    report = moved.run(old.path)
    with moved.open() as opened:
        found = [one.content for one in opened.messages("t1")]
        assert found == ["message 90", "message 91", "message 100", "message 101"]
    assert not report.notes["id_elsewhere"]
    assert not report.notes["no_thread"]


def test_times_rise_from_the_first_message_on(moved: Moved, tmp_path: Path) -> None:
    odd: list[dict[str, Any]] = [message(number, timestamp=0) for number in (1, 2)]
    odd += [message(3, timestamp=None), message(4, timestamp=-5), message(5)]
    moved.run(current(tmp_path / "old", odd).path)
    with moved.open() as opened:
        times = [one.timestamp for one in opened.messages("general")]
    assert (times[0], times[-1]) == (0.0, START + 5)
    assert times == sorted(set(times))


def test_a_name_that_is_allowed_stays_as_it_is(moved: Moved, tmp_path: Path) -> None:
    old = current(tmp_path / "old", [message(1)])
    names = ["general", " general", "general ", "-", ".x."]
    old.write("channels.json", [{"type": "text", "name": name} for name in names])
    old.lines("channels/ general.json", [message(2)])
    moved.run(old.path)
    with moved.open() as opened:
        assert [channel.name for channel in opened.documents.channels.values()] == names
        assert [one.content for one in opened.messages(" general")] == ["message 2"]


# --- all or nothing --------------------------------------------------------------------------------------------


def fails(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "disk")


def goes_wrong(*_: object, **__: object) -> None:
    raise RuntimeError("a fault of the program")


@pytest.mark.parametrize("fault", [fails, goes_wrong])
@pytest.mark.parametrize(
    ("owner", "step"),
    [(BulkMessages, "add"), (BulkMessages, "finish"), (TableWriter, "write"), (TableWriter, "_stored"),
     (Target, "write"), (Target, "close"), (Target, "put_in_place")],
)  # fmt: skip
def test_whatever_fails_leaves_the_data_folder_as_it_was(
    moved: Moved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, step: str, fault: Callable[..., None]
) -> None:
    moved.run(current(tmp_path / "first").path)
    before = everything(moved.db.parent)
    second = current(tmp_path / "second", [message(900)])
    attachment = (second.db / "attachments.json").read_text().replace('"a1', '"b1')
    (second.db / "attachments.json").write_text(attachment)
    (second.db / "attachments" / "a1.png").rename(second.db / "attachments" / "b1.png")
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, fault)
        with pytest.raises((OSError, RuntimeError)):
            moved.run(second.path, into_existing=True)
    assert everything(moved.db.parent) == before
    assert not list(moved.db.parent.glob("db.*"))
    assert moved.run(second.path, into_existing=True).counts["messages"] == 1


@pytest.mark.parametrize("which", ["index", "store"])
def test_a_process_that_ends_stops_the_import(
    moved: Moved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    class Dying(sinks.Process):
        def add(self, batch: sinks.Batch) -> None:
            dying = self._processes[("index", "store").index(which)]
            dying.kill()
            dying.join()
            super().add(batch)

    monkeypatch.setattr(sinks, "WORTH_A_PROCESS", 1)
    monkeypatch.setattr(sinks, "Process", Dying)
    with pytest.raises(ImportStopped, match=r"the process that stores the messages ended|could not be stored"):
        moved.run(current(tmp_path / "old").path)
    assert not moved.db.exists()
    assert not list(tmp_path.glob("new/db*"))


@pytest.mark.parametrize("into_existing", [False, True])
def test_what_other_processes_store_is_found_by_search(
    moved: Moved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, into_existing: bool
) -> None:
    monkeypatch.setattr(sinks, "WORTH_A_PROCESS", 1)
    if into_existing:
        moved.run(current(tmp_path / "first").path)
    texts = [f"the {animal} number {n}" for n in range(300) for animal in ("heron", "otter")]
    news = [{**message(900 + n), "content": text} for n, text in enumerate(texts)]
    moved.run(current(tmp_path / "old", news).path, into_existing=into_existing)
    with contextlib.closing(sqlite3.connect(moved.db / "messages.sqlite3")) as database:
        database.execute("INSERT INTO message_text (message_text) VALUES ('integrity-check')")
        found = database.execute("SELECT rowid FROM message_text WHERE message_text MATCH 'her AND ero AND ron'")
        there = database.execute("SELECT n FROM messages WHERE content LIKE '%heron%'")
        assert sorted(found) == sorted(there)
        assert database.execute("SELECT count(*) FROM messages WHERE content LIKE '%heron%'").fetchone() == (300,)
    assert not list(moved.db.glob("*.index"))


def test_a_dry_run_leaves_the_files_of_a_killed_server_as_they_are(moved: Moved, tmp_path: Path) -> None:
    moved.run(current(tmp_path / "first").path)
    live = sqlite3.connect(moved.db / "messages.sqlite3", isolation_level=None)
    live.execute("PRAGMA journal_mode = WAL")
    live.execute("UPDATE messages SET content = 'in the WAL only'")
    copied = everything(moved.db)
    live.close()
    for name, data in copied.items():
        (moved.db / name).write_bytes(data)
    assert copied["messages.sqlite3-wal"]
    report = moved.run(current(tmp_path / "old", [message(900)]).path, dry_run=True, into_existing=True)
    assert report.counts["messages"] == 1
    after = everything(moved.db)
    assert {**after, "messages.sqlite3-shm": b""} == {**copied, "messages.sqlite3-shm": b""}
