"""When the server backs itself up, and what happens when it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import backups
from backups import HOUR_S, RETRY_S, Backups, backup_folder
from config.keeping import Backup
from config.live import LiveConfig
from config.load import load
from config.paths import DataPaths, data_paths
from db.backup import automatic_backups, made_at, verify
from protocol.errors import Code
from tests.support.community import write_community
from tests.support.house import USERS, Clock


class Host:
    def __init__(self, place: Path, **settings: Any) -> None:
        write_community(place, users=USERS, config={"backup": settings})
        self.config = place / "config.json"
        self.clock = Clock()
        self.told: list[tuple[str, Code]] = []
        self.live = LiveConfig(self.config, load(self.config, {}), {}, {})
        self.paths: DataPaths = data_paths(self.live.current, self.config)
        self.backups = self.started()

    def started(self) -> Backups:
        return Backups(
            self.live,
            self.paths,
            version="1",
            clock=self.clock,
            tell_owners=lambda problem, code: self.told.append((problem, code)),
        )

    def tick(self, later_s: float = 0.0) -> list[float]:
        """Gives when the backups were made that are there then, newest first."""

        async def run() -> None:
            self.backups.tick()
            while self.backups.running:  # noqa: ASYNC110
                await asyncio.sleep(0)

        self.clock.now += later_s
        asyncio.run(run())
        return [made_at(file) for file in automatic_backups(self.folder)]

    @property
    def folder(self) -> Path:
        return backup_folder(self.live.current.backup, self.config, self.paths)


def test_one_is_made_at_the_start_and_then_by_the_clock(tmp_path: Path) -> None:
    host = Host(tmp_path, every_hours=24, keep=2)
    start = host.clock.now
    assert host.tick() == [start]
    assert host.tick(23 * HOUR_S) == [start]
    assert host.tick(HOUR_S) == [start + 24 * HOUR_S, start]
    assert host.tick(24 * HOUR_S) == [start + 48 * HOUR_S, start + 24 * HOUR_S]
    for file in automatic_backups(host.folder):
        verify(file)
    assert host.backups.newest_at == start + 48 * HOUR_S


def test_a_server_that_starts_again_and_again_does_not_push_the_older_ones_out(tmp_path: Path) -> None:
    host = Host(tmp_path)
    start = host.clock.now
    host.tick()
    for _ in range(3):
        host.backups = host.started()
        assert host.tick(60) == [start]
    host.backups = host.started()
    assert len(host.tick(HOUR_S)) == 2


def test_a_clock_that_was_set_back_is_no_reason_to_wait(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.tick()
    assert len(host.tick(-1000)) == 2


def test_switched_off_there_is_none(tmp_path: Path) -> None:
    host = Host(tmp_path, enabled=False)
    assert host.tick() == []
    assert host.backups.newest_at is None


def test_the_folder_may_be_elsewhere(tmp_path: Path) -> None:
    host = Host(tmp_path, folder="kept/here")
    assert host.folder == tmp_path / "kept" / "here"
    assert len(host.tick()) == 1
    assert not (tmp_path / "db" / "backup").exists()


def test_owners_hear_of_a_failure_and_it_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(tmp_path)
    whole: Callable[..., Any] = backups.back_up

    def full(settings: Backup, *arguments: Any, **named: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backups, "back_up", full)
    assert host.tick() == []
    assert host.told == [("The automatic backup failed: [Errno 28] No space left on device", Code.SERVER_NOTICE)]
    monkeypatch.setattr(backups, "back_up", whole)
    assert host.tick(RETRY_S - 1) == []
    assert len(host.tick(1)) == 1
    assert len(host.told) == 1
