from __future__ import annotations

from typing import Any

import pytest

from protocol.audience import SessionsOf
from protocol.errors import Code
from tests.handlers.conftest import Stage, as_json
from tests.handlers.test_messages import open_thread, say


def fill(stage: Stage, count: int, **place: Any) -> list[str]:
    """Post so many messages; gives their ids, oldest first."""
    return [say(stage, "mod", f"message {number}", **(place or {"channel": "news"}))["id"] for number in range(count)]


def ids(packet: dict[str, Any], key: str = "messages") -> list[str]:
    return [message["id"] for message in packet[key]]


def test_messages_get_pages_by_number(stage: Stage) -> None:
    all_ids = fill(stage, 12)

    def page(**fields: Any) -> list[str]:
        return ids(stage.answer("ann", "messages_get", channel="news", **fields))

    assert page() == page(limit=0) == page(limit=None) == page(start=None) == page(limit=5000) == all_ids
    assert page(limit=3) == all_ids[-3:]
    assert page(start=3, limit=3) == all_ids[-6:-3]
    assert page(start=10, limit=5) == all_ids[:2]
    assert page(start=12) == page(start=2**53) == []


def test_messages_get_pages_by_id(stage: Stage) -> None:
    all_ids = fill(stage, 12)
    answer = stage.answer("ann", "messages_get", channel="news", start=all_ids[6], limit=3)
    assert ids(answer) == all_ids[3:6]
    assert answer["range"] == {"start": all_ids[6], "end": all_ids[3]}
    none = stage.answer("ann", "messages_get", channel="news", start="nothing", limit=3)
    assert (none["messages"], none["range"]) == ([], {"start": "nothing", "end": None})


def test_messages_get_range_and_limits(stage: Stage) -> None:
    fill(stage, 3)
    assert stage.answer("ann", "messages_get", channel="news")["range"] == {"start": 0, "end": 100}
    assert stage.answer("ann", "messages_get", channel="news", start=1, limit=999)["range"] == {"start": 1, "end": 201}
    for fields in ({"limit": -1}, {"start": -1}, {"start": 2**53 + 1}, {"limit": "5"}, {"start": 1.5}):
        assert stage.refused("ann", "messages_get", channel="news", **fields).code is Code.BAD_VALUE


def test_messages_get_of_the_newest_page_marks_it_read(stage: Stage) -> None:
    all_ids = fill(stage, 5)
    assert stage.do("ann", "messages_get", channel="news", mark_read=False).events == []
    assert stage.do("ann", "messages_get", channel="news", start=1).events == []
    assert stage.do("ann", "messages_get", channel="news", start=all_ids[4]).events == []
    outcome = stage.do("ann", "messages_get", channel="news", limit=2)
    (event,) = outcome.events
    assert event.audience == SessionsOf(stage.id("ann"))
    assert as_json(event.packet) == {
        "cmd": "unreads_update", "last_read": all_ids[4], "channel": "news",
    }  # fmt: skip
    assert outcome.reply is not None
    assert stage.do("ann", "messages_get", channel="news").events == []
    assert stage.do("ann", "messages_get", channel="general").events == []


def test_messages_get_reads_locked_and_archived_threads(stage: Stage) -> None:
    thread = open_thread(stage)
    id_ = say(stage, "ann", "x", thread_id=thread)["id"]
    stage.do("mod", "thread_update", thread_id=thread, locked=True, archived=True)
    outcome = stage.do("ben", "messages_get", channel="staff", thread_id=thread, limit=30)
    answer = as_json(outcome.reply)
    assert (answer["channel"], answer["thread_id"], ids(answer)) == ("ideas", thread, [id_])
    assert as_json(outcome.events[0].packet) == {
        "cmd": "unreads_update", "last_read": id_, "thread_id": thread,
    }  # fmt: skip


