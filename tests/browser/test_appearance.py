"""What is chosen under "Name and looks" takes effect everywhere and outlives the page."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.support.chromium import PHONE, Visits, assert_accessible, log_in, shot
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio

TEXT_PX = "parseFloat(getComputedStyle(document.querySelector('.message-content')).fontSize)"
OVERFLOW_PX = "document.documentElement.scrollWidth - innerWidth"


async def chosen(page: Page, look: str) -> None:
    """Kept as the settings keep it."""
    await page.evaluate("look => localStorage.setItem('originchats:appearance', look)", look)
    await page.reload()
    await expect(page.locator(".message-content").first).to_be_visible()


async def test_size_of_text_density_and_theme(server: ServerProcess, visit: Visits) -> None:
    page = await visit(server.http_url, size=PHONE, reduced_motion="reduce")
    await log_in(page, "ann")
    await page.get_by_role("textbox", name=re.compile("^Message")).fill("How large is this?")
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.locator(".message-face").first).to_be_visible()
    normal = await page.evaluate(TEXT_PX)
    await chosen(page, '{"size": "large", "theme": "dark"}')
    assert await page.evaluate(TEXT_PX) > normal * 1.15
    assert await page.evaluate(OVERFLOW_PX) <= 0
    assert await page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    await assert_accessible(page)
    await shot(page, "large")
    await chosen(page, '{"size": "small", "compact": true}')
    assert await page.evaluate(TEXT_PX) < normal
    await expect(page.locator(".message-face").first).to_be_hidden()
    await shot(page, "compact")
