"""Long polls of the HTTP chat API: how soon each of thousands is answered, and what a waiting one costs."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import select
import socket
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.hosts import cpu_s, memory_kib, ours
from bench.scenarios import Numbers, Options
from tests.support.client import ChatClient
from tests.support.community import CHANNELS, load, save, write_community
from tests.support.server import ServerProcess

EVENTS = 10
PAUSE_S = 0.5
CONFIG: dict[str, Any] = {
    "limits": {
        "connections_per_address": 1_000_000,
        "login_tries_per_minute": 1_000_000,
        "registrations_per_minute": 1_000_000,
    },
}


class Http:
    """One keep-alive connection. Requests are bytes; an answer is read when it is known to be there, or waited for."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.headers = ""

    def fileno(self) -> int:
        return self.socket.fileno()

    def ask(self, method: str, path: str, body: Any = None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} /api/v1{path} HTTP/1.1\r\nHost: bench\r\n{self.headers}"
        if content:
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        self.socket.sendall(head.encode() + b"\r\n" + content)

    def answer(self) -> Any:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        while len(body) < length:
            body += self._more()
        assert head.split()[1] in (b"200", b"201"), (head, body)
        return json.loads(body)

    def _more(self) -> bytes:
        data = self.socket.recv(65_536)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        return data

    def call(self, method: str, path: str, body: Any = None) -> Any:
        self.ask(method, path, body)
        return self.answer()


def enter(port: int, numbers: range) -> list[Http]:
    """Sessions that have joined #general; so many at a time that their commits are shared."""
    entered: list[Http] = []
    for start in range(numbers.start, numbers.stop, 250):
        some = [Http(port) for _ in range(start, min(start + 250, numbers.stop))]
        for number, http in enumerate(some, start):
            http.ask("POST", "/register", {"nick": f"guest{number}"})
        for http in some:
            http.headers = f"Authorization: Bearer {http.answer()['token']}\r\n"
        for http in some:
            http.ask("POST", "/channels/join", {"channel": "#general"})
        for http in some:
            http.answer()
        entered += some
    return entered


def follow(waiting: list[Http], writer: Http) -> list[list[float]]:
    """For each event: the milliseconds from sending it until each poll was answered, sorted."""
    poll = select.epoll()
    by_fd = {http.fileno(): http for http in waiting}
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
    found: list[list[float]] = []
    newest = writer.call("POST", "/messages", {"to": "#general", "content": "begin"})["id"]
    for _ in range(EVENTS):
        for http in waiting:
            http.ask("GET", f"/messages?after={newest}&timeout=60")
        time.sleep(PAUSE_S)
        arrived: dict[int, int] = {}
        gc.disable()
        began_ns = time.monotonic_ns()
        writer.ask("POST", "/messages", {"to": "#general", "content": "hello everybody, this is one message"})
        while len(arrived) < len(waiting):
            for fd, _ in poll.poll(5, len(waiting)):
                if fd not in arrived:
                    poll.modify(fd, 0)
                    arrived[fd] = time.monotonic_ns()
        gc.enable()
        newest = writer.answer()["id"]
        for fd, http in by_fd.items():
            poll.modify(fd, select.EPOLLIN)
            items = http.answer()
            assert [item["id"] for item in items] == [newest], items
        found.append(sorted((at - began_ns) / 1e6 for at in arrived.values()))
    poll.close()
    return found


async def long_polls(target: str, options: Options) -> Numbers:
    """`options.idle` sessions wait for one channel, in which somebody writes now and then."""
    async with ours(["u0"], config=CONFIG) as server:
        waiting = await asyncio.to_thread(enter, server.port, range(options.idle))
        (writer,) = await asyncio.to_thread(enter, server.port, range(options.idle, options.idle + 1))
        await asyncio.sleep(1)
        before_kib = memory_kib(server.pid, "VmRSS")
        cpu_before = cpu_s(server.pid)
        found = await asyncio.to_thread(follow, waiting, writer)
        used = cpu_s(server.pid) - cpu_before
        after_kib = memory_kib(server.pid, "VmRSS")
        for http in (*waiting, writer):
            http.socket.close()
    every = sorted(latency for event in found for latency in event)
    return {
        "worst_ms": round(sorted(event[-1] for event in found)[len(found) // 2], 1),
        "p50_ms": round(every[len(every) // 2], 1),
        "p99_ms": round(every[int(0.99 * len(every))], 1),
        "polls": len(waiting),
        "kib_per_poll": round((after_kib - before_kib) / len(waiting), 1),
        "server_ms_per_event_and_poll": round(used * 1000 / EVENTS / len(waiting), 4),
    }


IDLE_SESSIONS = 10_000
MESSAGES_PER_S = 1000 / 60


async def idle_sessions(target: str, options: Options) -> Numbers:
    """10 000 sessions that nobody uses have joined a channel with 1 000 messages a minute: what they cost it."""
    alone = await _cost_of(1, options.seconds * 4)
    crowded = await _cost_of(IDLE_SESSIONS, options.seconds * 4)
    return {
        "times_as_much": round(crowded / alone, 2),
        "cpu_ms_per_message_alone": round(alone, 2),
        "cpu_ms_per_message_crowded": round(crowded, 2),
    }


async def _cost_of(sessions: int, seconds: float) -> float:
    """CPU milliseconds of the server for one message."""
    guests = {f"guest:{number:08x}:g{number}": guest_record(f"g{number}") for number in range(sessions)}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = write_community(Path(name), users={"ann": ("user",)}, channels=CHANNELS, config=CONFIG)
        server = ServerProcess(folder)
        await server.start()
        await server.stop()
        users = load(server.data_dir / "users.json")
        save(server.data_dir / "users.json", users | guests)
        (channel,) = (each["id"] for each in load(server.data_dir / "channels.json") if each["name"] == "general")
        _store_sessions(server.data_dir, list(guests), channel)
        async with server, ChatClient(server.url) as ann:
            await (await ann.connect()).login("ann")
            await ann.say("the first one")
            used, began = cpu_s(server.pid), time.monotonic()
            sent = 0
            while (elapsed := time.monotonic() - began) < seconds:
                await ann.say("one of a thousand in this minute")
                sent += 1
                await asyncio.sleep(max(0.0, sent / MESSAGES_PER_S - elapsed))
            return (cpu_s(server.pid) - used) * 1000 / sent


def guest_record(name: str) -> dict[str, Any]:
    return {"username": name, "roles": ["user"], "status": {"status": "online", "text": ""}, "guest": True}


def _store_sessions(data_dir: Path, users: list[str], channel: str) -> None:
    now = time.time()
    with contextlib.closing(sqlite3.connect(next(data_dir.glob("*.sqlite3")))) as connection, connection:
        connection.executemany(
            "INSERT INTO sessions (id, token_hash, user_id, created_at, last_seen, disconnected_at, position, address,"
            " agent, gateway) VALUES (?, ?, ?, ?, ?, ?, 0, '', '', 'chat_api')",
            ((user, user.encode(), user, now, now, now) for user in users),
        )
        connection.executemany(
            "INSERT INTO memberships (channel, user_id, joined_at) VALUES (?, ?, ?)",
            ((channel, user, now) for user in users),
        )
