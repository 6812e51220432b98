"""A few people on one server who do whatever a list of operations says, each with a mirror of what they were told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.client import ChatClient, Packet
from tests.support.community import user_id, write_community
from tests.support.mirror import Mirror, ask_for_missing, differences, fetch
from tests.support.server import ServerProcess

MARK = re.compile(r"zq(\d+)q")
"""Every channel, thread and message text carries the mark of its channel, so that a leak shows wherever it happens."""
PEOPLE = {
    "host": ("owner", "user"),
    "mod": ("moderator", "user"),
    "ann": ("user",),
    "ben": ("user",),
    "cleo": ("user",),
}


def rules(view: list[str]) -> dict[str, list[str]]:
    keys = ("send", "react", "edit_own", "delete_own", "create_thread")
    return {"view": view, **dict.fromkeys(keys, view), "delete": ["moderator"], "pin": ["moderator"]}


def may_view(held: list[str], mark: bool | None, channel: dict[str, Any], roles: dict[str, Any]) -> bool:
    """The rule of the protocol, written down a second time: the first role of the user that is listed decides.

    mark: True for an operator of the channel, False for who has joined it, None for others.
    """
    if "owner" in held or any("administrator" in roles[name]["permissions"] for name in held if name in roles):
        return True
    if mark is True:
        return True
    if mark is None and (channel.get("secret") or channel.get("invite_only")):
        return False
    for name in held:
        if f"!{name}" in channel["permissions"]["view"]:
            return False
        if name in channel["permissions"]["view"]:
            return True
    return False


@dataclass
class Member:
    name: str
    client: ChatClient | None = None
    mirror: Mirror = field(default_factory=Mirror)
    fed: int = 0
    checked: int = 0
    session: str = ""
    seq: int = 0
    lost_session: bool = False

    @property
    def here(self) -> ChatClient | None:
        return self.client if self.client is not None and self.client.is_open else None

    def feed(self) -> None:
        if self.client is not None:
            for packet in self.client.events[self.fed :]:
                self.mirror.apply(packet)
            self.fed = len(self.client.events)

    def away(self) -> None:
        """Remember what a client that lost its connection knows."""
        if self.client is not None:
            self.feed()
            self.mirror.connection_lost()
            self.session, self.seq = self.client.session, self.client.seq


class Driver:
    """`await driver.step(kind, a, b, c)` does one thing; the numbers choose who and what among what there is."""

    def __init__(self, folder: Path) -> None:
        channels = [
            {"type": "text", "name": "zq0q", "permissions": rules(["user"])},
            {"type": "forum", "name": "zq1q", "permissions": rules(["user"])},
            {"type": "text", "name": "zq2q", "permissions": rules(["moderator"])},
            {"type": "voice", "name": "zq3q", "permissions": rules(["user"])},
        ]
        self.server = ServerProcess(write_community(folder, users=PEOPLE, channels=channels))
        self.members = {name: Member(name) for name in PEOPLE}
        self.marks = len(channels)
        self.messages: list[dict[str, Any]] = []
        """{"id", and `channel` or `thread_id`, "mark", "author"} of every message that was ever posted."""
        self.polls: list[str] = []
        """Ids of the messages that are polls."""
        self.reactions: list[tuple[Member, dict[str, Any]]] = []
        self.threads: list[tuple[str, int]] = []
        self.directs: dict[frozenset[str], int] = {}
        """Two people -> the mark of what they say to each other."""
        self.banned: set[str] = set()
        self.history: list[str] = []

    async def __aenter__(self) -> Driver:
        await self.server.start()
        for member in self.members.values():
            await self._enter(member)
        await self.member("host").request("role_create", name="vip")
        await self.member("host").request("role_create", name="odd")
        await self.settle()
        return self

    async def __aexit__(self, *error: object) -> None:
        for member in self.members.values():
            if member.client is not None:
                await member.client.close()
        if self.server.running:
            await self.server.kill()

    def member(self, name: str) -> ChatClient:
        client = self.members[name].here
        assert client is not None, name
        return client

    # ------------------------------------------------------------- the course of things

    async def step(self, kind: str, a: int, b: int, c: int) -> None:
        self.history.append(f"{kind} {a} {b} {c}")
        before = await self.visible()
        await getattr(self, kind)(a, b, c)
        await self.settle()
        after = await self.visible()
        for name, member in self.members.items():
            if member.client is None:
                continue
            for packet in member.client.events[member.checked :]:
                if packet["cmd"] == "member_leave" and packet["user"] == user_id(name):
                    continue  # the last that it hears of a channel, perhaps only when it comes back
                marks = {int(mark) for mark in MARK.findall(json.dumps(packet))}
                hidden = marks - before[name] - after[name]
                assert not hidden, f"{name} saw something of {hidden}: {packet}\n" + self.story()
            member.checked = len(member.client.events)

    async def settle(self) -> None:
        """Until everybody has heard everything and knows every place in sight."""
        for member in self.members.values():
            client = member.here
            if client is None:
                continue
            try:
                await client.sync()
                member.feed()
                while member.mirror.missing:
                    await ask_for_missing(client, member.mirror)
                    member.feed()
            except (AssertionError, OSError):
                if member.here is not None:
                    raise
                member.away()

    async def visible(self) -> dict[str, set[int]]:
        """The marks of the channels that each user may see, worked out from what the owner sees."""
        host = self.member("host")
        channels = (await host.request("channels_get"))["val"]
        roles = (await host.request("roles_list"))["roles"]
        users = {user["username"]: user["roles"] for user in (await host.request("users_list"))["users"]}
        people = {channel["name"]: await self._members(channel["name"]) for channel in channels}
        return {
            name: {
                int(MARK.findall(channel["name"])[0])
                for channel in channels
                if name not in self.banned and self._views(name, channel, people, users, roles)
            }
            | {mark for pair, mark in self.directs.items() if name in pair and name not in self.banned}
            for name in self.members
        }

    def _views(self, name: str, channel: Packet, people: Any, users: Any, roles: Any) -> bool:
        mark = people[channel["name"]].get(user_id(name))
        return may_view(users.get(user_id(name), []), mark, channel, roles)

    async def _members(self, channel: str) -> dict[str, bool]:
        """Username -> whether it is an operator."""
        found = (await self.member("host").request("channel_members", channel=channel))["members"]
        return {member["user"]: member["operator"] for member in found}

    async def check(self, names: Iterable[str] | None = None) -> None:
        for name in self.members if names is None else names:
            member = self.members[name]
            client = member.here
            if client is None:
                continue
            fresh = await fetch(client)
            lines = differences(member.mirror.state(), fresh.state())
            if member.mirror.knows_voice:
                lines += differences(member.mirror.voices(), fresh.voices(), "/voice")
            member.fed = member.checked = len(client.events)  # what was fetched is not news
            assert not lines, f"{name} knows something else:\n" + "\n".join(lines) + "\n" + self.story()

    def story(self) -> str:
        return "what happened: " + "; ".join(self.history) + "\n" + self.server.text()[-2000:]

    async def _enter(self, member: Member) -> None:
        """A new session that fetches everything."""
        client = await ChatClient(self.server.url, member.name).connect()
        await client.login(member.name)
        await self._begin(member, client)

    async def _begin(self, member: Member, client: ChatClient) -> None:
        """Fetch everything in a session that has just begun."""
        member.client, member.lost_session = client, False
        member.mirror = await fetch(client)
        member.fed = len(client.events)
        member.checked = 0

    async def _ask(self, client: ChatClient | None, cmd: str, **fields: Any) -> Packet | None:
        """Ask; a refusal is a fine answer, a failure is not."""
        if client is None:
            return None
        reply = await client.ask(cmd, **fields)
        assert reply.get("code") != "internal", f"{cmd} {fields}: {reply}\n" + self.story()
        return None if reply["cmd"] in ("error", "rate_limit") else reply

    def _who(self, a: int) -> Member:
        return list(self.members.values())[a % len(self.members)]

    async def _channel(self, b: int, *types: str) -> tuple[str, int] | None:
        """Any channel of these types, seen or unseen by who asks: its name and mark."""
        names = [c["name"] for c in (await self.member("host").request("channels_get"))["val"] if c["type"] in types]
        if not names:
            return None
        name: str = names[b % len(names)]
        return name, int(MARK.findall(name)[0])
