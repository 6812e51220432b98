"""docs/plugins.md is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import plugin_api
from tests.plugin_host.conftest import Workshop
from tests.plugin_host.test_typed import contents

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "plugins.md").read_text("utf-8")


@pytest.mark.anyio
async def test_the_example_runs(shop: Workshop) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    await shop.run("dice", code, "")
    assert shop.host.entries()["dice"].error is None
    ann = await shop.house.enter("ann")
    ann.send("slash_call", channel="general", command="roll", args={"sides": 2})
    await shop.until(lambda: len(contents(ann.packets)) == 1)
    assert re.fullmatch(r"ann rolled [12], roll number 1", contents(ann.packets)[0])
    ann.send("slash_call", channel="general", command="roll", args={"sides": 101})
    await shop.until(lambda: "A die has 2 to 100 sides" in [packet.get("val") for packet in ann.packets])
    ann.send("message_new", channel="general", content="six!")
    await shop.until(lambda: contents(ann.packets)[-1] == "Well done")


def test_every_decorator_and_setting_of_a_shipped_plugin_is_on_the_page() -> None:
    for name in ("on", "before", "slash", "command", "every", "daily"):
        assert f"@plugin.{name}(" in PAGE
        assert callable(getattr(plugin_api.Plugin, name))
    for path in (Path(__file__).resolve().parents[2] / "plugins").glob("*.py"):
        settings = re.search(r"^class \w+\(Settings.*?\n\n\n", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)
        assert settings is not None
        for field in re.findall(r"^    (\w+): ", settings[0], re.MULTILINE):
            assert f"`{field}`" in PAGE or field == "enabled", f"{path.name}: {field}"
