"""webhook_*: who manages webhooks, what tokens are worth, and what becomes of them with their channel."""

from __future__ import annotations

import hashlib
import re
import uuid
from pathlib import Path
from typing import Any

import msgspec
import pytest

from db.roles import Role
from db.secret_key import SecretKey
from db.webhooks import Webhook
from handlers.context import World
from handlers.deliveries import delivery
from handlers.outcome import Outcome
from protocol.errors import Code, Refused
from tests.handlers.conftest import Stage

COMMANDS: dict[str, dict[str, Any]] = {
    "webhook_create": {"channel": "general", "name": "x"},
    "webhook_get": {"id": "w"},
    "webhook_list": {},
    "webhook_update": {"id": "w", "name": "y"},
    "webhook_delete": {"id": "w"},
    "webhook_regenerate": {"id": "w"},
}


@pytest.fixture
def stage(world: World) -> Stage:
    """With a role that manages the server, and holds nothing else."""
    world.roles.put(Role(name="manager", id="r9", position=2, permissions=("manage_server",)))
    stage = Stage(world)
    stage.change_user("ben", roles=("manager", "user"))
    return stage


def made(stage: Stage, by: str = "ben", **fields: Any) -> dict[str, Any]:
    webhook: dict[str, Any] = stage.answer(by, "webhook_create", **{**COMMANDS["webhook_create"], **fields})["webhook"]
    return webhook


def entries(outcome: Outcome) -> list[tuple[str, str | None]]:
    return [(entry.action, entry.target_name) for entry in outcome.audit]


def test_webhook_create_shows_the_whole_webhook_with_its_token(stage: Stage) -> None:
    webhook = made(stage, name="  Build server ", avatar="https://a.example/x.png")
    assert webhook == {
        "id": webhook["id"], "channel": "general", "name": "Build server", "avatar": "https://a.example/x.png",
        "created_by": stage.id("ben"), "created_at": 1_700_000_000.0, "token": webhook["token"],
    }  # fmt: skip
    assert len(webhook["token"]) == 68
    uuid.UUID(webhook["token"][:36])
    assert re.fullmatch("[0-9a-f]{32}", webhook["token"][36:])
    assert made(stage, avatar="")["avatar"] is None
    assert made(stage)["token"] != webhook["token"]


@pytest.mark.parametrize("cmd", COMMANDS)
def test_only_who_manages_the_server_has_to_do_with_webhooks(stage: Stage, cmd: str) -> None:
    for name in ("ann", "mod", "guest"):
        assert stage.refused(name, cmd, **COMMANDS[cmd]).code is Code.PERMISSION_REQUIRED


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"channel": "nowhere"}, Code.CHANNEL_NOT_FOUND),
        ({"channel": "staff"}, Code.CHANNEL_NOT_FOUND),
        ({"channel": "ideas"}, Code.NOT_A_TEXT_CHANNEL),
        ({"channel": "call"}, Code.NOT_A_TEXT_CHANNEL),
        ({"name": "   "}, Code.BAD_VALUE),
        ({"name": "x" * 81}, Code.BAD_VALUE),
        ({"name": "Ann\u202e"}, Code.BAD_VALUE),
        ({"avatar": "javascript:alert(1)"}, Code.BAD_VALUE),
        ({"avatar": "/x.png"}, Code.BAD_VALUE),
        ({"avatar": "https://" + "x" * 500}, Code.BAD_VALUE),
    ],
)
def test_webhook_create_refuses(stage: Stage, fields: dict[str, Any], code: Code) -> None:
    assert stage.refused("ben", "webhook_create", **{**COMMANDS["webhook_create"], **fields}).code is code
    assert stage.answer("ben", "webhook_list")["webhooks"] == []


def test_webhook_create_is_not_for_direct_channels(stage: Stage) -> None:
    name = stage.answer("ben", "direct_open", user=stage.id("ann"))["channel"]["name"]
    assert stage.refused("ben", "webhook_create", channel=name, name="x").code is Code.NOT_A_TEXT_CHANNEL


def test_webhook_create_ends_at_the_limit_of_the_channel(stage: Stage) -> None:
    for _ in range(10):
        made(stage)
    assert stage.refused("ben", "webhook_create", **COMMANDS["webhook_create"]).code is Code.TOO_MANY_WEBHOOKS
    made(stage, channel="news")


def test_webhook_list_shows_tokens_again_and_webhook_get_none(stage: Stage) -> None:
    one, two = made(stage), made(stage, channel="news")
    assert stage.answer("ben", "webhook_list")["webhooks"] == [one, two]
    assert stage.answer("ben", "webhook_list", channel="news")["webhooks"] == [two]
    got = stage.answer("ben", "webhook_get", id=one["id"])["webhook"]
    assert got == {key: value for key, value in one.items() if key != "token"}
    assert stage.refused("ben", "webhook_list", channel="staff").code is Code.CHANNEL_NOT_FOUND


