"""An owner runs the community from a client: settings tried and saved, an audience looked at, figures, a backup."""

from __future__ import annotations

import json

import pytest

from tests.support.client import Visitors
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio


async def test_settings_update_from_a_draft_to_the_file(server: ServerProcess, visit: Visitors) -> None:
    host, ann = await visit.login("host"), await visit.login("ann")
    await ann.refused("settings_get")
    entries = {entry["key"]: entry for entry in (await host.request("settings_get"))["settings"]}
    assert entries["server.name"]["value"] == "Test community"
    assert entries["websocket.port"]["changed_by"] == "host"
    assert entries["websocket.port"]["fixed_by"] is None or "command line" in entries["websocket.port"]["fixed_by"]

    changes = {"server.name": "The Tea Room", "limits.post_content": 10, "limits.post_contents": 1}
    draft = await host.request("settings_update", changes=changes, dry_run=True)
    assert [problem["key"] for problem in draft["problems"]] == ["limits.post_contents"]
    del changes["limits.post_contents"]
    saved = await host.request("settings_update", changes=changes)
    assert saved["changed"] == ["server.name", "limits.post_content"]
    assert (await ann.expect("server_update"))["name"] == "The Tea Room"
    assert json.loads(server.config_path.read_text())["server"]["name"] == "The Tea Room"
    assert (await ann.refused("message_new", channel="general", content="eleven chars"))["code"] == "message_too_long"
    await host.request("settings_update", changes={"limits.post_content": None})
    await ann.say("eleven chars")


async def test_channel_audience_before_the_rules_are_saved(visit: Visitors) -> None:
    host = await visit.login("host")
    draft = await host.request("channel_audience", channel="general", permissions={"view": ["moderator"]})
    assert draft["view"]["members"] == 2
    assert (await host.request("channel_audience", channel="general"))["view"]["members"] == 5


async def test_server_status_and_a_backup(visit: Visitors) -> None:
    host, ann = await visit.login("host"), await visit.login("ann")
    await ann.refused("server_status")
    status = await host.request("server_status")
    assert status["now"]["sessions"] == 2
    assert status["database"] in ("sqlite", "postgresql")
    made = (await host.request("backup_create"))["backup"]
    assert made["ok"]
    assert made["name"] in [each["name"] for each in (await host.request("backups_list"))["backups"]]
