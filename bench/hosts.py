"""The servers that are measured: ours and the bare one, each a process pinned to one core."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.community import CHANNELS, merged, write_community
from tests.support.server import ServerProcess

SERVER_CPU = 0
CLIENT_CPU = 1
CONFIG: dict[str, Any] = {
    "rate_limiting": {"enabled": False},
    "limits": {
        "connections_per_address": 1_000_000,
        "login_tries_per_minute": 1_000_000,
        "registrations_per_minute": 1_000_000,
    },
    "log": {"level": "warning"},
}


class BareServer(ServerProcess):
    def command(self) -> list[str]:
        return ["-m", "bench.bare"]


def pin_generator() -> None:
    """Keep this process off the server's core."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {CLIENT_CPU})


@contextlib.asynccontextmanager
async def ours(
    users: Sequence[str], *, config: Mapping[str, Any] | None = None, pinned: bool = True
) -> AsyncIterator[ServerProcess]:
    """Our server with these accounts, durable as always, without rate limits. Its folder goes when it stops."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        write_community(
            Path(folder),
            users=dict.fromkeys(users, ("user",)),
            channels=CHANNELS,
            config=merged(CONFIG, config or {}),
        )
        async with ServerProcess(Path(folder), command_prefix=_prefix(pinned)) as server:
            yield server


@contextlib.asynccontextmanager
async def bare() -> AsyncIterator[ServerProcess]:
    async with BareServer(Path("."), command_prefix=_prefix(True)) as server:
        yield server


def _prefix(pinned: bool) -> tuple[str, ...]:
    # Without a prefix the server would inherit the core of the load generator.
    cores = str(SERVER_CPU) if pinned else f"0-{(os.cpu_count() or 1) - 1}"
    return ("taskset", "-c", cores)


def memory_kib(pid: int, key: str = "VmRSS") -> int:
    """Resident memory of a process; `VmHWM` for its peak."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    raise LookupError(key)


def machine_cpu_s() -> float:
    """CPU seconds that the whole machine was busy so far."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    idle = fields[3] + fields[4]
    return (sum(fields[:8]) - idle) / os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """CPU seconds a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
