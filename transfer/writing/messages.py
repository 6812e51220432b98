"""Messages of old places to the database: read by one thread, stored by another."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection

from db import counters, pings
from db.bulk import BulkMessages, NewMessage
from db.mentions import find_mentions
from db.message_rows import Message
from transfer.model import People, Place
from transfer.reading.messages import NUDGE_S
from transfer.report import Report
from transfer.writing.target import MARK, marks

BATCH = 4_000
AHEAD = 3
"""Batches that are read before they are stored."""

T = TypeVar("T")
Progress = Callable[[int], None]


class MessageWriter:
    """shown: attachment id -> how many of the stored messages show it."""

    def __init__(
        self, connection: Connection, people: People, users: Mapping[str, Any], roles: Mapping[str, Any], report: Report
    ) -> None:
        """users, roles: who can be called by a message."""
        self._connection = connection
        self._bulk = BulkMessages(connection)
        self._people = people
        self._users = users
        self._roles = roles
        self._report = report
        self.stored = 0
        self.shown: Counter[str] = Counter()

    def has(self, place: str) -> bool:
        """Whether messages were ever written there."""
        return self._bulk.known(place) is not None

    def write(self, place: Place, id: str, progress: Progress) -> None:
        """id: of the place as it is here. What the place has already stays as it is; only what follows the last message
        that both have is added."""
        source = place.messages(progress)
        if self.has(id):
            source = self._news(id, source)
        last: Message | None = None
        for batch in batches(source):
            new = self._prepared(id, batch)
            for left_out in self._bulk.add(id, new):
                self._report.note("id_elsewhere", f"{place.name}: {left_out.id}")
                self.stored -= 1
                self._count(left_out, -1)
            self.stored += len(new)
            last = batch[-1]
        if last is not None:
            counters.raise_to(self._connection, f"{MARK}{id}:{_mark(last.id)}", 1)

    def finish(self) -> None:
        self._bulk.finish()

    def _prepared(self, id: str, batch: list[Message]) -> list[NewMessage]:
        newest = self._bulk.newest_timestamp(id)
        new = []
        for message in batch:
            if message.timestamp <= newest:
                message = msgspec.structs.replace(message, timestamp=newest + NUDGE_S)
                self._report.note("time_raised")
            newest = message.timestamp
            self._count(message, 1)
            new.append(NewMessage(message, self._called(message)))
        return new

    def _called(self, message: Message) -> frozenset[str]:
        if "@" not in message.content:
            return frozenset(pings.targets(message, (), ())) if message.reply_user is not None else frozenset()
        names = find_mentions(
            message.content, self._people.mentioned, lambda name: name if name in self._roles else None
        )
        users = [user for user in names.users if user in self._users]
        return frozenset(pings.targets(message, users, [role for role in names.roles if role in self._roles]))

    def _count(self, message: Message, by: int) -> None:
        for attachment in message.extra.get("attachments", ()):
            self.shown[attachment["id"]] += by

    def _news(self, id: str, source: Iterable[Message]) -> Iterator[Message]:
        known = self._bulk.ids_in(id)
        imported = marks(self._connection, f"{MARK}{id}:")
        waiting: list[Message] = []
        for message in source:
            if message.id in known or f"{MARK}{id}:{_mark(message.id)}" in imported:
                if waiting:
                    self._report.note("older", f"{waiting[0].id} and so on", len(waiting))
                    waiting = []
                continue
            waiting.append(message)
        return iter(waiting)


def _mark(message_id: str) -> str:
    return hashlib.sha256(message_id.encode("utf-8", "replace")).hexdigest()[:32]


def batches(source: Iterable[T]) -> Iterator[list[T]]:
    batch: list[T] = []
    for one in source:
        batch.append(one)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def prefetched(source: Iterator[T]) -> Iterator[T]:
    """The same, worked out by another thread a few steps ahead. Raises what the source raises."""
    ready: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(AHEAD)
    stopped = threading.Event()

    def put(item: tuple[T | None, BaseException | None]) -> None:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.1)
                return
            except queue.Full:
                continue

    def read() -> None:
        try:
            for one in source:
                put((one, None))
                if stopped.is_set():
                    return
            put((None, None))
        except BaseException as error:
            put((None, error))

    thread = threading.Thread(target=read, name="import reader", daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item
    finally:
        stopped.set()
        thread.join()
