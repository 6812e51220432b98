"""SIGTERM and SIGINT: clients are told, everything is stored, the exit code is 0."""

from __future__ import annotations

import asyncio
import signal

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.client import DEADLINE_S, Visitors
from tests.support.community import write_community
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_shutdown_tells_clients_and_keeps_everything(
    tmp_path_factory: pytest.TempPathFactory, how: signal.Signals
) -> None:
    folder = write_community(tmp_path_factory.mktemp("down"), users={"ann": ("user",), "ben": ("user",)})
    async with ServerProcess(folder) as server:
        visitors = Visitors(lambda: server.url)
        ann, ben = await visitors.login("ann"), await visitors.login("ben")
        acknowledged: list[str] = []

        async def chatter() -> None:
            while True:
                acknowledged.append((await ann.say(f"number {len(acknowledged)}"))["id"])

        talking = asyncio.create_task(chatter())
        while len(acknowledged) < 50:
            await ben.expect("message_new")
        async with asyncio.timeout(DEADLINE_S):
            assert await server.end(how) == 0
            with pytest.raises((AssertionError, ConnectionClosed)):
                await talking
            assert await ann.closed() == 1001
            assert await ben.closed() == 1001
        assert ben.received("shutdown") or ben.close_reason
        seen = [packet["message"]["id"] for packet in ben.received("message_new")]
        await server.start()
        again = await visitors.login("ben")
        assert (await again.resume(ben.session, ben.seq))["recovered"] is True
        seen += [packet["message"]["id"] for packet in again.received("message_new")]
        assert len(seen) == len(set(seen))
        assert seen[: len(acknowledged)] == acknowledged
        await visitors.close()
        assert not server.tracebacks()
