"""The log of durable events: one sequence of numbers, which resume and other readers follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from db.group import Group


class LoggedEvent(msgspec.Struct, frozen=True):
    """audience: see `protocol.audience.to_text`. kind: the wire name. payload: JSON. timestamp: unix seconds."""

    seq: int
    timestamp: float
    audience: str
    kind: str
    payload: bytes


class EventLog:
    """`tx.log`. Numbers rise by one; those of a group that is rolled back are given again, as nobody saw them."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def append(self, audience: str, kind: str, payload: bytes) -> int:
        """Gives its `seq`."""
        raise NotImplementedError

    def after(self, seq: int, limit: int) -> list[LoggedEvent]:
        """The first `limit` events after this number."""
        raise NotImplementedError

    def newest(self) -> int:
        """0 when there was no event yet."""
        raise NotImplementedError

    def oldest(self) -> int:
        """The number of the oldest event that is kept; newest() + 1 when none is."""
        raise NotImplementedError

    def prune(self, before: float, limit: int = 10_000) -> int:
        """Delete up to `limit` of the oldest events that are older than this (unix seconds); gives how many. The newest
        one always stays, so its number is not forgotten."""
        raise NotImplementedError
