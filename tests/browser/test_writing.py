"""The field in which messages are written: what it completes, keeps, refuses and uploads."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import FilePayload, Locator, Page, expect

from tests.support.chromium import PHONE, Visits, assert_accessible, entered, shot
from tests.support.client import Visitors
from tests.support.pictures import picture
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio

CONFIG = {"limits": {"post_content": 60}}
ROLL = {
    "name": "roll",
    "description": "Roll a die",
    "options": [
        {"name": "sides", "type": "int"},
        {"name": "how", "type": "enum", "choices": ["gently", "wildly"]},
        {"name": "note", "type": "str", "required": False},
    ],
}


def field(page: Page) -> Locator:
    return page.get_by_role("textbox", name=re.compile("^Message"))


def message(page: Page, text: str) -> Locator:
    return page.locator("[data-message]").filter(has_text=text)


async def test_names_channels_and_emojis_are_completed_by_keyboard(server: ServerProcess, visit: Visits) -> None:
    page = await entered(server, visit)
    await field(page).press_sequentially("hi @be")
    await expect(page.get_by_role("option", name="ben")).to_have_attribute("aria-selected", "true")
    await assert_accessible(page)
    await shot(page, "completion")
    await field(page).press("Enter")
    await field(page).press_sequentially("see #gen")
    await expect(page.get_by_role("option", name="general")).to_have_attribute("aria-selected", "true")
    await field(page).press("Tab")
    await field(page).press_sequentially(":thumbs_up")
    await expect(page.get_by_role("option").first).to_contain_text("thumbs_up")
    await field(page).press("Enter")
    await expect(field(page)).to_have_value(re.compile("^hi @ben see #general 👍\ufe0f? $"))
    await field(page).press_sequentially("@be")
    await expect(page.get_by_role("option", name="ben")).to_be_visible()
    await field(page).press("Escape")
    await expect(page.get_by_role("option")).to_have_count(0)
    await field(page).fill("")


async def test_what_is_written_is_kept_per_place_and_over_a_reload(server: ServerProcess, visit: Visits) -> None:
    page = await entered(server, visit, "mod")
    await field(page).fill("half a thought")
    await page.get_by_role("link", name="staff").click()
    await expect(field(page)).to_have_value("")
    await page.get_by_role("link", name="general").click()
    await expect(field(page)).to_have_value("half a thought")
    await page.reload()
    await expect(field(page)).to_have_value("half a thought")


async def test_a_text_that_is_too_long_is_counted_and_not_sent(server: ServerProcess, visit: Visits) -> None:
    page = await entered(server, visit)
    await field(page).fill("x" * 61)
    await expect(page.get_by_text("1 too many")).to_be_visible()
    await field(page).press("Enter")
    await expect(field(page)).to_have_value("x" * 61)
    await expect(page.get_by_role("button", name="Send")).to_be_disabled()
    await field(page).fill("word")
    await field(page).select_text()
    await field(page).press("Control+b")
    await expect(field(page)).to_have_value("**word**")
    await field(page).press("Control+b")
    await expect(field(page)).to_have_value("word")
    await field(page).press("Shift+Enter")
    await field(page).fill("")


async def test_a_command_is_a_form_that_is_checked_before_it_runs(
    server: ServerProcess, visit: Visits, others: Visitors
) -> None:
    bot = await others.login("host")
    await bot.request("slash_register", commands=[ROLL])
    page = await entered(server, visit)
    await field(page).press_sequentially("/ro")
    await expect(page.get_by_role("option", name=re.compile("roll"))).to_be_visible()
    await field(page).press_sequentially("ll 20")
    form = page.get_by_role("form", name="Command roll")
    await expect(form.get_by_label("sides")).to_have_value("20")
    await page.keyboard.press("Enter")
    await expect(form.get_by_text("Choose one.")).to_be_visible()
    await assert_accessible(page)
    await shot(page, "command")
    await form.get_by_label("how").select_option("wildly")
    await form.get_by_role("button", name="Run").click()
    called = await bot.expect("slash_call")
    assert called["val"]["args"] == {"sides": 20, "how": "wildly"}
    await bot.request("slash_response", channel="general", call_id=called["call_id"], response="A seven!")
    await expect(message(page, "A seven!")).to_be_visible()
    await expect(field(page)).to_be_focused()


async def test_a_message_waits_for_its_files(server: ServerProcess, visit: Visits) -> None:
    visit.allow("415")
    page = await entered(server, visit)
    await page.get_by_role("button", name="Files, polls, commands").click()
    async with page.expect_file_chooser() as chosen:
        await page.get_by_role("menuitem", name="Upload files").click()
    files: list[FilePayload] = [
        {"name": "tower.png", "mimeType": "image/png", "buffer": picture()},
        {"name": "fake.png", "mimeType": "image/png", "buffer": b"no picture"},
    ]
    await (await chosen.value).set_files(files)
    await field(page).fill("Look")
    await field(page).press("Enter")
    await expect(page.get_by_text("A file could not be uploaded")).to_be_visible()
    await expect(field(page)).not_to_be_editable()
    await assert_accessible(page)
    await shot(page, "files")
    await page.get_by_role("button", name="Remove fake.png").click()
    await expect(message(page, "Look").get_by_role("button", name=re.compile("tower.png"))).to_be_visible()
    await expect(field(page)).to_have_value("")


async def test_who_may_not_write_is_told_why(server: ServerProcess, visit: Visits, others: Visitors) -> None:
    host, page = await others.login("host"), await entered(server, visit, "ben", size=PHONE)
    await field(page).fill("not yet sent")
    await host.request("user_timeout", user="USR:local_ben", timeout=3600)
    await expect(page.get_by_text("You are timed out.")).to_be_visible()
    await expect(page.get_by_text(re.compile(r"59:\d\d|1:00:00"))).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("You are timed out.")).to_be_visible()
    await assert_accessible(page)
    await host.request("user_timeout", user="USR:local_ben", timeout=0)
    await expect(field(page)).to_have_value("not yet sent")


async def test_others_see_who_is_typing(server: ServerProcess, visit: Visits, others: Visitors) -> None:
    ben, page = await others.login("ben"), await entered(server, visit)
    await ben.send("typing", channel="general")
    await expect(page.get_by_text("ben is typing")).to_be_visible()
    await ben.request("message_new", channel="general", content="done")
    await expect(page.get_by_text("ben is typing")).to_have_count(0)
    await field(page).press_sequentially("ah")
    await ben.expect("typing", user="USR:local_ann")
