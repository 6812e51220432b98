"""sessions_list, session_end, and every reason why a resume recovers nothing."""

from __future__ import annotations

from typing import Any

import pytest

from handlers import login
from handlers.login import token_hash
from handlers.outcome import Event
from protocol.audience import Everyone
from protocol.users import NicknameRemoveEvent
from tests.support.community import PASSWORD, user_id
from tests.support.house import Guest, House, Packet

pytestmark = pytest.mark.anyio
CONFIG = {"sessions": {"timeout_s": 600, "replay_events": 20}}


def tell(house: House, *names: str) -> None:
    house.server.emit([Event(Everyone(), NicknameRemoveEvent(user=name, username=name)) for name in names])


def heard(packets: list[Packet]) -> list[str]:
    return [packet["user"] for packet in packets if packet["cmd"] == "nickname_remove"]


async def come_back(house: House, session: str, after: int, name: str = "ann") -> Guest:
    guest = house.guest()
    guest.together(
        {"cmd": "login", "username": name, "password": PASSWORD},
        {"cmd": "resume", "session": session, "after": after, "listener": "r"},
    )
    await house.quiet()
    return guest


def resumed(guest: Guest) -> Packet:
    (packet,) = (packet for packet in guest.packets if packet["cmd"] == "resumed")
    assert packet["listener"] == "r"
    return packet


def log(house: House, change: Any) -> Any:
    """Something done in the database while the journal is idle."""
    tx = house.world.store.begin()
    found = change(tx)
    tx.commit()
    return found


async def not_recovered(house: House, session: str, after: int, reason: str, name: str = "ann") -> None:
    """Nothing was replayed, the reason is told, and live events follow."""
    guest = await come_back(house, session, after, name)
    packet = resumed(guest)
    assert (packet["recovered"], packet["reason"]) == (False, reason)
    assert packet["seq"] == house.world.fanout.position
    assert heard(guest.packets) == []
    tell(house, "live")
    await house.quiet()
    assert heard(guest.packets) == ["live"]


# --- resume


async def test_resume_replays_what_was_missed_and_goes_on(house: House) -> None:
    ann = await house.enter("ann")
    tell(house, "seen")
    await house.quiet()
    position = ann.packets[-1]["seq"]
    ann.lose()
    tell(house, "missed 1", "missed 2")
    await house.quiet()
    again = await come_back(house, ann.ready["session"], position)
    assert resumed(again)["recovered"] is True
    assert "reason" not in resumed(again)
    assert heard(again.packets) == ["missed 1", "missed 2"]
    tell(house, "live")
    await house.quiet()
    assert heard(again.packets) == ["missed 1", "missed 2", "live"]


async def test_resume_with_nothing_missed_recovers_nothing_much(house: House) -> None:
    ann = await house.enter("ann")
    ann.lose()
    again = await come_back(house, ann.ready["session"], ann.ready["seq"])
    assert resumed(again) == {"cmd": "resumed", "recovered": True, "seq": ann.ready["seq"], "listener": "r"}


async def test_resume_goes_on_with_the_old_session(house: House) -> None:
    ann = await house.enter("ann")
    ann.lose()
    again = await come_back(house, ann.ready["session"], ann.ready["seq"])
    stored = log(house, lambda tx: tx.sessions.of_user(user_id("ann")))
    assert [session.token_hash for session in stored] == [token_hash(ann.ready["session"])]
    assert stored[0].disconnected_at is None
    again.lose()
    await house.quiet()
    assert resumed(await come_back(house, ann.ready["session"], ann.ready["seq"]))["recovered"] is True


async def test_resume_takes_over_from_a_connection_that_nobody_noticed_was_dead(house: House) -> None:
    ghost, ben = await house.enter("ann"), await house.enter("ben")
    tell(house, "1")
    await house.quiet()
    again = await come_back(house, ghost.ready["session"], ghost.ready["seq"])
    assert resumed(again)["recovered"] is True
    assert heard(again.packets) == ["1"]
    assert ghost.close_code == 1000
    tell(house, "2")
    await house.quiet()
    assert heard(again.packets) == ["1", "2"]
    assert heard(ghost.packets) == ["1"]
    ghost.lose()
    await house.quiet()
    assert house.world.fanout.is_online(user_id("ann"))
    assert "user_disconnect" not in ben.names()
    (stored,) = log(house, lambda tx: tx.sessions.of_user(user_id("ann")))
    assert stored.disconnected_at is None


