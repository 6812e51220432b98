"""guest_login, username_update, access_token_create: names without accounts, and how they end."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from db.users import User, Users
from handlers.sessions import session_lifetimes_s
from tests.handlers.newcomers import come, configure, expire, on_disk, refused, user
from tests.support.house import House
from upkeep import DAY_S

pytestmark = pytest.mark.anyio
CONFIG = {"limits": {"registrations_per_minute": 100}}


# --- entering


async def test_guest_login_lets_in_under_a_free_name(house: House) -> None:
    ann = await house.enter("ann")
    guest = await come(house, " Wanda ")
    assert guest.ready["user"]["username"] == "Wanda"
    assert guest.ready["user"]["roles"] == ["user"]
    assert guest.ready["user"]["cracked"] is False
    wanda = user(house, "wanda")
    assert wanda.guest
    assert wanda.id.startswith("guest:")
    assert wanda.id.endswith(":Wanda")
    assert on_disk(house)[wanda.id]["guest"] is True
    ann.read()
    assert "user_join" in ann.names()
    packets = await guest.ask("message_new", channel="general", content="hello")
    assert packets[0]["message"]["user"] == "Wanda"


@pytest.mark.parametrize("name", ["ann", "ANN", "\uff21nn", "wanda", "WANDA", "originchats", "\uff2friginChats"])
async def test_guest_login_takes_nobodys_name(house: House, name: str) -> None:
    await come(house, "Wanda")
    assert await refused(house, name) == "name_taken"


@pytest.mark.parametrize(
    ("name", "code"),
    [("x", "bad_name_length"), ("x" * 33, "bad_name_length"), ("USR:local_x", "bad_name"), ("a b", "bad_name")],
)
async def test_guest_login_wants_a_proper_name(house: House, name: str, code: str) -> None:
    assert await refused(house, name) == code


async def test_nobody_registers_the_name_of_a_guest(house: House) -> None:
    await come(house, "Wanda")
    (packet,) = await house.guest().ask("register", username="wanda", password="good enough")
    assert packet["code"] == "name_taken"


async def test_guest_login_is_off_where_accounts_are_needed(house: House) -> None:
    configure(house, cracked={"allow_registration": False})
    assert await refused(house, "wanda") == "registration_disabled"
    configure(house, auth_mode="rotur")
    assert await refused(house, "wanda") == "auth_required"


async def test_guest_login_is_throttled_like_register(house: House) -> None:
    configure(house, limits={"registrations_per_minute": 2})
    await come(house, "one")
    await house.guest().ask("register", username="two", password="good enough")
    assert await refused(house, "three") == "too_many_tries"
    assert await come(house, "three", address="198.51.100.1")


async def test_guests_have_roles_of_their_own(house: House) -> None:
    configure(house, guests={"roles": ["moderator"]})
    assert (await come(house, "wanda")).ready["user"]["roles"] == ["moderator"]


async def test_a_guest_cannot_become_the_owner(house: House) -> None:
    guest = await come(house, "wanda")
    assert (await guest.one("claim_owner", code="ABCD"))["code"] == "account_required"


# --- coming again


async def test_guest_login_with_the_session_of_before_keeps_the_guest(house: House) -> None:
    guest = await come(house, "wanda")
    first = user(house, "wanda")
    guest.lose()
    again = await come(house, "Wanda", token=guest.ready["session"])
    assert user(house, "wanda") is first or user(house, "wanda").id == first.id
    resumed = await again.ask("resume", session=guest.ready["session"], after=guest.ready["seq"])
    assert resumed[-1]["recovered"] is True


@pytest.mark.parametrize("name", ["ben", "nobody", "wanda2"])
async def test_a_token_is_bound_to_its_name(house: House, name: str) -> None:
    guest = await come(house, "wanda")
    assert await refused(house, name, token=guest.ready["session"]) == "invalid_token"
    assert await refused(house, "wanda", token="x") == "invalid_token"


async def test_the_session_of_an_account_is_no_token(house: House) -> None:
    ann = await house.enter("ann")
    assert await refused(house, "ann", token=ann.ready["session"]) == "invalid_token"


async def test_an_expired_session_lets_nobody_in(house: House) -> None:
    guest = await come(house, "wanda")
    guest.lose()
    await house.quiet()
    house.clock.now += 601
    assert await refused(house, "wanda", token=guest.ready["session"]) == "invalid_token"


# --- the end


async def test_a_guest_goes_with_its_last_session(house: House) -> None:
    ann, guest = await house.enter("ann"), await come(house, "wanda")
    wanda = user(house, "wanda")
    await guest.ask("message_new", channel="general", content="hello")
    await expire(house, 10_000)
    assert wanda.id in house.world.users, "it is connected"
    guest.lose()
    await house.quiet()
    await expire(house, 599)
    assert wanda.id in house.world.users
    ann.packets.clear()
    await expire(house, 2)
    assert wanda.id not in house.world.users
    assert wanda.id not in on_disk(house)
    assert [packet["username"] for packet in ann.packets if packet["cmd"] == "user_leave"] == ["wanda"]
    found = next(packet for packet in await ann.ask("messages_get", channel="general") if "messages" in packet)
    assert [message["user"] for message in found["messages"]] == ["wanda"], "its messages keep its name"
    assert await come(house, "wanda"), "the name is free"


async def test_a_banned_guest_stays_banned_and_keeps_its_name(house: House) -> None:
    guest = await come(house, "wanda")
    host = await house.enter("host")
    await host.ask("user_ban", user="wanda")
    await expire(house, 10_000)
    assert user(house, "wanda").banned
    assert await refused(house, "wanda") == "name_taken"
    assert await refused(house, "wanda", token=guest.ready["session"]) == "invalid_token"
    await host.ask("user_unban", user="wanda")
    await expire(house, 1)
    assert house.world.users.by_mention("wanda") is None


async def test_a_muted_guest_stays_until_the_mute_is_over(house: House) -> None:
    guest = await come(house, "wanda")
    host = await house.enter("host")
    await host.ask("user_timeout", user="wanda", timeout=5000)
    guest.lose()
    await house.quiet()
    await expire(house, 4000)
    assert user(house, "wanda").guest
    await expire(house, 1001)
    assert house.world.users.by_mention("wanda") is None


async def test_a_record_that_cannot_be_written_stays(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from db import atomic_file

    def full(path: Path, data: bytes) -> Any:
        raise OSError(28, "No space left on device")

    guest = await come(house, "wanda")
    guest.lose()
    await house.quiet()
    with monkeypatch.context() as patched:
        patched.setattr(atomic_file, "write_new", full)
        await expire(house, 601)
    assert user(house, "wanda").guest
    await expire(house, 1)
    assert house.world.users.by_mention("wanda") is None


def test_a_guest_that_is_gone_has_the_name_of_its_id() -> None:
    users = Users([User(id="guest:00000001:ann", username="other", guest=True)])
    assert users.username_of("guest:00000001:ann") == "other"
    assert users.username_of("guest:00000002:ben") == "ben"
    assert users.username_of("1234") == "1234"


# --- another name


async def test_username_update_gives_a_guest_another_name(house: House) -> None:
    ann, guest = await house.enter("ann"), await come(house, "wanda")
    packets = await guest.ask("username_update", username="Wilma")
    assert [packet["cmd"] for packet in packets] == ["user_update", "user_updated", "username_update"]
    assert packets[0] == {**packets[0], "user": "wanda", "username": "Wilma"}
    ann.read()
    assert {"user_update", "user_updated"} <= set(ann.names())
    await guest.ask("username_update", username="WILMA")
    assert user(house, "wilma").username == "WILMA", "its own, written otherwise"
    assert await come(house, "wanda"), "the old name is free at once"


async def test_username_update_takes_nobodys_name(house: House) -> None:
    guest = await come(house, "wanda")
    assert (await guest.one("username_update", username="ann"))["code"] == "name_taken"
    assert (await guest.one("username_update", username="a b"))["code"] == "bad_name"


async def test_username_update_changes_nothing_for_the_same_name(house: House) -> None:
    guest = await come(house, "wanda")
    assert await guest.one("username_update", username="wanda") == {"cmd": "username_update", "username": "wanda"}


async def test_a_moderator_gives_a_guest_nobodys_name(house: House) -> None:
    await come(house, "wanda")
    host = await house.enter("host")
    for name in ("ann", "originChats", "plugin:x", "News (webhook)"):
        assert (await host.one("user_update", user="wanda", updates={"username": name}))["code"] == "name_taken"
    await host.ask("user_update", user="wanda", updates={"username": "wilma"})
    assert user(house, "wilma").guest


async def test_username_update_is_not_for_accounts(house: House) -> None:
    ann = await house.enter("ann")
    assert (await ann.one("username_update", username="wanda"))["code"] == "name_fixed"


# --- gateways


@pytest.mark.usefixtures("rooms")
async def test_sessions_of_the_rooms_gateway_have_a_uuid_for_a_token(house: House) -> None:
    guest = await come(house, "wanda")
    assert str(uuid.UUID(guest.ready["session"])) == guest.ready["session"]
    (session,) = house.world.fanout.sessions_of(user(house, "wanda").id)
    assert (session.gateway, session.joins) == ("rooms", True)
    assert await come(house, "wanda", token=guest.ready["session"])


async def test_a_session_of_originchats_does_not_join(house: House) -> None:
    guest = await come(house, "wanda")
    (session,) = house.world.fanout.sessions_of(user(house, "wanda").id)
    assert (session.gateway, session.joins) == ("", False)
    assert len(guest.ready["session"]) >= 22


async def test_each_gateway_has_its_lifetime_of_sessions(house: House) -> None:
    configure(house, sessions={"timeout_s": 5}, chat_api={"session_timeout_s": 7}, rooms={"token_days": 2})
    assert session_lifetimes_s(house.world.config) == {"": 5, "rooms": 5, "chat_api": 7, "token": 2 * DAY_S}
