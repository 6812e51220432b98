"""S1 to S5 and the stalled reader. Each returns plain numbers."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from bench.hosts import bare, cpu_s, machine_cpu_s, memory_kib, ours
from bench.load import Report, closed_loop, open_loop
from bench.wire import CLOSE, Connection, close_all, drain, open_connections, split_frames
from tests.support.community import PASSWORD
from tests.support.server import ServerProcess

Numbers = dict[str, Any]


@dataclass(frozen=True)
class Options:
    seconds: float = 5.0
    members: int = 500
    idle: int = 5000
    with_bare: bool = True


@contextlib.asynccontextmanager
async def room(target: str, members: int) -> AsyncIterator[tuple[ServerProcess, list[Connection]]]:
    """A server with so many members connected to one channel and quiet."""
    names = [f"u{number}" for number in range(members)]
    async with ours(names) if target == "ours" else bare() as server:
        connections = await asyncio.to_thread(open_connections, server.port, names, PASSWORD)
        await asyncio.to_thread(drain, connections)
        try:
            yield server, connections
        finally:
            close_all(connections)


async def measured(server: ServerProcess, run: Callable[[], Report]) -> Numbers:
    """The numbers of a run, with CPU shares and memory beside them. Much CPU elsewhere makes a noisy run."""
    server_before, own_before, machine_before = cpu_s(server.pid), time.process_time(), machine_cpu_s()
    start = time.monotonic()
    gc.disable()
    report = await asyncio.to_thread(run)
    gc.enable()
    seconds = time.monotonic() - start
    used = cpu_s(server.pid) - server_before
    elsewhere = machine_cpu_s() - machine_before - used - (time.process_time() - own_before)
    return {
        **report.numbers(),
        "server_cpu": round(used / seconds, 2),
        "elsewhere_cpu": round(elsewhere / seconds, 2),
        "server_peak_mib": memory_kib(server.pid, "VmHWM") // 1024,
    }


async def s1_fan_out(target: str, options: Options) -> Numbers:
    """500 members in one channel, 4 senders with 8 messages of 200 bytes in flight each."""
    async with room(target, options.members) as (server, members):
        return await measured(server, lambda: closed_loop(members, senders=4, window=8, seconds=options.seconds))


async def s2_latency(target: str, options: Options) -> Numbers:
    """50 messages a second to 500 members; latency from the time a message was due."""
    async with room(target, options.members) as (server, members):
        return await measured(server, lambda: open_loop(members, senders=4, rate=50, seconds=2 * options.seconds))


async def s3_ingest_4(target: str, options: Options) -> Numbers:
    """4 members who all write, 64 messages in flight each."""
    async with room(target, 4) as (server, members):
        return await measured(server, lambda: closed_loop(members, senders=4, window=64, seconds=options.seconds))


async def s3_ingest_50(target: str, options: Options) -> Numbers:
    """50 members who all write, 8 messages in flight each."""
    async with room(target, 50) as (server, members):
        return await measured(server, lambda: closed_loop(members, senders=50, window=8, seconds=options.seconds))


async def s4_memory(target: str, options: Options) -> Numbers:
    """Thousands of idle logged-in connections; KiB of the server's resident memory for each."""
    names = [f"u{number}" for number in range(500)]
    async with ours(names, pinned=False) if target == "ours" else bare() as server:
        first = await asyncio.to_thread(open_connections, server.port, names, PASSWORD)
        await asyncio.to_thread(drain, first)
        before, start = memory_kib(server.pid), time.monotonic()
        logins = [names[number % len(names)] for number in range(options.idle)]
        connections = await asyncio.to_thread(open_connections, server.port, logins, PASSWORD, others=first)
        await asyncio.to_thread(drain, [*first, *connections])
        took = time.monotonic() - start
        used = memory_kib(server.pid) - before
        close_all([*first, *connections])
    return {
        "connections": options.idle,
        "kib_per_connection": round(used / options.idle, 2),
        "logins_per_s": round(options.idle / took),
    }


async def s5_logins(target: str, options: Options) -> Numbers:
    """Logins with Argon2id as fast as they go, 8 at a time, while 50 members talk (20 messages a second)."""
    names = [f"u{number}" for number in range(50)]
    newcomers = [f"n{number}" for number in range(200)]
    async with ours([*names, *newcomers]) as server:
        members = await asyncio.to_thread(open_connections, server.port, names, PASSWORD)
        await asyncio.to_thread(drain, members)
        done = False
        logins = 0

        def log_in() -> float:
            nonlocal logins
            start = time.monotonic()
            while not done:
                arrived = open_connections(server.port, newcomers[:16], PASSWORD, at_once=8)
                logins += len(arrived)
                close_all(arrived)
            return time.monotonic() - start

        visitors = asyncio.create_task(asyncio.to_thread(log_in))
        try:
            numbers = await measured(
                server, lambda: open_loop(members, senders=4, rate=20, seconds=2 * options.seconds)
            )
        finally:
            done = True
            seconds = await visitors
        close_all(members)
    return {**numbers, "logins_per_s": round(logins / seconds, 1)}


async def stalled_reader(target: str, options: Options) -> Numbers:
    """200 large messages a second to 500 members, with and without one who stops reading; what becomes of that one."""

    def talk(members: list[Connection]) -> Report:
        return open_loop(members, senders=4, rate=200, body_bytes=1900, seconds=3 * options.seconds)

    async with room(target, options.members) as (server, members):
        before_p99 = (await measured(server, lambda: talk(members)))["p99_ms"]
        stalled = members.pop()
        stalled.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        before = memory_kib(server.pid)
        numbers = await measured(server, lambda: talk(members))
        after = memory_kib(server.pid)
        fate = await asyncio.to_thread(_read_out, stalled)
        close_all([stalled])
        after_p99 = (await measured(server, lambda: talk(members)))["p99_ms"]
    calm_p99 = max(before_p99, after_p99)
    return {
        **numbers,
        "p99_ms_without": [before_p99, after_p99],
        "p99_ratio": round(numbers["p99_ms"] / calm_p99, 2),
        "server_grew_mib": round((after - before) / 1024, 1),
        "stalled_one": fate,
    }


def _read_out(connection: Connection) -> str:
    """Read what waits for a stalled member until its end; how it ended."""
    connection.socket.settimeout(20)  # the kernel probes a closed window ever more rarely
    data = bytearray()
    try:
        while chunk := connection.socket.recv(1 << 20):
            data += chunk
    except TimeoutError:
        return "still connected"
    except ConnectionResetError:
        return "cut off"
    frames, _ = split_frames(data)
    codes = [int.from_bytes(payload[:2], "big") for opcode, payload in frames if opcode == CLOSE]
    return f"closed with {codes[0]}" if codes else "cut off"
