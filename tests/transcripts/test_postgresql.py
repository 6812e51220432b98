"""The whole server on PostgreSQL: restarts, a kill, a database that is away for a moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.support.client import ChatClient
from tests.support.community import write_community
from tests.support.databases import PostgresServer
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio


@pytest.fixture
async def url(postgres: PostgresServer) -> AsyncIterator[str]:
    url = postgres.empty()
    yield url
    postgres.drop(url)


@pytest.fixture
async def server(tmp_path: Path, url: str) -> AsyncIterator[ServerProcess]:
    folder = write_community(tmp_path, users={"host": ("owner", "user")})
    plain = make_url(url).set(drivername="postgres", password="secret").render_as_string(hide_password=False)
    async with ServerProcess(folder, env={"DBURL": plain}) as running:
        yield running


async def said(server: ServerProcess) -> list[str]:
    async with await ChatClient(server.url).connect() as host:
        await host.login("host")
        page = (await host.request("messages_get", channel="general"))["messages"]
        return [message["content"] for message in page]


async def test_messages_outlive_a_restart_and_a_kill(server: ServerProcess) -> None:
    async with await ChatClient(server.url).connect() as host:
        await host.login("host")
        await host.say("first")
    await server.restart()
    async with await ChatClient(server.url).connect() as host:
        await host.login("host")
        await host.say("second")
        found = await host.request("messages_search", channel="general", query="SECON")
        assert [message["content"] for message in found["results"]] == ["second"]
    await server.kill()
    await server.start()
    assert await said(server) == ["first", "second"]
    assert list(server.data_dir.glob("*.sqlite3")) == []
    assert "secret" not in server.text()
    assert server.tracebacks() == []


async def test_a_database_that_is_away_for_a_moment(server: ServerProcess, postgres: PostgresServer, url: str) -> None:
    name = make_url(url).database
    async with await ChatClient(server.url).connect() as host:
        await host.login("host")
        await host.say("before")
        postgres.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        postgres.cut(url)
        for _ in range(2):
            refusal = await host.refused("message_new", channel="general", content="lost")
            assert refusal["code"] == "unavailable"
            assert str(name) not in refusal["val"]
            assert "127.0.0.1" not in refusal["val"]
        refusal = await host.refused("role_create", name="lost")
        assert refusal["code"] == "unavailable"
        postgres.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await host.say("after")
        assert "lost" not in (await host.request("roles_list"))["roles"]
    assert await said(server) == ["before", "after"]
    await server.restart()
    assert await said(server) == ["before", "after"]
    assert server.tracebacks() == []
