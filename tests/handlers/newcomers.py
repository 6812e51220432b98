"""Coming in as a guest, for tests of guests and of access tokens."""

from __future__ import annotations

import json
from typing import Any

from db.users import User
from tests.support.community import edit
from tests.support.house import Guest, House
from upkeep import Upkeep

ADDRESS = "203.0.113.9"


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
