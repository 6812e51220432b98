"""Passwords of local accounts: changed by their owners, given anew by the owner of the server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from handlers.passwords import hash_password
from tests.support.community import PASSWORD, user_id
from tests.support.house import Guest, House, open_house

pytestmark = pytest.mark.anyio
NEW = "battery staple"


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    async with open_house(tmp_path) as house:
        passwords = house.world.passwords

        async def make(password: str) -> str:
            return f"hash of {password}"

        async def check(stored: str | None, password: str) -> bool:
            own = not (stored or "").startswith("hash of ")
            return stored == f"hash of {password}" or (own and password == PASSWORD)

        monkeypatch.setattr(passwords, "hash", make)
        monkeypatch.setattr(passwords, "check", check)
        monkeypatch.setattr("handlers.login.needs_rehash", lambda stored: False)
        yield house


async def change(guest: Guest, old: str = PASSWORD, new: str = NEW) -> dict[str, Any]:
    (packet,) = await guest.ask("password_change", old_password=old, new_password=new)
    return dict(packet)


async def logs_in(house: House, name: str, password: str) -> bool:
    guest = house.guest("198.51.100.7")
    (first, *_) = await guest.ask("login", username=name, password=password)
    return bool(first["cmd"] == "auth_success")


async def test_password_change_replaces_the_password(house: House) -> None:
    ann = await house.enter("ann")
    assert await change(ann) == {"cmd": "password_change", "ended": 0}
    assert not await logs_in(house, "ann", PASSWORD)
    assert await logs_in(house, "ann", NEW)


async def test_password_change_ends_every_other_session_and_token(house: House) -> None:
    ann, other, ben = await house.enter("ann"), await house.enter("ann"), await house.enter("ben")
    token = next(p["token"] for p in await ann.ask("access_token_create", username="ann") if "token" in p)
    assert (await change(ann))["ended"] == 2
    await house.quiet()
    assert [packet["cmd"] for packet in other.packets][-1:] == ["disconnect"]
    assert other.packets[-1]["reason"] == "Your password was changed"
    assert (await house.guest().ask("guest_login", username="ann", token=token))[0]["code"] == "invalid_token"
    assert (await ann.ask("ping"))[0]["cmd"] == (await ben.ask("ping"))[0]["cmd"] == "pong"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [("wrong", NEW, "invalid_password"), (PASSWORD, "abc", "bad_password_length"),
     (PASSWORD, "x" * 129, "bad_password_length"), ("x" * 2000, NEW, "bad_value")],
)  # fmt: skip
async def test_password_change_refuses(house: House, old: str, new: str, code: str) -> None:
    ann = await house.enter("ann")
    assert (await change(ann, old, new))["code"] == code
    assert await logs_in(house, "ann", PASSWORD)


async def test_password_change_is_no_way_to_guess(house: House) -> None:
    ann = await house.enter("ann")
    most = house.world.config.limits.login_tries_per_minute
    codes = [(await change(ann, "wrong"))["code"] for _ in range(most + 1)]
    assert codes == ["invalid_password"] * most + ["too_many_tries"]
    assert (await change(ann))["code"] == "too_many_tries"


async def test_password_change_is_for_those_who_have_one(house: House) -> None:
    guest = house.guest()
    await guest.ask("guest_login", username="Wanda")
    assert (await change(guest))["code"] == "no_password"


async def test_password_reset_tells_a_new_password_once(house: House) -> None:
    host, ann = await house.enter("host"), await house.enter("ann")
    answers = await host.ask("password_reset", user="usr:local_ann")
    packet = next(packet for packet in answers if packet["cmd"] == "password_reset")
    assert (packet["cmd"], packet["user"]) == ("password_reset", user_id("ann"))
    await house.quiet()
    assert ann.packets[-1]["cmd"] == "disconnect"
    assert len(packet["password"]) == 16
    assert not await logs_in(house, "ann", PASSWORD)
    assert await logs_in(house, "ann", packet["password"])
    log = next(p for p in await host.ask("modlog_get") if p["cmd"] == "modlog_get")
    entry = next(entry for entry in log["entries"] if entry["action"] == "password_reset")
    assert packet["password"] not in str(entry)


@pytest.mark.parametrize(
    ("who", "whom", "code"),
    [
        ("ann", "ben", "permission_required"),
        ("mod", "ben", "permission_required"),
        ("host", "host", "not_yourself"),
        ("host", "nobody", "user_not_found"),
    ],
)
async def test_password_reset_refuses(house: House, who: str, whom: str, code: str) -> None:
    guest = await house.enter(who)
    assert (await guest.ask("password_reset", user=user_id(whom)))[0]["code"] == code


async def test_password_reset_gives_no_password_to_whom_another_service_knows(house: House) -> None:
    ben = house.world.users.get(user_id("ben"))
    assert ben is not None
    house.world.users.put(msgspec.structs.replace(ben, password_hash=None))
    host = await house.enter("host")
    assert (await host.ask("password_reset", user=ben.id))[0]["code"] == "no_password"


def test_a_changed_password_is_stored_as_argon2id() -> None:
    assert hash_password(NEW).startswith("$argon2id$")
