"""A small community in which everything exists that a command or a request can name, seven callers, and what each of
them is answered. It is made once, and every case gets a copy of its files.

`club` (text), `talks` (forum) and `lounge` (voice) are for the role `member`; `open` is for everybody. Every caller has
written in the club before, those who do not see it any more as well. What belongs to nobody among the callers is ben's.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec

from tests.support.browser import Browser, uploaded
from tests.support.community import user_id
from tests.support.house import Guest, House, open_again, open_house
from tests.support.pictures import PNG, picture

Packet = dict[str, Any]
CALLERS = ("nobody", "banned", "hidden", "user", "moderator", "admin", "owner")
NAMES = {"banned": "bea", "hidden": "cleo", "user": "ann", "moderator": "mod", "admin": "adam", "owner": "host"}
"""Of the callers that have an account. hidden: a user who does not see the channels of the members."""
PEOPLE: dict[str, tuple[str, ...]] = {
    "host": ("owner", "user", "member"), "adam": ("admin", "user", "member"), "mod": ("moderator", "user", "member"),
    "ann": ("user", "member"), "cleo": ("user", "member"), "bea": ("user", "member"), "ben": ("user", "member"),
    "bad": ("user",),
}  # fmt: skip


def rules(role: str) -> dict[str, list[str]]:
    own = {key: [role] for key in ("view", "send", "react", "edit_own", "delete_own", "create_thread")}
    return {**own, "delete": ["moderator"], "pin": ["moderator"]}


CHANNELS: list[dict[str, Any]] = [
    {"type": "text", "name": "open", "permissions": rules("user")},
    {"type": "text", "name": "club", "permissions": rules("member")},
    {"type": "forum", "name": "talks", "permissions": rules("member")},
    {"type": "voice", "name": "lounge", "permissions": rules("member")},
]
CONFIG: dict[str, Any] = {
    "server": {"url": "https://chat.example.org"},
    "attachments": {"allowed_types": ["*"], "uploads_per_minute": 1000},
    "limits": {"registrations_per_minute": 1000},
}
GUILD = """
from plugin_api import Plugin, Settings


class Mine(Settings):
    greeting: str = "hello"


plugin = Plugin(name="Guild", description="Greets.", settings=Mine)


@plugin.command("hello")
def hello(call):
    return "hello"


@plugin.command("order", roles=["moderator"])
def order(call):
    return "silence"
"""
"""A plugin with a setting, a command for everybody and one for moderators."""
COUNT = 'SELECT count(*) FROM "{}"'
PLACES = {"club": "club", "talks": "talks", "lounge": "lounge"}
"""Names of channels that some do not see; packets write `$club`, so that one can be named that is not there."""
KNOWN_BY_ID = {"attachment", "own_attachment"}
"""Whoever knows the id may see it, so that these are not hidden from anybody."""
PUSH_KEYS = {"p256dh": "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM",
             "auth": "tBHItJI5svbpez7KI4CCXg"}  # fmt: skip


class Things(msgspec.Struct):
    """What packets name: `$message` stands for `ids["message"]`, `$own_message` for the caller's own."""

    ids: dict[str, Any]
    own: dict[str, dict[str, Any]]


class Town:
    """A copy of the community, running; everybody is logged in but `nobody`."""

    def __init__(self, house: House, things: Things, guests: dict[str, Guest]) -> None:
        self.house = house
        self.things = things
        self.guests = guests
        self._database = sqlite3.connect(house.folder / "messages.sqlite3")

    def close(self) -> None:
        self._database.close()

    def fill(self, value: Any, name: str, *, exists: bool = True) -> Any:
        """Replace `$thing` in a packet by what it stands for with this caller; or by something that is not there."""
        if isinstance(value, dict):
            return {key: self.fill(each, name, exists=exists) for key, each in value.items()}
        if isinstance(value, list):
            return [self.fill(each, name, exists=exists) for each in value]
        if not isinstance(value, str) or not value.startswith("$"):
            return value
        known = {**PLACES, **self.things.ids, **{f"own_{key}": id for key, id in self.things.own.get(name, {}).items()}}
        real = known.get(value[1:], "nothing-of-the-kind")
        return real if exists or value[1:] in KNOWN_BY_ID else absent(real)

    def state(self) -> dict[str, Any]:
        """All that a command can change: documents, how many rows each table has, and what is of the moment."""
        world = self.house.world
        ordinary = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
        tables = [row[0] for row in self._database.execute(ordinary)]
        counts = {name: self._database.execute(COUNT.format(name)).fetchone()[0] for name in tables}
        return {
            "documents": {each.name: list(each) for each in (world.users, world.roles, world.channels, world.emojis)},
            "config": world.live.path.read_text(),
            "voice": {channel.name: world.voice.in_channel(channel.id) for channel in world.channels},
            "slash": [each.command for each in world.slash.all()],
            "rows": counts,
        }

    @property
    def commits(self) -> int:
        """Changes whenever the journal has committed anything."""
        number: int = self._database.execute("PRAGMA data_version").fetchone()[0]
        return number

    def hear(self) -> dict[str, list[str]]:
        """What everybody heard since the last time, by name; those who heard nothing left out."""
        heard = {}
        for name, guest in self.guests.items():
            guest.read()
            if guest.packets:
                heard[name] = guest.names()
            guest.packets.clear()
        return heard


