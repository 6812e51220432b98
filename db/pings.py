"""Who a message calls: stored with the message, so that the inbox is a question to an index."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Integer, Subquery, and_, bindparam, func, literal, or_, select, union_all

from db.message_rows import Message
from db.schema import PLACE_SHIFT, messages, pings, places, reads

if TYPE_CHECKING:
    from db.group import Group

_RENAME = pings.update().where(pings.c.target == bindparam("old")).values(target=bindparam("new"))
_FORGET = pings.delete().where(pings.c.target == bindparam("of"))
_REMOVE_ALL = pings.delete().where(pings.c.n.in_(bindparam("ns", expanding=True)))
MAX_CALLS = 2000
"""Of each target so many of the newest calls are looked at: no list and no count costs more when a role was called a
hundred thousand times."""
_MARKER = and_(reads.c.user_id == bindparam("reader"), reads.c.place == places.c.id)


class RolePings:
    """`tx.role_pings`: roles are called by their names, so what happens to a name happens to its pings."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def rename(self, old: str, new: str) -> None:
        """Who has the role `new` from now on was called by the messages that called `old`, and by no others."""
        self.forget(new)
        self._group.connection.execute(_RENAME, {"old": _role(old), "new": _role(new)})

    def forget(self, name: str) -> None:
        """The role is gone; a later one of the same name was not called by anything."""
        self._group.flush()
        self._group.connection.execute(_FORGET, {"of": _role(name)})


def targets(message: Message, users: Collection[str], roles: Collection[str]) -> set[str]:
    """Who is called, the author of the answered message included unless the sender said no."""
    called = {f"u:{user}" for user in users} | {_role(role) for role in roles}
    if message.reply_user is not None and message.ping is not False:
        called.add(f"u:{message.reply_user}")
    return called


def called(user_id: str, roles: Collection[str]) -> list[str]:
    """Targets that are the user, by id and by roles (names)."""
    return [f"u:{user_id}", *map(_role, roles)]


def _role(name: str) -> str:
    return f"r:{name}"


def remove_all(group: Group, ns: Sequence[int]) -> None:
    """All pings by these messages."""
    group.connection.execute(_REMOVE_ALL, {"ns": ns})


def of(group: Group, called: Sequence[str], within: Collection[int], limit: int, offset: int) -> tuple[list[int], int]:
    """Messages that ping one of the targets in places with these numbers: ([n] newest first, how many in all). Of each
    target the newest `MAX_CALLS` calls are looked at."""
    newest = _newest(called)
    number = newest.c.n.op(">>")(literal(PLACE_SHIFT, Integer))
    found = select(newest.c.n).where(number.in_(bindparam("in", expanding=True))).group_by(newest.c.n)
    page = found.order_by(func.max(newest.c.timestamp).desc(), newest.c.n.desc()).limit(limit).offset(offset)
    total: int = group.connection.execute(
        select(func.count()).select_from(found.subquery()), {"in": list(within)}
    ).scalar_one()
    return [n for (n,) in group.connection.execute(page, {"in": list(within)})], total


def unread(
    group: Group, reader: str, called: Sequence[str], silent: Collection[str], within: Collection[str]
) -> dict[str, int]:
    """Place (id) -> how many messages behind the marker of the reader call; not those of users in `silent`. Of each
    target the newest `MAX_CALLS` calls are looked at."""
    if not within:
        return {}
    newest = _newest(called)
    calls = (
        select(places.c.id, func.count(newest.c.n.distinct()).label("calls"))
        .select_from(
            newest.join(messages, messages.c.n == newest.c.n)
            .join(places, places.c.number == newest.c.n.op(">>")(literal(PLACE_SHIFT, Integer)))
            .outerjoin(reads, _MARKER)
        )
        .where(
            places.c.id.in_(bindparam("in", expanding=True)),
            or_(reads.c.n.is_(None), newest.c.n > reads.c.n),
            messages.c.user_id.not_in(bindparam("silent", expanding=True)),
        )
        .group_by(places.c.id)
    )
    which = {"in": list(within), "silent": list(silent), "reader": reader}
    return {row.id: row.calls for row in group.connection.execute(calls, which)}


def _newest(called: Sequence[str]) -> Subquery:
    each = (
        select(pings.c.n, pings.c.timestamp)
        .where(pings.c.target == target)
        .order_by(pings.c.timestamp.desc(), pings.c.n.desc())
        .limit(MAX_CALLS)
        .subquery()
        for target in called
    )
    return union_all(*(select(part.c.n, part.c.timestamp) for part in each)).subquery()
