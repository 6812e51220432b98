"""The web client in Chromium, in a channel with 100 000 messages: transfer, first paint, and scrolling.

The browser, the server and Playwright share the machine, so that what else runs on it counts."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page

from bench.big import CHANNEL_ID, insert_messages
from bench.hosts import CONFIG
from bench.scenarios import Numbers, Options
from tests.support.chromium import DESKTOP, chromium, log_in, open_browser, until
from tests.support.community import CHANNELS, write_community
from tests.support.server import ServerProcess

MESSAGES = 100_000
VISITS = 4
WHEELS = 60
WHEEL_PX = 1500
WATCH = """
window.seen = {painted: null, longest: 0, tasks: 0};
new PerformanceObserver((list) => {
    for (const task of list.getEntries()) {
        seen.longest = Math.max(seen.longest, task.duration);
        seen.tasks += task.duration > 100;
    }
}).observe({entryTypes: ["longtask"]});
const look = () => {
    const there = window.newest && document.querySelector(`[data-message="${window.newest}"]`);
    if (!there) return requestAnimationFrame(look);
    setTimeout(() => (seen.painted = performance.now()));
};
look();
"""
"""painted: ms from the start of the navigation until the frame with the newest message is drawn: what is there when a
frame begins is painted before the next task runs."""


async def _paint(context: BrowserContext, address: str, page: Page | None = None) -> tuple[Page, float]:
    page = page or await context.new_page()
    await page.goto(address, wait_until="commit")
    return page, await until(page, "window.seen?.painted", timeout_s=60)


async def _scroll(page: Page) -> dict[str, Any]:
    """By wheel through some thousand messages, upwards and back."""
    await page.locator(".messages-scroller").hover()
    await page.wait_for_timeout(1000)
    await page.evaluate("seen.longest = seen.tasks = 0")
    for direction in (-1, 1):
        for _ in range(WHEELS):
            await page.mouse.wheel(0, direction * WHEEL_PX)
            await page.evaluate("new Promise(requestAnimationFrame)")
    found: dict[str, Any] = await page.evaluate("({...seen, rows: document.querySelectorAll('[data-message]').length})")
    return found


async def web(target: str, options: Options) -> Numbers:
    path = chromium()
    assert path is not None, "no Chromium"
    os.sched_setaffinity(0, range(os.cpu_count() or 1))  # as browser and server would run
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        channels = [{**CHANNELS[0], "id": CHANNEL_ID}]
        folder = write_community(Path(name), users={"ann": ("user",)}, channels=channels, config=CONFIG)
        await asyncio.to_thread(insert_messages, folder / "db", MESSAGES)
        async with ServerProcess(folder) as server, open_browser(path) as browser:
            return await measure(browser, server.http_url)


async def measure(browser: Browser, address: str) -> Numbers:
    first = await browser.new_context(viewport={"width": DESKTOP[0], "height": DESKTOP[1]})
    page = await first.new_page()
    await page.goto(address)
    await log_in(page, "ann")
    rows = page.locator("[data-message]")
    await rows.last.wait_for()
    newest = await rows.last.get_attribute("data-message")
    await page.wait_for_timeout(500)
    login = await first.storage_state()
    await first.close()
    watch = f"window.newest = {newest!r};" + WATCH

    cold: list[float] = []
    warm: list[float] = []
    scrolls: list[dict[str, Any]] = []
    transfer = requests = 0
    for _ in range(VISITS):
        context = await browser.new_context(
            viewport={"width": DESKTOP[0], "height": DESKTOP[1]}, storage_state=login, service_workers="block"
        )
        await context.add_init_script(watch)
        page, painted = await _paint(context, address)
        cold.append(painted)
        transfer = await page.evaluate(
            "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
            ".reduce((sum, each) => sum + each.encodedBodySize, 0)"
        )
        requests = await page.evaluate("performance.getEntriesByType('resource').length + 1")
        _, painted = await _paint(context, address, page)
        warm.append(painted)
        if len(scrolls) < 2:
            scrolls.append(await _scroll(page))
        await context.close()
    best = min(scrolls, key=lambda each: each["longest"])
    return {
        "first_paint_cold_ms": round(min(cold)),
        "first_paint_warm_ms": round(min(warm)),
        "longest_task_ms": round(best["longest"]),
        "transfer_kb": round(transfer / 1000, 1),
        "requests": requests,
        "cold_median_ms": round(sorted(cold)[VISITS // 2]),
        "warm_median_ms": round(sorted(warm)[VISITS // 2]),
        "tasks_over_100_ms": best["tasks"],
        "rows_in_page": best["rows"],
    }
