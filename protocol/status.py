"""Figures of the running server: what it does now, and what it did in the last hour, for charts."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from protocol.base import Command, Packet, spec


class StatusSample(Struct, frozen=True, kw_only=True):
    """One moment. Rates and times are those of the ten seconds before it."""

    at: Annotated[float, Meta(description="Unix seconds.")]
    connections: Annotated[int, Meta(description="Open WebSocket connections and waiting polls.")]
    sessions: Annotated[int, Meta(description="Live sessions.")]
    users_online: int
    messages_per_s: Annotated[float, Meta(description="Messages stored.")]
    deliveries_per_s: Annotated[float, Meta(description="Events handed to sessions.")]
    commit_p50_ms: Annotated[
        float | None, Meta(description="Half of the commits took no longer; null: there was none.")
    ]
    commit_p99_ms: Annotated[float | None, Meta(description="99 of 100 commits took no longer; null: there was none.")]
    loop_lag_ms: Annotated[float, Meta(description="The latest that the event loop was for what was due each second.")]
    queue: Annotated[int, Meta(description="Operations that are not stored yet.")]
    refusals: Annotated[int, Meta(description="Commands that the message limiter refused since the start.")]
    cpu_percent: Annotated[float, Meta(description="Of one processor.")]
    memory_bytes: Annotated[int, Meta(description="Resident memory of the process; 0: not known.")]
    database_bytes: Annotated[int, Meta(description="Size of the database; 0: not known yet.")]
    disk_free_bytes: Annotated[int, Meta(description="Room left beside the data; 0: not known yet.")]


class ServerStatusReply(Packet, kw_only=True, frozen=True, tag="server_status"):
    """How the server does."""

    version: Annotated[str, Meta(description="Of this server program.")]
    database: Annotated[str, Meta(description="sqlite or postgresql.")]
    started_at: Annotated[float, Meta(description="Unix seconds.")]
    uptime_s: float
    interval_s: Annotated[float, Meta(description="Time between two samples.")]
    now: Annotated[StatusSample, Meta(description="The newest sample.")]
    history: Annotated[list[StatusSample], Meta(description="Those of the last hour, oldest first.")]


@spec(
    does="Fetch figures of the running server.",
    allowed="owners, and server permission `administrator`",
    needs="administrator",
    reply=ServerStatusReply,
    example={"after": 1790000000},
)
class ServerStatus(Command, kw_only=True, frozen=True):
    after: Annotated[float, Meta(ge=0, description="Leaves out of `history` what was measured up to then.")] = 0
