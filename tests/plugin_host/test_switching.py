"""plugin_set_enabled: a plugin is switched by who runs the server, and its other settings stay."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.plugin_host.conftest import Workshop
from tests.support.house import Guest, House

pytestmark = pytest.mark.anyio

PLUGIN = """
class Mine(Settings):
    greeting: str = "hello"

plugin = Plugin(name="Greeter", version="1.2", settings=Mine)

@plugin.on("message_new")
def heard(message):
    pass
"""


async def ask(shop: Workshop, guest: Guest, cmd: str, **fields: Any) -> dict[str, Any]:
    """The answer, once threads are done as well."""
    guest.packets.clear()
    guest.send(cmd, **fields)
    await shop.until(lambda: any(cmd in (packet["cmd"], packet.get("src")) for packet in guest.packets))
    return next(packet for packet in guest.packets if cmd in (packet["cmd"], packet.get("src")))


async def test_plugin_set_enabled_switches_and_keeps_the_other_settings(house: House, shop: Workshop) -> None:
    await shop.run("greeter", PLUGIN)
    host = await house.enter("host")
    file = shop.settings_file("greeter")
    file.write_text(json.dumps({"greeting": "hi"}))
    off = (await ask(shop, host, "plugin_set_enabled", plugin="greeter", enabled=False))["entry"]
    assert (off["enabled"], off["running"], off["version"], off["switchable"]) == (False, False, "1.2", True)
    assert json.loads(file.read_text()) == {"greeting": "hi", "enabled": False}
    on = (await ask(shop, host, "plugin_set_enabled", plugin="greeter", enabled=True))["entry"]
    assert (on["enabled"], on["running"]) == (True, True)
    listed = (await host.one("plugins_list"))["plugins"]["greeter"]
    assert "greeting" in json.dumps(listed["settings"])
    entries = (await host.one("modlog_get", action="plugin_set_enabled"))["entries"]
    assert [entry["details"]["enabled"] for entry in entries] == [True, False]


async def test_plugin_set_enabled_refuses_what_it_cannot_switch(house: House, shop: Workshop) -> None:
    await shop.run("greeter", PLUGIN)
    host, mod = await house.enter("host"), await house.enter("mod")
    assert (await ask(shop, mod, "plugin_set_enabled", plugin="greeter", enabled=False))[
        "code"
    ] == "permission_required"
    assert (await ask(shop, host, "plugin_set_enabled", plugin="nothing", enabled=False))["code"] == "plugin_not_found"
    shop.settings_file("greeter").write_text("[]")
    broken = await ask(shop, host, "plugin_set_enabled", plugin="greeter", enabled=False)
    assert broken["code"] == "plugin_not_switched"
    assert shop.settings_file("greeter").read_text() == "[]"
