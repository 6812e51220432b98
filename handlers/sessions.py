"""Sessions: going on where a connection was lost, and seeing and ending one's own."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping

from msgspec import UNSET

from config.schema import Config
from db.sessions import ACCESS_TOKEN, StoredSession
from db.transaction import Transaction
from handlers.context import Context, World
from handlers.frames import frame_of
from handlers.login import token_hash
from handlers.outcome import Change, Outcome
from handlers.registry import handles
from handlers.replay import Failed, Replay
from protocol.errors import Code, Refused
from protocol.login import (
    Resume,
    ResumedReply,
    SessionEnd,
    SessionEndReply,
    SessionsList,
    SessionsListReply,
)
from protocol.notices import DisconnectEvent
from protocol.objects_community import SessionEntry

DAY_S = 86_400
ENDED = "Session ended"


def session_lifetimes_s(config: Config) -> dict[str, float]:
    """How long a session may be without a connection, by gateway."""
    return {
        "": config.sessions.timeout_s,
        "rooms": config.sessions.timeout_s,
        "chat_api": config.chat_api.session_timeout_s,
        ACCESS_TOKEN: config.rooms.token_days * DAY_S,
    }


def expired(stored: StoredSession, lifetimes_s: Mapping[str, float], now: float) -> bool:
    return stored.disconnected_at is not None and now - stored.disconnected_at > lifetimes_s.get(stored.gateway, 0.0)


@handles(Resume)
def resume(ctx: Context, cmd: Resume) -> Awaitable[Outcome]:
    """Sent right behind login, without waiting for `ready`, it leaves no event between the two: the replay holds the
    session in the step in which the login is settled."""
    world, session = ctx.world, ctx.session
    wanted = token_hash(cmd.session)
    settings, lifetimes_s = world.config.sessions, session_lifetimes_s(world.config)
    listener = cmd.listener if isinstance(cmd.listener, str) else None
    session.gap_aware = True

    def open_session(tx: Transaction) -> str:
        stored = tx.sessions.by_token_hash(wanted)
        if stored is None or stored.user_id != session.user_id or stored.gateway == ACCESS_TOKEN:
            raise Failed("unknown_session")
        if expired(stored, lifetimes_s, ctx.now):
            raise Failed("session_expired")
        newest = tx.log.newest()
        if cmd.after > newest:
            raise Failed("unknown_position")
        if cmd.after < tx.log.oldest() - 1:
            raise Failed("too_old")
        if newest - cmd.after > settings.replay_events:
            raise Failed("too_many_events")
        if stored.id != session.id:
            new = tx.sessions.get(session.id)
            if new is not None and new.access_token is not None:
                tx.sessions.bind(stored.id, new.access_token)
            tx.sessions.end(session.id)
            tx.sessions.attach(stored.id, ctx.now, ctx.visitor.address, ctx.visitor.agent)
        return stored.id

    def opened(session_id: str) -> None:
        if session_id == session.id:
            return
        if not world.fanout.is_live(session):  # the connection is lost already
            world.journal.submit(
                lambda tx: tx.sessions.disconnect(session_id, cmd.after, ctx.now), (), lambda operation: None
            )
            return
        ghost = world.fanout.sessions.get(session_id)
        world.fanout.rename(session, session_id)
        if ghost is not None:
            ghost.sink.close(1000, "resumed elsewhere")

    replay = Replay(
        world,
        session,
        after=cmd.after,
        open=open_session,
        opened=opened,
        done=lambda recovered, position, reason: frame_of(
            ResumedReply(recovered=recovered, seq=position, reason=UNSET if reason is None else reason),
            listener=listener,
        ),
    )
    return replay.run()


@handles(SessionsList)
def sessions_list(ctx: Context, cmd: SessionsList) -> Change:
    session, lifetimes_s = ctx.session, session_lifetimes_s(ctx.world.config)

    def change(tx: Transaction) -> Outcome:
        entries = [
            SessionEntry(
                id=stored.id,
                current=stored.id == session.id,
                connected=stored.disconnected_at is None,
                created_at=stored.created_at,
                last_seen=stored.last_seen,
                address=stored.address,
                agent=stored.agent,
                token=stored.gateway == ACCESS_TOKEN,
            )
            for stored in tx.sessions.of_user(session.user_id)
            if not expired(stored, lifetimes_s, ctx.now)
        ]
        return Outcome(reply=SessionsListReply(sessions=entries))

    return change


@handles(SessionEnd)
def session_end(ctx: Context, cmd: SessionEnd) -> Change:
    """End one of the caller's own sessions, or an access token with all that were entered with it; their connections
    close."""
    world, user_id = ctx.world, ctx.session.user_id

    def change(tx: Transaction) -> Outcome:
        ended = tx.sessions.end_device(user_id, cmd.id)
        if not ended:
            raise Refused(Code.SESSION_NOT_FOUND)
        return Outcome(reply=SessionEndReply(id=cmd.id, ended=True), after=lambda: close_sessions(world, ended, ENDED))

    return change


def close_sessions(world: World, session_ids: Iterable[str], reason: str) -> None:
    """Close the connections of sessions that were ended, where they have any, telling why."""
    for id_ in session_ids:
        live = world.fanout.sessions.get(id_)
        if live is not None:
            world.fanout.close_session(live, reason, frame_of(DisconnectEvent(reason=reason)))
