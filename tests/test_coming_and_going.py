"""Connections that come and go in awkward moments, and what reaches them from elsewhere: bans, edits by hand."""

from __future__ import annotations

from typing import Any

import pytest

from client import MAX_UNSETTLED, Client
from tests.support.community import PASSWORD, edit
from tests.support.entering import passwords_of
from tests.support.house import Guest, House, login, said, say

pytestmark = pytest.mark.anyio


def stored_sessions(house: House, name: str) -> list[Any]:
    """Only while the journal is idle."""
    tx = house.world.store.begin()
    found = tx.sessions.of_user(house.user_id(name))
    tx.rollback()
    return list(found)


# --- login takes its time


async def test_login_holds_back_what_was_sent_behind_it(house: House) -> None:
    gate = passwords_of(house).hold()
    guest, other = house.guest(), house.guest()
    guest.together(login("ann", listener="0"), say("1", listener="1"), {"cmd": "ping", "listener": "2"})
    other.send("login", username="ben", password="wrong")
    await house.turns()
    guest.read()
    assert guest.names() == ["handshake"]
    gate.set()
    await house.quiet()
    assert [packet.get("listener") for packet in guest.packets if packet["cmd"] != "user_connect"] == [
        None, "0", "0", "1", "2",
    ]  # fmt: skip
    assert guest.names()[:3] == ["handshake", "auth_success", "ready"]


async def test_a_login_that_waits_holds_nobody_else_back(house: House) -> None:
    ann = await house.enter("ann")
    gate = passwords_of(house).hold()
    house.guest().send("login", username="ben", password=PASSWORD)
    await house.turns()
    assert (await ann.one(**say("meanwhile")))["cmd"] == "message_new"
    gate.set()


async def test_the_larger_frame_limit_holds_from_login_on(house: House) -> None:
    guest = house.guest()
    guest.send("login", username="ann", password=PASSWORD)
    await house.quiet()
    guest.send("message_new", channel="general", content="x" * 100_000)
    await house.quiet()
    assert guest.packets[-1]["code"] == "message_too_long"
    stranger = house.guest()
    stranger.send("login", username="x" * 70_000, password="")
    assert stranger.close_code == 1009


async def test_resume_right_behind_login_leaves_no_event_between_the_two(house: House) -> None:
    """Everything is released in one go: the end of the login, and others' messages right behind it."""
    ben, ann = await house.enter("ben"), await house.enter("ann")
    before = ann.ready
    ben.together(*(say(f"missed {number}") for number in range(3)))
    ann.lose()
    await house.quiet()
    again = house.guest()
    with house.held():
        again.together(login("ann"), {"cmd": "resume", "session": before["session"], "after": before["seq"]})
        await house.turns()
        ben.together(*(say(f"live {number}") for number in range(3)))
    await house.quiet()
    assert said(again) == ["missed 0", "missed 1", "missed 2", "live 0", "live 1", "live 2"]
    seqs = [packet["seq"] for packet in again.packets if packet["cmd"] == "message_new"]
    assert seqs == sorted(set(seqs))
    assert "resumed" in again.names()


# --- coming and going in awkward moments


async def test_a_connection_that_is_lost_while_its_login_is_checked_leaves_no_ghost(house: House) -> None:
    ben = await house.enter("ben")
    gate = passwords_of(house).hold()
    ann = house.guest()
    ann.send("login", username="ann", password=PASSWORD)
    await house.turns()
    ann.lose()
    gate.set()
    await house.quiet()
    assert not house.world.fanout.is_online(house.user_id("ann"))
    assert [session.user_id for session in house.world.fanout.sessions.values()] == [house.user_id("ben")]
    assert "user_connect" not in ben.names()
    (session,) = stored_sessions(house, "ann")
    assert session.disconnected_at == house.clock.now, "it will be forgotten in time"
    assert house.server.gate.open_clients == {
        client for client in house.server.gate.open_clients if isinstance(client, Client) and not client.gone
    }


async def test_a_connection_that_is_lost_while_its_login_is_stored_leaves_no_ghost(house: House) -> None:
    await house.enter("ben")
    ann = house.guest()
    with house.held():
        ann.send("login", username="ann", password=PASSWORD)
        await house.turns()
        ann.lose()
    await house.quiet()
    assert not house.world.fanout.is_online(house.user_id("ann"))


def presence(guest: Guest) -> list[str]:
    return [packet["cmd"] for packet in guest.packets if packet["cmd"] in ("user_connect", "user_disconnect")]


async def test_presence_is_told_once_for_all_devices(house: House) -> None:
    ben = await house.enter("ben")
    first, second = await house.enter("ann"), await house.enter("ann")
    first.lose()
    await house.quiet()
    assert presence(ben) == ["user_connect"]
    second.lose()
    await house.quiet()
    assert presence(ben) == ["user_connect", "user_disconnect"]


