"""Notices files that are edited by hand. What is in them is not its business.

The folders are watched, not the files: editors that save by renaming put another file in the place of the old one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from watchdog.events import (
    EVENT_TYPE_CLOSED_NO_WRITE,
    EVENT_TYPE_OPENED,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingObserver

QUIET_S = 0.05
"""A change is reported when nothing more has happened to the file for this long,"""
LONGEST_S = 0.3
"""and after this long even if something still does."""
POLL_S = 0.5

_READING = (EVENT_TYPE_OPENED, EVENT_TYPE_CLOSED_NO_WRITE)
_ASKED: list[type[FileSystemEvent]] | None = None
if sys.platform == "linux":
    # Each single write would be reported, too, also of the database in the same folder: several for every message. Only
    # here there is an event for a file that was written and closed.
    _ASKED = [FileClosedEvent, FileCreatedEvent, FileMovedEvent, FileDeletedEvent]

log = logging.getLogger("originchats.watchers")


class FileWatcher:
    def __init__(
        self,
        paths: Iterable[Path],
        on_change: Callable[[Path], None],
        polling: bool,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """on_change: called on the loop with one of `paths` when it was written, replaced, made or deleted.

        polling: compare the folders every half second instead, for network mounts, where nobody tells of changes.
        """
        self._paths: dict[str, Path] = {}
        for path in paths:
            self._paths[os.path.abspath(path)] = path
            self._paths[os.path.realpath(path)] = path
        self._on_change = on_change
        self._polling = polling
        self._loop = loop
        self._observer: BaseObserver | None = None
        self._waiting: dict[Path, tuple[asyncio.TimerHandle, float]] = {}

    def start(self) -> None:
        try:
            self._observer = self._poll() if self._polling else self._observe(Observer(), _ASKED)
        except OSError as error:
            if self._polling:
                raise
            log.warning("files are compared every %s s instead of being watched: %s", POLL_S, error)
            self._observer = self._poll()

    def stop(self) -> None:
        """Nothing is reported after this."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None
        for timer, _ in self._waiting.values():
            timer.cancel()
        self._waiting.clear()

    def _poll(self) -> BaseObserver:
        return self._observe(PollingObserver(timeout=POLL_S), None)

    def _observe(self, observer: BaseObserver, asked: list[type[FileSystemEvent]] | None) -> BaseObserver:
        handler = _Handler(self._seen)
        for folder in sorted({os.path.dirname(path) for path in self._paths}):
            if not os.path.isdir(folder):
                log.warning("%s is no folder: what is made there counts after a restart", folder)
                continue
            observer.schedule(handler, folder, event_filter=asked)
        observer.start()
        return observer

    def _seen(self, name: str) -> None:
        """In the observer's thread."""
        path = self._paths.get(os.path.abspath(name))
        if path is not None:
            try:
                self._loop.call_soon_threadsafe(self._changed, path)
            except RuntimeError:  # the loop is closed already
                return

    def _changed(self, path: Path) -> None:
        if self._observer is None:
            return
        now = self._loop.time()
        timer, latest = self._waiting.get(path, (None, now + LONGEST_S))
        if timer is not None:
            timer.cancel()
        at = min(now + QUIET_S, latest)
        self._waiting[path] = (self._loop.call_at(at, self._report, path), latest)

    def _report(self, path: Path) -> None:
        del self._waiting[path]
        self._on_change(path)


class _Handler(FileSystemEventHandler):
    def __init__(self, seen: Callable[[str], None]) -> None:
        self._seen = seen

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.is_directory or event.event_type in _READING:
            return
        for name in (event.src_path, event.dest_path):
            if name:
                self._seen(os.fsdecode(name))
