"""The whole server in this process, with plugin files that a test writes."""

from __future__ import annotations

import asyncio
import json
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from plugin_host.host import PluginHost
from plugin_host.loading import module_name
from tests.support.house import House

HEAD = """
import threading
import msgspec
from plugin_api import *

"""


class Workshop:
    """Plugin files, and the host that runs them."""

    def __init__(self, house: House) -> None:
        self.house = house
        assert house.community.plugins is not None
        self.host: PluginHost = house.community.plugins
        self.folder = house.folder.parent / "plugins"
        self.folder.mkdir(exist_ok=True)

    def write(self, stem: str, code: str, head: str = HEAD) -> None:
        (self.folder / f"{stem}.py").write_text(head + textwrap.dedent(code), encoding="utf-8")

    def settings_file(self, stem: str) -> Path:
        return self.house.folder / "plugins" / f"{stem}.json"

    async def configure(self, stem: str, **settings: Any) -> None:
        """As if the host had saved the file, and the watcher had seen it."""
        path = self.settings_file(stem)
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(settings), encoding="utf-8")
        self.host.settings_edited(stem)
        await self.quiet()

    async def run(self, stem: str, code: str, head: str = HEAD) -> None:
        """Write one file, and load what is there."""
        self.write(stem, code, head)
        await self.start()

    async def start(self) -> None:
        await self.host.start()
        await self.quiet()

    async def quiet(self) -> None:
        """Until plugins and server have nothing to do any more."""
        for _ in range(4):
            for runner in list(self.host.runners.values()):
                future = runner.worker.submit(lambda: None) if runner.worker is not None else None
                if future is not None:
                    await asyncio.wait([asyncio.ensure_future(asyncio.wrap_future(future))], timeout=30)
            await self.house.quiet()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Until something holds that another thread brings about."""
        async with asyncio.timeout(30):
            while not holds():
                await asyncio.sleep(0)
                for guest in self.house.guests:
                    guest.read()

    def module(self, stem: str) -> Any:
        """What the file defines."""
        return sys.modules[module_name(stem)]

    def plugin(self, stem: str) -> Any:
        loaded = self.host.runners[stem].loaded
        assert loaded is not None
        return loaded.plugin


@pytest.fixture
async def shop(house: House) -> AsyncIterator[Workshop]:
    workshop = Workshop(house)
    yield workshop
    await workshop.host.stop()
