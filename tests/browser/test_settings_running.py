"""Settings about running the community: what is made there holds for others, and what they show is what happened."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import FilePayload, Page, expect

from tests.support.chromium import PHONE, Visits, assert_accessible, log_in, shot, until
from tests.support.client import Visitors
from tests.support.community import load, user_id
from tests.support.server import ROOT, ServerProcess

pytestmark = pytest.mark.anyio

CONFIG = {"registration": "invite", "plugins": {"folder": str(ROOT / "plugins")}}


async def settings(page: Page, section: str, title: str) -> None:
    """Opens a page of the settings by its address, after the chat has chosen its first channel."""
    await until(page, "() => /^#.(c|settings)./.test(location.hash)")
    await page.evaluate("section => (location.hash = `#/settings/${section}`)", section)
    await expect(page.get_by_role("main").get_by_role("heading", name=title, level=1)).to_be_visible()


async def host(server: ServerProcess, visit: Visits, section: str, title: str, **context: Any) -> Page:
    page = await visit(server.http_url, **context)
    await log_in(page, "host")
    await settings(page, section, title)
    return page


def picture(name: str, color: str) -> FilePayload:
    file = io.BytesIO()
    Image.new("RGB", (32, 32), color).save(file, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": file.getvalue()}


async def test_who_opens_an_invitation_can_register(server: ServerProcess, visit: Visits) -> None:
    page = await host(server, visit, "invites", "Invitations")
    await expect(page.get_by_role("radio", name=re.compile("Invited people"))).to_be_checked()
    await page.get_by_role("button", name="New invitation").first.click()
    dialog = page.get_by_role("dialog", name="Invite people")
    await dialog.get_by_label("How many may come").select_option(label="1 person")
    await dialog.get_by_label("Note").fill("For Cleo")
    await dialog.get_by_text("moderator", exact=True).click()
    await assert_accessible(page)
    await dialog.get_by_role("button", name="Make the link").click()
    address = await dialog.get_by_label("Link").inner_text()
    await dialog.get_by_role("button", name="Done").click()
    await expect(page.get_by_role("listitem").filter(has_text="For Cleo")).to_contain_text("0 of 1 person came")

    guest = await visit(address)
    await guest.get_by_label("Name", exact=True).fill("cleo")
    await guest.get_by_label("Password", exact=True).fill("a long password")
    await guest.get_by_role("button", name=re.compile("Join|Register|Create")).last.click()
    await expect(guest.get_by_role("textbox", name=re.compile("Message"))).to_be_visible()

    await settings(page, "emojis", "Emojis")
    await settings(page, "invites", "Invitations")
    row = page.get_by_role("listitem").filter(has_text="For Cleo")
    await expect(row).to_contain_text("Used up")
    await assert_accessible(page)
    await shot(page, "invitations")
    await row.get_by_role("button", name="Remove For Cleo").click()
    await expect(row).to_have_count(0)


async def test_closing_registration_is_felt_at_once(server: ServerProcess, visit: Visits, others: Visitors) -> None:
    boss = await others.login("host")
    page = await host(server, visit, "invites", "Invitations")
    await page.get_by_role("radio", name=re.compile("Nobody")).check()
    await expect(page.get_by_role("region", name="Notices").get_by_text("Saved")).to_be_visible()
    stranger = await visit(server.http_url)
    await expect(stranger.get_by_text("takes no new members")).to_be_visible()
    await page.get_by_role("radio", name=re.compile("Invited people")).check()
    for _ in range(2):  # both changes are made
        await boss.expect("modlog_new")


async def test_emojis_are_uploaded_together_renamed_and_used(server: ServerProcess, visit: Visits) -> None:
    page = await host(server, visit, "emojis", "Emojis")
    await expect(page.get_by_text("No emojis yet")).to_be_visible()
    await page.get_by_label("Pictures").set_input_files([picture("green tea.png", "green"), picture("red.png", "red")])
    first = page.get_by_label("Name of green tea.png")
    await expect(first).to_have_value("green_tea")
    await first.fill("red")
    await expect(page.get_by_text("Another one has this name.").first).to_be_visible()
    await first.fill("tea")
    await assert_accessible(page)
    await page.get_by_role("button", name="Add 2 emojis").click()
    await expect(page.get_by_text(":tea:", exact=True)).to_be_visible()
    await page.get_by_role("button", name="More for :red:").click()
    await page.get_by_role("menuitem", name="Rename").click()
    await page.get_by_label("Name", exact=True).fill("ruby")
    await page.get_by_role("button", name="Rename").click()
    await expect(page.get_by_text(":ruby:", exact=True)).to_be_visible()
    await shot(page, "emojis")

    ann = await visit(server.http_url)
    await log_in(ann, "ann")
    await ann.evaluate("location.hash = '#/c/general'")
    box = ann.get_by_role("textbox", name=re.compile("Message"))
    await box.fill("A cup of :ruby:")
    await box.press("Enter")
    await expect(ann.get_by_role("img", name=":ruby:").first).to_be_visible()

    await page.get_by_role("button", name="More for :tea:").click()
    await page.get_by_role("menuitem", name="Delete").click()
    await page.get_by_role("button", name="Delete", exact=True).click()
    await expect(page.get_by_text(":tea:", exact=True)).to_have_count(0)


async def test_a_webhook_posts_until_it_gets_another_address(server: ServerProcess, visit: Visits) -> None:
    page = await host(server, visit, "webhooks", "Webhooks")
    await page.get_by_role("button", name="New webhook").first.click()
    await page.get_by_label("Name", exact=True).fill("Build server")
    await page.get_by_label("Channel", exact=True).select_option(label="#general")
    await page.get_by_role("button", name="Make it").click()
    dialog = page.get_by_role("dialog", name="Build server")
    address = await dialog.get_by_label("Address").inner_text()
    await dialog.get_by_text("Pushes to a repository").click()
    await expect(dialog.get_by_label("Secret")).to_have_text(address.split("token=")[1])
    await assert_accessible(page)
    await shot(page, "webhook")
    answer = await page.request.post(address, data={"content": "Build 7 is done"})
    assert answer.status == 204
    await dialog.get_by_role("button", name="Done").click()

    await page.get_by_role("button", name="More for Build server").click()
    await page.get_by_role("menuitem", name="New address").click()
    await page.get_by_role("button", name="New address").click()
    fresh = await page.get_by_role("dialog", name="Build server").get_by_label("Address").inner_text()
    assert (await page.request.post(address, data={"content": "old"})).status == 401
    assert (await page.request.post(fresh, data={"content": "new"})).status == 204
    await page.get_by_role("button", name="Done").click()
    await assert_accessible(page)


async def test_the_audit_log_tells_what_was_done_and_filters_it(server: ServerProcess, visit: Visits) -> None:
    page = await host(server, visit, "webhooks", "Webhooks")
    await page.get_by_role("button", name="New webhook").first.click()
    await page.get_by_label("Name", exact=True).fill("Watcher")
    await page.get_by_role("button", name="Make it").click()
    await page.get_by_role("button", name="Done").click()
    await settings(page, "audit-log", "Audit log")
    entries = page.get_by_role("main").locator("[data-action]")
    await expect(entries.filter(has_text="host made the webhook Watcher in #general")).to_have_count(1)
    await page.get_by_label("Done by").fill("mod")
    await expect(page.get_by_text("Nothing like that")).to_be_visible()
    await page.get_by_role("button", name="Clear filters").click()
    await page.get_by_label("About").select_option(label="Server")
    await expect(page.locator("[data-action=access_token_create]")).to_have_count(0)
    await expect(entries.filter(has_text="Watcher")).to_have_count(1)
    await assert_accessible(page)
    await shot(page, "audit-log")


async def test_the_audit_log_says_what_things_were_before(
    server: ServerProcess, visit: Visits, others: Visitors
) -> None:
    boss = await others.login("host")
    await boss.request("channel_create", name="garden", type="text", description="Roses")
    await boss.request("channel_update", current_name="garden", updates={"description": "Tulips"})
    await boss.request("user_roles_set", user=user_id("ben"), roles=["moderator", "user"])
    page = await host(server, visit, "audit-log", "Audit log")
    entries = page.get_by_role("main").locator("[data-action]")
    channel = entries.filter(has_text="host changed the channel #garden")
    await expect(channel.get_by_role("definition")).to_have_text("Roses → Tulips")
    roles = entries.filter(has_text="host changed the roles of ben")
    await expect(roles.get_by_role("definition")).to_have_text("user → moderator, user")
    await assert_accessible(page)
    await shot(page, "audit-log-before")


async def test_the_audit_log_and_invitations_are_live(server: ServerProcess, visit: Visits, others: Visitors) -> None:
    boss = await others.login("host")
    page = await host(server, visit, "audit-log", "Audit log")
    entries = page.get_by_role("main").locator("[data-action]")
    heading = page.get_by_role("heading", name=re.compile(r"\d+ entr"))
    await expect(heading).to_be_visible()
    before = int((await heading.inner_text()).split()[0])
    await boss.request("role_create", name="gardener")
    await boss.request("role_update", name="gardener", color="#00aa00")
    await expect(entries.filter(has_text="host made the role gardener")).to_have_count(1)
    await expect(entries.filter(has_text="host changed the role gardener").get_by_role("definition")).to_have_text(
        "none → #00aa00"
    )
    await expect(heading).to_have_text(f"{before + 2} entries")
    await page.get_by_label("Done by").fill("mod")
    await expect(page.get_by_text("Nothing like that")).to_be_visible()
    await boss.request("role_delete", name="gardener")
    await page.get_by_role("button", name="Clear filters").click()
    await expect(entries.filter(has_text="host deleted the role gardener")).to_have_count(1)

    await settings(page, "invites", "Invitations")
    code = (await boss.request("invite_create", max_uses=3, note="For Wanda"))["invite"]["code"]
    row = page.get_by_role("listitem").filter(has_text="For Wanda")
    await expect(row).to_contain_text("0 of 3 people came")
    await (await others.connect()).register("wanda", invite=code)
    await expect(row).to_contain_text("1 of 3 people came")
    await boss.request("invite_delete", code=code)
    await expect(row).to_have_count(0)


async def test_the_status_page_shows_figures_and_their_history(server: ServerProcess, visit: Visits) -> None:
    page = await host(server, visit, "status", "Status")
    for figure in ("connections", "memory_bytes", "disk_free_bytes", "messages_per_s"):
        await expect(page.locator(f"[data-figure={figure}] .status-value")).to_contain_text(re.compile(r"\d"))
    await expect(page.get_by_text("SQLite")).to_be_visible()
    chart = page.get_by_role("slider", name="Memory")
    await expect(chart).to_have_attribute("aria-valuetext", re.compile(r"\d.*MB"))
    await chart.focus()
    await chart.press("Home")
    await expect(chart).to_have_attribute("aria-valuenow", "0")
    await assert_accessible(page)
    await shot(page, "status")


async def test_a_plugin_is_switched_on_and_off(server: ServerProcess, visit: Visits) -> None:
    page = await host(server, visit, "plugins", "Plugins")
    plugin = page.get_by_role("listitem").filter(has_text="welcome.py")
    await plugin.get_by_role("switch").check()
    await expect(plugin.get_by_text("Running")).to_be_visible()
    await assert_accessible(page)
    await shot(page, "plugins")
    await plugin.get_by_role("switch").uncheck()
    await expect(plugin.get_by_text("Running")).to_have_count(0)


async def test_a_changed_welcome_text_greets_the_next_member(server: ServerProcess, visit: Visits) -> None:
    page = await host(server, visit, "plugins", "Plugins")
    plugin = page.get_by_role("listitem").filter(has_text="welcome.py")
    await plugin.get_by_role("switch").check()
    await expect(plugin.get_by_text("Running")).to_be_visible()
    await plugin.get_by_role("button", name="Settings of Welcome").click()
    form = page.get_by_role("region", name="Settings of welcome")
    await form.get_by_role("textbox", name="Text").fill("Good to see you, {username}")
    channel = form.get_by_role("combobox", name="Channel")
    await channel.fill("")
    bar = page.get_by_role("region", name="Unsaved changes")
    await bar.get_by_role("button", name="Save").click()
    await expect(form.get_by_text("Expected text of 1 to 100 characters")).to_be_visible()
    await expect(channel).to_have_attribute("aria-invalid", "true")
    await assert_accessible(page)
    await shot(page, "plugin-settings-wrong")
    settings_file = server.folder / "db" / "plugins" / "welcome.json"
    assert load(settings_file)["message"] == "Welcome, {username}!"
    await channel.fill("general")
    await bar.get_by_role("button", name="Save").click()
    await expect(bar).to_have_count(0)
    assert load(settings_file)["message"] == "Good to see you, {username}"

    await settings(page, "invites", "Invitations")
    await page.get_by_role("button", name="New invitation").first.click()
    dialog = page.get_by_role("dialog", name="Invite people")
    await dialog.get_by_role("button", name="Make the link").click()
    address = await dialog.get_by_label("Link").inner_text()
    guest = await visit(address)
    await guest.get_by_label("Name", exact=True).fill("wilma")
    await guest.get_by_label("Password", exact=True).fill("a long password")
    await guest.get_by_role("button", name=re.compile("Join|Register|Create")).last.click()
    await expect(guest.get_by_role("main").get_by_text("Good to see you, wilma", exact=True)).to_be_visible()


async def test_settings_of_a_plugin_show_what_is_changed_meanwhile(
    server: ServerProcess, visit: Visits, others: Visitors
) -> None:
    other = await others.login("host")
    await other.request("plugin_settings_update", plugin="welcome", changes={"message": "Hello"})
    page = await host(server, visit, "plugins:welcome", "Plugins")
    form = page.get_by_role("region", name="Settings of welcome")
    text = form.get_by_role("article", name="Text")
    field, overtaken = text.get_by_role("textbox", name="Text"), text.get_by_role("status")
    await expect(field).to_have_value("Hello")
    await other.request("plugin_settings_update", plugin="welcome", changes={"message": "Hi, {username}"})
    await expect(field).to_have_value("Hi, {username}")
    await expect(overtaken).to_have_count(0)
    await field.fill("Mine")
    await other.request("plugin_settings_update", plugin="welcome", changes={"message": "Theirs"})
    await expect(overtaken).to_have_text("Changed meanwhile, to Theirs: saving replaces it.")
    await expect(field).to_have_value("Mine")
    bar = page.get_by_role("region", name="Unsaved changes")
    await bar.get_by_role("button", name="Save").click()
    await expect(bar).to_have_count(0)
    await expect(overtaken).to_have_count(0)
    await expect(field).to_have_value("Mine")
    await other.request("plugin_settings_update", plugin="welcome", changes={"message": None})


async def test_settings_of_plugins_are_texts_lists_numbers_and_secrets(server: ServerProcess, visit: Visits) -> None:
    page = await host(server, visit, "plugins:automod", "Plugins")
    words = page.get_by_role("article", name="Words")
    await words.get_by_role("textbox").fill("darn\nheck")
    await page.get_by_role("article", name="Joins").get_by_role("spinbutton").fill("7")
    roles = page.get_by_role("article", name="Exempt roles")
    await roles.get_by_role("combobox", name="Add to Exempt roles").select_option("admin")
    bar = page.get_by_role("region", name="Unsaved changes")
    await bar.get_by_role("button", name="Save").click()
    await expect(bar).to_have_count(0)
    await assert_accessible(page)
    await shot(page, "plugin-settings")
    saved = load(server.folder / "db" / "plugins" / "automod.json")
    assert (saved["words"], saved["raid"]["joins"], saved["exempt_roles"]) == (
        ["darn", "heck"], 7, ["moderator", "admin"],
    )  # fmt: skip

    await settings(page, "plugins:bridge", "Plugins")
    table = page.get_by_role("group", name="Channels")
    await table.get_by_role("button", name="Add").click()
    await table.get_by_role("combobox", name="Channels: name 1").fill("general")
    await table.get_by_role("textbox", name="Channels: value of general").fill("http://hooks.example.org/x")
    await bar.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("general: Expected text of at most 2048 characters")).to_be_visible()
    await table.get_by_role("textbox", name="Channels: value of general").fill("https://hooks.example.org/x")
    await bar.get_by_role("button", name="Save").click()
    await expect(bar).to_have_count(0)
    address = table.get_by_role("textbox", name="Channels: value of general")
    await expect(address).to_have_value("")
    await expect(address).to_have_attribute("placeholder", "Set, not shown")
    await assert_accessible(page)
    await shot(page, "plugin-secrets")
    await page.reload()
    await expect(address).to_have_value("")
    await page.get_by_role("article", name="Tries").get_by_role("spinbutton").fill("5")
    await bar.get_by_role("button", name="Save").click()
    await expect(bar).to_have_count(0)
    saved = load(server.folder / "db" / "plugins" / "bridge.json")
    assert (saved["channels"], saved["tries"]) == ({"general": "https://hooks.example.org/x"}, 5)


async def test_a_backup_is_made_and_its_restoring_explained(server: ServerProcess, visit: Visits) -> None:
    page = await host(server, visit, "backups", "Backups")
    rows = page.get_by_role("listitem").filter(has_text="Read back")
    await expect(rows.first).to_be_visible()
    before = await rows.count()
    await page.get_by_role("button", name="Make one now").click()
    await expect(rows).to_have_count(before + 1)
    await page.get_by_role("button", name=re.compile("How to restore")).first.click()
    dialog = page.get_by_role("dialog", name="Go back to this backup")
    await expect(dialog.get_by_role("region", name="Command")).to_contain_text(
        "setup.py restore db/backup/originchats-"
    )
    await assert_accessible(page)
    await shot(page, "restore")
    await dialog.get_by_role("button", name="Done").click()
    await assert_accessible(page)


async def test_a_draft_is_checked_saved_and_in_force(server: ServerProcess, visit: Visits) -> None:
    page = await host(server, visit, "configuration:server", "Configuration")
    await page.get_by_role("textbox", name="Name", exact=True).fill("The tea house")
    await page.get_by_role("textbox", name="Public address").fill("chat.example.org")
    bar = page.get_by_role("region", name="Changes that are not saved")
    await expect(bar).to_contain_text("2 changes")
    await bar.get_by_role("button", name="Check").click()
    address = page.get_by_role("article", name="Public address")
    await expect(bar).to_contain_text("1 of them is not right yet")
    await expect(address.get_by_role("textbox")).to_have_attribute("aria-invalid", "true")
    await assert_accessible(page)
    await shot(page, "configuration-wrong")
    assert load(server.config_path)["server"]["name"] == "Test community"

    await address.get_by_role("button", name="Undo the change of Public address").click()
    await page.get_by_label("Find a setting").fill("websocket.compression")
    await page.get_by_text("Compression", exact=True).click()
    await bar.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Restart the server for 1 setting to count")).to_be_visible()
    await expect(bar).to_have_count(0)
    assert load(server.config_path)["server"]["name"] == "The tea house"
    await expect(page.get_by_role("navigation", name="Settings")).to_contain_text("The tea house")
    await shot(page, "configuration-saved")


async def test_settings_that_are_not_changed_here_say_why(server: ServerProcess, visit: Visits) -> None:
    page = await host(server, visit, "configuration:DB.url", "Configuration", size=PHONE)
    url = page.get_by_role("article").filter(has_text="DB.url")
    await expect(url).to_contain_text("Changed in config.json only")
    await expect(url.get_by_role("textbox")).to_be_disabled()
    await assert_accessible(page)


async def test_members_without_rights_see_none_of_these_pages(server: ServerProcess, visit: Visits) -> None:
    page = await visit(server.http_url)
    await log_in(page, "ann")
    await settings(page, "configuration", "Settings")
    await expect(page.get_by_text("Not for you")).to_be_visible()
    await expect(page.get_by_role("link", name="Audit log")).to_have_count(0)
