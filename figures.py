"""Figures of the running server for `server_status`: a sample every ten seconds, those of the last hour in memory.

Nothing is counted here for each message: a sample reads what the parts have counted.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import shutil
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import text

from config.paths import DataPaths
from db.backup import database_file
from db.journal import Operation
from gate import Gatekeeper
from handlers.context import World
from metrics import Metrics
from protocol.status import StatusSample

TICK_S = 1.0
INTERVAL_TICKS = 10
KEPT = 360

log = logging.getLogger("originchats.figures")


class Figures:
    """Belongs to the event loop."""

    interval_s = TICK_S * INTERVAL_TICKS

    def __init__(
        self,
        world: World,
        gate: Gatekeeper,
        metrics: Metrics,
        paths: DataPaths,
        *,
        started_at: float,
        monotonic: Callable[[], float],
        cpu_s: Callable[[], float] = time.process_time,
    ) -> None:
        self.started_at = started_at
        self._file = database_file(paths)
        self.database = "postgresql" if self._file is None else "sqlite"
        self._world = world
        self._gate = gate
        self._metrics = metrics
        self._folder = paths.folder
        self._monotonic = monotonic
        self._cpu_s = cpu_s
        self._samples: deque[StatusSample] = deque(maxlen=KEPT)
        self._ticks = 0
        self._ticked_at: float | None = None
        self._lag_s = 0.0
        self._before = self._counted()
        self._database_bytes = 0
        self._free_bytes = 0
        self._measuring: asyncio.Future[None] | None = None

    def samples(self) -> Sequence[StatusSample]:
        """Oldest first, one at least."""
        if not self._samples:
            self._sample()
        return self._samples

    def tick(self) -> None:
        """Once a second, as far as the loop comes to it."""
        now = self._monotonic()
        if self._ticked_at is not None:
            self._lag_s = max(self._lag_s, now - self._ticked_at - TICK_S)
        self._ticked_at = now
        if self._ticks % INTERVAL_TICKS == 0:
            if self._ticks:
                self._sample()
            self._look_at_disk()
        self._ticks += 1

    def _counted(self) -> tuple[float, int, int, float]:
        """When, messages stored, events delivered, seconds of the processor; each since the start."""
        return self._monotonic(), self._metrics.stored, self._world.fanout.delivered, self._cpu_s()

    def _sample(self) -> None:
        counted = self._counted()
        took_s, messages, deliveries, cpu_s = (new - old for new, old in zip(counted, self._before, strict=True))
        self._before = counted
        commits = sorted(self._metrics.take_commits())
        world, gate = self._world, self._gate
        per_s = 1 / took_s if took_s > 0 else 0.0
        self._samples.append(
            StatusSample(
                at=world.clock(),
                connections=len(gate.open_clients) + gate.polls,
                sessions=len(world.fanout.sessions),
                users_online=len(world.fanout.online_users()),
                messages_per_s=round(messages * per_s, 2),
                deliveries_per_s=round(deliveries * per_s, 2),
                commit_p50_ms=_percentile_ms(commits, 0.5),
                commit_p99_ms=_percentile_ms(commits, 0.99),
                loop_lag_ms=round(max(0.0, self._lag_s) * 1000, 2),
                queue=world.journal.depth,
                refusals=world.limiter.refusals,
                cpu_percent=round(cpu_s * per_s * 100, 1),
                memory_bytes=_resident_bytes(),
                database_bytes=self._database_bytes,
                disk_free_bytes=self._free_bytes,
            )
        )
        self._lag_s = 0.0

    # --- what may take long --------------------------------------------------------------------------------------

    def _look_at_disk(self) -> None:
        if self._measuring is not None:  # a disk that does not answer is not asked again
            return
        self._measuring = asyncio.ensure_future(self._measure())
        if self._file is None:
            self._world.journal.submit(
                lambda tx: tx.connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one(),
                (),
                self._database_measured,
            )

    async def _measure(self) -> None:
        try:
            self._free_bytes, size = await asyncio.to_thread(_on_disk, self._folder, self._file)
            if self._file is not None:
                self._database_bytes = size
        except OSError as error:
            log.warning("the disk cannot be measured: %s", error.strerror)
        finally:
            self._measuring = None

    def _database_measured(self, operation: Operation) -> None:
        if operation.error is None:
            self._database_bytes = int(operation.result)


def _on_disk(folder: Path, database: Path | None) -> tuple[int, int]:
    """(bytes free, bytes of an SQLite database with its log)."""
    files = [] if database is None else [database, database.with_name(f"{database.name}-wal")]
    return shutil.disk_usage(folder).free, sum(file.stat().st_size for file in files if file.exists())


def _percentile_ms(ordered: Sequence[float], share: float) -> float | None:
    if not ordered:
        return None
    return round(ordered[min(len(ordered), math.ceil(share * len(ordered))) - 1] * 1000, 3)


def _resident_bytes() -> int:
    if sys.platform != "linux":
        return 0
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
