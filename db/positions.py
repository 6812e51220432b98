"""Where a message stands in its place, exactly and without counting through it.

Ordinals are given in order and never again, so without deletions an ordinal is a position. Deletions are counted in
`holes`, one row for each stretch of 1024 ordinals that has any: a position is the start of the stretch, less the holes
before it, plus the messages that are left between the start and the message. A million messages are a thousand
stretches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select

from db.schema import PLACE_SHIFT, holes, messages

if TYPE_CHECKING:
    from db.group import Group, Place

BUCKET_SHIFT = 10
_ORDINAL = (1 << PLACE_SHIFT) - 1

_MORE = (
    holes.update()
    .where(holes.c.place == bindparam("of"), holes.c.bucket == bindparam("in"))
    .values(deleted=holes.c.deleted + bindparam("more"))
)
_FIRST = holes.insert()
_HOLES = select(holes.c.bucket, holes.c.deleted).where(holes.c.place == bindparam("place")).order_by(holes.c.bucket)
_HOLES_BEFORE = select(func.coalesce(func.sum(holes.c.deleted), 0)).where(
    holes.c.place == bindparam("place"), holes.c.bucket < bindparam("bucket")
)
_COUNT = (
    select(func.count()).select_from(messages).where(messages.c.n >= bindparam("low"), messages.c.n < bindparam("high"))
)
_NTH = (
    select(messages.c.n)
    .where(messages.c.n.between(bindparam("low"), bindparam("high")))
    .order_by(messages.c.n)
    .limit(1)
    .offset(bindparam("skip"))
)


def bucket_of(n: int) -> int:
    return (n & _ORDINAL) >> BUCKET_SHIFT


def remember_holes(group: Group, place: Place, ns: Sequence[int]) -> None:
    """These messages of this place, which belongs to the group, are being deleted."""
    place.deleted += len(ns)
    for bucket, count in Counter(map(bucket_of, ns)).items():
        if not group.connection.execute(_MORE, {"of": place.number, "in": bucket, "more": count}).rowcount:
            group.connection.execute(_FIRST, {"place": place.number, "bucket": bucket, "deleted": count})


def position(group: Group, place: Place, n: int) -> int:
    """How many messages are older than `n`, which need not exist (any more)."""
    if n <= place.low:
        return 0
    if n > place.newest:
        return place.count
    if not place.deleted:
        return n - place.low
    group.flush()
    bucket = bucket_of(n)
    before = group.connection.execute(_HOLES_BEFORE, {"place": place.number, "bucket": bucket}).scalar_one()
    start = place.low + (bucket << BUCKET_SHIFT)
    left = group.connection.execute(_COUNT, {"low": start, "high": n}).scalar_one()
    return (bucket << BUCKET_SHIFT) - int(before) + int(left)


def at(group: Group, place: Place, position: int) -> int | None:
    """The `n` of the message at this position (0 = oldest); None when there are not so many."""
    if not 0 <= position < place.count:
        return None
    if not place.deleted:
        return place.low + position
    group.flush()
    before = 0  # holes in the stretches before the one looked at
    for bucket, deleted in group.connection.execute(_HOLES, {"place": place.number}):
        if position < (bucket << BUCKET_SHIFT) - before:
            break  # in an untouched stretch before this one
        if position < (bucket + 1 << BUCKET_SHIFT) - before - deleted:
            start = place.low + (bucket << BUCKET_SHIFT)
            skip = position - ((bucket << BUCKET_SHIFT) - before)
            n: int = group.connection.execute(
                _NTH, {"low": start, "high": start + (1 << BUCKET_SHIFT) - 1, "skip": skip}
            ).scalar_one()
            return n
        before += deleted
    return place.low + position + before
