from __future__ import annotations

import msgspec

from db.sessions import StoredSession
from db.store import Store
from tests.db.conftest import Clock, Disk, group


def session(id: str, user_id: str = "ann", created_at: float = 1.0) -> StoredSession:
    return StoredSession(
        id=id, token_hash=id.encode(), user_id=user_id, created_at=created_at, last_seen=created_at, address="::1",
        agent="web",
    )  # fmt: skip


def test_found_by_id_token_and_user(store: Store) -> None:
    first, second = session("a", created_at=1.0), session("b", created_at=2.0)
    with group(store) as tx:
        tx.sessions.add(second)
        tx.sessions.add(first)
        tx.sessions.add(session("c", "bob"))
        assert tx.sessions.get("a") == first
        assert tx.sessions.by_token_hash(b"b") == second
        assert tx.sessions.by_token_hash(b"no") is None
        assert tx.sessions.of_user("ann") == [first, second]


def test_position_outlives_the_connection(store: Store) -> None:
    with group(store) as tx:
        tx.sessions.add(session("a"))
        tx.sessions.disconnect("a", 9, 20.0)
        stored = tx.sessions.get("a")
        assert stored is not None
        assert (stored.position, stored.disconnected_at, stored.last_seen) == (9, 20.0, 20.0)
        again = tx.sessions.attach("a", 30.0, "10.0.0.1", "bot")
        assert again is not None
        assert (again.position, again.disconnected_at, again.address, again.agent) == (9, None, "10.0.0.1", "bot")
        assert tx.sessions.attach("no", 30.0) is None


def test_ended_sessions_are_gone(store: Store) -> None:
    with group(store) as tx:
        for id_ in ("a", "b", "c"):
            tx.sessions.add(session(id_))
        assert tx.sessions.end("a")
        assert not tx.sessions.end("a")
        assert tx.sessions.end_all("ann") == ["b", "c"]
        assert tx.sessions.of_user("ann") == []


def test_a_start_disconnects_all_and_time_prunes(disk: Disk, clock: Clock) -> None:
    with group(disk.open()) as tx:
        tx.sessions.add(session("a"))
        tx.sessions.add(session("b"))
        tx.sessions.disconnect("b", 0, clock.now - 500)
    with group(disk.open()) as tx:
        stored = tx.sessions.get("a")
        assert stored is not None
        assert stored.disconnected_at == clock.now
        assert tx.sessions.prune(clock.now, {"": 600}) == []
        assert tx.sessions.prune(clock.now + 101, {"": 600}) == ["b"]
        tx.sessions.attach("a", clock.now)
        assert tx.sessions.prune(clock.now + 10_000, {"": 600}) == []


def test_each_gateway_has_its_lifetime(store: Store, clock: Clock) -> None:
    with group(store) as tx:
        for id_, gateway in (("a", ""), ("b", "chat_api"), ("c", "other")):
            tx.sessions.add(msgspec.structs.replace(session(id_), gateway=gateway, disconnected_at=clock.now))
        assert tx.sessions.prune(clock.now + 60, {"": 50, "chat_api": 100}) == ["a"]
        assert tx.sessions.prune(clock.now + 101, {"": 50, "chat_api": 100}) == ["b"]
        assert tx.sessions.of_user("ann") != [], "that of a gateway without lifetime stays"


def test_guests_with_a_session_are_known(store: Store) -> None:
    with group(store) as tx:
        for id_, user_id in (("a", "guest:00:x"), ("b", "guest:00:x"), ("c", "ann"), ("d", "guestbook")):
            tx.sessions.add(session(id_, user_id))
        assert tx.sessions.guests() == {"guest:00:x"}
