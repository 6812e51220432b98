"""Whoever started the server claims it, is led through the first steps, and invites somebody who finds the way in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.support.chromium import PHONE, Visits, assert_accessible, shot
from tests.support.community import write_community
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio


async def test_claiming_setting_up_and_inviting(visit: Visits, tmp_path: Path) -> None:
    async with ServerProcess(write_community(tmp_path, users={})) as server:
        host = await visit(server.http_url)
        await host.get_by_role("tab", name="Create account").click()
        await assert_accessible(host)
        await host.get_by_label("Claim code").fill(server.claim_code)
        await host.get_by_label("Name", exact=True).fill("zoe")
        await host.get_by_label("Password", exact=True).fill("a long sentence")
        await host.get_by_role("button", name="Create account and take over").click()

        await expect(host.get_by_role("heading", name="What is your community called?")).to_be_visible()
        await assert_accessible(host)
        await shot(host, "first-steps")
        await host.get_by_label("Name", exact=True).fill("Tea club")
        await host.get_by_role("button", name="Continue").click()
        await expect(host.get_by_role("heading", name="Where will people talk?")).to_be_visible()
        await host.get_by_role("button", name="Continue").click()
        await host.get_by_role("button", name="Make a link").click()
        address = await host.locator(".first-run-link output").inner_text()
        await host.get_by_role("button", name="Go to the chat").click()
        channels = host.get_by_role("navigation", name="Channels")
        for name in ("announcements", "off-topic"):
            await expect(channels.get_by_role("link", name=name, exact=True)).to_be_visible()
        await expect(host).to_have_title("Tea club")

        guest = await visit(address, size=PHONE)
        await expect(guest.get_by_text("zoe invites you to")).to_be_visible()
        await expect(guest.get_by_role("heading", name="Tea club")).to_be_visible()
        await assert_accessible(guest)
        await shot(guest, "invited")
        await guest.get_by_label("Name", exact=True).fill("yan")
        await guest.get_by_label("Password", exact=True).fill("another sentence")
        await guest.get_by_role("button", name="Create account", exact=True).click()
        await expect(guest.get_by_role("heading", name=re.compile("Welcome to"))).to_be_visible()
        members = host.get_by_role("complementary", name="Members")
        await expect(members.get_by_role("button", name=re.compile("yan"))).to_be_visible()


async def test_a_wrong_password_is_told_and_the_right_one_is_remembered(server: ServerProcess, visit: Visits) -> None:
    page = await visit(server.http_url)
    await page.get_by_role("tab", name="Log in").click()
    await page.get_by_label("Name", exact=True).fill("ann")
    await page.get_by_label("Password", exact=True).fill("wrong")
    await page.get_by_role("button", name="Log in", exact=True).click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await page.get_by_label("Password", exact=True).fill("correct horse")
    await page.get_by_role("button", name="Log in", exact=True).click()
    await expect(page.get_by_role("navigation", name="Channels")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("navigation", name="Channels")).to_be_visible()
    kept = await page.evaluate("JSON.stringify({...localStorage})")
    assert "correct horse" not in kept
