"""The newest part of the event log, held once for all who follow it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from db.events import LoggedEvent
    from gateways.chat_api.items import Translated
    from protocol.audience import Audience

KEEP_EVENTS = 5_000


class Entry:
    """One event. Translated when somebody wants it, and only once."""

    __slots__ = ("_made", "_parse", "_translate", "event")

    def __init__(
        self,
        event: LoggedEvent,
        translate: Callable[[LoggedEvent], Translated | None],
        parse: Callable[[str], Audience],
    ) -> None:
        self.event = event
        self._translate = translate
        self._parse = parse
        self._made: Translated | bool | None = False

    @property
    def item(self) -> Translated | None:
        """None when the event has no words in this protocol."""
        if isinstance(self._made, bool):
            self._made = self._translate(self.event)
        return self._made

    @property
    def audience(self) -> Audience:
        return self._parse(self.event.audience)


class Tail:
    def __init__(
        self,
        position: int,
        translate: Callable[[LoggedEvent], Translated | None],
        parse: Callable[[str], Audience],
    ) -> None:
        """position: the newest `seq` there is. parse: `protocol.audience.from_text`."""
        self.position = position
        self._translate = translate
        self._parse = parse
        self._entries: deque[Entry] = deque(maxlen=KEEP_EVENTS)
        self._seq_of: dict[str, int] = {}
        """Message id -> `seq` of the event that brought it."""

    def entries(self, events: Iterable[LoggedEvent]) -> list[Entry]:
        return [Entry(event, self._translate, self._parse) for event in events]

    def take(self, events: Sequence[LoggedEvent]) -> list[Entry]:
        """Events that were logged right now, in order."""
        new = self.entries(events)
        for entry in new:
            if len(self._entries) == KEEP_EVENTS and (old := self._entries[0].event.ref) is not None:
                self._seq_of.pop(old, None)
            self._entries.append(entry)
            if entry.event.ref is not None:
                self._seq_of[entry.event.ref] = entry.event.seq
        self.position = events[-1].seq
        return new

    def forget(self, position: int) -> None:
        """Nobody follows: keep nothing but the position."""
        self._entries.clear()
        self._seq_of.clear()
        self.position = position

    def seq_of(self, message_id: str) -> int | None:
        return self._seq_of.get(message_id)

    def since(self, seq: int) -> Iterator[Entry] | None:
        """What came after this position, in order; None when that is not all held here."""
        missing = self.position - seq
        if missing > len(self._entries):
            return None
        return islice(self._entries, len(self._entries) - max(0, missing), None)
