"""The keyboard shows where it is: each element that Tab reaches looks different while it has the focus."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image, ImageChops
from playwright.async_api import FloatRect, Page, expect

from tests.support.chromium import Visits, log_in, settled, until
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio

AROUND_PX = 4
FEWEST_PX = 24
"""Pixels that differ between an element with and without the focus: the shortest edge of a ring."""
QUIET = """() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("[role=tooltip], .message-tools { visibility: hidden !important }");
    document.adoptedStyleSheets = [sheet];
}"""
"""What else comes with the focus."""
FOCUSED = """() => {
    const element = document.activeElement;
    if (element === document.body || element.dataset.visited) return null;
    element.dataset.visited = "";
    const { x, y, width, height } = (element.closest("label") ?? element).getBoundingClientRect();
    const name = element.getAttribute("aria-label") ?? element.textContent.trim() ?? "";
    return { x, y, width, height, name: `${element.tagName} .${element.className}: ${name.slice(0, 60)}` };
}"""


async def unseen(page: Page, most: int = 90) -> list[str]:
    """Which of the next elements in the order of Tab do not show the focus."""
    await settled(page)
    await page.evaluate(QUIET)
    assert page.viewport_size is not None
    right, bottom = page.viewport_size["width"], page.viewport_size["height"]
    found = []
    for _ in range(most):
        await page.keyboard.press("Tab")
        place = await page.evaluate(FOCUSED)
        if place is None:
            break
        left, top = max(0, place["x"] - AROUND_PX), max(0, place["y"] - AROUND_PX)
        clip: FloatRect = {
            "x": left,
            "y": top,
            "width": min(right, place["x"] + place["width"] + AROUND_PX) - left,
            "height": min(bottom, place["y"] + place["height"] + AROUND_PX) - top,
        }
        focused = await page.screenshot(clip=clip)
        await page.evaluate("window.left = document.activeElement; window.left.blur()")
        without = await page.screenshot(clip=clip)
        await page.evaluate("window.left.focus({ preventScroll: true })")
        if changed(focused, without) < FEWEST_PX:
            found.append(place["name"])
    return found


def changed(one: bytes, other: bytes) -> int:
    """How many pixels differ clearly."""
    grey = [Image.open(io.BytesIO(data)).convert("L") for data in (one, other)]
    return sum(ImageChops.difference(*grey).histogram()[24:])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_each_stop_of_the_tab_key_is_seen_in_the_chat(server: ServerProcess, visit: Visits, dark: bool) -> None:
    page = await visit(server.http_url, dark=dark, reduced_motion="reduce")
    await expect(page.get_by_label("Password", exact=True)).to_be_visible()
    assert await unseen(page) == []
    await page.reload()
    await log_in(page, "host")
    field = page.get_by_role("textbox", name=re.compile("^Message"))
    await field.fill(f"A [link on {dark=}](https://example.org), and `code`")
    await field.press("Enter")
    said = page.locator("[data-message]:not([data-state])")
    await expect(said.get_by_role("link", name=f"link on {dark=}")).to_be_visible()
    assert await unseen(page) == []


async def test_each_stop_of_the_tab_key_is_seen_in_the_settings(server: ServerProcess, visit: Visits) -> None:
    page = await visit(server.http_url, reduced_motion="reduce")
    await log_in(page, "host")
    await until(page, "() => location.hash.startsWith('#/c/')")
    for section, title in (("invites", "Invitations"), ("audit-log", "Audit log"), ("configuration", "Configuration")):
        await page.evaluate("section => (location.hash = `#/settings/${section}`)", section)
        heading = page.get_by_role("main").get_by_role("heading", name=title, level=1)
        await heading.focus()
        await expect(page.locator(".settings-loading")).to_have_count(0)
        assert await unseen(page, 20) == []