def test_webhooks_of_channels_that_the_manager_does_not_see_do_not_exist(stage: Stage) -> None:
    hidden = made(stage, "host", channel="staff")
    assert stage.answer("ben", "webhook_list")["webhooks"] == []
    for cmd in ("webhook_get", "webhook_update", "webhook_delete", "webhook_regenerate"):
        texts = {stage.refused("ben", cmd, **{**COMMANDS[cmd], "id": id_}).text for id_ in (hidden["id"], "nothing")}
        assert texts == {"Webhook not found"}


def test_webhook_update_changes_what_is_given_and_answers_with_the_token(stage: Stage) -> None:
    webhook = made(stage, avatar="https://a.example/x.png")
    changed = stage.answer("ben", "webhook_update", id=webhook["id"], name=" Release ")["webhook"]
    assert changed == {**webhook, "name": "Release"}
    changed = stage.answer("ben", "webhook_update", id=webhook["id"], avatar=None)["webhook"]
    assert changed == {**webhook, "name": "Release", "avatar": None}
    assert stage.refused("ben", "webhook_update", id=webhook["id"]).code is Code.NO_UPDATES
    for fields in ({"name": " "}, {"avatar": "ftp://x.example/"}, {"name": "x" * 81}):
        assert stage.refused("ben", "webhook_update", id=webhook["id"], **fields).code is Code.BAD_VALUE


def test_webhook_regenerate_gives_a_new_token_and_the_old_one_is_worth_nothing(stage: Stage) -> None:
    webhook = made(stage)
    renewed = stage.answer("ben", "webhook_regenerate", id=webhook["id"])["webhook"]
    assert renewed == {**webhook, "token": renewed["token"]}
    assert renewed["token"] != webhook["token"]
    assert stage.world.webhooks.by_token(webhook["token"]) is None
    found = stage.world.webhooks.by_token(renewed["token"])
    assert found is not None
    assert found.id == webhook["id"]
    assert stage.answer("ben", "webhook_list")["webhooks"] == [renewed]


def test_webhook_delete_ends_it(stage: Stage) -> None:
    webhook = made(stage)
    assert stage.answer("ben", "webhook_delete", id=webhook["id"]) == {
        "cmd": "webhook_delete", "id": webhook["id"], "deleted": True
    }  # fmt: skip
    assert stage.refused("ben", "webhook_delete", id=webhook["id"]).code is Code.WEBHOOK_NOT_FOUND
    assert stage.world.webhooks.by_token(webhook["token"]) is None


def test_webhooks_go_with_their_channel_and_stay_when_it_is_renamed(stage: Stage) -> None:
    webhook, other = made(stage, "host"), made(stage, "host", channel="news")
    stage.do("host", "channel_update", current_name="general", updates={"name": "lobby"})
    assert stage.answer("host", "webhook_get", id=webhook["id"])["webhook"]["channel"] == "lobby"
    stage.do("host", "channel_delete", name="lobby")
    assert stage.answer("host", "webhook_list")["webhooks"] == [other]
    assert stage.world.webhooks.by_token(webhook["token"]) is None
    stage.do("host", "channel_create", name="lobby", type="text")
    assert stage.answer("host", "webhook_list", channel="lobby")["webhooks"] == []


def test_the_moderation_log_hears_of_webhooks_and_of_no_token(stage: Stage) -> None:
    outcome = stage.do("ben", "webhook_create", channel="general", name="Build")
    assert entries(outcome) == [("webhook_create", "Build")]
    webhook = stage.answer("ben", "webhook_list")["webhooks"][0]
    for cmd, fields in (("webhook_update", {"name": "B"}), ("webhook_regenerate", {}), ("webhook_delete", {})):
        outcome = stage.do("ben", cmd, id=webhook["id"], **fields)
        (entry,) = outcome.audit
        assert (entry.action, entry.target_id, entry.category) == (cmd, webhook["id"], "server_management")
        assert webhook["token"] not in str(entry)


def test_the_database_holds_no_token_and_the_key_file_is_private(stage: Stage, tmp_path: Path) -> None:
    token = made(stage)["token"]
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("chat.db*"))
    assert token.encode() not in stored
    assert token[36:].encode() not in stored
    assert hashlib.sha256(token.encode()).digest() in stored
    key = tmp_path / "secret.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_bytes().strip() not in stored


def test_an_imported_webhook_works_and_shows_no_token_until_it_gets_a_new_one(stage: Stage) -> None:
    token = "11111111-2222-4333-8444-555555555555" + "ab" * 16
    imported = Webhook(
        id="w-old", channel="c-general", name="Old", token_hash=hashlib.sha256(token.encode()).digest(),
        generation=None, created_by="USR:1", created_at=1.0,
    )  # fmt: skip
    tx = stage.world.store.begin()
    tx.webhooks.add(imported)
    tx.commit()
    stage.world.webhooks.put(imported)
    assert stage.world.webhooks.by_token(token) == imported
    assert stage.answer("ben", "webhook_list")["webhooks"][0]["token"] is None
    renewed = stage.answer("ben", "webhook_regenerate", id="w-old")["webhook"]["token"]
    assert len(renewed) == 68
    assert stage.world.webhooks.by_token(token) is None


