"""Coming in through the commands before login, as tests of these do."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

from handlers.rotur import RoturUnavailable, RoturUser
from tests.support.community import edit
from tests.support.house import House, Packet, Passwords


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
