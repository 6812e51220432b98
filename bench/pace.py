"""How fast the machine is at this moment: two runs of the benchmarks can be compared when these agree."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import selectors
import socket
import statistics
import tempfile
import time

from bench.hosts import SERVER_CPU

RECEIVERS = 500
ROUNDS = 50
EVERY_S = 0.02
"""As in S2: so many sends, so often."""
FRAME = b"x" * 400
WRITES = 20


def pace() -> dict[str, float]:
    """send_us: wall time of one `send` to somebody on the other core, the median round of 500 of them; nothing else is
    part of it, so that no server in Python can be faster. fsync_ms: the median of 20, after 4 KiB each."""
    return {"send_us": round(_send_us(), 1), "fsync_ms": round(_fsync_ms(), 2)}


def _send_us() -> float:
    with socket.create_server(("127.0.0.1", 0), backlog=RECEIVERS) as listening:
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        sender = spawn.Process(target=_send, args=(listening.getsockname()[1], theirs))
        sender.start()
        receivers = [listening.accept()[0] for _ in range(RECEIVERS)]
        with selectors.DefaultSelector() as selector:
            for receiver in receivers:
                selector.register(receiver, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select():
                    if not key.fileobj.recv(65_536):  # type: ignore[union-attr]  # a socket
                        selector.unregister(key.fileobj)
        for receiver in receivers:
            receiver.close()
        rounds: list[float] = ours.recv()
        sender.join()
    return statistics.median(rounds) / RECEIVERS * 1e6


def _send(port: int, answer: multiprocessing.connection.Connection) -> None:
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {SERVER_CPU})
    members = [socket.create_connection(("127.0.0.1", port)) for _ in range(RECEIVERS)]
    for member in members:
        member.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    rounds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for member in members:
            member.send(FRAME)
        rounds.append(time.perf_counter() - start)
        time.sleep(EVERY_S)
    for member in members:
        member.close()
    answer.send(rounds)


def _fsync_ms() -> float:
    times = []
    with tempfile.TemporaryFile(dir=".") as file:
        for _ in range(WRITES):
            file.write(b"x" * 4096)
            file.flush()
            start = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3
