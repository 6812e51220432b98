"""Modes of channels: who sets them, who is told, what they mean; nobody outside sees anything of a restricted one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fanout import Session
from handlers.registry import VIEWER_KEYS
from handlers.replay import may_see
from protocol.audience import Everyone, Viewers
from protocol.errors import Code
from tests.handlers.community import empower, told
from tests.handlers.conftest import RecordingSink, Stage, as_json
from tests.handlers.test_channel_members import VIEWERS, change, channel, names

# --- topic, modes, marks


def test_channel_topic_set_is_for_who_may_write_unless_it_is_locked(stage: Stage) -> None:
    outcome = stage.do("ann", "channel_topic_set", channel="general", topic="Tea")
    packet = {"cmd": "channel_topic", "channel": "general", "topic": "Tea", "by": stage.id("ann")}
    assert told(outcome) == [packet, {"view": "channels_get"}]
    assert {event.audience for event in outcome.events} == {Viewers("c-general")}
    assert channel(stage).description == "Tea"
    assert stage.do("ben", "channel_topic_set", channel="general", topic="Tea").events == []
    assert stage.refused("ann", "channel_topic_set", channel="news", topic="x").code is Code.NOT_PERMITTED
    assert stage.refused("ann", "channel_topic_set", channel="staff", topic="x").code is Code.CHANNEL_NOT_FOUND
    assert stage.refused("ann", "channel_topic_set", channel="general", topic="x" * 1001).code is Code.BAD_VALUE
    change(stage, topic_locked=True, operators=(stage.id("ben"),))
    assert stage.refused("ann", "channel_topic_set", channel="general", topic="x").code is Code.NOT_PERMITTED
    stage.do("ben", "channel_topic_set", channel="general", topic="")
    assert channel(stage).description is None


def test_channel_modes_set_tells_what_changed_and_never_the_key(stage: Stage) -> None:
    change(stage, operators=(stage.id("ann"),))
    fields = {"channel": "general", "moderated": True, "topic_locked": False, "key": "sesame"}
    outcome = stage.do("ann", "channel_modes_set", **fields)
    modes = {"moderated": True, "key": True}
    assert told(outcome)[0] == {"cmd": "channel_modes", "channel": "general", "set": modes, "by": stage.id("ann")}
    assert stage.seen_by(outcome.events[0]) == {"host", "ann"}
    assert outcome.events[1].audience == Everyone()  # it disappears for some
    everything = {"invite_only": False, "secret": False, "topic_locked": False, "members_only": False, **modes}
    assert as_json(outcome.reply) == {"cmd": "channel_modes_set", "channel": "general", "modes": everything}
    assert "sesame" not in str([as_json(packet) for packet in stage.packets(outcome)])
    assert stage.do("ann", "channel_modes_set", **fields).events == []
    second = stage.do("ann", "channel_modes_set", channel="general", key="other")
    assert told(second)[0]["set"] == {"key": True}
    assert second.events[1].audience == Viewers("c-general")
    last = stage.do("ann", "channel_modes_set", channel="general", key=None)
    assert told(last)[0]["set"] == {"key": False}
    assert last.events[1].audience == Everyone()
    assert "general" in names(stage, "ben")


@pytest.mark.parametrize("fields", [{"key": ""}, {"key": "x" * 65}, {"secret": None}, {"secret": "yes"}])
def test_channel_modes_set_refuses_other_values(stage: Stage, fields: dict[str, Any]) -> None:
    assert stage.refused("host", "channel_modes_set", channel="general", **fields).code is Code.BAD_VALUE


def test_channel_modes_set_without_a_mode_is_refused(stage: Stage) -> None:
    assert stage.refused("host", "channel_modes_set", channel="general").code is Code.NO_UPDATES


def test_channel_member_set_gives_and_takes_marks(stage: Stage) -> None:
    ann = stage.id("ann")
    outcome = stage.do("host", "channel_member_set", channel="general", user=ann, operator=True, voice=True)
    packet = {"channel": "general", "user": ann, "operator": True, "voice": True}
    assert told(outcome) == [
        {"cmd": "channel_member", **packet, "by": stage.id("host")},
        {"view": "channels_get"},
    ]
    assert as_json(outcome.reply) == {"cmd": "channel_member_set", **packet}
    assert stage.do("host", "channel_member_set", channel="general", user=ann, voice=True).events == []
    stage.do("ann", "channel_member_set", channel="general", user=stage.id("ben"), voice=True)
    taken = stage.do("ann", "channel_member_set", channel="general", user=ann, operator=False)
    assert [stage.seen_by(event) for event in taken.events] == [VIEWERS, {"ann"}]
    assert (channel(stage).operators, channel(stage).voices) == ((), (ann, stage.id("ben")))


def marks(stage: Stage, person: str) -> dict[str, Any]:
    """Of general, as it stands in the person's list of channels."""
    (listed,) = (each for each in stage.answer(person, "channels_get")["val"] if each["name"] == "general")
    return {key: listed[key] for key in ("moderated", "operator", "voice") if key in listed}


