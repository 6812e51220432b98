"""Direct channels and blocking: what the two may, what nobody else may, and who is told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from db.directs import Direct
from db.users import User
from handlers.blocks import MAX_BLOCKED
from handlers.hand_edits import effects
from handlers.outcome import Event
from handlers.registry import VIEWER_KEYS
from handlers.replay import may_see
from protocol.audience import SessionsOf, Viewers
from protocol.errors import Code
from tests.handlers.community import add_user, empower, told
from tests.handlers.conftest import Stage, as_json


def open_direct(stage: Stage, one: str = "ann", other: str = "ben") -> str:
    """The name of the direct channel of two people."""
    name: str = stage.answer(one, "direct_open", user=stage.id(other))["channel"]["name"]
    return name


def say(stage: Stage, name: str, content: str, **fields: Any) -> dict[str, Any]:
    message: dict[str, Any] = stage.answer(name, "message_new", content=content, **fields)["message"]
    return message


def listed(stage: Stage, name: str) -> list[dict[str, Any]]:
    channels: list[dict[str, Any]] = stage.answer(name, "directs_list")["channels"]
    return channels


def only(stage: Stage) -> Direct:
    (direct,) = stage.world.directs
    return direct


# ---------------------------------------------------------------- direct_open


def test_direct_open_makes_one_channel_for_two_and_tells_both(stage: Stage) -> None:
    outcome = stage.do("ann", "direct_open", user=stage.id("ben"))
    assert told(outcome) == [{"view": "channels_get"}] * 2
    assert {event.audience for event in outcome.events} == {SessionsOf(stage.id("ann")), SessionsOf(stage.id("ben"))}
    assert outcome.reply is not None
    channel = as_json(outcome.reply)["channel"]
    direct = only(stage)
    assert channel == {
        "id": direct.id,
        "name": f"dm-{direct.id.replace('-', '')}",
        "type": "text",
        "display_name": "ben",
        "permissions": {
            key: ["user"] for key in ("view", "send", "delete_own", "edit_own", "react", "pin")
        },
        "members": [stage.id("ann"), stage.id("ben")],
        "last_message": None,
        "last_message_id": None,
    }  # fmt: skip
    again = stage.do("ben", "direct_open", user=stage.id("ann").upper())
    assert again.events == []
    assert as_json(again.reply)["channel"]["id"] == direct.id
    assert as_json(again.reply)["channel"]["display_name"] == "ann"


def test_direct_open_by_both_at_once_makes_one(stage: Stage) -> None:
    """The second command is taken up before memory knows of the first."""
    world = stage.world
    direct = Direct(id="first", members=(stage.id("ann"), stage.id("ben")), created_at=1.0)
    tx = world.store.begin()
    tx.directs.add(direct)
    tx.commit()
    outcome = stage.do("ben", "direct_open", user=stage.id("ann"))
    assert outcome.events == []
    assert as_json(outcome.reply)["channel"]["id"] == "first"
    assert stage.answer("ann", "direct_message", user=stage.id("ben"), content="x")["channel"] == "dm-first"


def test_direct_open_refuses_oneself_and_strangers(stage: Stage) -> None:
    assert stage.refused("ann", "direct_open", user=stage.id("ann")).code is Code.NOT_YOURSELF
    assert stage.refused("ann", "direct_open", user="nobody").code is Code.USER_NOT_FOUND
    stage.change_user("ben", banned=True)
    assert stage.refused("ann", "direct_open", user=stage.id("ben")).code is Code.USER_NOT_FOUND
    assert len(stage.world.directs) == 0


def test_direct_open_is_remembered(stage: Stage) -> None:
    name = open_direct(stage)
    tx = stage.world.store.begin()
    assert [direct.name for direct in tx.directs.all()] == [name]
    tx.rollback()


# ---------------------------------------------------------------- how it appears


def test_channels_get_ends_with_the_direct_channels_of_the_viewer(stage: Stage) -> None:
    name = open_direct(stage)
    other = open_direct(stage, "mod", "ann")

    def names(person: str) -> list[str]:
        return [channel["name"] for channel in stage.answer(person, "channels_get")["val"]]

    assert names("ann") == ["general", "news", "ideas", "call", name, other]
    assert names("ben") == ["general", "news", "ideas", "call", name]
    assert names("mod")[-1] == other
    assert not {name, other} & set(names("host"))


def test_directs_list_shows_the_other_by_nickname_and_the_newest_message(stage: Stage) -> None:
    name = open_direct(stage)
    stage.change_user("ben", nickname="Benny")
    message = say(stage, "ann", "hello", channel=name)
    (channel,) = listed(stage, "ann")
    assert (channel["display_name"], channel["last_message_id"]) == ("Benny", message["id"])
    assert [channel["display_name"] for channel in listed(stage, "ben")] == ["ann"]
    assert listed(stage, "host") == []


def test_users_with_direct_channels_share_no_list(stage: Stage) -> None:
    key = VIEWER_KEYS["channels_get"]
    world = stage.world
    assert key(world, stage.user("ann")) == key(world, stage.user("ben"))
    open_direct(stage)
    assert key(world, stage.user("ann")) != key(world, stage.user("ben"))


def test_who_has_another_name_has_it_in_direct_channels(stage: Stage) -> None:
    open_direct(stage)
    outcome = stage.do("ben", "nickname_update", nickname="Benny")
    assert [event.audience for event in outcome.events[1:]] == [SessionsOf(stage.id("ann"))]
    assert told(outcome)[1:] == [{"view": "channels_get"}]
    empower(stage, "manage_users")
    updates = {"nickname": "Bee"}
    outcome = stage.do("mod", "user_update", user=stage.id("ben"), updates=updates)
    assert Event(SessionsOf(stage.id("ann")), outcome.events[-1].packet) in outcome.events
    assert [channel["display_name"] for channel in listed(stage, "ann")] == ["Bee"]


# ---------------------------------------------------------------- what may be done in it


def test_every_message_command_works_for_the_two(stage: Stage) -> None:
    name = open_direct(stage)
    outcome = stage.do("ann", "message_new", channel=name, content="kettle")
    (event,) = outcome.events
    assert event.audience == Viewers(only(stage).id)
    assert stage.seen_by(event) == {"ann", "ben"}
    id_ = as_json(event.packet)["message"]["id"]
    assert stage.answer("ben", "unreads_get")["unreads"][name]["unread_count"] == 1
    assert [m["id"] for m in stage.answer("ben", "messages_get", channel=name)["messages"]] == [id_]
    assert [m["id"] for m in stage.answer("ben", "messages_search", channel=name, query="kett")["results"]] == [id_]
    stage.do("ben", "message_react_add", channel=name, id=id_, emoji="👍")
    stage.do("ben", "message_pin", channel=name, id=id_)
    assert [m["id"] for m in stage.answer("ann", "messages_pinned", channel=name)["messages"]] == [id_]
    assert stage.refused("ben", "message_edit", channel=name, id=id_, content="x").code is Code.NOT_AUTHOR
    assert stage.refused("ben", "message_delete", channel=name, id=id_).code is Code.NOT_PERMITTED
    stage.do("ann", "message_edit", channel=name, id=id_, content="tea")
    stage.do("ann", "typing", channel=name)
    stage.do("ann", "message_delete", channel=name, id=id_)
    assert stage.refused("ann", "thread_create", channel=name, name="x").code is Code.NOT_A_FORUM


@pytest.mark.parametrize("person", ["host", "mod", "guest"])
def test_for_everybody_else_it_does_not_exist(stage: Stage, person: str) -> None:
    empower(stage, "manage_channels", "manage_messages", "administrator")
    name = open_direct(stage)
    id_ = say(stage, "ann", "secret @host", channel=name)["id"]
    for cmd, fields in (
        ("messages_get", {}), ("messages_search", {"query": "secret"}), ("messages_pinned", {}),
        ("messages_around", {"around": id_}), ("message_get", {"id": id_}), ("message_replies", {"id": id_}),
        ("embeds_list", {"id": id_}), ("message_new", {"content": "x"}), ("message_edit", {"id": id_, "content": "x"}),
        ("message_delete", {"id": id_}), ("message_pin", {"id": id_}), ("message_unpin", {"id": id_}),
        ("message_react_add", {"id": id_, "emoji": "x"}), ("message_react_remove", {"id": id_, "emoji": "x"}),
        ("typing", {}), ("unreads_ack", {}), ("unreads_count", {}), ("thread_create", {"name": "x"}),
    ):  # fmt: skip
        refused = stage.refused(person, cmd, channel=name, **fields)
        assert (refused.code, refused.text) == (Code.CHANNEL_NOT_FOUND, "Channel not found"), cmd
    assert stage.answer(person, "pings_get")["messages"] == []
    assert name not in stage.answer(person, "unreads_get")["unreads"]
    assert stage.refused(person, "message_get", channel="ideas", id=id_).code in (
        Code.MESSAGE_NOT_FOUND,
        Code.CHANNEL_NOT_FOUND,
    )
    if person != "guest":
        for cmd, fields in (
            ("channel_delete", {"name": name}),
            ("channel_move", {"name": name, "position": 0}),
            ("channel_update", {"current_name": name, "updates": {"description": "x"}}),
        ):
            assert stage.refused(person, cmd, **fields).code is Code.CHANNEL_NOT_FOUND
        assert stage.refused(person, "channel_create", name=name, type="text").code is Code.CHANNEL_EXISTS


def test_a_message_of_it_is_not_found_through_a_public_channel(stage: Stage) -> None:
    id_ = say(stage, "ann", "secret", channel=open_direct(stage))["id"]
    for person in ("ann", "host"):
        assert stage.refused(person, "message_get", channel="general", id=id_).code is Code.MESSAGE_NOT_FOUND


def test_only_the_two_are_pinged(stage: Stage) -> None:
    name = open_direct(stage)
    pings = say(stage, "ann", "@ben @mod @host @&moderator", channel=name)["pings"]
    assert pings == {"users": [stage.id("ben")], "roles": [], "replies": []}
    assert stage.answer("ben", "pings_get")["total"] == 1
    id_ = say(stage, "ann", "x", channel=name)["id"]
    edit = stage.answer("ann", "message_edit", channel=name, id=id_, content="@mod @ben")
    assert edit["message"]["pings"]["users"] == [stage.id("ben")]
    stage.change_user("mod", roles=("moderator", "user"))
    assert stage.answer("mod", "pings_get")["total"] == 0


# ---------------------------------------------------------------- direct_message


def test_direct_message_opens_the_channel_and_posts(stage: Stage) -> None:
    outcome = stage.do("ann", "direct_message", user=stage.id("ben"), content=" psst ", nonce="n1", meta={"a": [1]})
    assert [packet.get("view") or packet["cmd"] for packet in told(outcome)] == [
        "channels_get", "channels_get", "message_new",
    ]  # fmt: skip
    packet = told(outcome)[-1]
    name = only(stage).name
    assert (packet["channel"], packet["nonce"], packet["message"]["content"]) == (name, "n1", "psst")
    assert packet["message"]["meta"] == {"a": [1]}
    assert stage.seen_by(outcome.events[-1]) == {"ann", "ben"}
    answer = stage.do("ben", "direct_message", user=stage.id("ann"), content="what", reply_to=packet["message"]["id"])
    assert [packet["cmd"] for packet in told(answer)] == ["message_new"]
    again = stage.do("ann", "direct_message", user=stage.id("ben"), content="psst", nonce="n1")
    assert again.events == []
    assert as_json(again.reply)["message"]["id"] == packet["message"]["id"]
    texts = [message["content"] for message in stage.answer("ben", "messages_get", channel=name)["messages"]]
    assert texts == ["psst", "what"]


def test_direct_message_that_is_refused_opens_nothing(stage: Stage) -> None:
    ben = stage.id("ben")
    for fields, code in (
        ({"content": "  "}, Code.MESSAGE_EMPTY),
        ({"content": "x" * 5000}, Code.MESSAGE_TOO_LONG),
        ({"content": "x", "reply_to": "nothing"}, Code.REPLY_NOT_FOUND),
        ({"content": "x", "meta": {"a": "x" * 5000}}, Code.BAD_VALUE),
        ({"content": "x", "user": "nobody"}, Code.USER_NOT_FOUND),
        ({"content": "x", "user": stage.id("ann")}, Code.NOT_YOURSELF),
    ):
        assert stage.refused("ann", "direct_message", **{"user": ben, **fields}).code is code
    tx = stage.world.store.begin()
    assert tx.directs.all() == []
    tx.rollback()


# ---------------------------------------------------------------- blocking


def test_user_block_stops_both_and_does_not_tell_who(stage: Stage) -> None:
    name = open_direct(stage)
    mine = {person: say(stage, person, "mine", channel=name)["id"] for person in ("ann", "ben")}
    outcome = stage.do("ben", "user_block", user=stage.id("ann"))
    assert told(outcome) == [{"cmd": "user_block", "user": stage.id("ann")}]
    assert [event.audience for event in outcome.events] == [SessionsOf(stage.id("ben"))]
    assert stage.do("ben", "user_block", user=stage.id("ann")).events == []
    refusals = set()
    for person, id_ in mine.items():
        for cmd, fields in (
            ("message_new", {"content": "x"}), ("message_edit", {"id": id_, "content": "x"}), ("typing", {}),
            ("message_react_add", {"id": id_, "emoji": "x"}), ("message_pin", {"id": id_}),
        ):  # fmt: skip
            refused = stage.refused(person, cmd, channel=name, **fields)
            refusals.add((refused.code, refused.text))
        other = stage.id("ben" if person == "ann" else "ann")
        refused = stage.refused(person, "direct_message", user=other, content="x")
        refusals.add((refused.code, refused.text))
        assert len(stage.answer(person, "messages_get", channel=name)["messages"]) == 2
    assert {code for code, _ in refusals} == {Code.BLOCKED}
    assert len(refusals) == 1
    stage.do("ann", "message_delete", channel=name, id=mine["ann"])
    assert stage.answer("ann", "direct_open", user=stage.id("ben"))["channel"]["name"] == name
    say(stage, "ann", "elsewhere", channel="general")


def test_user_block_before_there_is_a_channel_keeps_it_from_being_opened(stage: Stage) -> None:
    stage.do("ben", "user_block", user=stage.id("ann"))
    for person, other in (("ann", "ben"), ("ben", "ann")):
        assert stage.refused(person, "direct_open", user=stage.id(other)).code is Code.BLOCKED
        assert stage.refused(person, "direct_message", user=stage.id(other), content="x").code is Code.BLOCKED


def test_user_block_silences_mentions_and_replies(stage: Stage) -> None:
    first = say(stage, "ben", "hello", channel="general")["id"]
    stage.do("ben", "user_block", user=stage.id("ann"))
    pings = say(stage, "ann", "@ben @mod", channel="general", reply_to=first)["pings"]
    assert pings == {"users": [stage.id("mod")], "roles": [], "replies": []}
    assert stage.answer("ben", "pings_get")["total"] == 0
    say(stage, "mod", "@ben", channel="general", reply_to=first)
    assert stage.answer("ben", "pings_get")["total"] == 1


def test_user_block_refuses_oneself_strangers_and_too_many(stage: Stage) -> None:
    assert stage.refused("ann", "user_block", user=stage.id("ann")).code is Code.NOT_YOURSELF
    assert stage.refused("ann", "user_block", user="nobody").code is Code.USER_NOT_FOUND
    stage.change_user("ann", blocked=tuple(f"id-{number}" for number in range(MAX_BLOCKED)))
    assert stage.refused("ann", "user_block", user=stage.id("ben")).code is Code.TOO_MANY_BLOCKED


def test_user_unblock_lets_them_talk_again(stage: Stage) -> None:
    name = open_direct(stage)
    stage.do("ben", "user_block", user=stage.id("ann"))
    stage.do("ann", "user_block", user=stage.id("ben"))
    assert told(stage.do("ben", "user_unblock", user=stage.id("ann"))) == [
        {"cmd": "user_unblock", "user": stage.id("ann")}
    ]
    assert stage.refused("ben", "message_new", channel=name, content="x").code is Code.BLOCKED
    stage.do("ann", "user_unblock", user=stage.id("ben"))
    say(stage, "ben", "x", channel=name)
    assert stage.do("ann", "user_unblock", user=stage.id("ben")).events == []
    assert stage.refused("ann", "user_unblock", user="nobody").code is Code.USER_NOT_FOUND


def test_users_blocked_list_names_also_those_who_are_gone(stage: Stage) -> None:
    add_user(stage, "zoe", "user")
    for user in ("zoe", stage.id("ben")):
        stage.do("ann", "user_block", user=user)
    assert stage.answer("ann", "users_blocked_list")["users"] == ["zoe", stage.id("ben")]
    assert stage.answer("ben", "users_blocked_list")["users"] == []
    stage.world.users.remove("id-of-zoe")
    assert stage.answer("ann", "users_blocked_list")["users"] == ["id-of-zoe", stage.id("ben")]
    stage.do("ann", "user_unblock", user="id-of-zoe")
    assert stage.answer("ann", "users_blocked_list")["users"] == [stage.id("ben")]


def test_a_block_by_hand_is_told_and_holds(stage: Stage) -> None:
    name = open_direct(stage)
    old = stage.user("ben")
    stage.world.documents.take_changes()
    stage.change_user("ben", blocked=(stage.id("ann"),))
    found = effects(stage.world, stage.world.documents.take_changes())
    assert [as_json(event.packet) for event in found.events] == [{"cmd": "user_block", "user": stage.id("ann")}]
    assert stage.refused("ann", "message_new", channel=name, content="x").code is Code.BLOCKED
    stage.world.users.put(old)
    found = effects(stage.world, stage.world.documents.take_changes())
    assert [as_json(event.packet)["cmd"] for event in found.events] == ["user_unblock"]


# ---------------------------------------------------------------- members that go


def test_user_delete_leaves_the_channel_to_the_other(stage: Stage) -> None:
    empower(stage, "manage_users")
    name = open_direct(stage)
    stage.change_user("ben", nickname="Benny")
    say(stage, "ben", "remember me", channel=name)
    outcome = stage.do("mod", "user_delete", user=stage.id("ben"))
    assert {"view": "channels_get"} in told(outcome)
    assert [message["content"] for message in stage.answer("ann", "messages_get", channel=name)["messages"]] == [
        "remember me"
    ]
    (channel,) = listed(stage, "ann")
    assert (channel["display_name"], channel["members"]) == ("ben", [stage.id("ann"), stage.id("ben")])


def test_user_leave_tells_the_other_that_the_name_is_gone(stage: Stage) -> None:
    open_direct(stage)
    stage.change_user("ben", nickname="Benny")
    outcome = stage.do("ben", "user_leave")
    assert outcome.events[-1].audience == SessionsOf(stage.id("ann"))
    assert [channel["display_name"] for channel in listed(stage, "ann")] == ["ben"]


# ---------------------------------------------------------------- replays


def test_a_replay_knows_a_channel_that_was_opened_in_the_same_transaction(stage: Stage) -> None:
    world = stage.world
    direct = Direct(id="new", members=(stage.id("ann"), stage.id("ben")), created_at=1.0)
    tx = world.store.begin()
    assert not may_see(world, tx, stage.user("ann"), Viewers("new"))
    tx.directs.add(direct)
    assert may_see(world, tx, stage.user("ann"), Viewers("new"))
    assert not may_see(world, tx, stage.user("host"), Viewers("new"))
    assert not may_see(world, tx, msgspec.structs.replace(stage.user("ben"), banned=True), Viewers("new"))
    assert not may_see(world, tx, stage.user("ann"), Viewers("c-staff"))
    tx.rollback()


def test_a_guest_that_is_gone_keeps_its_name(stage: Stage) -> None:
    world = stage.world
    world.users.put(User(id="guest:0a1b2c3d:wanda", username="wanda", roles=("user",), guest=True))
    stage.do("ann", "direct_open", user="wanda")
    stage.do("ann", "user_block", user="wanda")
    world.users.remove("guest:0a1b2c3d:wanda")
    (channel,) = listed(stage, "ann")
    assert (channel["display_name"], channel["members"]) == ("wanda", [stage.id("ann"), "wanda"])
    assert stage.answer("ann", "users_blocked_list")["users"] == ["wanda"]
    stage.do("ann", "user_unblock", user="wanda")
    assert stage.user("ann").blocked == ()
