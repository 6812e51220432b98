"""The page opens: at the root, below a path prefix, and without a network."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.support.chromium import CLICK, CONTROLLED, DESKTOP, PHONE, Visits, assert_accessible, log_in, shot, until
from tests.support.prefix_proxy import below
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio

RECORD = """() => {
    self.shown = [];
    const show = ServiceWorkerRegistration.prototype.showNotification;
    ServiceWorkerRegistration.prototype.showNotification = function (title, options) {
        const showing = show.call(this, title, options);
        showing.then(() => self.shown.push({ title, ...options }));
        return showing;
    };
}"""
"""Notes in the service worker's `shown` what it showed."""


async def opened(page: Page) -> None:
    """The client runs, and what stood there before it did is gone."""
    await expect(page.locator("#app .shell")).to_have_count(0)
    await expect(page.get_by_role("button").first).to_be_visible()


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_the_page_opens_and_is_accessible(server: ServerProcess, visit: Visits, size: tuple[int, int]) -> None:
    page = await visit(server.http_url, size=size)
    await opened(page)
    await expect(page).to_have_title(re.compile("Test community"))
    await assert_accessible(page)
    await shot(page, f"opening-{size[0]}")


async def test_the_page_works_below_a_path_prefix(server: ServerProcess, visit: Visits) -> None:
    async with below("/our/chat", server.port) as address:
        page = await visit(address)
        await opened(page)
        await log_in(page, "ann")
        await expect(page.get_by_text("general").first).to_be_visible()
        await until(page, CONTROLLED)
        scope = await page.evaluate("navigator.serviceWorker.ready.then(registration => registration.scope)")
        assert scope == address


async def test_whoever_goes_elsewhere_while_the_chat_opens_stays_there(server: ServerProcess, visit: Visits) -> None:
    page = await visit(server.http_url)
    await page.evaluate("""() => new MutationObserver((_, observer) => {
        if (!document.querySelector(".sidebar")) return;
        observer.disconnect();
        location.hash = "#/settings/appearance";
    }).observe(document, { childList: true, subtree: true })""")
    await log_in(page, "ann")
    await expect(page.get_by_role("main").get_by_role("heading", name="Appearance", level=1)).to_be_visible()
    assert await page.evaluate("location.hash") == "#/settings/appearance"


async def test_the_page_opens_without_a_network(server: ServerProcess, visit: Visits) -> None:
    visit.allow("ERR_INTERNET_DISCONNECTED|ERR_CONNECTION_REFUSED")
    page = await visit(server.http_url)
    await opened(page)
    await until(page, CONTROLLED)
    await page.context.set_offline(True)
    await page.reload()
    await expect(page.locator("#app")).to_be_visible()
    await expect(page.locator("#app .shell")).to_have_count(0)


async def test_what_is_pushed_is_shown_and_leads_to_its_place(server: ServerProcess, visit: Visits) -> None:
    page = await visit(server.http_url, permissions=["notifications"])
    await opened(page)
    await until(page, CONTROLLED)
    (worker,) = page.context.service_workers
    pushed = {"title": "ann in #general", "body": "Tea?", "channel": "general", "message_id": "m 1", "thread_id": None}
    await worker.evaluate(RECORD)
    await worker.evaluate("told => self.dispatchEvent(new PushEvent('push', {data: JSON.stringify(told)}))", pushed)
    shown = await until(worker, "shown[0]")
    assert (shown["title"], shown["body"], shown["tag"]) == ("ann in #general", "Tea?", "channel general")
    await worker.evaluate(CLICK, shown["data"])
    await until(page, "location.hash === '#/c/general/m%201'")
