"""The server: owns connections, dispatches commands to handlers, sees that everything is answered in order."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec import UNSET

import handlers.all  # noqa: F401  (fills the table of handlers)
import protocol.all  # noqa: F401  (fills the table of commands)
from client import Client
from connection import Connection
from db.documents import Change as DocumentChange
from db.journal import Operation
from fanout import Session
from gate import Gatekeeper
from handlers.context import Context, World
from handlers.frames import frame_of
from handlers.hand_edits import effects
from handlers.handshake import handshake
from handlers.moderation import BANNED_REASON, DELETED_REASON
from handlers.outcome import Change, Event, Outcome
from handlers.presence import came_online, went_offline
from handlers.registry import HANDLERS
from outgoing import Outgoing, Prepared, is_durable, prepare
from protocol.audience import SessionsOf
from protocol.base import COMMANDS, Command, Packet, Spec
from protocol.decode import BadPacket, decode
from protocol.errors import Code, Refused
from protocol.login import AuthErrorEvent, ErrorEvent
from protocol.notices import DisconnectEvent, RateLimitEvent

MUTED = frozenset({"typing"})
"""Commands that a muted user may not use, besides the limited ones."""
SPECS: dict[type[Command], Spec] = {spec.command: spec for spec in COMMANDS.values()}

log = logging.getLogger("originchats.server")


class Limited(Exception):
    """The caller has to wait."""

    def __init__(self, wait_s: float, reason: str) -> None:
        super().__init__(reason)
        self.wait_ms = max(1, round(wait_s * 1000))
        self.reason = reason


class Call:
    """One command of one client, until it is answered."""

    __slots__ = ("blocks", "changes", "client", "listener", "name")

    def __init__(self, client: Client, name: str | None, listener: str | None) -> None:
        self.client = client
        self.name = name
        self.listener = listener
        self.changes: Sequence[DocumentChange] = ()
        self.blocks = False


class OriginChatsServer:
    def __init__(self, world: World, *, monotonic: Callable[[], float]) -> None:
        """monotonic: seconds, for durations; `world.clock` tells the time of day."""
        self.world = world
        self.monotonic = monotonic
        self.gate = Gatekeeper(lambda: world.config, self._make_client)
        self.outgoing = Outgoing(world)
        self._numbers = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()
        world.documents.on_change = world.fanout.document_changed
        world.journal.on_external = self.hand_edit
        world.journal.on_released = world.fanout.flush
        world.fanout.on_gone = self._tell_departure

    # --- connections -------------------------------------------------------------------------------------------

    def connection(self, config: Any, server_state: Any, app_state: Any) -> Connection:
        """What uvicorn calls for each WebSocket upgrade request."""
        return Connection(self.gate, server_state.connections, self.world.fanout.outboxes)

    def _make_client(self, connection: Connection, address: str, network: str, agent: str) -> Client:
        return Client(
            self,
            connection,
            address=address,
            network=network,
            agent=agent,
            validator_key=f"originChats-{self.world.new_secret()[:32]}",
            connected_at=self.monotonic(),
            number=next(self._numbers),
        )

    def client_opened(self, client: Client) -> None:
        client.send(frame_of(handshake(self.world, client.validator_key)))

    def client_logged_in(self, client: Client, session: Session) -> None:
        client.session = session
        client.sink.set_max_frame_bytes(self.world.config.limits.max_frame_bytes)
        self.gate.logged_in(client)
        fanout, user = self.world.fanout, self.world.users.get(session.user_id)
        if client.gone:
            self._remember_disconnected(session)
        elif user is None or user.banned:  # since the password was checked
            client.send(frame_of(DisconnectEvent(reason=BANNED_REASON if user is not None else DELETED_REASON)))
            client.sink.close(1000, "no longer a member")
            self.world.journal.submit(lambda tx: tx.sessions.end(session.id), (), _ignore)
        else:
            if not fanout.is_online(user.id):
                asyncio.get_running_loop().call_soon(self._tell_arrival, user.id)
            fanout.add(session)

    def client_closed(self, client: Client) -> None:
        self.gate.gone(client)
        self._take_leave(client)

    def drop(self, client: Client, code: int, reason: str) -> None:
        """Give a connection up: its user is not here any more, whatever the peer may still read."""
        self._take_leave(client)
        client.sink.close(code, reason)

    def _take_leave(self, client: Client) -> None:
        session = client.session
        if session is not None and self.world.fanout.is_live(session):
            self._remember_disconnected(session)
            self.world.fanout.remove(session)

    def _remember_disconnected(self, session: Session) -> None:
        now = self.world.clock()
        position = self.world.fanout.position if session.gap_from is None else session.gap_from
        self.world.journal.submit(lambda tx: tx.sessions.disconnect(session.id, position, now), (), _ignore)

    # Who is online is told when it changes on the loop, so that the last that others hear is what is so.

    def _tell_arrival(self, user_id: str) -> None:
        """Behind what the newcomer is told first."""
        user = self.world.users.get(user_id)
        if user is not None and self.world.fanout.is_online(user_id):
            self.emit(came_online(self.world, user))

    def _tell_departure(self, user_id: str) -> None:
        self.emit(went_offline(self.world, user_id, self.world.clock()))

    def close_user(self, user_id: str, reason: str) -> None:
        """Throw a user out of every connection, telling why."""
        self.world.fanout.close_user(user_id, reason, frame_of(DisconnectEvent(reason=reason)))

    # --- commands ----------------------------------------------------------------------------------------------

    def take(self, client: Client, text: bytes) -> None:
        """One frame of a client."""
        try:
            command = decode(text)
        except BadPacket as bad:
            self._take_bad(client, bad)
            return
        client.bad_frames = 0
        spec = SPECS[type(command)]
        call = Call(client, spec.name, command.listener if isinstance(command.listener, str) else None)
        client.began()
        try:
            context = Context(self.world, client, client.session, self.world.clock())
            self._guard(context, client.session, spec)
            answer = HANDLERS[type(command)](context, command)
        except Exception as error:
            self._refuse(call, error)
            return
        if inspect.isawaitable(answer):
            call.blocks = True
            client.block()
            task = asyncio.ensure_future(self._finish(call, answer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._carry_out(call, answer)

    async def _finish(self, call: Call, pending: Awaitable[Outcome | Change]) -> None:
        try:
            answer = await pending
        except Exception as error:
            self._refuse(call, error)
        else:
            self._carry_out(call, answer)

    def _take_bad(self, client: Client, bad: BadPacket) -> None:
        client.began()
        call = Call(client, bad.cmd, bad.listener)
        known = client.session is not None or bad.code is not Code.UNKNOWN_COMMAND
        self._refuse(call, bad if known else Refused(Code.AUTH_REQUIRED))
        client.bad_frames += 1
        if client.bad_frames >= self.world.config.limits.bad_frames_in_a_row:
            client.sink.close(1008, "too many malformed frames in a row")

    def refuse_binary(self, client: Client) -> None:
        self._take_bad(client, BadPacket(Code.MALFORMED, None, None, reason="expected a text frame, not a binary one"))

    def _guard(self, context: Context, session: Session | None, spec: Spec) -> None:
        """What is checked before any handler: logged in, server permission, mute, limiter; in this order."""
        if session is None:
            if not spec.before_login:
                raise Refused(Code.AUTH_REQUIRED)
            return
        if spec.before_login:
            raise Refused(Code.ALREADY_LOGGED_IN, cmd=spec.name)
        if self.world.fanout.sessions.get(session.id) is not session:  # ended or banned while frames were waiting
            raise Refused(Code.AUTH_REQUIRED)
        user = context.user
        if spec.needs is not None and not self.world.access.can(user, spec.needs):
            raise Refused(Code.PERMISSION_REQUIRED, permission=spec.needs)
        if spec.limited or spec.name in MUTED:
            if user.muted_until is not None and user.muted_until > context.now:
                wait_s = user.muted_until - context.now
                raise Limited(wait_s, f"You are timed out for {max(1, round(wait_s))} seconds")
            refusal = self.world.limiter.take(user.id) if spec.limited else None
            if refusal is not None:
                raise Limited(*refusal)

    # --- answers -----------------------------------------------------------------------------------------------

    def _carry_out(self, call: Call, answer: Outcome | Change) -> None:
        """Have an answer stored, if there is something to store, then released in its turn."""
        call.changes = self.world.documents.take_changes()
        prepared: Prepared | None = None
        if not isinstance(answer, Outcome):
            change = answer
            work = lambda tx: prepare(change(tx), tx, called=True, listener=call.listener)  # noqa: E731
        elif call.changes or any(is_durable(event) for event in answer.events):
            outcome = answer
            work = lambda tx: prepare(outcome, tx, called=True, listener=call.listener)  # noqa: E731
        else:
            work = None
            try:
                prepared = prepare(answer, None, called=True, listener=call.listener)
            except Exception as error:
                self._refuse(call, error)
                return
        self.world.journal.submit(
            work, call.changes, lambda operation: self._settle(call, operation.error, operation.result or prepared)
        )

    def _refuse(self, call: Call, error: Exception) -> None:
        """Answer in turn: behind everything of this client that is not settled yet."""
        self.world.documents.undo(self.world.documents.take_changes())
        self.world.journal.submit(None, (), lambda operation: self._settle(call, error, None))

    def _settle(self, call: Call, error: BaseException | None, prepared: Prepared | None) -> None:
        """The journal is done with a command: tell everybody, or the caller why not."""
        client = call.client
        try:
            if error is not None:
                self.world.documents.undo(call.changes)
                for packet in self._refusal(call, error):
                    self.outgoing.tell(client, frame_of(packet, listener=call.listener))
            elif prepared is not None:
                self.outgoing.release(prepared, client)
        except Exception as failure:
            for packet in self._refusal(call, failure):
                self.outgoing.tell(client, frame_of(packet, listener=call.listener))
        finally:
            if call.blocks:
                client.unblock()
            client.settled()

    def _refusal(self, call: Call, error: BaseException) -> list[Packet]:
        name = call.name or ""
        if isinstance(error, Limited):
            return [
                RateLimitEvent(length=error.wait_ms, reason=error.reason, src=name),
                ErrorEvent(src=name, val=error.reason, code=Code.RATE_LIMIT.wire),
            ]
        if not isinstance(error, Refused):
            incident = self.world.new_secret()[:8]
            log.error("incident %s in %s", incident, name, exc_info=error)
            error = Refused(Code.INTERNAL, incident=incident)
        if call.client.session is None and not isinstance(error, BadPacket):
            return [AuthErrorEvent(val=error.text, code=error.code.wire)]
        field = error.fields.get("field", UNSET)
        return [ErrorEvent(src=name, val=error.text, code=error.code.wire, field=field)]

    # --- what happens without a command ------------------------------------------------------------------------

    def emit(self, events: Sequence[Event], *, announces: bool = False) -> None:
        """Send events that no client asked for, in their turn. announces: they tell what hand edits changed."""
        outcome = Outcome(events=list(events))
        if announces or any(is_durable(event) for event in events):
            self.world.journal.submit(
                lambda tx: prepare(outcome, tx, called=False, listener=None),
                (),
                self._settle_emitted,
                announces=announces,
            )
        elif events:
            prepared = prepare(outcome, None, called=False, listener=None)
            self.world.journal.submit(None, (), lambda operation: self._emit_now(prepared))

    def _settle_emitted(self, operation: Operation) -> None:
        if operation.error is not None:
            log.error("an event could not be stored: %s", operation.error)
        else:
            self._emit_now(operation.result)

    def _emit_now(self, prepared: Prepared) -> None:
        self.outgoing.release(prepared, None)
        self.world.fanout.flush()

    def tell_owners(self, problem: str) -> None:
        """A file edited by hand cannot be used: whoever runs the community learns where and why."""
        refusal = Refused(Code.FILE_BROKEN, problem=problem)
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
        self.emit(found.events, announces=True)
        for user_id, reason in found.closed:
            self.close_user(user_id, reason)
            self._end_sessions(user_id)

    def _end_sessions(self, user_id: str) -> None:
        self.world.journal.submit(lambda tx: tx.sessions.end_all(user_id), (), _ignore)


def _ignore(operation: Operation) -> None:
    """What is lost with it: a session that cannot be resumed, or one that is listed until the next start."""
