"""One thread through which everything passes that is remembered.

The event loop submits work; the thread takes all that waits, runs it in one transaction, writes the documents that
changed, commits once, and gives the results back to the loop in the order of submission. Because reads pass the same
way, an answer stands at an exact place in the stream of events: never older than an event that left before it.

A change is in its document before it is in the log, and both are on disk before anybody hears of it.
"""

from __future__ import annotations

import logging
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy.exc import DBAPIError

from db import document_log
from db.database import DatabaseError
from protocol.errors import Code, Refused

if TYPE_CHECKING:
    from db.document_file import DocumentFiles
    from db.documents import Change
    from db.events import LoggedEvent
    from db.store import Store
    from db.transaction import Transaction

MAX_GROUP = 256
"""Operations in one commit: bounds how long the first of them waits for the last."""
SWITCH_INTERVAL_S = 0.001
"""How long one of the two busy threads may keep the other from the interpreter (default 5 ms: felt as latency)."""

CANNOT_STORE = (OSError, DBAPIError, DatabaseError)
"""What a full disk, a locked or a lost database raises; anything else is a fault of the program."""

log = logging.getLogger("originchats.journal")


class Loop(Protocol):
    def call_soon_threadsafe(self, callback: Callable[..., object], *args: Any) -> object: ...


class Operation:
    """Some work, the document changes that belong to it, and what to call on the loop when it is settled."""

    __slots__ = ("announces", "changes", "error", "look", "result", "settled", "work")

    def __init__(
        self,
        work: Callable[[Transaction], Any] | None,
        changes: Sequence[Change],
        settled: Callable[[Operation], None],
        *,
        look: bool = False,
        announces: bool = False,
    ) -> None:
        self.work = work
        self.changes = changes
        self.settled = settled
        self.look = look
        """Look at the files for hand edits."""
        self.announces = announces
        """The work logs what hand edits changed, so that the log has seen the documents now."""
        self.result: Any = None
        self.error: BaseException | None = None
        """A `Refused`, or whatever went wrong; then nothing of this operation was kept."""


