"""Automatic backups: when one is due it is made beside everything else, read back, and old ones go."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from config.keeping import Backup
from config.live import LiveConfig
from config.paths import DataPaths
from db.backup import (
    FOLDER,
    PREFIX,
    SUFFIX,
    BackupError,
    Manifest,
    automatic_backups,
    create,
    made_at,
    manifest_of,
    rotate,
    stamp_of,
    verify,
)
from protocol.backups import BackupEntry
from protocol.errors import Code, Refused

T = TypeVar("T")

HOUR_S = 3600.0
RETRY_S = 600.0
"""Pause after a backup that failed."""
START_S = HOUR_S
"""A server that starts makes one, unless the newest is younger than this (it may be starting again and again)."""
NICENESS = 10

log = logging.getLogger("originchats.backup")


def backup_folder(settings: Backup, config_file: Path, paths: DataPaths) -> Path:
    """Where automatic backups lie."""
    if settings.folder is None:
        return paths.folder / FOLDER
    return config_file.absolute().parent / settings.folder


def back_up(
    settings: Backup, config_file: Path, paths: DataPaths, *, version: str, now: float
) -> tuple[Path, Manifest]:
    """Make one, prove that it can be read, and delete those that are too many. Blocks for long. Raises BackupError,
    OSError, sqlite3.Error."""
    folder = backup_folder(settings, config_file, paths)
    file = folder / f"{PREFIX}{stamp_of(now)}{SUFFIX}"
    manifest = create(paths, config_file, file, version=version, now=now, uploads_inside=False)
    verify(file, uploads=False)
    rotate(folder, settings.keep)
    return file, manifest


class Backups:
    """Belongs to the event loop; each backup runs in a thread of its own, which holds up no end of the server."""

    def __init__(
        self,
        live: LiveConfig,
        paths: DataPaths,
        *,
        version: str,
        clock: Callable[[], float],
        tell_owners: Callable[[str, Code], None],
    ) -> None:
        self._live = live
        self._paths = paths
        self._version = version
        self._clock = clock
        self._tell_owners = tell_owners
        self._task: asyncio.Task[Path | None] | None = None
        self._started = False
        self._not_before = 0.0
        self.newest_at: float | None = None
        """Unix seconds of the newest backup that was read back; None while there is none."""

    @property
    def running(self) -> bool:
        return self._task is not None

    def tick(self) -> None:
        """Once a second: start one when it is due."""
        settings, now = self._live.current.backup, self._clock()
        if not settings.enabled or self.running or now < self._not_before:
            return
        pause_s = settings.every_hours * HOUR_S
        if not self._started:
            self._started = True
            self.newest_at = self._newest()
            pause_s = min(pause_s, START_S)
        if self.newest_at is None or not 0 <= now - self.newest_at < pause_s:
            self._task = asyncio.get_running_loop().create_task(self._run(settings, now))

    async def kept(self) -> list[BackupEntry]:
        """Newest first. Raises Refused."""
        folder = backup_folder(self._live.current.backup, self._live.path, self._paths)
        try:
            return await _in_thread(lambda: [_entry(file) for file in automatic_backups(folder)])
        except OSError as error:
            raise Refused(Code.BACKUP_FAILED, reason=error.strerror or type(error).__name__) from None

    async def make(self) -> BackupEntry:
        """One out of turn. Raises Refused."""
        if self.running:
            raise Refused(Code.BACKUP_RUNNING)
        settings, now = self._live.current.backup, self._clock()
        self._task = asyncio.get_running_loop().create_task(self._run(settings, now))
        file = await asyncio.shield(self._task)
        if file is None:
            raise Refused(Code.BACKUP_FAILED, reason="the log of the server says why")
        return await _in_thread(lambda: _entry(file))

    async def _run(self, settings: Backup, now: float) -> Path | None:
        """The file; None when it failed, which owners and the log are told."""
        try:
            began = time.monotonic()
            file, manifest = await _in_thread(
                lambda: back_up(settings, self._live.path, self._paths, version=self._version, now=now)
            )
        except (BackupError, OSError, sqlite3.Error) as error:
            self._not_before = now + RETRY_S
            log.error("the automatic backup failed: %s", error)
            self._tell_owners(f"The automatic backup failed: {error}", Code.SERVER_NOTICE)
            return None
        else:
            self.newest_at = now
            log.info(
                "backup %s: %d messages, read back in order, %.1f s",
                file.name, manifest.counts.get("messages", 0), time.monotonic() - began,
            )  # fmt: skip
            return file
        finally:
            self._task = None

    def _newest(self) -> float | None:
        found = automatic_backups(backup_folder(self._live.current.backup, self._live.path, self._paths))
        return made_at(found[0]) if found else None


def _entry(file: Path) -> BackupEntry:
    try:
        messages = manifest_of(file).counts.get("messages", 0)
    except BackupError:
        messages = None
    return BackupEntry(
        name=file.name,
        created_at=made_at(file),
        size_bytes=file.stat().st_size,
        messages=messages,
        ok=messages is not None,
    )


async def _in_thread(work: Callable[[], T]) -> T:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        if sys.platform == "linux":  # there, it counts for this thread alone
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            try:
                result = work()
            except Exception as error:
                loop.call_soon_threadsafe(_settle, lambda error=error: done.set_exception(error))
            else:
                loop.call_soon_threadsafe(_settle, lambda: done.set_result(result))

    def _settle(how: Callable[[], None]) -> None:
        if not done.done():
            how()

    threading.Thread(target=run, name="backup", daemon=True).start()
    return await done
