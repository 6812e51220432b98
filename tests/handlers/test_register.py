"""register: new members, and which ways in each mode leaves open."""

from __future__ import annotations

import json
from typing import Any

import pytest

from db.group import Group
from tests.support.community import PASSWORD, edit, user_id
from tests.support.entering import Service, let_in, on_disk, refused, set_mode
from tests.support.house import House

pytestmark = pytest.mark.anyio


async def test_register_makes_a_member_and_logs_it_in(house: House) -> None:
    ben, guest = await house.enter("ben"), house.guest()
    packets = await guest.ask("register", username="New-One", password="a good one", listener="l1")
    assert [packet["cmd"] for packet in packets] == ["auth_success", "ready", "user_join", "user_connect"]
    assert packets[1]["user"]["username"] == user_id("new-one")
    assert packets[1]["user"]["nickname"] == "new-one"
    ben.read()
    joined = next(packet for packet in ben.packets if packet["cmd"] == "user_join")
    assert joined["user"]["username"] == user_id("new-one")
    assert "password" not in json.dumps(ben.packets)
    record = on_disk(house)[user_id("new-one")]
    assert record["roles"] == ["user"]
    assert record["joined_at"] == house.clock.now
    assert record["password_hash"].startswith("$argon2id$")


@pytest.mark.parametrize(
    ("name", "password", "code"),
    [
        ("", "good enough", "credentials_required"),
        ("zoe", "", "credentials_required"),
        ("z", "good enough", "bad_name_length"),
        ("z" * 33, "good enough", "bad_name_length"),
        ("zoe smith", "good enough", "bad_name"),
        ("zoe!", "good enough", "bad_name"),
        ("zoe:x", "good enough", "bad_name"),
        ("../zoe", "good enough", "bad_name"),
        ("zoe\u202e", "good enough", "bad_name"),
        ("zoe", "123", "bad_password_length"),
        ("zoe", "x" * 129, "bad_password_length"),
        ("ann", "good enough", "name_taken"),
        ("ANN", "good enough", "name_taken"),
        ("USR:local_ann", "good enough", "name_taken"),
        ("\uff41nn", "good enough", "name_taken"),
        ("originChats", "good enough", "name_taken"),
        ("USR:local_ORIGINCHATS", "good enough", "name_taken"),
    ],
)
async def test_register_refuses_what_cannot_be_an_account(house: House, name: str, password: str, code: str) -> None:
    before = on_disk(house)
    assert (await refused(house, "register", username=name, password=password))["code"] == code
    assert on_disk(house) == before


@pytest.mark.parametrize("name", ["zo", "z" * 32, "z\u00f6e", "\u0438\u0432\u0430\u043d", "a-b_c", "007"])
async def test_register_takes_names_of_2_to_32_letters(house: House, name: str) -> None:
    ready = await let_in(house, "register", username=name, password="1234")
    assert ready["user"]["username"] == user_id(name)


async def test_register_does_not_take_the_name_of_a_rotur_member(house: House) -> None:
    edit(house.folder / "users.json", lambda users: users.update({"2002": {"username": "Rita", "roles": ["user"]}}))
    house.world.journal.look(lambda operation: None)
    await house.quiet()
    assert (await refused(house, "register", username="rita", password="good enough"))["code"] == "name_taken"


async def test_register_of_one_name_by_two_at_once_makes_one(house: House) -> None:
    first, second = house.guest("203.0.113.1"), house.guest("203.0.113.2")
    for guest in (first, second):
        guest.send("register", username="zoe", password="good enough")
    await house.quiet()
    assert "ready" in first.names()
    assert second.packets[-1]["code"] == "name_taken"


async def test_register_is_throttled_per_address_whatever_comes_of_it(house: House) -> None:
    for number in range(10):
        await let_in(house, "register", username=f"new{number}", password="good enough")
    packet = await refused(house, "register", username="new10", password="good enough")
    assert packet["code"] == "too_many_tries"
    await let_in(house, "register", "203.0.113.10", username="new10", password="good enough")
    house.clock.now += 61
    await let_in(house, "register", username="new11", password="good enough")


async def test_register_gives_the_roles_of_the_settings(house: House) -> None:
    set_mode(house, "cracked", default_roles=["guest", "user"])
    ready = await let_in(house, "register", username="zoe", password="good enough")
    assert ready["user"]["roles"] == ["guest", "user"]


async def test_register_that_cannot_be_stored_leaves_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = Group.commit

    def broken(group: Group) -> Any:
        if not group.connection.in_transaction():
            return commit(group)
        group.rollback()
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Group, "commit", broken)
        packet = await refused(house, "register", username="zoe", password="good enough")
    assert packet["code"] == "unavailable"
    assert house.world.users.get(user_id("zoe")) is None
    assert user_id("zoe") not in on_disk(house)
    await let_in(house, "register", username="zoe", password="good enough")


# --- modes


@pytest.mark.parametrize(
    ("mode", "allow", "codes"),
    [
        ("cracked", True, (None, None, None)),
        ("cracked", False, (None, None, "registration_disabled")),
        ("cracked-only", True, ("rotur_disabled", None, None)),
        ("rotur", True, (None, "auth_required", "auth_required")),
    ],
)
async def test_auth_login_and_register_by_mode(
    house: House, service: Service, mode: str, allow: bool, codes: tuple[str | None, ...]
) -> None:
    set_mode(house, mode, allow_registration=allow)
    tries: list[tuple[str, dict[str, str]]] = [
        ("auth", {"validator": "good"}),
        ("login", {"username": "ann", "password": PASSWORD}),
        ("register", {"username": "zoe", "password": "good enough"}),
    ]
    for (cmd, fields), code in zip(tries, codes, strict=True):
        if code is None:
            await let_in(house, cmd, **fields)
        else:
            assert (await refused(house, cmd, **fields))["code"] == code
