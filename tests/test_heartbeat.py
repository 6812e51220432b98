"""Who is there by the clock: heartbeats, strangers who do not log in, the JSON ping. Every tick is made by the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import upkeep
from tests.support.community import PASSWORD, edit, user_id
from tests.support.house import Guest, House, open_house
from tests.support.ticking import CONFIG, Ticking, tell
from upkeep import JSON_PING_TICKS

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, config=CONFIG) as house:
        yield house


@pytest.fixture
async def tick(house: House) -> Ticking:
    return Ticking(house)


def pings(guest: Guest) -> list[int]:
    return [packet["seq"] for packet in guest.packets if packet["cmd"] == "ping"]


# --- liveness


async def test_who_answers_the_heartbeat_stays(house: House, tick: Ticking) -> None:
    ann = await house.enter("ann")
    for _ in range(20):
        await tick()
        ann._deliver()  # the library has a pong to send for each ping it got
    assert not ann.connection.closing


async def test_who_does_not_answer_the_heartbeat_is_cut_off(house: House, tick: Ticking) -> None:
    guests = [await house.enter(name) for name in ("ann", "ben", "cleo")]
    stranger = house.guest()
    for _ in range(4):
        await tick()
    assert any(not guest.connection.closing for guest in guests), "not all at the same moment"
    await tick(3)
    assert all(guest.connection.closing for guest in [*guests, stranger]), "within interval and timeout"


async def test_any_frame_shows_that_the_peer_lives(house: House, tick: Ticking) -> None:
    ann = await house.enter("ann")
    for _ in range(20):
        await tick()
        ann.send("ping")
    assert not ann.connection.closing


async def test_heartbeats_are_spread_over_the_seconds(house: House, tick: Ticking) -> None:
    guests = [house.guest() for _ in range(10)]
    await house.quiet()
    waiting = []
    for _ in range(5):
        await tick()
        waiting.append(sum(guest.connection.awaiting_pong for guest in guests))
        for guest in guests:
            guest._deliver()
    assert waiting == [2] * 5


async def test_a_new_interval_holds_at_once(house: House, tick: Ticking) -> None:
    ann = await house.enter("ann")
    edit(house.world.live.path, lambda config: config["websocket"].update(ping_interval_s=3600, ping_timeout_s=10))
    house.community.reload_config()
    await tick(30)
    assert not ann.connection.closing


# --- strangers


async def test_who_does_not_log_in_is_closed(house: House, tick: Ticking) -> None:
    first = house.guest()
    house.clock.now += 30
    second, ann = house.guest(), await house.enter("ann")
    house.clock.now += 29
    await tick()
    for guest in (first, second, ann):
        guest._deliver()
    assert [guest.close_code for guest in (first, second, ann)] == [1008, None, None]
    assert "60 seconds" in first.close_reason
    house.clock.now += 30
    await tick()
    assert [guest.close_code for guest in (second, ann)] == [1008, None]


async def test_a_login_in_the_last_second_that_is_late_is_closed_cleanly(house: House, tick: Ticking) -> None:
    passwords: Any = house.world.passwords
    gate = passwords.hold()
    guest = house.guest()
    guest.send("login", username="ann", password=PASSWORD)
    house.clock.now += 60
    await tick()
    gate.set()
    await house.quiet()
    guest.lose()
    await house.quiet()
    assert guest.close_code == 1008
    assert not house.world.fanout.is_online(user_id("ann"))


# --- the JSON ping


async def test_ping_carries_the_newest_position(house: House, tick: Ticking) -> None:
    ann = await house.enter("ann")
    stranger = house.guest()
    for number in range(3):
        tell(house, str(number))
    await house.quiet()
    for _ in range(JSON_PING_TICKS):
        await tick()
        for guest in (ann, stranger):
            guest._deliver()
    position = ann.ready["seq"] + 3
    assert pings(ann) == [position]
    assert ann.packets[-1] == {"cmd": "ping", "seq": position}
    assert pings(stranger) == [position]


async def test_ping_comes_behind_the_events_it_counts(
    house: House, tick: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "JSON_PING_TICKS", 1)
    ann = await house.enter("ann")
    await house.quiet()
    ann.packets.clear()
    tell(house, "a")
    house.world.fanout.flush()
    await tick()
    seqs = [packet["seq"] for packet in ann.packets if "seq" in packet]
    assert seqs == sorted(seqs)
    assert ann.names()[-1] in ("ping", "nickname_remove")
    if ann.names()[-1] == "nickname_remove":
        assert pings(ann)[-1] < ann.packets[-1]["seq"]


async def test_ping_is_not_sent_into_a_gap_or_a_replay(
    house: House, tick: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would move the position of the client over what it has yet to be sent."""
    monkeypatch.setattr(upkeep, "JSON_PING_TICKS", 1)
    ann, ben = await house.enter("ann", gap=True), await house.enter("ben")
    ann.transport.full = True
    for number in range(6):
        tell(house, str(number), size=30_000)
        await house.quiet()
    ann.transport.drain()
    await tick()
    assert ann.names()[-1] == "gap"
    assert pings(ann) == []
    assert pings(ben) != []
    ann.send("resume", session=ann.ready["session"], after=ann.packets[-1]["after"])
    await house.quiet()
    await tick()
    assert pings(ann) == [ann.packets[-2]["seq"]]
    session = house.world.fanout.sessions_of(user_id("ben")).__iter__().__next__()
    session.held = True
    before = len(pings(ben))
    await tick()
    assert len(pings(ben)) == before


async def test_ping_is_left_out_while_the_peer_is_behind(
    house: House, tick: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "JSON_PING_TICKS", 1)
    ann = await house.enter("ann")
    ann.transport.full = True
    tell(house, "a")
    await house.quiet()
    await tick(3)
    ann.transport.drain()
    await house.quiet()
    assert pings(ann) == []
