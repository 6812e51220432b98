"""Pages in a real Chromium that fail their test when the console, the policy or the network has something to say."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Worker,
    async_playwright,
    expect,
)

from tests.support.community import PASSWORD
from tests.support.server import ServerProcess

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--use-fake-ui-for-media-stream",  # a microphone is granted without a question
    "--use-fake-device-for-media-stream",
]
PHONE, TABLET, DESKTOP = (390, 844), (768, 1024), (1440, 900)
"""Width and height of the screens that the client is drawn for."""
PATIENCE_S = 30.0
"""How long a page may take for what is expected of it: a busy machine is slow, and nothing here measures time."""
CONTROLLED = "() => navigator.serviceWorker.controller?.state === 'activated'"
"""The service worker answers for the page."""
A_MOMENT = "new Promise((later) => (globalThis.document ? requestAnimationFrame(later) : setTimeout(later, 16)))"
CLICK = """data => self.dispatchEvent(Object.assign(new Event("notificationclick"), {
    notification: { data, close() {} },
    waitUntil() {},
}))"""
"""In a service worker: somebody clicks a notification that has this data. Made by hand, as Chromium without a desktop
forgets one in twenty right after it showed it."""
SETTLE = """async () => {
    await document.fonts.ready;
    const pictures = [...document.images].filter((image) => image.loading !== "lazy");
    await Promise.all(pictures.map((image) => image.decode().catch(() => {})));
    const short = (animation) => animation.effect.getComputedTiming().endTime < 2000;
    await Promise.all(document.getAnimations().filter(short).map((animation) => animation.finished.catch(() => {})));
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""


expect.set_options(timeout=PATIENCE_S * 1000)


def chromium() -> str | None:
    """Path of the browser: `CHROMIUM_PATH`, or the one that the system has."""
    named = os.environ.get("CHROMIUM_PATH")
    return named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@asynccontextmanager
async def open_browser(path: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


class Visits:
    """Pages of one test. Each is in a context of its own, as if on another device.

    `await visit(address)` opens a page. problems: what must not be, of all pages: errors in the console (violations of
    the policy are such), exceptions, requests to other hosts.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._hosts: set[str] = set()
        self._allowed: list[re.Pattern[str]] = []
        self._found: list[str] = []

    async def __call__(
        self, address: str, *, size: tuple[int, int] = DESKTOP, dark: bool = False, **context: Any
    ) -> Page:
        """address: http URL; requests may go to its host and port, and to those of earlier visits. context: more
        options of Playwright's `new_context`."""
        made = await self._browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            locale="en-GB",
            timezone_id="Europe/Berlin",
            **context,
        )
        made.set_default_timeout(PATIENCE_S * 1000)
        self._contexts.append(made)
        made.on("console", self._said)
        made.on("weberror", lambda error: self._found.append(f"exception: {error.error}"))
        made.on("request", self._requested)
        return await self.another(made, address)

    async def another(self, context: BrowserContext, address: str) -> Page:
        """One more page on the same device."""
        self._hosts.add(urlsplit(address).netloc)
        page = await context.new_page()
        page.on("websocket", lambda socket: self._looked_for(socket.url))
        await page.goto(address)
        return page

    def allow(self, pattern: str) -> None:
        """A problem that the test makes on purpose, such as a server that is gone: `ERR_CONNECTION_REFUSED`."""
        self._allowed.append(re.compile(pattern))

    @property
    def problems(self) -> list[str]:
        return [problem for problem in self._found if not any(allowed.search(problem) for allowed in self._allowed)]

    async def close(self) -> None:
        for context in self._contexts:
            await context.close()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            place = message.location
            self._found.append(f"console: {message.text} ({place.get('url')}:{place.get('lineNumber')})")

    def _requested(self, request: Request) -> None:
        self._looked_for(request.url)

    def _looked_for(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob", "about") and parts.netloc not in self._hosts:
            self._found.append(f"request to another host: {url}")


def module(path: str) -> str:
    """JavaScript, for an async function, that is a module of the page: `app/core/session.js`."""
    name = re.sub(r"\W", "_", path.removesuffix(".js"))
    return f"(await import(document.querySelector('script[type=module]').src)).{name}"


async def until(page: Page | Worker, expression: str, argument: Any = None, timeout_s: float = PATIENCE_S) -> Any:
    """The value of a JavaScript expression, or of a function of `argument`, as soon as it is truthy.

    Not `page.wait_for_function`: that asks again within the page, where the policy forbids to evaluate text, so it
    fails whenever the first answer is no (a test of the project holds this).
    """
    with anyio.fail_after(timeout_s):
        while not (value := await page.evaluate(expression, argument)):
            await page.evaluate(A_MOMENT)
    return value


async def settled(page: Page) -> None:
    """Until fonts and pictures are there, short animations are over, and what they led to is drawn."""
    await page.evaluate(SETTLE)


async def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """By the form of the welcome page."""
    ways = page.get_by_role("tab", name="Log in")
    form = page.get_by_role("form", name="Log in")
    await expect(ways.or_(form).first).to_be_visible()
    if await ways.count():
        await ways.click()
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("Password", exact=True).fill(password)
    await page.get_by_role("button", name="Log in", exact=True).click()
    await expect(page.get_by_label("Password", exact=True)).to_have_count(0)


async def entered(server: ServerProcess, visit: Visits, name: str = "ann", **options: Any) -> Page:
    """A page on which somebody may begin to write."""
    page = await visit(server.http_url, **options)
    await log_in(page, name)
    await expect(page.get_by_role("textbox", name=re.compile("^Message"))).to_be_visible()
    return page


async def shot(page: Page, name: str) -> None:
    """Save a picture of the page in the folder that the variable `SCREENSHOTS` names; nothing without it."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        await settled(page)
        await page.screenshot(path=Path(folder) / f"{name}.png")


async def assert_accessible(page: Page) -> None:
    """No violation that axe-core calls serious or critical."""
    await settled(page)
    results = await Axe().run(page)
    grave = [found for found in results.response["violations"] if found["impact"] in ("serious", "critical")]
    told = [f"{found['id']}: {found['help']}\n" + "\n".join(map(_node, found["nodes"])) for found in grave]
    assert not grave, "\n\n".join(told)


def _node(node: dict[str, Any]) -> str:
    return f"  {node['target']} {node['html'][:200]}\n    {node['failureSummary'][:300]}"
