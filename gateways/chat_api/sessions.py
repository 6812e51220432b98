"""Sessions of the HTTP chat API: a bearer token, and whoever holds it.

A session that is used is in the fan-out; one that was quiet for a while is only a row of the database, and costs
nothing however much happens in its channels.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gateways.chat_api.problems import Problem
from gateways.core import Core, NoSink

if TYPE_CHECKING:
    from db.journal import Operation
    from db.sessions import StoredSession
    from db.transaction import Transaction
    from fanout import Session
    from gate import Peer

GATEWAY = "chat_api"
QUIET_S = 60.0
"""A session leaves the fan-out, and its user is offline, when it was not used for so long."""


class ApiSession:
    """A session in use. `peer`: who began to use it, for whom its polls count. `used_at`: on the monotonic clock.
    `polls`: how many of its polls wait."""

    __slots__ = ("peer", "polls", "session", "started_at", "token_hash", "used_at")

    def __init__(self, session: Session, peer: Peer, token_hash: bytes, started_at: int, used_at: float) -> None:
        self.session = session
        self.peer = peer
        self.token_hash = token_hash
        self.started_at = started_at
        """The `seq` before its first event."""
        self.used_at = used_at
        self.polls = 0

    @property
    def user_id(self) -> str:
        return self.session.user_id


class ApiSink(NoSink):
    """Where a session in use is delivered to: nowhere, as its polls follow the log. But it learns of its end."""

    def __init__(self, closed: Callable[[str], None]) -> None:
        super().__init__()
        self._closed = closed

    def close(self, code: int, reason: str = "") -> None:
        self._closed(reason)


class Sessions:
    def __init__(self, core: Core, make_session: Any) -> None:
        """make_session: `fanout.Session`."""
        self._core = core
        self._make_session = make_session
        self.on_end: Callable[[str, str], None] = lambda session_id, reason: None
        """Called with the id of a session in use that was ended by the core, and why."""
        self._by_hash: dict[bytes, ApiSession] = {}

    async def authenticate(self, authorization: str | None, peer: Peer) -> ApiSession:
        """The session of an `Authorization` header. Raises Problem (401)."""
        found = self.find(authorization)
        return found if found is not None else await self._load(self._hash(authorization), peer)

    def find(self, authorization: str | None) -> ApiSession | None:
        """The same without waiting: None when the session is not in use, or there is none. Raises Problem (401)."""
        token_hash = self._hash(authorization)
        known = self._by_hash.get(token_hash)
        if known is None or not self._core.world.fanout.is_live(known.session):
            return None
        known.used_at = self._core.monotonic()
        return known

    @property
    def in_use(self) -> int:
        """How many sessions were used in the last minute."""
        return len(self._by_hash)

    def remember_start(self, session: Session, seq: int) -> None:
        """A session has just logged in; its stream begins after this position."""
        self._store(session, seq)

    def sweep(self) -> None:
        """Call once a second: those that were quiet leave."""
        oldest = self._core.monotonic() - QUIET_S
        for token_hash, known in list(self._by_hash.items()):
            live = self._core.world.fanout.is_live(known.session)
            if live and (known.polls or known.used_at > oldest):
                continue
            del self._by_hash[token_hash]
            if live:
                self._core.world.fanout.remove(known.session)
                self._store(known.session, known.started_at)

    def _store(self, session: Session, started_at: int) -> None:
        now = self._core.world.clock()
        self._core.world.journal.submit(
            lambda tx: tx.sessions.disconnect(session.id, started_at, now), (), lambda operation: None
        )

    @staticmethod
    def _hash(authorization: str | None) -> bytes:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Problem(401, "unauthorized", "Send the token of /register as `Authorization: Bearer <token>`.")
        return hashlib.sha256(token.strip().encode("utf-8", "surrogateescape")).digest()

    async def _load(self, token_hash: bytes, peer: Peer) -> ApiSession:
        world = self._core.world
        now = world.clock()
        stored = await self._read(token_hash, peer)
        timeout_s = world.config.chat_api.session_timeout_s
        expired = stored is None or (stored.disconnected_at is not None and now - stored.disconnected_at > timeout_s)
        user = world.users.get(stored.user_id) if stored is not None else None
        if stored is None or expired or user is None or stored.gateway != GATEWAY:
            raise Problem(401, "unauthorized", "The token is unknown, or its session has ended.")
        if user.banned:
            raise Problem(403, "banned", "You are banned from this server.")
        known = self._by_hash.get(token_hash)  # another request of the session may have been faster
        if known is not None and world.fanout.is_live(known.session):
            return known
        session = self._make_session(
            id=stored.id,
            user_id=stored.user_id,
            sink=ApiSink(lambda reason: self.on_end(stored.id, reason)),
            address=peer.address,
            gap_aware=True,
        )
        session.joins = True
        session.gateway = GATEWAY
        known = ApiSession(session, peer, token_hash, stored.position, self._core.monotonic())
        if not self._core.attendance.arrive(session):
            raise Problem(403, "banned", "You are banned from this server.")
        self._by_hash[token_hash] = known
        return known

    async def _read(self, token_hash: bytes, peer: Peer) -> StoredSession | None:
        done: asyncio.Future[StoredSession | None] = asyncio.get_running_loop().create_future()

        def read(tx: Transaction) -> StoredSession | None:
            stored = tx.sessions.by_token_hash(token_hash)
            if stored is not None and stored.gateway == GATEWAY:
                tx.sessions.attach(stored.id, tx.now, peer.address, peer.agent)
            return stored

        def settled(operation: Operation) -> None:
            if done.done():
                return
            if operation.error is not None:
                done.set_exception(Problem(503, "unavailable", "The server cannot read its sessions now."))
            else:
                done.set_result(operation.result)

        self._core.world.journal.submit(read, (), settled)
        return await done
