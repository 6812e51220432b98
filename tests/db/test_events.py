from __future__ import annotations

from db.events import LoggedEvent
from db.store import Store
from tests.db.conftest import Clock, Disk, group


def append(store: Store, count: int) -> list[int]:
    with group(store) as tx:
        return [tx.log.append("all", f"kind{i}", b"{}") for i in range(count)]


def test_numbers_go_on_after_a_restart(disk: Disk, clock: Clock) -> None:
    assert append(disk.open(), 2) == [1, 2]
    store = disk.open()
    assert append(store, 2) == [3, 4]
    with group(store) as tx:
        assert tx.log.newest() == 4
        assert tx.log.oldest() == 1
        assert tx.log.after(2, 1) == [LoggedEvent(3, clock.now, "all", "kind0", b"{}")]
        assert [event.seq for event in tx.log.after(0, 10)] == [1, 2, 3, 4]
        assert tx.log.after(4, 10) == []


def test_commit_gives_the_events_of_the_group(store: Store, clock: Clock) -> None:
    tx = store.begin()
    tx.log.append("user:ann", "b", b"1")
    assert [event.seq for event in tx.log.after(0, 10)] == [1]
    tx.log.append("all", "a", b"2")
    assert tx.commit() == [
        LoggedEvent(1, clock.now, "user:ann", "b", b"1"),
        LoggedEvent(2, clock.now, "all", "a", b"2"),
    ]


def test_a_rolled_back_group_leaves_no_gap(store: Store) -> None:
    append(store, 1)
    tx = store.begin()
    assert tx.log.append("all", "lost", b"") == 2
    assert tx.log.newest() == 2
    assert len(tx.log.after(0, 9)) == 2
    tx.rollback()
    assert append(store, 1) == [2]


def test_pruning_keeps_the_newest_number(disk: Disk, clock: Clock) -> None:
    store = disk.open()
    with group(store) as tx:
        assert tx.log.oldest() == 1
        assert tx.log.prune(clock.now) == 0
    append(store, 3)
    clock.now += 10
    append(store, 2)
    with group(store) as tx:
        assert tx.log.prune(clock.now - 10) == 0
        assert tx.log.prune(clock.now, limit=2) == 2
        assert tx.log.oldest() == 3
        assert tx.log.prune(clock.now + 1) == 2
        assert tx.log.oldest() == 5
    assert append(disk.open(), 1) == [6]