def test_messages_around_is_a_window_with_positions(stage: Stage) -> None:
    all_ids = fill(stage, 12)

    def around(id_: str, **bounds: int) -> tuple[list[str], dict[str, int]]:
        answer = stage.answer("ann", "messages_around", channel="news", around=id_, bounds=bounds)
        assert answer["thread_id"] is None
        return ids(answer), answer["range"]

    assert around(all_ids[6], above=2, below=3) == (all_ids[3:9], {"start": 3, "end": 9})
    assert around(all_ids[11], above=100, below=0) == (all_ids[11:], {"start": 11, "end": 12})
    assert around(all_ids[0], above=0, below=100) == (all_ids[:1], {"start": 0, "end": 1})
    assert around(all_ids[3]) == (all_ids, {"start": 0, "end": 12})
    assert around(all_ids[3], above=10**9, below=10**9)[0] == all_ids
    stage.do("mod", "message_delete", channel="news", id=all_ids[1])
    assert around(all_ids[2], above=0, below=1)[1] == {"start": 0, "end": 2}
    assert stage.refused("ann", "messages_around", channel="news", around=all_ids[1]).code is Code.MESSAGE_NOT_FOUND
    assert (
        stage.refused("ann", "messages_around", channel="news", around=all_ids[2], bounds={"above": -1}).code
        is Code.BAD_VALUE
    )


def test_message_get_finds_one(stage: Stage) -> None:
    message = say(stage, "ann", "x", channel="general", embeds=[{"title": "t"}])
    answer = stage.answer("ben", "message_get", channel="general", id=message["id"])
    del message["pings"]
    assert answer["message"] == message
    assert "thread_id" not in answer
    assert stage.refused("ben", "message_get", channel="news", id=message["id"]).code is Code.MESSAGE_NOT_FOUND


def test_message_get_when_only_the_forum_is_named(stage: Stage) -> None:
    thread = open_thread(stage)
    id_ = say(stage, "ann", "x", thread_id=thread)["id"]
    answer = stage.answer("ben", "message_get", channel="ideas", id=id_)
    assert (answer["channel"], answer["thread_id"], answer["message"]["id"]) == ("ideas", thread, id_)
    assert stage.refused("ben", "message_get", channel="ideas", id="nothing").code is Code.MESSAGE_NOT_FOUND


def test_message_replies_of_a_message_that_is_gone(stage: Stage) -> None:
    first = say(stage, "ann", "question")["id"]
    answers = [say(stage, "ben", f"answer {n}", channel="general", reply_to=first)["id"] for n in range(3)]
    stage.do("ann", "message_delete", channel="general", id=first)
    reply = stage.answer("ann", "message_replies", channel="general", id=first)
    assert reply["message_id"] == first
    assert ids(reply, "replies") == answers
    assert ids(stage.answer("ann", "message_replies", channel="general", id=first, limit=1), "replies") == answers[:1]
    assert stage.refused("ann", "message_replies", channel="general", id=first, limit=0).code is Code.BAD_VALUE


def test_messages_search_is_newest_first_and_limited(stage: Stage) -> None:
    all_ids = fill(stage, 35)
    answer = stage.answer("ann", "messages_search", channel="news", query="MESSAGE")
    assert answer["query"] == "MESSAGE"
    assert ids(answer, "results") == all_ids[::-1][:30]
    assert ids(stage.answer("ann", "messages_search", channel="news", query="age 34"), "results") == all_ids[34:]
    assert stage.refused("ann", "messages_search", channel="news", query="").code is Code.BAD_VALUE


def test_messages_pinned_newest_first(stage: Stage) -> None:
    all_ids = fill(stage, 4)
    for id_ in (all_ids[2], all_ids[0]):
        stage.do("mod", "message_pin", channel="news", id=id_)
    assert ids(stage.answer("ann", "messages_pinned", channel="news")) == [all_ids[2], all_ids[0]]


