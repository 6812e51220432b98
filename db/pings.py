"""Who a message calls: stored with the message, so that the inbox is a question to an index."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Integer, and_, bindparam, func, literal, or_, select

from db.message_rows import Message
from db.schema import PLACE_SHIFT, messages, pings, places, reads

if TYPE_CHECKING:
    from db.group import Group

_RENAME = pings.update().where(pings.c.target == bindparam("old")).values(target=bindparam("new"))
_FORGET = pings.delete().where(pings.c.target == bindparam("of"))
_REMOVE_ALL = pings.delete().where(pings.c.n.in_(bindparam("ns", expanding=True)))
_TO_ANY = pings.c.target.in_(bindparam("targets", expanding=True))
_PLACE = pings.c.n.op(">>")(literal(PLACE_SHIFT, Integer))
_OF = select(pings.c.n).where(_TO_ANY, _PLACE.in_(bindparam("places", expanding=True))).group_by(pings.c.n)
_TOTAL = select(func.count()).select_from(_OF.subquery())
_PAGE = (
    _OF.order_by(func.max(pings.c.timestamp).desc(), pings.c.n.desc())
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_MARKER = and_(reads.c.user_id == bindparam("reader"), reads.c.place == places.c.id)
_UNREAD = (
    select(places.c.id, func.count(pings.c.n.distinct()).label("calls"))
    .select_from(
        pings.join(places, places.c.number == _PLACE)
        .join(messages, messages.c.n == pings.c.n)
        .outerjoin(reads, _MARKER)
    )
    .where(
        _TO_ANY,
        places.c.id.in_(bindparam("in", expanding=True)),
        or_(reads.c.n.is_(None), pings.c.n > reads.c.n),
        messages.c.user_id.not_in(bindparam("silent", expanding=True)),
    )
    .group_by(places.c.id)
)


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


def of(group: Group, called: Sequence[str], places: Sequence[int], limit: int, offset: int) -> tuple[list[int], int]:
    """(`n` of the messages, newest first; how many there are in all), of targets in places by number."""
    if not called or not places:
        return [], 0
    which = {"targets": called, "places": places}
    total: int = group.connection.execute(_TOTAL, which).scalar_one()
    page = group.connection.execute(_PAGE, {**which, "limit": limit, "offset": offset})
    return [n for (n,) in page], total


def unread(
    group: Group, reader: str, called: Sequence[str], silent: Collection[str], places: Collection[str]
) -> dict[str, int]:
    """Place (id) -> how many messages behind the marker of the reader call; not those of users in `silent`."""
    if not places:
        return {}
    which = {"targets": called, "in": list(places), "silent": list(silent), "reader": reader}
    return {row.id: row.calls for row in group.connection.execute(_UNREAD, which)}
