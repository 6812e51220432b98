"""A server whose clock the test moves."""

from __future__ import annotations

from handlers.outcome import Event
from protocol.audience import Everyone
from protocol.users import NicknameRemoveEvent
from tests.support.house import House
from upkeep import Upkeep

CONFIG = {
    "websocket": {"ping_interval_s": 5, "ping_timeout_s": 2},
    "limits": {"login_timeout_s": 60, "outbox_bytes": 65_536},
    "sessions": {"timeout_s": 600, "event_log_days": 7},
}


class Ticking:
    def __init__(self, house: House) -> None:
        self.house = house
        self.upkeep = Upkeep(house.server, house.community.looked)

    async def tick(self, times: int = 1) -> None:
        for _ in range(times):
            self.house.clock.now += 1
            self.upkeep.tick()
            await self.house.quiet()

    async def __call__(self, times: int = 1) -> None:
        await self.tick(times)


def tell(house: House, name: str, size: int = 1) -> None:
    house.server.emit([Event(Everyone(), NicknameRemoveEvent(user=name, username="x" * size))])
