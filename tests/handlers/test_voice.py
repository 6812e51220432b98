from __future__ import annotations

from typing import Any

import msgspec
import pytest

from config.description import from_document
from config.limits import Limits
from db.permissions import OWNER
from fanout import Session
from handlers.outcome import Event, Outcome
from handlers.voice_rooms import expel, leave
from protocol.audience import OneSession
from protocol.errors import Code
from tests.handlers.community import told, told_one
from tests.handlers.conftest import Clock, RecordingSink, Stage, as_json

EVERYBODY = ("host", "mod", "ann", "ben", "guest")


@pytest.fixture(autouse=True)
def everybody_is_here(stage: Stage) -> None:
    for name in EVERYBODY:
        stage.connect(name)


def join(stage: Stage, who: str, channel: str = "call", peer_id: str | None = None) -> Outcome:
    return stage.do(who, "voice_join", channel=channel, peer_id=peer_id or f"peer-of-{who}")


def heard(stage: Stage, events: list[Event]) -> dict[str, list[dict[str, Any]]]:
    """What each person's connection is told."""
    fanout = stage.world.fanout
    return {
        name: [told_one(event) for event in events if session in fanout.targets(event.audience)]
        for name, session in stage.sessions.items()
    }


def names(stage: Stage, channel: str = "call") -> list[str]:
    listed = stage.answer("host", "channels_get")["val"]
    state = next(each["voice_state"] for each in listed if each["name"] == channel)
    return [each["username"].removeprefix("USR:local_") for each in state]


def test_voice_join_tells_peer_ids_only_to_those_inside(stage: Stage) -> None:
    first = join(stage, "ann")
    assert as_json(first.reply) == {"cmd": "voice_join", "channel": "call", "participants": []}
    outcome = join(stage, "ben")
    assert as_json(outcome.reply)["participants"] == [
        {"username": stage.id("ann"), "peer_id": "peer-of-ann", "muted": False}
    ]
    by_name = heard(stage, outcome.events)
    inside = {"id": stage.id("ben"), "username": stage.id("ben"), "muted": False, "peer_id": "peer-of-ben"}
    outside = {key: value for key, value in inside.items() if key != "peer_id"}
    for name, user in (("ann", inside), ("ben", inside), ("host", outside), ("mod", outside)):
        assert by_name[name] == [{"cmd": "voice_user_joined", "channel": "call", "user": user}], name
    assert by_name["guest"] == [], "who cannot see the channel hears nothing"
    assert [each.packet.durable for each in outcome.events] == [False, False]  # type: ignore[union-attr]
    assert names(stage) == ["ann", "ben"]


def test_voice_join_tells_the_servers_that_help_peers_to_find_each_other(stage: Stage) -> None:
    stun = {"urls": ["stun:chat.example.org"]}
    turn = {"urls": ["turn:chat.example.org", "turns:chat.example.org"], "username": "chat", "credential": "s3cret"}
    stage.world.live.current = from_document({"voice": {"ice_servers": [stun, turn]}})
    assert as_json(join(stage, "ann").reply)["ice_servers"] == [stun, turn]
    assert "s3cret" not in str([as_json(event.packet) for event in join(stage, "ben").events])


def test_voice_join_twice_leaves_first(stage: Stage) -> None:
    join(stage, "ann")
    outcome = join(stage, "ann", peer_id="other")
    assert [each["cmd"] for each in told(outcome)] == ["voice_user_left", "voice_user_joined", "voice_user_joined"]
    assert as_json(outcome.reply)["participants"] == []
    assert names(stage) == ["ann"]


def test_voice_join_on_a_second_device_moves_the_user(stage: Stage) -> None:
    join(stage, "ann")
    join(stage, "ben")
    desk = stage.sessions["ann"]
    phone = Session(id="s-phone", user_id=stage.id("ann"), sink=RecordingSink(), address="", gap_aware=False)
    stage.world.fanout.add(phone)
    stage.sessions["ann"] = phone
    outcome = join(stage, "ann", peer_id="phone")
    stage.sessions |= {"desk": desk}
    by_name = heard(stage, outcome.events)
    assert [each.get("user", {}).get("peer_id") for each in by_name["ben"]] == [None, "phone"]
    assert [each.get("user", {}).get("peer_id") for each in by_name["desk"]] == [None, None]
    assert leave(stage.world, desk) == [], "the connection it was in with before may go"
    assert names(stage) == ["ben", "ann"]
    stage.sessions["ann"] = desk
    assert stage.refused("ann", "voice_leave").code is Code.NOT_IN_VOICE
    (event,) = leave(stage.world, phone)
    assert told_one(event) == {"cmd": "voice_user_left", "channel": "call", "username": stage.id("ann")}


