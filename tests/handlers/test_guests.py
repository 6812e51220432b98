"""guest_login, username_update, access_token_create: names without accounts, and how they end."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from client import Client
from db.users import User, Users
from handlers.sessions import session_lifetimes_s
from tests.support.community import edit, user_id
from tests.support.house import Guest, House, open_house
from upkeep import DAY_S, Upkeep

pytestmark = pytest.mark.anyio
ADDRESS = "203.0.113.9"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    config = {"limits": {"registrations_per_minute": 100}}
    async with open_house(tmp_path, config=config) as house:
        yield house


async def come(house: House, username: str, address: str = ADDRESS, **fields: Any) -> Guest:
    """A guest that was let in."""
    guest = house.guest(address)
    packets = await guest.ask("guest_login", username=username, **fields)
    assert [packet["cmd"] for packet in packets][:2] == ["auth_success", "ready"], packets
    guest.ready = packets[1]
    return guest


async def refused(house: House, username: str, address: str = ADDRESS, **fields: Any) -> str:
    (packet,) = await house.guest(address).ask("guest_login", username=username, **fields)
    assert packet["cmd"] == "auth_error", packet
    return str(packet["code"])


async def expire(house: House, after_s: float) -> None:
    """The time goes by, and what is past it is forgotten."""
    house.clock.now += after_s
    Upkeep(house.server, house.community.looked)._forget()
    await house.quiet()


def configure(house: House, **sections: Any) -> None:
    def change(config: dict[str, Any]) -> None:
        for name, values in sections.items():
            if isinstance(values, dict):
                config.setdefault(name, {}).update(values)
            else:
                config[name] = values

    edit(house.world.live.path, change)
    house.community.reload_config()


def user(house: House, name: str) -> User:
    found = house.world.users.by_mention(name)
    assert found is not None
    return found


def on_disk(house: House) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((house.folder / "users.json").read_text())
    return found


async def owner_token(house: House, username: str) -> str:
    host = await house.enter("host")
    packets = await host.ask("access_token_create", username=username)
    return str(next(packet["token"] for packet in packets if packet["cmd"] == "access_token_create"))


@pytest.fixture
def rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections count as those of the rooms gateway."""
    monkeypatch.setattr(Client, "gateway", "rooms")


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


# --- tokens


async def test_access_token_create_lets_in_under_a_new_name(house: House) -> None:
    configure(house, cracked={"allow_registration": False})
    token = await owner_token(house, "Wanda")
    assert str(uuid.UUID(token)) == token
    assert user(house, "wanda").guest
    assert await refused(house, "wanda") == "registration_disabled"
    first, second = await come(house, "wanda", token=token), await come(house, "wanda", token=token)
    assert first.ready["user"]["username"] == "Wanda"
    assert (await first.one("ping"))["cmd"] == (await second.one("ping"))["cmd"] == "pong"


async def test_access_token_create_for_an_account_and_its_place_in_the_list(house: House) -> None:
    token = await owner_token(house, "ann")
    ann = await come(house, "ann", token=token)
    assert ann.ready["user"]["username"] == user_id("ann")
    listed = (await ann.one("sessions_list"))["sessions"]
    (entry,) = (entry for entry in listed if entry["agent"] == "access token")
    assert entry["connected"] is False
    await ann.ask("session_end", id=entry["id"])
    assert await refused(house, "ann", token=token) == "invalid_token"


async def test_access_token_create_takes_the_place_of_an_earlier_one(house: House) -> None:
    ann = await house.enter("ann")
    old, new = [(await ann.one("access_token_create", username="ANN"))["token"] for _ in range(2)]
    assert await refused(house, "ann", token=old) == "invalid_token"
    assert await come(house, "ann", token=new)