class Journal:
    def __init__(
        self,
        store: Store,
        files: DocumentFiles,
        loop: Loop,
    ) -> None:
        self._store = store
        self._files = files
        self._loop = loop
        self.works = True
        """Whether the last group could be stored."""
        self.on_external: Callable[[Sequence[Change]], None] = lambda changes: None
        """Called on the loop with the changes of a hand edit, before the results of the same group."""
        self.on_released: Callable[[], None] = lambda: None
        """Called on the loop after the results of a group."""
        self.on_logged: Callable[[Sequence[LoggedEvent]], None] = lambda events: None
        """Called on the loop with the events that a group logged, in order, after `on_released`."""
        self.observe: Callable[[float, Sequence[LoggedEvent]], None] = lambda took_s, events: None
        """Called in the journal's thread when events or documents were stored: how long it took (seconds), and the
        events."""
        self._wake = threading.Condition()
        self._waiting: list[Operation] = []
        self._unsettled = 0
        self._stopping = False
        self._idle: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    # --- on the loop -------------------------------------------------------------------------------------------

    def start(self) -> None:
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._thread.start()

    def submit(
        self,
        work: Callable[[Transaction], Any] | None,
        changes: Sequence[Change],
        settled: Callable[[Operation], None],
        *,
        announces: bool = False,
    ) -> None:
        """Queue work. `settled` is called on the loop, in order of submission; at once when nothing is to be done.

        `work` may run a second time if a neighbour in its group failed, so it must not change anything but `tx`.
        """
        operation = Operation(work, changes, settled, announces=announces)
        if work is None and not changes and not announces and not self._unsettled:
            self._settle(settled, operation)
            self.on_released()
        else:
            self._enqueue(operation)

    def look(self, settled: Callable[[Operation], None]) -> None:
        """Have the documents' files looked at for hand edits."""
        self._enqueue(Operation(None, (), settled, look=True))

    def when_idle(self, callback: Callable[[], None]) -> None:
        """Call back on the loop once nothing is unsettled any more."""
        if self._unsettled:
            self._idle.append(callback)
        else:
            callback()

    @property
    def depth(self) -> int:
        """Operations that are not settled yet."""
        return self._unsettled

    def stop(self) -> None:
        """Finish what was submitted and end the thread. Blocks; call it after the loop has no more to submit."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.ident is not None:
            self._thread.join()

    def _enqueue(self, operation: Operation) -> None:
        self._unsettled += 1
        with self._wake:
            self._waiting.append(operation)
            self._wake.notify()

    def _release(self, group: Sequence[Operation], external: Sequence[Change], events: Sequence[LoggedEvent]) -> None:
        if external:
            self._settle(self.on_external, external)
        for operation in group:
            self._unsettled -= 1
            self._settle(operation.settled, operation)
        self.on_released()
        if events:
            self._settle(self.on_logged, events)
        if not self._unsettled and self._idle:
            callbacks, self._idle = self._idle, []
            for callback in callbacks:
                callback()

    @staticmethod
    def _settle(callback: Callable[[Any], None], argument: Any) -> None:
        try:
            callback(argument)
        except Exception:
            log.exception("a result of the journal could not be delivered")

    # --- in the journal's thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._stopping:
                    self._wake.wait()
                group, self._waiting = self._waiting[:MAX_GROUP], self._waiting[MAX_GROUP:]
            if not group:
                return
            external: list[Change] = []
            events: list[LoggedEvent] = []
            try:
                events += self._commit(group, external)
            except Exception as error:
                if len(group) == 1:
                    self._fail(group[0], error)
                else:
                    events += self._commit_one_by_one(group, external)
            try:
                self._loop.call_soon_threadsafe(self._release, group, external, events)
            except RuntimeError:  # the loop is closed: nobody is left to tell
                return

    def _commit_one_by_one(self, group: Sequence[Operation], external: list[Change]) -> list[LoggedEvent]:
        """A group failed: find out who is to blame. If the database is locked, the group has waited for all of them."""
        events: list[LoggedEvent] = []
        with self._store.impatient():
            for operation in group:
                try:
                    events += self._commit([operation], external)
                except Exception as alone:
                    self._fail(operation, alone)
        return events

    def _commit(self, group: Sequence[Operation], external: list[Change]) -> list[LoggedEvent]:
        """Run a group in one transaction; gives what it logged. Raises when nothing of it was kept, but for hand
        edits found on the way."""
        began = time.perf_counter()
        try:
            tx = self._store.begin()
        except CANNOT_STORE:
            self.works = False
            raise
        written: list[Change] = []
        try:
            for operation in group:
                operation.error = None
                if operation.work is not None:
                    try:
                        operation.result = operation.work(tx)
                    except Refused as refusal:
                        operation.error = refusal
            changes = [change for operation in group if operation.error is None for change in operation.changes]
            if any(operation.look for operation in group):
                external += self._files.look()
            if changes:
                external += self._files.apply(changes)
                written = changes
            announced = any(operation.announces for operation in group)
            save = bool(changes) or (announced and self._files.unsaved)
            if save:
                document_log.save(tx.connection, self._files, announced)
            events = tx.commit()
        except BaseException as error:
            tx.rollback()
            self._files.undo(written)
            self.works = not isinstance(error, CANNOT_STORE)
            raise
        if save:
            self._files.saved()
        self.works = True
        if events or save:
            self.observe(time.perf_counter() - began, events)
        return events

    @staticmethod
    def _fail(operation: Operation, error: Exception) -> None:
        if isinstance(error, CANNOT_STORE):
            reason, public = _reason(error)
            log.error("cannot store: %s", reason)
            operation.error = Refused(Code.UNAVAILABLE, reason=public)
        else:
            operation.error = error


def _reason(error: OSError | DBAPIError | DatabaseError) -> tuple[str, str]:
    """For the log, and for whoever gave the command: where a database server stands is not for everybody's eyes."""
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return reason, reason
    if isinstance(error, DatabaseError):
        return str(error), str(error)
    reason = str(error.orig)
    return reason, reason if isinstance(error.orig, sqlite3.Error) else "the database does not answer as it should"