@pytest.mark.parametrize(
    ("who", "channel", "code"),
    [
        ("ann", "general", Code.NOT_A_VOICE_CHANNEL),
        ("ann", "staff", Code.CHANNEL_NOT_FOUND),
        ("guest", "call", Code.CHANNEL_NOT_FOUND),
    ],
)
def test_voice_join_and_voice_state_need_a_voice_channel_in_sight(
    stage: Stage, who: str, channel: str, code: Code
) -> None:
    assert stage.refused(who, "voice_join", channel=channel, peer_id="p").code is code
    assert stage.refused(who, "voice_state", channel=channel).code is code


def test_voice_join_in_a_direct_channel_is_refused(stage: Stage) -> None:
    name = stage.answer("ann", "direct_open", user=stage.id("ben"))["channel"]["name"]
    assert stage.refused("ann", "voice_join", channel=name, peer_id="p").code is Code.NOT_A_VOICE_CHANNEL


@pytest.mark.parametrize("peer_id", ["   ", "a\nb", "\u202e"])
def test_voice_join_needs_a_visible_peer_id(stage: Stage, peer_id: str) -> None:
    assert stage.refused("ann", "voice_join", channel="call", peer_id=peer_id).code is Code.BAD_VALUE


def test_voice_join_needs_a_connection_of_this_protocol(stage: Stage) -> None:
    stage.sessions["ann"].gateway = "rooms"
    assert stage.refused("ann", "voice_join", channel="call", peer_id="p").code is Code.VOICE_UNAVAILABLE
    stage.world.fanout.remove(stage.sessions["ben"])
    assert stage.refused("ben", "voice_join", channel="call", peer_id="p").code is Code.VOICE_UNAVAILABLE


def test_voice_join_is_refused_when_the_channel_is_full(stage: Stage) -> None:
    config = stage.world.config
    stage.world.live.current = msgspec.structs.replace(config, limits=Limits(voice_participants=2))
    join(stage, "ann")
    join(stage, "ben")
    refusal = stage.refused("mod", "voice_join", channel="call", peer_id="p")
    assert (refusal.code, refusal.fields) == (Code.VOICE_FULL, {"max": 2})
    join(stage, "ann", peer_id="again")
    assert names(stage) == ["ben", "ann"]


def test_voice_signals_are_throttled(stage: Stage, clock: Clock) -> None:
    join(stage, "ann")
    for _ in range(14):
        stage.do("ann", "voice_mute")
        stage.do("ann", "voice_unmute")
    stage.do("ann", "voice_mute")
    for cmd, fields in (("voice_unmute", {}), ("voice_join", {"channel": "call", "peer_id": "p"})):
        assert stage.refused("ann", cmd, **fields).code is Code.TOO_MANY_TRIES
    join(stage, "ben")
    clock.now += 61
    stage.do("ann", "voice_unmute")


def test_voice_leave_tells_the_viewers(stage: Stage) -> None:
    join(stage, "ann")
    outcome = stage.do("ann", "voice_leave")
    assert as_json(outcome.reply) == {"cmd": "voice_leave", "channel": "call"}
    packet = {"cmd": "voice_user_left", "channel": "call", "username": stage.id("ann")}
    assert heard(stage, outcome.events) == {**{name: [packet] for name in EVERYBODY}, "guest": []}
    assert names(stage) == []
    for cmd in ("voice_leave", "voice_mute", "voice_unmute"):
        assert stage.refused("ann", cmd).code is Code.NOT_IN_VOICE


def test_voice_mute_and_voice_unmute(stage: Stage) -> None:
    join(stage, "ann")
    join(stage, "ben")
    outcome = stage.do("ann", "voice_mute")
    assert as_json(outcome.reply) == {"cmd": "voice_mute", "channel": "call", "muted": True}
    by_name = heard(stage, outcome.events)
    inside = {"id": stage.id("ann"), "username": stage.id("ann"), "muted": True, "peer_id": "peer-of-ann"}
    assert by_name["ben"] == [{"cmd": "voice_user_updated", "channel": "call", "user": inside}]
    assert "peer_id" not in by_name["mod"][0]["user"]
    assert by_name["guest"] == []
    assert stage.do("ann", "voice_mute").events == []
    (state,) = (each["voice_state"] for each in stage.answer("mod", "channels_get")["val"] if each["name"] == "call")
    assert state == [{"username": stage.id("ann"), "muted": True}, {"username": stage.id("ben"), "muted": False}]
    back = stage.do("ann", "voice_unmute")
    assert as_json(back.reply) == {"cmd": "voice_unmute", "channel": "call", "muted": False}
    assert heard(stage, back.events)["ben"][0]["user"]["muted"] is False


