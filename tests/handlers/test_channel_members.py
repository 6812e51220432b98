"""Members of channels: who gets in, who leaves, and who is told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from config.gateways import ChatApi
from db.channels import Channel
from handlers.context import Context
from handlers.registry import HANDLERS
from protocol.audience import Everyone, SessionsOf, Viewers
from protocol.channel_members import ChannelKick
from protocol.errors import Code
from tests.handlers.community import closed, empower, told
from tests.handlers.conftest import Clock, Stage, Visitor, as_json

VIEWERS = {"host", "mod", "ann", "ben"}


def change(stage: Stage, name: str = "general", **fields: Any) -> Channel:
    """Change the record of a channel without a command."""
    old = stage.world.channels.by_name(name)
    assert old is not None
    new = msgspec.structs.replace(old, **fields)
    stage.world.channels.put(new)
    stage.world.documents.take_changes()
    return new


def channel(stage: Stage, name: str = "general") -> Channel:
    found = stage.world.channels.by_name(name)
    assert found is not None
    return found


def names(stage: Stage, person: str) -> list[str]:
    return [each["name"] for each in stage.answer(person, "channels_get")["val"]]


def members(stage: Stage, person: str = "host") -> list[str]:
    return [each["user"] for each in stage.answer(person, "channel_members", channel="general")["members"]]


def allow_creation(stage: Stage, **settings: Any) -> None:
    live = stage.world.live
    live.current = msgspec.structs.replace(live.current, chat_api=ChatApi(create_channels=True, **settings))


# --- joining


def test_channel_join_is_told_to_the_viewers_and_happens_once(stage: Stage, clock: Clock) -> None:
    outcome = stage.do("ann", "channel_join", channel="general")
    (event,) = outcome.events
    assert told(outcome) == [{"cmd": "member_join", "channel": "general", "user": stage.id("ann")}]
    assert (event.audience, stage.seen_by(event)) == (Viewers("c-general"), VIEWERS)
    reply = as_json(outcome.reply)
    assert (reply["joined"], reply["created"], reply["channel"]["id"]) == (True, False, "c-general")
    clock.now += 5
    again = stage.do("ann", "channel_join", channel="general")
    assert (again.events, as_json(again.reply)["joined"]) == ([], False)
    assert dict(stage.world.memberships.of_user(stage.id("ann"))) == {"c-general": clock.now - 5}


def test_channel_join_needs_the_rule_for_view(stage: Stage) -> None:
    for name in ("staff", "nowhere", "General", "dm-1"):
        assert stage.refused("ann", "channel_join", channel=name).code is Code.CHANNEL_NOT_FOUND
    change(stage, "staff", secret=True, invited=(stage.id("ann"),), key="sesame")
    assert stage.refused("ann", "channel_join", channel="staff", key="sesame").code is Code.CHANNEL_NOT_FOUND
    change(stage, "call", type="separator")
    assert stage.refused("ann", "channel_join", channel="call").code is Code.NOT_JOINABLE


def test_channel_join_of_a_secret_one_takes_its_name(stage: Stage) -> None:
    change(stage, secret=True)
    assert "general" not in names(stage, "ann")
    outcome = stage.do("ann", "channel_join", channel="general")
    assert told(outcome)[0] == {"view": "channels_get"}
    listed, joined = outcome.events
    assert listed.audience == SessionsOf(stage.id("ann"))
    assert stage.seen_by(joined) == {"host", "ann"}
    assert "general" in names(stage, "ann")
    assert "general" not in names(stage, "ben")


def test_channel_join_of_an_invite_only_one_uses_the_invitation_up(stage: Stage) -> None:
    ann = stage.id("ann")
    change(stage, invite_only=True, invited=(stage.id("ben"), ann))
    assert stage.refused("mod", "channel_join", channel="general").code is Code.INVITE_NEEDED
    stage.do("ann", "channel_join", channel="general")
    assert channel(stage).invited == (stage.id("ben"),)
    stage.do("ann", "channel_leave", channel="general")
    assert stage.refused("ann", "channel_join", channel="general").code is Code.INVITE_NEEDED
    stage.do("host", "channel_join", channel="general")  # passes everything


def test_channel_join_with_a_key_throttles_wrong_ones_and_never_tells_it(stage: Stage, clock: Clock) -> None:
    change(stage, key="sesame")
    assert stage.refused("ann", "channel_join", channel="general").code is Code.WRONG_CHANNEL_KEY
    for _ in range(5):
        assert stage.refused("ann", "channel_join", channel="general", key="x").code is Code.WRONG_CHANNEL_KEY
    assert stage.refused("ben", "channel_join", channel="general", key="sesame").code is Code.TOO_MANY_TRIES
    clock.now += 61
    outcome = stage.do("ben", "channel_join", channel="general", key="sesame")
    assert as_json(outcome.reply)["channel"]["key"] is True
    assert "sesame" not in str([as_json(packet) for packet in stage.packets(outcome)])
    assert "sesame" not in str(stage.answer("ben", "channels_get"))


def test_channel_join_again_and_again_has_to_wait(stage: Stage, clock: Clock) -> None:
    for _ in range(30):
        stage.do("ann", "channel_join", channel="general")
        stage.do("ann", "channel_leave", channel="general")
    assert stage.refused("ann", "channel_join", channel="general").code is Code.TOO_MANY_TRIES
    stage.do("ben", "channel_join", channel="general")
    clock.now += 61
    stage.do("ann", "channel_join", channel="general")


def test_channel_join_of_an_operator_needs_nothing(stage: Stage) -> None:
    change(stage, "staff", invite_only=True, key="sesame", operators=(stage.id("ann"),))
    assert "staff" in names(stage, "ann")
    assert len(stage.do("ann", "channel_join", channel="staff").events) == 1


# --- making a channel by joining it


def test_channel_join_makes_a_channel_where_that_is_allowed(stage: Stage) -> None:
    assert stage.refused("ann", "channel_join", channel="new", create=True).code is Code.CHANNEL_NOT_FOUND
    allow_creation(stage, max_history=50)
    assert stage.refused("ann", "channel_join", channel="new").code is Code.CHANNEL_NOT_FOUND
    outcome = stage.do("ann", "channel_join", channel="new", create=True)
    listed, joined = outcome.events
    assert (listed.audience, stage.seen_by(joined)) == (Everyone(), VIEWERS)
    assert as_json(outcome.reply)["created"] is True
    made, ann = channel(stage, "new"), stage.id("ann")
    assert (made.operators, made.created_by, made.type) == ((ann,), ann, "text")
    assert (made.members_only, made.topic_locked, made.max_history, made.restricted) == (True, True, 50, False)
    assert stage.world.memberships.has(made.id, ann)
    stage.do("ben", "message_new", channel="new", content="hello")
    assert stage.answer("ben", "channel_join", channel="new", create=True)["created"] is False


def test_channel_join_makes_no_second_channel_of_a_name_and_not_any_number(stage: Stage) -> None:
    allow_creation(stage, channels_per_user=2)
    assert stage.refused("ann", "channel_join", channel="General", create=True).code is Code.CHANNEL_EXISTS
    assert stage.refused("ann", "channel_join", channel="a b", create=True).code is Code.BAD_CHANNEL_NAME
    assert stage.refused("ann", "channel_join", channel="staff", create=True).code is Code.CHANNEL_NOT_FOUND
    for name in ("one", "two"):
        stage.do("ann", "channel_join", channel=name, create=True)
    stage.do("ann", "channel_leave", channel="one")
    refused = stage.refused("ann", "channel_join", channel="three", create=True)
    assert (refused.code, refused.text) == (Code.TOO_MANY_CHANNELS, "No more channels can be made here: 2 is the most")
    stage.do("ben", "channel_join", channel="three", create=True)


def test_channel_join_makes_no_channels_without_end(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    allow_creation(stage)
    monkeypatch.setattr("handlers.channel_members.MAX_CHANNELS", len(stage.world.channels) + 1)
    stage.do("ann", "channel_join", channel="one", create=True)
    assert stage.refused("ben", "channel_join", channel="two", create=True).code is Code.TOO_MANY_CHANNELS


# --- leaving and kicking


def test_channel_leave_is_told_once_to_each(stage: Stage) -> None:
    ann = stage.id("ann")
    assert stage.refused("ann", "channel_leave", channel="general").code is Code.NOT_A_MEMBER
    assert stage.refused("ann", "channel_leave", channel="staff").code is Code.CHANNEL_NOT_FOUND
    stage.do("ann", "channel_join", channel="general")
    change(stage, operators=(ann,), voices=(ann,))
    outcome = stage.do("ann", "channel_leave", channel="general", reason="tea")
    packet = {"cmd": "member_leave", "channel": "general", "user": ann, "reason": "tea"}
    assert told(outcome) == [packet, {"view": "channels_get"}]  # the list said that she was an operator
    assert stage.seen_by(outcome.events[0]) == VIEWERS
    assert (channel(stage).operators, channel(stage).voices) == ((), ())
    assert not stage.world.memberships.has("c-general", ann)


def test_channel_leave_of_a_restricted_one_takes_it_away(stage: Stage) -> None:
    change(stage, secret=True)
    stage.do("ann", "channel_join", channel="general")
    viewers, herself, listed = stage.do("ann", "channel_leave", channel="general").events
    assert (stage.seen_by(viewers), stage.seen_by(herself), stage.seen_by(listed)) == ({"host"}, {"ann"}, {"ann"})
    assert viewers.packet == herself.packet
    assert "general" not in names(stage, "ann")
    stage.do("ann", "channel_join", channel="general")
    change(stage, permissions={})  # who lost the right to view may leave nevertheless
    stage.do("ann", "channel_leave", channel="general")


def test_channel_kick_stops_events_at_once(stage: Stage) -> None:
    ann, session = stage.id("ann"), stage.connect("ann")
    change(stage, secret=True, operators=(stage.id("ben"),))
    stage.do("ann", "channel_join", channel="general")
    assert session in stage.world.fanout.targets(Viewers("c-general"))
    outcome = stage.do("ben", "channel_kick", channel="general", user=ann, reason="rules")
    left = {"cmd": "member_leave", "channel": "general", "user": ann, "reason": "rules", "by": stage.id("ben")}
    assert told(outcome) == [left, left, {"view": "channels_get"}]
    assert [stage.seen_by(event) for event in outcome.events] == [{"host", "ben"}, {"ann"}, {"ann"}]
    assert as_json(outcome.reply) == {"cmd": "channel_kick", "channel": "general", "user": ann}
    assert session not in stage.world.fanout.targets(Viewers("c-general"))
    assert "general" not in names(stage, "ann")
    assert stage.refused("ben", "channel_kick", channel="general", user=ann).code is Code.NOT_IN_CHANNEL
    assert not closed(stage, "ann")


def test_channel_kick_holds_for_every_command_that_follows(stage: Stage) -> None:
    """Before it is stored, as commands of others may come meanwhile."""
    change(stage, secret=True)
    stage.do("ann", "channel_join", channel="general")
    kick = ChannelKick(channel="general", user=stage.id("ann"))
    ctx = Context(stage.world, Visitor(), stage.connect("host"), stage.world.clock())
    answer = HANDLERS[ChannelKick](ctx, kick)
    for cmd, fields in (("message_new", {"content": "x"}), ("messages_get", {})):
        assert stage.refused("ann", cmd, channel="general", **fields).code is Code.CHANNEL_NOT_FOUND
    stage.settle(answer)
    assert not stage.world.memberships.has("c-general", stage.id("ann"))


def test_channel_kick_from_an_open_one_leaves_it_in_sight(stage: Stage) -> None:
    stage.do("ann", "channel_join", channel="general")
    outcome = stage.do("host", "channel_kick", channel="general", user=stage.id("ann"))
    assert [stage.seen_by(event) for event in outcome.events] == [VIEWERS]
    assert "general" in names(stage, "ann")


def test_channel_kick_takes_an_operator_who_never_joined(stage: Stage) -> None:
    change(stage, invite_only=True, operators=(stage.id("ann"),))
    stage.do("host", "channel_kick", channel="general", user=stage.id("ann"))
    assert channel(stage).operators == ()
    assert "general" not in names(stage, "ann")


# --- members, invitations


def test_channel_members_lists_with_marks_in_the_order_of_joining(stage: Stage, clock: Clock) -> None:
    ann, ben, mod = stage.id("ann"), stage.id("ben"), stage.id("mod")
    for name in ("ben", "ann"):
        clock.now += 1
        stage.do(name, "channel_join", channel="general")
    change(stage, operators=(mod, ann), voices=(ben, "nobody"))
    assert stage.answer("ann", "channel_members", channel="general")["members"] == [
        {"user": ben, "operator": False, "voice": True, "joined_at": clock.now - 1},
        {"user": ann, "operator": True, "voice": False, "joined_at": clock.now},
        {"user": mod, "operator": True, "voice": False, "joined_at": None},
    ]


def test_channel_members_leaves_out_who_cannot_view_and_keeps_the_membership_of_the_banned(stage: Stage) -> None:
    for name in ("ann", "ben"):
        stage.do(name, "channel_join", channel="general")
    stage.change_user("ann", banned=True)
    stage.change_user("ben", roles=("nothing",))
    assert members(stage) == []
    stage.change_user("ann", banned=False)
    assert members(stage) == [stage.id("ann")]


def test_channel_members_of_what_is_hidden_are_not_found(stage: Stage) -> None:
    change(stage, secret=True)
    empower(stage, "manage_channels")
    for name in ("ann", "mod"):
        assert stage.refused(name, "channel_members", channel="general").code is Code.CHANNEL_NOT_FOUND


def test_channel_invite_is_told_to_the_invited_one_only(stage: Stage) -> None:
    ann = stage.id("ann")
    change(stage, invite_only=True, operators=(stage.id("ben"),))
    outcome = stage.do("ben", "channel_invite", channel="general", user=ann)
    assert told(outcome) == [{"cmd": "channel_invite", "channel": "general", "user": ann, "by": stage.id("ben")}]
    assert stage.seen_by(outcome.events[0]) == {"ann"}
    assert outcome.reply is None
    again = stage.do("ben", "channel_invite", channel="general", user=ann)
    assert (again.events, as_json(again.reply)) == ([], told(outcome)[0])
    assert "general" not in names(stage, "ann")
    stage.do("ann", "channel_join", channel="general")
    assert stage.do("ben", "channel_invite", channel="general", user=ann).events == []
    assert stage.refused("ben", "channel_invite", channel="general", user="nobody").code is Code.USER_NOT_FOUND


def test_channel_invite_lets_the_oldest_lapse(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.channel_members.MAX_INVITED", 2)
    for name in ("ann", "ben", "mod"):
        stage.do("host", "channel_invite", channel="general", user=stage.id(name))
    assert channel(stage).invited == (stage.id("ben"), stage.id("mod"))


# --- what is gone


@pytest.mark.parametrize("cmd", ["user_delete", "user_leave"])
def test_who_is_gone_is_in_no_channel_any_more(stage: Stage, cmd: str) -> None:
    ann, ben = stage.id("ann"), stage.id("ben")
    for name in ("ann", "ben"):
        stage.do(name, "channel_join", channel="general")
    change(stage, operators=(ann, ben), voices=(ann,), invited=(ann,))
    if cmd == "user_delete":
        stage.do("host", cmd, user=ann)
    else:
        stage.do("ann", cmd)
    found = channel(stage)
    assert (found.operators, found.voices, found.invited) == ((ben,), (), ())
    assert members(stage) == [ben]
    tx = stage.world.store.begin()
    assert [each.user_id for each in tx.memberships.all()] == [ben]
    tx.rollback()


def test_a_name_that_is_registered_anew_inherits_no_channel(stage: Stage) -> None:
    """The account was taken out of the file by hand."""
    stage.do("ann", "channel_join", channel="general")
    change(stage, secret=True, operators=(stage.id("ann"),))
    stage.world.users.remove(stage.id("ann"))
    stage.do("host", "register", username="ann", password="secret words")
    assert "general" not in names(stage, "ann")
    assert not stage.world.memberships.has("c-general", stage.id("ann"))


def test_a_deleted_channel_has_no_members(stage: Stage) -> None:
    stage.do("ann", "channel_join", channel="general")
    stage.do("host", "channel_delete", name="general")
    assert dict(stage.world.memberships.of_user(stage.id("ann"))) == {}
    tx = stage.world.store.begin()
    assert tx.memberships.all() == []
    tx.rollback()
