"""Reactions: one row for each message, emoji and user, in the order of reacting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from db.schema import reactions

if TYPE_CHECKING:
    from db.group import Group

_ADD = reactions.insert()
_KEY = (
    reactions.c.n == bindparam("n"),
    reactions.c.emoji == bindparam("emoji"),
    reactions.c.user_id == bindparam("user_id"),
)
_ONE = select(reactions.c.id).where(*_KEY)
_REMOVE = reactions.delete().where(*_KEY)
_REMOVE_ALL = reactions.delete().where(reactions.c.n.in_(bindparam("ns", expanding=True)))
_COLUMNS = select(reactions.c.n, reactions.c.emoji, reactions.c.user_id).order_by(reactions.c.id)
_OF_ONE = _COLUMNS.where(reactions.c.n == bindparam("n"))
_OF_RANGE = _COLUMNS.where(reactions.c.n.between(bindparam("low"), bindparam("high")))
_OF_SOME = _COLUMNS.where(reactions.c.n.in_(bindparam("ns", expanding=True)))

Reactions = dict[str, list[str]]


def add(group: Group, n: int, emoji: str, user_id: str) -> bool:
    values = {"n": n, "emoji": emoji, "user_id": user_id}
    if group.connection.execute(_ONE, values).first() is not None:
        return False
    group.connection.execute(_ADD, values)
    return True


def remove(group: Group, n: int, emoji: str, user_id: str) -> bool:
    return bool(group.connection.execute(_REMOVE, {"n": n, "emoji": emoji, "user_id": user_id}).rowcount)


def remove_all(group: Group, ns: Sequence[int]) -> None:
    """All reactions to these messages."""
    group.connection.execute(_REMOVE_ALL, {"ns": ns})


def of_one(group: Group, n: int) -> Reactions:
    found: Reactions = {}
    for _, emoji, user_id in group.connection.execute(_OF_ONE, {"n": n}):
        found.setdefault(emoji, []).append(user_id)
    return found


def of_page(group: Group, ns: Sequence[int], contiguous: bool) -> dict[int, Reactions]:
    """For messages in any order. contiguous: no other message lies between the smallest and the largest `n`."""
    if not ns:
        return {}
    if contiguous:
        rows = group.connection.execute(_OF_RANGE, {"low": min(ns), "high": max(ns)})
    else:
        rows = group.connection.execute(_OF_SOME, {"ns": list(ns)})
    found: dict[int, Reactions] = {}
    for n, emoji, user_id in rows:
        found.setdefault(n, {}).setdefault(emoji, []).append(user_id)
    return found