async def test_access_token_create_gives_each_device_its_own(house: House) -> None:
    ann = await house.enter("ann")

    async def make(device: str) -> dict[str, Any]:
        return await ann.one("access_token_create", username="ann", device=device)

    phone, desk, old = await make("phone"), await make("desk"), await make("desk ")
    assert await refused(house, "ann", token=desk["token"]) == "invalid_token", "the same device again"
    for made in (phone, old):
        assert await come(house, "ann", token=made["token"])
    house.clock.now += 1
    for number in range(20):
        await make(f"device {number}")
    sessions = (await ann.one("sessions_list"))["sessions"]
    tokens = [entry for entry in sessions if entry["token"]]
    assert len(tokens) == 20
    assert await refused(house, "ann", token=phone["token"]) == "invalid_token", "the oldest went"
    assert {entry["agent"] for entry in tokens} == {f"access token: device {number}" for number in range(20)}
    await ann.one("session_end", id=tokens[0]["id"])
    assert tokens[0]["id"] not in {entry["id"] for entry in (await ann.one("sessions_list"))["sessions"]}


async def test_the_tokens_of_a_deleted_account_are_worth_nothing(house: House) -> None:
    ann, host = await house.enter("ann"), await house.enter("host")
    token = (await ann.one("access_token_create", username="ann"))["token"]
    assert token not in str(list(house.world.store._connection.exec_driver_sql("SELECT * FROM sessions")))
    await host.ask("user_delete", user="USR:local_ann")
    await house.guest().ask("register", username="ann", password="good enough")
    assert await refused(house, "ann", token=token) == "invalid_token"


@pytest.mark.parametrize("name", ["ben", "nobody", "host"])
async def test_access_token_create_for_others_is_for_owners(house: House, name: str) -> None:
    ann = await house.enter("ann")
    assert (await ann.one("access_token_create", username=name))["code"] == "permission_required"


async def test_access_token_create_is_not_for_guests(house: House) -> None:
    guest = await come(house, "wanda")
    assert (await guest.one("access_token_create", username="wanda"))["code"] == "account_required"


async def test_a_token_holds_its_name_for_so_many_days(house: House) -> None:
    configure(house, rooms={"token_days": 2})
    token = await owner_token(house, "wanda")
    await expire(house, 1.9 * DAY_S)
    guest = await come(house, "wanda", token=token)
    guest.lose()
    await house.quiet()
    await expire(house, 1.9 * DAY_S)
    assert user(house, "wanda").guest, "its time began anew when it was used"
    await expire(house, 0.2 * DAY_S)
    assert house.world.users.by_mention("wanda") is None
    assert await refused(house, "wanda", token=token) == "invalid_token"


async def test_a_token_is_no_session_to_resume(house: House) -> None:
    ann = await house.enter("ann")
    token = (await ann.one("access_token_create", username="ann"))["token"]
    (packet,) = await ann.ask("resume", session=token, after=0)
    assert (packet["recovered"], packet["reason"]) == (False, "unknown_session")


async def test_a_banned_users_token_is_void(house: House) -> None:
    token = await owner_token(house, "wanda")
    mod = await house.enter("host")
    await mod.ask("user_ban", user="wanda")
    assert await refused(house, "wanda", token=token) == "invalid_token"


# --- gateways


@pytest.mark.usefixtures("rooms")
async def test_sessions_of_the_rooms_gateway_have_a_uuid_for_a_token(house: House) -> None:
    guest = await come(house, "wanda")
    assert str(uuid.UUID(guest.ready["session"])) == guest.ready["session"]
    (session,) = house.world.fanout.sessions_of(user(house, "wanda").id)
    assert (session.gateway, session.joins) == ("rooms", True)
    assert await come(house, "wanda", token=guest.ready["session"])


@pytest.mark.usefixtures("rooms")
async def test_rooms_may_ask_everybody_for_a_token(house: House) -> None:
    configure(house, rooms={"require_token": True})
    assert await refused(house, "wanda") == "token_required"
    configure(house, rooms={"require_token": False})
    assert await come(house, "wanda")


# --- a token that ends takes along who came in with it


async def token_of(guest: Guest, **fields: Any) -> dict[str, Any]:
    return await guest.one("access_token_create", username="ann", **fields)


async def test_session_end_of_a_token_closes_who_came_in_with_it(house: House) -> None:
    ann = await house.enter("ann")
    made, other = await token_of(ann, device="phone"), await token_of(ann, device="desk")
    phone, desk = await come(house, "ann", token=made["token"]), await come(house, "ann", token=other["token"])
    assert (await ann.one("session_end", id=made["id"]))["ended"] is True
    phone.read()
    assert phone.packets[-1] == {"cmd": "disconnect", "reason": "Session ended"}
    assert phone.close_code == 1000
    assert desk.close_code is ann.close_code is None
    assert len((await ann.one("sessions_list"))["sessions"]) == 3, "hers, the desk's, and the desk's token"


