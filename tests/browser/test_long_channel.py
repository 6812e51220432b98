"""A channel that is longer than what a page holds: its place is kept while it is scrolled, and it stays small."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.chromium import Visits, log_in, until
from tests.support.client import Visitors
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio

MESSAGES = 1500
MOST_ROWS = 300
"""The window of core/timeline.js, and what may come in before it is cut."""
FEW_ROWS = f"document.querySelectorAll('[data-message]').length <= {MOST_ROWS}"
FIRST_IN_SIGHT = """() => {
    const box = document.querySelector(".messages-scroller"), top = box.getBoundingClientRect().top;
    const row = [...box.querySelectorAll("[data-message]")].find((each) => each.getBoundingClientRect().top >= top);
    return {id: row.dataset.message, top: row.getBoundingClientRect().top - top};
}"""
GROWN = """async () => {
    const box = document.querySelector(".messages-scroller");
    const oldest = () => box.querySelector("[data-message]").dataset.message;
    const before = oldest();
    box.scrollTop = 300;
    const top = box.getBoundingClientRect().top;
    const row = [...box.querySelectorAll("[data-message]")].find((each) => each.getBoundingClientRect().top >= top);
    const at = row.getBoundingClientRect().top;
    let worst = 0, after = 0;
    for (const start = performance.now(); performance.now() - start < 30_000 && after < 10; ) {
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        if (!row.isConnected) return {worst: 1e9};
        worst = Math.max(worst, Math.abs(row.getBoundingClientRect().top - at));
        if (oldest() !== before) after++;
    }
    return {worst, grown: after > 0, rows: box.querySelectorAll("[data-message]").length};
}"""
"""Scrolls to the upper edge of what is there. worst: pixels by which the message under the reader moves, in any frame,
as older ones come in."""


@pytest.fixture(scope="module")
async def ids(server: ServerProcess) -> list[str]:
    """Of the messages of `general`, oldest first: some of one line, some of several."""
    visitors = Visitors(lambda: server.url)
    try:
        ben = await visitors.login("ben")
        made = []
        for number in range(MESSAGES):
            text = f"Message {number}" + "\nand one more line" * (number % 4)
            answer: dict[str, Any] = await ben.request("message_new", channel="general", content=text)
            made.append(answer["message"]["id"])
            ben.forget()
        return made
    finally:
        await visitors.close()


@pytest.fixture
async def page(server: ServerProcess, visit: Visits, ids: list[str]) -> Page:
    opened = await visit(server.http_url)
    await log_in(opened, "ann")
    await expect(message(opened, ids[-1])).to_be_visible()
    return opened


def message(page: Page, id: str) -> Any:
    return page.locator(f'[data-message="{id}"]')


async def test_what_is_read_stays_where_it_is_while_older_messages_come_in(page: Page, ids: list[str]) -> None:
    for _ in range(12):
        moved = await page.evaluate(GROWN)
        assert moved["worst"] <= 2, moved
        assert moved["grown"], moved
        assert moved["rows"] <= MOST_ROWS
    await expect(message(page, ids[-1]), "what is far away is forgotten").to_have_count(0)


async def test_an_old_message_is_reached_by_its_link_and_the_newest_again_by_the_button(
    page: Page, ids: list[str]
) -> None:
    old = ids[40]
    await page.evaluate(f"location.hash = '#/c/general/{old}'")
    await expect(message(page, old)).to_be_in_viewport()
    await expect(message(page, ids[-1])).to_have_count(0)
    await until(page, FEW_ROWS)
    await page.locator(".messages-scroller").evaluate("box => (box.scrollTop = 0)")
    await expect(page.get_by_text("Welcome to general")).to_be_visible()
    await page.get_by_role("button", name=re.compile("^Newest messages|new message")).click()
    await expect(message(page, ids[-1])).to_be_in_viewport()
    await until(page, FEW_ROWS)


async def test_arrow_keys_lead_past_what_was_loaded_first(page: Page, ids: list[str]) -> None:
    await message(page, ids[-1]).focus()
    focused = "document.activeElement.dataset.message"
    for number in range(2, 62):
        await page.keyboard.press("ArrowUp")
        await until(page, f"{focused} === {ids[-number]!r}")
    await until(page, f"near => near.includes(({FIRST_IN_SIGHT})().id)", ids[-80:-50])
