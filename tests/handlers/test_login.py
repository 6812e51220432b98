"""auth, login, register, claim_owner: who gets in, what is told, and what it costs to guess."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import bcrypt
import msgspec
import pytest

from db.group import Group
from handlers import rotur
from handlers.passwords import Busy, PasswordPool, hash_password
from handlers.rotur import RoturUnavailable, RoturUser
from protocol.errors import Code
from tests.support.community import PASSWORD, account, edit, user_id, write_community
from tests.support.house import Guest, House, Packet, Passwords, open_house

pytestmark = pytest.mark.anyio
CODE = "ABCD-EFGH-JKLM"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as house:
        house.world.claim.code = CODE
        yield house


@pytest.fixture
async def real(house: House) -> AsyncIterator[House]:
    """With real password hashes."""
    pool = PasswordPool()
    house.world.passwords, house.hashes = pool, True
    yield house
    pool.stop()


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[House]:
    """Nobody is there yet, and so there is no owner."""
    async with open_house(tmp_path, users={}) as house:
        yield house


class Service:
    """In place of the identity service: who a validator stands for."""

    def __init__(self) -> None:
        self.known: dict[str, RoturUser] = {"good": RoturUser(id="1001", username="Roy")}
        self.asked: list[tuple[str, str]] = []

    async def validate(self, url: str, key: str, validator: str, timeout_s: float) -> RoturUser | None:
        self.asked.append((key, validator))
        await asyncio.sleep(0)
        if validator == "down":
            raise RoturUnavailable("no answer in time")
        return self.known.get(validator)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    service = Service()
    monkeypatch.setattr(rotur, "validate", service.validate)
    return service


async def attempt(house: House, cmd: str, address: str = "203.0.113.9", **fields: Any) -> list[Packet]:
    """What a new connection is answered; presence of oneself aside."""
    guest = house.guest(address)
    packets = await guest.ask(cmd, **fields)
    return [packet for packet in packets if packet["cmd"] not in ("user_connect", "status_get")]


async def refused(house: House, cmd: str, address: str = "203.0.113.9", **fields: Any) -> Packet:
    (packet,) = await attempt(house, cmd, address, listener="l1", **fields)
    assert packet["cmd"] == "auth_error"
    assert packet["listener"] == "l1"
    return packet


async def let_in(house: House, cmd: str, address: str = "203.0.113.9", **fields: Any) -> Packet:
    """The `ready` packet."""
    packets = await attempt(house, cmd, address, **fields)
    assert [packet["cmd"] for packet in packets][:2] == ["auth_success", "ready"], packets
    return packets[1]


def set_mode(house: House, mode: str, **cracked: Any) -> None:
    path = house.world.live.path
    edit(path, lambda config: config.update(auth_mode=mode, cracked=cracked))
    house.community.reload_config()


def on_disk(house: House) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((house.folder / "users.json").read_text())
    return found


def passwords_of(house: House) -> Passwords:
    return cast("Passwords", house.world.passwords)


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


# --- register


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


# --- auth


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


# --- the claim code


async def claimed(house: House, cmd: str, service: Service) -> Packet:
    code = house.world.claim.code
    fields: dict[str, dict[str, str]] = {
        "auth": {"validator": "good"},
        "register": {"username": "zoe", "password": "good enough"},
    }
    return await let_in(house, cmd, claim=code, **fields[cmd])


@pytest.mark.parametrize("cmd", ["auth", "register"])
async def test_auth_and_register_with_the_claim_code_make_the_owner(empty: House, service: Service, cmd: str) -> None:
    code = empty.world.claim.code
    assert code
    ready = await claimed(empty, cmd, service)
    assert ready["user"]["roles"] == ["owner", "user"]
    assert next(iter(on_disk(empty).values()))["roles"] == ["owner", "user"]
    assert empty.world.claim.code is None
    packet = await refused(empty, "register", username="second", password="good enough", claim=code)
    assert packet["code"] == "wrong_claim"
    assert empty.world.users.get(user_id("second")) is None


async def test_login_with_the_claim_code_makes_the_owner(empty: House) -> None:
    await let_in(empty, "register", username="zoe", password="good enough")
    ready = await let_in(empty, "login", username="zoe", password=PASSWORD, claim=f" {empty.world.claim.code} ".lower())
    assert ready["user"]["roles"] == ["owner", "user"]


async def test_claim_owner_makes_the_caller_owner_and_tells_everybody(empty: House) -> None:
    zoe, other = empty.guest(), empty.guest()
    await zoe.ask("register", username="zoe", password="good enough")
    await other.ask("register", username="other", password="good enough")
    packets = await zoe.ask("claim_owner", code=empty.world.claim.code, listener="l1")
    reply = next(packet for packet in packets if packet["cmd"] == "claim_owner")
    assert (reply["roles"], reply["listener"]) == (["owner", "user"], "l1")
    other.read()
    assert next(packet for packet in other.packets if packet["cmd"] == "user_roles_get")["roles"] == ["owner", "user"]
    assert "channels_get" in [packet["cmd"] for packet in packets]
    error = await other.one("claim_owner", code="ABCD-EFGH-JKLM")
    assert error["code"] == "wrong_claim"


async def test_claim_owner_is_throttled(empty: House) -> None:
    zoe = empty.guest()
    await zoe.ask("register", username="zoe", password="good enough")
    for _ in range(5):
        assert (await zoe.one("claim_owner", code="WRON-GWRO-NGWR"))["code"] == "wrong_claim"
    assert (await zoe.one("claim_owner", code=empty.world.claim.code))["code"] == "too_many_tries"
    assert not empty.world.users.with_role("owner")


async def test_claim_owner_by_two_at_once_makes_one(empty: House) -> None:
    first, second = empty.guest(), empty.guest()
    await first.ask("register", username="first", password="good enough")
    await second.ask("register", username="second", password="good enough")
    code = empty.world.claim.code
    with empty.held():
        for guest in (first, second):
            guest.send("claim_owner", code=code)
    await empty.quiet()
    assert [user.id for user in empty.world.users.with_role("owner")] == [user_id("first")]


async def test_claim_owner_that_cannot_be_stored_leaves_the_code_valid(
    empty: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoe = empty.guest()
    await zoe.ask("register", username="zoe", password="good enough")
    commit = Group.commit

    def broken(group: Group) -> Any:
        if not group.connection.in_transaction():
            return commit(group)
        group.rollback()
        raise OSError(28, "No space left on device")

    code = empty.world.claim.code
    with monkeypatch.context() as patched:
        patched.setattr(Group, "commit", broken)
        assert (await zoe.one("claim_owner", code=code))["code"] == "unavailable"
    assert not empty.world.users.with_role("owner")
    assert "claim_owner" in [packet["cmd"] for packet in await zoe.ask("claim_owner", code=code)]


async def test_login_with_a_wrong_claim_code_is_refused_as_a_whole(house: House) -> None:
    packet = await refused(house, "login", username="ann", password=PASSWORD, claim="WRON-GWRO-NGWR")
    assert packet["code"] == "wrong_claim"
    assert not house.world.fanout.is_online(user_id("ann"))


# --- a guest is a guest


async def test_login_secrets_are_in_no_file_and_no_other_packet(house: House) -> None:
    ben: Guest = await house.enter("ben")
    ready = await let_in(house, "login", username="ann", password=PASSWORD)
    ben.read()
    assert ready["session"] not in json.dumps(ben.packets)
    await house.quiet()
    for path in filter(Path.is_file, house.folder.rglob("*")):
        assert ready["session"].encode() not in path.read_bytes(), path.name
