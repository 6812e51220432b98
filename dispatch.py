"""From a command to its answer: guards, handler, journal, release. It does not know who asks, or in which protocol."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from msgspec import UNSET

import handlers.all  # noqa: F401  (fills the table of handlers)
import protocol.all  # noqa: F401  (fills the table of commands)
from db.audit import AuditEntry
from db.documents import Change as DocumentChange
from db.journal import Operation
from db.transaction import Transaction
from handlers.context import Context, Visitor, World
from handlers.filters import carry_out
from handlers.frames import frame_of
from handlers.muting import MUTED
from handlers.outcome import Answer, Change, Event, Outcome
from outgoing import Outgoing, Prepared, Recipient, needs_storing, prepare
from protocol.base import COMMANDS, Command, Packet, Spec
from protocol.decode import BadPacket
from protocol.errors import Code, Refused
from protocol.login import AuthErrorEvent, ErrorEvent
from protocol.notices import RateLimitEvent

SPECS: dict[type[Command], Spec] = {spec.command: spec for spec in COMMANDS.values()}

log = logging.getLogger("originchats.server")


class Caller(Visitor, Recipient, Protocol):
    """Who gives commands, and is answered."""

    def began(self) -> None:
        """A command was taken up; `settled` follows once it is answered."""

    def settled(self) -> None: ...

    def block(self) -> None:
        """The command waits for something outside: take up no other one until `unblock`."""

    def unblock(self) -> None: ...


class Limited(Exception):
    """The caller has to wait."""

    def __init__(self, wait_s: float, reason: str) -> None:
        super().__init__(reason)
        self.wait_ms = max(1, round(wait_s * 1000))
        self.reason = reason


class Call:
    """One command of one caller, until it is answered."""

    __slots__ = ("blocks", "caller", "changes", "listener", "name")

    def __init__(self, caller: Caller, name: str | None, listener: str | None) -> None:
        self.caller = caller
        self.name = name
        self.listener = listener
        self.changes: Sequence[DocumentChange] = ()
        self.blocks = False


class Dispatcher:
    def __init__(self, world: World) -> None:
        self.world = world
        self.outgoing = Outgoing(world)
        self._tasks: set[asyncio.Task[None]] = set()

    def carry_out(self, caller: Caller, command: Command) -> None:
        """Answer a command: at once, or once the journal is done with it; in the order in which commands came."""
        spec = SPECS[type(command)]
        call = Call(caller, spec.name, command.listener if isinstance(command.listener, str) else None)
        caller.began()
        try:
            context = Context(self.world, caller, caller.session, self.world.clock())
            self._guard(context, caller, spec)
            answer = carry_out(context, command)
        except Exception as error:
            self._refuse(call, error)
            return
        waits = inspect.isawaitable(answer) and not spec.aside
        if waits or spec.before_login:  # what comes behind a login is for who logs in
            call.blocks = True
            caller.block()
        if inspect.isawaitable(answer):
            task = asyncio.ensure_future(self._finish(call, answer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._store(call, answer)

    def refuse(self, caller: Caller, bad: BadPacket) -> None:
        """Answer what is no command."""
        caller.began()
        known = caller.session is not None or bad.code is not Code.UNKNOWN_COMMAND
        self._refuse(Call(caller, bad.cmd, bad.listener), bad if known else Refused(Code.AUTH_REQUIRED))

    async def _finish(self, call: Call, pending: Awaitable[Outcome | Change]) -> None:
        try:
            answer = await pending
        except Exception as error:
            self._refuse(call, error)
        else:
            self._store(call, answer)

    def _guard(self, context: Context, caller: Caller, spec: Spec) -> None:
        """What is checked before any handler: logged in, server permission, mute, limiter, pace; in this order."""
        if caller.session is None:
            if not spec.before_login:
                raise Refused(Code.AUTH_REQUIRED)
            return
        if spec.before_login:
            raise Refused(Code.ALREADY_LOGGED_IN, cmd=spec.name)
        if not caller.present:
            raise Refused(Code.AUTH_REQUIRED)
        user = context.user
        if user.banned:  # its sessions end as soon as the ban is stored
            raise Refused(Code.AUTH_REQUIRED)
        if spec.needs is not None and not self.world.access.can(user, spec.needs):
            raise Refused(Code.PERMISSION_REQUIRED, permission=spec.needs)
        if spec.limited or spec.name in MUTED:
            if user.muted_until is not None and user.muted_until > context.now:
                wait_s = user.muted_until - context.now
                raise Limited(wait_s, f"You are timed out for {max(1, round(wait_s))} seconds")
            refusal = self.world.limiter.take(user.id) if spec.limited else None
            if refusal is not None:
                raise Limited(*refusal)
        if spec.pace is not None:
            each = spec.pace == "lists_per_minute"
            self.world.paces[spec.pace].spend(f"{user.id} {spec.name}" if each else user.id)

    # --- answers -----------------------------------------------------------------------------------------------

    def _store(self, call: Call, answer: Outcome | Change) -> None:
        """Have an answer stored, if there is something to store, then released in its turn."""
        call.changes = self.world.documents.take_changes()
        prepared: Prepared | None = None
        if not isinstance(answer, Outcome):
            change = answer
            work = lambda tx: prepare(change(tx), tx, called=True, listener=call.listener)  # noqa: E731
        elif call.changes or needs_storing(answer):
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
        """Answer in turn: behind everything of this caller that is not settled yet."""
        self.world.documents.undo(self.world.documents.take_changes())
        self.world.journal.submit(None, (), lambda operation: self._settle(call, error, None))

    def _settle(self, call: Call, error: BaseException | None, prepared: Prepared | None) -> None:
        """The journal is done with a command: tell everybody, or the caller why not."""
        caller = call.caller
        try:
            if error is not None:
                self.world.documents.undo(call.changes)
                for packet in self._refusal(call, error):
                    self.outgoing.tell(caller, frame_of(packet, listener=call.listener))
            elif prepared is not None:
                self.outgoing.release(prepared, caller)
        except Exception as failure:
            for packet in self._refusal(call, failure):
                self.outgoing.tell(caller, frame_of(packet, listener=call.listener))
        finally:
            if call.blocks:
                caller.unblock()
            caller.settled()

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
        if call.caller.session is None and not isinstance(error, BadPacket):
            return [AuthErrorEvent(val=error.text, code=error.code.wire)]
        field = error.fields.get("field", UNSET)
        return [ErrorEvent(src=name, val=error.text, code=error.code.wire, field=field)]

    # --- what happens without a command ------------------------------------------------------------------------

    def emit(
        self,
        events: Sequence[Event],
        *,
        announces: bool = False,
        changes: Sequence[DocumentChange] = (),
        audit: Sequence[AuditEntry] = (),
    ) -> None:
        """Send events that no client asked for, in their turn. announces: they tell what hand edits changed. changes:
        what they tell of, to be written with them. audit: what the moderation log says of it."""
        outcome = Outcome(events=list(events), audit=list(audit))
        if announces or changes or needs_storing(outcome):
            self.world.journal.submit(
                lambda tx: prepare(outcome, tx, called=False, listener=None),
                changes,
                lambda operation: self._settle_emitted(operation, changes),
                announces=announces,
            )
        elif events:
            prepared = prepare(outcome, None, called=False, listener=None)
            self.world.journal.submit(None, (), lambda operation: self._emit_now(prepared))

    def _settle_emitted(self, operation: Operation, changes: Sequence[DocumentChange]) -> None:
        if operation.error is not None:
            self.world.documents.undo(changes)
            log.error("an event could not be stored: %s", operation.error)
        else:
            self._emit_now(operation.result)

    def act(self, work: Callable[[], Answer], done: Callable[[Outcome | None, BaseException | None], None]) -> None:
        """Carry out what no client asked for, such as a plugin's wish. work: checks, changes and answers like a
        handler. done: called on the loop, with the outcome once it is on its way, or with what was raised; then nothing
        was changed."""
        try:
            answer = work()
        except Exception as error:
            self.world.documents.undo(self.world.documents.take_changes())
            done(None, error)
            return
        if inspect.isawaitable(answer):
            task = asyncio.ensure_future(self._act_later(answer, done))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._act(answer, done)

    async def _act_later(
        self, pending: Awaitable[Outcome | Change], done: Callable[[Outcome | None, BaseException | None], None]
    ) -> None:
        try:
            answer = await pending
        except Exception as error:
            self.world.documents.undo(self.world.documents.take_changes())
            done(None, error)
        else:
            self._act(answer, done)

    def _act(self, answer: Outcome | Change, done: Callable[[Outcome | None, BaseException | None], None]) -> None:
        changes = self.world.documents.take_changes()

        def work(tx: Transaction) -> Prepared:
            outcome = answer if isinstance(answer, Outcome) else answer(tx)
            return prepare(outcome, tx, called=False, listener=None)

        def settled(operation: Operation) -> None:
            if operation.error is not None:
                self.world.documents.undo(changes)
                done(None, operation.error)
            else:
                self._emit_now(operation.result)
                done(operation.result.outcome, None)

        self.world.journal.submit(work, changes, settled)

    def _emit_now(self, prepared: Prepared) -> None:
        self.outgoing.release(prepared, None)
        self.world.fanout.flush()
