"""The moderation log: what enters it, and who reads what of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from config.features import Modlog
from db.channels import Channel
from db.documents import Change, Order
from db.roles import Role
from db.users import User
from handlers import audit, modlog
from handlers.hand_edits import effects
from protocol.audience import Holders
from protocol.decode import BadPacket, decode
from protocol.errors import Code
from protocol.modlog import ModlogNewEvent
from tests.handlers.community import add_user, empower
from tests.handlers.conftest import Clock, Stage

DAY_S = 86_400


def entries(stage: Stage, reader: str = "host", **filters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stage.answer(reader, "modlog_get", **filters)["entries"]
    return found


def newest(stage: Stage) -> tuple[str, str | None, dict[str, Any]]:
    """Action, name of the target, details."""
    entry = entries(stage, limit=1)[0]
    return entry["action"], entry["target_name"], entry["details"]


def say(stage: Stage, name: str, channel: str = "general") -> str:
    id_: str = stage.answer(name, "message_new", channel=channel, content="hello")["message"]["id"]
    return id_


# --- what enters it


ANN = "USR:local_ann"
ACTS: list[tuple[str, dict[str, Any], tuple[str, str | None, dict[str, Any]]]] = [
    ("user_ban", {"user": "ann"}, ("user_ban", ANN, {})),
    ("user_timeout", {"user": "ann", "timeout": 60}, ("user_timeout", ANN, {"timeout": 60})),
    ("user_roles_set", {"user": "ann", "roles": ["moderator"]}, ("user_roles_set", ANN, {"roles": ["moderator"]})),
    ("user_roles_add", {"user": "ann", "roles": ["admin"]}, ("user_roles_set", ANN, {"roles": ["user", "admin"]})),
    ("user_update", {"user": "ann", "updates": {"nickname": "Al"}}, ("user_update", ANN, {"nickname": "Al"})),
    ("user_delete", {"user": "ann"}, ("user_delete", ANN, {})),
    ("user_delete", {"user": "ann", "erase": True}, ("user_delete", ANN, {"erase": True})),
    ("user_export", {"user": "ann"}, ("user_export", ANN, {})),
    ("role_create", {"name": "vip"}, ("role_create", "vip", {"color": None, "permissions": []})),
    ("role_update", {"name": "user", "color": "#112233"}, ("role_update", "user", {"color": "#112233"})),
    ("role_set", {"id": "r3", "data": {"hoisted": True}}, ("role_update", "user", {"hoisted": True})),
    ("role_permissions_set", {"name": "user", "permissions": []},
     ("role_permissions_set", "user", {"permissions": []})),
    ("role_reorder", {"roles": ["user", "moderator"]},
     ("role_reorder", None, {"roles": ["owner", "admin", "user", "moderator"]})),
    ("channel_create", {"name": "new", "type": "text"}, ("channel_create", "new", {"type": "text"})),
    ("channel_update", {"current_name": "news", "updates": {"description": "x", "action": "odd"}},
     ("channel_update", "news", {"description": "x", "action": "odd"})),
    ("channel_move", {"name": "news", "position": 0}, ("channel_move", "news", {"position": 0})),
    ("channel_delete", {"name": "news"}, ("channel_delete", "news", {})),
    ("channel_topic_set", {"channel": "news", "topic": "x"}, ("channel_update", "news", {"description": "x"})),
    ("channel_modes_set", {"channel": "news", "key": "hush-hush", "secret": True},
     ("channel_modes_set", "news", {"secret": True, "key": True})),
    ("channel_member_set", {"channel": "news", "user": "ann", "voice": True},
     ("channel_member_set", ANN, {"channel": "news", "operator": False, "voice": True})),
]  # fmt: skip


@pytest.mark.parametrize(("cmd", "fields", "expected"), ACTS, ids=[cmd for cmd, _, _ in ACTS])
def test_acts_of_moderators_are_logged_with_their_details(
    stage: Stage, cmd: str, fields: dict[str, Any], expected: tuple[str, str | None, dict[str, Any]]
) -> None:
    if "user" in fields:
        fields = {**fields, "user": ANN}
    stage.do("host", cmd, **fields)
    assert newest(stage) == expected
    assert "hush" not in str(entries(stage))


BEFORE: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("user_timeout", {"user": "ann", "timeout": 90}, {"timeout": 60}),
    ("user_roles_add", {"user": "ann", "roles": ["admin"]}, {"roles": ["user"]}),
    ("user_update", {"user": "ann", "updates": {"nickname": "Al"}}, {"nickname": "Annie"}),
    ("role_update", {"name": "user", "color": "#112233"}, {"color": None}),
    ("role_permissions_set", {"name": "moderator", "permissions": []}, {"permissions": ["manage_messages"]}),
    ("role_reorder", {"roles": ["user", "moderator"]}, {"roles": ["owner", "admin", "moderator", "user"]}),
    ("channel_update", {"current_name": "news", "updates": {"description": "x", "name": "news", "action": "odd"}},
     {"description": "old", "action": None}),
    ("channel_move", {"name": "news", "position": 0}, {"position": 1}),
    ("channel_topic_set", {"channel": "news", "topic": "x"}, {"description": "old"}),
    ("channel_modes_set", {"channel": "news", "key": None, "secret": True}, {"key": True, "secret": False}),
    ("channel_member_set", {"channel": "news", "user": "ann", "voice": True}, {"voice": False}),
    ("user_ban", {"user": "ann"}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("cmd", "fields", "before"), BEFORE, ids=[cmd for cmd, _, _ in BEFORE])
def test_an_entry_has_the_old_values_of_what_changed(
    stage: Stage, cmd: str, fields: dict[str, Any], before: dict[str, Any]
) -> None:
    users, roles, channels = stage.world.users, stage.world.roles, stage.world.channels
    ann, news, moderator = users.get(ANN), channels.by_name("news"), roles.get("moderator")
    assert ann is not None
    assert news is not None
    assert moderator is not None
    users.put(msgspec.structs.replace(ann, nickname="Annie", muted_until=stage.world.clock() + 60))
    channels.put(msgspec.structs.replace(news, description="old", key="hush-hush", operators=(ANN,)))
    roles.put(msgspec.structs.replace(moderator, permissions=("manage_messages",)))
    stage.do("host", cmd, **({**fields, "user": ANN} if "user" in fields else fields))
    entry = entries(stage, limit=1)[0]
    assert entry["before"] == before
    assert "hush" not in str(entry)


def test_values_that_are_too_long_are_cut(stage: Stage) -> None:
    noted = audit.entry(
        stage.world, "x", details={"text": "t" * 2000, "list": list(range(500)), "fine": {"a": [1, "b"]}},
        before={f"k{n}": {"deep": ["v" * 900] * 300} for n in range(50)},
    )  # fmt: skip
    assert noted.details == {
        "text": "t" * 1000 + "…", "list": [*range(200), "…"], "fine": {"a": [1, "b"]},
    }  # fmt: skip
    assert len(msgspec.json.encode(noted.before)) < 20_000


NOTHING: list[tuple[str, dict[str, Any]]] = [
    ("user_ban", {"user": "nobody"}),
    ("user_unban", {"user": ANN}),
    ("user_timeout", {"user": ANN, "timeout": 0}),
    ("user_roles_set", {"user": ANN, "roles": ["user"]}),
    ("user_roles_add", {"user": ANN, "roles": ["user"]}),
    ("user_update", {"user": ANN, "updates": {"nickname": None}}),
    ("user_update", {"user": "USR:local_host", "updates": {"nickname": "Boss"}}),
    ("user_export", {}),
    ("role_update", {"name": "user", "hoisted": False}),
    ("role_reorder", {"roles": ["moderator", "user"]}),
    ("channel_move", {"name": "general", "position": 0}),
    ("channel_modes_set", {"channel": "news", "secret": False}),
    ("rate_limit_reset", {"user": ANN}),
]


@pytest.mark.parametrize(("cmd", "fields"), NOTHING, ids=[cmd for cmd, _ in NOTHING])
def test_what_changes_nothing_of_others_is_not_logged(stage: Stage, cmd: str, fields: dict[str, Any]) -> None:
    stage.do("host", cmd, **fields)
    assert entries(stage) == []


def test_messages_of_others_and_pins_are_logged_with_channel_and_author(stage: Stage) -> None:
    own, other = say(stage, "ann"), say(stage, "ann")
    stage.do("mod", "message_pin", id=own, channel="general")
    assert newest(stage) == ("message_pin", ANN, {"channel": "general", "author": ANN})
    stage.do("mod", "message_pin", id=own, channel="general")
    stage.do("mod", "message_unpin", id=own, channel="general")
    stage.do("ann", "message_delete", id=own, channel="general")
    assert [entry["action"] for entry in entries(stage)] == ["message_unpin", "message_pin"]
    stage.do("mod", "message_delete", id=other, channel="general")
    assert newest(stage)[0] == "message_delete"


def test_what_two_do_in_their_direct_channel_is_not_logged(stage: Stage) -> None:
    name = stage.answer("ann", "direct_open", user=stage.id("ben"))["channel"]["name"]
    stage.do("ben", "message_pin", id=say(stage, "ann", name), channel=name)
    assert entries(stage) == []


def test_self_roles_kicks_resets_tokens_and_claims_are_logged(stage: Stage) -> None:
    stage.world.roles.put(Role(name="fan", id="r9", position=9, self_assignable=True))
    stage.do("ann", "self_role_add", role="fan")
    assert newest(stage) == ("self_role_add", ANN, {"role": "fan"})
    stage.do("ann", "self_role_remove", role="fan")
    assert newest(stage)[0] == "self_role_remove"
    stage.do("ann", "channel_join", channel="general")
    stage.do("host", "channel_kick", channel="general", user=ANN, reason="loud")
    assert newest(stage) == ("channel_kick", ANN, {"channel": "general", "reason": "loud"})
    stage.world.limiter.take(ANN)
    stage.do("host", "rate_limit_reset", user=ANN)
    assert newest(stage) == ("rate_limit_reset", ANN, {})
    before = newest(stage)
    stage.answer("ann", "access_token_create", username="ann")
    assert newest(stage) == before, "one's own token is nobody's business"
    token = stage.answer("host", "access_token_create", username="visitor")["token"]
    assert newest(stage)[:2] == ("access_token_create", "visitor")
    assert token not in str(entries(stage))


def test_nothing_is_kept_while_it_is_switched_off_and_observers_hear_of_it(stage: Stage) -> None:
    live = stage.world.live
    live.current = msgspec.structs.replace(live.current, modlog=Modlog(enabled=False))
    (entry,) = stage.do("host", "user_ban", user=ANN).audit
    assert (entry.action, entry.kept) == ("user_ban", False)
    live.current = msgspec.structs.replace(live.current, modlog=Modlog())
    assert entries(stage) == []
    stage.do("host", "user_unban", user=ANN)
    assert newest(stage)[0] == "user_unban"


# --- told at once


def test_news_are_told_to_readers_of_each_channel_and_bounded(stage: Stage) -> None:
    news_id = stage.world.channels.by_name("news")
    assert news_id is not None
    plain = [audit.entry(stage.world, "role_create", f"r{n}", f"role {n}") for n in range(60)]
    hidden = audit.entry(stage.world, "channel_update", news_id.id, "news", {"description": "x"})
    unkept = msgspec.structs.replace(hidden, kept=False)
    first, second = modlog.news([*plain, hidden, unkept])
    assert first.audience == Holders(("view_audit_log", "manage_users"))
    assert isinstance(first.packet, ModlogNewEvent)
    assert first.packet.count == 60
    assert [entry.target_id for entry in first.packet.entries] == [f"r{n}" for n in range(59, 9, -1)]
    assert second.audience == Holders(("view_audit_log", "manage_users"), channel=news_id.id)
    assert isinstance(second.packet, ModlogNewEvent)
    assert [entry.details for entry in second.packet.entries] == [{"description": "x"}]
    assert modlog.news([unkept]) == []


# --- edits by hand


def noted(stage: Stage, *changes: Change) -> list[tuple[str, str, str | None, dict[str, Any]]]:
    found = effects(stage.world, changes).audit
    assert all(entry.actor_id == "" for entry in found)
    return [(entry.actor_name, entry.action, entry.target_name, entry.details) for entry in found]


def test_users_edited_by_hand_are_logged_as_on_disk(stage: Stage) -> None:
    ann = stage.user("ann")
    changed = msgspec.structs.replace(ann, banned=True, nickname="Al", roles=("moderator",), muted_until=None)
    assert noted(stage, Change("users", ann.id, ann, changed)) == [
        ("on disk", "user_ban", ANN, {}),
        ("on disk", "user_update", ANN, {"nickname": "Al"}),
        ("on disk", "user_roles_set", ANN, {"roles": ["moderator"]}),
    ]
    muted = msgspec.structs.replace(ann, muted_until=stage.world.clock() + 60)
    assert noted(stage, Change("users", ann.id, ann, muted)) == [("on disk", "user_timeout", ANN, {"timeout": 60})]
    assert noted(stage, Change("users", ann.id, ann, None)) == [("on disk", "user_delete", ANN, {})]
    carl = User(id="c", username="carl")
    assert noted(stage, Change("users", "c", None, carl)) == []
    assert noted(stage, Change("users", "c", carl, msgspec.structs.replace(carl, last_seen=1.0))) == []


def test_roles_and_channels_edited_by_hand_are_logged(stage: Stage) -> None:
    vip, news = Role(name="vip", id="r9", position=9), stage.world.channels.by_name("news")
    assert news is not None
    assert [act for _, act, _, _ in noted(stage, Change("roles", "vip", None, vip))] == ["role_create"]
    bold = msgspec.structs.replace(vip, hoisted=True)
    assert noted(stage, Change("roles", "vip", vip, bold)) == [("on disk", "role_update", "vip", {"hoisted": True})]
    assert [act for _, act, _, _ in noted(stage, Change("roles", "vip", bold, None))] == ["role_delete"]
    changed = msgspec.structs.replace(news, description="x", key="hush", voices=(ANN,), invited=("b",))
    assert noted(stage, Change("channels", news.id, news, changed)) == [
        ("on disk", "channel_update", "news", {"description": "x"}),
        ("on disk", "channel_modes_set", "news", {"key": True}),
        ("on disk", "channel_member_set", ANN, {"channel": "news", "operator": False, "voice": True}),
    ]
    gone = Channel(id="c-gone", name="gone")
    (entry,) = effects(stage.world, [Change("channels", gone.id, gone, None)]).audit
    assert (entry.action, entry.channel) == ("channel_delete", "c-gone"), "still a secret to who could not view it"
    keys = tuple(channel.id for channel in stage.world.channels)
    moved = Order((keys[-1], *keys[:-1]))
    assert [each[1:] for each in noted(stage, Change("channels", "#order", Order(keys), moved))] == [
        ("channel_move", "call", {"position": 0})
    ]


# --- reading


@pytest.mark.parametrize("cmd", ["modlog_get", "modlog_summary"])
def test_the_log_is_for_those_with_one_of_two_permissions(stage: Stage, cmd: str) -> None:
    refusal = stage.refused("mod", cmd)
    assert refusal.code is Code.AUDIT_PERMISSION_REQUIRED
    assert refusal.text == "Access denied: 'view_audit_log' or 'manage_users' permission required"
    for permission in ("view_audit_log", "manage_users"):
        empower(stage, permission, role="user")
        assert stage.answer("ann", cmd)["total"] == 0
        stage.world.roles.put(Role(name="user", id="r3", position=3))
    stage.change_user("host", banned=True)
    assert stage.refused("host", cmd).code is Code.AUDIT_PERMISSION_REQUIRED


def test_modlog_get_pages_and_filters(stage: Stage) -> None:
    add_user(stage, "carl", "user")
    stage.do("host", "user_ban", user="carl")
    stage.do("host", "user_unban", user="carl")
    stage.do("host", "role_create", name="vip")
    page = stage.answer("host", "modlog_get", limit=2, offset=1)
    assert (page["total"], page["offset"], page["limit"]) == (3, 1, 2)
    assert [entry["action"] for entry in page["entries"]] == ["user_unban", "user_ban"]
    assert page["entries"][1] == {
        "id": page["entries"][1]["id"],
        "action": "user_ban",
        "category": "user_moderation",
        "actor_id": stage.id("host"),
        "actor_name": stage.id("host"),
        "target_id": "id-of-carl",
        "target_name": "carl",
        "details": {},
        "before": {},
        "timestamp": stage.world.clock(),
    }
    for target in ("carl", "CARL", "id-of-carl"):
        assert len(entries(stage, target=target)) == 2
    assert len(entries(stage, actor=stage.id("host"), action="user_ban")) == 1
    assert len(entries(stage, category="role_management")) == 1
    assert entries(stage, after=stage.world.clock()) == []
    assert entries(stage, actor="nobody") == []


@pytest.mark.parametrize(
    "fields", [{"limit": 0}, {"limit": 201}, {"offset": -1}, {"limit": 1.5}, {"actor": "x" * 201}, {"after": "now"}]
)
def test_modlog_get_refuses_values_out_of_range(fields: dict[str, Any]) -> None:
    with pytest.raises(BadPacket):
        decode(msgspec.json.encode({"cmd": "modlog_get", **fields}))


def test_entries_of_hidden_channels_are_left_out_and_not_counted(stage: Stage) -> None:
    empower(stage, "view_audit_log", role="user")
    stage.do("host", "channel_update", current_name="staff", updates={"description": "x"})
    stage.do("host", "channel_member_set", channel="staff", user=stage.id("mod"), voice=True)
    stage.do("mod", "message_pin", id=say(stage, "mod", "staff"), channel="staff")
    stage.do("host", "channel_update", current_name="general", updates={"description": "x"})
    stage.do("host", "channel_delete", name="staff")
    for reader, known in (("host", 5), ("ann", 1)):
        page = stage.answer(reader, "modlog_get")
        summary = stage.answer(reader, "modlog_summary")
        assert (page["total"], len(page["entries"]), summary["total"]) == (known, known, known)
        assert ("staff" in str(page)) is (reader == "host")


def test_modlog_summary_counts_by_category_and_action(stage: Stage) -> None:
    stage.do("host", "channel_update", current_name="general", updates={"description": "x"})
    assert stage.answer("host", "modlog_summary") == {
        "cmd": "modlog_summary",
        "action_counts": {"channel_management.channel_update": 1},
        "category_totals": {"channel_management": 1},
        "total": 1,
    }


def test_entries_past_their_retention_are_not_read_at_once_when_the_setting_changes(stage: Stage, clock: Clock) -> None:
    stage.do("host", "user_ban", user=ANN)
    stage.do("host", "role_create", name="vip")
    clock.now += 100 * DAY_S
    assert len(entries(stage)) == 2
    live = stage.world.live
    days = msgspec.structs.replace(live.current.modlog.retention, user_moderation=99)
    live.current = msgspec.structs.replace(live.current, modlog=Modlog(retention=days))
    assert [entry["action"] for entry in entries(stage)] == ["role_create"]
    assert stage.answer("host", "modlog_summary")["total"] == 1
