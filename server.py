"""The server: owns connections, hands commands to the dispatcher, tells of what was edited by hand."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from typing import Any

from attendance import Attendance
from client import Client
from connection import Connection
from db.documents import Change as DocumentChange
from dispatch import Dispatcher
from fanout import Session
from gate import Gatekeeper, Peer
from handlers.context import World
from handlers.frames import frame_of
from handlers.hand_edits import effects
from handlers.handshake import handshake
from handlers.outcome import Event
from protocol.audience import SessionsOf
from protocol.decode import BadPacket, decode
from protocol.errors import Code, Refused
from protocol.login import ErrorEvent

log = logging.getLogger("originchats.server")


class OriginChatsServer:
    def __init__(self, world: World, *, monotonic: Callable[[], float]) -> None:
        """monotonic: seconds, for durations; `world.clock` tells the time of day."""
        self.world = world
        self.monotonic = monotonic
        self.dispatcher = Dispatcher(world)
        self.emit = self.dispatcher.emit
        self.carry_out = self.dispatcher.carry_out
        self.attendance = Attendance(world, self.emit)
        self.gate = Gatekeeper(lambda: world.config)
        self.gate.doors["/"] = self._make_client
        self._numbers = itertools.count()
        world.documents.on_change = self._document_changed
        world.memberships.on_change = self._membership_changed
        world.live.on_change = self.attendance.look_at_rights
        world.journal.on_external = self.hand_edit
        world.journal.on_released = world.fanout.flush

    def _document_changed(self, change: DocumentChange) -> None:
        self.world.fanout.document_changed(change)
        self.attendance.look_at_rights()

    def _membership_changed(self, channel_id: str) -> None:
        self.world.fanout.membership_changed(channel_id)
        self.attendance.look_at_rights()

    # --- connections -------------------------------------------------------------------------------------------

    def connection(self, config: Any, server_state: Any, app_state: Any) -> Connection:
        """What uvicorn calls for each WebSocket upgrade request."""
        return Connection(self.gate, server_state.connections, self.world.fanout.outboxes)

    def _make_client(self, connection: Connection, peer: Peer) -> Client:
        return Client(
            self,
            connection,
            peer,
            validator_key=f"originChats-{self.world.new_secret()[:32]}",
            connected_at=self.monotonic(),
            number=self.next_number(),
        )

    def next_number(self) -> int:
        """How many connections there were before."""
        return next(self._numbers)

    def client_opened(self, client: Client) -> None:
        client.send(frame_of(handshake(self.world, client.validator_key)))

    def client_logged_in(self, client: Client, session: Session) -> None:
        client.session = session
        client.sink.set_max_frame_bytes(self.world.config.limits.max_frame_bytes)
        self.gate.logged_in(client)
        if client.gone:
            self.attendance.remember_disconnected(session)
        else:
            self.attendance.arrive(session)

    def client_closed(self, client: Client) -> None:
        self.gate.gone(client)
        self.attendance.leave(client.session)

    # --- commands ----------------------------------------------------------------------------------------------

    def take(self, client: Client, text: bytes) -> None:
        """One frame of a client."""
        try:
            command = decode(text)
        except BadPacket as bad:
            self._take_bad(client, bad)
            return
        client.bad_frames = 0
        self.dispatcher.carry_out(client, command)

    def _take_bad(self, client: Client, bad: BadPacket) -> None:
        self.dispatcher.refuse(client, bad)
        client.bad_frames += 1
        if client.bad_frames >= self.world.config.limits.bad_frames_in_a_row:
            client.sink.close(1008, "too many malformed frames in a row")

    def refuse_binary(self, client: Client) -> None:
        self._take_bad(client, BadPacket(Code.MALFORMED, None, None, reason="expected a text frame, not a binary one"))

    # --- what happens without a command ------------------------------------------------------------------------

    def tell_owners(self, problem: str, code: Code = Code.FILE_BROKEN) -> None:
        """Whoever runs the community learns what went wrong without a command, such as that a file edited by hand
        cannot be used. code: one whose text has a `problem`."""
        refusal = Refused(code, problem=problem)
        notice = ErrorEvent(src="", val=refusal.text, code=refusal.code.wire)
        owners = [user for user in self.world.users if self.world.access.is_owner(user)]
        self.emit([Event(SessionsOf(owner.id), notice) for owner in owners])

    def hand_edit(self, changes: Sequence[DocumentChange]) -> None:
        """A document was edited by hand: take it over, and tell clients what the equivalent commands would tell."""
        self.world.fanout.flush()
        self.announce(self.world.documents.apply_external(changes))

    def announce(self, applied: Sequence[DocumentChange]) -> None:
        """Tell of hand edits that are in memory already."""
        found = effects(self.world, applied)
        self.emit(found.events, announces=True, audit=found.audit)
        for user_id, reason in found.closed:
            self.attendance.close_user(user_id, reason)
