"""A tour of the chat: `python -m tests.browser.tour FOLDER [phone-light ...]` sets up a lively community through the
protocol and writes a picture of each screen to FOLDER, on a phone, a tablet and a desktop, light and dark."""

from __future__ import annotations

import asyncio
import base64
import io
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests
from PIL import Image, ImageDraw, ImageFilter
from playwright.async_api import Page, expect

from tests.support.chromium import DESKTOP, PHONE, TABLET, Visits, chromium, log_in, open_browser, settled
from tests.support.client import ChatClient, Visitors
from tests.support.community import EVERYBODY, edit, user_id, write_community
from tests.support.pictures import data_uri
from tests.support.server import ServerProcess

SIZES = {"phone": PHONE, "tablet": TABLET, "desktop": DESKTOP}
ADMIN = ["administrator"]
MEMBER = ["send_messages", "read_message_history", "add_reactions", "attach_files", "connect", "use_slash_commands"]
ROLES: dict[str, Any] = {
    "owner": {"id": "r1", "position": 0, "color": "#9400d3", "hoisted": True, "permissions": ADMIN},
    "Committee": {"id": "r2", "position": 1, "color": "#d9480f", "hoisted": True, "permissions": MEMBER},
    "Gardeners": {"id": "r3", "position": 2, "color": "#2b8a3e", "hoisted": True, "permissions": MEMBER},
    "user": {"id": "r4", "position": 3, "permissions": MEMBER},
}
USERS: dict[str, tuple[str, ...]] = {
    "marta": ("owner", "user"),
    "tobias": ("Committee", "user"),
    "ines": ("Gardeners", "user"),
    "yusuf": ("Gardeners", "user"),
    **dict.fromkeys(("hilde", "kwame", "lena", "piotr", "saskia", "bartholomew", "noor"), ("user",)),
}
NICKNAMES = {"hilde": "Oma Hilde", "bartholomew": "Bartholomew Featherstonehaugh the Third"}
READ_ONLY = {**EVERYBODY, "send": ["owner", "Committee"]}
CHANNELS: list[dict[str, Any]] = [
    {"type": kind, "name": name, "permissions": EVERYBODY, **fields}
    for kind, name, fields in (
        ("text", "announcements", {"description": "News of the garden", "permissions": READ_ONLY}),
        ("separator", "garden", {"display_name": "The garden"}),
        ("text", "general", {"description": "What grows, what does not, and who brings cake"}),
        ("text", "watering", {"description": "Who waters when"}),
        ("forum", "plant-doctor", {"description": "Show us the leaf, we name the pest"}),
        ("text", "a-rather-long-name-for-seed-swaps", {}),
        ("separator", "shed", {"display_name": "The shed"}),
        ("text", "tools", {"description": "Borrow and bring back"}),
        ("text", "irrigation-computer", {}),
        ("voice", "Bench by the pond", {"permissions": {**EVERYBODY, "connect": ["user"]}}),
    )
]
REFUSED = """() => {
    const message = {id: "n1", nonce: "n1", user: "USR:local_lena", timestamp: Date.now() / 1000, type: "message",
        content: "Shall I buy a new one?", state: "failed", problem: "You may not write here for another 40 seconds."};
    const entry = {nonce: "n1", key: "tools", command: {channel: "tools", content: message.content}, message};
    localStorage.setItem("originchats:outbox:/", JSON.stringify([entry]));
}"""
"""A message that the server has refused, as the client keeps it."""
CODE = """The valve now closes by itself at sunset:

```python
def should_water(soil: float, rain_mm: float, now: datetime) -> bool:
    # Dry, no rain expected, and nobody on the lawn.
    return soil < 0.31 and rain_mm < 2 and now.hour in (5, 6, 21)
```

`main.py` runs on the *little* computer in the shed."""
LONG = """I went through last year's notes. Three things worked: **mulch before June**, watering early, not late, \
and not talking about the slugs. What did not work was the second compost heap, which nobody turned, so that it became \
a home for a hedgehog. He stays, of course. I would like to move the heap to the north fence and build the third one \
out of the old pallets; there are nine behind the shed, and Yusuf has a saw.

> Nobody touches the hedgehog.

1. Clear the corner on Saturday
2. Build on Sunday
3. Cake"""


