from __future__ import annotations

import pytest

from db import pings
from db.reads import Unread
from db.store import Store
from tests.db.conftest import fill, group, message


def test_a_marker_moves_forward_only(store: Store) -> None:
    ids = fill(store, 5)
    with group(store) as tx:
        assert tx.reads.get("ann", "general") is None
        assert tx.reads.set("ann", "general", ids[2])
        assert not tx.reads.set("ann", "general", ids[2])
        assert not tx.reads.set("ann", "general", ids[1])
        assert not tx.reads.set("ann", "general", "unknown")
        assert not tx.reads.set("ann", "other", ids[3])
        assert tx.reads.get("ann", "general") == ids[2]
        assert tx.reads.set("ann", "general", ids[3])
        assert tx.reads.of_user("ann") == {"general": ids[3]}
        assert tx.reads.of_user("bob") == {}


def test_a_marker_is_set_back_only(store: Store) -> None:
    ids = fill(store, 5)
    with group(store) as tx:
        assert not tx.reads.set_back("ann", "general", ids[1])
        assert not tx.reads.set_back("ann", "general", None)
        tx.reads.set("ann", "general", ids[3])
        assert not tx.reads.set_back("ann", "general", ids[3])
        assert not tx.reads.set_back("ann", "general", ids[4])
        assert not tx.reads.set_back("ann", "general", "unknown")
        assert tx.reads.set_back("ann", "general", ids[1])
        assert tx.reads.unreads("ann", ["general"]) == {"general": Unread(ids[1], 3, 5)}
        assert tx.reads.set_back("ann", "general", None)
        assert tx.reads.unreads("ann", ["general"]) == {"general": Unread(None, 5, 5)}
        assert tx.reads.set("ann", "general", ids[0])


def test_counts_stay_exact_when_messages_go(store: Store) -> None:
    ids = fill(store, 6)
    with group(store) as tx:
        tx.reads.set("ann", "general", ids[2])
        for gone in (ids[0], ids[2], ids[5]):
            tx.messages.delete("general", gone)
        assert tx.reads.unreads("ann", ["general", "empty"]) == {
            "general": Unread(ids[2], 2, 3),
            "empty": Unread(None, 0, 0),
        }
        assert tx.reads.unreads("bob", ["general"]) == {"general": Unread(None, 3, 3)}


def test_mentions_are_counted_behind_the_marker(store: Store) -> None:
    with group(store) as tx:
        for place in ("general", "other"):
            for number, (author, roles) in enumerate(
                (("bob", []), ("bob", ["user"]), ("cyd", ["user"]), ("ann", ["user"]))
            ):
                written = message(f"{place}{number}", user_id=author)
                tx.messages.add(place, written, pinged_users=["ann"], pinged_roles=roles)
        which = ("ann", ["user"], ["ann"], ["general", "other", "empty"])
        assert tx.reads.mentions(*which) == {"general": 3, "other": 3}
        tx.reads.set("ann", "general", "general1")
        tx.reads.set("ann", "other", "other3")
        tx.reads.set("bob", "general", "general3")
        assert tx.reads.mentions(*which) == {"general": 1}
        assert tx.reads.mentions("ann", [], ["ann", "cyd"], ["general"]) == {}
        assert tx.reads.mentions("bob", ["user"], [], ["other"]) == {"other": 3}


def test_of_a_role_called_very_often_the_newest_calls_are_looked_at(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pings, "MAX_CALLS", 3)
    with group(store) as tx:
        for number in range(5):
            written = message(f"m{number}", user_id="bob", timestamp=float(number))
            tx.messages.add("general", written, pinged_users=["cyd"] if number == 0 else [], pinged_roles=["user"])
        assert tx.reads.mentions("ann", ["user"], ["ann"], ["general"]) == {"general": 3}
        found, total = tx.messages.pings("cyd", ["user"], ["general"], 10)
        assert ([each.id for _, each in found], total) == (["m4", "m3", "m2", "m0"], 4)


def test_markers_are_forgotten(store: Store) -> None:
    ids = fill(store, 1)
    with group(store) as tx:
        for user in ("ann", "bob", "cyd"):
            tx.reads.set(user, "general", ids[0])
        tx.reads.forget_user("ann")
        assert [tx.reads.get(user, "general") for user in ("ann", "bob", "cyd")] == [None, ids[0], ids[0]]
        tx.reads.forget_place("general")
        assert tx.reads.get("bob", "general") is None
