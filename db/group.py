"""One group of changes on its way into the database, and what the writer knows by heart.

New rows wait in lists and go in with one statement a table, before the first read that could see them and at the end.
What is known by heart changes in copies, which replace the originals when the group is committed: after a rollback
there is nothing to repair.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import structs
from sqlalchemy import Connection, bindparam, func, select
from sqlalchemy.exc import DBAPIError

from db import message_rows, search_postgresql, search_sqlite
from db.events import LoggedEvent
from db.message_rows import Message
from db.message_search import SearchIndex
from db.schema import PLACE_SHIFT, events, holes, messages, nonces, pings, places, search_queue

_INSERT_MESSAGES = messages.insert()
_INSERT_PINGS = pings.insert()
_INSERT_NONCES = nonces.insert()
_INSERT_EVENTS = events.insert()
_INSERT_PLACES = places.insert()
_UPDATE_PLACES = (
    places.update().where(places.c.number == bindparam("of")).values(next_ordinal=bindparam("next"), id=bindparam("to"))
)
_EVENT = select(events.c.seq).where(events.c.seq == bindparam("seq"))
_MESSAGE = select(messages.c.n).where(messages.c.n == bindparam("n"))
_FIND = select(messages.c.n).where(messages.c.id == bindparam("id"))
_HEAD = (
    select(messages.c.timestamp, messages.c.id, messages.c.n)
    .where(messages.c.n.between(bindparam("low"), bindparam("high")))
    .order_by(messages.c.n.desc())
    .limit(1)
)

LOST_TRIES, LOST_PAUSE_S = 50, 0.2
"""How often, and how many seconds apart, a lost database is asked whether it committed what it was told to commit."""


class Head(msgspec.Struct, frozen=True):
    """The newest message of a place. timestamp: unix seconds."""

    timestamp: float
    id: str


class Place:
    """A channel or thread. `next` is the ordinal of the next message; `deleted` how many of the former are gone;
    `newest` is the `n` of the newest message, -1 when there is none."""

    __slots__ = ("deleted", "head", "id", "newest", "next", "number", "stored")

    def __init__(self, number: int, id: str, next: int = 0, deleted: int = 0, stored: bool = True) -> None:
        self.number = number
        self.id = id
        self.next = next
        self.deleted = deleted
        self.stored = stored
        self.head: Head | None = None
        self.newest = -1

    @property
    def low(self) -> int:
        """The smallest `n` of the place."""
        return self.number << PLACE_SHIFT

    @property
    def high(self) -> int:
        """The largest `n` that the place can ever have."""
        return (self.number + 1 << PLACE_SHIFT) - 1

    @property
    def count(self) -> int:
        return self.next - self.deleted

    def copy(self) -> Place:
        other = Place(self.number, self.id, self.next, self.deleted, self.stored)
        other.head = self.head
        other.newest = self.newest
        return other


class Known:
    """What the writer knows by heart, as committed. Only `heads` is read by other threads."""

    def __init__(self, connection: Connection) -> None:
        self.places: dict[str, Place] = {}
        self.ids: dict[int, str] = {}
        self.heads: dict[str, Head] = {}
        in_place = select(holes.c.place, func.sum(holes.c.deleted)).group_by(holes.c.place)
        deleted: dict[int, int] = {place: total for place, total in connection.execute(in_place)}  # noqa: C416
        for number, id_, next_ in connection.execute(select(places.c.number, places.c.id, places.c.next_ordinal)):
            if id_ is None:
                continue
            place = Place(number, id_, next_, deleted.get(number, 0))
            load_head(connection, place)
            self.places[id_] = place
            self.ids[number] = id_
            if place.head is not None:
                self.heads[id_] = place.head
        self.last_number: int = connection.execute(select(func.coalesce(func.max(places.c.number), 0))).scalar_one()
        self.search: SearchIndex = search_postgresql if connection.dialect.name == "postgresql" else search_sqlite
        self.queued: int = connection.execute(select(func.count()).select_from(search_queue)).scalar_one()
        self.newest_seq: int = connection.execute(select(func.coalesce(func.max(events.c.seq), 0))).scalar_one()

    def same(self, other: Known) -> bool:
        """Whether nothing was committed between the two."""
        return (self.newest_seq, self.last_number) == (other.newest_seq, other.last_number) and all(
            id_ in other.places and other.places[id_].next == place.next for id_, place in self.places.items()
        )


def load_head(connection: Connection, place: Place) -> None:
    row = connection.execute(_HEAD, {"low": place.low, "high": place.high}).first()
    place.head = Head(row.timestamp, row.id) if row else None
    place.newest = row.n if row else -1


class Group:
    """`now`: unix seconds. Its first statement begins the database transaction."""

    def __init__(self, connection: Connection, known: Known, now: float) -> None:
        self.connection = connection
        self.known = known
        self.now = now
        self.newest_seq = known.newest_seq
        self.search = known.search
        self.queued = known.queued
        """Messages in the search queue."""
        self.waiting: dict[str, tuple[str, int, Message]] = {}
        """id -> (place, n, message) of messages that are not inserted yet."""
        self.waiting_nonces: dict[tuple[str, str], str] = {}
        """(user id, nonce) -> message id, of nonces that are not inserted yet."""
        self._touched: dict[str, Place | None] = {}
        self._last_number = known.last_number
        self._message_rows: list[dict[str, Any]] = []
        self._ping_rows: list[dict[str, Any]] = []
        self._nonce_rows: list[dict[str, Any]] = []
        self._events: list[LoggedEvent] = []
        self._stored_events = 0
        self._last_message: int | None = None
        self._open = True

    # --- places

    def place(self, id: str) -> Place | None:
        """For reading; None when nothing was ever written there."""
        try:
            return self._touched[id]
        except KeyError:
            return self.known.places.get(id)

    def place_to_change(self, id: str) -> Place:
        """A copy that belongs to this group; a new place when there is none."""
        place = self._touched.get(id)
        if place is not None:
            return place
        old = self.place(id)
        if old is None:
            self._last_number += 1
            place = Place(self._last_number, id, stored=False)
        else:
            place = old.copy()
        self._touched[id] = place
        return place

    def drop_place(self, place: Place) -> None:
        """Its messages belong to nobody from now on."""
        self.flush()
        self.connection.execute(_UPDATE_PLACES, {"of": place.number, "next": place.next, "to": None})
        self._touched[place.id] = None

    def load_head(self, place: Place) -> None:
        """The newest message of a place that belongs to this group was deleted."""
        self.flush()
        load_head(self.connection, place)

    def place_of(self, n: int) -> str | None:
        """The place of a stored or waiting message."""
        number = n >> PLACE_SHIFT
        id_ = self.known.ids.get(number)
        if id_ is None or id_ in self._touched:
            for place in self._touched.values():
                if place is not None and place.number == number:
                    return place.id
            return None
        return id_

    def find(self, place: str, id: str) -> int | None:
        """The `n` of a message that is in this place."""
        waiting = self.waiting.get(id)
        if waiting is not None:
            return waiting[1] if waiting[0] == place else None
        known = self.place(place)
        if known is None:
            return None
        n: int | None = self.connection.execute(_FIND, {"id": id}).scalar()
        return n if n is not None and n >> PLACE_SHIFT == known.number else None

    # --- writing

    def add_message(self, place: str, message: Message) -> int:
        """Gives its `n`."""
        known = self._touched.get(place) or self.place_to_change(place)
        n = known.low | known.next
        known.next += 1
        known.newest = n
        known.head = Head(message.timestamp, message.id)
        self.waiting[message.id] = (place, n, message)
        self._message_rows.append(message_rows.write(n, message))
        return n

    def add_pings(self, n: int, timestamp: float, targets: Iterable[str]) -> None:
        for target in targets:
            self._ping_rows.append({"target": target, "timestamp": timestamp, "n": n})

    def add_nonce(self, nonce: str, message: Message) -> None:
        self.waiting_nonces[message.user_id, nonce] = message.id
        self._nonce_rows.append(
            {"user_id": message.user_id, "nonce": nonce, "message_id": message.id, "timestamp": message.timestamp}
        )

    def add_event(self, audience: str, kind: str, payload: bytes, ref: str | None = None) -> int:
        """Gives its `seq`."""
        self.newest_seq += 1
        self._events.append(LoggedEvent(self.newest_seq, self.now, audience, kind, payload, ref))
        return self.newest_seq

    def flush(self) -> None:
        """Everything waiting becomes visible to statements on the connection."""
        execute = self.connection.execute
        if self._message_rows:
            self._flush_places()
            execute(_INSERT_MESSAGES, self._message_rows)
            self.search.added(self, self._message_rows)
            self._last_message = self._message_rows[-1]["n"]
            self._message_rows = []
            self.waiting.clear()
        if self._ping_rows:
            execute(_INSERT_PINGS, self._ping_rows)
            self._ping_rows = []
        if self._nonce_rows:
            execute(_INSERT_NONCES, self._nonce_rows)
            self._nonce_rows = []
            self.waiting_nonces.clear()
        if self._stored_events < len(self._events):
            execute(_INSERT_EVENTS, [structs.asdict(event) for event in self._events[self._stored_events :]])
            self._stored_events = len(self._events)

    def _flush_places(self) -> None:
        new = [p for p in self._touched.values() if p is not None and not p.stored]
        if new:
            rows = [{"number": p.number, "id": p.id, "next_ordinal": p.next} for p in new]
            self.connection.execute(_INSERT_PLACES, rows)
            for place in new:
                place.stored = True

    # --- the end

    def commit(self) -> list[LoggedEvent]:
        """Gives the events of the group. Raises, with everything rolled back, when it cannot be stored."""
        try:
            self.flush()
            self.search.commits(self)
            touched = [p for p in self._touched.values() if p is not None]
            if touched:
                self._flush_places()
                rows = [{"of": p.number, "next": p.next, "to": p.id} for p in touched]
                self.connection.execute(_UPDATE_PLACES, rows)
            self._commit()
        except BaseException:
            self.rollback()
            raise
        self._open = False
        self._publish()
        return self._events

    def _commit(self) -> None:
        try:
            self.connection.commit()
        except DBAPIError as error:
            if not error.connection_invalidated or not self._was_committed():
                raise

    def _was_committed(self) -> bool:
        """The connection was lost in the middle of it: ask the database when it is back. False when that takes too
        long; then `Store.begin` finds out."""
        self.connection.rollback()
        for attempt in range(LOST_TRIES):
            if attempt:
                time.sleep(LOST_PAUSE_S)
            try:
                if self._events:
                    found = self.connection.execute(_EVENT, {"seq": self.newest_seq}).first()
                else:
                    found = self.connection.execute(_MESSAGE, {"n": self._last_message}).first()
                self.connection.rollback()
                return found is not None
            except DBAPIError:
                self.connection.rollback()
        return False

    def _publish(self) -> None:
        known = self.known
        known.newest_seq = self.newest_seq
        known.queued = self.queued
        known.last_number = self._last_number
        for id_, place in self._touched.items():
            old = known.places.pop(id_, None)
            if old is not None:
                del known.ids[old.number]
            if place is not None:
                known.places[id_] = place
                known.ids[place.number] = id_
            if place is not None and place.head is not None:
                known.heads[id_] = place.head
            else:
                known.heads.pop(id_, None)

    def rollback(self) -> None:
        if self._open:
            self._open = False
            try:
                self.connection.rollback()
            except DBAPIError as error:
                if not error.connection_invalidated:  # with its connection the transaction is gone as well
                    raise
