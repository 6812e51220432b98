"""The settings, as whoever runs the community sees them."""

from __future__ import annotations

import math
from typing import Any

from playwright.async_api import expect

from tests.browser.tour.visit import Tour, Wire
from tests.support.chromium import until

PAGES = (
    "profile", "account", "appearance", "notifications", "server", "channels", "channels:general", "roles",
    "roles:r3", "members", "invites", "emojis", "webhooks", "audit-log", "status", "plugins", "backups",
    "configuration", "configuration:limits",
)  # fmt: skip
LONG = {"account", "server", "channels:general", "roles:r3", "status", "configuration:limits"}
"""Pages of which the end is looked at too."""
HOUR_S = 3600


async def settings(tour: Tour) -> None:
    page = tour.page
    wire = Wire()
    wire.changed["server_status"] = busy_hour
    await wire.attach(page)
    await until(page, "() => location.hash.startsWith('#/c/')")
    for section in PAGES:
        name = f"settings-{section.replace(':', '-')}"
        await page.evaluate("section => { location.hash = `#/settings/${section}`; }", section)
        await expect(page.locator(".settings-page > *").first).to_be_visible()
        await expect(page.locator(".settings-page .skeleton")).to_have_count(0)
        await tour.shoot(name)
        if section in LONG:
            await page.locator(".settings-page").evaluate(TO_THE_END)
            await tour.shoot(f"{name}-end")
    await dialogs(tour)
    await configuration(tour)
    await waiting(tour, wire)


TO_THE_END = """page => {
    for (let box = page; box; box = box.parentElement) box.scrollTop = box.scrollHeight;
}"""


async def dialogs(tour: Tour) -> None:
    page = tour.page
    await page.evaluate("location.hash = '#/settings/invites'")
    await page.get_by_role("main").get_by_role("button", name="New invitation").click()
    await tour.shoot("invite-dialog")
    await page.get_by_role("button", name="Make the link").click()
    await expect(page.get_by_label("Link", exact=True)).to_be_visible()
    await tour.shoot("invite-made")
    await tour.closed()
    await page.evaluate("location.hash = '#/settings/audit-log'")
    await page.get_by_label("Done by").fill("nobody")
    await expect(page.get_by_text("Nothing like that")).to_be_visible()
    await tour.shoot("audit-log-nothing")
    if tour.narrow:
        await page.evaluate("location.hash = '#/settings'")
        await tour.shoot("settings-list")


async def configuration(tour: Tour) -> None:
    """A draft with a mistake in it."""
    page = tour.page
    await page.evaluate("location.hash = '#/settings/configuration:server'")
    await page.get_by_role("textbox", name="Name", exact=True).fill("The tea house")
    await page.get_by_role("textbox", name="Public address").fill("chat.example.org")
    bar = page.get_by_role("region", name="Changes that are not saved")
    await bar.get_by_role("button", name="Check").click()
    await expect(bar).to_contain_text("not right yet")
    await tour.shoot("configuration-wrong")
    await page.get_by_label("Find a setting").fill("compression")
    await tour.shoot("configuration-search")
    await page.get_by_label("Find a setting").fill("weather")
    await tour.shoot("configuration-nothing")
    await bar.get_by_role("button", name="Discard").click()
    await page.get_by_role("button", name="Discard").last.click()
    await expect(bar).to_have_count(0)


async def waiting(tour: Tour, wire: Wire) -> None:
    """Pages whose answer takes its time, and whose answer is an error."""
    page = tour.page
    wire.held |= {"plugins_list", "server_status"}
    for section in ("plugins", "status"):
        await page.evaluate("section => { location.hash = `#/settings/${section}`; }", section)
        await expect(page.get_by_label("Loading")).to_be_visible()
        await tour.rest(f"{section}-loading")
    wire.refused |= dict.fromkeys(("backups_list", "webhook_list"), "Something went wrong here. It is in the log.")
    await page.evaluate("location.hash = '#/settings/backups'")
    await expect(page.get_by_role("button", name="Try again")).to_be_visible()
    await tour.shoot("backups-error")


def busy_hour(packet: dict[str, Any]) -> dict[str, Any]:
    """The same figures with a history of an hour, as if the server ran for longer."""
    now = packet["now"]
    history = []
    for ago in range(HOUR_S, 0, -10):
        wave = 0.6 + 0.5 * math.sin(ago / 290) + 0.1 * math.sin(ago / 97)
        spike = 9 if 1400 < ago < 1460 else 1
        history.append(now | {
            "at": now["at"] - ago,
            "connections": round(14 + 9 * wave),
            "users_online": round(8 + 5 * wave),
            "messages_per_s": max(0, 2.4 * wave * spike / 3),
            "deliveries_per_s": max(0, 31 * wave * spike / 3),
            "commit_p50_ms": 1.1 + wave,
            "commit_p99_ms": (3 + 2.5 * wave) * spike,
            "loop_lag_ms": 0.6 + wave * spike,
            "cpu_percent": min(100, max(0, 6 + 9 * wave * spike / 2)),
            "memory_bytes": now["memory_bytes"] * (0.9 + 0.1 * (1 - ago / HOUR_S)),
        })  # fmt: skip
    return packet | {"started_at": now["at"] - 26 * HOUR_S, "uptime_s": 26 * HOUR_S, "history": history}
