from __future__ import annotations

import pytest

from handlers import message_marks, message_reads
from handlers.message_marks import MAX_EMOJI_PER_MESSAGE
from protocol.errors import Code
from tests.handlers.conftest import Stage, as_json
from tests.handlers.test_messages import EVERYONE_WITH_ROLE_USER, open_thread, say


def test_message_pin_and_message_unpin(stage: Stage) -> None:
    id_ = say(stage, "ann", "pin me")["id"]
    refused = stage.refused("ann", "message_pin", channel="general", id=id_, pinned=True)
    assert refused.code is Code.NOT_PERMITTED
    assert refused.text == "You do not have permission to pin messages in this channel"
    (event,) = stage.do("mod", "message_pin", channel="general", id=id_).events
    assert stage.seen_by(event) == EVERYONE_WITH_ROLE_USER
    assert as_json(event.packet) == {
        "cmd": "message_pin", "id": id_, "channel": "general", "pinned": True, "global": True,
    }  # fmt: skip
    assert stage.answer("ann", "message_get", channel="general", id=id_)["message"]["pinned"] is True
    (event,) = stage.do("mod", "message_unpin", channel="general", id=id_).events
    packet = as_json(event.packet)
    assert (packet["cmd"], packet["pinned"]) == ("message_unpin", False)


def test_message_pin_with_pinned_false_unpins(stage: Stage) -> None:
    id_ = say(stage, "ann", "pin me")["id"]
    stage.do("mod", "message_pin", channel="general", id=id_, pinned=True)
    assert stage.answer("mod", "message_pin", channel="general", id=id_, pinned=False)["pinned"] is False
    assert stage.answer("ann", "messages_pinned", channel="general")["messages"] == []


def test_message_pin_twice_tells_nobody_else(stage: Stage) -> None:
    id_ = say(stage, "ann", "pin me")["id"]
    stage.do("mod", "message_pin", channel="general", id=id_)
    again = stage.do("mod", "message_pin", channel="general", id=id_)
    assert again.events == []
    assert again.reply is not None
    assert stage.do("mod", "message_unpin", channel="general", id=id_).events
    assert not stage.do("mod", "message_unpin", channel="general", id=id_).events


def test_message_pin_has_an_end_in_each_place(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_marks, "MAX_PINNED", 2)
    ids = [say(stage, "ann", f"message {number}")["id"] for number in range(4)]
    for id_ in ids[:2]:
        stage.do("mod", "message_pin", channel="general", id=id_)
    refused = stage.refused("mod", "message_pin", channel="general", id=ids[2])
    assert (refused.code.wire, refused.text) == ("too_many_pins", "2 messages are pinned here, which is the most")
    assert stage.do("mod", "message_pin", channel="general", id=ids[0]).reply is not None, "it is pinned already"
    thread = open_thread(stage)
    there = say(stage, "ann", "elsewhere", thread_id=thread)["id"]
    assert stage.do("mod", "message_pin", thread_id=thread, id=there).events
    stage.do("mod", "message_unpin", channel="general", id=ids[0])
    assert stage.do("mod", "message_pin", channel="general", id=ids[2]).events


