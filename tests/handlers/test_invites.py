"""invite_*: who makes and sees invitations, and what a code is worth at the door."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from db.invites import Invite
from db.roles import Role
from handlers import login as login_module
from handlers import rotur
from handlers.modlog import oldest_kept
from handlers.rotur import RoturUser
from protocol.audience import Holders
from protocol.errors import Code
from protocol.invites import InviteCreateEvent, InviteDeleteEvent
from tests.handlers.community import empower
from tests.handlers.conftest import Stage
from tests.support.community import edit
from tests.support.house import House, Packet, open_house

ROTUR = {"good": RoturUser(id="1001", username="Roy"), "taken": RoturUser(id="1002", username="USR:local_ann")}


def entries(stage: Stage) -> list[tuple[str, dict[str, Any]]]:
    tx = stage.world.store.begin()
    found, _ = tx.audit.find(oldest=oldest_kept(stage.world.config, 0), channels=None, limit=50, offset=0)
    tx.rollback()
    return [(entry.action, entry.details) for entry in found]


def make(stage: Stage, name: str = "mod", **fields: Any) -> dict[str, Any]:
    invite: dict[str, Any] = stage.answer(name, "invite_create", **fields)["invite"]
    return invite


@pytest.fixture
def inviting(stage: Stage) -> Stage:
    """Members may invite; moderators may pass on roles."""
    empower(stage, "create_invite", role="user")
    empower(stage, "manage_roles", "create_invite")
    return stage


# --- making


def test_invite_create_makes_a_code_and_notes_it_without_the_code(inviting: Stage) -> None:
    made = make(inviting, expires_in_s=3600, max_uses=2, note=" for tea ", roles=["user"])
    now = inviting.world.clock()
    assert made | {"code": ""} == {
        "code": "", "created_by": inviting.id("mod"), "created_at": now, "expires_at": now + 3600, "max_uses": 2,
        "uses": 0, "note": "for tea", "roles": ["user"], "valid": True,
    }  # fmt: skip
    ((action, details),) = entries(inviting)
    assert action == "invite_create"
    assert made["code"] not in json.dumps(details)
    assert inviting.world.invites.get(made["code"]) is not None


def test_invite_create_wants_the_permission_and_an_account(inviting: Stage) -> None:
    assert inviting.refused("guest", "invite_create").fields["permission"] == "create_invite"
    inviting.change_user("ann", guest=True)
    assert inviting.refused("ann", "invite_create").code is Code.ACCOUNT_REQUIRED


def test_invite_create_passes_on_only_roles_below_and_with_manage_roles(inviting: Stage) -> None:
    assert inviting.refused("ann", "invite_create", roles=["user"]).fields["permission"] == "manage_roles"
    assert inviting.refused("mod", "invite_create", roles=["moderator"]).code is Code.ROLE_ABOVE
    assert inviting.refused("mod", "invite_create", roles=["nothing"]).code is Code.ROLE_NOT_FOUND
    for powerful in ("owner", "admin"):
        assert inviting.refused("host", "invite_create", roles=[powerful]).code is Code.ROLE_ABOVE
    assert make(inviting, "host", roles=["moderator"])["roles"] == ["moderator"]
    inviting.world.roles.put(Role(name="helper", id="r9", position=9, permissions=("manage_users",)))
    assert inviting.refused("mod", "invite_create", roles=["helper"]).code is Code.PERMISSION_ABOVE


def test_invite_create_has_a_bound(inviting: Stage) -> None:
    limits = msgspec.structs.replace(inviting.world.config.limits, invites_per_user=1)
    inviting.world.live.current = msgspec.structs.replace(inviting.world.config, limits=limits)
    make(inviting, "ann")
    assert inviting.refused("ann", "invite_create").code is Code.TOO_MANY_INVITES
    make(inviting, "ben")


def test_invites_list_shows_the_own_ones_and_managers_all(inviting: Stage) -> None:
    mine, other = make(inviting, "ann")["code"], make(inviting, "ben")["code"]

    def seen(name: str) -> set[str]:
        return {invite["code"] for invite in inviting.answer(name, "invites_list")["invites"]}

    assert (seen("ann"), seen("mod"), seen("host")) == ({mine}, set(), {mine, other})


def test_invite_delete_is_for_its_maker_and_managers(inviting: Stage) -> None:
    mine, other = make(inviting, "ann")["code"], make(inviting, "ben")["code"]
    assert inviting.refused("ann", "invite_delete", code=other).code is Code.INVITE_NOT_FOUND
    assert inviting.answer("ann", "invite_delete", code=mine) == {"cmd": "invite_delete", "code": mine, "deleted": True}
    inviting.do("host", "invite_delete", code=other)
    assert inviting.refused("host", "invite_delete", code=other).code is Code.INVITE_NOT_FOUND
    assert [action for action, _ in entries(inviting)].count("invite_delete") == 2


def test_who_lists_an_invitation_is_told_when_it_is_made_and_goes(inviting: Stage) -> None:
    code = make(inviting, "ann")["code"]
    for outcome in (inviting.do("ann", "invite_create"), inviting.do("host", "invite_delete", code=code)):
        (event,) = outcome.events
        assert event.audience == Holders(("manage_server",), user=inviting.id("ann"))
        assert isinstance(event.packet, (InviteCreateEvent, InviteDeleteEvent))
        assert not event.packet.durable
    left = inviting.answer("ann", "invites_list")["invites"][0]["code"]
    told = inviting.do("host", "user_delete", user=inviting.id("ann")).events
    assert [event.packet.code for event in told if isinstance(event.packet, InviteDeleteEvent)] == [left]


def test_an_invitation_ends_with_its_maker(inviting: Stage) -> None:
    code = make(inviting, "ann")["code"]
    inviting.change_user("ann", banned=True)
    assert inviting.answer("host", "invites_list")["invites"][0]["valid"] is False
    inviting.do("host", "user_delete", user=inviting.id("ann"))
    assert inviting.world.invites.get(code) is None
    assert inviting.answer("host", "invites_list")["invites"] == []


# --- at the door


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    async def validate(url: str, key: str, validator: str, timeout_s: float) -> RoturUser | None:
        return ROTUR.get(validator)

    monkeypatch.setattr(rotur, "validate", validate)
    async with open_house(tmp_path, config={"registration": "invite"}) as house:
        yield house


async def invite(house: House, name: str = "host", **fields: Any) -> str:
    member = await house.enter(name)
    made = await member.one("invite_create", **fields)
    return str(made["invite"]["code"])


async def try_in(house: House, cmd: str, address: str = "203.0.113.9", **fields: Any) -> str:
    """`ready`, or the code of the refusal."""
    packets = await house.guest(address).ask(cmd, **fields)
    return next(str(packet.get("code", "ready")) for packet in packets if packet["cmd"] in ("auth_error", "ready"))


async def register(house: House, name: str, **fields: Any) -> str:
    return await try_in(house, "register", username=name, password="good enough", **fields)


async def shaken(house: House) -> Packet:
    """The handshake of a new connection."""
    guest = house.guest()
    await house.quiet()
    value: Packet = guest.packets[0]["val"]
    return value


def uses(house: House, code: str) -> int:
    found = house.world.invites.get(code)
    assert found is not None
    return found.uses


@pytest.mark.anyio
async def test_newcomers_need_an_invitation_whatever_way_they_come(house: House) -> None:
    handshake = await shaken(house)
    assert (handshake["registration"], handshake["claimable"]) == ("invite", False)
    code = await invite(house)
    ways: tuple[tuple[str, dict[str, str]], ...] = (
        ("register", {"username": "zoe", "password": "good enough"}),
        ("guest_login", {"username": "wanda"}),
        ("auth", {"validator": "good"}),
    )
    for number, (cmd, fields) in enumerate(ways):
        assert await try_in(house, cmd, **fields) == "invite_required"
        assert await try_in(house, cmd, invite="nonsense", **fields) == "invite_not_found"
        assert uses(house, code) == number
        assert await try_in(house, cmd, invite=code, **fields) == "ready"
        assert uses(house, code) == number + 1
    assert await try_in(house, "auth", validator="good") == "ready", "who is a member needs none any more"


@pytest.mark.anyio
async def test_an_invitation_lets_in_no_more_than_it_says_even_at_once(house: House) -> None:
    code = await invite(house, max_uses=2)
    guests = [house.guest(f"203.0.113.{number}") for number in range(5)]
    with house.held():
        for number, guest in enumerate(guests):
            guest.send("register", username=f"zoe{number}", password="good enough", invite=code)
        await house.turns(10)
    await house.quiet()
    came = [guest for guest in guests if "ready" in guest.names()]
    assert len(came) == 2
    assert sum(user.username.startswith("USR:local_zoe") for user in house.world.users) == 2
    assert {packet["code"] for guest in guests for packet in guest.packets if packet["cmd"] == "auth_error"} == {
        "invite_expired"
    }


@pytest.mark.anyio
async def test_a_use_is_lost_rather_than_given_twice(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    code = await invite(house, max_uses=1)

    def breaks(*args: Any, **fields: Any) -> None:
        raise RuntimeError("the server dies here")

    monkeypatch.setattr(login_module, "new_user", breaks)
    assert await register(house, "zoe", invite=code) == "internal"
    monkeypatch.undo()
    assert await register(house, "zoe", invite=code) == "invite_expired"


@pytest.mark.anyio
async def test_nothing_is_used_up_by_what_is_refused_anyway(house: House) -> None:
    code = await invite(house, max_uses=1)
    assert await register(house, "ann", invite=code) == "name_taken"
    assert await register(house, "x", invite=code) == "bad_name_length"
    assert await try_in(house, "guest_login", username="ann", invite=code) == "name_taken"
    assert await try_in(house, "auth", validator="taken", invite=code) == "invalid_authentication"
    assert uses(house, code) == 0


@pytest.mark.anyio
async def test_an_expired_invitation_is_refused_and_forgotten(house: House) -> None:
    code = await invite(house, expires_in_s=60)
    house.clock.now += 61
    assert await register(house, "zoe", invite=code) == "invite_expired"
    tx = house.world.store.begin()
    assert tx.invites.prune(house.clock.now) == [code]
    tx.rollback()


@pytest.mark.anyio
async def test_roles_come_with_it_as_long_as_the_maker_may_give_them(house: House) -> None:
    code = await invite(house, roles=["moderator"])
    guest = house.guest()
    packets = await guest.ask("register", username="zoe", password="good enough", invite=code)
    ready = next(packet for packet in packets if packet["cmd"] == "ready")
    assert ready["user"]["roles"] == ["moderator", "user"]
    host = house.world.users.by_mention("host")
    assert host is not None
    house.world.users.put(msgspec.structs.replace(host, roles=("user",)))
    packets = await house.guest().ask("register", username="yann", password="good enough", invite=code)
    assert next(packet for packet in packets if packet["cmd"] == "ready")["user"]["roles"] == ["user"]


@pytest.mark.anyio
async def test_a_closed_server_lets_in_only_its_first_owner(house: House) -> None:
    code = await invite(house)
    edit(house.world.live.path, lambda config: config.update(registration="closed"))
    house.community.reload_config()
    assert await register(house, "zoe", invite=code) == "registration_disabled"
    for user in list(house.world.users):
        if "owner" in user.roles:
            house.world.users.put(msgspec.structs.replace(user, roles=("user",)))
    house.world.documents.take_changes()
    house.world.claim.code = "ABCD-EFGH"
    assert (await shaken(house))["claimable"] is True
    assert await register(house, "zoe", claim="wrong") == "wrong_claim"
    assert await register(house, "zoe", claim="abcd-efgh") == "ready"


@pytest.mark.anyio
async def test_codes_are_not_guessed(house: House) -> None:
    answers = [await register(house, "zoe", invite=f"guess{number}") for number in range(6)]
    assert answers == ["invite_not_found"] * 5 + ["too_many_tries"]


@pytest.mark.anyio
async def test_the_card_of_an_invitation(house: House) -> None:
    code = await invite(house, max_uses=1)
    view = house.community
    card = view.invite_card(code, "203.0.113.9")
    assert card is not None
    assert (card.valid, card.inviter) == (True, "host")
    assert await register(house, "zoe", invite=code) == "ready"
    card = view.invite_card(code, "203.0.113.9")
    assert card is not None
    assert not card.valid
    assert view.invite_card("nothing", "203.0.113.9") is None


def test_invites_survive_in_both_databases(world: Any) -> None:
    tx = world.store.begin()
    made = Invite(code="c", created_by="u", created_at=1.0, expires_at=9.0, max_uses=1, note="n", roles=("r1",))
    tx.invites.add(made)
    assert tx.invites.get("c") == made
    assert tx.invites.use("c", 9.0) is None
    assert tx.invites.use("c", 8.0) == msgspec.structs.replace(made, uses=1)
    assert tx.invites.use("c", 8.0) is None
    assert tx.invites.forget_user("u") == ["c"]
    tx.rollback()
