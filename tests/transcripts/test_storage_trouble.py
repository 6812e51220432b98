"""The disk is full, the database is locked: commands fail clearly, nothing is half-written, reading goes on."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.client import DEADLINE_S, ChatClient
from tests.support.community import load, write_community
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio


@pytest.fixture
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    folder = write_community(tmp_path_factory.mktemp("trouble"), users={"host": ("owner", "user")})
    async with ServerProcess(folder) as running:
        yield running


@contextlib.contextmanager
def no_room(server: ServerProcess) -> Iterator[None]:
    """No file of the server may grow: its system says so to every write, as it does when the disk is full."""
    before = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process can be set on Linux only")
async def test_no_room_on_the_disk(server: ServerProcess) -> None:
    async with await ChatClient(server.url).connect() as host:
        await host.login("host")
        kept = await host.say("before")
        roles = (server.data_dir / "roles.json").read_bytes()
        with no_room(server):
            for number in range(3):
                refusal = await host.refused("message_new", channel="general", content=f"lost {number}")
                assert refusal["code"] == "unavailable", refusal
            refusal = await host.refused("role_create", name="lost")
            assert refusal["code"] == "unavailable", refusal
            assert (await host.request("message_get", channel="general", id=kept["id"]))["message"] == {
                key: value for key, value in kept.items() if key != "pings"
            }
            assert "lost" not in (await host.request("roles_list"))["roles"]
            assert (server.data_dir / "roles.json").read_bytes() == roles
        after = await host.say("after")
        await host.request("role_create", name="found")
        page = (await host.request("messages_get", channel="general"))["messages"]
        assert [message["id"] for message in page] == [kept["id"], after["id"]]
    await server.kill()
    await server.start()
    async with await ChatClient(server.url).connect() as host:
        await host.login("host")
        page = (await host.request("messages_get", channel="general"))["messages"]
        assert [message["id"] for message in page] == [kept["id"], after["id"]]
        assert {"found"} == {"found", "lost"} & set(load(server.data_dir / "roles.json"))


async def test_database_locked_by_another_program(server: ServerProcess) -> None:
    (path,) = server.data_dir.glob("*.sqlite3")
    async with await ChatClient(server.url).connect() as host:
        await host.login("host")
        kept = await host.say("before")
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await host.send("message_new", channel="general", content="locked out")
            refusal = await host.expect("error", src="message_new")
            assert refusal["code"] == "unavailable"
            assert "locked" in refusal["val"]
            other.execute("ROLLBACK")
        async with asyncio.timeout(DEADLINE_S):
            after = await host.say("after")
        page = (await host.request("messages_get", channel="general"))["messages"]
        assert [message["id"] for message in page] == [kept["id"], after["id"]]
