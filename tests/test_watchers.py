from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import watchers
from watchers import LONGEST_S, QUIET_S, FileWatcher

pytestmark = pytest.mark.anyio
PATIENCE_S = 30.0


class Heard:
    def __init__(self) -> None:
        self.paths: asyncio.Queue[Path] = asyncio.Queue()

    async def next(self) -> Path:
        return await asyncio.wait_for(self.paths.get(), PATIENCE_S)


@asynccontextmanager
async def watching(*paths: Path, polling: bool = False) -> AsyncIterator[Heard]:
    heard = Heard()
    watcher = FileWatcher(paths, heard.paths.put_nowait, polling, asyncio.get_running_loop())
    watcher.start()
    try:
        yield heard
    finally:
        watcher.stop()


def write(path: Path) -> None:
    path.write_text("new")


def rename_over(path: Path) -> None:
    beside = path.with_name("beside")
    beside.write_text("new")
    os.replace(beside, path)


def move_away_and_write(path: Path) -> None:
    path.rename(path.with_name("users.json~"))
    path.write_text("new")


def truncate_and_write(path: Path) -> None:
    with open(path, "r+") as file:
        file.truncate()
        file.flush()
        file.write("new")


@pytest.mark.parametrize("polling", [False, True])
@pytest.mark.parametrize("save", [write, rename_over, move_away_and_write, truncate_and_write, Path.unlink])
async def test_every_way_of_saving_is_noticed(tmp_path: Path, save: Callable[[Path], None], polling: bool) -> None:
    path = tmp_path / "users.json"
    path.write_text("older")
    async with watching(path, polling=polling) as heard:
        save(path)
        assert await heard.next() == path


async def test_a_file_that_is_made_later_is_noticed_and_others_are_not(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    async with watching(path, tmp_path / "roles.json") as heard:
        (tmp_path / "users.json.tmp-123").write_text("ours")
        (tmp_path / "messages.sqlite3").write_text("x")
        path.write_text("new")
        assert await heard.next() == path
        path.read_text()
    assert heard.paths.empty()


async def test_what_a_link_names_is_watched(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "users.json"
    target.write_text("old")
    path = tmp_path / "users.json"
    path.symlink_to(target)
    async with watching(path) as heard:
        rename_over(target)
        assert await heard.next() == path


async def test_a_burst_is_reported_once_and_an_endless_one_now_and_then(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    loop = asyncio.get_running_loop()
    reports: list[float] = []
    watcher = FileWatcher([path], lambda path: reports.append(loop.time()), False, loop)
    watcher.start()
    started = loop.time()
    ticking = asyncio.Event()
    remaining = 40

    def tick() -> None:
        nonlocal remaining
        watcher._changed(path)
        remaining -= 1
        if remaining:
            loop.call_later(QUIET_S / 3, tick)
        else:
            ticking.set()

    tick()
    await asyncio.wait_for(ticking.wait(), PATIENCE_S)
    lasted = loop.time() - started
    watcher.stop()
    assert 1 <= len(reports) <= lasted / LONGEST_S + 1
    assert reports[0] - started >= LONGEST_S - 0.01


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no event for a file that was closed")
async def test_writes_of_the_database_beside_the_files_are_not_even_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    take = FileWatcher._seen

    def note(self: FileWatcher, name: str) -> None:
        seen.append(Path(name).name)
        take(self, name)

    monkeypatch.setattr(FileWatcher, "_seen", note)
    users = tmp_path / "users.json"
    with (tmp_path / "originchats.db-wal").open("wb", buffering=0) as database:
        async with watching(users) as heard:
            for _ in range(20):
                database.write(b"page")
            users.write_text("new")
            assert await heard.next() == users
    assert set(seen) == {"users.json"}


async def test_nothing_is_reported_after_the_end(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    async with watching(path) as heard:
        path.write_text("new")
        await heard.next()
        path.write_text("newer")
    path.write_text("newest")
    await asyncio.sleep(0)
    assert heard.paths.empty()


async def test_polling_steps_in_when_the_system_cannot_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Refusing:
        def schedule(self, *arguments: object, **settings: object) -> None:
            raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(watchers, "Observer", Refusing)
    path = tmp_path / "users.json"
    async with watching(path) as heard:
        assert "watch limit" in caplog.text
        path.write_text("new")
        assert await heard.next() == path


async def test_a_folder_that_is_not_there_is_told_and_the_others_are_watched(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "users.json"
    async with watching(tmp_path / "none" / "config.json", path) as heard:
        assert f"{tmp_path / 'none'} is no folder" in caplog.text
        path.write_text("new")
        assert await heard.next() == path
