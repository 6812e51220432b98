"""Live sessions, audiences, delivery.

An event is encoded once and framed once; the same bytes object goes to the outbox of every session in its audience.
Who is in an audience is worked out from live rights: it is kept per channel, and forgotten whenever a user's roles,
a role or a channel changes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol

from connection import Frame, Outboxes
from db.channels import Channel, Channels
from db.directs import Direct, Directs
from db.documents import Change
from db.permissions import Access
from db.users import User, Users
from protocol.audience import Audience, Everyone, Holders, OneSession, SessionsOf, Viewers, ViewersPart

PRESENCE_DELAY_S = 50e-6
"""For each session that is here; about ten times what one write costs."""
LONGEST_PRESENCE_DELAY_S = 0.25


class Sink(Protocol):
    """What a session is delivered to. A WebSocket connection is one; other ways in bring their own."""

    fast: bool
    outbox: list[bytes]

    def send(self, frame: Frame, *, ephemeral: bool = False) -> bool: ...

    def when_drained(self, callback: Callable[[], None]) -> None: ...

    def close(self, code: int, reason: str = "") -> None: ...


class Session:
    """A logged-in user on one device, while it is connected."""

    __slots__ = (
        "address",
        "gap_aware",
        "gap_from",
        "gateway",
        "held",
        "id",
        "joins",
        "since",
        "sink",
        "told",
        "user_id",
    )

    def __init__(
        self,
        *,
        id: str,
        user_id: str,
        sink: Sink,
        address: str,
        gap_aware: bool,
        joins: bool = False,
        gateway: str = "",
    ) -> None:
        """gateway: the way in that it came by, "" for the OriginChats protocol."""
        self.id = id
        self.user_id = user_id
        self.sink = sink
        self.address = address
        self.joins = joins
        """Whether people join channels explicitly by this way in; elsewhere everybody who can view one is in it."""
        self.gateway = gateway
        self.since = 0
        """Every durable event after this position went to the sink (up to `gap_from`, if that is set)."""
        self.gap_aware = gap_aware
        """Whether the client has shown that it understands `gap`."""
        self.held = False
        """True while a replay runs: durable events are left out, because the replay reads them from the log."""
        self.gap_from: int | None = None
        """The position before the first event left out after a `gap`; None when nothing is missing."""
        self.told: set[int] = set()
        """Events that answered a command out of their turn, during a gap or a replay, which must not repeat them."""


class Delivery:
    """One framed event on its way to an audience. `seq` is None when it is only of the moment."""

    __slots__ = ("audience", "frame", "seq")

    def __init__(self, audience: Audience, frame: Frame, seq: int | None) -> None:
        self.audience = audience
        self.frame = frame
        self.seq = seq


GapFrame = Callable[[int, int], Frame]
"""Makes the frame of `gap` from the position before it and the newest one."""


class Fanout:
    def __init__(self, users: Users, channels: Channels, directs: Directs, access: Access, gap_frame: GapFrame) -> None:
        self._users = users
        self._channels = channels
        self._directs = directs
        self._access = access
        self._gap_frame = gap_frame
        self.outboxes = Outboxes()
        self.sessions: dict[str, Session] = {}
        self._by_user: dict[str, dict[str, Session]] = {}
        self._viewers: dict[str, dict[str, Session]] = {}
        """By channel. Of direct channels nothing is kept: each has two members to ask for."""
        self._holders: dict[tuple[str, ...], set[str]] = {}
        """Ids of the users that are here and hold one of the permissions."""
        self.delivered = 0
        """Events handed to sessions since the start, each counted for each of its sessions."""
        self.observe: Callable[[float], None] = lambda took_s: None
        """Called with the seconds that each flush of something took."""
        self._gathered: list[Delivery] = []
        self._presence: list[Delivery] = []
        self.position = 0
        """The newest `seq` that was released to sessions."""
        self.on_gone: Callable[[str], None] = lambda user_id: None
        """Called when the last session of a user has been removed."""
        self.on_left: Callable[[Session], None] = lambda session: None
        """Called when a session has been removed."""

    # --- who is here -------------------------------------------------------------------------------------------

    def add(self, session: Session) -> None:
        self.flush()
        self.sessions[session.id] = session
        self._by_user.setdefault(session.user_id, {})[session.id] = session
        user = self._users.get(session.user_id)
        for channel_id, viewers in self._viewers.items():
            channel = self._channels.get(channel_id)
            if user is not None and channel is not None and self._access.may(user, channel, "view"):
                viewers[session.id] = session
        for permissions, holders in self._holders.items():
            if user is not None and self._holds(user, permissions):
                holders.add(user.id)

    def remove(self, session: Session) -> None:
        """Forget a session; harmless when it is not here."""
        if self.is_live(session):
            self._take_out(session)
            self.on_left(session)
            if not self.is_online(session.user_id):
                self.on_gone(session.user_id)

    def is_live(self, session: Session) -> bool:
        return self.sessions.get(session.id) is session

    def _take_out(self, session: Session) -> None:
        self.flush()
        del self.sessions[session.id]
        mine = self._by_user[session.user_id]
        del mine[session.id]
        if not mine:
            del self._by_user[session.user_id]
            for holders in self._holders.values():
                holders.discard(session.user_id)
        for viewers in self._viewers.values():
            viewers.pop(session.id, None)

    def rename(self, session: Session, id: str) -> None:
        """Give a live session another id (a resumed session keeps its old one)."""
        self._take_out(session)
        session.id = id
        self.add(session)

    def is_online(self, user_id: str) -> bool:
        return user_id in self._by_user

    def online_users(self) -> Collection[str]:
        """Ids of the users with at least one live session, in order of arrival."""
        return self._by_user.keys()

    def sessions_of(self, user_id: str) -> Collection[Session]:
        return self._by_user.get(user_id, {}).values()

    def close_user(self, user_id: str, reason: str, notice: Frame | None = None) -> None:
        """Throw a user out of every connection, telling why."""
        for session in list(self.sessions_of(user_id)):
            self.close_session(session, reason, notice)

    def close_session(self, session: Session, reason: str, notice: Frame | None = None) -> None:
        self.flush()
        if notice is not None:
            session.sink.send(notice)
        self.remove(session)
        session.sink.close(1000, reason[:120])

    # --- audiences ---------------------------------------------------------------------------------------------

    def document_changed(self, change: Change) -> None:
        """Forget audiences that this change may touch; lazily saved fields such as the status touch none."""
        old, new = change.old, change.new
        if isinstance(old, User) and isinstance(new, User) and old.roles == new.roles and old.banned == new.banned:
            return
        if isinstance(old, Channel) and isinstance(new, Channel):
            self._viewers.pop(old.id, None)
            return
        self._viewers.clear()
        self._holders.clear()

    def membership_changed(self, channel_id: str) -> None:
        """Somebody has become, or is no longer, a member of this channel."""
        self._viewers.pop(channel_id, None)

    def targets(self, audience: Audience) -> Collection[Session]:
        match audience:
            case Everyone():
                return self.sessions.values()
            case SessionsOf(user):
                return self.sessions_of(user)
            case Viewers(channel_id):
                return self._viewers_of(channel_id).values()
            case OneSession(session_id):
                session = self.sessions.get(session_id)
                return () if session is None else (session,)
            case ViewersPart(channel_id, sessions, among):
                viewers = self._viewers_of(channel_id)
                return [session for id_, session in viewers.items() if (id_ in sessions) is among]
            case Holders():
                asked = {*self._holders_of(audience.permissions), *filter(None, [audience.user])}
                return [session for id_ in asked if self._belongs(id_, audience) for session in self.sessions_of(id_)]

    def reaches(self, audience: Audience, session: Session) -> bool:
        """Whether a session is in an audience."""
        match audience:
            case Everyone():
                return session.id in self.sessions
            case SessionsOf(user):
                return session.user_id == user and session.id in self.sessions
            case Viewers(channel_id):
                return session.id in self._viewers_of(channel_id)
            case OneSession(session_id):
                return session.id == session_id and session.id in self.sessions
            case ViewersPart(channel_id, sessions, among):
                return session.id in self._viewers_of(channel_id) and (session.id in sessions) is among
            case Holders():
                return session.id in self.sessions and self._belongs(session.user_id, audience)

    def _holds(self, user: User, permissions: tuple[str, ...]) -> bool:
        return any(self._access.can(user, permission) for permission in permissions)

    def _holders_of(self, permissions: tuple[str, ...]) -> set[str]:
        holders = self._holders.get(permissions)
        if holders is None:
            users = (self._users.get(id_) for id_ in self._by_user)
            holders = {user.id for user in users if user is not None and self._holds(user, permissions)}
            self._holders[permissions] = holders
        return holders

    def _belongs(self, user_id: str, audience: Holders) -> bool:
        user = self._users.get(user_id)
        if user is None or (user_id != audience.user and not self._holds(user, audience.permissions)):
            return False
        if audience.channel is None or self._access.passes_everything(user):
            return True
        channel = self._channels.get(audience.channel)
        return channel is not None and self._access.may(user, channel, "view")

    def _viewers_of(self, channel_id: str) -> dict[str, Session]:
        direct = self._directs.get(channel_id)
        if direct is not None:
            return self._viewers_among(direct.members, direct)
        viewers = self._viewers.get(channel_id)
        if viewers is None:
            channel = self._channels.get(channel_id)
            viewers = {} if channel is None else self._viewers_among(self._by_user, channel)
            self._viewers[channel_id] = viewers
        return viewers

    def _viewers_among(self, user_ids: Iterable[str], channel: Channel | Direct) -> dict[str, Session]:
        found: dict[str, Session] = {}
        for user_id in user_ids:
            user = self._users.get(user_id)
            if user is not None and self._access.may(user, channel, "view"):
                found.update(self._by_user.get(user_id, {}))
        return found

    def may_see(self, user: User, audience: Audience) -> bool:
        """Whether the user, by the rights of this moment, belongs to an audience (for replays)."""
        match audience:
            case Everyone():
                return not user.banned
            case SessionsOf(user_id):
                return user_id == user.id
            case Viewers(channel_id) | ViewersPart(channel_id):
                channel = self._channels.get(channel_id) or self._directs.get(channel_id)
                return channel is not None and self._access.may(user, channel, "view")
            case Holders():
                return self._belongs(user.id, audience)
            case OneSession():
                return False

    # --- delivery ----------------------------------------------------------------------------------------------

    def gather(self, delivery: Delivery) -> None:
        """Deliver an event with the next `flush`. Whoever sends anything else, or changes who is here, flushes first.

        Presence in a large community waits a moment, so that a thousand logins in a row are not a thousand writes to
        each of a thousand members: telling everybody takes at most about a tenth of the time.
        """
        if delivery.seq is None and isinstance(delivery.audience, Everyone):
            delay_s = min(LONGEST_PRESENCE_DELAY_S, len(self.sessions) * PRESENCE_DELAY_S)
            if delay_s > 0.001:
                if not self._presence:
                    asyncio.get_running_loop().call_later(delay_s, self._flush_presence)
                self._presence.append(delivery)
                return
        elif self._presence and isinstance(delivery.audience, Everyone):
            self._gathered += self._presence  # nobody may seem to come after having left for good
            self._presence = []
        self._gathered.append(delivery)

    def _flush_presence(self) -> None:
        self._gathered += self._presence
        self._presence = []
        self.flush()

    def flush(self) -> None:
        """Hand what was gathered to its audiences, in order. Neighbours with the same audience go out as one list."""
        deliveries, self._gathered = self._gathered, []
        if not deliveries:
            return
        began = time.perf_counter()
        start = 0
        while start < len(deliveries):
            end = start + 1
            audience = deliveries[start].audience
            while end < len(deliveries) and deliveries[end].audience == audience:
                end += 1
            targets = self.targets(audience)
            self.delivered += len(targets) * (end - start)
            self.offer(targets, deliveries[start:end])
            start = end
        self.observe(time.perf_counter() - began)

    def offer(self, sessions: Iterable[Session], run: Sequence[Delivery]) -> None:
        """The same events to these sessions. All of the run are in the outboxes, or accounted for, afterwards."""
        newest = max((delivery.seq for delivery in run if delivery.seq is not None), default=0)
        self.position = max(self.position, newest)
        plain = [delivery.frame.plain for delivery in run]
        waiting = self.outboxes.waiting
        for session in sessions:
            sink = session.sink
            if sink.fast and not session.held and session.gap_from is None:
                if not sink.outbox:
                    waiting.append(sink)  # type: ignore[arg-type]  # only connections are fast
                sink.outbox += plain
            else:
                self._offer_slowly(session, run)
        self.outboxes.schedule()

    def _offer_slowly(self, session: Session, run: Sequence[Delivery]) -> None:
        for delivery in run:
            if delivery.seq is None:
                if not session.held:
                    session.sink.send(delivery.frame, ephemeral=True)
            elif not session.held and session.gap_from is None and not session.sink.send(delivery.frame):
                self._fall_behind(session, delivery.seq)

    def _fall_behind(self, session: Session, seq: int) -> None:
        """The outbox is full: a client that knows `gap` fetches later what it missed, another one is closed."""
        if session.gap_aware and session.gap_from is None:
            session.gap_from = seq - 1
            session.sink.when_drained(lambda: self._tell_gap(session))
        else:
            session.sink.close(1013, "reader too slow; resume to fetch what was missed")

    def leave_in_gap(self, session: Session, sent_up_to: int, resume_after: int) -> None:
        """A replay broke off: nothing durable until the next one. resume_after: the position the client has."""
        session.gap_from = sent_up_to
        frame = self._gap_frame(resume_after, self.position)
        if not session.sink.send(frame):
            session.sink.close(1013, "reader too slow; resume to fetch what was missed")

    def _tell_gap(self, session: Session) -> None:
        if session.gap_from is not None:
            session.sink.send(self._gap_frame(session.gap_from, self.position))
