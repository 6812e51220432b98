"""What counts as read: what somebody saw; made unread it stays so everywhere; an address is followed once."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Locator, Page, WebSocketRoute, expect

from tests.support.chromium import PATIENCE_S, Visits, log_in, module, until
from tests.support.client import ChatClient
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio

ONLINE = f"(async () => {module('app/core/connection.js')}.online.value === 'online')()"
LOOK = "(looks) => { document.hasFocus = () => looks; dispatchEvent(new Event(looks ? 'focus' : 'blur')); }"


async def member(server: ServerProcess, name: str) -> ChatClient:
    client = await ChatClient(server.url, name).connect()
    await client.login(name)
    return client


def row(page: Page, name: str) -> Locator:
    """Of the list of channels."""
    return page.get_by_role("navigation", name="Channels").get_by_role("link", name=re.compile(f"^{name}"))


async def test_what_nobody_looks_at_stays_unread(server: ServerProcess, visit: Visits) -> None:
    host, ann = await member(server, "host"), await member(server, "ann")
    await host.request("message_new", channel="general", content="Is anybody there?")
    page = await visit(f"{server.http_url}/#/c/general")
    await page.evaluate(LOOK, False)
    await log_in(page, "ann")
    await expect(page.get_by_role("log").get_by_text("Is anybody there?")).to_be_visible()
    await expect(row(page, "general")).to_have_attribute("aria-label", "general, unread")
    assert (await ann.request("unreads_count", channel="general"))["unread_count"] == 1
    await page.evaluate(LOOK, True)
    await ann.expect("unreads_update", channel="general")
    await expect(row(page, "general")).to_have_attribute("aria-label", "general")
    assert (await ann.request("unreads_count", channel="general"))["unread_count"] == 0
    await host.close()
    await ann.close()


async def test_what_is_made_unread_is_so_on_every_device_and_after_a_reload(
    server: ServerProcess, visit: Visits
) -> None:
    host = await member(server, "host")
    for text in ("one of three", "two of three", "three of three"):
        await host.request("message_new", channel="general", content=text)
    phone = await visit(f"{server.http_url}/#/c/staff")
    desk = await visit(f"{server.http_url}/#/c/general")
    for page in (phone, desk):
        await log_in(page, "ben")
    await expect(row(phone, "general")).to_have_attribute("aria-label", "general")
    message = desk.get_by_role("log").locator("[data-message]", has_text="two of three")
    await message.click(button="right")
    await desk.get_by_role("menuitem", name="Mark unread from here").click()
    await expect(row(phone, "general")).to_have_attribute("aria-label", "general, unread")
    await desk.evaluate(LOOK, False)
    await desk.evaluate(LOOK, True)  # who comes back to the page has not read it for that
    await expect(row(desk, "general")).to_have_attribute("aria-label", "general, unread")
    await expect(desk.get_by_role("log").get_by_role("separator").get_by_text("New", exact=True)).to_be_visible()
    await phone.reload()
    await expect(row(phone, "general")).to_have_attribute("aria-label", "general, unread")
    await row(phone, "general").click()
    await expect(row(desk, "general")).to_have_attribute("aria-label", "general")
    await host.close()


async def test_mentions_made_unread_wait_on_every_device_and_after_a_reload(
    server: ServerProcess, visit: Visits
) -> None:
    host = await member(server, "host")
    sent = [await host.request("message_new", channel="general", content=text) for text in ("plain", "@ben", "@&user")]
    phone = await visit(f"{server.http_url}/#/c/staff")
    desk = await visit(f"{server.http_url}/#/c/general")
    for page in (phone, desk):
        await log_in(page, "ben")
    await expect(row(phone, "general")).to_have_attribute("aria-label", "general")
    await desk.get_by_role("log").locator(f"[data-message='{sent[1]['message']['id']}']").click(button="right")
    await desk.get_by_role("menuitem", name="Mark unread from here").click()
    for page in (phone, desk):
        await expect(row(page, "general")).to_have_attribute("aria-label", "general, 2 new for you")
    await phone.reload()
    await expect(row(phone, "general")).to_have_attribute("aria-label", "general, 2 new for you")
    await host.close()


async def test_an_address_with_a_message_is_followed_once(server: ServerProcess, visit: Visits) -> None:
    host = await member(server, "host")
    sent = [await host.request("message_new", channel="general", content=f"line {number}") for number in range(60)]
    page = await visit(f"{server.http_url}/#/c/general/{sent[5]['message']['id']}")
    sockets: list[WebSocketRoute] = []
    met = asyncio.Event()

    def meet(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        socket.connect_to_server()
        met.set()

    await log_in(page, "ann")
    await page.route_web_socket(re.compile("^ws"), meet)
    await page.reload()
    log = page.get_by_role("log")
    await expect(log.get_by_text("line 5", exact=True)).to_be_in_viewport()
    await page.get_by_role("button", name=re.compile("Newest messages|new message")).click()
    await expect(log.get_by_text("line 59", exact=True)).to_be_in_viewport()
    await page.evaluate("(hash) => { location.hash = hash }", f"#/c/general/{sent[20]['message']['id']}")
    await expect(log.get_by_text("line 20", exact=True)).to_be_in_viewport()
    await log.evaluate("(box) => { box.scrollTop = box.scrollHeight }")
    await expect(log.get_by_text("line 59", exact=True)).to_be_in_viewport()
    met.clear()
    await sockets[-1].close()
    await asyncio.wait_for(met.wait(), PATIENCE_S)
    await until(page, ONLINE)
    await host.request("message_new", channel="general", content="after the break")
    await expect(log.get_by_text("after the break")).to_be_in_viewport()
    await host.close()