async def test_a_new_connection_that_overtakes_the_end_of_the_old_one_stays_online_for_others(house: House) -> None:
    ben, old = await house.enter("ben"), await house.enter("ann")
    await house.quiet()
    ben.packets.clear()
    new = house.guest()
    with house.held():
        new.send("login", username="ann", password=PASSWORD)
        await house.turns()
        old.lose()
    await house.quiet()
    assert house.world.fanout.is_online(house.user_id("ann"))
    assert presence(ben)[-1:] != ["user_disconnect"]
    assert presence(ben) in ([], ["user_disconnect", "user_connect"])


async def test_who_is_thrown_out_by_two_connections_leaves_once(house: House) -> None:
    host, ben = await house.enter("host"), await house.enter("ben")
    first, second = await house.enter("ann"), await house.enter("ann")
    await house.quiet()
    ben.packets.clear()
    host.send("user_ban", user=house.user_id("ann"))
    await house.quiet()
    for guest in (first, second):
        assert guest.packets[-1]["cmd"] == "disconnect"
        assert guest.close_code == 1000
        guest.lose()
    await house.quiet()
    assert ben.names().count("user_leave") == 1
    assert presence(ben) == []
    assert stored_sessions(house, "ann") == []


async def test_commands_that_waited_when_a_ban_came_are_refused(house: House) -> None:
    host, ann, ben = await house.enter("host"), await house.enter("ann"), await house.enter("ben")
    with house.held():
        ann.together(*(say(str(number)) for number in range(MAX_UNSETTLED + 5)))
        host.send("user_ban", user=house.user_id("ann"))
    await house.quiet()
    assert said(ben) == [str(number) for number in range(MAX_UNSETTLED)]
    ann.lose()


async def test_commands_that_come_while_a_ban_is_being_stored_are_refused(house: House) -> None:
    host, ann, ben = await house.enter("host"), await house.enter("ann"), await house.enter("ben")
    with house.held():
        host.send("user_ban", user=house.user_id("ann"))
        await house.turns()
        ann.send("direct_message", user=house.user_id("ben"), content="one last word")
        ann.send("nickname_update", nickname="Victim")
        await house.turns()
    await house.quiet()
    assert [name for name in ben.names() if name != "user_disconnect"] == ["user_leave"]
    banned = house.world.users.get(house.user_id("ann"))
    assert banned is not None
    assert banned.nickname == "ann"


async def test_a_ban_by_hand_closes_at_once_and_ends_the_sessions(house: House) -> None:
    ann, ben = await house.enter("ann"), await house.enter("ben")
    edit(house.folder / "users.json", lambda users: users[house.user_id("ann")].update(banned=True))
    house.world.journal.look(lambda operation: None)
    await house.quiet()
    assert ann.packets[-1]["cmd"] == "disconnect"
    assert ann.close_code == 1000
    assert "user_leave" in ben.names()
    assert stored_sessions(house, "ann") == []


async def test_a_ban_by_hand_reaches_a_login_that_is_being_stored(house: House) -> None:
    """The hand edit is found in the same group as the login: memory knows of it before the login is settled."""
    ben, ann = await house.enter("ben"), house.guest()
    with house.held():
        ann.send("login", username="ann", password=PASSWORD)
        await house.turns()
        edit(house.folder / "users.json", lambda users: users[house.user_id("ann")].update(banned=True))
        house.world.journal.look(lambda operation: None)
    await house.quiet()
    assert "ready" not in ann.names()
    assert ann.close_code == 1000
    assert not house.world.fanout.is_online(house.user_id("ann"))
    assert "user_connect" not in ben.names()
    assert stored_sessions(house, "ann") == []


async def test_hand_edits_are_announced_like_commands(house: House) -> None:
    ann, ben = await house.enter("ann"), await house.enter("ben")
    await house.quiet()
    ann.packets.clear()
    edit(house.folder / "users.json", lambda users: users[house.user_id("ann")].update(roles=["moderator", "user"]))
    house.world.journal.look(lambda operation: None)
    await house.quiet()
    channels = next(packet for packet in ann.packets if packet["cmd"] == "channels_get")
    assert "staff" in {channel["name"] for channel in channels["val"]}
    assert "channels_get" not in ben.names()
    ann.send("message_new", channel="staff", content="here I am")
    await house.quiet()
    assert said(ann) == ["here I am"]
    assert said(ben) == []


async def test_only_owners_learn_of_a_broken_file(house: House) -> None:
    host, ann = await house.enter("host"), await house.enter("ann")
    house.server.tell_owners("users.json, line 3: broken")
    await house.quiet()
    assert "line 3" in host.packets[-1]["val"]
    assert "error" not in ann.names()


async def test_an_event_of_a_connection_that_is_gone_disturbs_nobody(house: House) -> None:
    ann, ben = await house.enter("ann"), await house.enter("ben")
    with house.held():
        ann.send(**say("my last words"))
        ann.lose()
        ben.send(**say("mine not"))
    await house.quiet()
    assert said(ben) == ["my last words", "mine not"]