def absent(real: Any) -> Any:
    """Something of the same form that does not exist."""
    if isinstance(real, int):
        return 987654
    return real[:-4] + "dead" if len(real) > 20 else "nowhere"


@contextlib.asynccontextmanager
async def open_town(template: Path, folder: Path, *, plugins: bool = False) -> AsyncIterator[Town]:
    """A copy of the template in `folder`, which must not exist yet. Gone afterwards. plugins: whether they run."""
    shutil.copytree(template, folder)
    things = msgspec.json.decode((folder / "things.json").read_bytes(), type=Things)
    async with open_again(folder) as house:
        house.hashes = True  # whatever runs in threads is waited for
        guests = {name: await house.enter(name) for name in PEOPLE if name != "bad"}
        town = Town(house, things, guests)
        host = house.community.plugins
        if plugins and host is not None:
            await host.start()
        await house.quiet()
        town.hear()
        try:
            yield town
        finally:
            town.close()
            if plugins and host is not None:
                await host.stop()
            await asyncio.to_thread(house.community.uploads.stop)
    shutil.rmtree(folder)


async def build_template(folder: Path) -> None:
    """Make the community with all that is in it, and leave its files."""
    async with open_house(folder, users=PEOPLE, config=CONFIG, channels=CHANNELS) as house:
        house.hashes = True
        host = await house.enter("host")
        for fields in ({"name": "member"}, {"name": "gamer", "self_assignable": True}, {"name": "helper"}):
            await answer(host, "role_create", **fields)
        things = await _furnish(house, host)
        await host.ask("user_roles_set", user=user_id("cleo"), roles=["user"])
        await host.ask("user_ban", user=user_id("bad"))
        await asyncio.to_thread(house.community.uploads.stop)
    (folder / "plugins").mkdir()
    (folder / "plugins" / "guild.py").write_text(GUILD)
    (folder / "things.json").write_bytes(msgspec.json.encode(things))


async def _furnish(house: House, host: Guest) -> Things:
    ids = await _belongings(house, await house.enter("ben"))
    ids["emoji"] = int((await answer(host, "emoji_add", name="party", image=PNG))["id"])
    ids["webhook"] = (await answer(host, "webhook_create", channel="club", name="builds"))["webhook"]["id"]
    ids["direct"] = (await answer(host, "direct_open", user=user_id("ben")))["channel"]["name"]
    own: dict[str, dict[str, Any]] = {}
    for name in NAMES.values():
        guest = await house.enter(name)
        own[name] = await _belongings(house, guest)
        await answer(guest, "message_react_add", channel="club", id=ids["message"], emoji="👍")
    return Things(ids, own)


async def _belongings(house: House, guest: Guest) -> dict[str, Any]:
    """What a person has made in the channels of the members."""
    thread = (await answer(guest, "thread_create", channel="talks", name="What about tea?"))["thread"]["id"]
    poll = await answer(guest, "poll_create", channel="club", question="Tea?", options=["yes", "no"])
    sent = await answer(guest, "message_new", channel="club", content="tea")
    in_thread = await answer(guest, "message_new", thread_id=thread, content="green tea")
    file = uploaded(await Browser(house).upload(guest.ready["session"], picture(), channel="club"))
    sessions = (await answer(guest, "sessions_list"))["sessions"]
    return {
        "thread": thread,
        "poll": poll["message_id"],
        "poll_id": poll["poll_id"],
        "message": sent["message"]["id"],
        "thread_message": in_thread["message"]["id"],
        "attachment": file.id,
        "session": sessions[0]["id"],
        "invite": (await answer(guest, "invite_create"))["invite"]["code"],
    }


async def answer(guest: Guest, cmd: str, **fields: Any) -> Packet:
    """The packet that answers this command, which is no refusal."""
    packets = await guest.ask(cmd, **fields)
    assert packets[0]["cmd"] not in ("error", "auth_error"), packets
    return next((packet for packet in packets if packet["cmd"] == cmd), packets[0])
