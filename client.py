"""One OriginChats client on a WebSocket: takes frames in order, one command after the other.

A command whose handler waits for something outside (a password, the identity service) holds the next ones back;
commands that only wait for the journal do not, because the journal keeps their order. When too much is unsettled, or
the client does not read its answers, it is no longer read from: backpressure reaches it through TCP.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from connection import Connection, Frame
from fanout import Session
from gate import Peer

if TYPE_CHECKING:
    from server import OriginChatsServer

MAX_UNSETTLED = 128
READ_AHEAD = 64


class Client:
    """A `Guest` of the gate, and the `Caller` of its commands."""

    gateway = ""
    hears_itself = False

    __slots__ = (
        "_busy",
        "_draining",
        "_paused",
        "_queue",
        "_server",
        "_unsettled",
        "_waits_for_reader",
        "address",
        "agent",
        "bad_frames",
        "connected_at",
        "gone",
        "network",
        "number",
        "session",
        "sink",
        "validator_key",
    )

    def __init__(
        self,
        server: OriginChatsServer,
        connection: Connection,
        peer: Peer,
        *,
        validator_key: str,
        connected_at: float,
        number: int = 0,
    ) -> None:
        self._server = server
        self.sink = connection
        self.address, self.network, self.agent = peer
        self.validator_key = validator_key
        self.connected_at = connected_at
        self.number = number
        self.session: Session | None = None
        self.bad_frames = 0
        """Malformed frames in a row."""
        self.gone = False
        """The connection is lost."""
        self._queue: deque[bytes] | None = None
        self._unsettled = 0
        self._busy = False
        self._paused = False
        self._draining = False
        self._waits_for_reader = False

    # --- Endpoint ----------------------------------------------------------------------------------------------

    def opened(self) -> None:
        self._server.client_opened(self)

    def received(self, text: bytes) -> None:
        if not self._queue and self._may_take():
            self._server.take(self, text)
            return
        if self._queue is None:
            self._queue = deque()
        self._queue.append(text)
        if len(self._queue) >= READ_AHEAD and not self._paused:
            self._paused = True
            self.sink.pause_reading()
        self._take_waiting()

    def received_binary(self) -> None:
        self._server.refuse_binary(self)

    def closed(self) -> None:
        self._queue = None
        self.gone = True
        self._server.client_closed(self)

    @property
    def present(self) -> bool:
        session = self.session
        return session is not None and self._server.world.fanout.is_live(session)

    # --- the order of commands ---------------------------------------------------------------------------------

    def began(self) -> None:
        """A command was taken up."""
        self._unsettled += 1

    def block(self) -> None:
        """Nothing else may start until `unblock`."""
        self._busy = True

    def unblock(self) -> None:
        self._busy = False

    def settled(self) -> None:
        """A command is done; take up what waited."""
        self._unsettled -= 1
        self._take_waiting()

    def _may_take(self) -> bool:
        return not self._busy and self._unsettled < MAX_UNSETTLED and not self.sink.behind

    def _take_waiting(self) -> None:
        """Take up what waits, as far as it may. When the peer has to read first, go on once it has."""
        if not self._queue or self._draining:
            return
        self._draining = True
        try:
            while self._queue and not self.sink.closing:
                if self._may_take():
                    self._server.take(self, self._queue.popleft())
                    continue
                self.sink.flush()
                if not self._may_take():
                    break
        finally:
            self._draining = False
        if self._paused and (not self._queue or len(self._queue) < READ_AHEAD // 2):
            self._paused = False
            self.sink.resume_reading()
        if self._queue and self.sink.paused and not self.sink.closing and not self._waits_for_reader:
            self._waits_for_reader = True
            self.sink.when_drained(self._reader_caught_up)

    def _reader_caught_up(self) -> None:
        self._waits_for_reader = False
        self._take_waiting()

    # --- Visitor -----------------------------------------------------------------------------------------------

    def log_in(self, session: Session) -> None:
        self._server.client_logged_in(self, session)

    def send(self, frame: Frame) -> None:
        """A packet for this client alone; one that does not fit closes the connection."""
        if not self.sink.send(frame, answer=True):
            self.sink.close(1013, "reader too slow; resume to fetch what was missed")

    def announce(self, frame: Frame, *, ephemeral: bool = False) -> None:
        session = self.session
        if not ephemeral or session is None or (not session.held and session.gap_from is None):
            self.sink.send(frame, ephemeral=ephemeral)
