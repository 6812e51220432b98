"""What tests of replays share."""

from __future__ import annotations

from handlers.outcome import Event
from protocol.audience import Audience, Everyone
from protocol.users import NicknameRemoveEvent
from tests.support.community import PASSWORD, user_id
from tests.support.house import Guest, House, Packet

ANN, BEN = user_id("ann"), user_id("ben")
CONFIG = {"limits": {"outbox_bytes": 65_536}}
LARGE = 30_000


def channel_id(house: House, name: str) -> str:
    channel = house.world.channels.by_name(name)
    assert channel is not None
    return channel.id


def login() -> Packet:
    return {"cmd": "login", "username": "ann", "password": PASSWORD, "gap": True}


def tell(house: House, number: int, audience: Audience | None = None, size: int = 1) -> None:
    """An event that no client asked for."""
    house.server.emit([Event(audience or Everyone(), NicknameRemoveEvent(user=f"e{number}", username="x" * size))])


def numbers(packets: list[Packet]) -> list[int]:
    return [int(packet["user"][1:]) for packet in packets if packet["cmd"] == "nickname_remove"]


def outline(channels: Packet) -> list[tuple[str, str]]:
    """Of a channel list what is not told by other events."""
    return [(channel["name"], channel.get("description", "")) for channel in channels["val"]]


async def lost(house: House) -> Guest:
    """Ann was here and is gone; gives what she remembers."""
    ann = await house.enter("ann", gap=True)
    await house.quiet()
    ann.lose()
    return ann


async def back(house: House, before: Guest) -> Guest:
    ann = house.guest()
    ann.together(
        login(), {"cmd": "resume", "session": before.ready["session"], "after": before.ready["seq"], "listener": "r"}
    )
    await house.turns()
    return ann
