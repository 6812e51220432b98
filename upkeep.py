"""What the server does by the clock: heartbeats, timeouts, lazy writes, and forgetting what is past its time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from connection import Frame
from db.journal import Operation
from db.transaction import Transaction
from gate import Guest
from handlers.frames import frame_of
from protocol.login import PingEvent
from server import OriginChatsServer

TICK_S = 1.0
JSON_PING_TICKS = 30
LAZY_TICKS = 2
FORGET_TICKS = 60
DAY_S = 86_400

log = logging.getLogger("originchats.upkeep")


class Upkeep:
    """`tick` is called once a second; everything else follows from counting."""

    def __init__(self, server: OriginChatsServer, looked: Callable[[Operation], None]) -> None:
        """looked: told of each look at the documents' files."""
        self._looked = looked
        self._server = server
        self._world = server.world
        self._ticks = 0
        self._purging = False

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            await asyncio.sleep(TICK_S)
            try:
                self.tick()
            except Exception:
                log.exception("upkeep failed; it goes on with the next second")

    def tick(self) -> None:
        self._ticks += 1
        self._check_liveness()
        self._close_strangers()
        if self._ticks % JSON_PING_TICKS == 0:
            self._ping()
        if self._ticks % LAZY_TICKS == 0:
            self.write_lazily()
        self._world.journal.look(self._looked)
        if self._ticks % FORGET_TICKS == 0:
            self._forget()
        if self._purging or self._ticks % FORGET_TICKS == 0:
            self._world.journal.submit(lambda tx: tx.messages.purge(), (), self._purged)

    def _check_liveness(self) -> None:
        """WebSocket ping to a share of the clients each second; who does not answer in time is closed."""
        settings = self._world.config.websocket
        interval = max(1, round(settings.ping_interval_s))
        wait = max(1, min(interval - 1, round(settings.ping_timeout_s)))
        now = self._ticks % interval
        due = (self._ticks - wait) % interval
        for client in list(self._server.gate.open_clients):
            slot = client.number % interval
            if slot == due and client.sink.awaiting_pong:
                self._drop(client)
            elif slot == now:
                client.sink.ping()

    def _drop(self, client: Guest) -> None:
        """Its user is not here any more, whatever the peer may still read."""
        self._server.attendance.leave(client.session)
        client.sink.close(1011, "no answer to ping")

    def _close_strangers(self) -> None:
        limit_s = self._world.config.limits.login_timeout_s
        oldest_allowed = self._server.monotonic() - limit_s
        for client in list(self._server.gate.strangers):
            if client.connected_at > oldest_allowed:
                break
            client.sink.close(1008, f"no login within {limit_s:g} seconds")

    def _ping(self) -> None:
        """The JSON ping tells every client the position it is at; it needs no answer."""
        fanout = self._world.fanout
        fanout.flush()
        frame: Frame = frame_of(PingEvent(seq=fanout.position))
        for client in self._server.gate.open_clients:
            client.announce(frame, ephemeral=True)

    def write_lazily(self) -> None:
        changes = self._world.documents.take_lazy()
        if changes:
            self._world.journal.submit(None, changes, _report("saving status texts"))

    def _purged(self, operation: Operation) -> None:
        """Messages of a deleted channel are wiped by the thousand; go on each second while there are any."""
        self._purging = operation.error is None and operation.result > 0

    def _forget(self) -> None:
        world = self._world
        settings, now = world.config.sessions, world.clock()
        world.limiter.sweep()
        world.logins.sweep()
        world.registrations.sweep()

        def forget(tx: Transaction) -> None:
            tx.sessions.prune(now, settings.timeout_s)
            tx.log.prune(now - settings.event_log_days * DAY_S)
            tx.messages.prune_nonces(now - DAY_S)

        world.journal.submit(forget, (), _report("forgetting old sessions and events"))


def _report(what: str) -> Callable[[Operation], None]:
    def settled(operation: Operation) -> None:
        if operation.error is not None:
            log.error("%s failed: %s", what, operation.error)

    return settled
