"""One server process for each file of transcripts, and clients that leave when their test ends.

A file may set `USERS` (bare name -> roles), `CONFIG` (merged over the defaults of tests) and `CHANNELS`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.client import Visitors
from tests.support.server import ServerProcess, server_of

USERS = {
    "host": ("owner", "user"),
    "mod": ("moderator", "user"),
    "ann": ("user",),
    "ben": ("user",),
    "cleo": ("user",),
}


@pytest.fixture(scope="module")
async def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    async with server_of(request.module, tmp_path_factory.mktemp("community"), USERS) as running:
        yield running


@pytest.fixture
async def visit(server: ServerProcess) -> AsyncIterator[Visitors]:
    """`await visit.login("ann")` gives a logged-in client. Afterwards the server's log must hold no traceback."""
    visitors = Visitors(lambda: server.url)
    yield visitors
    await visitors.close()
    found = server.tracebacks()
    server.log.clear()
    assert not found, "\n".join(found)