def test_a_lost_key_shows_no_wrong_token(stage: Stage, tmp_path: Path) -> None:
    made(stage)
    stage.world.secret_key = SecretKey(tmp_path / "another.key")
    assert stage.answer("ben", "webhook_list")["webhooks"][0]["token"] is None


def test_a_broken_key_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    for broken in (b"", b"short", b"\xff" * 64, b"0" * 65):
        path.write_bytes(broken)
        with pytest.raises(OSError, match="does not hold a key"):
            SecretKey(path).derive("x")
        assert path.read_bytes() == broken


# --- what programs post ----------------------------------------------------------------------------------------


def posted(stage: Stage, token: str, content: str = "", embeds: Any = (), **author: Any) -> dict[str, Any]:
    outcome = stage.settle(delivery(stage.world, token, content, list(embeds), author))
    (event,) = outcome.events
    assert stage.seen_by(event) == {"host", "mod", "ann", "ben"}
    packet: dict[str, Any] = msgspec.to_builtins(event.packet)
    return packet


def test_a_delivery_is_a_message_of_the_server_under_the_name_of_the_webhook(stage: Stage) -> None:
    webhook = made(stage)
    packet = posted(stage, webhook["token"], " hello @ann and @&moderator ")
    message = packet["message"]
    assert (packet["channel"], message["user"], message["content"]) == (
        "general", "originChats", "hello @ann and @&moderator",
    )  # fmt: skip
    assert message["webhook"] == {"id": webhook["id"], "name": "x", "avatar": None}
    assert message["pings"] == {"users": [], "roles": [], "replies": []}
    assert stage.answer("ann", "pings_get")["messages"] == []
    assert stage.answer("ann", "messages_get", channel="general")["messages"][0]["webhook"] == message["webhook"]
    assert stage.answer("ann", "messages_search", channel="general", query="hello")["results"] != []
    packet = posted(stage, webhook["token"], embeds=[{"title": "x"}], name="Bot", avatar="https://a.example/b.png")
    assert packet["message"]["webhook"] == {"id": webhook["id"], "name": "Bot", "avatar": "https://a.example/b.png"}
    assert (packet["message"]["content"], packet["message"]["embeds"]) == ("", [{"title": "x"}])


@pytest.mark.parametrize(
    ("content", "embeds", "code"),
    [
        ("x" * 2001, [], Code.MESSAGE_TOO_LONG),
        ("  ", [], Code.MESSAGE_EMPTY),
        ("x", [{"title": 5}], Code.BAD_EMBED),
        ("x", [{"title": "x" * 257}], Code.BAD_EMBED),
        ("x", [{"type": "poll"}], Code.BAD_EMBED),
        ("x", [{}] * 11, Code.BAD_EMBED),
    ],
)
def test_a_delivery_keeps_the_limits_of_messages(stage: Stage, content: str, embeds: Any, code: Code) -> None:
    token = made(stage)["token"]
    with pytest.raises(Refused) as caught:
        stage.settle(delivery(stage.world, token, content, embeds))
    assert caught.value.code is code


@pytest.mark.parametrize("name", ["a\nb", "\u202enna"])
def test_a_delivery_names_its_author_in_visible_characters(stage: Stage, name: str) -> None:
    token = made(stage)["token"]
    with pytest.raises(Refused) as caught:
        stage.settle(delivery(stage.world, token, "x", [], {"name": name}))
    assert caught.value.code is Code.BAD_VALUE


def test_a_delivery_that_was_under_way_when_the_token_changed_is_refused(stage: Stage) -> None:
    webhook = made(stage)
    change = delivery(stage.world, webhook["token"], "late", [])
    stage.do("ben", "webhook_regenerate", id=webhook["id"])
    with pytest.raises(Refused) as caught:
        stage.settle(change)
    assert caught.value.code is Code.WEBHOOK_NOT_FOUND
    with pytest.raises(Refused):
        delivery(stage.world, webhook["token"], "later", [])


def test_a_delivery_to_a_channel_that_is_a_forum_now_or_was_taken_out_of_the_file(stage: Stage) -> None:
    token = made(stage, "host")["token"]
    channel = stage.world.channels.by_name("general")
    assert channel is not None
    stage.world.channels.put(msgspec.structs.replace(channel, type="forum"))
    with pytest.raises(Refused, match="not a text channel"):
        delivery(stage.world, token, "x", [])
    stage.world.channels.remove(channel.id)
    with pytest.raises(Refused, match="Channel not found"):
        delivery(stage.world, token, "x", [])