def photo(top: str, bottom: str, size: tuple[int, int]) -> bytes:
    """A landscape of sorts: a sky, a sun, hills."""
    width, height = size
    column = Image.new("RGB", (1, 2))
    column.putdata([Image.new("RGB", (1, 1), color).getpixel((0, 0)) for color in (top, bottom)])
    drawn = column.resize(size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(drawn)
    pen.ellipse((width * 0.66, height * 0.14, width * 0.66 + height * 0.2, height * 0.34), fill="#ffe8b0")
    for number, color in enumerate(("#5d8a66", "#3f6f4e", "#274d36")):
        base = height * (0.6 + number * 0.13)
        pen.ellipse((width * (-0.5 + number * 0.3), base, width * (0.7 + number * 0.35), base + height), fill=color)
    out = io.BytesIO()
    drawn.filter(ImageFilter.GaussianBlur(1.2)).save(out, "jpeg", quality=86)
    return out.getvalue()


async def populate(server: ServerProcess, visitors: Visitors) -> dict[str, Any]:
    """Everything that a visit is to find. The clients stay connected: people are there."""
    names = [name for name in USERS if name not in ("noor", "saskia", "lena")]
    people = {name: await visitors.login(name) for name in names}
    marta, tobias, ines, yusuf = (people[name] for name in ("marta", "tobias", "ines", "yusuf"))
    hilde, kwame = people["hilde"], people["kwame"]
    for client, top, bottom in (
        (ines, "#f7b267", "#f4845f"),
        (tobias, "#7bdff2", "#b2f7ef"),
        (hilde, "#cdb4db", "#ffc8dd"),
    ):
        await client.request("pfp_upload", image=data_uri(photo(top, bottom, (128, 128)), "jpeg"))
    await tobias.request("status_set", status="dnd", text="Counting seeds")
    await kwame.request("status_set", status="idle", text="At work until six")
    await ines.request("status_set", status="online", text="Up a ladder 🍒")

    await say(marta, "announcements", "**Summer party on 12 July.** Bring a chair, a dish and a neighbour. @everyone")
    await say(ines, "general", "Morning! The first courgettes are ready, take as many as you can carry.")
    await say(ines, "general", "Really. *Please.*")
    asked = await say(kwame, "general", "Who has the key to the shed? I want to borrow the wheelbarrow.")
    await say(tobias, "general", "I have, I am there from four.", reply_to=asked["id"])
    plan = await say(marta, "general", LONG)
    await marta.request("message_pin", channel="general", id=plan["id"])
    for client, emoji in ((ines, "🦔"), (yusuf, "🦔"), (hilde, "🦔"), (kwame, "🎂"), (hilde, "🎂"), (tobias, "👍")):
        await client.request("message_react_add", channel="general", id=plan["id"], emoji=emoji)
    await upload(server, hilde, "general", "The pond this morning", ("evening.jpg", "#f6d365", "#fda085", (1200, 700)))
    await say(yusuf, "general", CODE)
    await marta.request(
        "poll_create", channel="general", question="When do we build the compost heap?",
        options=["Saturday morning", "Sunday, after coffee", "Never, for the hedgehog's sake"], duration_hours=48,
    )  # fmt: skip
    poll = (await marta.request("messages_get", channel="general", limit=1))["messages"][-1]["embeds"][0]["poll"]
    for client, option in ((ines, 0), (yusuf, 0), (hilde, 2), (kwame, 0), (tobias, 1)):
        await client.request("poll_vote", poll_id=poll["id"], option_id=poll["options"][option]["id"])
    await say(hilde, "general", "Lovely. I bring plum cake, and @lena brings her accordion 🪗")
    for line in ("Tuesday and Thursday are mine.", "I take the weekend.", "@lena could you do Wednesday?"):
        await say(yusuf, "watering", line)
    for number in range(6):
        await say(kwame, "tools", f"Wheelbarrow number {number + 1} is back where it belongs.")
    for title, text in (
        ("White dots on the kale", "Since yesterday, on the undersides. Whitefly?"),
        ("Tomatoes split", "After the rain all the big ones split at the top. What do you do?"),
        ("Is this a courgette or a pumpkin?", "It climbs the fence."),
    ):
        thread = (await kwame.request("thread_create", channel="plant-doctor", name=title))["thread"]
        await kwame.request("message_new", thread_id=thread["id"], content=text)
        await ines.request("message_new", thread_id=thread["id"], content="Send a picture of the underside, please.")
    direct = await hilde.request("direct_message", user=user_id("lena"), content="Dear, did you get the recipe?")
    await say(hilde, direct["channel"], "It needs two eggs more than I wrote.")
    await kwame.request("direct_message", user=user_id("lena"), content="See you at six?")
    return {"people": people, "direct": direct["channel"], "thread": thread["id"], "photo": plan["id"]}


async def say(client: ChatClient, channel: str, text: str, **fields: Any) -> dict[str, Any]:
    message: dict[str, Any] = (await client.request("message_new", channel=channel, content=text, **fields))["message"]
    return message


async def upload(
    server: ServerProcess, client: ChatClient, channel: str, text: str, *pictures: tuple[str, str, str, tuple[int, int]]
) -> None:
    ids = []
    for name, top, bottom, size in pictures:
        told = await asyncio.to_thread(
            requests.post,
            f"{server.http_url}/attachments/upload",
            json={"file": base64.b64encode(photo(top, bottom, size)).decode(), "name": name, "channel": channel},
            headers={"Authorization": f"Bearer {client.ready['session']}"},
            timeout=10,
        )
        ids.append({"id": told.json()["attachment"]["id"]})
    await say(client, channel, text, attachments=ids)


class Tour:
    """One visit: a device and a theme. Pictures are called `<screen>-<device>-<theme>.png`."""

    def __init__(self, page: Page, folder: Path, name: str) -> None:
        self.page = page
        self._folder = folder
        self._name = name
        self.narrow = name.startswith("phone")

    async def shoot(self, screen: str) -> None:
        await self.page.mouse.move(0, 0)
        await expect(self.page.locator("[aria-busy=true]")).to_have_count(0)
        await self.rest(screen)

    async def rest(self, screen: str) -> None:
        """Like `shoot`, with the pointer where it is."""
        await settled(self.page)
        await self.page.screenshot(path=self._folder / f"{screen}-{self._name}.png")

    async def at(self, place: str) -> None:
        await self.page.evaluate("place => { location.hash = place; }", place)
        await expect(self.page.locator(".layout-chat > *").first).to_be_visible()

    async def closed(self) -> None:
        await self.page.keyboard.press("Escape")
        await expect(self.page.locator(".layer, .popover, .menu")).to_have_count(0)

    async def panel(self, button: str, screen: str) -> None:
        await self.page.locator(".layout-main").get_by_role("button", name=re.compile(f"^{button}")).first.click()
        await expect(self.page.locator("aside.panel")).to_be_visible()
        await self.shoot(screen)


async def walk(tour: Tour, server: ServerProcess, made: dict[str, Any]) -> None:
    page = tour.page
    await tour.at("#/c/general")
    await expect(page.locator(".message").first).to_be_visible()
    members = page.get_by_role("complementary", name="Members")
    await tour.shoot("general")
    if await members.count() == 0:
        await tour.panel("Members", "members")
    await members.get_by_role("button", name=re.compile("^Ines|Ines")).first.click()
    await tour.shoot("profile")
    await tour.closed()
    if page.viewport_size and page.viewport_size["width"] < 1024:
        await members.get_by_role("button", name="Close").click()
    await page.get_by_role("log").evaluate("list => { document.activeElement.blur(); list.scrollTop = 0; }")
    await tour.shoot("general-top")
    row = page.locator(f'[data-message="{made["photo"]}"]')
    await row.hover()
    await tour.rest("message-bar")
    await row.get_by_role("button", name="Add reaction").first.click()
    await expect(page.get_by_role("combobox", name="Search emojis")).to_be_visible()
    await tour.shoot("emojis")
    await tour.closed()
    field = page.get_by_role("textbox", name=re.compile("^Message"))
    await field.fill("Who is with @")
    await field.press("End")
    await field.press_sequentially("in")
    await tour.shoot("completion")
    await field.fill("")
    if tour.narrow:
        await page.get_by_role("button", name=re.compile("^Channels")).click()
        await tour.shoot("channels")
        await page.mouse.click(380, 400)
    await page.get_by_role("button", name="Files, polls, commands").click()
    await page.get_by_role("menuitem", name="Create a poll").click()
    await tour.shoot("poll-dialog")
    await tour.closed()
    for place, screen in (
        ("#/c/announcements", "read-only"),
        ("#/c/irrigation-computer", "empty"),
        (f"#/c/{made['direct']}", "direct"),
        ("#/c/plant-doctor", "forum"),
        (f"#/t/{made['thread']}", "thread"),
        ("#/c/Bench%20by%20the%20pond", "voice"),
    ):
        await tour.at(place)
        await tour.shoot(screen)
    await tour.at("#/c/general")
    if tour.narrow:
        await page.get_by_role("button", name="More", exact=True).click()
        await tour.shoot("channel-menu")
        await page.get_by_role("menuitem", name="Pinned messages").click()
        await tour.shoot("pins")
    else:
        await tour.panel("Pinned messages", "pins")
    await tour.panel("Search", "search-start")
    await page.get_by_role("combobox", name="Search messages").press_sequentially("compost ")
    await expect(page.locator(".panel mark").first).to_be_visible()
    await tour.shoot("search")
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
    await tour.at("#/c/tools")
    await page.evaluate(REFUSED)
    await page.reload()
    await expect(page.get_by_role("button", name="Retry")).to_be_visible()
    await tour.shoot("failed")
    await server.kill()
    await expect(page.get_by_text("Connection lost")).to_be_visible()
    await page.get_by_role("textbox", name=re.compile("^Message")).fill("I can repair it, if nobody minds tape.")
    await page.get_by_role("button", name="Send", exact=True).click()
    await tour.shoot("offline")


async def strangers(server: ServerProcess, visits: Visits, folder: Path, name: str, **options: Any) -> None:
    """What is seen before a login."""
    page = await visits(server.http_url, **options)
    await expect(page.get_by_label("Password", exact=True)).to_be_visible()
    await Tour(page, folder, name).shoot("welcome")


async def first_steps(visits: Visits, folder: Path, name: str, **options: Any) -> None:
    with TemporaryDirectory() as place:
        async with ServerProcess(write_community(Path(place), users={})) as server:
            page = await visits(server.http_url, **options)
            tour = Tour(page, folder, name)
            await page.get_by_role("tab", name="Create account").click()
            await tour.shoot("claim")
            await page.get_by_label("Claim code").fill(server.claim_code)
            await page.get_by_label("Name", exact=True).fill("Marta")
            await page.get_by_label("Password", exact=True).fill("a long sentence")
            await page.get_by_role("button", name="Create account and take over").click()
            await expect(page.get_by_role("heading", name="What is your community called?")).to_be_visible()
            await tour.shoot("first-name")
            await page.get_by_label("Name", exact=True).fill("Allotment 17")
            await page.get_by_role("button", name="Continue").click()
            await expect(page.get_by_role("heading", name="Where will people talk?")).to_be_visible()
            await tour.shoot("first-channels")
            await page.get_by_role("button", name="Continue").click()
            await page.get_by_role("button", name="Make a link").click()
            await expect(page.locator(".first-run-link output")).to_be_visible()
            await tour.shoot("first-link")


def give_nicknames(users: dict[str, Any]) -> None:
    for name in USERS:
        users[user_id(name)]["nickname"] = NICKNAMES.get(name, name.capitalize())


@asynccontextmanager
async def community(folder: Path) -> AsyncIterator[tuple[ServerProcess, dict[str, Any]]]:
    config = {"server": {"name": "Allotment 17", "owner": {"name": "marta"}}}
    write_community(folder, users=USERS, roles=ROLES, channels=CHANNELS, config=config)
    edit(folder / "db" / "users.json", give_nicknames)
    async with ServerProcess(folder) as server:
        visitors = Visitors(lambda: server.url)
        try:
            yield server, await populate(server, visitors)
        finally:
            await visitors.close()


async def main(folder: Path, wanted: set[str]) -> None:
    path = chromium()
    assert path is not None, "no Chromium"
    async with open_browser(path) as browser:
        for theme in ("light", "dark"):
            for device, size in SIZES.items():
                name = f"{device}-{theme}"
                if wanted and name not in wanted:
                    continue
                visits = Visits(browser)
                visits.allow("ERR_CONNECTION_REFUSED")  # the server is killed for the pictures of a lost connection
                options: dict[str, Any] = {"size": size, "dark": theme == "dark", "reduced_motion": "reduce"}
                with TemporaryDirectory() as place:
                    async with community(Path(place)) as (server, made):
                        await strangers(server, visits, folder, name, **options)
                        page = await visits(server.http_url, **options)
                        await log_in(page, "lena")
                        await walk(Tour(page, folder, name), server, made)
                await first_steps(visits, folder, name, **options)
                await visits.close()
                print(name, *visits.problems, sep="\n  ")


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    asyncio.run(main(Path(sys.argv[1]), set(sys.argv[2:])))
