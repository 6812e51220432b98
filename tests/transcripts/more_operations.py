"""Operations of the state property that go beyond messages and channels: voice, uploads, webhooks, erasure."""

from __future__ import annotations

import asyncio
from typing import Any

import requests

from tests.support.client import DEADLINE_S, ChatClient
from tests.support.community import user_id
from tests.support.pictures import PNG
from tests.transcripts.community_driver import Driver


class MoreOperations(Driver):
    """Each operation takes three numbers, which choose who does it, to what, and how."""

    async def voice_join(self, a: int, b: int, c: int) -> None:
        channel = await self._channel(b, "voice")
        if channel is not None:
            await self._ask(self._who(a).here, "voice_join", channel=channel[0], peer_id=f"peer-{c}")

    async def voice_mute(self, a: int, b: int, c: int) -> None:
        await self._ask(self._who(a).here, ("voice_mute", "voice_unmute")[c % 2])

    async def voice_leave(self, a: int, b: int, c: int) -> None:
        await self._ask(self._who(a).here, "voice_leave")

    async def voice_rights(self, a: int, b: int, c: int) -> None:
        channel = await self._channel(b, "voice")
        if channel is not None:
            view = [["user"], ["moderator"], ["vip"]][c % 3]
            updates = {"permissions": {"view": view}}
            await self._ask(self.member("host"), "channel_update", current_name=channel[0], updates=updates)

    async def own_nickname(self, a: int, b: int, c: int) -> None:
        if c % 3 == 0:
            await self._ask(self._who(a).here, "nickname_remove")
        else:
            await self._ask(self._who(a).here, "nickname_update", nickname=f"own {c}")

    async def attach(self, a: int, b: int, c: int) -> None:
        """Upload a picture, and post it; sometimes the picture is deleted again."""
        channel, author = await self._channel(b, "text"), self._who(a)
        if channel is None or author.here is None:
            return
        name, mark = channel
        body = {"validator_key": "k", "validator": author.here.session, "channel": name, "file": PNG,
                "name": f"zq{mark}q.png", "mime_type": "image/png"}  # fmt: skip
        status, answer = await self._post_http("/attachments/upload", body)
        assert status < 500, answer
        if status == 201:
            id_ = answer["attachment"]["id"]
            reply = await self._ask(
                author.here, "message_new", channel=name, content=f"zq{mark}q {c}", attachments=[{"id": id_}]
            )
            if reply is not None:
                where = {"id": reply["message"]["id"], "channel": name}
                self.messages.append({**where, "mark": mark, "author": author.name})
            if c % 3 == 0:
                await self._ask(author.here, "attachment_delete", attachment_id=id_)

    async def webhook(self, a: int, b: int, c: int) -> None:
        """Something posts through the webhook of a channel, which may be made for it."""
        channel, host = await self._channel(b, "text"), self.member("host")
        if channel is None:
            return
        name, mark = channel
        found = (await host.request("webhook_list", channel=name))["webhooks"]
        if not found:
            found = [(await host.request("webhook_create", channel=name, name=f"zq{mark}q hook"))["webhook"]]
        body: dict[str, Any] = {"content": f"zq{mark}q {c}"}
        if c % 2:
            body |= {"username": f"bot {c}", "embeds": [{"title": f"zq{mark}q"}]}
        status, _ = await self._post_http(f"/webhooks?token={found[0]['token']}", body)
        assert status in (204, 429), status
        if c % 5 == 0:
            await host.request("webhook_delete", id=found[0]["id"])

    async def _post_http(self, path: str, body: Any) -> tuple[int, Any]:
        url = f"http://127.0.0.1:{self.server.port}{path}"
        answer = await asyncio.to_thread(requests.post, url, json=body, timeout=30)
        return answer.status_code, answer.json() if answer.content else None

    async def erase(self, a: int, b: int, c: int) -> None:
        """Somebody's account ends, and all that it wrote vanishes; then the name is taken by a newcomer."""
        name = ("ben", "cleo")[a % 2]
        member = self.members[name]
        if name in self.banned or member.here is None:
            return
        if b % 2:
            await member.here.send("user_leave", erase=True)
        elif await self._ask(self.member("host"), "user_delete", user=user_id(name), erase=True) is None:
            return
        await member.here.closed()
        await self._erased(name)
        self.reactions = [each for each in self.reactions if each[0] is not member]
        gone = f"{name}, gone at {len(self.history)}"  # the other of a direct channel still sees it
        self.directs = {
            frozenset(gone if each == name else each for each in pair): mark for pair, mark in self.directs.items()
        }
        client = await ChatClient(self.server.url, name).connect()
        await client.register(name)
        await self._begin(member, client)

    async def _erased(self, name: str) -> None:
        """Until nothing that the owner can read is by this user; the server erases a little each second."""
        host = self.member("host")
        touched = [message for message in self.messages if message["author"] == name]
        touched += [fields for actor, fields in self.reactions if actor.name == name]
        keys = {(key, each[key]) for each in touched for key in ("channel", "thread_id") if key in each}
        async with asyncio.timeout(DEADLINE_S):
            for key, place in keys:
                while await self._traces(host, {key: place}, user_id(name)):
                    await host.sync()

    async def _traces(self, host: ChatClient, place: dict[str, str], username: str) -> bool:
        page = await self._ask(host, "messages_get", limit=200, **place)
        found = [] if page is None else page["messages"]
        return any(each["user"] == username or username in str(each.get("reactions")) for each in found)
