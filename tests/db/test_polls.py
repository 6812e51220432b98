from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.polls import Option, Poll
from db.store import Store
from tests.db.conftest import Disk, fill, group, message

OPTIONS = (Option("a", "Apples", "🍎"), Option("b", "Pears"), Option("c", "Plums"))


def poll(id: str, **fields: object) -> Poll:
    known = {
        "id": id, "message_id": f"m-{id}", "place": "general", "channel": "general", "question": "Which?",
        "options": OPTIONS, "allow_multiselect": True, "created_by": "ann", "created_at": 1.0,
    }  # fmt: skip
    return Poll(**{**known, **fields})  # type: ignore[arg-type]


def test_polls_and_votes_are_there_after_a_restart(disk: Disk) -> None:
    with group(disk.open()) as tx:
        tx.polls.add(poll("p", expires_at=9.0, place="t1"))
        assert tx.polls.vote("p", "ann", ["b"], 2.0)
    with group(disk.open()) as tx:
        found = tx.polls.get("p")
        assert found == poll("p", expires_at=9.0, place="t1")
        assert found.thread_id == "t1"
        assert tx.polls.of_message("m-p") == found
        assert tx.polls.of_messages(["m-p", "m-other"]) == {"m-p": found}
        assert tx.polls.get("q") is None
        assert tx.polls.of_message("p") is None
        assert tx.polls.tallies([found], "ann", 9)["p"].votes == {"b": 1}


def test_a_vote_replaces_the_former_set(store: Store) -> None:
    with group(store) as tx:
        tx.polls.add(poll("p"))
        assert tx.polls.vote("p", "ann", ["a", "b"], 1.0)
        assert not tx.polls.vote("p", "ann", ["b", "a"], 2.0)
        assert tx.polls.vote("p", "ben", ["b"], 3.0)
        assert tx.polls.vote("p", "ann", ["c"], 4.0)
        assert tx.polls.tallies([poll("p")], "ann", 9)["p"].chosen == ["c"]
        assert tx.polls.vote("p", "ann", [], 5.0)
        assert not tx.polls.vote("p", "ann", [], 6.0)
        tally = tx.polls.tallies([poll("p")], "ann", 9)["p"]
        assert (tally.votes, tally.voters, tally.chosen) == ({"b": 1}, {}, [])


def test_voters_come_with_the_end_in_order_and_only_the_first(store: Store) -> None:
    with group(store) as tx:
        tx.polls.add(poll("p"))
        tx.polls.add(poll("q"))
        for at, user in enumerate(("cyd", "ann", "ben")):
            tx.polls.vote("p", user, ["a"], float(at))
            tx.polls.vote("q", user, ["b"], float(at))
        tx.polls.end("p", 7.0)
        ended = tx.polls.get("p")
        assert ended == poll("p", ended_at=7.0)
        tallies = tx.polls.tallies([ended, poll("q")], None, 2)
        assert tallies["p"].votes == {"a": 3}
        assert tallies["p"].voters == {"a": ["cyd", "ann"]}
        assert tallies["q"].voters == {}
        assert tx.polls.tallies([], None, 2) == {}


def test_expired_polls_are_found_until_they_are_ended(store: Store) -> None:
    with group(store) as tx:
        assert tx.polls.next_end() is None
        for id_, at in (("late", 30.0), ("first", 10.0), ("second", 20.0), ("never", None)):
            tx.polls.add(poll(id_, expires_at=at))
        assert tx.polls.next_end() == 10.0
        assert [each.id for each in tx.polls.expired(20.0)] == ["first", "second"]
        assert [each.id for each in tx.polls.expired(20.0, limit=1)] == ["first"]
        tx.polls.end("first", 10.0)
        tx.polls.end("second", 20.0)
        assert tx.polls.expired(20.0) == []
        assert tx.polls.next_end() == 30.0


def test_a_retired_user_id_has_not_voted_and_its_votes_count(store: Store) -> None:
    with group(store) as tx:
        tx.polls.add(poll("p"))
        tx.polls.vote("p", "ann", ["a", "b"], 1.0)
        tx.polls.retire("ann", "former:1")
        tally = tx.polls.tallies([poll("p")], "ann", 9)["p"]
        assert (tally.votes, tally.chosen) == ({"a": 1, "b": 1}, [])
        tx.polls.vote("p", "ann", ["a"], 2.0)
        tx.polls.retire("ann", "former:2")
        assert tx.polls.tallies([poll("p")], None, 9)["p"].votes == {"a": 2, "b": 1}


def asked(id: str) -> dict[str, object]:
    return {"embeds": [{"type": "poll", "poll": {"id": id}}]}


def test_a_poll_goes_with_its_message_its_place_and_the_history_limit(store: Store) -> None:
    with group(store) as tx:
        for id_, place in (("p", "general"), ("q", "general"), ("r", "t1"), ("s", "old")):
            tx.messages.add(place, message(f"m-{id_}", extra=asked(id_)))
            tx.polls.add(poll(id_, place=place))
            tx.polls.vote(id_, "ann", ["a"], 1.0)
        tx.messages.add("old", message("newer"))
    with group(store) as tx:
        tx.messages.delete("general", "m-p")
        assert tx.polls.get("p") is None
        assert tx.polls.get("q") is not None
        tx.messages.delete_place("t1")
        assert tx.polls.get("r") is None
        tx.messages.trim("old", 1)
        assert tx.polls.get("s") is None
        assert tx.polls.tallies([poll(id_) for id_ in "pqrs"], "ann", 9)["q"].votes == {"a": 1}
        for id_ in "prs":
            assert tx.polls.tallies([poll(id_)], "ann", 9)[id_].votes == {}


def test_polls_of_a_long_channel_are_gone_before_its_messages_are_wiped(store: Store) -> None:
    fill(store, 1100, "long")
    with group(store) as tx:
        tx.messages.add("long", message("m-p", timestamp=9999.0, extra=asked("p")))
        tx.polls.add(poll("p", place="long"))
        tx.messages.delete_place("long")
        assert tx.polls.get("p") is None
        assert tx.messages.purge() > 0, "messages are left to be wiped"


BALLOTS = st.lists(st.tuples(st.sampled_from("uvwxyz"), st.sets(st.sampled_from("abc"))), max_size=30)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(BALLOTS)
def test_counts_are_those_of_a_model(store: Store, ballots: list[tuple[str, set[str]]]) -> None:
    tx = store.begin()
    try:
        tx.polls.add(poll("p"))
        model: dict[str, set[str]] = {}
        for at, (user, chosen) in enumerate(ballots):
            changed = model.get(user, set()) != chosen
            assert tx.polls.vote("p", user, chosen, float(at)) is changed
            model[user] = chosen
        tally = tx.polls.tallies([poll("p", ended_at=1.0)], "u", 99)["p"]
        counts = {option: sum(option in chosen for chosen in model.values()) for option in "abc"}
        assert {option: tally.votes.get(option, 0) for option in "abc"} == counts
        assert tally.chosen == sorted(model.get("u", ()))
        for option in "abc":
            assert sorted(tally.voters.get(option, ())) == sorted(u for u, c in model.items() if option in c)
    finally:
        tx.rollback()