async def test_resume_of_a_session_that_never_was_recovers_nothing(house: House) -> None:
    await not_recovered(house, "no such secret", 0, "unknown_session")


async def test_resume_of_another_persons_session_recovers_nothing(house: House) -> None:
    ben = await house.enter("ben")
    tell(house, "1")
    ben.lose()
    await not_recovered(house, ben.ready["session"], ben.ready["seq"], "unknown_session")
    assert resumed(await come_back(house, ben.ready["session"], ben.ready["seq"], "ben"))["recovered"] is True, (
        "it is still his"
    )


async def test_resume_of_an_expired_session_recovers_nothing(house: House) -> None:
    ann = await house.enter("ann")
    ann.lose()
    await house.quiet()
    house.clock.now += 600
    again = await come_back(house, ann.ready["session"], ann.ready["seq"])
    assert resumed(again)["recovered"] is True, "at the last moment"
    again.lose()
    await house.quiet()
    house.clock.now += 601
    await not_recovered(house, ann.ready["session"], ann.ready["seq"], "session_expired")


async def test_resume_from_a_position_that_never_was_recovers_nothing(house: House) -> None:
    ann = await house.enter("ann")
    ann.lose()
    await house.quiet()
    await not_recovered(house, ann.ready["session"], house.world.fanout.position + 1, "unknown_position")


async def test_resume_from_before_the_log_begins_recovers_nothing(house: House) -> None:
    ann = await house.enter("ann")
    tell(house, "1", "2", "3")
    ann.lose()
    await house.quiet()
    first = ann.ready["seq"]
    log(house, lambda tx: tx.log.prune(house.clock.now + 1, limit=2))
    assert log(house, lambda tx: tx.log.oldest()) == first + 3
    again = await come_back(house, ann.ready["session"], first + 2)
    assert (resumed(again)["recovered"], heard(again.packets)) == (True, ["3"]), "all that it missed is there"
    again.lose()
    await not_recovered(house, ann.ready["session"], first + 1, "too_old")


async def test_resume_of_too_many_events_recovers_nothing(house: House) -> None:
    ann = await house.enter("ann")
    ann.lose()
    tell(house, *(str(number) for number in range(20)))
    await house.quiet()
    again = await come_back(house, ann.ready["session"], ann.ready["seq"])
    assert (resumed(again)["recovered"], len(heard(again.packets))) == (True, 20)
    again.lose()
    tell(house, "one more")
    await house.quiet()
    await not_recovered(house, ann.ready["session"], ann.ready["seq"], "too_many_events")


async def test_resume_that_recovered_nothing_keeps_the_new_session(house: House) -> None:
    guest = await come_back(house, "no such secret", 0)
    ready = next(packet for packet in guest.packets if packet["cmd"] == "ready")
    guest.lose()
    tell(house, "1")
    await house.quiet()
    again = await come_back(house, ready["session"], resumed(guest)["seq"])
    assert resumed(again)["recovered"] is True
    assert heard(again.packets) == ["1"]


async def test_resume_after_one_that_recovered_nothing_does_not_skip_what_was_held_back(house: House) -> None:
    """What was released while the failing one was under way was not sent; a later one must not take it for sent."""
    ann = await house.enter("ann")
    start = ann.ready["seq"]
    with house.held():
        tell(house, "held back")
        ann.send("resume", session="no such secret", after=start)
        await house.turns()
    await house.quiet()
    assert [packet["cmd"] for packet in ann.packets if packet["cmd"] in ("nickname_remove", "resumed")] == ["resumed"]
    packets = await ann.ask("resume", session=ann.ready["session"], after=start)
    assert heard(packets) == ["held back"]


# --- sessions_list


async def test_sessions_list_shows_the_own_sessions_only_and_no_secret(house: House) -> None:
    desk, phone = await house.enter("ann", address="198.51.100.1"), await house.enter("ann", address="198.51.100.2")
    await house.enter("ben")
    packet = await desk.one("sessions_list", listener="l1")
    assert packet["listener"] == "l1"
    first, second = packet["sessions"]
    assert (first["current"], second["current"]) == (True, False)
    assert (first["connected"], second["connected"]) == (True, True)
    assert (first["address"], second["address"]) == ("198.51.100.1", "198.51.100.2")
    assert first["created_at"] == house.clock.now
    for secret in (desk.ready["session"], phone.ready["session"]):
        assert secret not in str(packet)


