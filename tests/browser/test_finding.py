"""Finding things again: search, the inbox, pins, and threads of forums."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.chromium import PHONE, Visits, assert_accessible, entered, shot
from tests.support.client import Visitors
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio


def results(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Search").get_by_role("button", name=re.compile("^Message of"))


@pytest.mark.parametrize("size", [PHONE, (1440, 900)], ids=["phone", "desktop"])
async def test_search_with_filters_and_jump(
    server: ServerProcess, visit: Visits, others: Visitors, size: tuple[int, int]
) -> None:
    ben, host = await others.login("ben"), await others.login("host")
    word = f"walrus{size[0]}"
    found = await ben.request("message_new", channel="general", content=f"a {word} on the pier")
    thread = await host.request("thread_create", channel="ideas", name="Sea life")
    await host.request("message_new", thread_id=thread["thread"]["id"], content=f"Feed the {word}?")
    page = await entered(server, visit, size=size)
    await page.keyboard.press("Control+f")
    box = page.get_by_role("combobox", name="Search messages")
    await expect(box).to_be_focused()
    await box.press_sequentially(word)
    await expect(results(page)).to_have_count(2)
    await expect(results(page).first.locator("mark")).to_have_text(word)
    await box.press_sequentially(" from:be")
    await expect(page.get_by_role("option", name=re.compile("ben"))).to_be_visible()
    await assert_accessible(page)
    await box.press("Enter")
    await expect(page.get_by_role("button", name="Remove from: ben")).to_be_visible()
    await expect(results(page)).to_have_count(1)
    await box.press_sequentially("has:image ")
    await expect(page.get_by_text("Nothing found")).to_be_visible()
    await assert_accessible(page)
    await box.press("Home")
    await box.press("Backspace")
    await expect(results(page)).to_have_count(1)
    await shot(page, f"search-{size[0]}")
    await results(page).first.click()
    await expect(page.locator(f'[data-message="{found["message"]["id"]}"]')).to_be_in_viewport()


async def test_the_inbox_lists_what_calls_me_and_empties_the_counters(
    server: ServerProcess, visit: Visits, others: Visitors
) -> None:
    ben, mod = await others.login("ben"), await others.login("mod")
    await mod.request("message_new", channel="staff", content="@host a word, please")
    page = await entered(server, visit, "host")
    await page.get_by_role("button", name=re.compile("^Inbox")).first.click()
    inbox = page.get_by_role("complementary", name="Inbox")
    await expect(inbox.get_by_role("button", name=re.compile("a word, please"))).to_be_visible()
    await ben.request("message_new", channel="general", content="and @host hear this")
    await expect(inbox.get_by_role("button", name=re.compile("hear this"))).to_be_visible()
    await assert_accessible(page)
    await inbox.get_by_role("button", name="Mark everything as read").click()
    await expect(inbox.get_by_role("button", name=re.compile("^New: "))).to_have_count(0)
    await inbox.get_by_role("button", name=re.compile("a word, please")).click()
    await expect(page.get_by_role("textbox", name="Message #staff")).to_be_visible()


async def test_who_is_mentioned_is_called_as_people_see_it(
    server: ServerProcess, visit: Visits, others: Visitors
) -> None:
    ben, mod = await others.login("ben"), await others.login("mod")
    await mod.request("nickname_update", nickname="The Warden")
    said = await ben.request(
        "message_new", channel="general", content="@mod and @&user meet @host in #general: pelican"
    )
    shown = "@The Warden and @user meet @host in #general: pelican"
    page = await entered(server, visit, "host")
    await page.get_by_role("button", name=re.compile("^Inbox")).click()
    inbox = page.get_by_role("complementary", name="Inbox")
    found = inbox.get_by_role("button", name=re.compile(re.escape(shown)))
    await expect(found).to_contain_text(shown)
    await expect(found.locator(".mention[data-mine]")).to_have_text(["@user", "@host"])
    await assert_accessible(page)
    await page.keyboard.press("Control+f")
    await page.get_by_role("combobox", name="Search messages").press_sequentially("pelican")
    await expect(results(page)).to_contain_text(shown)
    await expect(results(page).locator("mark")).to_have_text("pelican")
    await ben.request("message_new", channel="general", content="yes", reply_to=said["message"]["id"])
    answer = page.get_by_role("log").locator("[data-message]", has_text="yes")
    await expect(answer.get_by_role("button", name=re.compile("^Answer to"))).to_contain_text(shown)
    await mod.request("nickname_remove")


async def test_pins_are_listed_live_and_can_be_taken_off(
    server: ServerProcess, visit: Visits, others: Visitors
) -> None:
    mod = await others.login("mod")
    said = (await mod.request("message_new", channel="staff", content="The code of the door"))["message"]
    page = await entered(server, visit, "host")
    await page.get_by_role("link", name="staff").click()
    await page.get_by_role("button", name="Pinned messages").click()
    pins = page.get_by_role("complementary", name="Pinned messages")
    await expect(pins.get_by_text("Nothing is pinned yet")).to_be_visible()
    await mod.request("message_pin", channel="staff", id=said["id"])
    await expect(pins.get_by_text("The code of the door")).to_be_visible()
    await pins.get_by_role("button", name="Unpin").click()
    await expect(pins.get_by_text("Nothing is pinned yet")).to_be_visible()


async def test_a_thread_is_opened_answered_locked_and_deleted(server: ServerProcess, visit: Visits) -> None:
    ann, mod = await entered(server, visit, "ann", size=PHONE), await entered(server, visit, "host")
    for page in (ann, mod):
        await page.evaluate("location.hash = '#/c/ideas'")
        await expect(page.get_by_role("tab", name=re.compile("Active"))).to_be_visible()
    await ann.get_by_role("button", name="New thread").first.click()
    await ann.get_by_role("button", name="Open thread").click()
    await expect(ann.get_by_text("A thread needs a name.")).to_be_visible()
    await ann.get_by_role("textbox", name="Name").fill("A pond")
    await ann.get_by_label("First message").fill("With ducks!")
    await assert_accessible(ann)
    await ann.get_by_role("button", name="Open thread").click()
    await expect(ann.get_by_role("heading", name="A pond").first).to_be_visible()
    await expect(ann.get_by_text("With ducks!")).to_be_visible()

    row = mod.get_by_role("link", name=re.compile("A pond"))
    await expect(row).to_be_visible()
    await assert_accessible(mod)
    await shot(mod, "forum")
    await row.click()
    await mod.get_by_role("button", name="Join").click()
    await expect(ann.get_by_text("2 taking part")).to_be_attached()
    await mod.get_by_role("button", name="Thread", exact=True).click()
    await mod.get_by_role("menuitem", name=re.compile("^Lock")).click()
    await expect(ann.get_by_text("This thread is locked.")).to_be_visible()
    await mod.get_by_role("button", name="Thread", exact=True).click()
    await mod.get_by_role("menuitem", name="Rename").click()
    await mod.get_by_role("dialog").get_by_label("Name").fill("A lake")
    await mod.get_by_role("dialog").get_by_role("button", name="Rename").click()
    await expect(ann.get_by_role("heading", name="A lake").first).to_be_visible()
    await mod.get_by_role("button", name="Thread", exact=True).click()
    await mod.get_by_role("menuitem", name="Delete").click()
    await mod.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    await expect(mod.get_by_role("tab", name=re.compile("Active"))).to_be_visible()
    await expect(mod.get_by_role("link", name=re.compile("A lake"))).to_have_count(0)
    await expect(ann.get_by_text("Nothing to see here")).to_be_visible()
