from __future__ import annotations

from db.store import Store
from db.threads import Thread, Threads
from tests.db.conftest import Disk, group, message

IDEA = Thread(id="t1", name="Idea", parent="forum", created_by="ann", created_at=1.0, participants=("ann",))
OTHER = Thread(id="t2", name="Other", parent="forum", created_by="bob", created_at=2.0, participants=("bob", "ann"))


def test_threads_are_there_after_a_restart(disk: Disk) -> None:
    with group(disk.open()) as tx:
        tx.threads.add(OTHER)
        tx.threads.add(IDEA)
    threads = disk.open().threads
    assert threads.of_channel("forum") == (IDEA, OTHER)
    assert threads.of_channel("general") == ()
    assert threads.get("t2") == OTHER
    assert threads.get("t3") is None
    assert len(threads) == 2
    assert list(threads) == [IDEA, OTHER]


def test_each_change_gives_the_thread_as_it_is(store: Store) -> None:
    with group(store) as tx:
        tx.threads.add(IDEA)
        changed = tx.threads.update("t1", name="Plan", locked=True)
        assert changed is not None
        assert (changed.name, changed.locked, changed.archived) == ("Plan", True, False)
        joined = tx.threads.add_participant("t1", "cyd")
        assert joined is not None
        assert joined.participants == ("ann", "cyd")
        assert tx.threads.add_participant("t1", "cyd") == joined
        assert tx.threads.update("t1") == joined
        left = tx.threads.remove_participant("t1", "ann")
        assert left is not None
        assert left.participants == ("cyd",)
        assert tx.threads.get("t1") == left


def test_what_does_not_exist(store: Store) -> None:
    with group(store) as tx:
        assert tx.threads.get("no") is None
        assert tx.threads.update("no", name="x") is None
        assert tx.threads.add_participant("no", "ann") is None
        assert tx.threads.remove_participant("no", "ann") is None
        assert not tx.threads.delete("no")


def test_deleting_takes_messages_and_markers_along(store: Store) -> None:
    with group(store) as tx:
        for thread in (IDEA, OTHER):
            tx.threads.add(thread)
            tx.messages.add(thread.id, message(f"in {thread.id}"))
            tx.reads.set("ann", thread.id, f"in {thread.id}")
        assert tx.threads.delete("t1")
        assert tx.reads.of_user("ann") == {"t2": "in t2"}
        assert tx.messages.count("t1") == 0
        assert tx.threads.delete_of_channel("forum") == ["t2"]
        assert tx.threads.all() == []
        assert tx.messages.count("t2") == 0


def test_the_index_replaces_and_forgets() -> None:
    threads = Threads([IDEA])
    threads.put(OTHER)
    threads.put(Thread(id="t1", name="New", parent="forum", created_by="ann", created_at=1.0))
    assert [thread.name for thread in threads.of_channel("forum")] == ["New", "Other"]
    threads.remove("t1")
    threads.remove("t1")
    assert threads.of_channel("forum") == (OTHER,)
