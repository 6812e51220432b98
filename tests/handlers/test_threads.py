from __future__ import annotations

from msgspec.structs import replace

from protocol.errors import Code
from tests.handlers.conftest import Stage, as_json
from tests.handlers.test_messages import EVERYONE_WITH_ROLE_USER, open_thread, say


def test_thread_create_is_seen_by_the_viewers_of_the_forum(stage: Stage) -> None:
    outcome = stage.do("ann", "thread_create", channel="ideas", name="  A kettle ")
    (event,) = outcome.events
    assert stage.seen_by(event) == EVERYONE_WITH_ROLE_USER
    packet = as_json(event.packet)
    thread = packet.pop("thread")
    assert packet == {"cmd": "thread_create", "channel": "ideas", "global": True}
    created_at = thread.pop("created_at")
    assert abs(created_at - stage.world.clock()) < 1
    assert thread == {
        "id": "id-000001",
        "name": "A kettle",
        "parent_channel": "ideas",
        "created_by": stage.id("ann"),
        "locked": False,
        "archived": False,
        "participants": [stage.id("ann")],
        "last_message": None,
        "last_message_id": None,
    }
    assert [known.id for known in stage.world.threads.of_channel("c-ideas")] == ["id-000001"]


def test_thread_create_has_an_end_in_each_forum(stage: Stage) -> None:
    limits = replace(stage.world.config.limits, threads_per_forum=2)
    stage.world.live.current = replace(stage.world.config, limits=limits)
    threads = [open_thread(stage) for _ in range(2)]
    refused = stage.refused("ann", "thread_create", channel="ideas", name="x")
    assert (refused.code.wire, refused.fields["max"]) == ("too_many_threads", 2)
    assert open_thread(stage, "mod", "cabal")
    stage.do("ann", "thread_delete", thread_id=threads[0])
    assert open_thread(stage)


def test_thread_create_refusals(stage: Stage) -> None:
    def code(name: str, channel: str, title: str = "x") -> Code:
        return stage.refused(name, "thread_create", channel=channel, name=title).code

    assert code("ann", "general") is Code.NOT_A_FORUM
    assert code("ann", "nowhere") is code("ann", "cabal") is Code.CHANNEL_NOT_FOUND
    assert code("ann", "ideas", "  ") is code("ann", "ideas", "x" * 101) is Code.BAD_VALUE
    ideas = stage.world.channels.get("c-ideas")
    assert ideas is not None
    stage.world.channels.put(replace(ideas, permissions={**ideas.permissions, "create_thread": ("!user",)}))
    assert code("ann", "ideas") is Code.NOT_PERMITTED
    stage.do("host", "thread_create", channel="ideas", name="owners may")


def test_thread_get_shows_the_newest_message(stage: Stage) -> None:
    thread = open_thread(stage)
    message = say(stage, "ben", "x", thread_id=thread)
    stage.do("mod", "thread_update", thread_id=thread, locked=True)
    answer = stage.answer("ann", "thread_get", thread_id=thread)["thread"]
    assert (answer["last_message"], answer["last_message_id"]) == (message["timestamp"], message["id"])
    stage.do("mod", "thread_update", thread_id=thread, locked=False)
    stage.do("ben", "message_delete", thread_id=thread, id=message["id"])
    assert stage.answer("ann", "thread_get", thread_id=thread)["thread"]["last_message_id"] is None


def test_thread_messages_pages_and_marks_nothing(stage: Stage) -> None:
    thread = open_thread(stage)
    ids = [say(stage, "ann", str(number), thread_id=thread)["id"] for number in range(5)]

    def page(**fields: object) -> list[str]:
        outcome = stage.do("ben", "thread_messages", thread_id=thread, **fields)
        assert outcome.events == []
        return [message["id"] for message in as_json(outcome.reply)["messages"]]

    assert page() == page(start=None) == ids
    assert page(start=1, limit=2) == ids[2:4]
    assert page(start=ids[2], limit=5) == ids[:2]
    assert page(start=9) == []
    assert stage.refused("ben", "thread_messages", thread_id=thread, limit=-1).code is Code.BAD_VALUE


def test_thread_update_by_its_creator_and_by_managers(stage: Stage) -> None:
    thread = open_thread(stage)
    outcome = stage.do("ann", "thread_update", thread_id=thread, name=" New name ")
    (event,) = outcome.events
    assert stage.seen_by(event) == EVERYONE_WITH_ROLE_USER
    packet = as_json(event.packet)
    assert (packet["channel"], packet["thread"]["name"]) == ("ideas", "New name")
    known = stage.world.threads.get(thread)
    assert known is not None
    assert known.name == "New name"
    assert stage.refused("ben", "thread_update", thread_id=thread, name="mine").code is Code.NOT_PERMITTED
    assert stage.refused("ann", "thread_update", thread_id=thread, name=" ").code is Code.BAD_VALUE
    locked = stage.answer("mod", "thread_update", thread_id=thread, locked=True)
    assert locked["thread"]["locked"] is True
    assert stage.answer("ann", "thread_update", thread_id=thread, archived=True)["thread"]["archived"] is True


