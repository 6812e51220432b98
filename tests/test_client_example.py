"""The programs on the pages for clients and bots do what the pages say, and a killed server costs them nothing."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from protocol.export import ROOT
from tests.support.client import ChatClient
from tests.support.community import PASSWORD, write_community
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio
DEADLINE_S = 30.0


class Example:
    """The program of a page as a process; every line it prints is kept."""

    def __init__(self, folder: Path, page_name: str = "clients.md") -> None:
        page = (ROOT / "docs" / page_name).read_text("utf-8")
        found = re.search(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
        assert found is not None
        self.path = folder / "program.py"
        self.path.write_text(found[1], "utf-8")
        self.lines: list[str] = []

    async def start(self, url: str, name: str) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, str(self.path), url, name, PASSWORD,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            cwd=self.path.parent, env={**os.environ, "WEBSOCKETS_BACKOFF_INITIAL_DELAY": "0.1"},
        )  # fmt: skip

    async def type(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{text}\n".encode())
        await self.process.stdin.drain()

    async def expect(self, text: str) -> None:
        """Wait for a line that contains the text."""
        assert self.process.stdout is not None
        while not any(text in line for line in self.lines):
            line = await asyncio.wait_for(self.process.stdout.readline(), DEADLINE_S)
            assert line, f"it ended before it printed {text!r}: {self.lines}"
            self.lines.append(line.decode())

    async def end(self) -> None:
        self.process.kill()
        await self.process.communicate()


async def test_example_client_survives_a_killed_server(tmp_path: Path) -> None:
    folder = write_community(tmp_path / "server", users={"ann": ["user"], "bob": ["user"]})
    example = Example(tmp_path)
    async with ServerProcess(folder) as server:
        await example.start(server.url, "ann")
        try:
            await example.type("hello")
            await example.expect("USR:local_ann: hello")
            port = server.port
            await server.kill()
            await example.expect("-- connection lost")
            await example.type("said while the server was down")
            server.arguments = ("--port", str(port))
            await server.start()
            await example.expect("USR:local_ann: said while the server was down")
        finally:
            await example.end()
        async with await ChatClient(server.url).connect() as bob:
            await bob.login("bob")
            page = await bob.request("messages_get", channel="general")
        assert [message["content"] for message in page["messages"]] == ["hello", "said while the server was down"]


async def test_example_bot_answers_each_message_once_when_both_are_killed(tmp_path: Path) -> None:
    folder = write_community(tmp_path / "server", users={"ann": ["user"], "dicebot": ["user"]})
    bot = Example(tmp_path, "bots.md")
    rolls: list[str] = []
    async with ServerProcess(folder) as server:
        async with await ChatClient(server.url).connect() as ann:
            await ann.login("ann")
            await bot.start(server.url, "dicebot")
            await ann.expect("slash_add")
            for _ in range(4):
                answer = await ann.request("message_new", channel="general", content="!roll")
                rolls.append(answer["message"]["id"])
            port = server.port
            await server.kill()  # some answers are out, some are not
        await bot.expect("connection lost")
        await bot.end()
        server.arguments = ("--port", str(port))
        await server.start()
        async with await ChatClient(server.url).connect() as ann:
            await ann.login("ann")
            rolls.append((await ann.request("message_new", channel="general", content="!roll"))["message"]["id"])
            await bot.start(server.url, "dicebot")
            try:
                await ann.expect("message_new", message={"reply_to": {"id": rolls[-1]}})
            finally:
                await bot.end()
            page = await ann.request("messages_get", channel="general")
    answered = [message["reply_to"]["id"] for message in page["messages"] if "reply_to" in message]
    assert sorted(answered) == sorted(rolls)
