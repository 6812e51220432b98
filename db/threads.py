"""Threads of forum channels: the stored ones, and the index that the event loop reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import bindparam, or_, select

from db.schema import thread_participants, threads

if TYPE_CHECKING:
    from db.group import Group
    from db.messages import Messages

_INSERT = threads.insert()
_ONE = select(threads).where(threads.c.id == bindparam("id"))
_ALL = select(threads).order_by(threads.c.created_at, threads.c.id)
_joined = select(thread_participants.c.thread).where(thread_participants.c.user_id == bindparam("user"))
_OF_USER = (
    select(threads.c.id)
    .where(or_(threads.c.created_by == bindparam("user"), threads.c.id.in_(_joined)))
    .order_by(threads.c.created_at)
)
_OF_CHANNEL = select(threads.c.id).where(threads.c.parent == bindparam("parent")).order_by(threads.c.created_at)
_DELETE = threads.delete().where(threads.c.id == bindparam("id"))

_people = thread_participants.c
_JOIN = thread_participants.insert()
_LEAVE = thread_participants.delete().where(
    _people.thread == bindparam("thread"), _people.user_id == bindparam("user_id")
)
_LEAVE_ALL = thread_participants.delete().where(_people.thread == bindparam("thread"))
_PARTICIPANTS = select(_people.user_id).where(_people.thread == bindparam("thread")).order_by(_people.id)
_ALL_PARTICIPANTS = select(_people.thread, _people.user_id).order_by(_people.id)


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """parent: channel id. created_by, participants: user ids, in the order of joining. created_at: unix seconds."""

    id: str
    name: str
    parent: str
    created_by: str
    created_at: float
    locked: bool = False
    archived: bool = False
    participants: tuple[str, ...] = ()


class Threads:
    """All threads in memory, oldest first in each channel. Belongs to the event loop."""

    def __init__(self, threads: Iterable[Thread] = ()) -> None:
        self._by_id: dict[str, Thread] = {}
        self._by_channel: dict[str, dict[str, Thread]] = {}
        for thread in threads:
            self.put(thread)

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Thread]:
        return iter(self._by_id.values())

    def get(self, id: str) -> Thread | None:
        return self._by_id.get(id)

    def of_channel(self, channel_id: str) -> tuple[Thread, ...]:
        return tuple(self._by_channel.get(channel_id, {}).values())

    def put(self, thread: Thread) -> None:
        """Add or replace. Only from `Outcome.then`: memory follows the database."""
        self._by_id[thread.id] = thread
        self._by_channel.setdefault(thread.parent, {})[thread.id] = thread

    def remove(self, id: str) -> None:
        """Only from `Outcome.then`. An unknown id is ignored."""
        thread = self._by_id.pop(id, None)
        if thread is not None:
            del self._by_channel[thread.parent][id]


class StoredThreads:
    """`tx.threads`. Every change gives the thread as it is now, to be put in the index by `Outcome.then`."""

    def __init__(self, group: Group, messages: Messages) -> None:
        self._group = group
        self._messages = messages

    def add(self, thread: Thread) -> None:
        execute = self._group.connection.execute
        fields = ("id", "name", "parent", "created_by", "created_at", "locked", "archived")
        execute(_INSERT, {field: getattr(thread, field) for field in fields})
        for user_id in thread.participants:
            execute(_JOIN, {"thread": thread.id, "user_id": user_id})

    def get(self, id: str) -> Thread | None:
        row = self._group.connection.execute(_ONE, {"id": id}).first()
        if row is None:
            return None
        joined = self._group.connection.execute(_PARTICIPANTS, {"thread": id}).scalars()
        return Thread(**row._mapping, participants=tuple(joined))

    def update(
        self,
        id: str,
        *,
        name: str | UnsetType = UNSET,
        locked: bool | UnsetType = UNSET,
        archived: bool | UnsetType = UNSET,
    ) -> Thread | None:
        """None when there is no such thread."""
        fields = {"name": name, "locked": locked, "archived": archived}
        values = {field: value for field, value in fields.items() if value is not UNSET}
        if values:
            self._group.connection.execute(threads.update().where(threads.c.id == id).values(**values))
        return self.get(id)

    def add_participant(self, id: str, user_id: str) -> Thread | None:
        """None when there is no such thread. Joining twice changes nothing."""
        thread = self.get(id)
        if thread is None or user_id in thread.participants:
            return thread
        self._group.connection.execute(_JOIN, {"thread": id, "user_id": user_id})
        return msgspec.structs.replace(thread, participants=(*thread.participants, user_id))

    def remove_participant(self, id: str, user_id: str) -> Thread | None:
        """None when there is no such thread."""
        self._group.connection.execute(_LEAVE, {"thread": id, "user_id": user_id})
        return self.get(id)

    def delete(self, id: str) -> bool:
        """With its messages and read markers. False when there is no such thread."""
        if not self._group.connection.execute(_DELETE, {"id": id}).rowcount:
            return False
        self._group.connection.execute(_LEAVE_ALL, {"thread": id})
        self._messages.delete_place(id)
        return True

    def of_user(self, user_id: str) -> list[str]:
        """Ids of the threads that the user made or takes part in, oldest first."""
        return list(self._group.connection.execute(_OF_USER, {"user": user_id}).scalars())

    def delete_of_channel(self, channel_id: str) -> list[str]:
        """Delete every thread of a channel; gives their ids."""
        ids = list(self._group.connection.execute(_OF_CHANNEL, {"parent": channel_id}).scalars())
        for id_ in ids:
            self.delete(id_)
        return ids

    def all(self) -> list[Thread]:
        """Oldest first."""
        joined: dict[str, list[str]] = {}
        for thread, user_id in self._group.connection.execute(_ALL_PARTICIPANTS):
            joined.setdefault(thread, []).append(user_id)
        rows = self._group.connection.execute(_ALL)
        return [Thread(**row._mapping, participants=tuple(joined.get(row.id, ()))) for row in rows]
