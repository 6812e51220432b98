"""A page comes back: after refusals that pass, to the right person, and to the message that its address names."""

from __future__ import annotations

import json
import re

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from tests.browser.tour.visit import Wire
from tests.support.chromium import CONTROLLED, Visits, log_in, module, until
from tests.support.client import ChatClient
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio

ONLINE = f"(async () => {module('app/core/connection.js')}.online.value === 'online')()"
KEPT = """(async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith("originchats-snapshot"));
    const kept = await (await caches.open(names[0] ?? "none")).match(new URL("snapshot.json", document.baseURI).href);
    return kept && (await kept.text()).includes("TEXT");
})()"""

SUBSCRIBED = """() => {
    const unsubscribe = async () => sessionStorage.setItem("unsubscribed", "yes");
    PushManager.prototype.getSubscription = async () => ({ endpoint: "https://push.example/1", unsubscribe });
}"""


async def write(page: Page, text: str) -> None:
    await page.get_by_role("textbox", name=re.compile("^Message")).fill(text)
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.locator("[data-message]:not([data-state]) .message-content", has_text=text)).to_be_visible()


async def test_a_login_that_cannot_be_stored_now_is_tried_again(server: ServerProcess, visit: Visits) -> None:
    page = await visit(server.http_url)
    await log_in(page, "ann")
    await until(page, ONLINE)
    tries: list[WebSocketRoute] = []

    def meet(socket: WebSocketRoute) -> None:
        tries.append(socket)
        behind = socket.connect_to_server()
        if len(tries) > 2:
            return

        def refuse(text: str | bytes) -> None:
            asked = json.loads(text)
            refusal = {"cmd": "auth_error", "val": "The server cannot store this now", "code": "unavailable"}
            socket.send(json.dumps(refusal | {"listener": asked["listener"]}))

        socket.on_message(refuse)
        behind.on_message(lambda text: socket.send(text))

    await page.route_web_socket(re.compile("^ws"), meet)
    await page.reload()
    await until(page, ONLINE)
    assert len(tries) == 3


async def test_what_somebody_else_did_not_get_sent_is_not_sent(server: ServerProcess, visit: Visits) -> None:
    page = await visit(server.http_url)
    message = {"id": "n1", "nonce": "n1", "user": "USR:local_ann", "timestamp": 1.0, "type": "message"}
    message |= {"state": "sending", "content": "by ann"}
    command = {"channel": "general", "content": "by ann", "nonce": "n1"}
    unsent = json.dumps([{"nonce": "n1", "key": "general", "command": command, "message": message}])
    await page.evaluate("(unsent) => localStorage.setItem('originchats:outbox:/', unsent)", unsent)
    await page.reload()
    await log_in(page, "ben")
    await write(page, "by ben")
    await expect(page.locator(".message-content", has_text="by ann")).to_have_count(0)


async def test_what_was_not_sent_stands_below_what_is_loading(server: ServerProcess, visit: Visits) -> None:
    page, wire = await visit(server.http_url), Wire()
    message = {"id": "n1", "nonce": "n1", "user": "USR:local_ann", "timestamp": 1.0, "type": "message"}
    message |= {"state": "failed", "problem": "You write too fast.", "content": "by ann"}
    command = {"channel": "general", "content": "by ann"}
    unsent = json.dumps([{"nonce": "n1", "key": "general", "command": command, "message": message}])
    await page.evaluate("(unsent) => localStorage.setItem('originchats:outbox:/', unsent)", unsent)
    wire.held.add("messages_get")
    await wire.attach(page)
    await log_in(page, "ann")
    log = page.get_by_role("log")
    await expect(log.get_by_role("alert")).to_have_text(re.compile(r"^Not sent\. You write too fast\. Retry"))
    await expect(log.locator(".skeleton-message")).not_to_have_count(0)


async def test_a_place_that_opens_at_a_message_seen_before_hears_of_new_ones(
    server: ServerProcess, visit: Visits
) -> None:
    ann, ben = await visit(server.http_url), await visit(server.http_url)
    await log_in(ann, "ann")
    await log_in(ben, "ben")
    await write(ann, "seen before")
    await until(ann, KEPT.replace("TEXT", "seen before"))
    id_ = await ann.locator("[data-message]", has_text="seen before").first.get_attribute("data-message")
    await ann.evaluate("(hash) => (location.hash = hash)", f"#/c/general/{id_}")
    await ann.reload()
    await until(ann, ONLINE)
    await expect(ann.locator(f'[data-message="{id_}"]')).to_be_focused()
    await write(ben, "news")
    await expect(ann.locator(".message-content", has_text="news")).to_be_visible()


async def test_who_logs_out_leaves_nothing_behind(server: ServerProcess, visit: Visits) -> None:
    page = await visit(server.http_url)
    await log_in(page, "ann")
    await write(page, "private")
    await until(page, KEPT.replace("TEXT", "private"))
    await until(page, "navigator.serviceWorker.getRegistration().then(Boolean)")
    await page.evaluate(SUBSCRIBED)
    async with page.expect_event("load"):
        await page.evaluate(f"(async () => void {module('app/core/session.js')}.logOut())()")
    await expect(
        page.get_by_role("form", name="Log in").or_(page.get_by_role("tab", name="Log in")).first
    ).to_be_visible()
    assert await page.evaluate("sessionStorage.getItem('unsubscribed')") == "yes"
    assert not await page.evaluate(KEPT.replace("TEXT", "private"))
    assert await page.evaluate("localStorage.getItem('originchats:login:/')") is None


async def test_who_logs_out_without_a_connection_is_logged_out_on_the_server_at_the_next_one(
    server: ServerProcess, visit: Visits
) -> None:
    visit.allow("ERR_INTERNET_DISCONNECTED|WebSocket connection to|ERR_FAILED")
    page = await visit(server.http_url)
    await log_in(page, "ann")
    login = json.loads(await until(page, "localStorage.getItem('originchats:login:/')"))
    await until(page, CONTROLLED)
    await page.context.set_offline(True)
    async with page.expect_event("load"):
        await page.evaluate(f"(async () => void {module('app/core/session.js')}.logOut())()")
    assert await page.evaluate("localStorage.getItem('originchats:login:/')") is None
    assert await page.evaluate("localStorage.getItem('originchats:ending:/')") == login["token"]
    async with ChatClient(server.url) as other:
        await other.connect()
        await page.context.set_offline(False)
        await until(page, "localStorage.getItem('originchats:ending:/') === null")
        answer = await other.ask("guest_login", username=login["username"], token=login["token"])
        assert (answer["cmd"], answer["code"]) == ("auth_error", "invalid_token")
