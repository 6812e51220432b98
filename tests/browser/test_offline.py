"""Without a network the page opens with what was last seen, and sends what is written as soon as it can."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.support.chromium import CONTROLLED, PHONE, Visits, assert_accessible, log_in, shot, until
from tests.support.client import ChatClient
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio

KEPT = """async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith("originchats-snapshot:"));
    const kept = await (await caches.open(names[0])).match(new URL("snapshot.json", document.baseURI));
    return (await kept?.text())?.includes("seen before the tunnel");
}"""
LEFT = """async () => {
    Object.defineProperty(document, "hidden", { value: true });
    document.dispatchEvent(new Event("visibilitychange")); // the moment at which what was seen is kept
    await (await caches.open("after it")).put("after", new Response(""));
    const names = [...(await caches.keys()), ...Object.keys(localStorage)];
    return names.filter((name) => /snapshot|login/.test(name));
}"""


async def test_a_reload_without_a_network_shows_what_was_seen_and_sends_what_is_written(
    server: ServerProcess, visit: Visits
) -> None:
    visit.allow("ERR_INTERNET_DISCONNECTED|WebSocket connection to|ERR_FAILED")
    async with ChatClient(server.url) as ben:
        await ben.connect()
        await ben.login("ben")
        await ben.request("message_new", channel="general", content="seen before the tunnel")
        page = await visit(server.http_url, size=PHONE)
        await log_in(page, "ann")
        await expect(page.locator(".message-content", has_text="seen before the tunnel")).to_be_visible()
        await until(page, CONTROLLED)
        await until(page, KEPT)

        await page.context.set_offline(True)
        await page.reload()
        await expect(page.get_by_text("Connection lost")).to_be_visible()
        await expect(page.locator(".message-content", has_text="seen before the tunnel")).to_be_visible()
        field = page.get_by_role("textbox", name=re.compile("^Message"))
        await field.fill("written in the tunnel")
        await page.get_by_role("button", name="Send", exact=True).click()
        await expect(page.locator("[data-message][data-state=sending]")).to_have_count(1)
        await assert_accessible(page)
        await shot(page, "offline")
        await page.get_by_role("button", name=re.compile("^Channels")).click()
        await page.get_by_role("link", name=re.compile("^ideas")).click()
        await expect(page.get_by_role("heading", name="ideas")).to_be_visible()

        await page.context.set_offline(False)
        await ben.expect_where(
            lambda packet: packet.get("message", {}).get("content") == "written in the tunnel", "what was written", 30
        )
        await expect(page.get_by_text("Connection lost")).to_have_count(0)
        await page.go_back()
        await expect(page.locator(".message-content", has_text="written in the tunnel")).to_have_count(1)
        await expect(page.locator("[data-message][data-state]")).to_have_count(0)


async def test_who_does_not_stay_logged_in_leaves_nothing_behind(server: ServerProcess, visit: Visits) -> None:
    page = await visit(server.http_url)
    stay = page.get_by_role("checkbox", name="Stay logged in on this device")
    await stay.press("Space")
    await expect(stay).not_to_be_checked()
    await log_in(page, "mod")
    await expect(page.get_by_role("textbox", name=re.compile("^Message"))).to_be_visible()
    assert await page.evaluate(LEFT) == []
    await page.reload()
    await expect(page.get_by_label("Password", exact=True)).to_be_visible()
