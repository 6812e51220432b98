"""What takes the pictures."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.async_api import Page, WebSocketRoute, expect

from tests.support.chromium import assert_accessible, settled


class Tour:
    """One visit: a device and a theme. Pictures are called `<screen>-<device>-<theme>.png`.

    problems: what axe finds where `checked`, by screen.
    """

    def __init__(self, page: Page, folder: Path, name: str, *, checked: bool = False) -> None:
        self.page = page
        self.narrow = name.startswith("phone")
        self.wide = name.startswith("desktop")
        self.problems: list[str] = []
        self._folder = folder
        self._name = name
        self._checked = checked

    async def shoot(self, screen: str) -> None:
        """With the pointer out of the way, when nothing is busy."""
        await self.page.mouse.move(0, 0)
        await expect(self.page.locator("[aria-busy=true]")).to_have_count(0)
        await self.rest(screen)

    async def rest(self, screen: str) -> None:
        """As it is at this moment."""
        await settled(self.page)
        await self.page.screenshot(path=self._folder / f"{screen}-{self._name}.png")
        if self._checked:
            try:
                await assert_accessible(self.page)
            except AssertionError as found:
                self.problems.append(f"{screen}: {found}")

    async def at(self, place: str) -> None:
        await self.page.evaluate("place => { location.hash = place; }", place)
        await expect(self.page.locator(".layout-chat > *").first).to_be_visible()

    async def closed(self) -> None:
        await self.page.keyboard.press("Escape")
        await expect(self.page.locator(".layer, .popover, .menu")).to_have_count(0)

    async def panel(self, button: str, screen: str) -> None:
        await self.page.locator(".layout-main").get_by_role("button", name=re.compile(f"^{button}")).first.click()
        await expect(self.page.locator("aside.panel")).to_be_visible()
        await self.shoot(screen)


class Wire:
    """Stands between a page and the server. held: commands that are not answered. refused: command -> text of the
    error. changed: command -> what makes another answer of its answer."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.refused: dict[str, str] = {}
        self.changed: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}

    async def attach(self, page: Page) -> None:
        """From the next load of the page on."""
        await page.route_web_socket(re.compile("^ws"), self._connected)
        await page.reload()

    def _connected(self, page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        def asked(text: str | bytes) -> None:
            packet = json.loads(text)
            command = packet["cmd"]
            if command in self.refused:
                error = {"cmd": "error", "src": command, "val": self.refused[command], "code": "internal"}
                page.send(json.dumps({**error, "listener": packet.get("listener")}))
            elif command not in self.held:
                server.send(text)

        def answered(text: str | bytes) -> None:
            packet = json.loads(text)
            change = self.changed.get(packet["cmd"])
            page.send(json.dumps(change(packet)) if change else text)

        page.on_message(asked)
        server.on_message(answered)
