"""Direct messages: from a profile to a conversation, and to the end of one."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.support.chromium import Visits, assert_accessible, entered, log_in, shot, until
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio


async def test_a_conversation_from_the_profile_to_a_block(server: ServerProcess, visit: Visits) -> None:
    ann, ben = await entered(server, visit, "ann"), await entered(server, visit, "ben")
    present = ann.get_by_role("complementary", name="Members").get_by_role("region", name="Online")
    await present.get_by_role("button", name="ben").click()  # once he has moved there from those who are offline
    card = ann.get_by_role("dialog", name="Profile of ben")
    await card.get_by_role("textbox", name="Message to ben").fill("Have you got a minute?")
    await assert_accessible(ann)
    await card.get_by_role("button", name="Send").click()
    await expect(card).to_have_count(0)
    await expect(ann.get_by_role("heading", name="ben", level=1)).to_be_visible()
    await expect(ann.locator(".message-content", has_text="Have you got a minute?")).to_be_visible()

    row = ben.get_by_role("navigation", name="Channels").get_by_role("link", name="ann, 1 new for you")
    await expect(row).to_be_visible()
    await expect(ben).to_have_title(re.compile(r"^\(1\) "))
    await row.click()
    await expect(ben.get_by_role("link", name="ann", exact=True)).to_have_attribute("aria-current", "page")
    await expect(ben).to_have_title("Test community")
    await ben.get_by_role("textbox", name="Message @ann").fill("Two, even.")
    await ben.get_by_role("button", name="Send", exact=True).click()
    await expect(ann.locator(".message-content", has_text="Two, even.")).to_be_visible()
    await shot(ann, "direct")

    await ben.get_by_role("link", name="ann", exact=True).click(button="right")
    await ben.get_by_role("menuitem", name="Block ann").click()
    await ben.get_by_role("button", name="Block", exact=True).click()
    await expect(ben.get_by_role("link", name=re.compile(r"^ann"))).to_contain_text("(blocked)")
    await expect(ben.get_by_role("textbox", name="Message @ann")).to_have_count(0)
    await assert_accessible(ben)
    await ann.get_by_role("textbox", name="Message @ben").fill("Hello?")
    await ann.get_by_role("button", name="Send", exact=True).click()
    failed = ann.locator("[data-message][data-state=failed]")
    await expect(failed).to_be_visible()
    await expect(failed.get_by_role("button", name="Discard")).to_be_visible()

    await ben.get_by_role("link", name=re.compile(r"^ann")).click(button="right")
    await ben.get_by_role("menuitem", name="Unblock ann").click()
    await expect(ben.get_by_role("textbox", name="Message @ann")).to_be_visible()
    await failed.get_by_role("button", name="Retry").click()
    await expect(ben.locator(".message-content", has_text="Hello?")).to_be_visible()


async def test_arrow_keys_go_through_channels_and_members_and_links_are_copied(
    server: ServerProcess, visit: Visits
) -> None:
    page = await visit(server.http_url, permissions=["clipboard-read", "clipboard-write"])
    await log_in(page, "mod")
    channels = page.get_by_role("navigation", name="Channels")
    await channels.get_by_role("link", name="general").focus()
    await page.keyboard.press("ArrowDown")
    await expect(channels.get_by_role("link", name="staff")).to_be_focused()
    await page.keyboard.press("End")
    await expect(channels.get_by_role("link").last).to_be_focused()
    await page.keyboard.press("Home")
    await page.keyboard.press("Enter")
    members = page.get_by_role("complementary", name="Members")
    rows = members.get_by_role("list").get_by_role("button")
    await rows.first.focus()
    await page.keyboard.press("ArrowDown")
    await expect(rows.nth(1)).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog", name=re.compile("^Profile of"))).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(rows.first).to_be_focused()
    await channels.get_by_role("link", name="staff").click(button="right")
    await page.get_by_role("menuitem", name="Copy link").click()
    copied = f"navigator.clipboard.readText().then((text) => text === '{server.http_url}/#/c/staff')"
    await until(page, copied)
