"""A voice channel between real pages with fake microphones: they hear each other, see who is there, and come back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.chromium import DESKTOP, PHONE, Visits, assert_accessible, log_in, shot, until
from tests.support.community import CHANNELS as USUAL
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio

USERS = {"ann": ("user",), "ben": ("user",), "cleo": ("user",)}
EVERYBODY = {"view": ["user"], "send": ["user"]}
CHANNELS: list[dict[str, Any]] = [
    *USUAL,
    {"type": "voice", "name": "lounge", "permissions": EVERYBODY},
    {"type": "voice", "name": "kitchen", "permissions": EVERYBODY},
]
CONFIG = {"limits": {"voice_participants": 2}}
WATCHED = """() => {
    const Real = RTCPeerConnection;
    window.made = [];
    window.RTCPeerConnection = class extends Real {
        constructor(...given) { super(...given); window.made.push(this); }
        async setRemoteDescription(description) {
            if (window.failures-- > 0) throw new DOMException("on purpose", "OperationError");
            return super.setRemoteDescription(description);
        }
    };
}"""
TILE = '.voice-tile[data-user="USR:local_{}"]'
HEARD = """async () => {
    const open = window.made.filter((each) => each.connectionState === "connected");
    const stats = (await Promise.all(open.map((each) => each.getStats()))).flatMap((each) => [...each.values()]);
    return open.length === 1 && stats.some(({ type, packetsReceived: got }) => type === "inbound-rtp" && got > 0);
}"""
REFUSED = """() => {
    window.real = navigator.mediaDevices.getUserMedia;
    navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("no", window.refusal); };
}"""


async def enter(visit: Visits, server: ServerProcess, name: str, **how: Any) -> Page:
    page = await visit(f"{server.http_url}/#/c/lounge", **how)
    await log_in(page, name)
    await expect(page.get_by_role("heading", name="lounge")).to_be_visible()
    await page.evaluate(WATCHED)
    return page


async def join(page: Page) -> None:
    await page.get_by_role("button", name="Join voice").click()
    await expect(page.locator(".voice")).to_have_attribute("data-state", "connected")


async def hear(page: Page, name: str) -> None:
    """Until the sound of one other member arrives."""
    await expect(tile(page, name)).to_have_attribute("data-state", "connected")
    await until(page, HEARD)


async def speaks(page: Page, name: str) -> None:
    """Until one of the beeps of the fake microphone of a member is seen."""
    await until(page, "tile => document.querySelector(`${tile}[data-speaking]`) !== null", TILE.format(name))


def tile(page: Page, name: str) -> Locator:
    return page.locator(TILE.format(name))


def listed(page: Page, name: str) -> Locator:
    """In the list of channels."""
    return page.get_by_role("list", name="In lounge").get_by_text(name)


async def test_members_hear_each_other_and_see_who_is_there(server: ServerProcess, visit: Visits) -> None:
    ann, ben, cleo = [await enter(visit, server, name) for name in USERS]
    await expect(ann.get_by_role("heading", name="Nobody is here yet")).to_be_visible()
    await shot(ann, "voice-empty")
    await join(ann)
    await expect(ben.get_by_role("heading", name="ann is here")).to_be_visible()
    await join(ben)
    await hear(ann, "ben")
    await hear(ben, "ann")
    await speaks(ann, "ben")
    for name in ("ann", "ben"):
        await expect(listed(cleo, name)).to_be_visible()
    await shot(ann, "voice-call")
    await assert_accessible(ann)

    await ben.get_by_role("main").get_by_role("button", name="Mute").click()
    await expect(tile(ann, "ben").get_by_role("img", name="muted")).to_be_visible()
    await expect(ann.get_by_role("status").filter(has_text="ben is muted")).to_have_count(1)
    await ben.keyboard.press("Control+Shift+M")
    await expect(tile(ann, "ben").get_by_role("img", name="muted")).to_have_count(0)

    await cleo.get_by_role("button", name="Join voice").click()
    await expect(cleo.get_by_role("alert").filter(has_text="This channel is full")).to_be_visible()
    await assert_accessible(cleo)
    await shot(cleo, "voice-full")

    await ben.close()
    await expect(tile(ann, "ben")).to_have_count(0)
    await expect(listed(cleo, "ben")).to_have_count(0)
    await ann.get_by_role("main").get_by_role("button", name="Leave the call").click()
    await expect(ann.get_by_role("button", name="Join voice")).to_be_visible()
    await expect(listed(cleo, "ann")).to_have_count(0)


async def test_who_cannot_be_reached_is_called_again(server: ServerProcess, visit: Visits) -> None:
    ann, ben = await enter(visit, server, "ann"), await enter(visit, server, "ben")
    await join(ann)
    await ben.evaluate("window.failures = 2")
    await join(ben)
    await hear(ann, "ben")
    await hear(ben, "ann")


async def test_a_call_goes_on_while_another_channel_is_open(server: ServerProcess, visit: Visits) -> None:
    ann, ben = await enter(visit, server, "ann"), await enter(visit, server, "ben", size=PHONE, dark=True)
    await join(ann)
    await join(ben)
    await hear(ben, "ann")
    await shot(ben, "voice-call-phone")
    await assert_accessible(ben)
    bar = ann.get_by_role("region", name="Call")
    await ann.get_by_role("link", name=re.compile("^general")).click()
    await expect(ann.get_by_role("heading", name="general", exact=True)).to_be_visible()
    await expect(bar.get_by_text("Good connection")).to_be_visible()
    await shot(ann, "voice-bar")
    await bar.get_by_role("button", name="Turn sound off").click()
    await expect(tile(ben, "ann").get_by_role("img", name="muted")).to_be_visible()
    await bar.get_by_role("button", name="Turn sound on").click()
    await expect(tile(ben, "ann").get_by_role("img", name="muted")).to_have_count(0)

    await ann.get_by_role("link", name=re.compile("^kitchen")).click()
    await ann.get_by_role("button", name="Switch to this channel").click()
    await expect(ann.locator(".voice")).to_have_attribute("data-state", "connected")
    await expect(tile(ben, "ann")).to_have_count(0)
    await expect(ben.get_by_text("You are alone here")).to_be_visible()
    await bar.get_by_role("button", name="Leave the call").click()
    await expect(bar).to_have_count(0)


async def test_a_call_moves_to_the_device_that_joins_last(server: ServerProcess, visit: Visits) -> None:
    desk, phone = await enter(visit, server, "ann"), await enter(visit, server, "ann", size=PHONE)
    await join(desk)
    await join(phone)
    await expect(desk.get_by_role("alert").filter(has_text="You are on another device")).to_be_visible()
    await expect(phone.locator(".voice")).to_have_attribute("data-state", "connected")


@pytest.mark.parametrize(("refusal", "told"), [
    ("NotAllowedError", "The microphone is not allowed"),
    ("NotFoundError", "No microphone was found"),
    ("NotReadableError", "The microphone cannot be used"),
])  # fmt: skip
async def test_without_a_microphone_one_can_listen(
    server: ServerProcess, visit: Visits, refusal: str, told: str
) -> None:
    ann, ben = await enter(visit, server, "ann"), await enter(visit, server, "ben")
    await join(ben)
    await ann.evaluate(f"window.refusal = '{refusal}'")
    await ann.evaluate(REFUSED)
    await ann.get_by_role("button", name="Join voice").click()
    await expect(ann.get_by_role("alert").filter(has_text=told)).to_be_visible()
    await assert_accessible(ann)
    await shot(ann, f"voice-{refusal}")
    await ann.get_by_role("button", name="Only listen").click()
    await hear(ann, "ben")
    await expect(tile(ben, "ann").get_by_role("img", name="muted")).to_be_visible()
    await expect(tile(ann, "ann").get_by_text("Only listening")).to_be_visible()
    await ann.evaluate("() => (navigator.mediaDevices.getUserMedia = window.real)")
    await ann.get_by_role("main").get_by_role("button", name="Unmute").click()
    await expect(tile(ben, "ann").get_by_role("img", name="muted")).to_have_count(0)
    await speaks(ben, "ann")


async def test_the_microphone_can_be_chosen(server: ServerProcess, visit: Visits) -> None:
    page = await enter(visit, server, "ann", size=DESKTOP)
    await join(page)
    await page.get_by_role("button", name="Devices").click()
    second = page.get_by_role("menuitemcheckbox", name=re.compile("Fake Audio Input 2"))
    await expect(second).to_be_visible()
    await shot(page, "voice-devices")
    await second.click()
    chosen = "localStorage.getItem('originchats:microphone')"
    await until(page, chosen)
    await page.get_by_role("button", name="Devices").click()
    await expect(second).to_have_attribute("aria-checked", "true")


async def test_after_a_restart_of_the_server_everybody_is_back(server: ServerProcess, visit: Visits) -> None:
    visit.allow("ERR_CONNECTION_REFUSED|WebSocket connection")
    ann, ben = await enter(visit, server, "ann"), await enter(visit, server, "ben")
    await join(ann)
    await join(ben)
    await hear(ann, "ben")
    await ann.get_by_role("main").get_by_role("button", name="Mute").click()
    await expect(tile(ben, "ann").get_by_role("img", name="muted")).to_be_visible()
    await server.kill()
    await expect(ann.locator(".voice")).to_have_attribute("data-state", "reconnecting")
    await shot(ann, "voice-reconnecting")
    server.arguments = ("--port", str(server.port))
    await server.start()
    for page in (ann, ben):
        await page.evaluate("dispatchEvent(new Event('online'))")  # so that it does not wait for its next try
    for page, other in ((ann, "ben"), (ben, "ann")):
        await expect(page.locator(".voice")).to_have_attribute("data-state", "connected")
        await hear(page, other)
    await expect(tile(ben, "ann").get_by_role("img", name="muted")).to_be_visible()


PLAYED = "JSON.stringify(window.players.filter((each) => each.srcObject).map((each) => [each.volume, each.muted]))"


async def plays(page: Page, volume: float, *, muted: bool = False) -> None:
    """Until there is one sound of others, as loud as this."""
    await until(page, f"() => {PLAYED} === '[[{volume},{str(muted).lower()}]]'")


async def test_each_member_is_as_loud_as_one_likes(server: ServerProcess, visit: Visits) -> None:
    ann, ben = await enter(visit, server, "ann"), await enter(visit, server, "ben")
    watch = """() => {
        const Real = window.Audio;
        window.players = [];
        window.Audio = class extends Real { constructor(...given) { super(...given); window.players.push(this); } };
    }"""
    await ann.evaluate(watch)
    await join(ann)
    await join(ben)
    await hear(ann, "ben")
    await plays(ann, 1)
    await tile(ann, "ben").get_by_role("button", name="Volume of ben").click()
    slider = ann.get_by_role("dialog", name="Volume of ben").get_by_role("slider", name="Volume of ben")
    await slider.fill("40")
    await plays(ann, 0.4)
    await assert_accessible(ann)
    await shot(ann, "voice-volume")
    await slider.press("ArrowRight")
    await plays(ann, 0.45)
    await slider.press("Home")
    await plays(ann, 0, muted=True)
    await slider.fill("25")
    await ann.keyboard.press("Escape")
    await expect(slider).to_have_count(0)

    await ann.reload()
    await expect(ann.get_by_role("button", name="Join voice")).to_be_visible()
    await ann.evaluate(WATCHED)
    await ann.evaluate(watch)
    await join(ann)
    await hear(ann, "ben")
    await plays(ann, 0.25)
    await expect(tile(ann, "ann").get_by_role("button", name=re.compile("^Volume"))).to_have_count(0)


async def test_on_a_phone_a_running_call_is_in_sight_in_other_channels(server: ServerProcess, visit: Visits) -> None:
    page = await enter(visit, server, "ann", size=PHONE)
    await join(page)
    strip = page.get_by_role("region", name="Running call")
    await expect(strip).to_have_count(0)
    await page.evaluate("location.hash = '#/c/general'")
    await expect(page.get_by_role("heading", name="general", exact=True)).to_be_visible()
    await expect(strip.get_by_role("link", name="lounge")).to_be_visible()
    await assert_accessible(page)
    await shot(page, "voice-strip-phone")
    await strip.get_by_role("button", name="Mute").click()
    await expect(strip.get_by_role("button", name="Unmute")).to_be_visible()
    await page.evaluate("location.hash = '#/settings/appearance'")
    main = page.get_by_role("main")
    await expect(main.get_by_role("heading", name="Appearance", level=1)).to_be_visible()
    await expect(strip.get_by_role("button", name="Unmute")).to_be_in_viewport(ratio=1)
    boxes = [await each.bounding_box() for each in (strip, main)]
    assert all(boxes)
    assert [(round(box["y"]), round(box["y"] + box["height"])) for box in boxes if box] == [(0, 44), (44, PHONE[1])]
    await assert_accessible(page)
    await shot(page, "voice-strip-settings-phone")
    await main.get_by_role("button", name="All settings").click()
    await expect(page.get_by_role("heading", name="Settings", level=1)).to_be_visible()
    await shot(page, "voice-strip-settings-list-phone")
    await strip.get_by_role("link", name="lounge").click()
    await expect(page.locator(".voice")).to_have_attribute("data-state", "connected")
    await expect(strip).to_have_count(0)
    await page.evaluate("location.hash = '#/c/general'")
    await strip.get_by_role("button", name="Leave the call").click()
    await expect(strip).to_have_count(0)
