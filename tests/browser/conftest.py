"""One Chromium for all tests of the web client, one server process for each file, one context for each visitor.

A file may set `USERS` (bare name -> roles), `CONFIG` (merged over the defaults of tests) and `CHANNELS`. Without a
browser the tests are skipped, and the end of the run says so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.support.chromium import Visits, chromium, open_browser
from tests.support.client import Visitors
from tests.support.server import ServerProcess, server_of

NO_BROWSER = "no Chromium: install Debian's package `chromium`, or name one in CHROMIUM_PATH"
USERS = {"host": ("owner", "user"), "mod": ("moderator", "user"), "ann": ("user",), "ben": ("user",)}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if chromium() is None:
        terminalreporter.write_line(f"The browser tests were skipped: {NO_BROWSER}", yellow=True)


@pytest.fixture(scope="package")
async def browser(anyio_backend: str) -> AsyncIterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip(NO_BROWSER)
    async with open_browser(path) as opened:
        yield opened


@pytest.fixture(scope="module")
async def server(
    browser: Browser, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    async with server_of(request.module, tmp_path_factory.mktemp("community"), USERS) as running:
        yield running


@pytest.fixture
async def others(server: ServerProcess) -> AsyncIterator[Visitors]:
    """Members who use no page."""
    visitors = Visitors(lambda: server.url)
    yield visitors
    await visitors.close()


@pytest.fixture
async def visit(browser: Browser) -> AsyncIterator[Visits]:
    """`page = await visit(server.http_url)`. Afterwards no page may have had a problem."""
    visits = Visits(browser)
    yield visits
    await visits.close()
    assert visits.problems == []
