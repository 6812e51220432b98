"""Sessions: a logged-in user on one device, which outlives its connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Row, Select, bindparam, select

from db.schema import sessions
from db.users import GUEST_PREFIX

if TYPE_CHECKING:
    from db.group import Group

_INSERT = sessions.insert()
_BY_ID = select(sessions).where(sessions.c.id == bindparam("id"))
_BY_TOKEN_HASH = select(sessions).where(sessions.c.token_hash == bindparam("token_hash"))
_OF_USER = (
    select(sessions).where(sessions.c.user_id == bindparam("user_id")).order_by(sessions.c.created_at, sessions.c.id)
)
_DELETE = sessions.delete().where(sessions.c.id == bindparam("id"))
_DELETE_OF_USER = sessions.delete().where(sessions.c.user_id == bindparam("user_id"))
_BIND = sessions.update().where(sessions.c.id == bindparam("of")).values(access_token=bindparam("to"))
_REBIND = (
    sessions.update()
    .where(sessions.c.user_id == bindparam("by"), sessions.c.access_token == bindparam("from"))
    .values(access_token=bindparam("to"))
)
_DISCONNECT = (
    sessions.update()
    .where(sessions.c.id == bindparam("of"))
    .values(position=bindparam("at"), disconnected_at=bindparam("now"), last_seen=bindparam("now"))
)
_ATTACH = (
    sessions.update()
    .where(sessions.c.id == bindparam("of"))
    .values(disconnected_at=None, last_seen=bindparam("now"), address=bindparam("from"), agent=bindparam("with"))
)
_DISCONNECT_ALL = sessions.update().where(sessions.c.disconnected_at.is_(None)).values(disconnected_at=bindparam("now"))
_PAST = (sessions.c.gateway == bindparam("of")) & (sessions.c.disconnected_at < bindparam("before"))
_EXPIRED = select(sessions.c.id).where(_PAST)
_GUESTS = select(sessions.c.user_id).where(sessions.c.user_id.startswith(GUEST_PREFIX)).distinct()
_DELETE_EXPIRED = sessions.delete().where(_PAST)


class StoredSession(msgspec.Struct, frozen=True, kw_only=True):
    """All times are unix seconds.

    token_hash: of the secret that the client holds. disconnected_at: None while connected. position: `seq` up to which
    everything was sent. gateway: the way in that it came by, '' for the OriginChats protocol. access_token: id of the
    token that it was entered with.
    """

    id: str
    token_hash: bytes
    user_id: str
    created_at: float
    last_seen: float
    disconnected_at: float | None = None
    position: int = 0
    address: str = ""
    agent: str = ""
    gateway: str = ""
    access_token: str | None = None


ACCESS_TOKEN = "token"
"""`gateway` of a stored session that stands for an access token: it never has a connection."""


class Sessions:
    def __init__(self, group: Group) -> None:
        self._group = group

    def add(self, session: StoredSession) -> None:
        self._group.connection.execute(_INSERT, msgspec.structs.asdict(session))

    def get(self, id: str) -> StoredSession | None:
        return self._one(_BY_ID, {"id": id})

    def by_token_hash(self, token_hash: bytes) -> StoredSession | None:
        return self._one(_BY_TOKEN_HASH, {"token_hash": token_hash})

    def of_user(self, user_id: str) -> list[StoredSession]:
        """Oldest first."""
        return [_read(row) for row in self._group.connection.execute(_OF_USER, {"user_id": user_id})]

    def end(self, id: str) -> bool:
        """Forget one session. False when there is no such session."""
        return bool(self._group.connection.execute(_DELETE, {"id": id}).rowcount)

    def end_oldest_lost(self, user_id: str, most: int) -> None:
        """Where a user has more than `most` sessions, forget those whose connection has been gone for longest. Access
        tokens do not count."""
        stored = [each for each in self.of_user(user_id) if each.gateway != ACCESS_TOKEN]
        lost = [(each.disconnected_at, each.id) for each in stored if each.disconnected_at is not None]
        for _, id_ in sorted(lost)[: max(0, len(stored) - most)]:
            self.end(id_)

    def end_device(self, user_id: str, id: str) -> list[str]:
        """Forget one session of a user and, if it is an access token, all that were entered with it; gives their ids.
        Nothing when the user has no such session."""
        entered = [each for each in self.of_user(user_id) if id in (each.id, each.access_token)]
        if all(each.id != id for each in entered):
            return []
        for each in entered:
            self.end(each.id)
        return [each.id for each in entered]

    def bind(self, id: str, token_id: str) -> None:
        """From now on the session ends with this access token."""
        self._group.connection.execute(_BIND, {"of": id, "to": token_id})

    def rebind(self, user_id: str, token_id: str, new_token_id: str) -> None:
        """An access token takes the place of another one."""
        self._group.connection.execute(_REBIND, {"by": user_id, "from": token_id, "to": new_token_id})

    def end_all(self, user_id: str) -> list[str]:
        """Forget every session of a user; gives their ids."""
        ids = [session.id for session in self.of_user(user_id)]
        self._group.connection.execute(_DELETE_OF_USER, {"user_id": user_id})
        return ids

    def disconnect(self, id: str, position: int, now: float) -> None:
        """Its connection is gone; it may be resumed from `position`. An unknown id is ignored."""
        self._group.connection.execute(_DISCONNECT, {"of": id, "at": position, "now": now})

    def attach(self, id: str, now: float, address: str = "", agent: str = "") -> StoredSession | None:
        """It has a connection again. None when there is no such session."""
        self._group.connection.execute(_ATTACH, {"of": id, "now": now, "from": address, "with": agent})
        return self.get(id)

    def disconnect_all(self, now: float) -> int:
        """After a start nobody is connected; gives how many were thought to be."""
        return self._group.connection.execute(_DISCONNECT_ALL, {"now": now}).rowcount

    def prune(self, now: float, lifetimes_s: Mapping[str, float]) -> list[str]:
        """Forget those that have been without a connection for longer than those of their gateway live; gives their
        ids. Those of a gateway that is not named stay."""
        pruned: list[str] = []
        for gateway, lifetime_s in lifetimes_s.items():
            which = {"of": gateway, "before": now - lifetime_s}
            ids = list(self._group.connection.execute(_EXPIRED, which).scalars())
            if ids:
                self._group.connection.execute(_DELETE_EXPIRED, which)
                pruned += ids
        return pruned

    def guests(self) -> set[str]:
        """Ids of the guests that have a session."""
        return set(self._group.connection.execute(_GUESTS).scalars())

    def _one(self, statement: Select[Any], which: dict[str, Any]) -> StoredSession | None:
        row = self._group.connection.execute(statement, which).first()
        return None if row is None else _read(row)


def _read(row: Row[Any]) -> StoredSession:
    return StoredSession(**row._mapping)