def test_pings_get_knows_mentions_roles_and_replies(stage: Stage) -> None:
    mine = say(stage, "ben", "mine")
    by_name = say(stage, "ann", "hi @USR:LOCAL_BEN")
    by_role = say(stage, "ann", "hi @&user")
    reply = say(stage, "ann", "hi", channel="general", reply_to=mine["id"])
    say(stage, "ann", "quiet", channel="general", reply_to=mine["id"], ping=False)
    thread = open_thread(stage)
    in_thread = say(stage, "ann", "hi @usr:local_ben", thread_id=thread)
    say(stage, "mod", "secret @usr:local_ben", channel="staff")
    say(stage, "mod", "secret @usr:local_ben", thread_id=open_thread(stage, "mod", "cabal"))
    answer = stage.answer("ben", "pings_get")
    assert ids(answer) == [message["id"] for message in (in_thread, reply, by_role, by_name)]
    assert answer["messages"][0]["channel"] == "ideas"
    assert answer["messages"][0]["thread_id"] == thread
    assert answer["messages"][1]["channel"] == "general"
    assert "thread_id" not in answer["messages"][1]
    assert (answer["offset"], answer["limit"], answer["total"]) == (0, 50, 4)
    second = stage.answer("ben", "pings_get", offset=1, limit=2)
    assert ids(second) == [reply["id"], by_role["id"]]
    assert second["total"] == 4
    for fields in ({"limit": 0}, {"limit": 101}, {"offset": -1}):
        assert stage.refused("ben", "pings_get", **fields).code is Code.BAD_VALUE


def test_pings_get_follows_edits_and_deletions(stage: Stage) -> None:
    id_ = say(stage, "ann", "nobody")["id"]
    stage.do("ann", "message_edit", channel="general", id=id_, content="@usr:local_ben")
    assert ids(stage.answer("ben", "pings_get")) == [id_]
    stage.do("ann", "message_edit", channel="general", id=id_, content="nobody again")
    assert stage.answer("ben", "pings_get")["total"] == 0
    stage.do("ann", "message_edit", channel="general", id=id_, content="@usr:local_ben")
    stage.do("ann", "message_delete", channel="general", id=id_)
    assert stage.answer("ben", "pings_get")["total"] == 0


def test_embeds_list_of_a_message_without_embeds(stage: Stage) -> None:
    id_ = say(stage, "ann", "x")["id"]
    assert stage.answer("ben", "embeds_list", channel="general", id=id_) == {
        "cmd": "embeds_list", "id": id_, "embeds": [],
    }  # fmt: skip


READS: dict[str, dict[str, Any]] = {
    "messages_get": {}, "messages_around": {"around": "x"}, "message_get": {"id": "x"}, "message_replies": {"id": "x"},
    "messages_search": {"query": "secret"}, "messages_pinned": {}, "embeds_list": {"id": "x"}, "unreads_count": {},
    "unreads_ack": {},
}  # fmt: skip


@pytest.mark.parametrize("cmd", READS)
def test_reading_a_hidden_place_looks_like_nowhere(stage: Stage, cmd: str) -> None:
    secret = say(stage, "mod", "secret", channel="staff")["id"]
    fields = {key: secret if value == "x" else value for key, value in READS[cmd].items()}
    stage.do("mod", cmd, channel="staff", **fields)
    hidden = stage.refused("ann", cmd, channel="staff", **fields)
    nowhere = stage.refused("ann", cmd, channel="nowhere", **fields)
    assert hidden.code is nowhere.code is Code.CHANNEL_NOT_FOUND
    assert hidden.text == nowhere.text
    thread = open_thread(stage, "mod", "cabal")
    assert stage.refused("ann", cmd, thread_id=thread, **fields).code is Code.THREAD_NOT_FOUND
    assert stage.refused("ann", cmd, thread_id="nowhere", **fields).code is Code.THREAD_NOT_FOUND
    if cmd == "messages_search":  # which looks everywhere then
        assert stage.answer("ann", cmd, **fields)["results"] == []
    else:
        assert stage.refused("ann", cmd, **fields).code is Code.PLACE_REQUIRED
    if cmd != "unreads_ack":
        assert stage.refused("ann", cmd, channel="call", **fields).code is Code.NOT_A_TEXT_CHANNEL
