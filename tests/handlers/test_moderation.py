"""Acting on members: rank, owners, bans, mutes, deletion, renaming, leaving."""

from __future__ import annotations

from typing import Any

import pytest

from db.sessions import StoredSession
from protocol.audience import Everyone, SessionsOf
from tests.handlers.community import add_user, closed, empower, to_everyone, told
from tests.handlers.conftest import Clock, Stage

ACTS: list[tuple[str, dict[str, Any]]] = [
    ("user_ban", {}),
    ("user_timeout", {"timeout": 60}),
    ("user_delete", {}),
    ("user_update", {"updates": {"nickname": "x"}}),
    ("user_roles_set", {"roles": ["user"]}),
    ("user_roles_add", {"roles": ["user"]}),
    ("user_roles_remove", {"roles": ["user"]}),
]
every_act = pytest.mark.parametrize(("cmd", "fields"), ACTS, ids=[cmd for cmd, _ in ACTS])


@pytest.fixture
def stage(stage: Stage) -> Stage:
    empower(stage, "manage_users")
    return stage


@every_act
def test_acts_need_manage_users(stage: Stage, cmd: str, fields: dict[str, Any]) -> None:
    refusal = stage.refused("ann", cmd, user=stage.id("ben"), **fields)
    assert refusal.text == "Access denied: 'manage_users' permission required"


@every_act
@pytest.mark.parametrize("target", ["host", "boss", "peer"])
def test_nobody_acts_on_members_at_or_above_their_rank(
    stage: Stage, cmd: str, fields: dict[str, Any], target: str
) -> None:
    add_user(stage, "boss", "admin")
    add_user(stage, "peer", "moderator", "user")
    name = stage.id("host") if target == "host" else target
    before = list(stage.world.users)
    assert stage.refused("mod", cmd, user=name, **fields).code.wire == "member_above"
    assert list(stage.world.users) == before


@pytest.mark.parametrize(("cmd", "fields"), [ACTS[0], ACTS[1], ACTS[2]], ids=["ban", "timeout", "delete"])
@pytest.mark.parametrize("actor", ["host", "mod"])
def test_nobody_throws_themselves_out(stage: Stage, actor: str, cmd: str, fields: dict[str, Any]) -> None:
    assert stage.refused(actor, cmd, user=stage.id(actor), **fields).code.wire == "not_yourself"


def test_user_ban_ends_sessions_tells_everybody_and_disconnects(stage: Stage) -> None:
    stage.connect("ann")
    tx = stage.world.store.begin()
    tx.sessions.add(
        StoredSession(id="s", token_hash=b"h", user_id=stage.id("ann"), created_at=1, last_seen=1)
    )  # fmt: skip
    tx.commit()
    outcome = stage.do("mod", "user_ban", user="USR:LOCAL_ANN")
    assert told(outcome) == [{"cmd": "user_leave", "username": stage.id("ann")}]
    assert outcome.events[0].audience == Everyone()
    assert stage.user("ann").banned
    assert stage.user("ann").roles == ("user",)
    assert closed(stage, "ann")
    frames = stage.sessions["ann"].sink.frames  # type: ignore[attr-defined]
    assert b'"disconnect"' in frames[-1].plain
    assert not stage.world.fanout.is_online(stage.id("ann"))
    tx = stage.world.store.begin()
    assert tx.sessions.of_user(stage.id("ann")) == []
    tx.rollback()


def test_user_ban_answers_false_where_nothing_changes(stage: Stage) -> None:
    assert stage.answer("mod", "user_ban", user="nobody") == {"cmd": "user_ban", "user": "nobody", "banned": False}
    assert stage.answer("mod", "user_ban", user=stage.id("ann"))["banned"] is True
    assert stage.answer("mod", "user_ban", user=stage.id("ann"))["banned"] is False


def test_user_unban_brings_the_member_back(stage: Stage) -> None:
    stage.do("mod", "user_ban", user=stage.id("ann"))
    outcome = stage.do("mod", "user_unban", user=stage.id("ann"))
    assert to_everyone(outcome) == ["user_join"]
    assert not stage.user("ann").banned
    assert stage.answer("mod", "user_unban", user=stage.id("ann"))["unbanned"] is False
    assert stage.answer("mod", "user_unban", user="nobody") == {
        "cmd": "user_unban",
        "user": "nobody",
        "unbanned": False,
    }


def test_user_unban_needs_rank(stage: Stage) -> None:
    add_user(stage, "boss", "admin", banned=True)
    assert stage.refused("mod", "user_unban", user="boss").code.wire == "member_above"


def test_users_banned_list_is_for_managers(stage: Stage) -> None:
    stage.do("mod", "user_ban", user=stage.id("ann"))
    assert stage.answer("mod", "users_banned_list") == {"cmd": "users_banned_list", "users": [stage.id("ann")]}
    assert stage.refused("ben", "users_banned_list").code.wire == "permission_required"


@pytest.mark.parametrize(("cmd", "fields"), [ACTS[0], ACTS[2], ACTS[4]], ids=["ban", "delete", "roles"])
def test_the_last_owner_stays_owner(stage: Stage, cmd: str, fields: dict[str, Any]) -> None:
    second = add_user(stage, "second", "owner")
    stage.do("host", cmd, user="second", **fields)
    stage.world.users.put(second)
    stage.do("host", "user_ban", user="second")
    refusal = stage.refused("host", "user_roles_set", user=stage.id("host"), roles=["user"])
    assert refusal.code.wire == "last_owner"
    assert stage.refused("host", "user_leave").code.wire == "last_owner"
    assert stage.user("host").roles[0] == "owner"


