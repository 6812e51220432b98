"""login: who gets in with a password, what is told, and what it costs to guess."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import bcrypt
import msgspec
import pytest

from handlers.passwords import Busy, PasswordPool, hash_password
from protocol.errors import Code
from tests.support.community import PASSWORD, account, edit, user_id, write_community
from tests.support.entering import let_in, on_disk, passwords_of, refused
from tests.support.house import Guest, House, open_house

pytestmark = pytest.mark.anyio


@pytest.fixture
async def real(house: House) -> AsyncIterator[House]:
    """With real password hashes."""
    pool = PasswordPool()
    house.world.passwords, house.hashes = pool, True
    yield house
    pool.stop()


# --- login


async def test_login_answers_with_auth_success_and_ready(house: House) -> None:
    guest = house.guest()
    success, ready, *others = await guest.ask("login", username="ann", password=PASSWORD, listener="l1")
    assert success == {"cmd": "auth_success", "val": "Authentication successful", "listener": "l1"}
    assert ready["listener"] == "l1"
    assert ready["user"]["username"] == user_id("ann")
    assert ready["user"]["roles"] == ["user"]
    assert ready["user"]["cracked"] is True
    assert ready["seq"] == house.world.fanout.position
    assert len(ready["session"]) >= 22, "128 bits and more"
    assert [packet["cmd"] for packet in others] == ["user_connect"]


@pytest.mark.parametrize("name", ["ann", "ANN", " ann ", "USR:local_ann", "usr:LOCAL_Ann", "\uff41\uff4e\uff4e"])
async def test_login_by_any_spelling_of_the_name(house: House, name: str) -> None:
    ready = await let_in(house, "login", username=name, password=PASSWORD)
    assert ready["user"]["username"] == user_id("ann")


async def test_login_gives_every_device_its_own_session(house: House) -> None:
    first, second = [await let_in(house, "login", username="ann", password=PASSWORD) for _ in range(2)]
    assert first["session"] != second["session"]


@pytest.mark.parametrize(
    "fields",
    [{"username": "", "password": "x"}, {"username": "ann", "password": ""}, {"username": " ", "password": "x"}],
)
async def test_login_needs_both(house: House, fields: dict[str, str]) -> None:
    assert (await refused(house, "login", **fields))["code"] == "credentials_required"


async def test_login_that_failed_may_be_tried_again_on_the_same_connection(house: House) -> None:
    guest = house.guest()
    (error,) = await guest.ask("login", username="ann", password="wrong")
    assert error["cmd"] == "auth_error"
    assert (await guest.ask("login", username="ann", password=PASSWORD))[0]["cmd"] == "auth_success"


async def test_login_does_not_tell_who_exists(house: House) -> None:
    """The same packet, and the same work, for a wrong password, nobody, and an account without a password."""
    edit(house.folder / "users.json", lambda users: users.update({"2002": {"username": "rita", "roles": ["user"]}}))
    house.world.journal.look(lambda operation: None)
    await house.quiet()
    answers = [
        await refused(house, "login", username=name, password="wrong password")
        for name in ("ann", "nobody", "rita", "x" * 200)
    ]
    assert answers == [answers[0]] * 4
    assert answers[0]["val"] == Code.INVALID_PASSWORD.value
    assert [password for _, password in passwords_of(house).checked] == ["wrong password"] * 4


async def test_login_takes_the_same_hashing_for_unknown_people(real: House, monkeypatch: pytest.MonkeyPatch) -> None:
    import handlers.passwords as module

    checked: list[str] = []
    check = module.check_password

    def watched(stored: str, password: str) -> bool:
        checked.append(stored)
        return check(stored, password)

    monkeypatch.setattr(module, "check_password", watched)
    for name in ("ann", "nobody"):
        await refused(real, "login", username=name, password="wrong password")
    known, unknown = checked
    assert known.split("$")[:4] == unknown.split("$")[:4], "the same algorithm at the same cost"


async def test_login_of_somebody_deleted_meanwhile_is_refused(house: House) -> None:
    gate = passwords_of(house).hold()
    guest = house.guest()
    guest.send("login", username="ann", password=PASSWORD)
    await house.turns()
    house.world.users.remove(user_id("ann"))
    house.world.documents.take_changes()
    gate.set()
    await house.quiet()
    assert guest.packets[-1]["code"] == "invalid_password"


async def test_login_with_a_password_changed_meanwhile_is_refused(house: House) -> None:
    gate = passwords_of(house).hold()
    guest = house.guest()
    guest.send("login", username="ann", password=PASSWORD)
    await house.turns()
    user = house.world.users.get(user_id("ann"))
    assert user is not None
    house.world.users.put(msgspec.structs.replace(user, password_hash="another"))
    house.world.documents.take_changes()
    gate.set()
    await house.quiet()
    assert guest.packets[-1]["code"] == "invalid_password"


async def test_login_of_a_banned_member_is_told_only_after_the_right_password(house: House) -> None:
    edit(house.folder / "users.json", lambda users: users[user_id("ann")].update(banned=True))
    house.world.journal.look(lambda operation: None)
    await house.quiet()
    assert (await refused(house, "login", username="ann", password="wrong"))["code"] == "invalid_password"
    packet = await refused(house, "login", username="ann", password=PASSWORD)
    assert packet["code"] == "banned"
    assert "Access denied: You are banned from this server" in packet["val"]
    assert not house.world.fanout.is_online(user_id("ann"))


async def test_login_while_too_many_wait_is_refused(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def busy(stored: str | None, password: str) -> bool:
        raise Busy

    monkeypatch.setattr(house.world.passwords, "check", busy)
    assert (await refused(house, "login", username="ann", password=PASSWORD))["code"] == "too_busy"


# --- password hashes


async def test_login_replaces_a_bcrypt_hash(tmp_path: Path) -> None:
    folder = write_community(tmp_path, users={"ann": ("user",)})
    old = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    record = account("ann", password_hash=old)
    async with open_house(folder, users={}) as house:
        pool = PasswordPool()
        house.world.passwords, house.hashes = pool, True
        edit(house.folder / "users.json", lambda users: users.update({user_id("ann"): record}))
        house.world.journal.look(lambda operation: None)
        await house.quiet()
        assert (await refused(house, "login", username="ann", password="wrong"))["code"] == "invalid_password"
        assert on_disk(house)[user_id("ann")]["password_hash"] == old
        for _ in range(2):
            guest = house.guest()
            guest.send("login", username="ann", password=PASSWORD)
            await house.quiet()
            assert "ready" in guest.names()
            new = on_disk(house)[user_id("ann")]["password_hash"]
            assert new.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        pool.stop()


async def test_login_with_a_current_hash_writes_nothing(real: House) -> None:
    edit(real.folder / "users.json", lambda users: users[user_id("ann")].update(password_hash=hash_password("pw pw")))
    real.world.journal.look(lambda operation: None)
    await real.quiet()
    before = (real.folder / "users.json").stat().st_mtime_ns
    guest = real.guest()
    guest.send("login", username="ann", password="pw pw")
    await real.quiet()
    assert "ready" in guest.names()
    assert (real.folder / "users.json").stat().st_mtime_ns == before


# --- the throttle


async def test_login_is_throttled_per_account_from_all_addresses(house: House) -> None:
    for number in range(5):
        packet = await refused(house, "login", f"203.0.113.{number}", username="ann", password="wrong")
        assert packet["code"] == "invalid_password"
    packet = await refused(house, "login", "203.0.113.100", username="ann", password=PASSWORD)
    assert packet["code"] == "too_many_tries"
    assert "Rate limit" in packet["val"]
    assert "60" in packet["val"] or "61" in packet["val"]
    await let_in(house, "login", "203.0.113.100", username="ben", password=PASSWORD)
    house.clock.now += 61
    await let_in(house, "login", username="ann", password=PASSWORD)


async def test_login_is_throttled_per_address_for_all_accounts(house: House) -> None:
    for number in range(5):
        await refused(house, "login", username=f"guess{number}", password="wrong")
    assert (await refused(house, "login", username="ben", password=PASSWORD))["code"] == "too_many_tries"
    await let_in(house, "login", "203.0.113.10", username="ben", password=PASSWORD)


async def test_login_is_throttled_for_people_who_do_not_exist_as_well(house: House) -> None:
    for number in range(5):
        await refused(house, "login", f"203.0.113.{number}", username="nobody", password="wrong")
    packet = await refused(house, "login", "203.0.113.100", username="nobody", password="wrong")
    assert packet["code"] == "too_many_tries"


async def test_login_tries_under_way_count_for_each_other(house: House) -> None:
    """A burst of tries at once learns no more than five one after the other would."""
    gate = passwords_of(house).hold()
    guests = [house.guest(f"203.0.113.{number}") for number in range(20)]
    for guest in guests:
        guest.send("login", username="ann", password="wrong")
    right = house.guest("203.0.113.200")
    right.send("login", username="ann", password=PASSWORD)
    await house.turns()
    gate.set()
    await house.quiet()
    codes = [guest.packets[-1]["code"] for guest in guests]
    assert codes.count("invalid_password") == 5
    assert codes.count("too_many_tries") == 15
    assert right.packets[-1]["code"] == "too_many_tries", "also the right one learns nothing"


async def test_login_that_works_does_not_count(house: House) -> None:
    for _ in range(10):
        await let_in(house, "login", username="ann", password=PASSWORD)


async def test_login_counts_ipv6_by_the_64(house: House) -> None:
    for number in range(5):
        await refused(house, "login", f"2001:db8::{number + 1}", username=f"g{number}", password="wrong")
    assert (await refused(house, "login", "2001:db8::ffff", username="ann", password="x"))["code"] == "too_many_tries"
    await let_in(house, "login", "2001:db8:0:1::1", username="ann", password=PASSWORD)


# --- secrets


async def test_login_secrets_are_in_no_file_and_no_other_packet(house: House) -> None:
    ben: Guest = await house.enter("ben")
    ready = await let_in(house, "login", username="ann", password=PASSWORD)
    ben.read()
    assert ready["session"] not in json.dumps(ben.packets)
    await house.quiet()
    for path in filter(Path.is_file, house.folder.rglob("*")):
        assert ready["session"].encode() not in path.read_bytes(), path.name
