"""Substring search in the messages of a place, upper and lower case alike: what is common to all databases.

Each has an index of its own (`search_sqlite.py`, `search_postgresql.py`); `Known.search` is the one of the database
that is served.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Row

if TYPE_CHECKING:
    from db.group import Group, Place

MIN_INDEXED_CHARS = 3
"""Shorter queries have no trigram: the newest messages are looked through one by one."""
MAX_SCANNED = 20_000
"""So many messages at most are checked for one search, the newest ones; bounds how long it may hold up the others."""


class SearchIndex(Protocol):
    """Called within a group, whose changes it must follow."""

    def added(self, group: Group, rows: Sequence[Mapping[str, Any]]) -> None:
        """These messages were inserted."""

    def changed(self, group: Group, n: int, before: str, after: str) -> None:
        """The content of a message was replaced."""

    def removed(self, group: Group, gone: Iterable[tuple[int, str]]) -> None:
        """(n, content) of messages that were deleted."""

    def commits(self, group: Group) -> None:
        """The group is about to be committed."""

    def search(self, group: Group, place: Place, query: str, limit: int) -> list[Row[Any]]:
        """Rows of all columns, newest first."""

    def everywhere(self, group: Group, folded: str, most: int) -> list[int] | None:
        """The `n` of all messages that may hold a folded text of `MIN_INDEXED_CHARS` or more, in any order; None when
        they are more than `most`, or cannot be found quickly."""

    def candidates(
        self, group: Group, place: Place, high: int, folded: str, limit: int, scanned: int
    ) -> tuple[list[int], int]:
        """The `n` of messages of the place up to `high` that may hold such a text, the `limit` newest, newest first;
        scanned: how many messages may be looked at for it. And how many were."""


def fold(content: str) -> str:
    # neither database indexes what stands after a NUL
    return content.casefold().replace("\0", "\ufffd")
