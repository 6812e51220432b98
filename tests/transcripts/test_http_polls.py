"""Long polls of the HTTP chat API as bytes on one connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest

from tests.support.api_client import ApiClient
from tests.support.client import DEADLINE_S
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio
NUMBERS = count()
CONFIG = {"limits": {"registrations_per_minute": 100}}


class Wire:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> None:
        self._reader = reader
        self._writer = writer
        self._token = token

    def ask(self, *paths: str, more: str = "") -> None:
        """Several requests in one packet."""
        for path in paths:
            head = f"GET /api/v1{path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {self._token}\r\n{more}\r\n"
            self._writer.write(head.encode())

    async def answer(self) -> Any:
        async with asyncio.timeout(DEADLINE_S):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
            assert head.startswith("http/1.1 200"), head
            length = int(head.split("content-length: ")[1].split("\r\n")[0])
            return json.loads(await self._reader.readexactly(length))

    async def ended(self) -> bool:
        async with asyncio.timeout(DEADLINE_S):
            return await self._reader.read() == b""


@asynccontextmanager
async def wire(server: ServerProcess, session: ApiClient) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    yield Wire(reader, writer, session.token)
    writer.close()


@pytest.fixture
async def walt(server: ServerProcess) -> ApiClient:
    """Has joined #general and read all that is in it."""
    session = await ApiClient(server.http_url).register(f"walt{next(NUMBERS)}")
    await session.join("#general")
    await session.say("#general", "the first one")
    while await session.poll():
        pass
    return session


async def test_requests_behind_a_waiting_poll_are_answered_after_it_in_order(
    server: ServerProcess, walt: ApiClient
) -> None:
    async with wire(server, walt) as line:
        for text in ("one", "two"):
            line.ask(f"/messages?after={walt.position}&timeout=60", "/state", "/server")
            await walt.say("#general", text)
            (item,) = await line.answer()
            assert item["body"] == text
            assert (await line.answer())["nick"] == walt.nick
            assert "motd" in await line.answer()
            await walt.poll()


async def test_many_polls_of_one_event_get_it_and_their_connections_go_on(
    server: ServerProcess, walt: ApiClient
) -> None:
    async with wire(server, walt) as first, wire(server, walt) as second, wire(server, walt) as third:
        lines = (first, second, third)
        for text in ("three", "four", "five"):
            for line in lines:
                line.ask(f"/messages?after={walt.position}&timeout=60")
            await walt.say("#general", text)
            for line in lines:
                assert [item["body"] for item in await line.answer()] == [text]
            await walt.poll()


async def test_a_connection_that_was_to_be_closed_is_closed_behind_the_answer(
    server: ServerProcess, walt: ApiClient
) -> None:
    async with wire(server, walt) as line:
        line.ask(f"/messages?after={walt.position}&timeout=60", more="Connection: close\r\n")
        await walt.say("#general", "the last one")
        (item,) = await line.answer()
        assert item["body"] == "the last one"
        assert await line.ended()