def test_voice_state_tells_peer_ids_to_who_is_inside(stage: Stage) -> None:
    stage.change_user("ann", pfp_url="https://example.org/ann.png")
    join(stage, "ann")
    known = {
        "id": stage.id("ann"), "username": stage.id("ann"), "muted": False, "pfp": "https://example.org/ann.png",
    }  # fmt: skip
    seen = stage.answer("ben", "voice_state", channel="call")
    assert seen == {"cmd": "voice_state", "channel": "call", "participants": [known]}
    own = stage.answer("ann", "voice_state", channel="call")["participants"]
    assert own == [{**known, "peer_id": "peer-of-ann"}]


# --- who may not stay


def gone(stage: Stage, events: list[Event], who: str = "ann") -> set[str]:
    """Who is told that the person has left, each once."""
    packet = {"cmd": "voice_user_left", "channel": "call", "username": stage.id(who)}
    by_name = heard(stage, events)
    assert all(packets in ([], [packet]) for packets in by_name.values())
    assert who not in names(stage) if stage.world.channels.by_name("call") is not None else True
    return {name for name, packets in by_name.items() if packets}


def test_voice_members_who_lose_the_right_to_see_the_channel_leave_it(stage: Stage) -> None:
    join(stage, "ann")
    join(stage, "ben")
    assert expel(stage.world) == []
    stage.change_user("ann", roles=())
    assert gone(stage, expel(stage.world)) == {"host", "mod", "ben", "ann"}
    assert expel(stage.world) == []
    assert names(stage) == ["ben"]


def test_voice_members_leave_a_channel_whose_rules_or_type_change(stage: Stage) -> None:
    call = stage.world.channels.get("c-call")
    assert call is not None
    join(stage, "ann")
    rules = {**call.permissions, "view": ("moderator",)}
    stage.world.channels.put(msgspec.structs.replace(call, permissions=rules))
    assert gone(stage, expel(stage.world)) == {"host", "mod", "ann"}
    stage.world.channels.put(call)
    join(stage, "ann")
    stage.world.channels.put(msgspec.structs.replace(call, type="text"))
    (event,) = expel(stage.world)
    assert told_one(event)["username"] == stage.id("ann")
    assert stage.refused("ann", "voice_leave").code is Code.NOT_IN_VOICE


def test_voice_members_of_a_deleted_channel_are_told(stage: Stage) -> None:
    stage.change_user("host", roles=(OWNER,))
    join(stage, "ann")
    stage.world.channels.remove("c-call")
    assert stage.refused("ann", "voice_mute").code is Code.NOT_IN_VOICE
    (event,) = expel(stage.world)
    assert event.audience == OneSession("s-ann")
    assert gone(stage, [event]) == {"ann"}


def test_voice_members_who_are_banned_or_deleted_leave(stage: Stage) -> None:
    join(stage, "ann")
    join(stage, "ben")
    stage.change_user("ann", banned=True)
    assert {"host", "mod", "ben"} <= gone(stage, expel(stage.world))
    stage.world.users.remove(stage.id("ben"))
    assert {"host", "mod"} <= gone(stage, expel(stage.world), "ben")


def test_voice_members_stay_in_a_channel_that_is_renamed(stage: Stage) -> None:
    call = stage.world.channels.get("c-call")
    assert call is not None
    join(stage, "ann")
    stage.world.channels.put(msgspec.structs.replace(call, name="lounge"))
    assert expel(stage.world) == []
    outcome = stage.do("ann", "voice_mute")
    assert {each["channel"] for each in told(outcome)} == {"lounge"}
    stage.world.channels.remove("c-call")
    assert [told_one(event)["channel"] for event in expel(stage.world)] == ["lounge"]


def test_voice_signal_reaches_only_the_peer_that_it_names(stage: Stage) -> None:
    for who in ("ann", "ben", "mod"):
        join(stage, who)
    outcome = stage.do("ann", "voice_signal", peer_id="peer-of-ben", data="an offer")
    by_name = heard(stage, outcome.events)
    told_to_ben = {
        "cmd": "voice_signal", "channel": "call", "username": stage.id("ann"), "peer_id": "peer-of-ann",
        "data": "an offer",
    }  # fmt: skip
    assert by_name == {name: [told_to_ben] if name == "ben" else [] for name in EVERYBODY}


@pytest.mark.parametrize("peer_id", ["peer-of-mod", "peer-of-ann", "nobody"])
def test_voice_signal_needs_somebody_else_in_the_same_channel(stage: Stage, peer_id: str) -> None:
    join(stage, "ann")
    refusal = stage.refused("ann", "voice_signal", peer_id=peer_id, data="an offer")
    assert refusal.code is Code.PEER_NOT_FOUND


def test_voice_signal_from_outside_is_refused(stage: Stage) -> None:
    join(stage, "ben")
    refusal = stage.refused("ann", "voice_signal", peer_id="peer-of-ben", data="an offer")
    assert refusal.code is Code.NOT_IN_VOICE
