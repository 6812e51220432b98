"""Replaying the log to one session: what it missed, as far as it may see it now, in order, once.

While a replay runs, the session is held: the fan-out leaves durable events out, because the replay reads them from the
log. Pages are read by the journal, so the last page ends at an exact place in the stream, and live events go on from
there. Between pages the peer is waited for, so a long replay never fills an outbox.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from connection import Frame
from db.events import LoggedEvent
from db.journal import Operation
from db.transaction import Transaction
from db.users import User
from fanout import Session
from handlers.context import World
from handlers.frames import numbered_frame, view_frame
from handlers.outcome import Outcome
from handlers.registry import VIEWS
from protocol.audience import Audience, Viewers, from_text
from protocol.errors import Code, Refused

PAGE_EVENTS = 500
PAGE_BYTES = 256 * 1024
VIEW_BYTES = 16 * 1024
"""What a view, which is not made yet, is taken for in the size of a page."""


class Page(msgspec.Struct):
    events: list[tuple[int, Frame | str]]
    """`seq`, and the frame; or the name of a view, whose packet is made for the viewer on the event loop."""
    position: int
    """The `seq` up to which the log was read."""
    newest: int
    """The newest `seq` in the log when it was read."""
    views: set[str]
    complete: bool


class Failed(Exception):
    """There is no replay, for this reason; then nothing was replayed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def may_see(world: World, tx: Transaction, user: User, audience: Audience) -> bool:
    """Whether an event of the log is for this user, by the rights of this moment. Called in the journal's
    thread, which may know a direct channel or a membership that memory does not know yet."""
    if isinstance(audience, Viewers):
        channel = world.channels.get(audience.channel)
        if channel is not None and channel.restricted:
            return world.access.may(user, channel, "view", joined=tx.memberships.has(channel.id, user.id))
    if world.fanout.may_see(user, audience):
        return True
    if not isinstance(audience, Viewers) or audience.channel in world.channels:
        return False
    direct = tx.directs.get(audience.channel)
    return direct is not None and world.access.may(user, direct, "view")


class Replay:
    """One run for one session. Make it in the same step in which the command came, then `await replay.run()`."""

    def __init__(
        self,
        world: World,
        session: Session,
        *,
        after: int,
        open: Callable[[Transaction], str],
        opened: Callable[[str], None],
        done: Callable[[bool, int, str | None], Frame],
    ) -> None:
        """after: the position the client has.
        open: runs in the transaction of the first page; gives the id of the session to go on with, or raises Failed.
        opened: called on the loop with that id, before the first page leaves.
        done(recovered, position, reason): the frame that ends the replay.
        """
        world.fanout.flush()
        self._world = world
        self._session = session
        self._after = after
        self._first_after = after
        self._sent_up_to = world.fanout.position if session.gap_from is None else session.gap_from
        self._skip = range(session.since + 1, self._sent_up_to + 1)
        self._open: Callable[[Transaction], str] | None = open
        self._opened = opened
        self._done = done
        self._views: dict[str, int] = {}
        """Name of a view -> `seq` up to which the packet that was made of it is true."""
        self._finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        session.held = True

    async def run(self) -> Outcome:
        """Ends when the session follows live again, or is gone. Raises what the journal could not do; then the session
        is in a gap. The replay has answered by itself: the outcome is empty."""
        self._next()
        await self._finished
        return Outcome()

    def _next(self) -> None:
        if self._world.fanout.is_live(self._session):
            self._world.journal.submit(self._read, (), self._settled)
        else:
            self._finish(None)

    def _read(self, tx: Transaction) -> tuple[str | None, Page]:
        user = self._world.users.get(self._session.user_id)
        if user is None or user.banned:
            raise Refused(Code.AUTH_REQUIRED)
        session_id = self._open(tx) if self._open is not None else None
        events = tx.log.after(self._after, PAGE_EVENTS)
        complete = len(events) < PAGE_EVENTS
        page = Page(events=[], position=self._after, newest=tx.log.newest(), views=set(), complete=complete)
        size = 0
        for event in events:
            if size > PAGE_BYTES:
                page.complete = False
                break
            page.position = event.seq
            frame = self._frame(tx, user, event, page)
            if frame is not None:
                page.events.append((event.seq, frame))
                size += len(frame.plain) if isinstance(frame, Frame) else VIEW_BYTES
        return session_id, page

    def _frame(self, tx: Transaction, user: User, event: LoggedEvent, page: Page) -> Frame | str | None:
        if event.seq in self._skip or not may_see(self._world, tx, user, from_text(event.audience)):
            return None
        if event.kind not in VIEWS:
            return numbered_frame(event.payload, event.seq)
        if event.kind in page.views or event.seq <= self._views.get(event.kind, 0):
            return None  # it was made from a later state at its first place already
        page.views.add(event.kind)
        return event.kind

    def _settled(self, operation: Operation) -> None:
        session, error = self._session, operation.error
        self._world.fanout.flush()
        if isinstance(error, Failed):
            self._end(recovered=False, reason=error.reason)
            return
        if error is not None:
            session.held = False
            self._world.resumes["unavailable"] += 1
            self._world.fanout.leave_in_gap(session, self._sent_up_to, self._after)
            self._finish(error)
            return
        session_id, page = operation.result
        if session_id is not None:
            self._open = None
            self._opened(session_id)
        self._after = page.position
        self._views |= dict.fromkeys(page.views, page.newest)
        if not all(self._send(seq, frame) for seq, frame in page.events):
            session.sink.close(1013, "reader too slow; resume to fetch what was missed")
            self._finish(None)
        elif page.complete:
            session.since = min(session.since, self._first_after)
            self._end(recovered=True, reason=None)
        else:
            session.sink.when_drained(self._next)

    def _send(self, seq: int, frame: Frame | str) -> bool:
        made = view_frame(self._world, frame, self._session.user_id, seq) if isinstance(frame, str) else frame
        return made is None or seq in self._session.told or self._session.sink.send(made)

    def _end(self, *, recovered: bool, reason: str | None) -> None:
        session, position = self._session, self._world.fanout.position
        self._world.resumes["recovered" if recovered else str(reason)] += 1
        if not recovered:
            session.since = position
        session.gap_from = None
        session.held = False
        session.told.clear()
        session.sink.send(self._done(recovered, position, reason))
        self._finish(None)

    def _finish(self, error: BaseException | None) -> None:
        if self._finished.done():
            return
        if error is None:
            self._finished.set_result(None)
        else:
            self._finished.set_exception(error)