def test_messages_pinned_gives_the_newest_where_there_are_too_many(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [say(stage, "ann", f"message {number}")["id"] for number in range(3)]
    for id_ in ids:
        stage.do("mod", "message_pin", channel="general", id=id_)
    monkeypatch.setattr(message_reads, "MAX_PINNED", 2)
    listed = stage.answer("ann", "messages_pinned", channel="general")["messages"]
    assert [message["id"] for message in listed] == [ids[2], ids[1]]


def test_message_react_add_and_message_react_remove(stage: Stage) -> None:
    id_ = say(stage, "ann", "react")["id"]
    (event,) = stage.do("ben", "message_react_add", channel="general", id=id_, emoji="👍").events
    assert stage.seen_by(event) == EVERYONE_WITH_ROLE_USER
    packet = as_json(event.packet)
    assert packet == {
        "cmd": "message_react_add", "id": id_, "emoji": "👍", "channel": "general", "from": stage.id("ben"),
        "global": True,
    }  # fmt: skip
    stage.do("ann", "message_react_add", channel="general", id=id_, emoji="👍")
    message = stage.answer("ann", "message_get", channel="general", id=id_)["message"]
    assert message["reactions"] == {"👍": [stage.id("ben"), stage.id("ann")]}
    assert stage.refused("ben", "message_react_add", channel="general", id=id_, emoji="👍").code is Code.ALREADY_REACTED
    for name in ("ben", "ann"):
        stage.do(name, "message_react_remove", channel="general", id=id_, emoji="👍")
    assert stage.refused("ben", "message_react_remove", channel="general", id=id_, emoji="👍").code is Code.NOT_REACTED
    assert "reactions" not in stage.answer("ann", "message_get", channel="general", id=id_)["message"]


def test_message_react_add_has_a_cap_on_different_emoji(stage: Stage) -> None:
    id_ = say(stage, "ann", "react")["id"]
    for number in range(MAX_EMOJI_PER_MESSAGE):
        stage.do("ann", "message_react_add", channel="general", id=id_, emoji=f"e{number}")
    refused = stage.refused("ben", "message_react_add", channel="general", id=id_, emoji="one more")
    assert refused.code is Code.TOO_MANY_REACTIONS
    stage.do("ben", "message_react_add", channel="general", id=id_, emoji="e0")


@pytest.mark.parametrize("emoji", ["", "x" * 201, 3, None])
def test_message_react_add_checks_the_emoji(stage: Stage, emoji: object) -> None:
    id_ = say(stage, "ann", "react")["id"]
    assert stage.refused("ann", "message_react_add", channel="general", id=id_, emoji=emoji).code is Code.BAD_VALUE


@pytest.mark.parametrize("cmd", ["message_pin", "message_unpin", "message_react_add", "message_react_remove"])
def test_marks_are_refused_where_they_may_not_be(stage: Stage, cmd: str) -> None:
    fields = {"emoji": "x"} if "react" in cmd else {}
    secret = say(stage, "mod", "x", channel="staff")["id"]
    assert stage.refused("ann", cmd, channel="staff", id=secret, **fields).code is Code.CHANNEL_NOT_FOUND
    assert stage.refused("mod", cmd, channel="general", id=secret, **fields).code is Code.MESSAGE_NOT_FOUND
    assert stage.refused("guest", cmd, channel="general", id=secret, **fields).code is Code.CHANNEL_NOT_FOUND
    assert stage.refused("ann", cmd, channel="news", id="x", **fields).code is Code.NOT_PERMITTED
    thread = open_thread(stage)
    id_ = say(stage, "ann", "x", thread_id=thread)["id"]
    stage.do("mod", "thread_update", thread_id=thread, archived=True)
    assert stage.refused("mod", cmd, thread_id=thread, id=id_, **fields).code is Code.THREAD_ARCHIVED
    stage.do("mod", "thread_update", thread_id=thread, locked=True)
    assert stage.refused("mod", cmd, thread_id=thread, id=id_, **fields).code is Code.THREAD_LOCKED
    assert stage.refused("mod", cmd, channel="ideas", id=id_, **fields).code is Code.THREAD_LOCKED


def test_marks_in_a_thread_when_only_its_forum_is_named(stage: Stage) -> None:
    """As web clients do it, which then look for the thread in the event."""
    thread = open_thread(stage)
    id_ = say(stage, "ann", "x", thread_id=thread)["id"]
    added = stage.answer("ben", "message_react_add", channel="ideas", id=id_, emoji="👍")
    assert (added["channel"], added["thread_id"]) == ("ideas", thread)
    pinned = stage.answer("mod", "message_pin", channel="ideas", id=id_, pinned=True)
    assert pinned["thread_id"] == thread
    assert stage.answer("ann", "messages_pinned", thread_id=thread)["messages"][0]["id"] == id_
    hidden = open_thread(stage, "mod", "cabal")
    secret = say(stage, "mod", "x", thread_id=hidden)["id"]
    for id_ in (secret, say(stage, "ann", "x")["id"], "nothing"):
        refused = stage.refused("ben", "message_react_add", channel="ideas", id=id_, emoji="👍")
        assert refused.code is Code.MESSAGE_NOT_FOUND
