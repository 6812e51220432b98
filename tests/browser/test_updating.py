"""A page that is open while the server gets a newer client goes on, and says so."""

from __future__ import annotations

import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
import uvicorn
from playwright.async_api import Browser

from routes.app import build
from routes.web import FOLDER
from tests.routes.test_app import World
from tests.support.chromium import CONTROLLED, Visits, module, until

pytestmark = pytest.mark.anyio

LOOK = "async () => (await navigator.serviceWorker.getRegistration()).update()"
OWN = "document.querySelector('script[type=module]').src"
TOLD = f"async () => {module('app/core/worker.js')}.updateReady.value"
LOADED_LATER = f"async () => (await fetch(new URL('later.js', {OWN}))).text()"


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """A copy of the client, with one part more."""
    copy = tmp_path / "web"
    shutil.copytree(FOLDER, copy)
    (copy / "app" / "later.js").write_text("export default 1;")
    return copy


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def address(browser: Browser, world: World, web: Path) -> AsyncIterator[str]:
    """Where the routes are served; there are no WebSockets."""
    bound = socket.create_server(("127.0.0.1", 0))
    app = build(world, clock=lambda: world.now, web=web)
    server = uvicorn.Server(uvicorn.Config(app, ws="none", lifespan="off", log_config=None))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, [bound])
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/"
        server.should_exit = True


async def test_an_open_page_keeps_its_version_and_says_there_is_a_newer(
    address: str, visit: Visits, world: World, web: Path
) -> None:
    visit.allow("WebSocket|426|404|400")
    page = await visit(address)
    await until(page, CONTROLLED)
    assert not await page.evaluate(TOLD)
    (web / "app" / "later.js").write_text("export default 2;")
    world.now += 60
    await page.evaluate(LOOK)
    await until(page, TOLD)
    assert await page.evaluate(LOADED_LATER) == "export default 1;"
    await page.reload()
    assert await page.evaluate(LOADED_LATER) == "export default 2;"
    assert not await page.evaluate(TOLD)