def test_the_list_of_channels_says_which_marks_one_has_oneself(stage: Stage) -> None:
    change(stage, moderated=True, operators=(stage.id("ann"),), voices=(stage.id("ben"),))
    keys = {name: VIEWER_KEYS["channels_get"](stage.world, stage.user(name)) for name in ("ann", "ben", "guest")}
    assert keys["ann"] != keys["ben"]  # lists with the same key are made once
    assert marks(stage, "ann") == {"moderated": True, "operator": True}
    assert marks(stage, "ben") == {"moderated": True, "voice": True}
    stage.do("ann", "channel_member_set", channel="general", user=stage.id("ben"), voice=False)
    assert marks(stage, "ben") == {"moderated": True}
    refused = stage.refused("host", "channel_update", current_name="general", updates={"operator": True})
    assert refused.code is Code.BAD_VALUE


def test_channel_member_set_needs_somebody_in_the_channel(stage: Stage) -> None:
    change(stage, secret=True, operators=(stage.id("ann"),))
    ben = stage.id("ben")
    assert stage.refused("ann", "channel_member_set", channel="general", user=ben, voice=True).code is (
        Code.NOT_IN_CHANNEL
    )
    stage.do("ben", "channel_join", channel="general")
    stage.do("ann", "channel_member_set", channel="general", user=ben, voice=True)
    assert stage.refused("ann", "channel_member_set", channel="general", user=ben).code is Code.NO_UPDATES


def test_channel_member_set_tells_who_loses_sight_by_it(stage: Stage) -> None:
    change(stage, secret=True, operators=(stage.id("ann"),))
    outcome = stage.do("ann", "channel_member_set", channel="general", user=stage.id("ann"), operator=False)
    assert [stage.seen_by(event) for event in outcome.events] == [{"host"}, {"ann"}, {"ann"}]
    assert "general" not in names(stage, "ann")


@pytest.mark.parametrize(
    ("cmd", "fields"),
    [
        ("channel_modes_set", {"moderated": True}),
        ("channel_member_set", {"user": "USR:local_ann", "operator": True}),
        ("channel_invite", {"user": "USR:local_ann"}),
        ("channel_kick", {"user": "USR:local_ann"}),
    ],
)
def test_only_operators_and_managers_of_channels_are_in_charge(stage: Stage, cmd: str, fields: dict[str, Any]) -> None:
    stage.do("ann", "channel_join", channel="general")
    assert stage.refused("ben", cmd, channel="general", **fields).code is Code.NOT_PERMITTED
    assert stage.refused("ben", cmd, channel="staff", **fields).code is Code.CHANNEL_NOT_FOUND
    change(stage, secret=True)
    assert stage.refused("ben", cmd, channel="general", **fields).code is Code.CHANNEL_NOT_FOUND
    empower(stage, "manage_channels")
    stage.do("mod", cmd, channel="general", **fields)  # by name, without seeing it
    assert "general" not in names(stage, "mod")


# --- what the modes mean


def test_a_moderated_channel_hears_operators_and_voices(stage: Stage) -> None:
    change(stage, moderated=True, operators=(stage.id("ann"),), voices=(stage.id("ben"),))
    for name in ("host", "ann", "ben"):
        stage.do(name, "message_new", channel="general", content="x")
    assert stage.refused("mod", "message_new", channel="general", content="x").code is Code.NOT_PERMITTED
    assert stage.refused("mod", "channel_topic_set", channel="general", topic="x").code is Code.NOT_PERMITTED
    assert len(stage.answer("mod", "messages_get", channel="general")["messages"]) == 3