def test_owners_may_act_on_each_other_while_one_is_left(stage: Stage) -> None:
    add_user(stage, "second", "owner")
    stage.do("host", "user_ban", user="second")
    assert stage.refused("host", "user_leave").code.wire == "last_owner"


def test_user_timeout_sets_and_lifts_a_mute(stage: Stage, clock: Clock) -> None:
    outcome = stage.do("mod", "user_timeout", user=stage.id("ann"), timeout=60)
    assert stage.user("ann").muted_until == clock.now + 60
    assert outcome.events[0].audience == SessionsOf(stage.id("ann"))
    assert told(outcome) == [{"cmd": "rate_limit", "length": 60_000, "reason": "User timeout set"}]
    assert stage.answer("mod", "user_timeout", user=stage.id("ann"), timeout=0) == {
        "cmd": "user_timeout", "user": stage.id("ann"), "timeout": 0,
    }  # fmt: skip
    assert stage.user("ann").muted_until is None


@pytest.mark.parametrize("timeout", [-1, True, "60", 1.5, 10**12])
def test_user_timeout_takes_whole_seconds(stage: Stage, timeout: object) -> None:
    assert stage.refused("mod", "user_timeout", user=stage.id("ann"), timeout=timeout).code.wire == "bad_value"
    assert stage.refused("mod", "user_timeout", user="nobody", timeout=5).code.wire == "user_not_found"


def test_user_delete_forgets_the_member_and_a_ban(stage: Stage) -> None:
    stage.connect("ann")
    outcome = stage.do("mod", "user_delete", user=stage.id("ann"))
    assert to_everyone(outcome) == ["user_leave"]
    assert stage.world.users.get(stage.id("ann")) is None
    assert closed(stage, "ann")
    stage.do("mod", "user_ban", user=stage.id("ben"))
    assert told(stage.do("mod", "user_delete", user=stage.id("ben"))) == []
    assert stage.refused("mod", "user_delete", user="nobody").code.wire == "user_not_found"


def test_user_leave_answers_and_closes_every_connection_after(stage: Stage) -> None:
    stage.connect("ann")
    outcome = stage.do("ann", "user_leave")
    assert told(outcome) == [{"cmd": "user_leave", "username": stage.id("ann")}]
    assert outcome.reply is not None
    assert outcome.after is not None
    assert closed(stage, "ann")
    assert stage.world.users.get(stage.id("ann")) is None


def test_user_leave_keeps_a_ban(stage: Stage) -> None:
    stage.change_user("ann", banned=True)
    assert told(stage.do("ann", "user_leave")) == []
    assert stage.user("ann").banned


def test_user_update_without_a_change_answers_the_caller_only(stage: Stage) -> None:
    add_user(stage, "carl", "user", nickname="C")
    outcome = stage.do("mod", "user_update", user="carl", updates={"username": "carl", "nickname": " C "})
    assert outcome.events == []
    assert stage.answer("mod", "user_update", user="carl", updates={"nickname": "C"}) == {
        "cmd": "user_update", "user": "carl", "nickname": "C",
    }  # fmt: skip


def test_user_update_renames_and_tells_both_ways(stage: Stage) -> None:
    add_user(stage, "carl", "user")
    outcome = stage.do("mod", "user_update", user="CARL", updates={"username": "Karl", "nickname": "K"})
    assert told(outcome) == [
        {"cmd": "user_update", "user": "carl", "username": "Karl", "nickname": "K"},
        {"cmd": "user_updated", "user_id": "id-of-carl", "username": "Karl", "nickname": "K"},
    ]
    assert stage.answer("mod", "user_update", user="karl", updates={"nickname": ""}) == {
        "cmd": "user_update", "user": "Karl", "nickname": None,
    }  # fmt: skip
    stage.do("mod", "user_update", user="Karl", updates={"username": "KARL"})


@pytest.mark.parametrize(
    ("updates", "code"),
    [
        ({"username": "usr:local_ANN"}, "bad_value"),
        ({"username": "dora"}, "name_taken"),
        ({"username": "id-of-Dora"}, "name_taken"),
        ({"username": ""}, "bad_value"),
        ({"username": "x" * 65}, "bad_value"),
        ({"username": "a\u202eb"}, "bad_value"),
        ({"nickname": "x" * 21}, "bad_value"),
        ({"roles": ["owner"]}, "bad_value"),
        ({}, "no_updates"),
    ],
)
def test_user_update_refuses(stage: Stage, updates: dict[str, str], code: str) -> None:
    add_user(stage, "carl", "user")
    add_user(stage, "Dora", "user")
    stage.world.users.put(add_user(stage, "id-of-Dora", "user"))
    assert stage.refused("mod", "user_update", user="carl", updates=updates).code.wire == code


def test_user_update_keeps_the_login_of_local_accounts(stage: Stage) -> None:
    refusal = stage.refused("mod", "user_update", user=stage.id("ann"), updates={"username": "anna"})
    assert refusal.code.wire == "name_fixed"
    stage.do("mod", "user_update", user=stage.id("mod"), updates={"nickname": "Boss"})
    assert stage.user("mod").nickname == "Boss"
