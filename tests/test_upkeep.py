"""What is done by the clock: lazy writes, looks at the files, forgetting. Every tick is made by the test."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

import upkeep
from db.schema import modlog
from handlers.context import World
from handlers.outcome import Change
from handlers.polls import end_expired
from tests.support.community import CHANNELS, edit, user_id
from tests.support.house import House, open_house
from tests.support.ticking import CONFIG, Ticking, tell
from upkeep import DAY_S, FORGET_TICKS, LAZY_TICKS, Upkeep

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, config=CONFIG) as house:
        yield house


@pytest.fixture
async def tick(house: House) -> Ticking:
    return Ticking(house)


def in_database(house: House, question: Any) -> Any:
    tx = house.world.store.begin()
    found = question(tx)
    tx.rollback()
    return found


# --- lazy writes


async def test_status_texts_are_written_with_the_next_ticks(house: House, tick: Ticking) -> None:
    ann = await house.enter("ann")
    await ann.ask("status_set", status="dnd", text="busy")
    path = house.folder / "users.json"
    assert json.loads(path.read_text())[user_id("ann")]["status"]["status"] == "online"
    await tick(LAZY_TICKS)
    assert json.loads(path.read_text())[user_id("ann")]["status"] == {"status": "dnd", "text": "busy"}
    written = path.stat().st_mtime_ns
    await tick(LAZY_TICKS)
    assert path.stat().st_mtime_ns == written, "nothing changed, nothing is written"


async def test_last_seen_is_written_with_the_next_ticks(house: House, tick: Ticking) -> None:
    ann = await house.enter("ann")
    ann.lose()
    seen = house.clock.now
    await tick(LAZY_TICKS)
    assert json.loads((house.folder / "users.json").read_text())[user_id("ann")]["last_seen"] == seen


async def test_lazy_writes_that_fail_are_logged(
    house: House, tick: Ticking, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from db import atomic_file

    def full(path: Path, data: bytes) -> Any:
        raise OSError(28, "No space left on device")

    ann = await house.enter("ann")
    await ann.ask("status_set", status="dnd", text="busy")
    with monkeypatch.context() as patched, caplog.at_level(logging.ERROR):
        patched.setattr(atomic_file, "write_new", full)
        await tick(LAZY_TICKS)
    assert "status texts" in caplog.text
    assert (await ann.one("ping"))["cmd"] == "pong"


# --- hand edits


async def test_every_tick_looks_at_the_files(house: House, tick: Ticking) -> None:
    ann = await house.enter("ann")
    edit(house.folder / "users.json", lambda users: users[user_id("ann")].update(nickname="by hand"))
    await tick()
    assert "nickname_update" in ann.names()


async def test_owners_are_told_once_of_a_file_that_broke(house: House, tick: Ticking) -> None:
    host = await house.enter("host")
    path = house.folder / "users.json"
    whole = path.read_text()
    path.write_text('{"USR:local_ann": {"username": }}')
    await tick(3)
    host._deliver()
    told = [packet for packet in host.packets if packet["cmd"] == "error"]
    assert len(told) == 1
    assert "users.json" in told[0]["val"]
    path.write_text(whole)
    await tick(3)
    host._deliver()  # it answers the heartbeat
    path.write_text("{")
    await tick()
    assert len([packet for packet in host.packets if packet["cmd"] == "error"]) == 2, "and again when it breaks again"
    path.write_text(whole)
    await tick()


# --- forgetting


async def test_expired_sessions_are_forgotten(house: House, tick: Ticking) -> None:
    ann, ben = await house.enter("ann"), await house.enter("ben")
    ann.lose()
    await house.quiet()
    for _ in range(2):
        house.clock.now += 290
        for _ in range(FORGET_TICKS):
            tick.upkeep._ticks += 1
        tick.upkeep._forget()
        await house.quiet()
        assert len(in_database(house, lambda tx: tx.sessions.of_user(user_id("ann")))) == 1
    house.clock.now += 30
    tick.upkeep._forget()
    await house.quiet()
    assert in_database(house, lambda tx: tx.sessions.of_user(user_id("ann"))) == []
    assert len(in_database(house, lambda tx: tx.sessions.of_user(user_id("ben")))) == 1, "it is connected"
    assert (await ben.one("ping"))["cmd"] == "pong"


async def test_old_events_are_forgotten_and_their_numbers_are_not(house: House, tick: Ticking) -> None:
    for number in range(3):
        tell(house, str(number))
    await house.quiet()
    newest = house.world.fanout.position
    house.clock.now += 8 * DAY_S
    tick.upkeep._ticks = FORGET_TICKS - 1
    await tick()
    assert in_database(house, lambda tx: (tx.log.oldest(), tx.log.newest())) == (newest, newest)
    tell(house, "next")
    await house.quiet()
    assert house.world.fanout.position == newest + 1


async def test_old_nonces_are_forgotten(house: House, tick: Ticking) -> None:
    ann = await house.enter("ann")
    await ann.ask("message_new", channel="general", content="x", nonce="n1")
    assert in_database(house, lambda tx: tx.messages.by_nonce(user_id("ann"), "n1")) is not None
    house.clock.now += DAY_S + 1
    tick.upkeep._forget()
    await house.quiet()
    assert in_database(house, lambda tx: tx.messages.by_nonce(user_id("ann"), "n1")) is None


async def test_failed_logins_are_forgotten(house: House, tick: Ticking) -> None:
    await house.guest().ask("login", username="ann", password="wrong")
    await house.guest().ask("register", username="zoe", password="good enough")
    assert house.world.logins._tries
    assert house.world.registrations._tries
    house.clock.now += 61
    tick.upkeep._forget()
    await house.quiet()
    assert house.world.logins._tries == {}
    assert house.world.registrations._tries == {}


async def test_a_channel_that_keeps_a_number_of_messages_loses_the_older_ones_but_the_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "TRIM_BATCH", 30)
    channels = [{**channel, "max_history": 40} for channel in CHANNELS]
    async with open_house(tmp_path, config=CONFIG, channels=channels) as house:
        tick = Ticking(house)
        ann, mod = await house.enter("ann"), await house.enter("mod")

        async def say(count: int) -> None:
            for _ in range(count):
                ann.send("message_new", channel="general", content="x")
            await house.quiet()

        async def held() -> list[str]:
            page = (await ann.ask("messages_get", channel="general", limit=100))[-1]
            return [message["id"] for message in page["messages"]]

        await say(42)
        first = await held()
        await mod.ask("message_pin", channel="general", id=first[1])
        await tick()
        assert await held() == first, "two more are not worth it"
        await say(38)
        await tick(3)
        left = await held()
        assert len(left) == 41, "thirty at once, until it is enough"
        assert left[0] == first[1]
        await say(2)
        submitted = house.world.journal.submit
        jobs: list[object] = []
        monkeypatch.setattr(house.world.journal, "submit", lambda *args, **more: jobs.append(args))
        await tick()
        assert jobs == [], "the pinned one does not count"
        monkeypatch.setattr(house.world.journal, "submit", submitted)
        await say(1)
        await tick()
        assert len(await held()) == 41


# --- itself


async def test_a_poll_ends_when_its_time_is_over(
    house: House, tick: Ticking, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ann = await house.enter("ann")
    asked: list[float] = []

    def look(world: World, now: float) -> Change:
        asked.append(now)
        return end_expired(world, now)

    monkeypatch.setattr(upkeep, "end_expired", look)
    await tick(2)
    assert len(asked) == 1, "without a poll that ends, the database is asked once"
    expires = house.clock.now + 3.5
    await ann.ask("poll_create", channel="general", question="?", options=["a", "b"], expires_at=expires)
    await tick(3)
    assert [each for each in ann.names() if each == "poll_end"] == []
    await tick()
    (ended,) = [packet for packet in ann.packets if packet["cmd"] == "poll_end"]
    assert ended["results"]["ended_at"] == expires
    assert len(asked) == 2
    await tick(3)
    assert len(asked) == 2

    def broken(world: object, now: float) -> Any:
        def change(tx: object) -> None:
            raise OSError("no database")

        return change

    monkeypatch.setattr(upkeep, "end_expired", broken)
    house.world.next_poll_end = 0.0
    await tick(3)
    (failure,) = [text for record in caplog.records if (text := record.getMessage()).startswith("ending polls failed")]
    assert "no database" in failure
    assert house.world.next_poll_end > house.clock.now + 50, "a broken database is not asked each second"


async def test_a_tick_that_fails_is_not_the_last(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(upkeep, "TICK_S", 0)
    ticks = 0
    enough = asyncio.Event()

    def failing() -> None:
        nonlocal ticks
        ticks += 1
        if ticks == 3:
            enough.set()
        raise RuntimeError("broken")

    running = Upkeep(house.server, house.community.looked)
    monkeypatch.setattr(running, "tick", failing)
    with caplog.at_level(logging.ERROR):
        task = asyncio.ensure_future(running.run())
        await asyncio.wait_for(enough.wait(), 30)
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled()
    assert "upkeep failed" in caplog.text


async def test_the_moderation_log_forgets_what_is_past_its_time(house: House, tick: Ticking) -> None:
    host = await house.enter("host")
    await host.ask("user_ban", user=user_id("ann"))
    await host.ask("role_create", name="vip")
    house.clock.now += 200 * DAY_S
    live = house.world.live
    days = msgspec.structs.replace(live.current.modlog.retention, role_management=199)
    live.current = msgspec.structs.replace(
        live.current, modlog=msgspec.structs.replace(live.current.modlog, retention=days)
    )
    await tick(FORGET_TICKS)
    rows = in_database(house, lambda tx: tx.connection.execute(select(modlog.c.action)).scalars().all())
    assert rows == ["user_ban"]


async def test_own_writes_are_logged_once_and_edits_by_hand_as_on_disk(house: House, tick: Ticking) -> None:
    host = await house.enter("host")
    await host.ask("user_ban", user=user_id("ann"))
    await tick(2)
    edit(house.folder / "users.json", lambda users: users[user_id("ben")].update(banned=True))
    await tick(2)
    await host.ask("user_unban", user=user_id("ann"))
    await tick(2)
    rows = in_database(house, lambda tx: tx.connection.execute(select(modlog.c.actor_name, modlog.c.target_name)).all())
    assert [tuple(row) for row in rows] == [
        (user_id("host"), user_id("ann")),
        ("on disk", user_id("ben")),
        (user_id("host"), user_id("ann")),
    ]