async def test_sessions_list_shows_lost_connections_until_they_expire(house: House) -> None:
    desk, phone = await house.enter("ann"), await house.enter("ann")
    phone.lose()
    await house.quiet()
    house.clock.now += 600
    entries = (await desk.one("sessions_list"))["sessions"]
    assert [entry["connected"] for entry in entries] == [True, False]
    house.clock.now += 1
    assert len((await desk.one("sessions_list"))["sessions"]) == 1


# --- session_end


async def id_of(guest: Guest, *, current: bool) -> str:
    entries = (await guest.one("sessions_list"))["sessions"]
    (found,) = (entry["id"] for entry in entries if entry["current"] is current)
    return str(found)


async def test_of_very_many_lost_sessions_the_oldest_go(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "MAX_SESSIONS", 3)
    ann = await house.enter("ann")
    await ann.ask("access_token_create", username="ann")
    lost: list[Guest] = []
    for _ in range(4):
        house.clock.now += 1
        lost.append(await house.enter("ann"))
        lost[-1].lose()
        await house.quiet()
    listed = (await ann.one("sessions_list"))["sessions"]
    assert [entry["token"] for entry in listed].count(True) == 1
    assert len(listed) == 4, "the open one, two that are lost, and the token"
    for guest in lost[:2]:
        await not_recovered(house, guest.ready["session"], guest.ready["seq"], "unknown_session")


async def test_session_end_closes_the_other_device_at_once(house: House) -> None:
    desk, phone = await house.enter("ann"), await house.enter("ann")
    await house.quiet()
    phone.packets.clear()
    other = await id_of(desk, current=False)
    packet = await desk.one("session_end", id=other, listener="l1")
    assert packet == {"cmd": "session_end", "id": other, "ended": True, "listener": "l1"}
    phone.read()
    assert phone.names() == ["disconnect"]
    assert phone.close_code == 1000
    tell(house, "after the end")
    await house.quiet()
    assert heard(phone.packets) == []
    phone.lose()
    await not_recovered(house, phone.ready["session"], phone.ready["seq"], "unknown_session")


async def test_session_end_of_the_own_session_answers_and_closes(house: House) -> None:
    ann = await house.enter("ann")
    await house.quiet()
    packets = await ann.ask("session_end", id=await id_of(ann, current=True))
    assert [packet["cmd"] for packet in packets][:2] == ["session_end", "disconnect"]
    assert ann.close_code == 1000
    assert not house.world.fanout.is_online(user_id("ann"))


async def test_session_end_of_a_lost_session(house: House) -> None:
    desk, phone = await house.enter("ann"), await house.enter("ann")
    other = await id_of(desk, current=False)
    phone.lose()
    await house.quiet()
    assert (await desk.one("session_end", id=other))["ended"] is True
    error = await desk.one("session_end", id=other)
    assert (error["cmd"], error["code"]) == ("error", "session_not_found")


async def test_session_end_of_another_persons_session_is_refused_like_an_unknown_one(house: House) -> None:
    ann, ben = await house.enter("ann"), await house.enter("ben")
    theirs = await id_of(ann, current=True)
    refused, unknown = await ben.one("session_end", id=theirs), await ben.one("session_end", id="no such id")
    assert refused == unknown
    assert refused["code"] == "session_not_found"
    assert ann.close_code is None
    assert (await ann.one("ping"))["cmd"] == "pong"


async def test_session_end_while_the_session_is_being_resumed(house: House) -> None:
    desk, phone = await house.enter("ann"), await house.enter("ann")
    other = await id_of(desk, current=False)
    phone.lose()
    await house.quiet()
    back = await house.enter("ann")
    with house.held():
        back.send("resume", session=phone.ready["session"], after=phone.ready["seq"])
        await house.turns()
        desk.send("session_end", id=other)
        await house.turns()
    await house.quiet()
    assert back.close_code == 1000
    tell(house, "after the end")
    await house.quiet()
    assert heard(back.packets) == []
