"""Memberships: stored, remembered, and forgotten with their user or channel."""

from __future__ import annotations

from db.memberships import Membership, Memberships
from db.store import Store
from tests.db.conftest import Disk, group

ANN = Membership("music", "ann", 1.0)
BEN = Membership("music", "ben", 2.0)
ELSEWHERE = Membership("games", "ann", 3.0)


def test_memberships_are_there_after_a_restart_in_the_order_of_joining(disk: Disk) -> None:
    with group(disk.open()) as tx:
        for membership in (ELSEWHERE, BEN, ANN):
            assert tx.memberships.add(membership)
        assert tx.memberships.all() == [ANN, BEN, ELSEWHERE]
    found = disk.open().memberships
    assert list(found.of_channel("music").items()) == [("ann", 1.0), ("ben", 2.0)]
    assert list(found.of_user("ann").items()) == [("music", 1.0), ("games", 3.0)]


def test_joining_twice_keeps_the_first_time(store: Store) -> None:
    with group(store) as tx:
        assert tx.memberships.add(ANN)
        assert not tx.memberships.add(Membership("music", "ann", 9.0))
        assert tx.memberships.all() == [ANN]


def test_removing_says_whether_there_was_something(store: Store) -> None:
    with group(store) as tx:
        tx.memberships.add(ANN)
        tx.memberships.add(BEN)
        assert tx.memberships.has("music", "ann")
        assert tx.memberships.remove("music", "ann")
        assert not tx.memberships.remove("music", "ann")
        assert not tx.memberships.has("music", "ann")
        assert tx.memberships.all() == [BEN]


def test_a_channel_or_a_user_that_is_gone_takes_its_memberships_along(store: Store) -> None:
    with group(store) as tx:
        for membership in (ANN, BEN, ELSEWHERE):
            tx.memberships.add(membership)
        tx.memberships.forget_channel("music")
        assert tx.memberships.all() == [ELSEWHERE]
        tx.memberships.forget_user("ann")
        assert tx.memberships.all() == []


def test_the_index_tells_of_each_channel_whose_members_change() -> None:
    index = Memberships([ANN, BEN, ELSEWHERE])
    changed: list[str] = []
    index.on_change = changed.append
    assert index.has("music", "ben")
    assert not index.has("games", "ben")
    index.remove("music", "ben")
    index.remove("music", "ben")
    assert not index.has("music", "ben")
    assert dict(index.of_user("ben")) == {}
    index.put(BEN)
    index.forget_user("ann")
    assert dict(index.of_user("ann")) == dict(index.of_channel("games")) == {}
    index.forget_channel("music")
    assert dict(index.of_channel("music")) == dict(index.of_user("ben")) == {}
    assert changed == ["music", "music", "music", "music", "games", "music"]
