"""Who has which roles: given and taken by those above, or taken by oneself."""

from __future__ import annotations

import msgspec
import pytest

from db.roles import Role
from protocol.audience import Everyone, SessionsOf
from tests.handlers.community import add_user, empower, told, told_one
from tests.handlers.conftest import Stage


@pytest.fixture
def stage(stage: Stage) -> Stage:
    """`mod` manages users; below it: helper (a permission that mod lacks), gamer and artist (free for all), user."""
    empower(stage, "manage_users")
    roles = stage.world.roles
    user = roles.get("user")
    assert user is not None
    roles.put(msgspec.structs.replace(user, position=9, color="#0000FF"))
    roles.put(Role(name="helper", id="r-helper", position=3, permissions=("manage_server",)))
    roles.put(Role(name="gamer", id="r-gamer", position=4, self_assignable=True, color="#00FF00"))
    roles.put(Role(name="artist", id="r-artist", position=5, self_assignable=True))
    return stage


def test_user_roles_get_tells_the_order_and_color(stage: Stage) -> None:
    stage.change_user("ann", roles=("ghost", "user"))
    assert stage.answer("ben", "user_roles_get", user=stage.id("ann")) == {
        "cmd": "user_roles_get", "user": stage.id("ann"), "roles": ["ghost", "user"], "color": None,
    }  # fmt: skip
    assert stage.answer("ann", "user_roles_get", user=stage.id("ben"))["color"] == "#0000FF"
    assert stage.refused("ann", "user_roles_get", user="nobody").code.wire == "user_not_found"


def test_user_roles_set_answers_with_the_event(stage: Stage) -> None:
    outcome = stage.do("mod", "user_roles_set", user=stage.id("ann"), roles=["r-gamer", "user", "gamer"])
    assert outcome.reply is None
    packet = {
        "cmd": "user_roles_get", "user": stage.id("ann"), "roles": ["gamer", "user"], "color": "#00FF00",
        "global": True,
    }  # fmt: skip
    assert told(outcome) == [packet, {"view": "channels_get"}]
    assert [event.audience for event in outcome.events] == [Everyone(), SessionsOf(stage.id("ann"))]
    assert stage.user("ann").roles == ("gamer", "user")


def test_user_roles_set_of_the_same_roles_answers_the_caller_only(stage: Stage) -> None:
    outcome = stage.do("mod", "user_roles_set", user=stage.id("ann"), roles=["user", "r3"])
    assert outcome.events == []
    assert stage.answer("mod", "user_roles_set", user=stage.id("ann"), roles=["user"]) == {
        "cmd": "user_roles_get", "user": stage.id("ann"), "roles": ["user"], "color": "#0000FF", "global": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("roles", "code"),
    [
        (["owner"], "role_above"),
        (["user", "admin"], "role_above"),
        (["moderator"], "role_above"),
        (["helper"], "permission_above"),
        (["nothing"], "role_not_found"),
        (["banned"], "role_not_found"),
        ([], "bad_value"),
    ],
)
def test_user_roles_set_grants_nothing_above(stage: Stage, roles: list[str], code: str) -> None:
    assert stage.refused("mod", "user_roles_set", user=stage.id("ann"), roles=roles).code.wire == code
    assert stage.user("ann").roles == ("user",)


def test_user_roles_set_lets_nobody_drop_the_own_rank(stage: Stage) -> None:
    assert stage.refused("mod", "user_roles_set", user=stage.id("mod"), roles=["user"]).code.wire == "role_above"
    stage.do("mod", "user_roles_set", user=stage.id("mod"), roles=["moderator", "gamer"])
    assert stage.user("mod").roles == ("moderator", "gamer")


def test_user_roles_set_keeps_names_that_no_role_has_any_more(stage: Stage) -> None:
    stage.change_user("ann", roles=("ghost", "user"))
    stage.do("mod", "user_roles_set", user=stage.id("ann"), roles=["user", "ghost"])
    assert stage.user("ann").roles == ("user", "ghost")


def test_user_roles_set_by_an_owner_makes_owners(stage: Stage) -> None:
    stage.do("host", "user_roles_set", user=stage.id("ann"), roles=["owner", "user"])
    stage.do("host", "user_roles_set", user=stage.id("host"), roles=["user"])
    assert [owner.id for owner in stage.world.users.with_role("owner")] == [stage.id("ann")]


def test_user_roles_set_does_not_lift_a_ban(stage: Stage) -> None:
    stage.change_user("ann", banned=True)
    stage.do("mod", "user_roles_set", user=stage.id("ann"), roles=["gamer"])
    assert stage.user("ann").banned


