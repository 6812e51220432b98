"""Two people in two browsers talk: what one does, the other sees."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.chromium import PHONE, Visits, assert_accessible, log_in, shot, until
from tests.support.pictures import picture
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio


async def enter(visit: Visits, server: ServerProcess, name: str, **options: object) -> Page:
    page = await visit(server.http_url, **options)  # type: ignore[arg-type]
    await log_in(page, name)
    await expect(page.get_by_role("textbox", name=re.compile("^Message"))).to_be_visible()
    return page


async def say(page: Page, text: str) -> Locator:
    """The message as it stands there, confirmed."""
    await page.get_by_role("textbox", name=re.compile("^Message")).fill(text)
    await page.get_by_role("button", name="Send", exact=True).click()
    said = message(page, text.replace("**", ""))
    await expect(said).to_be_visible()
    await expect(said).not_to_have_attribute("data-state", "sending")
    return said


def message(page: Page, text: str) -> Locator:
    return page.locator("[data-message]").filter(has=page.locator(".message-content", has_text=text))


async def open_menu(row: Locator, item: str) -> None:
    page = row.page
    await row.hover()
    await row.get_by_role("button", name="More").click()
    await page.get_by_role("menuitem", name=item).click()


async def test_send_edit_react_reply_pin_delete(server: ServerProcess, visit: Visits) -> None:
    ann, mod = await enter(visit, server, "ann"), await enter(visit, server, "mod")
    own = await say(ann, "Shall we have **tea** today?")
    seen = message(mod, "Shall we have tea today?")
    await expect(seen.locator("strong")).to_have_text("tea")

    await ann.get_by_role("textbox", name=re.compile("^Message")).press("ArrowUp")
    edit = ann.get_by_role("textbox", name="Edit message")
    await edit.fill("Shall we have coffee today?")
    await edit.press("Enter")
    seen = message(mod, "Shall we have coffee today?")
    await expect(seen.get_by_text("(edited)")).to_be_visible()

    await seen.hover()
    await seen.get_by_role("button", name="Add reaction").first.click()
    await mod.get_by_role("combobox", name="Search emojis").fill("thumbs up")
    await mod.get_by_role("combobox", name="Search emojis").press("Enter")
    own = message(ann, "Shall we have coffee today?")
    reaction = own.get_by_role("button", name=re.compile(", 1: mod$"))
    await expect(reaction).to_be_visible()
    await reaction.click()
    await expect(seen.get_by_role("button", name=re.compile(", 2: "))).to_be_visible()

    await seen.hover()
    await seen.get_by_role("button", name="Reply").click()
    await say(mod, "Yes, at four.")
    answer = message(ann, "Yes, at four.")
    await expect(answer.get_by_role("button", name=re.compile("^Answer to ann"))).to_be_visible()
    await expect(answer).to_have_attribute("data-calls", "true")

    await open_menu(seen, "Pin")
    await expect(own.get_by_label("Pinned")).to_be_visible()
    await ann.get_by_role("button", name="Pinned messages").click()
    pins = ann.get_by_role("complementary", name="Pinned messages")
    await expect(pins.get_by_text("Shall we have coffee today?")).to_be_visible()
    await shot(ann, "conversation")
    await assert_accessible(ann)

    await open_menu(own, "Delete")
    await ann.get_by_role("button", name="Delete", exact=True).click()
    await expect(seen).to_have_count(0)
    await expect(pins.get_by_text("Shall we have coffee today?")).to_have_count(0)


async def test_a_thread_is_begun_answered_and_closed(server: ServerProcess, visit: Visits) -> None:
    ann, mod = await enter(visit, server, "ann"), await enter(visit, server, "mod")
    await ann.get_by_role("link", name=re.compile("^ideas")).click()
    await ann.get_by_role("button", name=re.compile("New thread|Start a thread|thread$", re.IGNORECASE)).first.click()
    dialog = ann.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("A garden")
    await dialog.get_by_label("First message").fill("Who digs?")
    await dialog.get_by_role("button", name="Open thread").click()
    await expect(message(ann, "Who digs?")).to_be_visible()

    await mod.get_by_role("link", name=re.compile("^ideas")).click()
    await mod.get_by_role("link", name=re.compile("A garden")).click()
    await expect(message(mod, "Who digs?")).to_be_visible()
    await say(mod, "I do.")
    await expect(message(ann, "I do.")).to_be_visible()
    await mod.get_by_role("button", name="Thread", exact=True).click()
    await mod.get_by_role("menuitem", name=re.compile("^Lock")).click()
    await expect(ann.get_by_text(re.compile("locked", re.IGNORECASE)).first).to_be_visible()
    await assert_accessible(ann)
    await shot(ann, "thread")


async def test_a_poll_is_made_answered_and_ended(server: ServerProcess, visit: Visits) -> None:
    ann, ben = await enter(visit, server, "ann"), await enter(visit, server, "ben")
    await ann.get_by_role("button", name="Files, polls, commands").click()
    await ann.get_by_role("menuitem", name=re.compile("poll", re.IGNORECASE)).click()
    dialog = ann.get_by_role("dialog")
    await dialog.get_by_label("Question").fill("Pizza or pasta?")
    await dialog.get_by_label("Option 1", exact=True).fill("Pizza")
    await dialog.get_by_label("Option 2", exact=True).fill("Pasta")
    await assert_accessible(ann)
    await dialog.get_by_role("button", name=re.compile("Post|Create|Ask", re.IGNORECASE)).click()
    poll = ben.get_by_role("region", name="Poll: Pizza or pasta?")
    await poll.get_by_role("button", name=re.compile("^Pasta")).click()
    mine = ann.get_by_role("region", name="Poll: Pizza or pasta?")
    await expect(mine.get_by_text("100")).to_be_visible()
    await mine.get_by_role("button", name=re.compile("End")).click()
    await (
        ann.get_by_role("dialog")
        .or_(ann.get_by_role("alertdialog"))
        .get_by_role("button", name=re.compile("End"))
        .click()
    )
    await expect(poll).to_have_attribute("data-ended", "true")
    await shot(ben, "poll")


async def test_a_picture_is_uploaded_and_viewed(server: ServerProcess, visit: Visits) -> None:
    ann, ben = await enter(visit, server, "ann"), await enter(visit, server, "ben")
    async with ann.expect_file_chooser() as choosing:
        await ann.get_by_role("button", name="Files, polls, commands").click()
        await ann.get_by_role("menuitem", name=re.compile("file", re.IGNORECASE)).click()
    chooser = await choosing.value
    garden = picture("green", size=(640, 400))
    await chooser.set_files({"name": "garden.png", "mimeType": "image/png", "buffer": garden})
    await expect(ann.get_by_role("list", name="Files of this message").get_by_text("garden.png")).to_be_visible()
    await expect(ann.get_by_role("button", name="Remove garden.png")).to_be_visible()
    await say(ann, "My garden")
    shown = message(ben, "My garden").locator(".message-main img").last
    await expect(shown).to_be_visible()
    await shown.click()
    viewer = ben.get_by_role("dialog")
    await expect(viewer).to_be_visible()
    await shot(ben, "viewer")
    await ben.keyboard.press("Escape")
    await expect(viewer).to_have_count(0)


async def test_searching_and_jumping_to_what_was_found(server: ServerProcess, visit: Visits) -> None:
    ann = await enter(visit, server, "ann")
    await say(ann, "The kettle is in the attic")
    for number in range(8):
        await say(ann, f"Other news {number}")
    await ann.keyboard.press("Control+f")
    search = ann.get_by_role("complementary", name="Search")
    await search.get_by_role("combobox").or_(search.get_by_role("searchbox")).first.fill("from:ann kettle")
    found = search.get_by_text("The kettle is in the attic").first
    await expect(found).to_be_visible()
    await shot(ann, "search")
    await assert_accessible(ann)
    await found.click()
    await expect(ann.get_by_role("log").locator("[data-message]").filter(has_text="kettle")).to_be_focused()


async def test_a_channel_that_is_closed_vanishes_at_once(server: ServerProcess, visit: Visits) -> None:
    host, ann = await enter(visit, server, "host"), await enter(visit, server, "ann")
    await expect(ann.get_by_role("link", name=re.compile("^staff"))).to_have_count(0)
    await expect(host.get_by_role("link", name=re.compile("^staff"))).to_be_visible()
    present = host.get_by_role("complementary", name="Members").get_by_role("region", name="Online")
    await present.get_by_role("button", name=re.compile("ann")).click()
    await host.get_by_role("dialog", name="ann").get_by_role("button", name="More").click()
    await host.get_by_role("menuitem", name="Roles").click()
    dialog = host.get_by_role("dialog", name=re.compile("Roles of"))
    await dialog.get_by_role("checkbox", name="moderator").check()
    await expect(ann.get_by_role("link", name=re.compile("^staff"))).to_be_visible()
    await dialog.get_by_role("checkbox", name="moderator").uncheck()
    await expect(ann.get_by_role("link", name=re.compile("^staff"))).to_have_count(0)


async def test_on_a_phone(server: ServerProcess, visit: Visits) -> None:
    ann = await enter(visit, server, "ann", size=PHONE, has_touch=True)
    await say(ann, "From the bus")
    await shot(ann, "phone")
    await assert_accessible(ann)
    channels = ann.get_by_role("navigation", name="Channels")
    await expect(channels).to_be_hidden()
    await ann.get_by_role("button", name=re.compile("^Channels")).click()
    await expect(channels).to_be_visible()
    await shot(ann, "phone-channels")
    await assert_accessible(ann)
    await channels.get_by_role("link", name=re.compile("^ideas")).click()
    await expect(channels).to_be_hidden()
    await expect(ann.get_by_role("heading", name="ideas")).to_be_visible()
    await until(ann, "document.documentElement.scrollWidth <= innerWidth")


async def test_with_the_keyboard_alone(server: ServerProcess, visit: Visits) -> None:
    ann = await enter(visit, server, "ann")
    await ann.keyboard.press("Control+k")
    switcher = ann.get_by_role("combobox", name="Channel or person")
    await expect(switcher).to_be_focused()
    await ann.keyboard.type("gene")
    await ann.keyboard.press("Enter")
    await expect(ann.get_by_role("heading", name="general", exact=True)).to_be_visible()
    await expect(ann.get_by_role("textbox", name="Message #general")).to_be_focused()
    await ann.keyboard.type("typed without a mouse")
    await ann.keyboard.press("Enter")
    said = message(ann, "typed without a mouse")
    await expect(said).to_be_visible()
    await expect(said).not_to_have_attribute("data-state", "sending")
    await ann.get_by_role("log").focus()
    await ann.keyboard.press("ArrowUp")
    await expect(said).to_be_focused()
    await ann.keyboard.press("e")
    await expect(ann.get_by_role("textbox", name="Edit message")).to_be_focused()
    await ann.keyboard.press("Escape")
    await expect(said).to_be_focused()
    await ann.keyboard.press("Shift+?")
    sheet = ann.get_by_role("dialog", name="Keyboard")
    await expect(sheet).to_be_visible()
    await assert_accessible(ann)
    await ann.keyboard.press("Escape")
    await expect(sheet).to_have_count(0)
    await expect(said).to_be_focused()
    await ann.keyboard.press("+")
    await expect(ann.get_by_role("combobox", name="Search emojis")).to_be_focused()
    await ann.keyboard.type("hedgehog")
    await expect(ann.get_by_role("option", name="hedgehog")).to_be_visible()
    await ann.keyboard.press("Enter")
    await expect(said.get_by_role("button", name=re.compile("hedgehog|🦔"))).to_be_visible()
    await expect(said).to_be_focused()
    await ann.keyboard.press("Control+,")
    await expect(ann.get_by_role("main").get_by_role("heading", name="Profile", level=1)).to_be_visible()
    await ann.keyboard.press("Escape")
    await expect(ann.get_by_role("textbox", name="Message #general")).to_be_focused()
    await ann.get_by_role("log").focus()
    await ann.keyboard.press("ArrowUp")
    await expect(said).to_be_focused()
    await ann.keyboard.press("Delete")
    await ann.get_by_role("button", name="Delete", exact=True).press("Enter")
    await expect(said).to_have_count(0)
