"""Access tokens: made for oneself or for others, how long they hold a name, and what ends with them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.handlers.newcomers import come, configure, expire, owner_token, refused, user
from tests.support.community import user_id
from tests.support.house import Guest, House
from upkeep import DAY_S

pytestmark = pytest.mark.anyio
CONFIG = {"limits": {"registrations_per_minute": 100}}


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


async def test_access_token_end_tries_of_an_address_are_counted(house: House) -> None:
    stranger, most = house.guest(), house.world.config.limits.login_tries_per_minute
    for number in range(most):
        assert (await stranger.one("access_token_end", token=f"guess {number}"))["ended"] is False
    answer = await stranger.one("access_token_end", token="one more")
    assert (answer["cmd"], answer["code"]) == ("auth_error", "too_many_tries")


async def test_access_token_create_binds_nobody_else(house: House) -> None:
    host = await house.enter("host")
    made = await host.one("access_token_create", username="ann", here=True)
    ann = await house.enter("ann")
    await ann.one("session_end", id=made["id"])
    assert host.close_code is None
