"""settings_get, settings_update: the file, its checks, drafts, who may change what, and what is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from config.description import settings
from config.remote import HOST, OWNERS, SECRET, changed_by
from tests.support.community import edit
from tests.support.house import Guest, House, open_house

pytestmark = pytest.mark.anyio
ROLES = {
    "owner": {"position": 0, "permissions": ["administrator"]},
    "moderator": {"position": 1, "permissions": ["manage_server"]},
    "user": {"position": 2, "permissions": ["send_messages"]},
}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "roles.json").write_text(json.dumps(ROLES))
    async with open_house(tmp_path) as house:
        yield house


async def ask(guest: Guest, cmd: str, **fields: Any) -> dict[str, Any]:
    """The answer, once threads are done as well."""
    packets = await guest.ask(cmd, **fields)
    while not packets:
        for task in list(guest.house.server.dispatcher._tasks):
            await task
        await guest.house.quiet()
        packets, guest.packets = guest.packets, []
    return next(packet for packet in packets if packet["cmd"] in (cmd, "error"))


def on_disk(house: House) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(house.world.live.path.read_text())
    return found


async def test_settings_get_tells_all_that_a_form_needs(house: House) -> None:
    mod = await house.enter("mod")
    answer = await ask(mod, "settings_get")
    entries = {entry["key"]: entry for entry in answer["settings"]}
    assert list(entries) == [row.name for row in settings()]
    assert entries["limits.post_content"]["type"] == "integer"
    assert entries["limits.post_content"]["minimum"] >= 1
    assert entries["registration"]["choices"] == ["closed", "invite", "open"]
    assert entries["server.icon"] | {"title": "", "description": ""} == {
        "key": "server.icon", "title": "", "description": "", "type": "text", "nullable": True, "max_length": 500,
        "default": None, "value": None, "effect": "live", "fixed_by": None, "changed_by": "managers", "secret": False,
    }  # fmt: skip
    assert answer["sections"]["limits"][0] == "Limits"
    assert answer["problems"] == []


async def test_settings_get_is_for_managers_and_never_sends_a_secret(house: House) -> None:
    ann, host = await house.enter("ann"), await house.enter("host")
    assert (await ask(ann, "settings_get"))["code"] == "permission_required"
    edit(house.world.live.path, lambda config: config.update(DB={"url": "postgresql://u:sesame@host/x"}))
    answer = await ask(host, "settings_get")
    assert "sesame" not in json.dumps(answer)
    (entry,) = (entry for entry in answer["settings"] if entry["key"] == "DB.url")
    assert (entry["value"], entry["secret"]) == (None, True)
    turn = {"urls": ["turn:chat.example.org"], "username": "chat", "credential": "sesame"}
    edit(house.world.live.path, lambda config: config.update(voice={"ice_servers": [turn]}))
    house.community.reload_config()
    assert house.world.config.voice.ice_servers[0].credential == "sesame"
    assert "sesame" not in json.dumps(await ask(host, "settings_get"))


async def test_settings_get_tells_what_waits_and_what_is_broken(house: House) -> None:
    host = await house.enter("host")
    edit(house.world.live.path, lambda config: config.update(websocket={"compression": True}))
    answer = await ask(host, "settings_get")
    (entry,) = (entry for entry in answer["settings"] if entry["key"] == "websocket.compression")
    assert (entry["value"], entry["waiting"]) == (False, True)
    house.world.live.path.write_text("{")
    assert (await ask(host, "settings_get"))["problems"] != []
    assert (await ask(host, "settings_update", changes={"server.name": "x"}))["code"] == "settings_broken"


async def test_settings_update_writes_the_file_and_counts_at_once(house: House) -> None:
    mod, ann = await house.enter("mod"), await house.enter("ann")
    before = on_disk(house)
    changes = {"registration": "invite", "server.name": " New name ", "websocket.compression": True}
    answer = await ask(mod, "settings_update", changes=changes)
    assert (answer["changed"], answer["restart"]) == (["registration", "server.name"], ["websocket.compression"])
    assert house.world.config.registration == "invite"
    after = on_disk(house)
    assert list(after)[: len(before)] == list(before)
    assert after["server"] == before["server"] | {"name": "New name"}
    ann.read()
    assert [packet["name"] for packet in ann.packets if packet["cmd"] == "server_update"] == ["New name"]
    house.community.reload_config()  # as the watcher does
    await house.quiet()
    assert ann.names().count("server_update") == 1
    host = await house.enter("host")
    (entry,) = (await host.one("modlog_get", action="settings_update"))["entries"]
    assert entry["details"]["changes"] == {
        "registration": "invite", "server.name": "New name", "websocket.compression": True,
    }  # fmt: skip
    assert entry["before"]["changes"] == {
        "registration": "open", "server.name": "Test community", "websocket.compression": False,
    }  # fmt: skip


async def test_settings_update_with_null_gives_the_default_back(house: House) -> None:
    mod = await house.enter("mod")
    await ask(mod, "settings_update", changes={"limits.post_content": 4000})
    assert house.world.config.limits.post_content == 4000
    assert (await ask(mod, "settings_update", changes={"limits.post_content": None}))["changed"] == [
        "limits.post_content"
    ]
    assert house.world.config.limits.post_content == 2000


async def test_settings_update_changes_all_or_nothing(house: House) -> None:
    mod = await house.enter("mod")
    before = house.world.live.path.read_bytes()
    answer = await ask(mod, "settings_update", changes={"server.name": "x", "limits.post_content": "much"})
    assert (answer["code"], answer["field"]) == ("bad_value", "changes.limits.post_content")
    assert "a whole number" in answer["val"]
    assert house.world.live.path.read_bytes() == before


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("limits.post_contents", 1, "bad_value"),
        ("sessions.event_log_days", 0.01, "bad_value"),
        ("server.icon", "../../secret.png", "bad_value"),
        ("server.name", "  ", "bad_value"),
        ("DB.url", "sqlite:////etc/x", "setting_fixed"),
        ("websocket.port", 22, "setting_fixed"),
        ("rotur.validate_url", "https://evil.example", "permission_required"),
        ("DB.users.default.roles", ["owner"], "permission_required"),
        ("modlog.enabled", False, "permission_required"),
        ("server.description", "x" * 70_000, "bad_value"),
    ],
)
async def test_settings_update_refuses(house: House, key: str, value: Any, code: str) -> None:
    mod = await house.enter("mod")
    before = house.world.live.path.read_bytes()
    changes: dict[str, Any] = {key: value}
    if key == "sessions.event_log_days":
        changes["sessions.timeout_s"] = 100_000
    assert (await ask(mod, "settings_update", changes=changes))["code"] == code
    draft = await ask(mod, "settings_update", changes=changes, dry_run=True)
    assert [problem["code"] for problem in draft["problems"]] == [code]
    assert house.world.live.path.read_bytes() == before


async def test_settings_update_lets_owners_change_what_gives_power_but_not_what_is_the_hosts(house: House) -> None:
    host = await house.enter("host")
    assert (await ask(host, "settings_update", changes={"modlog.enabled": False}))["changed"] == ["modlog.enabled"]
    assert (await ask(host, "settings_update", changes={"plugins.folder": "/tmp"}))["code"] == "setting_fixed"


async def test_settings_update_of_a_draft_tells_every_problem_and_changes_nothing(house: House) -> None:
    mod = await house.enter("mod")
    before = house.world.live.path.read_bytes()
    changes = {"registration": "shut", "limits.post_contents": 5, "server.name": "x", "rooms.enabled": False}
    draft = await ask(mod, "settings_update", changes=changes, dry_run=True)
    assert draft["dry_run"] is True
    assert {problem["key"] for problem in draft["problems"]} == {"registration", "limits.post_contents"}
    assert "did you mean limits.post_content?" in str(draft["problems"])
    assert (draft["changed"], draft["restart"]) == (["server.name"], ["rooms.enabled"])
    assert house.world.live.path.read_bytes() == before
    assert (await ask(mod, "settings_update", changes={}))["code"] == "no_updates"


async def test_settings_update_refuses_what_the_environment_gives(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        (house.world.live.env_path).write_text("SERVER_NAME=Fixed\n")
        house.community.reload_config()
        host = await house.enter("host")
        assert (await ask(host, "settings_update", changes={"server.name": "x"}))["code"] == "setting_fixed"


@pytest.mark.parametrize(
    "name", ["server.url", "limits.max_connections", "limits.connections_per_address", "rooms.token_days"]
)
def test_what_keeps_people_out_or_leads_them_elsewhere_is_not_for_managers(name: str) -> None:
    assert changed_by(name) == "owners"


def test_the_lists_name_settings_that_there_are() -> None:
    names = [row.name for row in settings()]
    assert set(names) >= HOST | SECRET
    assert all(any(name.startswith(prefix) for name in names) for prefix in OWNERS)
    assert all(changed_by(name) == "host" for name in SECRET)