async def test_session_end_of_a_token_ends_a_session_that_was_resumed_behind_it(house: House) -> None:
    ann, before = await house.enter("ann"), await house.enter("ann")
    made = await token_of(ann, device="phone")
    before.lose()
    await house.quiet()
    phone = await come(house, "ann", token=made["token"])
    assert (await phone.ask("resume", session=before.ready["session"], after=before.ready["seq"]))[-1]["recovered"]
    await ann.one("session_end", id=made["id"])
    phone.read()
    assert phone.close_code == 1000
    assert [entry["current"] for entry in (await ann.one("sessions_list"))["sessions"]] == [True]


async def test_session_end_of_a_token_ends_what_a_guest_could_come_back_with(house: House) -> None:
    token = await owner_token(house, "wanda")
    first = await come(house, "wanda", token=token)
    second = await come(house, "wanda", token=first.ready["session"])
    first.lose()
    await house.quiet()
    listed = (await second.one("sessions_list"))["sessions"]
    await second.ask("session_end", id=next(entry["id"] for entry in listed if entry["token"]))
    assert second.close_code == 1000
    for secret in (first.ready["session"], second.ready["session"]):
        assert await refused(house, "wanda", token=secret) == "invalid_token"


async def test_access_token_create_for_the_own_device_binds_the_session(house: House) -> None:
    browser, desk = await house.enter("ann"), await house.enter("ann")
    await token_of(browser, device="browser", here=True)
    newer = await token_of(browser, device="browser", here=True)
    bot = await token_of(browser, device="bot")
    await desk.one("session_end", id=bot["id"])
    assert browser.close_code is None, "a token for something else is none of its own"
    await desk.one("session_end", id=newer["id"])
    assert browser.close_code == 1000


async def test_access_token_create_in_place_of_another_keeps_who_came_in_with_that(house: House) -> None:
    ann = await house.enter("ann")
    tab = await come(house, "ann", token=(await token_of(ann, device="browser"))["token"])
    newer = await token_of(ann, device="browser")
    assert tab.close_code is None
    await ann.one("session_end", id=newer["id"])
    assert tab.close_code == 1000


async def test_access_token_end_needs_nothing_but_the_token(house: House) -> None:
    ann, stranger = await house.enter("ann"), house.guest()
    made = await token_of(ann, device="phone")
    phone = await come(house, "ann", token=made["token"])
    assert await stranger.one("access_token_end", token=made["token"]) == {"cmd": "access_token_end", "ended": True}
    phone.read()
    assert phone.packets[-1] == {"cmd": "disconnect", "reason": "Session ended"}
    assert await refused(house, "ann", token=made["token"]) == "invalid_token"
    for other in (made["token"], ann.ready["session"], "x"):
        assert (await stranger.one("access_token_end", token=other))["ended"] is False
    assert (await ann.one("ping"))["cmd"] == "pong"
    assert (await ann.one("access_token_end", token="x"))["code"] == "already_logged_in"


async def test_access_token_create_binds_nobody_else(house: House) -> None:
    host = await house.enter("host")
    made = await host.one("access_token_create", username="ann", here=True)
    ann = await house.enter("ann")
    await ann.one("session_end", id=made["id"])
    assert host.close_code is None


async def test_a_session_of_originchats_does_not_join(house: House) -> None:
    guest = await come(house, "wanda")
    (session,) = house.world.fanout.sessions_of(user(house, "wanda").id)
    assert (session.gateway, session.joins) == ("", False)
    assert len(guest.ready["session"]) >= 22


async def test_each_gateway_has_its_lifetime_of_sessions(house: House) -> None:
    configure(house, sessions={"timeout_s": 5}, chat_api={"session_timeout_s": 7}, rooms={"token_days": 2})
    assert session_lifetimes_s(house.world.config) == {"": 5, "rooms": 5, "chat_api": 7, "token": 2 * DAY_S}
