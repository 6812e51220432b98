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
VIEWS = (["user"], ["moderator"], ["vip"], ["!vip", "user"], ["moderator", "vip"], ["owner"])
ROLE_SETS = (["user"], ["user", "vip"], ["vip", "user"], ["moderator", "user"], ["vip"], ["user", "odd"])
EMOJI = ("👍", "🎉")


def rules(view: list[str]) -> dict[str, list[str]]:
    keys = ("send", "react", "edit_own", "delete_own", "create_thread")
    return {"view": view, **dict.fromkeys(keys, view), "delete": ["moderator"], "pin": ["moderator"]}


def may_view(held: list[str], channel: dict[str, Any], roles: dict[str, Any]) -> bool:
    """The rule of the protocol, written down a second time: the first role of the user that is listed decides."""
    if "owner" in held or any("administrator" in roles[name]["permissions"] for name in held if name in roles):
        return True
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
            self.session, self.seq = self.client.session, self.client.seq


class Driver:
    """`await driver.step(kind, a, b, c)` does one thing; the numbers choose who and what among what there is."""

    def __init__(self, folder: Path) -> None:
        channels = [
            {"type": "text", "name": "zq0q", "permissions": rules(["user"])},
            {"type": "forum", "name": "zq1q", "permissions": rules(["user"])},
            {"type": "text", "name": "zq2q", "permissions": rules(["moderator"])},
        ]
        self.server = ServerProcess(write_community(folder, users=PEOPLE, channels=channels))
        self.members = {name: Member(name) for name in PEOPLE}
        self.marks = len(channels)
        self.messages: list[dict[str, Any]] = []
        """{"id", and `channel` or `thread_id`, "mark"} of every message that was ever posted."""
        self.threads: list[tuple[str, int]] = []
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
        return {
            name: {
                int(MARK.findall(channel["name"])[0])
                for channel in channels
                if name not in self.banned and may_view(users.get(user_id(name), []), channel, roles)
            }
            for name in self.members
        }

    async def check(self, names: Iterable[str] | None = None) -> None:
        for name in self.members if names is None else names:
            member = self.members[name]
            client = member.here
            if client is None:
                continue
            fresh = await fetch(client)
            lines = differences(member.mirror.state(), fresh.state())
            member.fed = member.checked = len(client.events)  # what was fetched is not news
            assert not lines, f"{name} knows something else:\n" + "\n".join(lines) + "\n" + self.story()

    def story(self) -> str:
        return "what happened: " + "; ".join(self.history) + "\n" + self.server.text()[-2000:]

    async def _enter(self, member: Member) -> None:
        """A new session that fetches everything."""
        client = await ChatClient(self.server.url, member.name).connect()
        await client.login(member.name)
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

    # ------------------------------------------------------------- messages

    async def say(self, a: int, b: int, c: int) -> None:
        channel = await self._channel(b, "text")
        if channel is not None:
            name, mark = channel
            await self._post(a, {"channel": name}, mark, c)

    async def say_in_thread(self, a: int, b: int, c: int) -> None:
        if self.threads:
            thread_id, mark = self.threads[b % len(self.threads)]
            await self._post(a, {"thread_id": thread_id}, mark, c)

    async def _post(self, a: int, where: dict[str, str], mark: int, c: int) -> None:
        answered = [m["id"] for m in self.messages if c % 3 == 0 and where.items() <= m.items()][-1:]
        extra = {"reply_to": answered[0]} if answered else {}
        content = f"zq{mark}q {c} @{user_id('ann')}"
        reply = await self._ask(self._who(a).here, "message_new", content=content, **where, **extra)
        if reply is not None:
            self.messages.append({"id": reply["message"]["id"], "mark": mark, **where})

    async def _on_message(self, cmd: str, a: int, b: int, **fields: Any) -> None:
        if self.messages:
            message = {key: value for key, value in self.messages[b % len(self.messages)].items() if key != "mark"}
            await self._ask(self._who(a).here, cmd, **message, **fields)

    async def edit(self, a: int, b: int, c: int) -> None:
        mark = self.messages[b % len(self.messages)]["mark"] if self.messages else 0
        await self._on_message("message_edit", a, b, content=f"zq{mark}q edited {c}")

    async def delete(self, a: int, b: int, c: int) -> None:
        await self._on_message("message_delete", a, b)

    async def react(self, a: int, b: int, c: int) -> None:
        await self._on_message("message_react_add", a, b, emoji=EMOJI[c % len(EMOJI)])

    async def unreact(self, a: int, b: int, c: int) -> None:
        await self._on_message("message_react_remove", a, b, emoji=EMOJI[c % len(EMOJI)])

    async def pin(self, a: int, b: int, c: int) -> None:
        await self._on_message("message_pin", c % 2, b, pinned=c % 3 != 0)

    # ------------------------------------------------------------- threads

    async def thread_create(self, a: int, b: int, c: int) -> None:
        channel = await self._channel(b, "forum")
        if channel is not None:
            reply = await self._ask(self._who(a).here, "thread_create", channel=channel[0], name=f"zq{channel[1]}q {c}")
            if reply is not None:
                self.threads.append((reply["thread"]["id"], channel[1]))

    async def _on_thread(self, cmd: str, a: int, b: int, **fields: Any) -> None:
        if self.threads:
            await self._ask(self._who(a).here, cmd, thread_id=self.threads[b % len(self.threads)][0], **fields)

    async def thread_rename(self, a: int, b: int, c: int) -> None:
        mark = self.threads[b % len(self.threads)][1] if self.threads else 0
        await self._on_thread("thread_update", a, b, name=f"zq{mark}q renamed {c}")

    async def thread_lock(self, a: int, b: int, c: int) -> None:
        await self._on_thread("thread_update", a, b, **{("locked", "archived")[c % 2]: c % 3 == 0})

    async def thread_join(self, a: int, b: int, c: int) -> None:
        await self._on_thread("thread_join", a, b)

    async def thread_leave(self, a: int, b: int, c: int) -> None:
        await self._on_thread("thread_leave", a, b)

    async def thread_delete(self, a: int, b: int, c: int) -> None:
        await self._on_thread("thread_delete", a, b)

    # ------------------------------------------------------------- what the owner does

    async def channel_create(self, a: int, b: int, c: int) -> None:
        name = f"zq{self.marks}q"
        self.marks += 1
        kind = ("text", "forum")[b % 2]
        view = VIEWS[c % len(VIEWS)]
        await self._ask(self.member("host"), "channel_create", name=name, type=kind, permissions=rules(view))

    async def channel_rename(self, a: int, b: int, c: int) -> None:
        channel = await self._channel(b, "text", "forum")
        if channel is not None:
            name, mark = channel
            updates = {"name": f"zq{mark}q-{c % 3}"}
            if await self._ask(self.member("host"), "channel_update", current_name=name, updates=updates) is not None:
                for message in self.messages:
                    if message.get("channel") == name:
                        message["channel"] = updates["name"]

    async def channel_rights(self, a: int, b: int, c: int) -> None:
        channel = await self._channel(b, "text", "forum")
        if channel is not None:
            updates = {"permissions": rules(VIEWS[c % len(VIEWS)])}
            await self._ask(self.member("host"), "channel_update", current_name=channel[0], updates=updates)

    async def channel_move(self, a: int, b: int, c: int) -> None:
        channel = await self._channel(b, "text", "forum")
        if channel is not None:
            await self._ask(self.member("host"), "channel_move", name=channel[0], position=c % 4)

    async def channel_delete(self, a: int, b: int, c: int) -> None:
        channel = await self._channel(b, "text", "forum")
        if channel is not None:
            await self._ask(self.member("host"), "channel_delete", name=channel[0])

    async def role_color(self, a: int, b: int, c: int) -> None:
        name = ("vip", "user", "moderator")[b % 3]
        await self._ask(self.member("host"), "role_update", name=name, color=f"#{c % 1000:06d}")

    async def role_power(self, a: int, b: int, c: int) -> None:
        granted = [[], ["administrator"], ["manage_messages"]][c % 3]
        await self._ask(self.member("host"), "role_permissions_set", name="odd", permissions=granted)

    async def role_delete_and_create(self, a: int, b: int, c: int) -> None:
        await self._ask(self.member("host"), "role_delete", name="odd")
        await self._ask(self.member("host"), "role_create", name="odd")

    async def set_roles(self, a: int, b: int, c: int) -> None:
        name = ("mod", "ann", "ben", "cleo")[b % 4]
        roles = ROLE_SETS[c % len(ROLE_SETS)]
        await self._ask(self.member("host"), "user_roles_set", user=user_id(name), roles=roles)

    async def nickname(self, a: int, b: int, c: int) -> None:
        nickname = None if c % 4 == 0 else f"nick {c}"
        user = user_id(self._who(b).name)
        await self._ask(self.member("host"), "user_update", user=user, updates={"nickname": nickname})

    async def ban(self, a: int, b: int, c: int) -> None:
        name = ("ann", "ben", "cleo")[b % 3]
        if await self._ask(self.member("host"), "user_ban", user=user_id(name)) is not None:
            self.banned.add(name)
            member = self.members[name]
            member.lost_session = True
            if member.client is not None:
                await member.client.closed()

    async def unban(self, a: int, b: int, c: int) -> None:
        for name in sorted(self.banned):
            await self._ask(self.member("host"), "user_unban", user=user_id(name))
        self.banned.clear()

    # ------------------------------------------------------------- connections

    async def drop(self, a: int, b: int, c: int) -> None:
        member = list(self.members.values())[1 + a % (len(self.members) - 1)]  # the owner stays, to be asked
        if member.here is not None:
            await member.here.drop()
            member.away()

    async def come_back(self, a: int, b: int, c: int) -> None:
        for member in self.members.values():
            if member.here is None and member.name not in self.banned:
                await self._come_back(member)

    async def _come_back(self, member: Member) -> None:
        client = await ChatClient(self.server.url, member.name).connect()
        await client.login(member.name)
        resumed = await client.resume(member.session, member.seq)
        if member.lost_session and not resumed["recovered"]:
            await client.close()
            await self._enter(member)
            return
        assert resumed["recovered"] is True, f"{member.name}: {resumed}\n" + self.story()
        numbered = [packet for packet in client.events if packet["cmd"] not in ("ready", "resumed", "ping")]
        sequence = [packet["seq"] for packet in numbered if "seq" in packet]
        assert sequence == sorted(set(sequence)), f"{member.name}: {sequence}\n" + self.story()
        assert all(seq > member.seq for seq in sequence), "something came a second time\n" + self.story()
        member.client, member.fed, member.checked, member.lost_session = client, 0, 0, False

    async def restart(self, a: int, b: int, c: int) -> None:
        await self._everybody_leaves(kill=False)

    async def kill(self, a: int, b: int, c: int) -> None:
        await self._everybody_leaves(kill=True)

    async def _everybody_leaves(self, *, kill: bool) -> None:
        if kill:
            await self.server.kill()
        else:
            assert await self.server.stop() == 0, self.story()
        for member in self.members.values():
            if member.client is not None:
                await member.client.close()
                member.away()
        await self.server.start()
        await self.come_back(0, 0, 0)


KINDS = (
    ["say"] * 8 + ["say_in_thread"] * 4 + ["edit"] * 4 + ["delete"] * 2 + ["react"] * 4 + ["unreact"] * 2 + ["pin"] * 2
    + ["thread_create"] * 2 + ["thread_rename", "thread_lock", "thread_join", "thread_leave", "thread_delete"]
    + ["channel_create"] * 2 + ["channel_rename", "channel_rights", "channel_rights", "channel_move", "channel_delete"]
    + ["role_color", "role_power", "role_delete_and_create"] + ["set_roles"] * 4 + ["nickname", "ban", "unban"]
    + ["drop"] * 4 + ["come_back"] * 3 + ["restart", "kill"]
)  # fmt: skip
