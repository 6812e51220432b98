"""auth: members whom the identity service knows."""

from __future__ import annotations

import pytest

from handlers.rotur import RoturUser
from tests.support.community import edit, user_id
from tests.support.entering import Service, attempt, let_in, on_disk, refused
from tests.support.house import House

pytestmark = pytest.mark.anyio


async def test_auth_makes_a_member_the_first_time(house: House, service: Service) -> None:
    ben, guest = await house.enter("ben"), house.guest()
    await house.quiet()
    key = guest.packets[0]["val"]["validator_key"]
    packets = await guest.ask("auth", validator="good", listener="l1")
    assert [packet["cmd"] for packet in packets] == ["auth_success", "ready", "user_join", "user_connect"]
    assert service.asked == [(key, "good")], "with the key of this connection"
    assert packets[1]["user"]["username"] == "Roy"
    assert packets[1]["user"].get("cracked") is not True
    assert "user_join" in ben.names()
    assert on_disk(house)["1001"]["username"] == "Roy"
    ready = await let_in(house, "auth", validator="good")
    assert ready["user"]["username"] == "Roy"


async def test_auth_follows_a_new_name(house: House, service: Service) -> None:
    await let_in(house, "auth", validator="good")
    service.known["good"] = RoturUser(id="1001", username="Roland")
    packets = await attempt(house, "auth", validator="good")
    assert packets[1]["user"]["username"] == "Roland"
    assert "user_updated" in [packet["cmd"] for packet in packets]
    assert on_disk(house)["1001"]["username"] == "Roland"


async def test_auth_follows_a_name_that_changed_only_its_case(house: House, service: Service) -> None:
    await let_in(house, "auth", validator="good")
    service.known["good"] = RoturUser(id="1001", username="ROY")
    assert (await let_in(house, "auth", validator="good"))["user"]["username"] == "ROY"


async def test_auth_takes_the_place_of_a_member_of_whom_only_the_name_was_known(house: House, service: Service) -> None:
    placeholders = {
        "roy": {"roles": ["moderator", "user"], "nickname": "old roy", "placeholder": True},
        "zed": {"roles": [], "banned": True, "placeholder": True},
    }
    edit(house.folder / "users.json", lambda users: users.update(placeholders))
    house.world.journal.look(lambda operation: None)
    await house.quiet()
    ready = await let_in(house, "auth", validator="good")
    assert (ready["user"]["roles"], ready["user"]["nickname"]) == (["moderator", "user"], "old roy")
    assert "roy" not in on_disk(house)
    assert "placeholder" not in on_disk(house)["1001"]
    service.known["other"] = RoturUser(id="1002", username="zed")
    assert (await refused(house, "auth", validator="other"))["code"] == "banned"
    assert "zed" in on_disk(house)


async def test_auth_lets_nobody_in_under_the_name_of_another(house: House, service: Service) -> None:
    await let_in(house, "auth", validator="good")
    service.known["other"] = RoturUser(id="1002", username="rOY")
    packet = await refused(house, "auth", validator="other")
    assert packet["code"] == "name_taken"
    assert "1002" not in on_disk(house)


async def test_auth_refuses_an_invalid_validator(house: House, service: Service) -> None:
    packet = await refused(house, "auth", validator="bad")
    assert packet["code"] == "invalid_authentication"
    assert packet["val"] == "Invalid authentication"


async def test_auth_is_throttled_per_address(house: House, service: Service) -> None:
    for _ in range(5):
        await refused(house, "auth", validator="bad")
    assert (await refused(house, "auth", validator="good"))["code"] == "too_many_tries"
    await let_in(house, "auth", "203.0.113.10", validator="good")


async def test_auth_that_cannot_be_asked_does_not_count(house: House, service: Service) -> None:
    for _ in range(10):
        packet = await refused(house, "auth", validator="down")
        assert packet["code"] == "rotur_unavailable"
    await let_in(house, "auth", validator="good")


@pytest.mark.parametrize(
    "found",
    [
        RoturUser(id=user_id("ann"), username="Roy"),
        RoturUser(id="1002", username=user_id("ann")),
        RoturUser(id="1002", username="usr:LOCAL_zoe"),
        RoturUser(id="guest:00000001:x", username="Roy"),
    ],
)
async def test_auth_never_opens_or_imitates_a_local_account(house: House, service: Service, found: RoturUser) -> None:
    service.known["good"] = found
    assert (await refused(house, "auth", validator="good"))["code"] == "invalid_authentication"


@pytest.mark.parametrize(
    "found",
    [
        RoturUser(id="originChats", username="Roy"),
        RoturUser(id="1002", username="OriginChats"),
        RoturUser(id="1002", username="\uff4friginchats"),
        RoturUser(id="1002", username="plugin:automod"),
        RoturUser(id="1002", username="News (Webhook)"),
    ],
)
async def test_auth_lets_nobody_in_as_the_server_or_a_program(house: House, service: Service, found: RoturUser) -> None:
    service.known["good"] = found
    assert (await refused(house, "auth", validator="good"))["code"] == "name_taken"
    assert found.id not in on_disk(house)


async def test_auth_keeps_the_old_name_of_who_is_called_like_the_server_now(house: House, service: Service) -> None:
    await let_in(house, "auth", validator="good")
    service.known["good"] = RoturUser(id="1001", username="originChats")
    ready = await let_in(house, "auth", validator="good")
    assert ready["user"]["username"] == "Roy"


async def test_auth_of_a_banned_member_is_refused(house: House, service: Service) -> None:
    await let_in(house, "auth", validator="good")
    edit(house.folder / "users.json", lambda users: users["1001"].update(banned=True))
    house.world.journal.look(lambda operation: None)
    await house.quiet()
    assert (await refused(house, "auth", validator="good"))["code"] == "banned"
