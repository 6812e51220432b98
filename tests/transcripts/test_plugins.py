"""Plugins in a server as a process: a filter, an answer for viewers only, the list, a reload, a call, settings that are
edited while it runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.client import DEADLINE_S, Visitors
from tests.support.community import save, write_community
from tests.support.server import ServerProcess
from tests.transcripts.conftest import USERS

pytestmark = pytest.mark.anyio

CODE = """
from plugin_api import Call, Draft, MessageNew, Plugin, Refuse, Settings

class Mine(Settings, frozen=True, kw_only=True):
    word: str = "{word}"

plugin = Plugin(name="Echo", description="Echoes", settings=Mine)

@plugin.before("message_new")
def look(draft: Draft) -> str:
    if plugin.settings.word in draft.content:
        raise Refuse("Mind your words")
    return draft.content.replace("colour", "color")

@plugin.on("message_new")
def echo(event: MessageNew) -> None:
    if event.message.by_member:
        plugin.api.send_message(event.message.channel, "Echo: " + event.message.content, name="Echo")

@plugin.command("count")
def count(call: Call) -> dict:
    return {{"of": call.user.name, "channels": len(plugin.api.channels())}}
"""


@pytest.fixture(scope="module")
async def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_community(tmp_path_factory.mktemp("community"), users=USERS)
    (folder / "plugins").mkdir()
    (folder / "plugins" / "echo.py").write_text(CODE.format(word="darn"), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
async def server(folder: Path) -> AsyncIterator[ServerProcess]:
    async with ServerProcess(folder) as running:
        yield running


async def test_plugins_of_a_running_server(visit: Visitors, folder: Path) -> None:
    host, ann, mod = await visit.login("host"), await visit.login("ann"), await visit.login("mod")

    # what a member writes passes the plugin before anybody sees it
    refused = await ann.refused("message_new", channel="general", content="darn it")
    assert (refused["val"], refused["code"]) == ("Mind your words", "plugin_refused")
    said = await ann.say("what a colour", "general")
    assert said["content"] == "what a color"
    echo = await mod.expect("message_new", message={"content": "Echo: what a color"})
    assert echo["message"]["user"] == "originChats"
    assert echo["message"]["webhook"]["name"] == "Echo"
    assert echo["channel"] == "general"
    assert echo["global"] is True

    # an answer in a hidden channel is for its viewers
    await mod.say("secret", "staff")
    await mod.expect("message_new", message={"content": "Echo: secret"})
    await ann.sync()
    assert "Echo: secret" not in [event.get("message", {}).get("content") for event in ann.events
                                  if isinstance(event.get("message"), dict)]  # fmt: skip

    listed = await host.request("plugins_list")
    entry = listed["plugins"]["echo"]
    assert entry["settings"]["$defs"]["Mine"]["properties"].keys() == {"enabled", "word"}
    assert {key: value for key, value in entry.items() if key != "settings"} == {
        "name": "Echo", "description": "Echoes", "version": "", "handles": ["message_new"], "enabled": True,
        "running": True, "failures": 0, "commands": ["count"], "error": None, "switchable": True,
    }  # fmt: skip

    called = await ann.request("plugin_call", plugin="echo", command="count", args={})
    assert called["result"] == {"of": "ann", "channels": 3}
    assert (called["plugin"], called["command"]) == ("echo", "count")
    assert (await ann.refused("plugin_call", plugin="echo", command="other"))["code"] == "plugin_command_not_found"

    # settings are taken over while it runs
    path = folder / "db" / "plugins" / "echo.json"
    assert json.loads(path.read_text("utf-8")) == {"enabled": True, "word": "darn"}
    save(path, {"enabled": True, "word": 7})
    notice = await host.expect("error", src="")
    assert "plugins/echo.json: word: Expected `str`, got `int`" in notice["val"]
    save(path, {"enabled": False, "word": "darn"})
    async with asyncio.timeout(DEADLINE_S):
        while (await host.request("plugins_list"))["plugins"]["echo"]["running"]:
            pass
    assert (await ann.say("darn it", "general"))["content"] == "darn it"

    save(path, {"enabled": True, "word": "heck"})
    reloaded = await host.request("plugins_reload", plugin="echo")
    assert reloaded["val"] == "Plugin 'echo' reloaded successfully"
    await ann.refused("message_new", channel="general", content="heck")
    assert (await host.request("plugins_reload"))["val"] == "All plugins reloaded successfully"
    for enabled in (False, True):
        switched = await host.request("plugin_set_enabled", plugin="echo", enabled=enabled)
        assert (switched["plugin"], switched["entry"]["enabled"], switched["entry"]["running"]) == (
            "echo", enabled, enabled,
        )  # fmt: skip
        assert json.loads(path.read_text("utf-8")) == {"enabled": enabled, "word": "heck"}

    # settings through the server: told with what a form needs, written whole or not at all, used at once
    asked = await host.request("plugin_settings_get", plugin="echo")
    assert [(entry["key"], entry["type"], entry["value"]) for entry in asked["settings"]] == [("word", "text", "heck")]
    changed = await host.request("plugin_settings_update", plugin="echo", changes={"word": "drat"})
    assert (changed["changed"], changed["settings"][0]["value"]) == (["word"], "drat")
    assert json.loads(path.read_text("utf-8")) == {"enabled": True, "word": "drat"}
    assert (await ann.say("heck", "general"))["content"] == "heck"
    await ann.refused("message_new", channel="general", content="drat")
    wrong = await host.refused("plugin_settings_update", plugin="echo", changes={"word": 7})
    assert (wrong["code"], wrong["field"]) == ("bad_value", "changes.word")
    assert json.loads(path.read_text("utf-8")) == {"enabled": True, "word": "drat"}

    for cmd, fields in (
        ("plugins_list", {}), ("plugins_reload", {}), ("plugin_set_enabled", {"enabled": False}),
        ("plugin_settings_get", {}), ("plugin_settings_update", {"changes": {"word": "ann"}}),
    ):  # fmt: skip
        assert (await ann.refused(cmd, plugin="echo", **fields))["code"] == "permission_required"
    assert ann.received("plugin_set_enabled") == []
    broken = await host.refused("plugins_reload", plugin="nothing")
    assert broken["val"].startswith("Failed to reload plugin 'nothing'")
    log = await host.request("modlog_get", action="plugins_reload")
    assert [entry["details"] for entry in log["entries"]] == [{"plugin": "all"}, {"plugin": "echo"}]
