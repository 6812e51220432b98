"""A tour of the web client: `python -m tests.browser.tour FOLDER [phone-light ...] [chat ...] [check]` sets up a lively
community through the protocol and writes a picture of each screen to FOLDER, on a phone, a tablet and a desktop, light
and dark. Words behind the folder: only these devices, only these parts (doors, states, settings, chat, first-steps);
`check` lets axe look at each screen too."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.async_api import Browser

from tests.browser.tour.chat import chat
from tests.browser.tour.community import community
from tests.browser.tour.doors import first_steps, states, strangers
from tests.browser.tour.running import settings
from tests.browser.tour.visit import Tour
from tests.support.chromium import DESKTOP, PHONE, TABLET, Visits, chromium, log_in, open_browser
from tests.support.community import write_community
from tests.support.server import ServerProcess

SIZES = {"phone": PHONE, "tablet": TABLET, "desktop": DESKTOP}
PARTS = ("doors", "states", "settings", "chat", "first-steps")


async def visit(browser: Browser, folder: Path, name: str, parts: set[str], checked: bool) -> None:
    """All pictures of one device and theme."""
    device, theme = name.split("-")
    visits = Visits(browser)
    # the server is killed for the pictures of a lost connection; a file and an invitation are refused
    for problem in ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "415", "404"):
        visits.allow(problem)

    @asynccontextmanager
    async def begun(server: ServerProcess) -> AsyncIterator[Tour]:
        options: dict[str, Any] = {"size": SIZES[device], "dark": theme == "dark", "reduced_motion": "reduce"}
        page = await visits(server.http_url, **options)
        tour = Tour(page, folder, name, checked=checked)
        yield tour
        await page.context.close()
        print(*tour.problems, sep="\n", end="")

    with TemporaryDirectory() as place:
        async with community(Path(place)) as (server, made):
            if "doors" in parts:
                async with begun(server) as tour:
                    await strangers(tour, server, made["people"]["marta"])
            if "states" in parts:
                async with begun(server) as tour:
                    await states(tour)
            if "settings" in parts:
                async with begun(server) as tour:
                    await log_in(tour.page, "marta")
                    await settings(tour)
            if "chat" in parts:
                async with begun(server) as tour:
                    await log_in(tour.page, "lena")
                    await chat(tour, server, made)
    if "first-steps" in parts:
        with TemporaryDirectory() as place:
            async with ServerProcess(write_community(Path(place), users={})) as server, begun(server) as tour:
                await first_steps(tour, server)
    print(name, *visits.problems, sep="\n  ", flush=True)


async def main(folder: Path, wanted: set[str]) -> None:
    path = chromium()
    assert path is not None, "no Chromium"
    names = [f"{device}-{theme}" for theme in ("light", "dark") for device in SIZES]
    parts = wanted.intersection(PARTS) or set(PARTS)
    async with open_browser(path) as browser:
        for name in [name for name in names if name in wanted] or names:
            await visit(browser, folder, name, parts, "check" in wanted)


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    asyncio.run(main(Path(sys.argv[1]), set(sys.argv[2:])))
