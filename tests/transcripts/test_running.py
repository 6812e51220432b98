"""An owner runs the community from a client: settings tried and saved, an audience looked at, figures, a backup."""

from __future__ import annotations

import json

import pytest

from tests.support.client import Visitors
from tests.support.community import user_id
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio


async def test_settings_update_from_a_draft_to_the_file(server: ServerProcess, visit: Visitors) -> None:
    host, ann = await visit.login("host"), await visit.login("ann")
    await ann.refused("settings_get")
    entries = {entry["key"]: entry for entry in (await host.request("settings_get"))["settings"]}
    assert entries["server.name"]["value"] == "Test community"
    length = entries["limits.post_content"]
    assert {key: length[key] for key in ("type", "nullable", "minimum", "unit", "default", "value", "effect")} == {
        "type": "integer", "nullable": False, "minimum": 1, "unit": "characters", "default": 2000, "value": 2000,
        "effect": "live",
    }  # fmt: skip
    assert (length["fixed_by"], length["changed_by"], length["secret"]) == (None, "managers", False)
    assert {"title", "description", "maximum"} <= length.keys()
    assert entries["websocket.port"]["changed_by"] == "host"
    assert entries["websocket.port"]["fixed_by"] is None or "command line" in entries["websocket.port"]["fixed_by"]

    changes = {"server.name": "The Tea Room", "limits.post_content": 10, "limits.post_contents": 1}
    draft = await host.request("settings_update", changes=changes, dry_run=True)
    assert [problem["key"] for problem in draft["problems"]] == ["limits.post_contents"]
    assert (draft["dry_run"], draft["changed"], draft["restart"]) == (
        True, ["server.name", "limits.post_content"], [],
    )  # fmt: skip
    assert {"code", "reason"} <= draft["problems"][0].keys()
    await ann.sync()
    assert ann.received("server_update") == [], "a draft is nobody's business"
    del changes["limits.post_contents"]
    saved = await host.request("settings_update", changes=changes)
    assert saved["changed"] == draft["changed"]
    assert (saved["dry_run"], saved["restart"], saved["problems"]) == (False, [], [])
    assert ann.received("settings_update") == []
    assert (await ann.expect("server_update"))["name"] == "The Tea Room"
    assert json.loads(server.config_path.read_text())["server"]["name"] == "The Tea Room"
    assert (await ann.refused("message_new", channel="general", content="eleven chars"))["code"] == "message_too_long"
    await host.request("settings_update", changes={"limits.post_content": None})
    await ann.say("eleven chars")


async def test_channel_audience_before_the_rules_are_saved(visit: Visitors) -> None:
    host, ann = await visit.login("host"), await visit.login("ann")
    draft = await host.request("channel_audience", channel="general", permissions={"view": ["moderator"]})
    assert draft["view"] == {
        "members": 2, "names": [user_id("host"), user_id("mod")], "roles": ["owner", "admin", "moderator"],
    }  # fmt: skip
    assert draft["send"].keys() == draft["view"].keys()
    assert (await host.request("channel_audience", channel="general"))["view"]["members"] == 5
    assert (await ann.refused("channel_audience", channel="general"))["code"] == "permission_required"
    await ann.say("still here")
    assert [packet for packet in ann.events if packet["cmd"] in ("channels_get", "channel_audience")] == []


async def test_server_status_and_a_backup(visit: Visitors) -> None:
    host, ann = await visit.login("host"), await visit.login("ann")
    status = await host.request("server_status")
    assert status["now"]["sessions"] == 2
    assert status["database"] in ("sqlite", "postgresql")
    assert {"version", "started_at", "uptime_s", "interval_s", "history"} <= status.keys()
    assert status["now"].keys() == {
        "at", "connections", "sessions", "users_online", "messages_per_s", "deliveries_per_s", "commit_p50_ms",
        "commit_p99_ms", "loop_lag_ms", "queue", "refusals", "cpu_percent", "memory_bytes", "database_bytes",
        "disk_free_bytes",
    }  # fmt: skip
    made = (await host.request("backup_create"))["backup"]
    assert made["ok"]
    assert made.keys() == {"name", "created_at", "size_bytes", "messages", "ok"}
    kept = await host.request("backups_list")
    assert made in kept["backups"]
    assert kept["running"] is False
    for cmd in ("server_status", "backups_list", "backup_create"):
        assert (await ann.refused(cmd))["code"] == "permission_required"
    assert made["name"] not in str(ann.events)
