"""Every command x everybody who may send one, as `commands.py` states it. A command without a row fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

import handlers.all  # noqa: F401  (fills the table of commands)
import protocol.all  # noqa: F401
from db.permissions import EVERYDAY
from protocol.base import COMMANDS
from protocol.errors import Code
from tests.permissions.commands import ROWS, Row
from tests.permissions.town import CALLERS, NAMES, Packet, Town, open_town
from tests.support.community import user_id
from tests.support.house import Guest

LOGGED_IN = CALLERS[2:]
AFTER_LOGIN = [row for row in ROWS if not row.banned]
AT_ONCE = 100
"""Fewer than a client may have unanswered."""
OF_EVERY_COMMAND = {"auth_required", "already_logged_in", "permission_required"}


def test_every_command_has_a_row() -> None:
    assert {row.cmd for row in ROWS} == set(COMMANDS)
    titles = [row.title for row in ROWS]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_a_row_agrees_with_the_pages(row: Row) -> None:
    """The refusals that it expects are those that the command's page lists, and a permission that the page asks of
    everybody is asked of everybody."""
    spec = COMMANDS[row.cmd]
    outcomes = [*row.outcomes.split(), row.nobody, *filter(None, [row.banned])]
    assert len(row.outcomes.split()) == len(LOGGED_IN)
    listed = {code.wire for code in spec.errors} | OF_EVERY_COMMAND | {"ok"}
    assert set(outcomes) <= listed <= {code.wire for code in Code} | {"ok"}
    if spec.needs is not None and spec.needs not in EVERYDAY:
        assert row.outcomes.startswith("permission_required " * 2)
    assert bool(row.banned) == spec.before_login == (row.nobody != "auth_required")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_who_may(row: Row, template: Path, tmp_path: Path) -> None:
    """Refused cells share a community, since they leave it as it is; an allowed one is followed by a new one."""
    expected = dict(zip(LOGGED_IN, row.outcomes.split(), strict=True)) | {"nobody": row.nobody}
    if row.banned:
        expected["banned"] = row.banned

    async def run() -> None:
        todo = sorted(expected, key=lambda caller: expected[caller] == "ok")
        while todo:
            async with open_town(template, tmp_path / "town", plugins=row.cmd.startswith("plugin")) as town:
                while todo and not await a_cell(town, row, todo[0], expected[todo.pop(0)]):
                    pass

    asyncio.run(run())


async def a_cell(town: Town, row: Row, caller: str, expected: str) -> bool:
    """Play it; whether anything is different now."""
    town.house.clock.now += 3600  # what was tried before does not count any more
    guest = await caller_of(town, row, caller)
    await prepare(town, row, caller)
    name = NAMES.get(caller, "")
    before, commits = town.state(), town.commits
    packets = await guest.ask(row.cmd, **town.fill(row.packet, name))
    got = outcome(packets)
    assert got == expected, f"{row.title} as {caller}: {got}, expected {expected}; {packets}"
    heard, after = town.hear(), town.state()
    changed = bool(heard) or after != before or town.commits != commits or bool(row.before) or caller == "banned"
    if got != "ok":
        others = {who: names for who, names in heard.items() if who != name}
        assert not others, f"{row.title} as {caller}: refused, yet somebody was told {others}"
        assert after == before, f"{row.title} as {caller}: refused, yet something changed"
        assert town.commits == commits, f"{row.title} as {caller}: refused, yet something was stored"
    if caller == "hidden" and got != "ok":
        absent = await guest.ask(row.cmd, **town.fill(row.packet, name, exists=False))
        assert shown(absent) == shown(packets), f"{row.title}: what is hidden differs from what does not exist"
    return changed


@pytest.mark.parametrize("first", range(0, len(AFTER_LOGIN), AT_ONCE))
def test_whoever_was_banned_a_moment_ago_does_nothing(first: int, template: Path, tmp_path: Path) -> None:
    """The ban has taken effect, and is not stored yet; the connection still stands, and sends one of each command."""

    async def run(rows: Sequence[Row]) -> dict[str, Any]:
        async with open_town(template, tmp_path / "town", plugins=True) as town:
            bea = town.guests["bea"]
            with town.house.held():
                town.guests["host"].send("user_ban", user=user_id("bea"))
                await town.house.turns()
                bea.together(*({"cmd": row.cmd, **town.fill(row.packet, "bea")} for row in rows))
                await town.house.turns()
            await town.house.quiet()
            return {"heard": town.hear(), **town.state()}

    alone = comparable(asyncio.run(run(())))
    rows = AFTER_LOGIN[first : first + AT_ONCE]
    if comparable(asyncio.run(run(rows))) != alone:
        guilty = [row.title for row in rows if comparable(asyncio.run(run([row]))) != alone]
        raise AssertionError(f"a banned user is still listened to: {guilty}")


def comparable(state: dict[str, Any]) -> str:
    return repr(state)


async def caller_of(town: Town, row: Row, caller: str) -> Guest:
    if caller == "nobody":
        return town.house.guest()
    if caller == "banned":
        await town.guests["host"].ask("user_ban", user=user_id("bea"))
        return town.house.guest(address="203.0.113.77")
    return town.guests[NAMES[caller]]


async def prepare(town: Town, row: Row, caller: str) -> None:
    """What the row wants to be done before; a caller that may not do it goes without."""
    if caller in NAMES and caller != "banned":
        for who, cmd, packet in row.before:
            name = NAMES[caller] if who == "caller" else who
            await town.guests[name].ask(cmd, **town.fill(packet, name))
    await town.house.quiet()
    town.hear()


def outcome(packets: Iterable[Packet]) -> str:
    refusals = [packet["code"] for packet in packets if packet["cmd"] in ("error", "auth_error")]
    return refusals[0] if refusals else "ok"


def shown(packets: list[Packet]) -> str:
    """What a caller can make out of an answer."""
    return json.dumps(packets, sort_keys=True)
