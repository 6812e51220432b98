"""Notices of the browser: what they tell of, what silences them, and where a click leads."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.chromium import CLICK, CONTROLLED, Visits, log_in, until
from tests.support.client import ChatClient, Visitors
from tests.support.community import user_id
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio

RECORD = """
    globalThis.told = [];
    const pass = ServiceWorkerRegistration.prototype.showNotification;
    ServiceWorkerRegistration.prototype.showNotification = function (title, options) {
        const showing = pass.call(this, title, options);
        showing.then(() => told.push({ title, ...options }));
        return showing;
    };
    Object.defineProperty(document, "hasFocus", { value: () => false });
"""
"""What is shown is noted in `told`, and nobody looks at the page."""


async def notified(server: ServerProcess, visit: Visits, name: str) -> Page:
    """A page in the background, with notifications switched on in the settings."""
    visit.allow("Push API in incognito mode")
    page = await visit(server.http_url, permissions=["notifications"])
    await page.add_init_script(RECORD)
    await page.reload()
    await log_in(page, name)
    await until(page, CONTROLLED)
    await page.evaluate("location.hash = '#/settings/notifications'")
    switch = page.get_by_role("switch", name="Notifications of this browser")
    await switch.press("Space")
    # No push service can be reached from here: that is said, and the rest works.
    await expect(page.get_by_text("You are told while this page is open.").first).to_be_visible()
    await expect(switch).to_be_checked()
    await page.evaluate("location.hash = '#/c/general'")
    return page


async def told(page: Page, count: int) -> list[Any]:
    """The bodies of all notices, when there are so many."""
    await until(page, "count => told.length >= count", count)
    bodies: list[Any] = await page.evaluate("told.map(({ body }) => body)")
    assert len(bodies) == count, bodies
    return bodies


async def say(client: ChatClient, text: str, channel: str = "general") -> dict[str, Any]:
    message: dict[str, Any] = (await client.request("message_new", channel=channel, content=text))["message"]
    return message


async def test_pings_and_direct_messages_are_told_and_a_click_leads_to_them(
    server: ServerProcess, visit: Visits, others: Visitors
) -> None:
    page, ben = await notified(server, visit, "ann"), await others.login("ben")
    await say(ben, "nothing of note")
    called = await say(ben, "@ann come and look")
    assert await told(page, 1) == ["@ann come and look"]
    assert await page.evaluate("told[0].title") == "ben in general"
    (worker,) = page.context.service_workers
    await page.evaluate("location.hash = '#/c/ideas'")
    await worker.evaluate(CLICK, await page.evaluate("told[0].data"))
    await until(page, "id => location.hash === `#/c/general/${id}`", called["id"])
    await expect(page.locator(f'[data-message="{called["id"]}"]')).to_be_in_viewport()

    await ben.request("direct_message", user=user_id("ann"), content="between us")
    assert (await told(page, 2))[1] == "between us"
    assert await page.evaluate("told[1].title") == "ben"


async def test_levels_of_channels_and_do_not_disturb(server: ServerProcess, visit: Visits, others: Visitors) -> None:
    page, ben = await notified(server, visit, "mod"), await others.login("ben")
    link = page.get_by_role("navigation", name="Channels").get_by_role("link", name="general")

    async def choose(level: str) -> None:
        await link.click(button="right")
        await page.get_by_role("menuitemcheckbox", name=level).click()
        await expect(page.get_by_role("menu")).to_have_count(0)

    await choose("All messages")
    await say(ben, "small talk")
    assert await told(page, 1) == ["small talk"]
    await choose("Nothing")
    await say(ben, "@mod silence")
    await choose("Only pings")
    await say(ben, "more small talk")
    await say(ben, "@mod ping")
    assert (await told(page, 2))[1] == "@mod ping"

    host = await others.login("host")
    mod = await others.login("mod")
    await mod.request("status_set", status="dnd", text="")
    await host.expect("status_get", username=user_id("mod"))
    await say(ben, "@mod not now")
    await mod.request("status_set", status="online", text="")
    await say(ben, "@mod now")
    assert (await told(page, 3))[2] == "@mod now"


async def test_turning_them_off_ends_them(server: ServerProcess, visit: Visits, others: Visitors) -> None:
    page, ben = await notified(server, visit, "ann"), await others.login("ben")
    await page.evaluate("location.hash = '#/settings/notifications'")
    switch = page.get_by_role("switch", name="Notifications of this browser")
    await switch.press("Space")
    await expect(switch).not_to_be_checked()
    said = await say(ben, "@ann are you there?")
    await page.evaluate("location.hash = '#/c/general'")
    await until(page, f"document.querySelector('[data-message=\"{said['id']}\"]') !== null")
    assert await page.evaluate("told.length") == 0
