"""The community that the tour visits: a garden with people, roles, channels, and something said in most of them."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import requests
from PIL import Image, ImageDraw, ImageFilter

from tests.support.client import ChatClient, Visitors
from tests.support.community import EVERYBODY, edit, user_id, write_community
from tests.support.pictures import data_uri
from tests.support.server import ROOT, ServerProcess

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


LEND = {
    "name": "lend",
    "description": "Write down who has which tool",
    "options": [
        {"name": "tool", "type": "str", "description": "As it says on the label"},
        {"name": "days", "type": "int", "description": "How long you need it"},
        {"name": "size", "type": "enum", "choices": ["small", "large"], "description": "Where there are two"},
        {"name": "remind", "type": "bool", "required": False, "description": "A message when the time is up"},
    ],
}


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
    await furnish(marta)
    return {"people": people, "direct": direct["channel"], "thread": thread["id"], "plan": plan["id"]}


async def furnish(marta: ChatClient) -> None:
    """What only who runs the community sees: a command, emojis, a webhook, invitations."""
    await marta.request("slash_register", commands=[LEND])
    for name, color in (("beet", "#a01a58"), ("leek", "#588157"), ("sunflower", "#f4a300")):
        await marta.request("emoji_add", name=name, image=data_uri(blossom(color)))
    await marta.request("webhook_create", channel="irrigation-computer", name="Rain gauge")
    for fields in (
        {"note": "For the neighbours", "expires_in_s": 7 * 86_400, "max_uses": 25},
        {"note": "", "expires_in_s": None, "max_uses": 1},
        {
            "note": "Poster at the gate, with the roles of whoever wants to dig",
            "max_uses": None,
            "roles": ["Gardeners"],
        },
    ):
        await marta.request("invite_create", **fields)
    await marta.request("plugin_set_enabled", plugin="welcome", enabled=True)
    await marta.request("user_timeout", user=user_id("noor"), timeout=600, reason="Posted the same link nine times")
    await marta.request("channel_update", current_name="tools", updates={"description": "Borrow and bring back"})


def blossom(color: str) -> bytes:
    """An emoji of the community: petals around a middle."""
    drawn = Image.new("RGBA", (64, 64))
    pen = ImageDraw.Draw(drawn)
    for x, y in ((32, 16), (48, 32), (32, 48), (16, 32)):
        pen.ellipse((x - 15, y - 15, x + 15, y + 15), fill=color)
    pen.ellipse((22, 22, 42, 42), fill="#ffe8b0")
    out = io.BytesIO()
    drawn.save(out, "png")
    return out.getvalue()


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


def give_nicknames(users: dict[str, Any]) -> None:
    for name in USERS:
        users[user_id(name)]["nickname"] = NICKNAMES.get(name, name.capitalize())


@asynccontextmanager
async def community(folder: Path) -> AsyncIterator[tuple[ServerProcess, dict[str, Any]]]:
    config = {
        "server": {"name": "Allotment 17", "description": "Forty plots behind the railway", "owner": {"name": "marta"}},
        "plugins": {"folder": str(ROOT / "plugins")},
    }
    write_community(folder, users=USERS, roles=ROLES, channels=CHANNELS, config=config)
    edit(folder / "db" / "users.json", give_nicknames)
    async with ServerProcess(folder) as server:
        visitors = Visitors(lambda: server.url)
        try:
            yield server, await populate(server, visitors)
        finally:
            await visitors.close()
