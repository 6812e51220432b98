"""Messages of old places, on their way to the database: what is new, whom they call, and what they show."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec
from sqlalchemy import Connection

from db import counters, pings
from db.bulk import BulkMessages, NewMessage
from db.mentions import find_mentions
from db.message_rows import Message
from transfer.model import People, Place
from transfer.reading.messages import NUDGE_S
from transfer.report import Report
from transfer.writing.sinks import Batch, Sink
from transfer.writing.target import MARK, marks

BATCH = 4_000
NOBODY: frozenset[str] = frozenset()

T = TypeVar("T")


class Told(Protocol):
    """Hears what is done now, and how much of the messages was read."""

    def step(self, text: str) -> None: ...

    def progress(self, count: int) -> None: ...


class MessageWriter:
    """shown: attachment id -> how many of the stored messages show it."""

    def __init__(
        self, connection: Connection, people: People, users: Mapping[str, Any], roles: Mapping[str, Any], report: Report
    ) -> None:
        """users, roles: who can be called by a message."""
        self._connection = connection
        self._known = BulkMessages(connection)
        self._people = people
        self._users = users
        self._roles = roles
        self._report = report
        self._newest: dict[str, float] = {}
        """Timestamps of the newest messages."""
        self.stored = 0
        self.shown: Counter[str] = Counter()

    def has(self, place: str) -> bool:
        """Whether messages were ever written there."""
        return self._known.known(place) is not None

    def write(self, places: Sequence[tuple[Place, str]], sink: Callable[[], Sink], told: Told) -> None:
        """(old place, id of the place here). What a place has already stays as it is; only what follows the last
        message that both have is added. Ends the transaction of the connection."""
        there = {id_: self._there(id_) for _, id_ in places if self.has(id_)}
        self._newest = {id_: self._known.newest_timestamp(id_) for id_ in there}
        self._connection.commit()
        newest: dict[str, str] = {}
        storing = sink()
        try:
            for place, id_ in places:
                told.step(place.name)
                source = place.messages(told.progress)
                if id_ in there:
                    source = self._news(id_, source, *there[id_])
                for batch in batches(source):
                    storing.add(Batch(id_, self._prepared(id_, batch)))
                    self.stored += len(batch)
                    newest[id_] = batch[-1].id
            for left_out in storing.finish():
                self._report.note("id_elsewhere", left_out.id)
                self.stored -= 1
                self.shown.subtract(left_out.attachments)
        finally:
            storing.stop()
        for id_, message_id in newest.items():
            counters.raise_to(self._connection, f"{MARK}{id_}:{_mark(message_id)}", 1)

    def _prepared(self, id: str, batch: list[Message]) -> list[NewMessage]:
        newest = self._newest.get(id, -1.0)
        if batch[0].timestamp <= newest:  # old messages rise among themselves
            for number, message in enumerate(batch):
                if message.timestamp > newest:
                    break
                newest += NUDGE_S
                batch[number] = msgspec.structs.replace(message, timestamp=newest)
                self._report.note("time_raised")
        self._newest[id] = batch[-1].timestamp
        new = []
        for message in batch:
            if message.extra:
                self.shown.update(attachment["id"] for attachment in message.extra.get("attachments", ()))
            new.append(NewMessage(message, self._called(message)))
        return new

    def _called(self, message: Message) -> frozenset[str]:
        if "@" not in message.content:
            return frozenset(pings.targets(message, (), ())) if message.reply_user is not None else NOBODY
        names = find_mentions(
            message.content, self._people.mentioned, lambda name: name if name in self._roles else None
        )
        users = [user for user in names.users if user in self._users]
        return frozenset(pings.targets(message, users, [role for role in names.roles if role in self._roles]))

    def _there(self, id: str) -> tuple[Collection[str], set[str]]:
        """Ids of the messages of a place, and the marks of former imports to it."""
        return self._known.ids_in(id), marks(self._connection, f"{MARK}{id}:")

    def _news(
        self, id: str, source: Iterable[Message], known: Collection[str], imported: Collection[str]
    ) -> Iterator[Message]:
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
