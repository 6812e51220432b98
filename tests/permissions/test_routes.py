"""Every HTTP route x everybody who may ask, as `routes.py` states it. A route without a row fails."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateways.chat_api.operations import ROWS as OPERATIONS
from tests.permissions.routes import API, ROWS, Row
from tests.permissions.town import CALLERS, NAMES, Town, absent, open_town
from tests.support.browser import Browser, calm
from tests.support.community import PASSWORD, user_id
from tests.support.house import House
from tests.support.web import Answer

PLACEHOLDER = re.compile(r"\$(\w+)")


def test_every_route_has_a_row(template: Path, tmp_path: Path) -> None:
    async def run() -> set[tuple[str, str]]:
        async with open_town(template, tmp_path / "town") as town:
            return routes_of(town.house)

    described = {("GET", f"{API}/openapi.json"), *((row.method, f"{API}{row.path}") for row in OPERATIONS)}
    assert {(row.method, row.route) for row in ROWS} == asyncio.run(run()) | described


def routes_of(house: House) -> set[tuple[str, str]]:
    """What the app answers for, without what is mounted."""
    app: Any = house.community.http.config.app
    while not hasattr(app, "routes"):
        app = getattr(app, "app", None) or app._app
    return {(method, route.path) for route in app.routes for method in route.methods - {"HEAD"}}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_who_is_answered(row: Row, template: Path, tmp_path: Path) -> None:
    """Refused cells share a community, since they leave it as it is; an allowed one is followed by a new one."""
    expected = dict(zip(CALLERS, map(int, row.statuses.split()), strict=True))

    async def run() -> None:
        # whoever is banned comes last: it changes the community
        todo = sorted(CALLERS, key=lambda caller: (expected[caller] < 400, caller == "banned"))
        while todo:
            async with open_town(template, tmp_path / "town") as town:
                while todo and not await a_cell(town, row, todo[0], expected[todo.pop(0)]):
                    pass

    asyncio.run(run())


async def a_cell(town: Town, row: Row, caller: str, expected: int) -> bool:
    """Play it; whether anything is different now."""
    known = await credentials(town, row, caller)
    town.hear()
    before = town.state()
    answer = await ask(town, row, known)
    assert answer.status == expected, f"{row.title} as {caller}: {answer}"
    heard, after = town.hear(), town.state()
    if expected >= 400:
        assert not heard, f"{row.title} as {caller}: refused, yet somebody was told {heard}"
        assert without_sessions(after) == without_sessions(before), f"{row.title} as {caller}: refused, yet changed"
    if caller == "hidden" and expected == 404:
        missing = {**known, **{name: absent(known[name]) for name in ("club", "direct")}}
        assert shown(await ask(town, row, missing)) == shown(answer), f"{row.title}: what is hidden is not absent"
    return bool(heard) or after != before or row.before is not None or caller == "banned"


async def credentials(town: Town, row: Row, caller: str) -> dict[str, Any]:
    """What stands for `$name` in the row, once the caller has done what the row wants before."""
    webhooks = await town.guests["host"].one("webhook_list", channel="club")
    known = {**town.things.ids, "club": "club", "webhook_token": webhooks["webhooks"][0]["token"]}
    name = NAMES.get(caller, "")
    if not name:
        return {**known, "session": "", "token": "", "nick": "dora", "url": "/exports/nothing"}
    guest = town.guests[name]
    if row.before is not None:
        cmd, packet = row.before
        known |= (await guest.ask(cmd, **packet))[0]
        if "kick" in row.route and caller != "user":
            await town.guests["ann"].ask(cmd, **packet)
    entered = await Browser(town.house).ask(
        "POST", f"{API}/register", body=json.dumps({"nick": name, "password": PASSWORD}).encode(),
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    if caller == "banned":
        await town.guests["host"].ask("user_ban", user=user_id(name))
    return {**known, "session": guest.ready["session"], "token": entered.json["token"], "nick": name}


async def ask(town: Town, row: Row, known: dict[str, Any]) -> Answer:
    def filled(text: str) -> str:
        return PLACEHOLDER.sub(lambda found: str(known[found[1]]), text)

    headers = {"Content-Type": "application/json"} if row.body is not None else {}
    if row.route.startswith(API) and known["token"]:
        headers["Authorization"] = f"Bearer {known['token']}"
    body = b"" if row.body is None else filled(json.dumps(row.body)).encode()
    answer = await Browser(town.house).ask(row.method, filled(row.path or row.route), body=body, headers=headers)
    await calm(town.house)
    return answer


def without_sessions(state: dict[str, Any]) -> dict[str, Any]:
    """That a session was used is noted even where nothing else is."""
    return {**state, "rows": {name: number for name, number in state["rows"].items() if name != "sessions"}}


def shown(answer: Answer) -> Any:
    """What a caller can make out of an answer."""
    return msgspec.structs.astuple(answer)
