"""The chat, as a member sees it."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from playwright.async_api import FilePayload, Locator, Page, expect

from tests.browser.tour.community import photo, say
from tests.browser.tour.visit import Tour, Wire
from tests.support.server import ServerProcess

REFUSED = """() => {
    const message = {id: "n1", nonce: "n1", user: "USR:local_lena", timestamp: Date.now() / 1000, type: "message",
        content: "Shall I buy a new one?", state: "failed", problem: "You may not write here for another 40 seconds."};
    const entry = {nonce: "n1", key: "tools", command: {channel: "tools", content: message.content}, message};
    localStorage.setItem("originchats:outbox:/", JSON.stringify([entry]));
}"""
"""A message that the server has refused, as the client keeps it."""
SLOW = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 24_000}
FAST = {**SLOW, "uploadThroughput": -1}


async def chat(tour: Tour, server: ServerProcess, made: dict[str, Any]) -> None:
    """From a look around to a lost connection: afterwards the server is gone."""
    wire = Wire()
    wire.changed["messages_get"] = over_the_day
    await wire.attach(tour.page)
    await messages(tour, made)
    await writing(tour)
    await places(tour, made)
    await panels(tour)
    await sizes(tour, made)
    await trouble(tour, server)


def over_the_day(packet: dict[str, Any]) -> dict[str, Any]:
    """Messages, oldest first, as if they had not all been written within a second."""
    messages = packet["messages"]
    for later, earlier in pairwise(reversed(messages)):
        earlier["timestamp"] = later["timestamp"] - (40 if earlier["user"] == later["user"] else 1020)
    return packet


def field(page: Page) -> Locator:
    return page.get_by_role("textbox", name=re.compile("^Message"))


async def messages(tour: Tour, made: dict[str, Any]) -> None:
    page = tour.page
    await tour.at("#/c/general")
    await expect(page.locator(".message").first).to_be_visible()
    members = page.get_by_role("complementary", name="Members")
    await tour.shoot("general")
    if await members.count() == 0:
        await tour.panel("Members", "members")
    await members.get_by_role("button", name=re.compile("Ines")).click()
    await tour.shoot("profile")
    await tour.closed()
    if not tour.wide:
        await members.get_by_role("button", name="Close").click()
    await page.get_by_role("button", name="Picture evening.jpg. Open").click()
    await expect(page.get_by_role("dialog", name="Picture evening.jpg")).to_be_visible()
    await tour.shoot("viewer")
    await tour.closed()
    choice = page.get_by_role("button", name=re.compile("^Sunday, after coffee"))
    await choice.click()
    await expect(choice).to_have_attribute("aria-pressed", "true")
    await tour.shoot("poll")
    await page.get_by_role("log").evaluate("list => { document.activeElement.blur(); list.scrollTop = 0; }")
    await tour.shoot("general-top")
    row = page.locator(f'[data-message="{made["plan"]}"]')
    await row.hover()
    await tour.rest("message-bar")
    await row.get_by_role("button", name="Add reaction").first.click()
    await expect(page.get_by_role("combobox", name="Search emojis")).to_be_visible()
    await tour.shoot("emojis")
    await tour.closed()


async def writing(tour: Tour) -> None:
    page = tour.page
    await field(page).fill("Who is with @")
    await field(page).press("End")
    await field(page).press_sequentially("in")
    await tour.shoot("completion")
    await field(page).fill("")
    await field(page).press_sequentially("/le")
    await expect(page.get_by_role("option", name=re.compile("lend"))).to_be_visible()
    await tour.shoot("commands")
    await field(page).press_sequentially("nd the long ladder")
    form = page.get_by_role("form", name="Command lend")
    await expect(form.get_by_label("tool")).to_have_value("the long ladder")
    await page.keyboard.press("Enter")
    await expect(form.get_by_text("Fill this in.")).to_be_visible()
    await tour.shoot("command")
    await form.get_by_role("button", name="Cancel").click()
    if tour.narrow:
        await page.get_by_role("button", name=re.compile("^Channels")).click()
        await tour.shoot("channels")
        await page.mouse.click(380, 400)
    await page.get_by_role("button", name="Files, polls, commands").click()
    await tour.shoot("plus")
    await page.get_by_role("menuitem", name="Create a poll").click()
    await tour.shoot("poll-dialog")
    await page.get_by_role("button", name="Post poll").click()
    await tour.shoot("poll-dialog-wrong")
    await tour.closed()
    await uploads(tour)
    row = page.locator(".message").filter(has_text="Who has the key to the shed?")
    await row.first.click(button="right")
    await page.get_by_role("menuitem", name=re.compile("^Reply")).click()
    await tour.shoot("reply")
    await page.keyboard.press("Escape")


async def uploads(tour: Tour) -> None:
    page = tour.page
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Network.enable")
    await devtools.send("Network.emulateNetworkConditions", SLOW)
    files: list[FilePayload] = [
        {"name": "the-beds-in-june.jpg", "mimeType": "image/jpeg", "buffer": photo("#7bdff2", "#f6d365", (1600, 1200))},
        {
            "name": "sowing plan, second version, with corrections.txt",
            "mimeType": "text/plain",
            "buffer": b"peas" * 9000,
        },
        {"name": "no-picture.png", "mimeType": "image/png", "buffer": b"no picture"},
    ]
    await page.get_by_role("button", name="Files, polls, commands").click()
    async with page.expect_file_chooser() as chosen:
        await page.get_by_role("menuitem", name="Upload files").click()
    await (await chosen.value).set_files(files)
    await field(page).fill("The beds, and what I want to change")
    await expect(page.locator(".upload-said").filter(has_text=re.compile(r"^[1-9]\d?%$")).first).to_be_visible()
    await page.keyboard.press("Enter")
    await tour.rest("uploading")
    await devtools.send("Network.emulateNetworkConditions", FAST)
    await expect(page.get_by_role("button", name="Upload no-picture.png again")).to_be_visible()
    await expect(page.get_by_role("progressbar")).to_have_count(0)
    await tour.shoot("upload-failed")
    await page.get_by_role("region", name="Notices").get_by_role("button", name="Dismiss").click()
    await page.get_by_role("button", name="Do not send yet").click()
    for name in ("the-beds-in-june.jpg", "no-picture.png"):
        await page.get_by_role("button", name=f"Remove {name}").click()
    await field(page).fill("")


async def places(tour: Tour, made: dict[str, Any]) -> None:
    for place, screen in (
        ("#/c/announcements", "read-only"),
        ("#/c/irrigation-computer", "empty"),
        (f"#/c/{made['direct']}", "direct"),
        ("#/c/plant-doctor", "forum"),
        (f"#/t/{made['thread']}", "thread"),
        ("#/c/Bench%20by%20the%20pond", "voice"),
        ("#/c/the-greenhouse", "not-in-sight"),
    ):
        await tour.at(place)
        await tour.shoot(screen)
    await tour.at("#/c/plant-doctor")
    await tour.page.get_by_role("button", name="New thread").click()
    await tour.shoot("thread-dialog")
    await tour.closed()
    await tour.page.get_by_role("tab", name=re.compile("Archived")).click()
    await tour.shoot("forum-empty")


async def panels(tour: Tour) -> None:
    page = tour.page
    await tour.at("#/c/general")
    if tour.narrow:
        await page.get_by_role("button", name="More", exact=True).click()
        await tour.shoot("channel-menu")
        await page.get_by_role("menuitem", name="Pinned messages").click()
        await tour.shoot("pins")
    else:
        await tour.panel("Pinned messages", "pins")
    await tour.panel("Search", "search-start")
    box = page.get_by_role("combobox", name="Search messages")
    await box.press_sequentially("the ")
    await expect(page.locator(".panel mark").first).to_be_visible()
    await tour.shoot("search")
    await box.press_sequentially("from:")
    await expect(page.get_by_role("option").first).to_be_visible()
    await tour.shoot("search-filter")
    await box.press_sequentially("ines ")
    await box.press_sequentially("unicorn")
    await expect(page.get_by_text("Nothing found")).to_be_visible()
    await tour.shoot("search-nothing")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+Shift+I")
    await expect(page.get_by_role("complementary", name="Inbox")).to_be_visible()
    await tour.shoot("inbox")
    await page.keyboard.press("Control+Shift+I")
    await page.keyboard.press("Control+k")
    await tour.shoot("switcher")
    await tour.closed()
    await page.get_by_role("log").focus()
    await page.keyboard.press("Shift+?")
    await tour.shoot("keys")
    await tour.closed()


async def sizes(tour: Tour, made: dict[str, Any]) -> None:
    page = tour.page
    await tour.at("#/c/tools")
    for client in (made["people"]["kwame"], made["people"]["ines"]):
        await say(client, "tools", "And one more thing: the rake is broken.")
        await say(client, "watering", "It has not rained since Monday.")
    for screen, look in (("large", '{"size": "large"}'), ("compact", '{"compact": true}'), ("usual", "{}")):
        await page.evaluate("look => localStorage.setItem('originchats:appearance', look)", look)
        await page.reload()
        await tour.at("#/c/general")
        await expect(page.locator(".message").first).to_be_visible()
        if screen != "usual":
            await tour.shoot(screen)


async def trouble(tour: Tour, server: ServerProcess) -> None:
    page = tour.page
    await tour.at("#/c/tools")
    await page.evaluate(REFUSED)
    await page.reload()
    await expect(page.get_by_role("button", name="Retry")).to_be_visible()
    await tour.shoot("failed")
    await server.kill()
    await expect(page.get_by_text("Connection lost")).to_be_visible()
    await field(page).fill("I can repair it, if nobody minds tape.")
    await page.get_by_role("button", name="Send", exact=True).click()
    await tour.shoot("offline")
