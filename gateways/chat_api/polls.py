"""GET /messages: the stream of a session, by long polling.

A poll names the last item that its client has; the answer is what came after it in the event log, as far as the user
may see it now and has joined the channel. Where there is nothing yet, the poll waits, and the next commit answers it.
The position is the client's: several clients of one session follow the stream each at its own pace.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from connection import Rejection
from gateways.chat_api.items import Translator
from gateways.chat_api.problems import BUSY_S, Problem
from gateways.chat_api.sessions import ApiSession, Sessions
from gateways.chat_api.tail import Entry, Tail
from gateways.core import Core
from protocol.audience import from_text

if TYPE_CHECKING:
    from db.events import LoggedEvent
    from db.journal import Operation
    from db.transaction import Transaction

PAGE_EVENTS = 500
DEFAULT_LIMIT = 100
EVENT_ID = re.compile(r"00000000-0000-8000-8000-([0-9a-f]{12})")
"""See `items.event_id`."""
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Poll:
    """One waiting request. `after`: the `seq` up to which its client has everything."""

    __slots__ = ("_answer", "after", "limit", "owner", "timer")

    def __init__(self, owner: ApiSession, after: int, limit: int, answer: Callable[[bytes | Problem], None]) -> None:
        self.owner = owner
        self.after = after
        self.limit = limit
        self.timer: asyncio.TimerHandle | None = None
        self._answer: Callable[[bytes | Problem], None] | None = answer

    @property
    def done(self) -> bool:
        return self._answer is None

    def finish(self, body: bytes | Problem) -> None:
        if self._answer is not None:
            answer, self._answer = self._answer, None
            answer(body)


class Polls:
    def __init__(self, core: Core, sessions: Sessions, translator: Translator) -> None:
        self._core = core
        self._sessions = sessions
        self._world = core.world
        self._waiting: dict[str, list[Poll]] = {}
        """By session id."""
        self.count = 0
        """Polls that wait."""
        self.tail = Tail(self._world.fanout.position, translator.item, from_text)
        self._closed = False
        self._answered: list[Poll] = []
        """Polls that have their answer and are still counted."""
        sessions.on_end = self._ended

    # --- requests ----------------------------------------------------------------------------------------------

    def begin(
        self,
        owner: ApiSession,
        after: str | None,
        timeout_s: float,
        limit: int,
        answer: Callable[[bytes | Problem], None],
    ) -> Poll:
        """Take up a poll. `answer` is called once, perhaps right now, with the JSON array or what is wrong."""
        poll = Poll(owner, owner.started_at, limit, answer)
        self._settle()
        if self._closed or self.count >= self._world.config.chat_api.max_polls:
            poll.finish(
                Problem(503, "too_many_polls", "Too many polls are waiting; try again later.", retry_after_s=BUSY_S)
            )
            return poll
        self._world.fanout.flush()
        position = self._position_of(after) if after is not None else owner.started_at
        if position is None:
            self._page(poll, timeout_s, after)
            return poll
        poll.after = position
        self._look(poll, timeout_s)
        return poll

    def abandon(self, poll: Poll) -> None:
        """Its client is gone."""
        poll.finish(b"[]")
        self._forget(poll)

    def close(self) -> None:
        """The server stops: answer everybody, with nothing."""
        self._closed = True
        for polls in list(self._waiting.values()):
            for poll in list(polls):
                self._expire(poll)

    def _ended(self, session_id: str, reason: str) -> None:
        for poll in list(self._waiting.get(session_id, ())):
            self._forget(poll)
            poll.finish(Problem(401, "unauthorized", f"The session has ended: {reason}."))

    def _position_of(self, item_id: str) -> int | None:
        event = EVENT_ID.fullmatch(item_id)
        if event is not None:
            return int(event.group(1), 16)
        return self.tail.seq_of(item_id)

    def _look(self, poll: Poll, timeout_s: float) -> None:
        """Answer from the tail, or wait, or read the log where the tail does not reach."""
        if poll.after > self.tail.position:
            poll.finish(Problem(410, "unknown_position", "`after` names an item that this server never sent."))
            return
        entries = self.tail.since(poll.after)
        if entries is None:
            self._page(poll, timeout_s, None)
            return
        items = self._visible(poll.owner, entries, poll.limit)
        if items:
            poll.finish(_array(items))
        else:
            poll.after = self.tail.position
            self._wait(poll, timeout_s)

    def _wait(self, poll: Poll, timeout_s: float) -> None:
        if timeout_s <= 0 or self._closed:
            poll.finish(b"[]")
            return
        try:
            self._core.gate.poll_began(poll.owner.peer)
        except Rejection as full:
            poll.finish(Problem(full.status, "too_many_connections", full.text, retry_after_s=BUSY_S))
            return
        self._waiting.setdefault(poll.owner.session.id, []).append(poll)
        self.count += 1
        poll.owner.polls += 1
        poll.timer = asyncio.get_running_loop().call_later(timeout_s, self._expire, poll)

    def _expire(self, poll: Poll) -> None:
        self._forget(poll)
        poll.finish(b"[]")

    def _forget(self, poll: Poll) -> None:
        if poll.timer is not None:
            poll.timer.cancel()
            poll.timer = None
        session_id = poll.owner.session.id
        polls = self._waiting.get(session_id)
        if polls is None or poll not in polls:
            return
        polls.remove(poll)
        if not polls:
            del self._waiting[session_id]
        self._core.gate.poll_ended(poll.owner.peer)
        self.count -= 1
        poll.owner.polls -= 1
        poll.owner.used_at = self._core.monotonic()

    # --- what came before --------------------------------------------------------------------------------------

    def _page(self, poll: Poll, timeout_s: float, item_id: str | None) -> None:
        """Read on in the log. item_id: a message whose position is to be found first."""
        most = self._world.config.sessions.replay_events  # as for `resume`: reading more would hold up everybody

        def read(tx: Transaction) -> tuple[list[LoggedEvent], int]:
            after = poll.after
            if item_id is not None:
                found = tx.log.created(item_id)
                if found is None:
                    raise LookupError
                after = found
            if after < tx.log.oldest() - 1 or tx.log.newest() - after > most:
                raise LookupError
            events = tx.log.after(after, PAGE_EVENTS)
            return events, events[-1].seq if events else max(after, tx.log.newest())

        def settled(operation: Operation) -> None:
            if poll.done:
                return
            if isinstance(operation.error, LookupError):
                poll.finish(
                    Problem(
                        410,
                        "unknown_position",
                        "The position is not in the log (any more), or too far back. Go on from /history.",
                    )
                )
            elif operation.error is not None:
                poll.finish(Problem(503, "unavailable", "The server cannot read its log now."))
            else:
                self._paged(poll, timeout_s, *operation.result)

        self._world.journal.submit(read, (), settled)

    def _paged(self, poll: Poll, timeout_s: float, events: Sequence[LoggedEvent], position: int) -> None:
        self._world.fanout.flush()
        items = self._visible(poll.owner, self.tail.entries(events), poll.limit)
        poll.after = position
        if items:
            poll.finish(_array(items))
        elif len(events) == PAGE_EVENTS:
            self._page(poll, timeout_s, None)
        elif position >= self.tail.position:  # what is logged in the same commit comes to the tail right after this
            self._wait(poll, timeout_s)
        else:
            self._look(poll, timeout_s)

    # --- what comes now ----------------------------------------------------------------------------------------

    def logged(self, events: Sequence[LoggedEvent]) -> None:
        """Events were committed and released."""
        if self._sessions.in_use:
            self._wake(self.tail.take(events))
        else:
            self.tail.forget(events[-1].seq)

    def _wake(self, entries: Iterable[Entry]) -> None:
        told = [entry for entry in entries if entry.item is not None]
        if len(told) == 1:  # by far the most frequent; thousands may wait for it, so all are answered before anything
            body = _array(told)
            polls = self._waiting_for(told[0])
            for poll in polls:
                poll.finish(body)
            if polls and not self._answered:
                asyncio.get_running_loop().call_soon(self._settle)
            self._answered += polls
            return
        found: dict[Poll, list[Entry]] = {}
        for entry in told:
            for poll in self._waiting_for(entry):
                found.setdefault(poll, []).append(entry)
        for poll, mine in found.items():
            self._forget(poll)
            poll.finish(_array(mine[: poll.limit]))

    def _settle(self) -> None:
        """What is left to be done of polls that were answered together."""
        answered, self._answered = self._answered, []
        for poll in answered:
            self._forget(poll)

    def _waiting_for(self, entry: Entry) -> list[Poll]:
        """The polls that this event answers."""
        item, waiting, seq = entry.item, self._waiting, entry.event.seq
        assert item is not None
        sessions = (session for session in self._world.fanout.targets(entry.audience) if session.id in waiting)
        if item.channel_id is not None:
            joined_at = self._world.memberships.of_channel(item.channel_id)
            latest, leaver = entry.event.timestamp, item.leaver_id
            sessions = (s for s in sessions if joined_at.get(s.user_id, latest + 1) <= latest or s.user_id == leaver)
        return [poll for session in sessions for poll in waiting[session.id] if poll.after < seq and not poll.done]

    # --- who sees what -----------------------------------------------------------------------------------------

    def _has_joined(self, owner: ApiSession, entry: Entry) -> bool:
        item = entry.item
        if item is None or item.channel_id is None:
            return item is not None
        if item.leaver_id == owner.user_id:
            return True
        joined_at = self._world.memberships.of_user(owner.user_id).get(item.channel_id)
        return joined_at is not None and entry.event.timestamp >= joined_at

    def _visible(self, owner: ApiSession, entries: Iterable[Entry], limit: int) -> list[Entry]:
        user = self._world.users.get(owner.user_id)
        found: list[Entry] = []
        if user is None or user.banned:
            return found
        for entry in entries:
            if self._has_joined(owner, entry) and self._world.fanout.may_see(user, entry.audience):
                found.append(entry)
                if len(found) == limit:
                    break
        return found


def _array(entries: Iterable[Entry]) -> bytes:
    return b"[%b]" % b",".join(entry.item.json for entry in entries if entry.item is not None)
