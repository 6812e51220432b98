"""Links under which archives of users can be fetched: in memory only, by hash, for ten minutes, once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec

LIFETIME_S = 600
MAX_LINKS = 3
"""Unused links of one user; a new one takes the place of the oldest."""


class ExportLink(msgspec.Struct, frozen=True):
    """by: id of the user who asked for it. of: id of the user whose data it gives. expires_at: unix seconds."""

    by: str
    of: str
    expires_at: float


class ExportLinks:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._links: dict[bytes, ExportLink] = {}

    def add(self, token: str, by: str, of: str) -> ExportLink:
        self.sweep()
        own = [key for key, link in self._links.items() if link.by == by]
        for key in own[: max(0, len(own) - MAX_LINKS + 1)]:
            del self._links[key]
        link = ExportLink(by, of, self._clock() + LIFETIME_S)
        self._links[_hash(token)] = link
        return link

    def get(self, token: str) -> ExportLink | None:
        link = self._links.get(_hash(token))
        return None if link is None or link.expires_at <= self._clock() else link

    def use(self, token: str) -> None:
        """It is not valid any more."""
        self._links.pop(_hash(token), None)

    def sweep(self) -> None:
        now = self._clock()
        self._links = {key: link for key, link in self._links.items() if link.expires_at > now}


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
