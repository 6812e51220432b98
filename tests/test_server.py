"""The dispatcher: order, listeners, refusals, incidents, backpressure."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest

from client import MAX_UNSETTLED, READ_AHEAD
from handlers.outcome import Outcome
from handlers.registry import HANDLERS
from protocol.errors import Code, Refused
from protocol.login import Login, Ping
from tests.support.community import PASSWORD
from tests.support.house import House, Packet, login, open_house, said, say

pytestmark = pytest.mark.anyio

TABLE: dict[Any, Any] = HANDLERS
CONFIG = {"limits": {"bad_frames_in_a_row": 5}}


# --- the beginning


async def test_the_handshake_comes_by_itself_and_first(house: House) -> None:
    guests = [house.guest(), house.guest()]
    await house.quiet()
    assert [guest.names() for guest in guests] == [["handshake"]] * 2
    first, second = (guest.packets[0]["val"]["validator_key"] for guest in guests)
    assert first != second, "each connection has its own"


@pytest.mark.parametrize("cmd", ["ping", "message_new", "users_list", "sessions_list", "no_such_command"])
async def test_before_login_there_is_nothing_but_login(house: House, cmd: str) -> None:
    packet = await house.guest().one(cmd, channel="general", content="x", listener="l1")
    assert packet["cmd"] == "auth_error"
    assert packet["code"] == "auth_required"
    assert packet["listener"] == "l1"


async def test_login_after_login_is_refused(house: House) -> None:
    ann = await house.enter("ann")
    packet = await ann.one("login", username="ben", password=PASSWORD, listener="l1")
    assert (packet["cmd"], packet["src"], packet["code"]) == ("error", "login", "already_logged_in")
    assert packet["listener"] == "l1"


async def test_two_logins_in_one_piece_are_one_login(house: House) -> None:
    guest = house.guest()
    guest.together(login("ann"), login("ben"))
    await house.quiet()
    assert guest.names() == ["handshake", "auth_success", "ready", "error", "user_connect"]
    assert [session.user_id for session in house.world.fanout.sessions.values()] == [house.user_id("ann")]


# --- order, listeners


async def test_answers_come_in_the_order_of_the_commands(house: House) -> None:
    """Commands that are stored, that are not, that are refused at once, later, or are no commands at all."""
    ann = await house.enter("ann")
    with house.held():
        ann.send_raw(
            json.dumps(say("1", listener="1")).encode(),
            b'{"cmd":"ping","listener":"2"}',
            b'{"cmd":"no_such","listener":"3"}',
            b"rubbish",
            json.dumps(say("", listener="5")).encode(),
            json.dumps({"cmd": "message_get", "channel": "general", "id": "no", "listener": "6"}).encode(),
            json.dumps({"cmd": "status_set", "status": "dnd", "text": "", "listener": "7"}).encode(),
            json.dumps(say("8", listener="8")).encode(),
            b'{"cmd":"users_list","listener":"9"}',
        )
        await house.turns()
        ann.read()
        assert ann.packets == [], "everything waits for what was before it"
    await house.quiet()
    assert [packet.get("listener", "-") for packet in ann.packets] == ["1", "2", "3", "-", "5", "6", "7", "8", "9"]


async def test_an_idle_journal_delays_nothing(house: House) -> None:
    ann = await house.enter("ann")
    ann.send("ping")
    await asyncio.sleep(0)
    ann.read()
    assert ann.names() == ["pong"]


@pytest.mark.parametrize(
    ("packet", "answers"),
    [
        ({"cmd": "ping"}, ["pong"]),
        (say("x"), ["message_new"]),
        (say(""), ["error"]),
        ({"cmd": "message_new", "channel": 5}, ["error"]),
        ({"cmd": "no_such"}, ["error"]),
        ({"cmd": "channels_get"}, ["channels_get"]),
        ({"cmd": "channel_create", "name": "x", "type": "text"}, ["error"]),
        ({"cmd": "resume", "session": "no", "after": 0}, ["resumed"]),
        ({"cmd": "session_end", "id": "no"}, ["error"]),
        ({"cmd": "claim_owner", "code": "no"}, ["error"]),
    ],
)
async def test_every_answer_carries_the_listener_and_nobody_elses_copy_does(
    house: House, packet: Packet, answers: list[str]
) -> None:
    ann, ben = await house.enter("ann"), await house.enter("ben")
    await house.quiet()
    ann.packets.clear()
    got = await ann.ask(**{**packet, "listener": "l1"})
    assert [(each["cmd"], each.get("listener")) for each in got] == [(name, "l1") for name in answers]
    ben.read()
    assert all("listener" not in each for each in ben.packets)


# --- refusals


async def test_a_server_permission_is_checked_before_the_handler(house: House) -> None:
    ann, host = await house.enter("ann"), await house.enter("host")
    await house.quiet()
    ann.packets.clear()
    packet = await ann.one("role_create", name="vip")
    assert packet["code"] == "permission_required"
    assert "permission required" in packet["val"]
    assert "role_create" in [each["cmd"] for each in await host.ask("role_create", name="vip")]


async def test_who_is_timed_out_waits(house: House) -> None:
    ann = await house.enter("ann")
    user = house.world.users.get(house.user_id("ann"))
    assert user is not None
    house.world.users.put_lazily(msgspec.structs.replace(user, muted_until=house.clock.now + 90))
    for packet in (say("x"), {"cmd": "typing", "channel": "general"}):
        limited, error = await ann.ask(**packet)
        assert (limited["cmd"], limited["length"]) == ("rate_limit", 90_000)
        assert (error["cmd"], error["src"], error["code"]) == ("error", packet["cmd"], "rate_limit")
    assert (await ann.one("ping"))["cmd"] == "pong"
    house.clock.now += 90
    assert (await ann.one(**say("x")))["cmd"] == "message_new"


async def test_the_limiter_answers_both_ways_with_the_listener(tmp_path: Path) -> None:
    limits = {"enabled": True, "burst_limit": 2, "cooldown_seconds": 30}
    async with open_house(tmp_path, config={"rate_limiting": limits}) as house:
        ann = await house.enter("ann")
        ann.together(say("1"), say("2"), say("3", listener="l"))
        await house.quiet()
        assert said(ann) == ["1", "2"]
        assert [(packet["cmd"], packet["listener"]) for packet in ann.packets[2:]] == [
            ("rate_limit", "l"),
            ("error", "l"),
        ]
        assert ann.packets[2]["length"] > 0


# --- what is no command


async def test_many_bad_frames_in_a_row_close_the_connection(house: House) -> None:
    ann = await house.enter("ann")
    for _ in range(4):
        ann.send_raw(b"rubbish")
    ann.send("ping")
    for _ in range(4):
        ann.send_raw(b"rubbish")
    await house.quiet()
    assert ann.close_code is None
    ann.send_raw(b"rubbish", b'{"cmd":"ping"}')
    await house.quiet()
    assert ann.names() == ["error"] * 4 + ["pong"] + ["error"] * 5, "the last is answered, nothing after it"
    assert ann.close_code == 1008
    assert ann.close_reason


async def test_a_binary_frame_is_answered_and_counts_as_bad(house: House) -> None:
    ann = await house.enter("ann")
    for _ in range(6):
        ann.send_binary(b'{"cmd":"ping"}')
    await house.quiet()
    assert ann.names() == ["error"] * 5
    assert {packet["code"] for packet in ann.packets} == {"malformed"}
    assert ann.close_code == 1008


async def test_strangers_are_told_what_is_wrong_with_their_frames(house: House) -> None:
    packet = await house.guest().one("login", username=7, listener="l1")
    assert (packet["cmd"], packet["code"], packet["listener"]) == ("error", "bad_value", "l1")


# --- incidents


def breaks(where: str) -> Any:
    def at_once(ctx: Any, cmd: Any) -> Any:
        raise RuntimeError("a secret detail")

    def after_a_change(ctx: Any, cmd: Any) -> Any:
        ctx.world.users.put(msgspec.structs.replace(ctx.user, nickname="half"))
        raise RuntimeError("a secret detail")

    def in_the_transaction(ctx: Any, cmd: Any) -> Any:
        ctx.world.users.put(msgspec.structs.replace(ctx.user, nickname="half"))

        def change(tx: Any) -> Outcome:
            raise RuntimeError("a secret detail")

        return change

    async def later(ctx: Any, cmd: Any) -> Any:
        await asyncio.sleep(0)
        ctx.world.users.put(msgspec.structs.replace(ctx.user, nickname="half"))
        raise RuntimeError("a secret detail")

    def while_it_is_encoded(ctx: Any, cmd: Any) -> Any:
        return Outcome(reply=object())  # type: ignore[arg-type]

    def in_memory_afterwards(ctx: Any, cmd: Any) -> Any:
        def fail() -> None:
            raise RuntimeError("a secret detail")

        return Outcome(then=fail)

    places = (at_once, after_a_change, in_the_transaction, later, while_it_is_encoded, in_memory_afterwards)
    return {place.__name__: place for place in places}[where]


@pytest.mark.parametrize(
    "where",
    ["at_once", "after_a_change", "in_the_transaction", "later", "while_it_is_encoded", "in_memory_afterwards"],
)
async def test_an_unexpected_failure_is_an_incident(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    ann = await house.enter("ann")
    monkeypatch.setitem(TABLE, Ping, breaks(where))
    with caplog.at_level(logging.ERROR):
        ann.together({"cmd": "ping", "listener": "l1"}, say("still here", listener="l2"))
        await house.quiet()
    error, message = ann.packets
    assert (error["cmd"], error["src"], error["code"], error["listener"]) == ("error", "ping", "internal", "l1")
    assert "secret" not in error["val"]
    incident = error["val"].split()[-1]
    assert len(incident) >= 6
    (record,) = [record for record in caplog.records if incident in record.getMessage()]
    assert record.exc_info, "the log holds the traceback"
    assert message["listener"] == "l2"
    user = house.world.users.get(house.user_id("ann"))
    assert user is not None
    assert user.nickname == "ann", "nothing is left half done"
    assert ann.close_code is None


async def test_a_failing_login_is_an_incident_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TABLE, Login, breaks("at_once"))
    packet = await house.guest().one("login", username="ann", password="x", listener="l1")
    assert (packet["cmd"], packet["code"], packet["listener"]) == ("auth_error", "internal", "l1")


async def test_a_refusal_in_the_transaction_takes_memory_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(ctx: Any, cmd: Any) -> Any:
        ctx.world.users.put(msgspec.structs.replace(ctx.user, nickname="half"))

        def change(tx: Any) -> Outcome:
            raise Refused(Code.MESSAGE_NOT_FOUND)

        return change

    ann = await house.enter("ann")
    monkeypatch.setitem(TABLE, Ping, refuse)
    assert (await ann.one("ping"))["code"] == "message_not_found"
    user = house.world.users.get(house.user_id("ann"))
    assert user is not None
    assert user.nickname == "ann"
    assert '"half"' not in (house.folder / "users.json").read_text()


# --- backpressure


async def test_who_sends_faster_than_is_stored_is_not_read_from(house: House) -> None:
    ann = await house.enter("ann")
    count = MAX_UNSETTLED + READ_AHEAD + 10
    with house.held():
        ann.together(*(say(str(number)) for number in range(MAX_UNSETTLED + READ_AHEAD - 1)))
        assert not ann.transport.reading_paused
        ann.together(*(say(str(number)) for number in range(MAX_UNSETTLED + READ_AHEAD - 1, count)))
        assert ann.transport.reading_paused
        assert house.world.journal.depth <= MAX_UNSETTLED + 1, "the rest has not been taken up"
    await house.quiet()
    assert said(ann) == [str(number) for number in range(count)]
    assert not ann.transport.reading_paused


async def test_frames_that_were_read_ahead_are_forgotten_with_the_connection(house: House) -> None:
    ann, ben = await house.enter("ann"), await house.enter("ben")
    with house.held():
        ann.together(*(say(str(number)) for number in range(MAX_UNSETTLED + 50)))
        ann.lose()
    await house.quiet()
    assert said(ben) == [str(number) for number in range(MAX_UNSETTLED)]
