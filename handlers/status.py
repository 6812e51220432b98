"""server_status. What measures is above handlers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from config.version import VERSION
from handlers.outcome import Outcome
from handlers.registry import handles
from protocol.errors import Code, Refused
from protocol.status import ServerStatus, ServerStatusReply, StatusSample

if TYPE_CHECKING:
    from handlers.context import Context


class Figures(Protocol):
    """What is measured. database: its kind. started_at: unix seconds. samples: oldest first, one at least."""

    database: str
    started_at: float
    interval_s: float

    def samples(self) -> Iterable[StatusSample]: ...


@handles(ServerStatus)
def server_status(ctx: Context, cmd: ServerStatus) -> Outcome:
    figures = ctx.world.figures
    if figures is None:
        raise Refused(Code.UNAVAILABLE, reason="nothing is measured here")
    samples = list(figures.samples())
    return Outcome(
        reply=ServerStatusReply(
            version=VERSION,
            database=figures.database,
            started_at=figures.started_at,
            uptime_s=max(0.0, ctx.now - figures.started_at),
            interval_s=figures.interval_s,
            now=samples[-1],
            history=[sample for sample in samples if sample.at > cmd.after],
        )
    )
