"""Where people talk: `channels.json`, a list in the order of display."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from db.documents import ORDER_KEY, Document, Order


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """One channel.

    type: text, voice, forum or separator. permissions: key -> role names, `!name` denies; {} is the documented default
    set. size: height of a separator. extra: every other key of the record in the file, kept as it is.
    """

    id: str
    name: str
    type: str = "text"
    display_name: str | None = None
    description: str | None = None
    icon: str | None = None
    wallpaper: str | None = None
    size: int | None = None
    permissions: dict[str, tuple[str, ...]] = {}
    extra: dict[str, Any] = {}


class Channels(Document[Channel]):
    """Channels by id, iterated in the order of display."""

    name = "channels"

    def __init__(self, records: Iterable[Channel] = (), order: Order | None = None) -> None:
        """order: None takes the records as they come."""
        records = list(records)
        self._by_name: dict[str, str] = {}
        self._order = order if order is not None else Order(tuple(channel.id for channel in records))
        self._sorted: list[Channel] | None = None
        super().__init__(records)

    def key(self, record: Channel) -> str:
        return record.id

    def by_name(self, name: str) -> Channel | None:
        key = self._by_name.get(name)
        return self._records[key] if key is not None else None

    def values(self) -> list[Channel]:
        """In the order of display. Do not change the list."""
        if self._sorted is None:
            self._sorted = [self._records[key] for key in self._order.sort(self._records)]
        return self._sorted

    def position_of(self, key: str) -> int:
        """From 0. Raises ValueError for an unknown id."""
        return [channel.id for channel in self.values()].index(key)

    def move(self, key: str, position: int) -> None:
        """Put the channel at this place (from 0) of the list without it; places beyond the ends mean the ends."""
        keys = [channel.id for channel in self.values() if channel.id != key]
        keys.insert(max(0, position), key)
        self._put(ORDER_KEY, Order(tuple(keys)))

    def _value(self, key: str) -> Any:
        return self._order if key == ORDER_KEY else self._records.get(key)

    def _assign(self, key: str, new: Any) -> None:
        self._sorted = None
        if key == ORDER_KEY:
            self._order = new if new is not None else Order()
            return
        old = self._records.get(key)
        super()._assign(key, new)
        if old is not None and self._by_name.get(old.name) == key:
            # Two channels share a name only until the writer has renamed one of them; then the other answers to it.
            del self._by_name[old.name]
            others = (channel for channel in self._records.values() if channel.name == old.name)
            for other in others:
                self._by_name[other.name] = other.id
        if new is not None:
            self._by_name[new.name] = key
