"""Finding messages in many places at once: by text, author, what they carry, and time; newest first.

What is rare is found by one question to the index of all places. What is common is looked for place by place, those
with the newest messages first, and ends as soon as no other place can hold anything newer than what was found. A budget
bounds how many messages are looked at in one search, whatever is asked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Row, bindparam, exists, func, select

from db import message_search
from db.message_rows import read
from db.message_search import MIN_INDEXED_CHARS, fold
from db.schema import PLACE_SHIFT, messages, reactions

if TYPE_CHECKING:
    from db.group import Group, Place

RARE = 1000
"""A text that no more messages may hold, of all places, is looked up at once."""
CHUNK = 200
"""Candidates that are fetched at a time in one place."""
PLACE_COST = 50
"""What asking for one place costs of the budget, in messages."""
SMALL = 256
"""Places with fewer messages are read from their newest one, whatever time is asked for."""

_ORDINALS = (1 << PLACE_SHIFT) - 1

Carried = Literal["link", "image", "file", "embed", "poll", "reaction"]

_c = messages.c
_LINK = re.compile(r"https?://\S", re.IGNORECASE)
_PREFILTER: dict[str, ColumnElement[bool]] = {
    "link": func.lower(_c.content).like("%http%://%"),
    "image": _c.extra.like('%"mime_type":"image/%'),
    "file": _c.extra.like('%"attachments":[{%'),
    "embed": _c.extra.like('%"embeds":[{%'),
    "poll": _c.extra.like('%"type":"poll"%'),
    "reaction": exists(select(reactions.c.id).where(reactions.c.n == _c.n)),
}
_FIRST_FROM = (
    select(_c.n, _c.timestamp).where(_c.n.between(bindparam("low"), bindparam("high"))).order_by(_c.n).limit(1)
)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """text: in any case; "" for any. author: user id. has: all of them. before: exclusive, with the id of a message it
    is a place in the order of results: of equal times only smaller ids follow. after: inclusive. Times are unix
    seconds."""

    text: str = ""
    author: str | None = None
    has: frozenset[Carried] = frozenset()
    pinned: bool | None = None
    before: float | None = None
    before_id: str | None = None
    after: float | None = None


class Found(msgspec.Struct, frozen=True):
    """rows: (place, row of all columns), newest first. complete: False when older ones may be there that the budget did
    not reach."""

    rows: list[tuple[str, Row[Any]]]
    complete: bool


def find(group: Group, places: Collection[str], wanted: Wanted, limit: int) -> Found:
    """At most `limit` messages in these places (ids)."""
    group.flush()
    return _Search(group, places, wanted, limit).run()


class _Search:
    def __init__(self, group: Group, places: Collection[str], wanted: Wanted, limit: int) -> None:
        self._group = group
        self._wanted = wanted
        self._limit = limit
        self._folded = fold(wanted.text)
        self._budget = message_search.MAX_SCANNED
        self._places = {found.number: found for id_ in places if (found := group.place(id_)) is not None and found.head}
        self._conditions = _conditions(wanted)
        self._found: list[tuple[Place, Row[Any]]] = []

    def run(self) -> Found:
        if self._limit < 1:
            return Found([], True)
        rare = self._rare()
        complete = True
        if rare is not None:
            for start in range(0, len(rare), CHUNK):
                self._keep(self._rows(rare[start : start + CHUNK]))
        else:
            complete = self._by_place()
        return Found([(place.id, row) for place, row in self._found], complete)

    def _rare(self) -> list[int] | None:
        """All that may hold the text, of the places that count; None when that is too many, or not known."""
        if len(self._folded) < MIN_INDEXED_CHARS:
            return None
        ns = self._group.search.everywhere(self._group, self._folded, RARE)
        return None if ns is None else [n for n in ns if n >> PLACE_SHIFT in self._places]

    def _by_place(self) -> bool:
        """False when the budget did not reach everything."""
        after = self._wanted.after
        newest_first = sorted(self._places.values(), key=lambda place: _head(place), reverse=True)
        for place in newest_first:
            if after is not None and _head(place) < after:
                return True
            if len(self._found) >= self._limit and self._found[-1][1].timestamp > _head(place):
                return True
            if self._budget <= 0:
                return False
            self._budget -= PLACE_COST
            self._in_place(place)
        return self._budget > 0

    def _in_place(self, place: Place) -> None:
        high = self._last_before(place)
        kept = 0
        while high >= place.low and self._budget > 0:
            if len(self._folded) >= MIN_INDEXED_CHARS:
                ns, looked_at = self._group.search.candidates(
                    self._group, place, high, self._folded, CHUNK, self._budget
                )
                rows, ended = self._rows(ns), len(ns) < CHUNK
                self._budget -= looked_at
                low = ns[-1] if ns else place.low
            else:
                low = max(place.low, high - CHUNK * 10 + 1)
                rows, ended = self._rows_between(low, high), low == place.low
                self._budget -= high - low + 1
            kept += self._keep(rows)
            if ended or kept >= self._limit or self._too_old(low):
                return
            high = low - 1

    def _too_old(self, n: int) -> bool:
        """Whether nothing that stands before this message can count any more."""
        after = self._wanted.after
        oldest = self._found[-1][1].timestamp if len(self._found) >= self._limit else None
        bounds = [bound for bound in (after, oldest) if bound is not None]
        if not bounds:
            return False
        row = self._group.connection.execute(_FIRST_FROM, {"low": n, "high": n | _ORDINALS}).first()
        return row is not None and row.timestamp < max(bounds)

    def _last_before(self, place: Place) -> int:
        """The largest `n` of the place that may be old enough. Times rise with `n`."""
        before = self._wanted.before
        if before is None or place.count < SMALL or _head(place) < before:
            return place.newest
        low, high = place.low, place.newest
        while low < high:
            middle = (low + high) // 2
            row = self._group.connection.execute(_FIRST_FROM, {"low": middle, "high": high}).first()
            if row is None or row.timestamp > before:
                high = middle
            else:
                low = row.n + 1
        return low

    def _rows(self, ns: Sequence[int]) -> Sequence[Row[Any]]:
        return self._select(_c.n.in_(ns)) if ns else []

    def _rows_between(self, low: int, high: int) -> Sequence[Row[Any]]:
        return self._select(_c.n.between(low, high))

    def _select(self, which: ColumnElement[bool]) -> Sequence[Row[Any]]:
        statement = select(messages).where(which, *self._conditions).order_by(_c.n.desc())
        return self._group.connection.execute(statement).all()

    def _keep(self, rows: Sequence[Row[Any]]) -> int:
        """Take in those that fit; gives how many did."""
        fitting = [row for row in rows if self._fits(row)]
        self._found += [(self._places[row.n >> PLACE_SHIFT], row) for row in fitting]
        self._found.sort(key=lambda found: (found[1].timestamp, found[1].id), reverse=True)
        del self._found[self._limit :]
        return len(fitting)

    def _fits(self, row: Row[Any]) -> bool:
        has, before = self._wanted.has, self._wanted.before
        if before is not None and (row.timestamp, row.id) >= (before, self._wanted.before_id or ""):
            return False
        if self._folded and self._folded not in fold(row.content):
            return False
        if "link" in has and _LINK.search(row.content) is None:
            return False
        if not has & {"image", "file", "embed", "poll"}:
            return True
        extra = read(row).extra
        attached, embeds = extra.get("attachments") or [], extra.get("embeds") or []
        return all(
            {
                "image": any(str(each.get("mime_type", "")).startswith("image/") for each in attached),
                "file": bool(attached),
                "embed": any(each.get("type") != "poll" for each in embeds),
                "poll": any(each.get("type") == "poll" for each in embeds),
            }.get(kind, True)
            for kind in has
        )


def _head(place: Place) -> float:
    """When its newest message was written."""
    return 0.0 if place.head is None else place.head.timestamp


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    """What the database looks at; `_fits` does the rest."""
    found = [_PREFILTER[kind] for kind in sorted(wanted.has)]
    if wanted.author is not None:
        found.append(_c.user_id == wanted.author)
    if wanted.pinned is not None:
        found.append(_c.pinned.is_(wanted.pinned))
    if wanted.after is not None:
        found.append(_c.timestamp >= wanted.after)
    if wanted.before is not None:
        found.append(_c.timestamp <= wanted.before)
    return found
