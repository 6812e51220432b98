"""Roles: hierarchy, escalation, renaming, deletion, order."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.roles import Role
from tests.handlers.community import empower, to_everyone, told
from tests.handlers.conftest import Stage


@pytest.fixture
def stage(stage: Stage) -> Stage:
    """`mod` manages roles; below it are helper (may delete messages), gamer (free for all) and user."""
    empower(stage, "manage_roles")
    user = role(stage, "user")
    stage.world.roles.put(msgspec.structs.replace(user, position=6))
    stage.world.roles.put(Role(name="helper", id="r-helper", position=3, permissions=("manage_messages", "rare")))
    stage.world.roles.put(Role(name="gamer", id="r-gamer", position=4, self_assignable=True))
    return stage


def role(stage: Stage, name: str) -> Role:
    found = stage.world.roles.get(name)
    assert found is not None
    return found


def all_roles(stage: Stage) -> list[Role]:
    return list(stage.world.roles)


# --- reading


def test_roles_list_is_keyed_by_name_and_carries_it(stage: Stage) -> None:
    roles = stage.answer("ann", "roles_list")["roles"]
    assert list(roles) == [each.name for each in stage.world.roles]
    assert roles["gamer"] == {
        "id": "r-gamer", "name": "gamer", "description": None, "color": None, "hoisted": False, "permissions": [],
        "self_assignable": True, "category": None, "position": 4,
    }  # fmt: skip


def test_role_permissions_get_takes_id_or_name(stage: Stage) -> None:
    expected = {
        "cmd": "role_permissions_get", "id": "r-helper", "name": "helper", "permissions": ["manage_messages", "rare"],
    }  # fmt: skip
    assert stage.answer("ann", "role_permissions_get", name="helper") == expected
    assert stage.answer("ann", "role_permissions_get", id="r-helper", name="gamer") == expected
    assert stage.refused("ann", "role_permissions_get").code.wire == "role_required"
    assert stage.refused("ann", "role_permissions_get", name="Helper").code.wire == "role_not_found"


# --- who may

WRITES: list[tuple[str, dict[str, Any]]] = [
    ("role_update", {"color": "#123456"}),
    ("role_set", {"data": {"color": "#123456"}}),
    ("role_delete", {}),
    ("role_permissions_set", {"permissions": []}),
]


@pytest.mark.parametrize(("cmd", "fields"), WRITES, ids=[cmd for cmd, _ in WRITES])
def test_roles_at_or_above_the_own_rank_stay_as_they_are(stage: Stage, cmd: str, fields: dict[str, Any]) -> None:
    before = all_roles(stage)
    for name in ("owner", "admin", "moderator"):
        assert stage.refused("mod", cmd, name=name, **fields).code.wire == "role_above"
        assert stage.refused("ann", cmd, name=name, **fields).code.wire == "permission_required"
    assert stage.refused("mod", cmd, **fields).code.wire == "role_required"
    assert stage.refused("mod", cmd, name="nothing", **fields).code.wire == "role_not_found"
    assert all_roles(stage) == before


def test_admin_is_out_of_reach_wherever_it_stands(stage: Stage) -> None:
    stage.world.roles.put(msgspec.structs.replace(role(stage, "admin"), position=9))
    assert stage.refused("mod", "role_update", name="admin", color="#000000").code.wire == "role_above"
    stage.do("host", "role_update", name="admin", color="#000000")


@pytest.mark.parametrize(
    ("cmd", "fields"),
    [
        ("role_create", {"name": "x", "permissions": ["administrator"]}),
        ("role_update", {"name": "helper", "permissions": ["administrator"]}),
        ("role_set", {"name": "helper", "data": {"permissions": ["manage_server"]}}),
        ("role_permissions_set", {"name": "helper", "permissions": ["unheard_of"]}),
    ],
)
def test_nobody_passes_on_what_they_do_not_hold(stage: Stage, cmd: str, fields: dict[str, Any]) -> None:
    assert stage.refused("mod", cmd, **fields).code.wire == "permission_above"
    stage.do("host", cmd, **fields)


@pytest.mark.parametrize(
    ("cmd", "fields"),
    [
        ("role_create", {"name": "x", "permissions": ["manage_messages"], "self_assignable": True}),
        ("role_update", {"name": "gamer", "permissions": ["manage_messages"]}),
        ("role_update", {"name": "helper", "self_assignable": True}),
        ("role_update", {"name": "moderator", "self_assignable": True}),
        ("role_set", {"name": "admin", "data": {"self_assignable": True}}),
        ("role_set", {"id": "r-gamer", "data": {"name": "x", "permissions": ["manage_roles"]}}),
        ("role_permissions_set", {"name": "gamer", "permissions": ["manage_messages"]}),
    ],
)
def test_power_is_never_self_assignable(stage: Stage, cmd: str, fields: dict[str, Any]) -> None:
    before = all_roles(stage)
    assert stage.refused("host", cmd, **fields).code.wire == "cannot_be_self_assignable"
    assert all_roles(stage) == before


# --- writing


def test_role_create_puts_it_at_the_bottom_and_tells_everybody(stage: Stage) -> None:
    outcome = stage.do("mod", "role_create", name=" artist ", color="#FF00FF", permissions=["speak", "speak"])
    assert to_everyone(outcome) == ["roles_list"]
    created = role(stage, "artist")
    assert (created.position, created.permissions, created.color) == (7, ("speak",), "#FF00FF")
    assert told(outcome)[0]["roles"]["artist"]["id"] == created.id
    assert stage.answer("mod", "role_create", name="b")["name"] == "b"


@pytest.mark.parametrize("name", ["", " ", "!deny", "x" * 65, "a\nb", "a\u202eb"])
def test_role_create_refuses_bad_names(stage: Stage, name: str) -> None:
    assert stage.refused("host", "role_create", name=name).code.wire == "bad_role_name"


@pytest.mark.parametrize("name", ["Owner", "gamer", "BANNED"])
def test_role_create_refuses_taken_names(stage: Stage, name: str) -> None:
    assert stage.refused("host", "role_create", name=name).code.wire == "role_exists"


def test_role_update_changes_one_field_and_null_clears(stage: Stage) -> None:
    answer = stage.answer("mod", "role_update", name="gamer", color="#00FF00")
    assert answer == {"cmd": "role_update", "id": "r-gamer", "name": "gamer", "updated": True}
    assert role(stage, "gamer").color == "#00FF00"
    stage.do("mod", "role_update", name="gamer", color=None)
    assert role(stage, "gamer") == Role(name="gamer", id="r-gamer", position=4, self_assignable=True)


def test_role_update_leaves_permissions_that_the_role_has_already(stage: Stage) -> None:
    stage.do("mod", "role_update", name="helper", permissions=["rare", "manage_messages", "speak"])
    assert role(stage, "helper").permissions == ("rare", "manage_messages", "speak")
    stage.do("mod", "role_update", name="helper", permissions=["speak"])
    assert stage.refused("mod", "role_update", name="helper", permissions=["rare"]).code.wire == "permission_above"


def test_role_update_renames_everywhere(stage: Stage) -> None:
    world = stage.world
    stage.change_user("ann", roles=("gamer", "user"))
    general = world.channels.by_name("general")
    assert general is not None
    world.channels.put(
        msgspec.structs.replace(general, permissions={"view": ("user", "!gamer"), "send": ("gamer",), "pin": ("x",)})
    )
    world.roles.put(msgspec.structs.replace(role(stage, "helper"), mention_roles=("gamer", "user")))
    outcome = stage.do("mod", "role_update", id="r-gamer", name="player")
    assert to_everyone(outcome) == ["roles_list", "user_roles_get", "view"]
    assert world.roles.get("gamer") is None
    assert role(stage, "player").id == "r-gamer"
    assert stage.user("ann").roles == ("player", "user")
    changed = world.channels.by_name("general")
    assert changed is not None
    assert changed.permissions == {"view": ("user", "!player"), "send": ("player",), "pin": ("x",)}
    assert role(stage, "helper").mention_roles == ("player", "user")


def pinged(stage: Stage, person: str) -> list[str]:
    return [message["content"] for message in stage.answer(person, "pings_get")["messages"]]


@pytest.mark.parametrize("cmd", ["role_update", "role_set"])
def test_role_update_and_role_set_take_the_pings_along_with_the_name(stage: Stage, cmd: str) -> None:
    stage.change_user("ben", roles=("gamer", "user"))
    stage.do("host", "message_new", channel="general", content="hi @&gamer")
    new: dict[str, Any] = {"name": "player"} if cmd == "role_update" else {"data": {"name": "player"}}
    stage.do("mod", cmd, id="r-gamer", **new)
    assert pinged(stage, "ben") == ["hi @&gamer"]
    stage.do("mod", "role_create", name="gamer")
    stage.change_user("ann", roles=("gamer", "user"))
    assert pinged(stage, "ann") == [], "the new role was not called"


def test_role_delete_and_role_update_leave_no_pings_to_a_later_role_of_the_name(stage: Stage) -> None:
    stage.do("host", "message_new", channel="general", content="hi @&gamer and @&helper")
    stage.do("mod", "role_delete", name="gamer")
    stage.do("mod", "role_create", name="gamer")
    stage.change_user("ben", roles=("gamer", "user"))
    assert pinged(stage, "ben") == []
    stage.do("mod", "role_update", id="r-helper", name="aide")
    assert pinged(stage, "ben") == []
    stage.change_user("ann", roles=("aide", "user"))
    assert pinged(stage, "ann") == ["hi @&gamer and @&helper"]


def test_a_renamed_role_inherits_no_pings_of_one_that_was_removed_by_hand(stage: Stage) -> None:
    stage.do("host", "message_new", channel="general", content="hi @&gamer")
    stage.world.roles.remove("gamer")
    stage.do("mod", "role_update", id="r-helper", name="gamer")
    stage.change_user("ben", roles=("gamer", "user"))
    assert pinged(stage, "ben") == []


@pytest.mark.parametrize(
    ("cmd", "fields"),
    [
        ("role_update", {"name": "gamer", "hoisted": False, "self_assignable": True, "permissions": []}),
        ("role_update", {"id": "r-gamer", "name": "gamer"}),
        ("role_set", {"name": "gamer", "data": {"color": None, "position": 4}}),
        ("role_set", {"id": "r-gamer", "data": {"name": "gamer"}}),
        ("role_permissions_set", {"name": "helper", "permissions": ["manage_messages", "rare", "rare"]}),
        ("role_reorder", {"roles": ["owner", "admin", "moderator", "helper", "gamer"]}),
    ],
)
def test_what_changes_no_role_is_told_to_nobody(stage: Stage, cmd: str, fields: dict[str, Any]) -> None:
    stage.world.roles.put(msgspec.structs.replace(role(stage, "user"), position=5))  # a reorder leaves no hole
    outcome = stage.do("mod", cmd, **fields)
    assert outcome.events == []
    assert outcome.reply is not None


def test_role_update_without_a_change_is_refused(stage: Stage) -> None:
    for named in ({"name": "gamer"}, {"id": "r-gamer"}):
        assert stage.refused("mod", "role_update", **named).code.wire == "no_updates"


@pytest.mark.parametrize(
    ("name", "new", "code"),
    [("gamer", "helper", "role_exists"), ("gamer", "Helper", "role_exists"), ("user", "people", "role_protected")],
)
def test_role_set_refuses_names_that_are_taken_or_fixed(stage: Stage, name: str, new: str, code: str) -> None:
    before = all_roles(stage)
    assert stage.refused("host", "role_set", name=name, data={"name": new}).code.wire == code
    assert all_roles(stage) == before


def test_role_set_moves_only_below_the_own_rank(stage: Stage) -> None:
    stage.do("mod", "role_set", name="gamer", data={"position": 3, "hoisted": True})
    assert (role(stage, "gamer").position, role(stage, "gamer").hoisted) == (3, True)
    assert stage.refused("mod", "role_set", name="gamer", data={"position": 2}).code.wire == "role_above"
    stage.do("host", "role_set", name="gamer", data={"position": 0})
    assert stage.refused("host", "role_set", name="gamer", data={}).code.wire == "no_updates"
    assert stage.refused("host", "role_set", name="gamer", data={"id": "x"}).code.wire == "bad_value"


def test_role_permissions_set_tells_everybody_and_changes_sight(stage: Stage) -> None:
    outcome = stage.do("mod", "role_permissions_set", name="helper", permissions=["manage_messages"])
    assert to_everyone(outcome) == ["roles_list"]
    outcome = stage.do("host", "role_permissions_set", name="helper", permissions=["administrator"])
    assert to_everyone(outcome) == ["roles_list", "view"]
    answer = stage.answer("host", "role_permissions_set", id="r-helper", permissions=[])
    assert answer == {
        "cmd": "role_permissions_set", "id": "r-helper", "name": "helper", "permissions": [], "updated": True,
    }  # fmt: skip


def test_role_delete_takes_it_from_its_members(stage: Stage) -> None:
    stage.change_user("ann", roles=("gamer", "user"))
    outcome = stage.do("mod", "role_delete", name="gamer")
    assert to_everyone(outcome) == ["roles_list", "user_roles_get"]
    assert stage.user("ann").roles == ("user",)
    assert stage.world.roles.get("gamer") is None


@pytest.mark.parametrize("name", ["owner", "admin", "user"])
def test_role_delete_spares_system_roles(stage: Stage, name: str) -> None:
    assert stage.refused("host", "role_delete", name=name).code.wire == "role_protected"


@pytest.mark.parametrize("entry", ["gamer", "!gamer"])
def test_role_delete_refuses_while_a_rule_names_the_role(stage: Stage, entry: str) -> None:
    staff = stage.world.channels.by_name("staff")
    assert staff is not None
    stage.world.channels.put(msgspec.structs.replace(staff, permissions={"view": ("admin", entry)}))
    assert stage.refused("host", "role_delete", name="gamer").text == "Role is used in channel 'staff' permissions"
    refusal = stage.refused("mod", "role_delete", name="gamer")
    assert refusal.code.wire == "role_in_use"
    assert "staff" not in refusal.text


# --- order


def order(stage: Stage) -> list[str]:
    return [each.name for each in stage.world.roles.by_position()]


def test_role_reorder_by_an_owner_sets_all_positions(stage: Stage) -> None:
    wanted = ["owner", "moderator", "r-gamer", "admin", "user", "helper"]
    answer = stage.answer("host", "role_reorder", roles=wanted)
    assert answer["roles"] == order(stage) == ["owner", "moderator", "gamer", "admin", "user", "helper"]
    assert [each.position for each in stage.world.roles.by_position()] == list(range(6))


def test_role_reorder_by_a_manager_moves_only_what_is_below(stage: Stage) -> None:
    stage.do("mod", "role_reorder", roles=["owner", "admin", "moderator", "user", "helper", "gamer"])
    assert order(stage) == ["owner", "admin", "moderator", "user", "helper", "gamer"]
    before = all_roles(stage)
    for wanted in (["moderator", "admin"], ["gamer", "moderator"], ["owner", "admin", "gamer", "moderator", "user"]):
        assert stage.refused("mod", "role_reorder", roles=wanted).code.wire == "role_above"
    assert all_roles(stage) == before


def test_role_reorder_checks_the_whole_list_first(stage: Stage) -> None:
    before = all_roles(stage)
    assert stage.refused("host", "role_reorder", roles=["gamer", "nothing"]).code.wire == "role_not_found"
    assert stage.refused("host", "role_reorder", roles=["gamer", "r-gamer"]).code.wire == "bad_value"
    assert stage.refused("host", "role_reorder", roles=[]).code.wire == "bad_value"
    assert all_roles(stage) == before


def test_role_reorder_of_a_part_keeps_the_others(stage: Stage) -> None:
    stage.do("mod", "role_reorder", roles=["user", "helper"])
    assert order(stage) == ["owner", "admin", "moderator", "user", "gamer", "helper"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(["owner", "admin", "moderator", "helper", "gamer", "user"]), st.integers(1, 6))
def test_role_reorder_never_lifts_anything_past_the_caller(stage: Stage, wanted: list[str], length: int) -> None:
    from protocol.errors import Refused

    mod = stage.user("mod")
    above = {each.name for each in stage.world.roles if not stage.world.access.may_manage(mod, each)}
    try:
        stage.do("mod", "role_reorder", roles=wanted[:length])
    except Refused:
        pass
    else:
        listed = [name for name in order(stage) if name in wanted[:length]]
        assert listed == wanted[:length]
    now = {each.name for each in stage.world.roles if not stage.world.access.may_manage(mod, each)}
    assert now == above


def test_every_pair_of_role_names_is_told_apart(stage: Stage) -> None:
    for one, other in itertools.combinations([each.name for each in stage.world.roles], 2):
        assert stage.refused("host", "role_set", name=one, data={"name": other}).code.wire in (
            "role_exists",
            "role_protected",
        )
