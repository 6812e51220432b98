"""Hand edits: clients are told what the equivalent commands would tell them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from db.documents import ORDER_KEY, Change, Order
from db.roles import Role
from db.users import Status, User
from handlers.hand_edits import Effects, effects
from protocol.audience import Everyone, SessionsOf
from tests.handlers.community import add_user, empower, told, told_one
from tests.handlers.conftest import Clock, Stage


def edit(stage: Stage, *changes: Change) -> Effects:
    return effects(stage.world, stage.world.documents.apply_external(changes))


def edit_user(stage: Stage, name: str, **fields: Any) -> Effects:
    old = stage.user(name)
    return edit(stage, Change("users", old.id, old, msgspec.structs.replace(old, **fields)))


def said(found: Effects) -> list[dict[str, Any]]:
    return [told_one(event) for event in found.events]


def cmds(found: Effects) -> list[str]:
    return [packet.get("cmd", "view") for packet in said(found)]


def test_a_nickname_is_told_as_by_its_command(stage: Stage) -> None:
    by_hand = said(edit_user(stage, "ann", nickname="A"))
    stage.change_user("ann", nickname=None)
    assert by_hand == told(stage.do("ann", "nickname_update", nickname="A"))
    assert cmds(edit_user(stage, "ann", nickname=None)) == ["nickname_remove"]


def test_roles_are_told_as_by_user_roles_set(stage: Stage) -> None:
    empower(stage, "manage_users")
    found = edit_user(stage, "ann", roles=("moderator", "user"))
    assert [event.audience for event in found.events] == [Everyone(), SessionsOf(stage.id("ann"))]
    stage.change_user("ann", roles=("user",))
    by_command = told(stage.do("host", "user_roles_set", user=stage.id("ann"), roles=["moderator", "user"]))
    del by_command[0]["global"]
    assert said(found) == by_command


def test_a_name_is_told_as_by_user_update(stage: Stage) -> None:
    empower(stage, "manage_users")
    carl = add_user(stage, "carl", "user")
    found = edit(stage, Change("users", carl.id, carl, msgspec.structs.replace(carl, username="karl")))
    stage.world.users.put(carl)
    assert said(found) == told(stage.do("mod", "user_update", user="carl", updates={"username": "karl"}))


def test_a_ban_disconnects_and_its_end_brings_back(stage: Stage) -> None:
    found = edit_user(stage, "ann", banned=True)
    assert said(found) == [{"cmd": "user_leave", "username": stage.id("ann")}]
    assert found.closed == [(stage.id("ann"), "You have been banned")]
    assert not said(edit_user(stage, "ann", nickname="hidden"))
    found = edit_user(stage, "ann", banned=False)
    assert cmds(found) == ["user_join"]
    assert found.closed == []


def test_a_removed_record_disconnects_and_a_new_one_joins(stage: Stage) -> None:
    ann = stage.user("ann")
    found = edit(stage, Change("users", ann.id, ann, None))
    assert cmds(found) == ["user_leave"]
    assert found.closed == [(ann.id, "Your account was deleted")]
    carl = User(id="c", username="carl", roles=("user",))
    assert cmds(edit(stage, Change("users", "c", None, carl))) == ["user_join"]
    gone = msgspec.structs.replace(carl, id="d", username="d", banned=True)
    assert edit(stage, Change("users", "d", None, gone)) == Effects(events=[], audit=[], closed=[])
    assert not said(edit(stage, Change("users", "d", gone, None)))


def test_a_mute_is_told_to_the_member_alone(stage: Stage, clock: Clock) -> None:
    found = edit_user(stage, "ann", muted_until=clock.now + 2)
    assert [event.audience for event in found.events] == [SessionsOf(stage.id("ann"))]
    assert said(found)[0]["length"] == 2000
    assert said(edit_user(stage, "ann", muted_until=None))[0]["length"] == 0


def test_a_status_is_told_only_of_those_online(stage: Stage) -> None:
    assert said(edit_user(stage, "ann", status=Status("dnd", "x"))) == []
    stage.connect("ann")
    assert cmds(edit_user(stage, "ann", status=Status("idle", "x"))) == ["status_get"]
    assert cmds(edit_user(stage, "ann", status=Status("invisible", "x"))) == ["user_disconnect"]
    assert cmds(edit_user(stage, "ann", status=Status("online", "x"))) == ["user_connect", "status_get"]


def test_what_nobody_sees_is_not_told(stage: Stage) -> None:
    assert said(edit_user(stage, "ann", password_hash="x", last_seen=5.0, extra={"a": 1})) == []


def test_roles_are_told_once_with_the_channels_where_sight_changes(stage: Stage) -> None:
    moderator = stage.world.roles.get("moderator")
    assert moderator is not None
    colored = msgspec.structs.replace(moderator, color="#00FF00")
    gamer = Role(name="gamer", id="g", position=9)
    found = edit(stage, Change("roles", "moderator", moderator, colored), Change("roles", "gamer", None, gamer))
    assert cmds(found) == ["roles_list"]
    assert said(found)[0]["roles"]["moderator"]["color"] == "#00FF00"
    mighty = msgspec.structs.replace(colored, permissions=("administrator",))
    assert cmds(edit(stage, Change("roles", "moderator", colored, mighty))) == ["roles_list", "view"]
    assert cmds(edit(stage, Change("roles", "moderator", mighty, None))) == ["roles_list", "view"]


@pytest.mark.parametrize("removed", [True, False])
def test_channels_are_told_once_and_to_everybody(stage: Stage, removed: bool) -> None:
    news = stage.world.channels.by_name("news")
    assert news is not None
    ann = stage.user("ann")
    found = edit(
        stage,
        Change("users", ann.id, ann, msgspec.structs.replace(ann, roles=("moderator",))),
        Change("channels", news.id, news, None if removed else msgspec.structs.replace(news, icon="")),
        Change("channels", ORDER_KEY, Order(tuple(each.id for each in stage.world.channels.values())), Order()),
    )
    assert cmds(found) == ["user_roles_get", "view"]
    assert found.events[-1].audience == Everyone()


def test_nothing_changed_is_not_told(stage: Stage) -> None:
    assert effects(stage.world, []) == Effects(events=[], audit=[], closed=[])


def test_modes_topic_and_operators_of_a_channel_are_told_without_a_name_and_without_the_key(stage: Stage) -> None:
    news = stage.world.channels.by_name("news")
    assert news is not None
    ann = stage.user("ann")
    edited = msgspec.structs.replace(news, description="x", key="sesame", moderated=True, operators=(ann.id,))
    found = edit(stage, Change("channels", news.id, news, edited))
    *packets, listed = found.events
    assert listed.audience == Everyone()
    assert [told_one(event) for event in packets] == [
        {"cmd": "channel_topic", "channel": "news", "topic": "x", "by": None},
        {"cmd": "channel_modes", "channel": "news", "set": {"moderated": True, "key": True}, "by": None},
        {"cmd": "channel_member", "channel": "news", "user": ann.id, "operator": True, "voice": False, "by": None},
    ]
    assert [stage.seen_by(event) for event in packets] == [{"host", "ann"}] * 3


def test_another_password_ends_sessions_and_tokens(stage: Stage) -> None:
    ann = stage.user("ann")
    new = msgspec.structs.replace(ann, password_hash="another")
    found = edit(stage, Change("users", ann.id, ann, new))
    assert found.closed == [(ann.id, "Your password was changed")]