def test_user_roles_add_appends_what_is_missing(stage: Stage) -> None:
    outcome = stage.do("mod", "user_roles_add", user=stage.id("ann"), roles=["user", "gamer"])
    assert told(outcome)[0]["roles"] == ["user", "gamer"]
    assert stage.answer("mod", "user_roles_add", user=stage.id("ann"), roles=["gamer"]) == {
        "cmd": "user_roles_add", "user": stage.id("ann"), "roles": ["user", "gamer"], "added": False,
    }  # fmt: skip
    assert stage.refused("mod", "user_roles_add", user=stage.id("ann"), roles=["admin"]).code.wire == "role_above"


def test_user_roles_remove_leaves_one(stage: Stage) -> None:
    stage.change_user("ann", roles=("gamer", "user", "ghost"))
    assert stage.answer("mod", "user_roles_remove", user=stage.id("ann"), roles=["r-gamer", "ghost"]) == {
        "cmd": "user_roles_remove", "user": stage.id("ann"), "roles": ["user"], "removed": True,
    }  # fmt: skip
    assert stage.answer("mod", "user_roles_remove", user=stage.id("ann"), roles=["gamer"])["removed"] is False
    refusal = stage.refused("mod", "user_roles_remove", user=stage.id("ann"), roles=["user"])
    assert refusal.text == "Cannot remove all roles from a user"
    assert stage.refused("mod", "user_roles_remove", user=stage.id("ann"), roles=["x"]).code.wire == "role_not_found"


def test_user_roles_remove_takes_nothing_above(stage: Stage) -> None:
    add_user(stage, "boss", "admin", "user")
    assert stage.refused("mod", "user_roles_remove", user="boss", roles=["user"]).code.wire == "member_above"
    assert (
        stage.refused("mod", "user_roles_remove", user=stage.id("mod"), roles=["moderator"]).code.wire == "role_above"
    )
    refusal = stage.refused("host", "user_roles_remove", user=stage.id("host"), roles=["owner"])
    assert refusal.code.wire == "last_owner"


def test_losing_a_role_takes_the_channel_away_at_once(stage: Stage) -> None:
    stage.connect("mod")
    names = [channel["name"] for channel in stage.answer("mod", "channels_get")["val"]]
    assert "staff" in names
    outcome = stage.do("host", "user_roles_set", user=stage.id("mod"), roles=["user"])
    assert told_one(outcome.events[1]) == {"view": "channels_get"}
    names = [channel["name"] for channel in stage.answer("mod", "channels_get")["val"]]
    assert "staff" not in names


# --- roles that members take themselves


def test_self_role_add_appends_and_tells_everybody(stage: Stage) -> None:
    outcome = stage.do("ann", "self_role_add", role="r-gamer")
    assert told(outcome) == [
        {"cmd": "user_roles_get", "user": stage.id("ann"), "roles": ["user", "gamer"], "color": "#0000FF"},
        {"view": "channels_get"},
    ]
    assert stage.user("ann").roles == ("user", "gamer")
    assert stage.refused("ann", "self_role_add", role="gamer").text == "You already have this role"
    assert stage.answer("ann", "self_role_add", role="artist") == {
        "cmd": "self_role_add", "role": "artist", "success": True, "roles": ["user", "gamer", "artist"],
    }  # fmt: skip


@pytest.mark.parametrize("name", ["owner", "admin", "moderator", "helper", "user"])
def test_self_role_add_never_gives_power_even_when_marked_by_hand(stage: Stage, name: str) -> None:
    role = stage.world.roles.get(name)
    assert role is not None
    stage.world.roles.put(msgspec.structs.replace(role, self_assignable=name != "user"))
    stage.change_user("guest", roles=())
    assert stage.refused("guest", "self_role_add", role=name).text == "This role is not self-assignable"
    assert stage.refused("guest", "self_role_remove", role=name).code.wire == "not_self_assignable"


def test_self_role_remove_drops_it(stage: Stage) -> None:
    stage.change_user("ann", roles=("user", "gamer"))
    assert stage.answer("ann", "self_role_remove", role="gamer")["roles"] == ["user"]
    assert stage.refused("ann", "self_role_remove", role="gamer").text == "You don't have this role"
    assert stage.refused("ann", "self_role_remove", role="nothing").code.wire == "role_not_found"


def test_self_roles_list_marks_the_own_ones(stage: Stage) -> None:
    stage.change_user("ann", roles=("user", "gamer"))
    roles = stage.answer("ann", "self_roles_list")["roles"]
    assert [(role["name"], role["assigned"]) for role in roles] == [("gamer", True), ("artist", False)]
