"""Sessions that come and go: who is here, who hears of it, and what is remembered of those who left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from db.journal import Operation
from fanout import Session
from handlers.context import World
from handlers.frames import frame_of
from handlers.moderation import BANNED_REASON, DELETED_REASON
from handlers.outcome import Event
from handlers.presence import came_online, went_offline
from handlers.slash_commands import list_changed, revoked
from handlers.voice_rooms import expel, leave
from protocol.notices import DisconnectEvent


class Attendance:
    def __init__(self, world: World, emit: Callable[[Sequence[Event]], None]) -> None:
        self._world = world
        self._emit = emit
        world.fanout.on_gone = self._tell_departure
        world.fanout.on_left = self._session_left
        self._looking_at_rights = False

    def arrive(self, session: Session) -> bool:
        """A session has a connection now and receives events. False when its user may not be here any more: then it was
        told so and closed."""
        world = self._world
        user = world.users.get(session.user_id)
        if user is None or user.banned:  # since the password was checked
            reason = BANNED_REASON if user is not None else DELETED_REASON
            session.sink.send(frame_of(DisconnectEvent(reason=reason)))
            session.sink.close(1000, "no longer a member")
            world.journal.submit(lambda tx: tx.sessions.end(session.id), (), ignore)
            return False
        if not world.fanout.is_online(user.id):
            asyncio.get_running_loop().call_soon(self._tell_arrival, user.id)
        world.fanout.add(session)
        return True

    def leave(self, session: Session | None) -> None:
        """It has no connection any more, and may be resumed for a while. Harmless for one that is not here."""
        if session is not None and self._world.fanout.is_live(session):
            self.remember_disconnected(session)
            self._world.fanout.remove(session)

    def remember_disconnected(self, session: Session) -> None:
        now = self._world.clock()
        position = self._world.fanout.position if session.gap_from is None else session.gap_from
        self._world.journal.submit(lambda tx: tx.sessions.disconnect(session.id, position, now), (), ignore)

    def close_user(self, user_id: str, reason: str) -> None:
        """Throw a user out of every connection, telling why, and end its sessions."""
        self._world.fanout.close_user(user_id, reason, frame_of(DisconnectEvent(reason=reason)))
        self._world.journal.submit(lambda tx: tx.sessions.end_all(user_id), (), ignore)

    # Who is online is told when it changes on the loop, so that the last that others hear is what is so.

    def _tell_arrival(self, user_id: str) -> None:
        """Behind what the newcomer is told first."""
        user = self._world.users.get(user_id)
        if user is not None and self._world.fanout.is_online(user_id):
            self._emit(came_online(self._world, user))

    def _tell_departure(self, user_id: str) -> None:
        self._emit(went_offline(self._world, user_id, self._world.clock()))

    def _session_left(self, session: Session) -> None:
        self._forget_commands(session)
        events = leave(self._world, session)
        if events:
            self._emit(events)

    def look_at_rights(self) -> None:
        """Rights may have changed: take out of voice channels who may not be there any more, and take back the slash
        commands of who may not offer any, once for all changes of this step."""
        if not self._looking_at_rights and (len(self._world.voice) or self._world.slash.providers()):
            self._looking_at_rights = True
            asyncio.get_running_loop().call_soon(self._expel)

    def _expel(self) -> None:
        self._looking_at_rights = False
        events = [*expel(self._world), *revoked(self._world)]
        if events:
            self._emit(events)

    def _forget_commands(self, session: Session) -> None:
        """The slash commands of a connection go with it."""
        events = list_changed(self._world, self._world.slash.leave(session))
        if events:
            self._emit(events)


def ignore(operation: Operation) -> None:
    """What is lost with it: a session that cannot be resumed, or one that is listed until the next start."""
