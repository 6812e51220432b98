"""Connections of the rooms dialect: what they send wrong or too fast, do not read, and how they end."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateways.rooms.guest import READ_AHEAD
from gateways.rooms.translate import Translator
from tests.gateways.rooms_guests import CELLAR, CONFIG, LOUNGE, ask, chat, come, enter, frame, heard, told
from tests.support.community import CHANNELS
from tests.support.house import House, open_house
from upkeep import Upkeep

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, config=CONFIG, channels=[*CHANNELS, LOUNGE, CELLAR]) as house:
        yield house


async def test_malformed_frames_are_answered_logged_and_closed_when_they_do_not_end(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "originchats.rooms")
    zoe = await come(house, "zoe")
    errors = await ask(zoe, b"rubbish secret", b'{"message_type": "secret"}', chat("good"), b"[]")
    kinds = [each["message_type"] for each in errors]
    assert kinds == ["Error", "Error", "GroupChat", "Error"]
    assert zoe.close_code is None, "a good one between"
    assert [record.levelname for record in caplog.records] == ["INFO"] * 3
    assert "secret" not in caplog.text
    assert "203.0.113.9" in caplog.text
    zoe.send_binary(b"{}")
    zoe.send_raw(b"{}")
    await house.quiet()
    assert zoe.close_code == 1008
    assert len(caplog.records) == 3, "no more lines than frames that are allowed in a row"


async def test_frames_are_answered_in_order(house: House) -> None:
    zoe = await come(house, "zoe")
    with house.held():
        zoe.send_raw(chat("1"), chat(" "), enter("zoe", room="lounge"), chat("2", room="lounge"), b"x", frame("Leave"))
    for _ in range(4):  # each frame waits for the one before it
        await house.quiet()
    assert [kind for kind, _, _ in told(zoe.packets)] == ["GroupChat", "Error", "Enter", "GroupChat", "Error", "Leave"]


async def test_who_sends_too_much_at_once_is_not_read_from_for_a_while(house: House) -> None:
    zoe = await come(house, "zoe")
    with house.held():
        zoe.send_raw(*(chat(str(number)) for number in range(READ_AHEAD + 5)))
        await house.turns()
        assert zoe.transport.reading_paused
    for _ in range(READ_AHEAD):
        await house.quiet()
    assert not zoe.transport.reading_paused
    assert [said for _, _, said in told(zoe.packets)] == [str(number) for number in range(READ_AHEAD + 5)]


async def test_who_does_not_read_is_closed_and_the_others_notice_nothing(tmp_path: Path) -> None:
    config = {"limits": {"outbox_bytes": 65_536}}
    async with open_house(tmp_path, config=config) as house:
        zoe, yan = await come(house, "zoe"), await come(house, "yan")
        await heard(zoe)
        yan.transport.full = True
        for _ in range(50):
            assert told(await ask(zoe, chat("x" * 2000))) == [("GroupChat", "zoe", "x" * 2000)]
        yan.transport.drain()
        assert yan.close_code == 1013


async def test_the_shutdown_is_announced_and_pings_are_not(house: House) -> None:
    zoe = await come(house, "zoe")
    Upkeep(house.server, house.community.looked)._ping()
    assert await heard(zoe) == []
    await house.community.drain()
    (notice,) = await heard(zoe)
    assert notice["message_body"]["code"] == "shutdown"
    assert notice["message_body"]["retry_after_ms"] > 0


async def test_what_is_no_text_is_told_as_text(house: House) -> None:
    zoe, ann = await come(house, "zoe"), await house.enter("ann")
    await heard(zoe)
    await ann.ask("poll_create", channel="general", question="Tea?", options=["Yes", "No"])
    assert told(await heard(zoe)) == [("GroupChat", "ann", "Poll: Tea?\n1. Yes\n2. No")]
    await ann.ask("message_new", channel="general", content="look", embeds=[{"title": "News"}])
    assert told(await heard(zoe)) == [("GroupChat", "ann", "look\nNews")]


async def test_an_event_is_translated_once_for_all(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0
    translate = Translator._translate

    def counted(self: Translator, packet: Any) -> Any:
        nonlocal calls
        calls += 1
        return translate(self, packet)

    guests = [await come(house, name) for name in ("zoe", "yan", "xia", "wim")]
    monkeypatch.setattr(Translator, "_translate", counted)
    await ask(guests[0], chat("hello"))
    assert calls == 1
    for guest in guests[1:]:
        assert ("GroupChat", "zoe", "hello") in told(await heard(guest))


async def test_it_can_be_switched_off(tmp_path: Path) -> None:
    async with open_house(tmp_path, config={"rooms": {"enabled": False}}) as house:
        assert set(house.server.gate.doors) == {"/"}
