"""Messages that come by HTTP through webhooks: from a request to a stored message."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from handlers.deliveries import delivery
from handlers.outcome import Outcome
from handlers.throttle import Throttle
from protocol.errors import Code, Refused
from routes.view import Undeliverable
from server import OriginChatsServer

SWEEP_TICKS = 60
STATUS = {
    Code.WEBHOOK_NOT_FOUND: 401,
    Code.CHANNEL_NOT_FOUND: 404,
    Code.NOT_A_TEXT_CHANNEL: 404,
    Code.UNAVAILABLE: 503,
}
"""HTTP status of a refusal; 400 of any other."""


class Incoming:
    """Lives on the event loop."""

    def __init__(self, server: OriginChatsServer, monotonic: Callable[[], float]) -> None:
        self._server = server
        self._world = server.world
        self._ticks = 0
        self._throttle = Throttle(lambda: server.world.config.webhooks.messages_per_minute, monotonic)

    def wait_s(self, token: str) -> float | None:
        """Begin a delivery: seconds that it has to wait, 0 when it may go on; None when no webhook has this token."""
        webhook = self._world.webhooks.by_token(token)
        if webhook is None:
            return None
        wait_s = self._throttle.wait_s(webhook.id)
        if wait_s <= 0:
            self._throttle.count(webhook.id)
        return wait_s

    async def deliver(
        self, token: str, content: str, embeds: list[dict[str, Any]], author: dict[str, Any] | None
    ) -> None:
        """Returns when the message is on disk and on its way. Raises Undeliverable."""
        settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(outcome: Outcome | None, error: BaseException | None) -> None:
            if settled.done():  # the sender has hung up
                return
            if error is None:
                settled.set_result(None)
            else:
                settled.set_exception(error)

        self._server.dispatcher.act(lambda: delivery(self._world, token, content, embeds, author), done)
        try:
            await settled
        except Refused as error:
            raise Undeliverable(STATUS.get(error.code, 400), error.text) from None

    def tick(self) -> None:
        """Once a second: now and then it forgets what is past."""
        self._ticks += 1
        if self._ticks % SWEEP_TICKS == 0:
            self._throttle.sweep()
