from __future__ import annotations

from protocol.audience import SessionsOf
from protocol.base import Packet
from protocol.errors import Code
from tests.handlers.conftest import Stage, as_json
from tests.handlers.test_messages import open_thread, say


def test_unreads_ack_moves_forward_only(stage: Stage) -> None:
    ids = [say(stage, "ann", str(number))["id"] for number in range(4)]
    outcome = stage.do("ben", "unreads_ack", channel="general", message_id=ids[2])
    (event,) = outcome.events
    assert event.audience == SessionsOf(stage.id("ben"))
    assert isinstance(event.packet, Packet)
    assert event.packet.durable
    assert as_json(event.packet) == {
        "cmd": "unreads_update", "last_read": ids[2], "channel": "general", "unread_count": 1,
    }  # fmt: skip
    assert as_json(outcome.reply) == {
        "cmd": "unreads_ack", "last_read": ids[2], "channel": "general",
    }  # fmt: skip
    back = stage.do("ben", "unreads_ack", channel="general", message_id=ids[0])
    assert back.events == []
    assert as_json(back.reply)["last_read"] == ids[2]
    newest = stage.do("ben", "unreads_ack", channel="general")
    assert as_json(newest.reply)["last_read"] == ids[3]


def test_unreads_ack_of_nothing_and_of_the_wrong_thing(stage: Stage) -> None:
    empty = stage.do("ben", "unreads_ack", channel="general")
    assert empty.events == []
    assert as_json(empty.reply)["last_read"] is None
    secret = say(stage, "mod", "x", channel="staff")["id"]
    assert stage.refused("ben", "unreads_ack", channel="general", message_id=secret).code is Code.MESSAGE_NOT_FOUND


def test_unreads_ack_in_a_thread_names_the_thread(stage: Stage) -> None:
    thread = open_thread(stage)
    id_ = say(stage, "ann", "x", thread_id=thread)["id"]
    outcome = stage.do("ben", "unreads_ack", thread_id=thread, message_id=id_)
    for packet in (outcome.reply, outcome.events[0].packet):
        fields = as_json(packet)
        assert fields["thread_id"] == thread
        assert "channel" not in fields


def test_unreads_mark_moves_back_only(stage: Stage) -> None:
    ids = [say(stage, "ann", str(number))["id"] for number in range(4)]
    fresh = stage.do("ben", "unreads_mark", channel="general", message_id=ids[2])
    assert fresh.events == []
    assert as_json(fresh.reply) == {
        "cmd": "unreads_mark", "last_read": None, "unread_count": 4, "channel": "general",
    }  # fmt: skip
    stage.do("ben", "unreads_ack", channel="general", message_id=ids[2])
    outcome = stage.do("ben", "unreads_mark", channel="general", message_id=ids[1])
    (event,) = outcome.events
    assert event.audience == SessionsOf(stage.id("ben"))
    assert as_json(event.packet) == {
        "cmd": "unreads_update", "last_read": ids[0], "channel": "general", "unread_count": 3,
    }  # fmt: skip
    assert stage.do("ben", "unreads_mark", channel="general", message_id=ids[3]).events == []
    first = stage.do("ben", "unreads_mark", channel="general", message_id=ids[0])
    assert as_json(first.events[0].packet)["last_read"] is None
    assert stage.answer("ben", "unreads_count", channel="general")["unread_count"] == 4


def test_unreads_mark_and_unreads_get_count_what_calls_the_caller(stage: Stage) -> None:
    ids = [say(stage, "ann", text)["id"] for text in ("@ben", "hello", "@ben and @&user", "@ann", "@&user")]
    say(stage, "ben", "@&user, it is me")
    say(stage, "mod", "@ben, from somebody who is blocked")
    stage.do("ben", "user_block", user=stage.id("mod"))
    assert stage.answer("ben", "unreads_get")["unreads"]["general"]["mentions"] == 3
    stage.do("ben", "unreads_ack", channel="general")
    assert "mentions" not in stage.answer("ben", "unreads_get")["unreads"]["general"]
    outcome = stage.do("ben", "unreads_mark", channel="general", message_id=ids[1])
    assert as_json(outcome.reply)["mentions"] == as_json(outcome.events[0].packet)["mentions"] == 2
    partly = stage.do("ben", "unreads_ack", channel="general", message_id=ids[2])
    assert as_json(partly.events[0].packet)["mentions"] == 1
    stage.do("host", "message_delete", channel="general", id=ids[4])
    assert "mentions" not in stage.answer("ben", "unreads_get")["unreads"]["general"]


def test_unreads_mark_of_the_wrong_thing(stage: Stage) -> None:
    secret = say(stage, "mod", "x", channel="staff")["id"]
    assert stage.refused("ben", "unreads_mark", channel="general", message_id=secret).code is Code.MESSAGE_NOT_FOUND
    assert stage.refused("ben", "unreads_mark", channel="staff", message_id=secret).code is Code.CHANNEL_NOT_FOUND
    thread = open_thread(stage)
    id_ = say(stage, "ann", "x", thread_id=thread)["id"]
    stage.do("ben", "unreads_ack", thread_id=thread)
    outcome = stage.do("ben", "unreads_mark", thread_id=thread, message_id=id_)
    for packet in (outcome.reply, outcome.events[0].packet):
        fields = as_json(packet)
        assert (fields["thread_id"], fields["last_read"], fields["unread_count"]) == (thread, None, 1)
        assert "channel" not in fields


def test_unreads_count_of_a_place(stage: Stage) -> None:
    ids = [say(stage, "ann", str(number))["id"] for number in range(3)]
    count = stage.answer("ben", "unreads_count", channel="general")
    assert count == {
        "cmd": "unreads_count", "channel": "general", "unread_count": 3, "last_read": None, "total_messages": 3,
    }  # fmt: skip
    stage.do("ben", "unreads_ack", channel="general", message_id=ids[1])
    count = stage.answer("ben", "unreads_count", channel="general")
    assert (count["unread_count"], count["last_read"], count["total_messages"]) == (1, ids[1], 3)
    thread = open_thread(stage)
    assert stage.answer("ben", "unreads_count", thread_id=thread)["thread_id"] == thread


def test_unreads_get_lists_what_the_caller_sees(stage: Stage) -> None:
    thread = open_thread(stage)
    say(stage, "ann", "x", thread_id=thread)
    id_ = say(stage, "ann", "y")["id"]
    hidden = open_thread(stage, "mod", "cabal")
    stage.do("ben", "unreads_ack", channel="general")
    unreads = stage.answer("ben", "unreads_get")["unreads"]
    assert unreads == {
        "general": {"last_read": id_, "unread_count": 0, "total_messages": 1},
        "news": {"last_read": None, "unread_count": 0, "total_messages": 0},
        f"thread/{thread}": {"last_read": None, "unread_count": 1, "total_messages": 1, "parent_channel": "ideas"},
    }
    mods = stage.answer("mod", "unreads_get")["unreads"]
    assert set(mods) == {"general", "news", "staff", f"thread/{thread}", f"thread/{hidden}"}
    assert stage.answer("guest", "unreads_get")["unreads"] == {}
