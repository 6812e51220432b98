"""Slash commands that bots have registered, and the calls of them that can be answered. In memory only.

A set of commands belongs to one connection and goes with it. Two connections of one user may provide the same name;
then the newer one is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from protocol.slash_commands import SlashCommand

if TYPE_CHECKING:
    from fanout import Session

SETS_OF_USER = 5
"""How many connections of one user can provide commands; the oldest set gives way to a new one."""
CALLS_OF_OWNER = 1000
"""How many calls of one user's commands can be answered; the oldest give way."""
SHOWN = 10_000
"""How many ephemeral messages are known by their ids."""
ANSWERS = 10
"""How often one call can be answered."""
ANSWERABLE_S = 86_400.0
"""A reminder may come hours after it was asked for."""


class Registered:
    """A command and who provides it."""

    __slots__ = ("command", "session", "user_id")

    def __init__(self, command: SlashCommand, session: Session) -> None:
        self.command = command
        self.session = session
        self.user_id = session.user_id


class Difference(msgspec.Struct):
    """What changes for those who see the list."""

    removed: list[str]
    added: list[Registered]


class SlashCall(msgspec.Struct):
    """One call of a registered command. invoker, owner: user ids. session_id: the caller's. at: unix seconds. due: when
    the caller is told that there is no answer."""

    id: str
    command: SlashCommand
    owner: str
    provider: Session
    invoker: str
    session_id: str
    channel_id: str
    thread_id: str | None
    at: float
    due: float
    answers: int = 0


class SlashRegistry:
    def __init__(self) -> None:
        self._sets: dict[Session, list[Registered]] = {}
        """In the order of registration."""
        self._by_name: dict[str, Registered] = {}
        self._calls: dict[str, dict[str, SlashCall]] = {}
        """By owner, then by id, the oldest first."""
        self._waiting: dict[str, SlashCall] = {}
        """Calls without an answer whose caller was not told yet, by id."""
        self._shown: dict[str, str | None] = {}
        """Id of an ephemeral message -> id of the newest message in its place then. The oldest are forgotten."""

    # --- commands ----------------------------------------------------------------------------------------------

    def find(self, name: str) -> Registered | None:
        return self._by_name.get(name.casefold())

    def all(self) -> Iterable[Registered]:
        return self._by_name.values()

    def providers(self) -> list[Session]:
        """The connections that provide commands."""
        return list(self._sets)

    def register(self, session: Session, commands: Iterable[SlashCommand]) -> Difference:
        """Replace what this connection provides."""
        self._sets.pop(session, None)
        mine = [other for other in self._sets if other.user_id == session.user_id]
        for other in mine[: max(0, len(mine) + 1 - SETS_OF_USER)]:
            del self._sets[other]
        registered = [Registered(command, session) for command in commands]
        if registered:
            self._sets[session] = registered
        return self._changed()

    def leave(self, session: Session) -> Difference:
        """The connection is gone, and with it its commands. Whoever waits for it is told at once."""
        for call in self._waiting.values():
            if call.provider is session:
                call.due = call.at
        return self._changed() if self._sets.pop(session, None) else Difference([], [])

    def _changed(self) -> Difference:
        old = self._by_name
        self._by_name = {each.command.name.casefold(): each for set_ in self._sets.values() for each in set_}
        removed = [each.command.name for key, each in old.items() if key not in self._by_name]
        return Difference(removed, [each for key, each in self._by_name.items() if old.get(key) is not each])

    # --- calls -------------------------------------------------------------------------------------------------

    def called(self, call: SlashCall) -> None:
        calls = self._calls.setdefault(call.owner, {})
        calls[call.id] = self._waiting[call.id] = call
        if len(calls) > CALLS_OF_OWNER:
            del calls[next(iter(calls))]

    def calls_of(self, owner: str, now: float) -> list[SlashCall]:
        """Calls that this user can answer, the newest first."""
        found = reversed(self._calls.get(owner, {}).values())
        return [call for call in found if call.answers < ANSWERS and now - call.at <= ANSWERABLE_S]

    def answered(self, call: SlashCall) -> None:
        call.answers += 1
        self._waiting.pop(call.id, None)

    def overdue(self, now: float) -> list[SlashCall]:
        """Calls that nobody has answered in time; each is given once. Answers are taken still."""
        found = [call for call in self._waiting.values() if call.due <= now]
        for call in found:
            del self._waiting[call.id]
        return found

    # --- ephemeral answers -------------------------------------------------------------------------------------

    def shown(self, message_id: str, newest: str | None) -> None:
        """Somebody was shown this message behind the newest of its place."""
        self._shown[message_id] = newest
        if len(self._shown) > SHOWN:
            del self._shown[next(iter(self._shown))]

    def stored_before(self, message_id: str) -> str | None:
        """What is read with a message: itself; with an ephemeral one, the newest that was stored before it."""
        return self._shown.get(message_id, message_id)

    def sweep(self, now: float) -> None:
        """Forget calls that cannot be answered any more."""
        for owner, calls in list(self._calls.items()):
            self._calls[owner] = {id_: call for id_, call in calls.items() if now - call.at <= ANSWERABLE_S}
            if not self._calls[owner]:
                del self._calls[owner]
