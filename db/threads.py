"""Threads of forum channels: the stored ones, and the index that the event loop reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, UnsetType

if TYPE_CHECKING:
    from db.group import Group
    from db.messages import Messages


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
        raise NotImplementedError

    def get(self, id: str) -> Thread | None:
        raise NotImplementedError

    def update(
        self,
        id: str,
        *,
        name: str | UnsetType = UNSET,
        locked: bool | UnsetType = UNSET,
        archived: bool | UnsetType = UNSET,
    ) -> Thread | None:
        """None when there is no such thread."""
        raise NotImplementedError

    def add_participant(self, id: str, user_id: str) -> Thread | None:
        """None when there is no such thread. Joining twice changes nothing."""
        raise NotImplementedError

    def remove_participant(self, id: str, user_id: str) -> Thread | None:
        """None when there is no such thread."""
        raise NotImplementedError

    def delete(self, id: str) -> bool:
        """With its messages and read markers. False when there is no such thread."""
        raise NotImplementedError

    def delete_of_channel(self, channel_id: str) -> list[str]:
        """Delete every thread of a channel; gives their ids."""
        raise NotImplementedError

    def all(self) -> list[Thread]:
        """Oldest first."""
        raise NotImplementedError
