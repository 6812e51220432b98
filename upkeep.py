"""What the server does by the clock: heartbeats, timeouts, lazy writes, and forgetting what is past its time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from connection import Frame
from db.journal import Operation
from db.transaction import Transaction
from gate import Guest
from handlers.erasure import step
from handlers.frames import frame_of
from handlers.guests import forget_guests, may_go
from handlers.invites import gone as gone_invites
from handlers.modlog import oldest_kept
from handlers.outcome import Outcome
from handlers.polls import end_expired
from handlers.sessions import session_lifetimes_s
from handlers.slash_commands import unanswered
from protocol.login import PingEvent
from server import OriginChatsServer

TICK_S = 1.0
JSON_PING_TICKS = 30
LAZY_TICKS = 2
FORGET_TICKS = 60
DAY_S = 86_400
TRIM_BATCH = 1000

log = logging.getLogger("originchats.upkeep")


class Upkeep:
    """`tick` is called once a second; everything else follows from counting."""

    def __init__(
        self,
        server: OriginChatsServer,
        looked: Callable[[Operation], None],
        parts: Callable[[], None] = lambda: None,
    ) -> None:
        """looked: told of each look at the documents' files. parts: upkeep of whatever has its own."""
        self._parts = parts
        self._looked = looked
        self._server = server
        self._world = server.world
        self._ticks = 0
        self._purging = False
        self._trimming = False
        self._ending = False
        self._erasing = False
        self._pinned: dict[str, int] = {}
        """Channel id -> how many messages it kept beyond its limit when it was last trimmed: old ones, pinned."""

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
        self._parts()
        if self._ticks % JSON_PING_TICKS == 0:
            self._ping()
        if self._ticks % LAZY_TICKS == 0:
            self.write_lazily()
        self._world.journal.look(self._looked)
        if self._ticks % FORGET_TICKS == 0:
            self._forget()
        if self._purging or self._ticks % FORGET_TICKS == 0:
            self._world.journal.submit(lambda tx: tx.messages.purge(), (), self._purged)
        if not self._trimming:
            self._trim()
        self._erase()
        self._end_polls()
        self._tell_unanswered()

    def _tell_unanswered(self) -> None:
        events = unanswered(self._world, self._world.clock())
        if events:
            self._server.emit(events)

    def _end_polls(self) -> None:
        """Those whose time is over; also while the server was down."""
        now = self._world.clock()
        if not self._ending and self._world.next_poll_end <= now:
            self._ending = True
            self._server.dispatcher.act(lambda: end_expired(self._world, now), self._polls_ended)

    def _polls_ended(self, outcome: Outcome | None, error: BaseException | None) -> None:
        self._ending = False
        if error is not None:
            log.error("ending polls failed: %s", error)
            self._world.next_poll_end = self._world.clock() + FORGET_TICKS * TICK_S

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

    def _trim(self) -> None:
        """Channels that keep a number of messages lose the older ones, a thousand a second, when there are enough."""
        limits = {channel.id: channel.max_history for channel in self._world.channels if channel.max_history}
        count, pinned = self._world.store.count, self._pinned
        over = {
            id_: keep for id_, keep in limits.items() if count(id_) > keep + pinned.get(id_, 0) + min(keep // 20, 100)
        }
        if not over:
            return

        def trim(tx: Transaction) -> dict[str, int]:
            left, beyond = TRIM_BATCH, {}
            for id_, keep in over.items():
                left -= tx.messages.trim(id_, keep, left)
                if left <= 0:
                    break
                beyond[id_] = max(0, tx.messages.count(id_) - keep)
            return beyond

        self._trimming = True
        self._world.journal.submit(trim, (), self._trimmed)

    def _trimmed(self, operation: Operation) -> None:
        self._trimming = False
        if operation.error is None:
            self._pinned |= operation.result
        else:
            log.error("deleting old messages failed: %s", operation.error)

    def _erase(self) -> None:
        """A little of a user who is being erased."""
        if self._world.erasing and not self._erasing:
            self._erasing = True
            self._server.dispatcher.act(lambda: lambda tx: step(self._world, tx), self._erased)

    def _erased(self, outcome: Outcome | None, error: BaseException | None) -> None:
        self._erasing = False
        if error is not None:
            log.error("erasing a user failed: %s", error)

    def _forget(self) -> None:
        world = self._world
        settings, now = world.config.sessions, world.clock()
        lifetimes_s = session_lifetimes_s(world.config)
        guests = [user.id for user in world.users if may_go(user, now)]
        world.limiter.sweep()
        world.logins.sweep()
        world.registrations.sweep()
        world.joins.sweep()
        world.voice_signals.sweep()
        world.profile_changes.sweep()
        world.invite_lookups.sweep()
        for pace in world.paces.values():
            pace.sweep()
        world.slash.sweep(now)
        self._server.attendance.look_at_rights()
        world.exports.sweep()
        kept = oldest_kept(world.config, now)

        def forget(tx: Transaction) -> tuple[list[str], list[str]]:
            """Gives the guests that have no session any more, and the invitations that have expired."""
            expired = tx.invites.prune(now)
            tx.sessions.prune(now, lifetimes_s)
            tx.log.prune(now - settings.event_log_days * DAY_S)
            tx.messages.prune_nonces(now - DAY_S)
            tx.audit.prune(kept)
            here = tx.sessions.guests() if guests else set()
            gone = [user_id for user_id in guests if user_id not in here]
            for user_id in gone:
                tx.reads.forget_user(user_id)
                tx.memberships.forget_user(user_id)
            return gone, expired

        world.journal.submit(forget, (), self._forgotten)

    def _forgotten(self, operation: Operation) -> None:
        world = self._world
        if operation.error is not None:
            log.error("forgetting old sessions and events failed: %s", operation.error)
            return
        guests, invites = operation.result
        events = gone_invites(world, invites)
        world.invites.remove(invites)
        if guests:
            events += forget_guests(world, guests, world.clock())
        if events:
            self._server.emit(events, changes=world.documents.take_changes())


def _report(what: str) -> Callable[[Operation], None]:
    def settled(operation: Operation) -> None:
        if operation.error is not None:
            log.error("%s failed: %s", what, operation.error)

    return settled
