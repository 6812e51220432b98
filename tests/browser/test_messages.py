"""What one message looks like and can do, in Chromium; the others write over their own sockets."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.chromium import PHONE, Visits, assert_accessible, entered, shot, until
from tests.support.client import ChatClient, Visitors
from tests.support.pictures import PNG, picture
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio


async def say(client: ChatClient, text: str, **fields: Any) -> dict[str, Any]:
    told = await client.request("message_new", channel="general", content=text, **fields)
    message: dict[str, Any] = told["message"]
    return message


def row(page: Page, message: dict[str, Any]) -> Locator:
    return page.locator(f'[data-message="{message["id"]}"]')


async def test_the_keys_of_a_message_answer_edit_and_delete_it(
    server: ServerProcess, visit: Visits, others: Visitors
) -> None:
    page, ben = await entered(server, visit), await others.login("ben")
    ann = await others.login("ann")
    asked, mine = await say(ben, "Who has the key?"), await say(ann, "I have it")
    await row(page, asked).focus()
    await page.keyboard.press("r")
    await expect(page.locator(".composer")).to_contain_text("ben")
    await row(page, asked).focus()
    await page.keyboard.press("e")
    await expect(page.get_by_label("Edit message")).to_have_count(0)
    await row(page, mine).focus()
    await page.keyboard.press("e")
    field = page.get_by_label("Edit message")
    await expect(field).to_be_focused()
    await field.fill("I lost it")
    await page.keyboard.press("Enter")
    await expect(row(page, mine)).to_contain_text("I lost it(edited)")
    await row(page, mine).focus()
    await page.keyboard.press("Delete")
    await page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    await expect(row(page, mine)).to_have_count(0)


async def test_an_edit_is_given_up_by_escape_and_an_empty_one_asks_to_delete(
    server: ServerProcess, visit: Visits, others: Visitors
) -> None:
    page, ann = await entered(server, visit), await others.login("ann")
    mine = await say(ann, "Rather not")
    for text, key in (("Something else", "Escape"), ("", "Enter")):
        await row(page, mine).focus()
        await page.keyboard.press("e")
        await page.get_by_label("Edit message").fill(text)
        await page.keyboard.press(key)
    await page.get_by_role("alertdialog").get_by_role("button", name="Cancel").click()
    await expect(row(page, mine)).to_contain_text("Rather not")


async def test_the_menu_offers_only_what_is_allowed(server: ServerProcess, visit: Visits, others: Visitors) -> None:
    page, ben = await entered(server, visit), await others.login("ben")
    theirs = await say(ben, "Not yours")
    await row(page, theirs).click(button="right")
    menu = page.get_by_role("menu")
    await expect(menu.get_by_role("menuitem", name="Reply")).to_be_visible()
    for name in ("Edit", "Pin", "Delete"):
        await expect(menu.get_by_role("menuitem", name=name)).to_have_count(0)
    await page.keyboard.press("Escape")
    await row(page, theirs).hover()
    await expect(row(page, theirs).get_by_role("toolbar").get_by_role("button")).to_have_count(3)
    await assert_accessible(page)


async def test_a_finger_that_rests_on_a_message_opens_its_menu(
    server: ServerProcess, visit: Visits, others: Visitors
) -> None:
    page, ben = await entered(server, visit, size=PHONE, has_touch=True, is_mobile=True), await others.login("ben")
    theirs = await say(ben, "Press me")
    await expect(row(page, theirs)).to_be_visible()
    touch = {"pointerType": "touch", "bubbles": True, "clientX": 80, "clientY": 300, "isPrimary": True}
    await row(page, theirs).dispatch_event("pointerdown", touch)
    await expect(page.get_by_role("menuitem", name="Copy text")).to_be_visible()
    await shot(page, "message-menu-phone")


async def test_a_reaction_is_added_by_the_picker_and_taken_back_by_its_chip(
    server: ServerProcess, visit: Visits, others: Visitors
) -> None:
    page, ben = await entered(server, visit), await others.login("ben")
    theirs = await say(ben, "Cake in the kitchen")
    await row(page, theirs).hover()
    await row(page, theirs).get_by_role("button", name="Add reaction").click()
    await page.get_by_label("Search emojis").fill("birthday cake")
    await page.keyboard.press("Enter")
    chip = row(page, theirs).get_by_role("button", name="🎂, 1: you")
    await expect(chip).to_have_attribute("aria-pressed", "true")
    await ben.request("message_react_add", channel="general", id=theirs["id"], emoji="🎂")
    await row(page, theirs).get_by_role("button", name="🎂, 2: you and ben").click()
    await expect(row(page, theirs).get_by_role("button", name="🎂, 1: ben")).to_have_attribute("aria-pressed", "false")


async def test_emojis_that_the_device_cannot_draw_are_not_offered(server: ServerProcess, visit: Visits) -> None:
    page = await entered(server, visit)
    await page.evaluate("""() => {
        CanvasRenderingContext2D.prototype.measureText = (text) => ({ width: text === "🪨" ? 50 : 25 });
        CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
            if (text === "🪦") return;
            this.fillStyle = text === "🪣" ? "#f00" : "#00f";
            this.fillRect(x, y, 5, 5);
        };
    }""")
    await page.get_by_role("button", name="Emoji", exact=True).click()
    offered = page.get_by_role("dialog", name="Emojis").get_by_role("option")
    for name, times in (("boomerang", 1), ("headstone", 0), ("rock", 0), ("bucket", 0)):
        await page.get_by_label("Search emojis").fill(name)
        await expect(offered.and_(page.get_by_label(name, exact=True))).to_have_count(times)


@pytest.mark.parametrize("word", ["constructor", "__proto__", "toString"])
async def test_a_reaction_may_be_named_like_a_part_of_every_object(
    server: ServerProcess, visit: Visits, others: Visitors, word: str
) -> None:
    page, ben = await entered(server, visit), await others.login("ben")
    theirs = await say(ben, f"Reacted with {word}")
    await ben.request("message_react_add", channel="general", id=theirs["id"], emoji=word)
    await expect(row(page, theirs).locator(".reaction").first).to_contain_text(word)
    await ben.request("message_react_remove", channel="general", id=theirs["id"], emoji=word)
    await expect(row(page, theirs).locator(".reaction")).to_have_count(0)


async def test_an_emoji_of_the_community_is_a_picture_wherever_it_stands(
    server: ServerProcess, visit: Visits, others: Visitors
) -> None:
    host = await others.login("host")
    added = await host.request("emoji_add", name="blob", image=PNG)
    page = await entered(server, visit)
    theirs = await say(host, "look :blob: here")
    await host.request(
        "message_react_add",
        channel="general",
        id=theirs["id"],
        emoji=f"originChats://127.0.0.1:{server.port}/emojis/{added['id']}",
    )
    await expect(row(page, theirs).get_by_role("img", name=":blob:")).to_have_count(2)


async def test_who_is_called_sees_it_and_an_answer_names_what_it_answers(
    server: ServerProcess, visit: Visits, others: Visitors
) -> None:
    page, ben = await entered(server, visit), await others.login("ben")
    first = await say(ben, "The **first** word")
    answer = await say(ben, "about that, @ann", reply_to=first["id"])
    await expect(row(page, answer)).to_have_attribute("data-calls", "true")
    await expect(row(page, first)).not_to_have_attribute("data-calls", "true")
    await row(page, answer).get_by_role("button", name="Answer to ben: The first word").click()
    await expect(row(page, first)).to_be_focused()


async def test_messages_of_somebody_blocked_are_shown_only_when_asked_for(
    server: ServerProcess, visit: Visits, others: Visitors
) -> None:
    page, ben, ann = await entered(server, visit), await others.login("ben"), await others.login("ann")
    theirs = await say(ben, "You will not like this")
    await ann.request("user_block", user="USR:local_ben")
    await expect(row(page, theirs)).to_contain_text("Message of somebody you blocked.")
    await row(page, theirs).get_by_role("button", name="Show").click()
    await expect(row(page, theirs)).to_contain_text("You will not like this")
    await ann.request("user_unblock", user="USR:local_ben")


async def test_a_poll_is_made_voted_on_and_ended_before_everybodys_eyes(
    server: ServerProcess, visit: Visits, others: Visitors
) -> None:
    page, ben = await entered(server, visit), await others.login("ben")
    await page.get_by_role("button", name="Files, polls, commands").click()
    await page.get_by_role("menuitem", name="poll").click()
    dialog = page.get_by_role("dialog", name="New poll")
    await dialog.get_by_label("Question").fill("Tea or coffee?")
    await dialog.get_by_label("Option 1", exact=True).fill("Tea")
    await dialog.get_by_label("Option 2", exact=True).fill("Coffee")
    await assert_accessible(page)
    await dialog.get_by_role("button", name="Post poll").click()
    poll = page.get_by_role("region", name="Poll: Tea or coffee?")
    await poll.get_by_role("button", name="Tea, 0 votes").click()
    await expect(poll.get_by_role("button", name="Tea, 1 vote, 100%")).to_have_attribute("aria-pressed", "true")
    told = await ben.expect("message_new", message={"user": "USR:local_ann"})
    message_id = told["message"]["id"]
    await ben.request("poll_vote", message_id=message_id, option_ids=["1"])
    await expect(poll.get_by_role("button", name="Coffee, 1 vote, 50%")).to_be_visible()
    await poll.get_by_role("button", name="End now").click()
    await page.get_by_role("button", name="End poll").click()
    await poll.get_by_role("button", name="Who voted").click()
    await expect(page.get_by_role("dialog", name="Who voted")).to_contain_text("ben")
    await shot(page, "poll-ended")


async def test_pictures_open_in_the_viewer_and_arrows_go_through_them(
    server: ServerProcess, visit: Visits, others: Visitors
) -> None:
    page, ben = await entered(server, visit), await others.login("ben")
    for color in ("teal", "plum"):
        data = {"file": base64.b64encode(picture(color, size=(300, 200))).decode(), "name": f"{color}.png"}
        told = await page.request.post(
            f"{server.http_url}/attachments/upload",
            data={**data, "channel": "general"},
            headers={"Authorization": f"Bearer {ben.ready['session']}"},
        )
        await say(ben, "", attachments=[{"id": (await told.json())["attachment"]["id"]}])
    await page.get_by_role("button", name="Picture teal.png. Open").click()
    viewer = page.get_by_role("dialog", name="Picture teal.png")
    await expect(viewer).to_contain_text("1 of 2")
    await assert_accessible(page)
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("dialog", name="Picture plum.png")).to_contain_text("2 of 2")
    await shot(page, "viewer")
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await assert_accessible(page)
    viewer = page.get_by_role("dialog", name="Picture plum.png")
    await expect(viewer.get_by_role("button", name="Close")).to_be_in_viewport(ratio=1)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_role("button", name="Picture teal.png. Open")).to_be_focused()


async def test_cards_load_nothing_from_elsewhere(server: ServerProcess, visit: Visits, others: Visitors) -> None:
    page, ben = await entered(server, visit), await others.login("ben")
    far = {"url": "https://pictures.example/a.png"}
    card = {"title": "News", "description": "*all* well", "color": 255, "image": far, "thumbnail": far}
    theirs = await say(
        ben, "a card", embeds=[{**card, "author": {"name": "Bot", "icon_url": far["url"]}, "footer": {"text": "end"}}]
    )
    shown = row(page, theirs).get_by_role("article", name="News")
    await expect(shown.get_by_role("link", name="Show picture at pictures.example")).to_have_count(2)
    await expect(shown.locator("img")).to_have_count(0)


async def test_a_card_whose_parts_are_null_is_shown_without_them(
    server: ServerProcess, visit: Visits, others: Visitors
) -> None:
    page, ben = await entered(server, visit), await others.login("ben")
    parts = ("description", "url", "color", "timestamp", "author", "footer", "image", "thumbnail", "fields")
    theirs = await say(ben, "a bare card", embeds=[{"title": "Bare", **dict.fromkeys(parts)}])
    await expect(row(page, theirs).get_by_role("article", name="Bare")).to_be_visible()


async def test_the_list_stays_at_its_end_while_messages_grow(
    server: ServerProcess, visit: Visits, others: Visitors
) -> None:
    ben = await others.login("ben")
    for number in range(30):
        last = await say(ben, f"one of many {number}")
    page = await entered(server, visit)
    await expect(row(page, last)).to_be_in_viewport()
    grown = """message => {  // as a picture or highlighted code does, just when a scroll is told of
        document.querySelector(`[data-message="${message}"]`).style.minBlockSize = "900px";
        document.querySelector(".messages-scroller").dispatchEvent(new Event("scroll"));
    }"""
    await page.evaluate(grown, last["id"])
    await until(
        page,
        "(({scrollHeight, scrollTop, clientHeight}) => scrollHeight - scrollTop - clientHeight < 2)"
        "(document.querySelector('.messages-scroller'))",
    )
    await expect(page.get_by_role("button", name="Newest messages")).to_have_count(0)
    await page.locator(".messages-scroller").hover()
    await page.mouse.wheel(0, -400)
    await expect(page.get_by_role("button", name="Newest messages")).to_be_visible()
