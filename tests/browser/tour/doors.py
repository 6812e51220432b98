"""What is seen before somebody is in, and what whoever starts a server sees first."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.tour.visit import Tour, Wire
from tests.support.chromium import log_in
from tests.support.client import ChatClient
from tests.support.server import ServerProcess


async def strangers(tour: Tour, server: ServerProcess, marta: ChatClient) -> None:
    page = tour.page
    await expect(page.get_by_label("Password", exact=True)).to_be_visible()
    await tour.shoot("welcome")
    await page.get_by_label("Name", exact=True).fill("lena")
    await page.get_by_label("Password", exact=True).fill("not this one")
    await page.get_by_role("button", name="Log in", exact=True).click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await tour.shoot("welcome-wrong")
    await page.get_by_role("tab", name="Create account").click()
    await tour.shoot("register")
    invite = (await marta.request("invite_create", expires_in_s=86_400))["invite"]["code"]
    for screen, code in (("invited", invite), ("invited-too-late", "used-up")):
        await page.goto(f"{server.http_url}/#/invite/{code}")
        await page.reload()
        await expect(page.locator(".welcome-invite, .welcome-head .welcome-problem")).to_be_visible()
        await tour.shoot(screen)
    for screen, value in (("invited-only", "invite"), ("closed-server", "closed")):
        await marta.request("settings_update", changes={"registration": value})
        await page.goto(f"{server.http_url}/#/")
        await page.reload()
        await expect(page.get_by_text("new members").last).to_be_visible()
        await tour.shoot(screen)
    await marta.request("settings_update", changes={"registration": "open"})


async def states(tour: Tour) -> None:
    """Of the chat: what is loading, what could not be loaded, what is empty."""
    page = tour.page
    await log_in(page, "lena")
    wire = Wire()
    wire.held |= {"messages_get", "pins_get", "messages_search", "pings_get"}
    await wire.attach(page)
    await page.evaluate("location.hash = '#/c/watering'")
    await expect(page.locator("[aria-busy=true], .skeleton").first).to_be_visible()
    await tour.rest("loading")
    wire.held.clear()
    failing = ("messages_get", "messages_pinned", "search", "pings_get", "messages_search", "pins_get")
    wire.refused |= dict.fromkeys(failing, "Something went wrong here. It is in the log.")
    await page.reload()
    await page.evaluate("location.hash = '#/c/tools'")
    await expect(page.get_by_role("button", name="Try again").first).to_be_visible()
    await tour.shoot("loading-failed")
    await page.keyboard.press("Control+Shift+I")
    await expect(
        page.get_by_role("complementary", name="Inbox").get_by_role("button", name="Try again")
    ).to_be_visible()
    await tour.shoot("inbox-failed")


async def first_steps(tour: Tour, server: ServerProcess) -> None:
    page = tour.page
    await page.get_by_role("tab", name="Create account").click()
    await tour.shoot("claim")
    await page.get_by_label("Claim code").fill(server.claim_code)
    await page.get_by_label("Name", exact=True).fill("Marta")
    await page.get_by_label("Password", exact=True).fill("a long sentence")
    await page.get_by_role("button", name="Create account and take over").click()
    await expect(page.get_by_role("heading", name="What is your community called?")).to_be_visible()
    await tour.shoot("first-name")
    await page.get_by_label("Name", exact=True).fill("Allotment 17")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", name="Where will people talk?")).to_be_visible()
    await tour.shoot("first-channels")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("button", name="Make a link")).to_be_visible()
    await tour.shoot("first-invite")
    await page.get_by_role("button", name="Make a link").click()
    await expect(page.locator(".first-run-link output")).to_be_visible()
    await tour.shoot("first-link")
    await page.get_by_role("button", name="Go to the chat").click()
    await expect(page.get_by_role("textbox")).to_be_visible()
    await tour.shoot("first-chat")
    for section in ("webhooks", "emojis"):
        await page.evaluate("section => { location.hash = `#/settings/${section}`; }", section)
        await expect(page.get_by_text(f"No {section} yet")).to_be_visible()
        await tour.shoot(f"no-{section}")
