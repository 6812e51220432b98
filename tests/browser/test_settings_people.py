"""The settings of people and places: profile, account, name and looks, channels, roles, members."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.support.chromium import PHONE, Visits, assert_accessible, log_in, shot, until
from tests.support.community import PASSWORD
from tests.support.pictures import picture
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio
NEW_PASSWORD = "battery staple"
USERS = {"host": ("owner", "user"), "mod": ("moderator", "user"), "ann": ("user",), "ben": ("user",), "cleo": ("user",)}


async def settings(page: Page, section: str) -> None:
    """Open a page of the settings by its address."""
    await expect(page.get_by_role("log").or_(page.locator(".settings")).first).to_be_visible()
    await page.evaluate("section => { location.hash = `#/settings/${encodeURIComponent(section)}`; }", section)
    await expect(page.locator(".settings-page")).to_be_visible()
    await expect(page.locator(".settings-loading")).to_have_count(0)


async def enter(visit: Visits, server: ServerProcess, name: str, section: str, **context: object) -> Page:
    page = await visit(server.http_url, **context)  # type: ignore[arg-type]
    await log_in(page, name)
    await settings(page, section)
    return page


@pytest.mark.parametrize(
    ("section", "heading"),
    [
        ("profile", "As others see you"),
        ("account", "Devices"),
        ("server", "The invitation"),
        ("channels:general", "Who may do what"),
        ("channels:new", "New channel"),
    ],
)
async def test_each_page_can_be_used_by_everybody(
    visit: Visits, server: ServerProcess, section: str, heading: str
) -> None:
    page = await enter(visit, server, "host", section)
    await expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    await assert_accessible(page)
    await shot(page, f"settings-{section.replace(':', '-')}")


@pytest.mark.parametrize("section", ["channels", "roles", "roles:permissions", "members"])
async def test_each_list_can_be_used_by_everybody_on_a_phone(
    visit: Visits, server: ServerProcess, section: str
) -> None:
    page = await enter(visit, server, "host", section, size=PHONE)
    await expect(page.locator(".drag-row, .matrix tbody tr, .members-row").first).to_be_visible()
    await assert_accessible(page)
    # the page does not scroll sideways
    await until(page, "document.querySelector('.settings-page').scrollWidth <= document.documentElement.clientWidth")
    await shot(page, f"settings-{section.replace(':', '-')}-phone")


async def test_a_role_that_is_given_is_seen_at_once(visit: Visits, server: ServerProcess) -> None:
    host = await enter(visit, server, "host", "members")
    ann = await visit(server.http_url)
    await log_in(ann, "ann")
    hidden = ann.get_by_role("link", name=re.compile("staff"))
    await expect(ann.get_by_role("link", name=re.compile("general")).first).to_be_visible()
    await expect(hidden).to_have_count(0)
    await host.get_by_role("button", name="Actions for ann").click()
    await host.get_by_role("menuitem", name="Roles").click()
    await host.get_by_role("checkbox", name="moderator").check()
    await expect(hidden).to_be_visible()
    await host.get_by_role("checkbox", name="moderator").uncheck()
    await expect(hidden).to_have_count(0)


async def test_rules_of_a_channel_show_whom_they_let_in_and_count_at_once(visit: Visits, server: ServerProcess) -> None:
    host = await enter(visit, server, "host", "channels:staff")
    ben = await visit(server.http_url)
    await log_in(ben, "ben")
    await expect(ben.get_by_role("link", name=re.compile("general")).first).to_be_visible()
    audience = host.get_by_label("Whom these rules let in")
    await expect(audience.get_by_text(re.compile("can see it"))).to_contain_text("2")
    await host.get_by_role("button", name="See it, user: not named").click()
    await expect(audience.get_by_text(re.compile("can see it"))).to_contain_text("5")
    await shot(host, "settings-channel-rules")
    await expect(ben.get_by_role("link", name=re.compile("staff"))).to_have_count(0)
    await host.get_by_role("button", name="Save", exact=True).click()
    await expect(ben.get_by_role("link", name=re.compile("staff"))).to_be_visible()
    await host.get_by_role("button", name="See it, user: allowed").click()
    await host.get_by_role("button", name="See it, user: denied").click()
    await host.get_by_role("button", name="Save", exact=True).click()
    await expect(ben.get_by_role("link", name=re.compile("staff"))).to_have_count(0)


async def test_leaving_unsaved_changes_asks(visit: Visits, server: ServerProcess) -> None:
    page = await enter(visit, server, "host", "channels:general")
    await page.get_by_role("textbox", name="Description").fill("Another one")
    await page.get_by_role("link", name="Members").click()
    question = page.get_by_role("alertdialog", name="Leave without saving?")
    await expect(question).to_be_visible()
    await question.get_by_role("button", name="Stay").click()
    await expect(page.get_by_role("textbox", name="Description")).to_have_value("Another one")
    await page.get_by_role("button", name="Close settings").last.click()
    await question.get_by_role("button", name="Leave").click()
    await expect(page.get_by_role("navigation", name="Channels")).to_be_visible()


async def test_channels_are_ordered_by_keyboard(visit: Visits, server: ServerProcess) -> None:
    page = await enter(visit, server, "host", "channels")
    rows = page.locator(".order-row-main")
    await expect(rows.first).to_be_visible()
    before = await rows.all_inner_texts()
    await page.get_by_role("button", name=f"Move {before[0]}").focus()
    for key in (" ", "ArrowDown", " "):
        await page.keyboard.press(key)
    await expect(rows.first).to_have_text(before[1])
    await expect(rows.nth(1)).to_have_text(before[0])
    await page.reload()
    await expect(rows.first).to_have_text(before[1])
    await page.get_by_role("button", name=f"Move {before[0]}").focus()
    for key in (" ", "ArrowUp", " "):
        await page.keyboard.press(key)
    await expect(rows.first).to_have_text(before[0])


async def test_a_channel_is_made_and_deleted(visit: Visits, server: ServerProcess) -> None:
    page = await enter(visit, server, "host", "channels:new")
    await page.get_by_label("Name").fill("Tea Time")
    await page.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("heading", name="tea-time")).to_be_visible()
    await page.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("button", name="Delete", exact=True)).to_be_disabled()
    await dialog.get_by_label("Write tea-time to go on").fill("tea-time")
    await dialog.get_by_role("button", name="Delete", exact=True).click()
    await expect(page.locator(".order-row-main").first).to_be_visible()
    await expect(page.locator(".order-row-main", has_text="tea-time")).to_have_count(0)


async def test_an_uploaded_picture_is_seen_by_others(visit: Visits, server: ServerProcess) -> None:
    ann = await enter(visit, server, "ann", "profile")
    host = await enter(visit, server, "host", "members")
    photo = {"name": "me.png", "mimeType": "image/png", "buffer": picture("teal", size=(900, 500))}
    await ann.locator("input[type=file]").set_input_files(photo)  # type: ignore[arg-type]
    await expect(ann.get_by_role("button", name="Remove")).to_be_visible()
    shown = host.locator(".members-row", has_text="ann").locator("img")
    await expect(shown).to_have_attribute("src", re.compile("/server-assets/pfp_"))
    await expect(shown).to_have_js_property("naturalWidth", 256)
    await assert_accessible(ann)
    await ann.get_by_role("button", name="Remove").click()
    await expect(shown).to_have_count(0)


async def test_the_icon_of_a_channel_is_uploaded_and_seen_by_others(visit: Visits, server: ServerProcess) -> None:
    ann = await visit(server.http_url)
    await log_in(ann, "ann")
    row = ann.get_by_role("navigation", name="Channels").get_by_role("link", name=re.compile("^general"))
    await expect(row).to_be_visible()
    host = await enter(visit, server, "host", "channels:general")
    photo = {"name": "tea.png", "mimeType": "image/png", "buffer": picture("teal", size=(900, 500))}
    await host.locator(".settings-page input[type=file]").set_input_files(photo)  # type: ignore[arg-type]
    await host.get_by_role("button", name="Save", exact=True).click()
    await expect(host.get_by_role("region", name="Notices").get_by_text("Saved", exact=True)).to_be_visible()
    await expect(row.locator("img")).to_have_js_property("complete", True)
    await expect(row.locator("img")).not_to_have_js_property("naturalWidth", 0)
    await assert_accessible(host)
    await shot(host, "channel-icon")
    await host.get_by_role("button", name="Remove the icon").click()
    await host.get_by_role("button", name="Save", exact=True).click()
    await expect(row.locator("img")).to_have_count(0)


async def test_the_nickname_is_previewed_and_saved(visit: Visits, server: ServerProcess) -> None:
    page = await enter(visit, server, "ben", "profile")
    await page.get_by_label("Nickname").fill("Benny")
    await expect(page.get_by_label("Preview")).to_contain_text("Benny")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator(".toast-text", has_text="Profile saved")).to_be_visible()
    await expect(page.get_by_label("Unsaved changes")).to_have_count(0)
    await page.reload()
    await expect(page.get_by_label("Nickname")).to_have_value("Benny")


async def test_a_changed_password_logs_out_the_other_devices_and_not_this_one(
    visit: Visits, server: ServerProcess
) -> None:
    page = await enter(visit, server, "cleo", "account")
    other = await visit(server.http_url)
    await log_in(other, "cleo")
    await expect(other.get_by_role("navigation", name="Channels")).to_be_visible()
    for old in ("wrong one", PASSWORD):
        await page.get_by_label("Old password").fill(old)
        await page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
        await page.get_by_label("New password again").fill(NEW_PASSWORD)
        await page.get_by_role("button", name="Change password").click()
        if old != PASSWORD:
            await expect(page.get_by_text("This is not your password.")).to_be_visible()
    await expect(page.locator(".toast-text", has_text="Password changed")).to_be_visible()
    await expect(other.get_by_label("Password", exact=True)).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="Logged in as cleo")).to_be_visible()
    await log_in(other, "cleo", NEW_PASSWORD)
    await expect(other.get_by_role("navigation", name="Channels")).to_be_visible()


async def test_roles_at_or_above_ones_own_are_read_only(visit: Visits, server: ServerProcess) -> None:
    host = await enter(visit, server, "host", "roles:permissions")
    await host.get_by_role("checkbox", name="Manage roles, moderator").check()
    mod = await enter(visit, server, "mod", "roles")
    await expect(mod.get_by_role("button", name="Move user")).to_be_visible()
    await expect(mod.get_by_role("button", name="Move moderator")).to_have_count(0)
    await mod.locator(".order-row", has_text="moderator").click()
    await expect(mod.get_by_text("you can look at it, and not change it")).to_be_visible()
    await expect(mod.get_by_label("Description")).to_be_disabled()
    await assert_accessible(mod)
    await host.get_by_role("checkbox", name="Manage roles, moderator").uncheck()
    await expect(mod.get_by_text("Not for you")).to_be_visible()
