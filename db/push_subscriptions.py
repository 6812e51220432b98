"""Which browsers want to be notified: the stored subscriptions, and the index in memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import bindparam, select

from db.schema import push_subscriptions

if TYPE_CHECKING:
    from db.group import Group

MAX_PER_USER = 10

_columns = push_subscriptions.c
_INSERT = push_subscriptions.insert()
_ONE = select(push_subscriptions).where(_columns.endpoint == bindparam("endpoint"))
_OF_USER = (
    select(push_subscriptions)
    .where(_columns.user_id == bindparam("user"))
    .order_by(_columns.last_used, _columns.created_at, _columns.endpoint)
)
_ALL = select(push_subscriptions).order_by(_columns.created_at, _columns.endpoint)
_DELETE = push_subscriptions.delete().where(_columns.endpoint == bindparam("of"))
_DELETE_USER = push_subscriptions.delete().where(_columns.user_id == bindparam("of"))
_UNUSED = select(_columns.endpoint).where(_columns.last_used < bindparam("before"))
_TOUCH = push_subscriptions.update().where(_columns.endpoint == bindparam("of")).values(last_used=bindparam("now"))


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One browser of a user. endpoint: URL at the browser's service, a secret. p256dh, auth: its keys, base64url
    without padding. created_at, last_used: unix seconds; used is what was subscribed, or reached, then."""

    endpoint: str
    user_id: str
    p256dh: str
    auth: str
    created_at: float
    last_used: float


class PushSubscriptions:
    """All of them in memory. Belongs to the event loop; it changes only when the database has."""

    def __init__(self, subscriptions: Iterable[Subscription] = ()) -> None:
        self._by_endpoint: dict[str, Subscription] = {}
        self._by_user: dict[str, dict[str, Subscription]] = {}
        for subscription in subscriptions:
            self.put(subscription)

    def __len__(self) -> int:
        return len(self._by_endpoint)

    def get(self, endpoint: str) -> Subscription | None:
        return self._by_endpoint.get(endpoint)

    def of_user(self, user_id: str) -> tuple[Subscription, ...]:
        return tuple(self._by_user.get(user_id, {}).values())

    def users(self) -> Iterable[str]:
        """Ids of the users that have any."""
        return self._by_user.keys()

    def put(self, subscription: Subscription) -> None:
        self.remove(subscription.endpoint)
        self._by_endpoint[subscription.endpoint] = subscription
        self._by_user.setdefault(subscription.user_id, {})[subscription.endpoint] = subscription

    def remove(self, *endpoints: str) -> None:
        """Harmless for those that are not there."""
        for endpoint in endpoints:
            old = self._by_endpoint.pop(endpoint, None)
            if old is not None:
                mine = self._by_user[old.user_id]
                del mine[endpoint]
                if not mine:
                    del self._by_user[old.user_id]

    def forget_user(self, user_id: str) -> None:
        self.remove(*self._by_user.get(user_id, {}))


class StoredSubscriptions:
    """`tx.push`. The index follows when it is committed."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def put(self, subscription: Subscription) -> list[str]:
        """Add, or replace the one with this endpoint, whoever had it. Gives the endpoints of those that went because
        the user has too many: the ones that were used least recently."""
        execute = self._group.connection.execute
        execute(_DELETE, {"of": subscription.endpoint})
        others = execute(_OF_USER, {"user": subscription.user_id}).all()
        gone = [row.endpoint for row in others[: max(0, len(others) + 1 - MAX_PER_USER)]]
        for endpoint in gone:
            execute(_DELETE, {"of": endpoint})
        execute(_INSERT, msgspec.structs.asdict(subscription))
        return gone

    def get(self, endpoint: str) -> Subscription | None:
        row = self._group.connection.execute(_ONE, {"endpoint": endpoint}).first()
        return None if row is None else Subscription(**row._mapping)

    def remove(self, endpoint: str, user_id: str) -> bool:
        """False when this user has none there."""
        found = self.get(endpoint)
        if found is None or found.user_id != user_id:
            return False
        self._group.connection.execute(_DELETE, {"of": endpoint})
        return True

    def touch(self, endpoint: str, now: float) -> None:
        self._group.connection.execute(_TOUCH, {"of": endpoint, "now": now})

    def prune(self, before: float) -> list[str]:
        """Delete what was not used since; gives the endpoints."""
        gone = list(self._group.connection.execute(_UNUSED, {"before": before}).scalars())
        for endpoint in gone:
            self._group.connection.execute(_DELETE, {"of": endpoint})
        return gone

    def forget_user(self, user_id: str) -> None:
        self._group.connection.execute(_DELETE_USER, {"of": user_id})

    def all(self) -> list[Subscription]:
        """Oldest first."""
        return [Subscription(**row._mapping) for row in self._group.connection.execute(_ALL)]