def test_members_only_is_for_ways_in_where_people_join(stage: Stage) -> None:
    change(stage, members_only=True)
    stage.do("ann", "message_new", channel="general", content="x")
    stage.sessions["ann"] = Session(
        id="g", user_id=stage.id("ann"), sink=RecordingSink(), address="", gap_aware=False, joins=True, gateway="rooms"
    )  # fmt: skip
    assert stage.refused("ann", "message_new", channel="general", content="x").code is Code.NOT_A_MEMBER
    assert stage.refused("ann", "channel_topic_set", channel="general", topic="x").code is Code.NOT_A_MEMBER
    stage.do("ann", "channel_join", channel="general")
    stage.do("ann", "message_new", channel="general", content="x")
    stage.do("ann", "channel_topic_set", channel="general", topic="x")


@pytest.mark.parametrize("modes", [{"invite_only": True}, {"secret": True}, {"key": "sesame"}])
def test_nothing_of_a_restricted_channel_is_seen_from_outside(stage: Stage, modes: dict[str, Any]) -> None:
    message = stage.answer("ben", "message_new", channel="general", content="hush @USR:local_ann")["message"]["id"]
    thread = stage.answer("ben", "thread_create", channel="ideas", name="x")["thread"]["id"]
    for name in ("general", "ideas"):
        change(stage, name, **modes)
        stage.world.channels.put(msgspec.structs.replace(channel(stage, name), operators=(stage.id("ben"),)))
    place = {"channel": "general"}
    for cmd, fields in (
        ("messages_get", place),
        ("messages_around", {**place, "around": message}),
        ("message_get", {**place, "id": message}),
        ("message_replies", {**place, "id": message}),
        ("messages_search", {**place, "query": "hush"}),
        ("messages_pinned", place),
        ("message_new", {**place, "content": "x"}),
        ("message_edit", {**place, "id": message, "content": "x"}),
        ("message_delete", {**place, "id": message}),
        ("message_pin", {**place, "id": message}),
        ("message_react_add", {**place, "id": message, "emoji": "x"}),
        ("typing", place),
        ("unreads_ack", place),
        ("unreads_count", place),
        ("thread_create", {"channel": "ideas", "name": "y"}),
        ("channel_members", place),
        ("channel_topic_set", {**place, "topic": "x"}),
        ("channel_leave", place),
    ):
        for name in ("ann", "mod"):
            assert stage.refused(name, cmd, **fields).code is Code.CHANNEL_NOT_FOUND, (cmd, name)
        if cmd not in ("message_delete", "channel_leave"):
            stage.do("ben", cmd, **fields)
    for cmd in ("thread_get", "thread_messages", "thread_join", "messages_get"):
        assert stage.refused("ann", cmd, thread_id=thread).code is Code.THREAD_NOT_FOUND
    assert names(stage, "ann") == ["news", "call"]
    assert stage.answer("ann", "unreads_get")["unreads"].keys() == {"news"}
    assert stage.answer("ann", "pings_get")["messages"] == []
    assert not stage.world.fanout.may_see(stage.user("ann"), Viewers("c-general"))


def test_a_replay_follows_the_memberships_of_its_own_place_in_the_stream(stage: Stage) -> None:
    """The journal may be ahead of memory: what it has just taken away is not replayed."""
    change(stage, secret=True)
    stage.do("ann", "channel_join", channel="general")
    world, ann, audience = stage.world, stage.user("ann"), Viewers("c-general")
    tx = world.store.begin()
    assert may_see(world, tx, ann, audience)
    tx.memberships.remove("c-general", ann.id)
    assert not may_see(world, tx, ann, audience)
    assert world.fanout.may_see(ann, audience)
    tx.rollback()


def test_lists_are_shared_by_those_who_see_the_same(stage: Stage) -> None:
    def key(name: str) -> object:
        return VIEWER_KEYS["channels_get"](stage.world, stage.user(name))

    stage.do("ann", "channel_join", channel="general")
    assert key("ann") == key("ben")
    change(stage, secret=True)
    assert key("ann") != key("ben")
    stage.do("ben", "channel_join", channel="general")
    assert key("ann") == key("ben")
    change(stage, operators=(stage.id("ben"),))
    assert key("ann") != key("ben")
