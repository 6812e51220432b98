"""Connections lost, polls broken off, the server killed: whoever follows the log gets each event once, in order."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.api_client import ApiClient, ApiRefusal, Item
from tests.support.client import ChatClient, Packet, Refusal
from tests.support.community import write_community
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio

STEPS = 45
RESTARTS = (11, 23, 37)
"""After these steps; the one in the middle is orderly, the others are kill -9."""


class Follower:
    """An OriginChats client that resumes after every loss. seen: every durable event, in the order of arrival."""

    def __init__(self, server: ServerProcess, name: str) -> None:
        self.server = server
        self.name = name
        self.seen: list[Packet] = []
        self.client = ChatClient(server.url, name)

    async def begin(self) -> None:
        await self.client.connect()
        await self.client.login()
        self.session, self.start = self.client.session, self.client.seq

    async def lose(self) -> None:
        await self.client.drop()
        self._keep()

    async def come_back(self) -> None:
        position = max((packet["seq"] for packet in self.seen), default=self.start)
        self.client = await ChatClient(self.server.url, self.name).connect()
        await self.client.login()
        assert (await self.client.resume(self.session, position))["recovered"] is True

    def _keep(self) -> None:
        known = {packet["seq"] for packet in self.seen}
        for packet in self.client.events:
            if isinstance(packet.get("seq"), int) and packet["cmd"] not in ("ready", "resumed", "ping"):
                assert packet["seq"] not in known, f"twice: {packet}"
                known.add(packet["seq"])
                self.seen.append(packet)


class Poller:
    """A client of the HTTP API that polls all the time, and asks again after every loss."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.api = ApiClient(server.http_url)
        self.stopping = False
        self.back = asyncio.Event()
        self.back.set()

    async def run(self) -> None:
        while not self.stopping:
            await self.back.wait()
            self.api.base = f"{self.server.http_url}/api/v1"
            try:
                await self.api.poll(wait_s=1)
            except (requests.RequestException, ApiRefusal) as lost:
                if isinstance(lost, ApiRefusal) and lost.problem["status"] != 503:
                    raise


async def restart(server: ServerProcess, follower: Follower, poller: Poller, *, hard: bool) -> None:
    poller.back.clear()
    await (server.kill() if hard else server.stop())
    await follower.client.closed()
    follower._keep()
    await server.start()
    poller.back.set()
    await follower.come_back()


def logged(folder: Path, kind: str) -> list[str]:
    """Refs of the events of a kind in the log, in order."""
    database = next((folder / "db").glob("*.sqlite3"))
    with contextlib.closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT ref FROM events WHERE kind = ? ORDER BY seq", (kind,))
        return [ref for (ref,) in rows]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_followers_of_the_log_see_every_event_once_in_order(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    folder = write_community(tmp_path, users={"ann": ("user",), "ben": ("user",)})
    async with ServerProcess(folder) as server:
        follower, poller = Follower(server, "ben"), Poller(server)
        await follower.begin()
        await poller.api.register("poller")
        await poller.api.join("#general")
        polling = asyncio.create_task(poller.run())
        writer = await (await ChatClient(server.url, "ann").connect()).login()
        written: list[str] = []
        for step in range(STEPS):
            if step in RESTARTS:
                await restart(server, follower, poller, hard=step != RESTARTS[1])
                writer = await (await ChatClient(server.url, "ann").connect()).login()
            await one_step(chance, step, writer, follower, poller, written)
        await follower.client.sync()
        last = await writer.say("the end")
        await follower.client.expect("message_new", message={"id": last["id"]})
        poller.stopping = True
        await polling
        await poller.api.expect(id=last["id"])
        await follower.lose()
        assert server.tracebacks() == []
        assert await server.stop() == 0

    numbers = [packet["seq"] for packet in follower.seen]
    assert numbers == sorted(set(numbers)), "in order, once"
    messages = logged(folder, "message_new")
    assert [packet["message"]["id"] for packet in follower.seen if packet["cmd"] == "message_new"] == messages
    ids = [item["id"] for item in poller.api.items]
    assert len(ids) == len(set(ids)), "once"
    got = [item["id"] for item in poller.api.items if item["type"] == "message" and item["id"] in set(messages)]
    assert got == messages, "in order, all of them"
    assert set(written) <= set(messages), "what was acknowledged is there"


async def one_step(
    chance: random.Random, step: int, writer: ChatClient, follower: Follower, poller: Poller, written: list[str]
) -> None:
    match chance.choice(("write", "write", "write over http", "edit", "delete", "lose", "burst")):
        case "write":
            written.append((await writer.say(f"step {step}"))["id"])
        case "write over http":
            written.append((await say_over_http(poller, f"step {step} over http"))["id"])
        case "edit" if written:
            with contextlib.suppress(Refusal):  # it is somebody else's, or gone
                await writer.request("message_edit", channel="general", id=chance.choice(written), content="edited")
        case "delete" if written:
            with contextlib.suppress(Refusal):
                await writer.request("message_delete", channel="general", id=chance.choice(written))
        case "lose":
            await follower.lose()
            written.append((await writer.say("while nobody followed"))["id"])
            await follower.come_back()
        case "burst":
            sent: list[dict[str, Any]] = await asyncio.gather(*(writer.say(f"{step}.{number}") for number in range(5)))
            written.extend(message["id"] for message in sent)
        case _:
            pass


async def say_over_http(poller: Poller, text: str) -> Item:
    poller.api.base = f"{poller.server.http_url}/api/v1"
    return await poller.api.say("#general", text)
