"""Presence: lists of members, statuses, invisibility, nicknames."""

from __future__ import annotations

import pytest

from db.users import Status
from handlers.presence import came_online, ready_user, went_offline
from protocol.errors import Code
from tests.handlers.community import add_user, empower, to_everyone, told
from tests.handlers.conftest import Clock, Stage, as_json


def entry(stage: Stage, asked_by: str, of: str, cmd: str = "users_list") -> dict[str, object] | None:
    users = stage.answer(asked_by, cmd)["users"]
    return next((user for user in users if user["username"] in (of, stage.id(of))), None)


def test_users_list_has_everybody_but_the_banned(stage: Stage) -> None:
    stage.change_user("ben", banned=True)
    stage.connect("ann")
    users = stage.answer("ann", "users_list")["users"]
    assert [user["username"] for user in users] == [stage.id(name) for name in ("host", "mod", "ann", "guest")]
    assert entry(stage, "mod", "ann") == {
        "username": stage.id("ann"), "nickname": None, "roles": ["user"], "color": None,
        "status": {"status": "online", "text": ""}, "cracked": True, "pfp": None,
    }  # fmt: skip


def test_users_list_shows_who_is_away_as_offline_with_its_text(stage: Stage) -> None:
    stage.change_user("ann", status=Status("dnd", "busy"))
    found = entry(stage, "ben", "ann")
    assert found is not None
    assert found["status"] == {"status": "offline", "text": "busy"}


def test_users_list_takes_the_color_of_the_first_role(stage: Stage) -> None:
    stage.do("host", "role_update", name="moderator", color="#00FF00")
    found = [entry(stage, "ann", name) for name in ("mod", "ann")]
    assert [user["color"] for user in found if user is not None] == ["#00FF00", None]


def test_users_online_names_each_once_and_no_invisible(stage: Stage) -> None:
    for name in ("ann", "ben", "mod"):
        stage.connect(name)
    stage.do("ben", "status_set", status="invisible")
    users = stage.answer("ann", "users_online")["users"]
    assert [user["username"] for user in users] == [stage.id("ann"), stage.id("mod")]


def test_status_set_tells_everybody_once(stage: Stage) -> None:
    stage.connect("ann")
    outcome = stage.do("ann", "status_set", status="idle", text="lunch")
    assert outcome.reply is None
    assert told(outcome) == [
        {
            "cmd": "status_get", "username": stage.id("ann"), "status": {"status": "idle", "text": "lunch"},
            "global": True,
        }
    ]  # fmt: skip
    assert stage.user("ann").status == Status("idle", "lunch")


def test_status_set_is_saved_lazily(stage: Stage) -> None:
    stage.do("ann", "status_set", status="idle")
    assert [change.key for change in stage.world.documents.take_lazy()] == [stage.id("ann")]


def test_status_set_invisible_looks_like_leaving(stage: Stage) -> None:
    stage.connect("ann")
    outcome = stage.do("ann", "status_set", status="invisible", text="secret")
    assert told(outcome) == [{"cmd": "user_disconnect", "username": stage.id("ann")}]
    assert outcome.reply is not None
    assert as_json(outcome.reply) == {"cmd": "status_set", "status": {"status": "invisible", "text": "secret"}}
    others, own = entry(stage, "ben", "ann"), entry(stage, "ann", "ann")
    assert others is not None
    assert own is not None
    assert others["status"] == {"status": "offline", "text": "secret"}
    assert own["status"] == {"status": "invisible", "text": "secret"}
    assert told(stage.do("ann", "status_set", status="invisible")) == []


def test_status_set_visible_again_looks_like_coming(stage: Stage) -> None:
    stage.connect("ann")
    stage.do("ann", "status_set", status="invisible")
    outcome = stage.do("ann", "status_set", status="dnd")
    assert to_everyone(outcome) == ["user_connect", "status_get"]
    assert told(outcome)[0]["user"]["status"] == {"status": "dnd", "text": ""}
    assert outcome.reply is not None
    assert as_json(outcome.reply)["cmd"] == "status_get"


@pytest.mark.parametrize("fields", [{"status": "away"}, {"status": "idle", "text": "x" * 101}, {"text": "x"}])
def test_status_set_refuses_what_is_no_status(stage: Stage, fields: dict[str, str]) -> None:
    assert stage.refused("ann", "status_set", **fields).code.wire == "bad_value"


