"""Replays: single moments, from a page that waits for its reader to a ban in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from db.events import EventLog
from handlers import replay
from tests.handlers.replays import ANN, CONFIG, LARGE, back, login, lost, numbers, tell
from tests.support.community import PASSWORD, user_id
from tests.support.house import House, open_house

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, config=CONFIG) as house:
        yield house


async def test_resume_pages_are_read_one_after_the_other_as_the_peer_reads(house: House) -> None:
    before = await lost(house)
    for number in range(60):
        tell(house, number, size=LARGE)
    await house.quiet()
    ann = house.guest()
    ann.transport.full = True
    ann.together(login(), {"cmd": "resume", "session": before.ready["session"], "after": before.ready["seq"]})
    await house.quiet()
    assert ann.connection.backlog_bytes < 2 * replay.PAGE_BYTES
    ann.transport.drain()
    await house.quiet()
    assert numbers(ann.packets) == list(range(60))
    assert ann.packets[-1]["recovered"] is True


async def test_resume_of_a_connection_that_breaks_between_two_pages_ends(house: House) -> None:
    before = await lost(house)
    for number in range(60):
        tell(house, number, size=LARGE)
    await house.quiet()
    ann = house.guest()
    ann.transport.full = True
    ann.together(login(), {"cmd": "resume", "session": before.ready["session"], "after": before.ready["seq"]})
    await house.quiet()
    ann.lose()
    await house.quiet()
    assert not house.server.dispatcher._tasks, "nothing waits for it for ever"
    assert not house.world.fanout.is_online(ANN)


async def test_resume_of_a_connection_that_breaks_before_the_first_page_leaves_no_ghost(house: House) -> None:
    before = await lost(house)
    tell(house, 0)
    ann = await house.enter("ann")
    with house.held():
        ann.send("resume", session=before.ready["session"], after=before.ready["seq"])
        await house.turns()
        ann.lose()
    await house.quiet()
    assert not house.world.fanout.is_online(ANN)
    assert house.world.fanout.sessions == {}
    again = await back(house, before)
    await house.quiet()
    assert numbers(again.packets) == [0]
    tx = house.world.store.begin()
    stored = tx.sessions.of_user(ANN)
    tx.rollback()
    assert [session.disconnected_at for session in stored] == [None], "one session, which is connected"


async def test_resume_that_cannot_be_read_leaves_a_gap_and_not_a_hole(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await lost(house)
    tell(house, 0)
    await house.quiet()

    def broken(log: EventLog, seq: int, limit: int) -> Any:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(EventLog, "after", broken)
        with house.held():
            ann = await back(house, before)
            tell(house, 1)
        await house.quiet()
    error = next(packet for packet in ann.packets if packet["cmd"] == "error")
    assert (error["code"], error["listener"]) == ("unavailable", "r")
    gap = next(packet for packet in ann.packets if packet["cmd"] == "gap")
    assert gap["after"] == before.ready["seq"]
    tell(house, 2)
    await house.quiet()
    assert numbers(ann.packets) == []
    ann.send("resume", session=before.ready["session"], after=gap["after"])
    await house.quiet()
    assert numbers(ann.packets) == [0, 1, 2]


async def test_resume_after_a_ban_is_refused(house: House) -> None:
    before = await lost(house)
    tell(house, 0)
    await house.quiet()
    with house.held():
        ann = await back(house, before)
        user = house.world.users.get(ANN)
        assert user is not None
        house.world.users.put(msgspec.structs.replace(user, banned=True))
        house.world.documents.take_changes()
    await house.quiet()
    assert numbers(ann.packets) == []
    assert "resumed" not in ann.names()


async def test_resume_checks_rights_anew(house: House) -> None:
    host = await house.enter("host")
    mod = await house.enter("mod")
    await house.quiet()
    mod.lose()
    host.send("message_new", channel="staff", content="secret")
    host.send("message_new", channel="general", content="public")
    host.send("user_roles_remove", user=user_id("mod"), roles=["moderator"])
    await house.quiet()
    again = house.guest()
    again.together(
        {"cmd": "login", "username": "mod", "password": PASSWORD},
        {"cmd": "resume", "session": mod.ready["session"], "after": mod.ready["seq"]},
    )
    await house.quiet()
    assert [packet["message"]["content"] for packet in again.packets if packet["cmd"] == "message_new"] == ["public"]
    channels = [packet for packet in again.packets if packet["cmd"] == "channels_get"][-1]
    assert "staff" not in [channel["name"] for channel in channels["val"]]


async def test_resume_does_not_repeat_what_answered_a_command_meanwhile(house: House) -> None:
    """A message and a resume in one piece: the answer leaves while the replay has begun."""
    ann = await house.enter("ann", gap=True)
    await house.quiet()
    with house.held():
        ann.together(
            {"cmd": "message_new", "channel": "general", "content": "mine", "listener": "l1"},
            {"cmd": "resume", "session": ann.ready["session"], "after": ann.ready["seq"], "listener": "r"},
        )
    await house.quiet()
    mine = [packet for packet in ann.packets if packet["cmd"] == "message_new"]
    assert len(mine) == 1
    assert mine[0]["listener"] == "l1"
    assert "seq" not in mine[0]
    assert ann.packets[-1]["cmd"] == "resumed"
    assert ann.packets[-1]["seq"] == ann.ready["seq"] + 1


async def test_resume_in_a_gap_does_not_repeat_what_answered_a_command(house: House) -> None:
    ann = await house.enter("ann", gap=True)
    ann.transport.full = True
    for number in range(6):
        tell(house, number, size=LARGE)
        await house.quiet()
    ann.transport.drain()
    await house.quiet()
    gap = ann.packets[-1]
    assert gap["cmd"] == "gap"
    got = numbers(ann.packets)
    answer = await ann.one("message_new", channel="general", content="mine", listener="l1")
    assert "seq" not in answer, "it would move the position over the gap"
    tell(house, 6)
    resumed = await ann.ask("resume", session=ann.ready["session"], after=gap["after"])
    assert got + numbers(resumed) == list(range(7))
    assert "message_new" not in [packet["cmd"] for packet in resumed]
    assert resumed[-1]["recovered"] is True
    again = await ann.ask("resume", session=ann.ready["session"], after=gap["after"])
    assert [packet["cmd"] for packet in again] == ["resumed"], "this connection has everything"


async def test_resume_twice_on_one_connection_repeats_nothing(house: House) -> None:
    before = await lost(house)
    tell(house, 0)
    await house.quiet()
    ann = await back(house, before)
    tell(house, 1)
    await house.quiet()
    assert numbers(ann.packets) == [0, 1]
    ann.packets.clear()
    ann.send("resume", session=before.ready["session"], after=before.ready["seq"])
    await house.quiet()
    assert ann.names() == ["resumed"]