def test_thread_update_of_locked_needs_manage_threads(stage: Stage) -> None:
    thread = open_thread(stage)
    refused = stage.refused("ann", "thread_update", thread_id=thread, locked=True)
    assert refused.code is Code.PERMISSION_REQUIRED
    assert refused.text == "Access denied: 'manage_threads' permission required"


def test_thread_update_without_a_change_tells_nobody_else(stage: Stage) -> None:
    thread = open_thread(stage)
    for fields in ({}, {"archived": False}, {"name": "A thread"}):
        outcome = stage.do("ann", "thread_update", thread_id=thread, **fields)
        assert outcome.events == []
        assert outcome.reply is not None


def test_thread_delete_takes_its_messages_along(stage: Stage) -> None:
    thread = open_thread(stage)
    say(stage, "ben", "hi @usr:local_ann", thread_id=thread)
    stage.do("ben", "messages_get", thread_id=thread)
    assert stage.refused("ben", "thread_delete", thread_id=thread).code is Code.NOT_PERMITTED
    (event,) = stage.do("ann", "thread_delete", thread_id=thread).events
    assert stage.seen_by(event) == EVERYONE_WITH_ROLE_USER
    assert as_json(event.packet) == {
        "cmd": "thread_delete", "thread_id": thread, "channel": "ideas", "global": True,
    }  # fmt: skip
    assert stage.world.threads.get(thread) is None
    assert stage.refused("ann", "thread_get", thread_id=thread).code is Code.THREAD_NOT_FOUND
    assert stage.answer("ann", "pings_get")["total"] == 0
    assert thread not in str(stage.answer("ben", "unreads_get"))
    again = open_thread(stage, "ben")
    stage.do("mod", "thread_delete", thread_id=again)


def test_thread_join_and_thread_leave(stage: Stage) -> None:
    thread = open_thread(stage)
    (event,) = stage.do("ben", "thread_join", thread_id=thread).events
    assert stage.seen_by(event) == EVERYONE_WITH_ROLE_USER
    packet = as_json(event.packet)
    assert packet["thread"]["participants"] == [stage.id("ann"), stage.id("ben")]
    assert (packet["thread_id"], packet["channel"], packet["user"]) == (thread, "ideas", stage.id("ben"))
    again = stage.do("ben", "thread_join", thread_id=thread)
    assert (again.events, as_json(again.reply)["cmd"]) == ([], "thread_join")

    (event,) = stage.do("ben", "thread_leave", thread_id=thread).events
    assert as_json(event.packet)["thread"]["participants"] == [stage.id("ann")]
    assert stage.do("ben", "thread_leave", thread_id=thread).events == []
    stays = stage.do("ann", "thread_leave", thread_id=thread)
    assert stays.events == []
    assert as_json(stays.reply)["thread"]["participants"] == [stage.id("ann")]
    known = stage.world.threads.get(thread)
    assert known is not None
    assert known.participants == (stage.id("ann"),)


def test_thread_join_of_a_locked_one_is_refused(stage: Stage) -> None:
    thread = open_thread(stage)
    stage.do("mod", "thread_update", thread_id=thread, locked=True, archived=True)
    refused = stage.refused("ben", "thread_join", thread_id=thread)
    assert (refused.code, refused.text) == (Code.THREAD_LOCKED, "Thread is locked")
    stage.do("mod", "thread_update", thread_id=thread, locked=False)
    stage.do("ben", "thread_join", thread_id=thread)


def test_threads_of_a_hidden_forum_look_like_none(stage: Stage) -> None:
    thread = open_thread(stage, "mod", "cabal")
    for cmd in (
        "thread_get", "thread_messages", "thread_update", "thread_delete", "thread_join", "thread_leave", "typing",
    ):  # fmt: skip
        hidden = stage.refused("ann", cmd, thread_id=thread)
        nowhere = stage.refused("ann", cmd, thread_id="nowhere")
        assert hidden.code is nowhere.code is Code.THREAD_NOT_FOUND, cmd
    (event,) = stage.do("mod", "thread_update", thread_id=thread, name="hush").events
    assert stage.seen_by(event) == {"host", "mod"}