def test_status_get_hides_the_invisible_from_others(stage: Stage) -> None:
    stage.connect("ann")
    stage.do("ann", "status_set", status="invisible")
    seen = {name: stage.answer(name, "status_get", user="usr:LOCAL_ann") for name in ("ann", "ben")}
    assert seen["ann"]["status"]["status"] == "invisible"
    assert seen["ben"] == {
        "cmd": "status_get",
        "username": stage.id("ann"),
        "status": {"status": "offline", "text": ""},
    }
    assert stage.refused("ann", "status_get", user="nobody").code.wire == "user_not_found"


def test_nickname_update_and_nickname_remove_are_told_to_everybody(stage: Stage) -> None:
    outcome = stage.do("ann", "nickname_update", nickname="  Ännchen ")
    assert told(outcome) == [
        {"cmd": "nickname_update", "user": stage.id("ann"), "username": stage.id("ann"), "nickname": "Ännchen"}
    ]
    assert stage.user("ann").nickname == "Ännchen"
    outcome = stage.do("ann", "nickname_remove")
    assert told(outcome) == [{"cmd": "nickname_remove", "user": stage.id("ann"), "username": stage.id("ann")}]
    assert stage.user("ann").nickname is None


def test_nickname_update_and_nickname_remove_without_a_change_answer_the_caller_only(stage: Stage) -> None:
    for cmd, fields in (("nickname_remove", {}), ("nickname_update", {"nickname": "A"})):
        stage.change_user("ann", nickname=fields.get("nickname"))
        outcome = stage.do("ann", cmd, **fields)
        assert outcome.events == []
        assert stage.answer("ann", cmd, **fields)["cmd"] == cmd


@pytest.mark.parametrize("nickname", ["", "   ", "x" * 21, "a\nb", "\u202eabc", "\x00"])
def test_nickname_update_refuses_what_cannot_be_read(stage: Stage, nickname: str) -> None:
    assert stage.refused("ann", "nickname_update", nickname=nickname).code.wire == "bad_value"
    assert stage.user("ann").nickname is None


def test_coming_online_is_followed_by_the_status_that_differs(stage: Stage) -> None:
    world = stage.world
    stage.change_user("ann", status=Status("dnd", "x"))
    stage.change_user("ben", status=Status("invisible", "x"))
    events = [as_json(event.packet) for event in came_online(world, stage.user("ann"))]
    assert [event["cmd"] for event in events] == ["user_connect", "status_get"]
    assert events[0]["user"]["username"] == stage.id("ann")
    assert came_online(world, stage.user("ben")) == []
    assert [event["cmd"] for event in told_names(stage, "mod")] == ["user_connect"]


def told_names(stage: Stage, name: str) -> list[dict[str, object]]:
    return [as_json(event.packet) for event in came_online(stage.world, stage.user(name))]


def test_going_offline_is_told_unless_invisible_banned_or_gone(stage: Stage) -> None:
    world = stage.world
    stage.change_user("ben", status=Status("invisible"))
    stage.change_user("mod", banned=True)
    assert len(went_offline(world, stage.id("ann"), 5.0)) == 1
    assert stage.user("ann").last_seen == 5.0
    assert went_offline(world, stage.id("ben"), 5.0) == []
    assert went_offline(world, stage.id("mod"), 5.0) == []
    assert went_offline(world, "nobody", 5.0) == []


def test_ready_user_has_no_secret(stage: Stage) -> None:
    empower(stage, "manage_users")
    user = add_user(stage, "carl", "user", password_hash="$argon2id$secret", extra={"token": "secret"}, nickname="C")
    ready = ready_user(stage.world, user)
    assert "secret" not in repr(ready)
    assert (ready.username, ready.nickname, ready.cracked) == ("carl", "C", False)


def test_what_everybody_is_told_of_a_member_is_throttled(stage: Stage, clock: Clock) -> None:
    for name in ("ann", "ben"):
        stage.connect(name)
    stage.do("host", "role_create", name="gamer", self_assignable=True)
    clock.now += 61
    stage.do("ann", "self_role_add", role="gamer")
    for _ in range(14):
        stage.do("ann", "status_set", status="dnd")
        stage.do("ann", "pfp_set", url="https://example.org/me.png")
    stage.do("ann", "self_role_remove", role="gamer")
    stage.change_user("ann", nickname="Ally")
    for cmd, fields in (
        ("status_set", {"status": "idle"}), ("pfp_set", {"url": ""}), ("nickname_remove", {}),
        ("self_role_add", {"role": "gamer"}),
    ):  # fmt: skip
        refusal = stage.refused("ann", cmd, **fields)
        assert (refusal.code, refusal.fields) == (Code.TOO_MANY_TRIES, {"wait_s": 61}), cmd
    assert stage.user("ann").status.status == "dnd"
    stage.do("ben", "status_set", status="idle")
    clock.now += 61
    stage.do("ann", "nickname_remove")
