"""The server is killed in mid-conversation: what was written arrives once, what was missed is there."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.support.chromium import CONTROLLED, Visits, log_in, until
from tests.support.community import write_community
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio

USERS = {"ann": ("user",), "ben": ("user",)}


def free_port() -> int:
    """A port that nobody listens on, so that the server can come back where it was."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def write(page: Page, text: str) -> None:
    await page.get_by_role("textbox", name=re.compile("^Message")).fill(text)
    await page.get_by_role("button", name="Send", exact=True).click()


async def said(page: Page) -> list[str]:
    return await page.locator(".message-content").all_inner_texts()


async def test_nothing_is_lost_or_doubled_when_the_server_is_killed(visit: Visits, tmp_path: Path) -> None:
    visit.allow("ERR_CONNECTION_REFUSED|WebSocket connection to|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE")
    folder = write_community(tmp_path, users=USERS)
    async with ServerProcess(folder, arguments=["--port", str(free_port())]) as server:
        ann, ben = await visit(server.http_url), await visit(server.http_url)
        for page, name in ((ann, "ann"), (ben, "ben")):
            await log_in(page, name)
        await write(ann, "before")
        await expect(ben.locator(".message-content", has_text="before")).to_be_visible()
        await until(ben, CONTROLLED)  # it can be reloaded without the server

        await server.kill()
        await expect(ann.get_by_text("Connection lost")).to_be_visible()
        for number in range(3):
            await write(ann, f"from ann {number}")
            await write(ben, f"from ben {number}")
        await expect(ann.locator("[data-message][data-state=sending]")).to_have_count(3)
        await ben.reload()  # what is unsent outlives the page

        await server.start()
        for page in (ann, ben):
            await expect(page.locator(".message-content")).to_have_count(7)
            await expect(page.locator("[data-message][data-state]")).to_have_count(0)
            await expect(page.get_by_text("Connection lost")).to_have_count(0)
        written = ["before", *(f"from {name} {number}" for name in ("ann", "ben") for number in range(3))]
        assert sorted(await said(ann)) == sorted(written)
        assert await said(ann) == await said(ben)
        for name in ("ann", "ben"):
            own = [text for text in await said(ann) if name in text]
            assert own == sorted(own), "in the order of writing"
