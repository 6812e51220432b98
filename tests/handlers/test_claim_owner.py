"""The claim code, with each way in and with claim_owner."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from db.group import Group
from tests.support.community import PASSWORD, user_id
from tests.support.entering import Service, let_in, on_disk, refused
from tests.support.house import House, Packet, open_house

pytestmark = pytest.mark.anyio


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[House]:
    """Nobody is there yet, and so there is no owner."""
    async with open_house(tmp_path, users={}) as house:
        yield house


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
    house.world.claim.code = "ABCD-EFGH-JKLM"
    packet = await refused(house, "login", username="ann", password=PASSWORD, claim="WRON-GWRO-NGWR")
    assert packet["code"] == "wrong_claim"
    assert not house.world.fanout.is_online(user_id("ann"))
