"""The least of WebSocket that a load generator needs: a handshake, masked frames out, bytes in.

Written for many receivers on one core: what is received is counted as raw bytes, never parsed frame by frame.
"""

from __future__ import annotations

import errno
import json
import select
import socket
import struct
from collections.abc import Iterable, Sequence
from typing import Any

UPGRADE = (
    "GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
CLOSE, PING, PONG = 0x8, 0x9, 0xA


def text_frame(payload: bytes) -> bytes:
    """A client frame with an all-zero mask, so that the payload travels as it is."""
    return _header(0x81, len(payload)) + payload


def pong_frame(payload: bytes) -> bytes:
    return _header(0x80 | PONG, len(payload)) + payload


def _header(first: int, length: int) -> bytes:
    if length < 126:
        return struct.pack("!BB4x", first, 0x80 | length)
    if length < 65536:
        return struct.pack("!BBH4x", first, 0x80 | 126, length)
    return struct.pack("!BBQ4x", first, 0x80 | 127, length)


def split_frames(data: bytes | bytearray) -> tuple[list[tuple[int, bytes]], int]:
    """Whole unmasked frames at the start of `data` as (opcode, payload), and how many bytes they take."""
    frames = []
    at = 0
    while len(data) - at >= 2:
        length, header = data[at + 1] & 0x7F, 2
        if length == 126:
            header = 4
            if len(data) - at < header:
                break
            (length,) = struct.unpack_from("!H", data, at + 2)
        elif length == 127:
            header = 10
            if len(data) - at < header:
                break
            (length,) = struct.unpack_from("!Q", data, at + 2)
        if len(data) - at < header + length:
            break
        frames.append((data[at] & 0x0F, bytes(data[at + header : at + header + length])))
        at += header + length
    return frames, at


class Connection:
    """A socket, and what a closed-loop or open-loop run keeps about it."""

    __slots__ = ("fd", "inbox", "name", "number", "outbox", "ready", "socket", "tail")

    def __init__(self, number: int, name: str, sock: socket.socket) -> None:
        self.number = number
        self.name = name
        self.socket = sock
        self.fd = sock.fileno()
        self.inbox = bytearray()
        """Bytes not yet made into frames; unused while a load runs."""
        self.outbox = bytearray()
        self.tail = b""
        """The end of the last read while a load runs, for a marker or frame that was cut in two."""
        self.ready = False

    def send(self, data: bytes) -> None:
        """Send now what the kernel takes; the rest waits in the outbox for `flush`."""
        if not self.outbox:
            try:
                sent = self.socket.send(data)
            except BlockingIOError:
                sent = 0
            if sent == len(data):
                return
            data = data[sent:]
        self.outbox += data

    def flush(self) -> None:
        while self.outbox:
            try:
                sent = self.socket.send(self.outbox)
            except BlockingIOError:
                return
            del self.outbox[:sent]

    def command(self, **packet: Any) -> None:
        self.send(text_frame(json.dumps(packet).encode()))


class LoginFailed(Exception):
    pass


def open_connections(
    port: int,
    names: Sequence[str],
    password: str,
    *,
    at_once: int = 64,
    timeout_s: float = 60.0,
    others: Iterable[Connection] = (),
) -> list[Connection]:
    """Open one connection for each name and log in. Returns them when every one has its `ready`.

    Meanwhile it reads what comes for those that are in already, and for `others`, and answers their pings.
    """
    todo = list(enumerate(names))
    todo.reverse()
    poll, known = watch(others)
    waiting = 0
    done: list[Connection] = []
    while todo or waiting:
        while todo and waiting < at_once:
            number, name = todo.pop()
            connection = _dial(port, number, name)
            known[connection.fd] = connection
            poll.register(connection.fd, select.EPOLLIN)
            waiting += 1
        events = poll.poll(timeout_s)
        if not events:
            raise LoginFailed(f"{waiting} connections got no answer for {timeout_s} s")
        for fd, _ in events:
            connection = known[fd]
            if connection.ready:
                _read_idle(connection)
                continue
            data = connection.socket.recv(262_144)
            if not data:
                raise LoginFailed(f"connection {connection.number} ({connection.name}) was closed at login")
            connection.inbox += data
            if _advance(connection, password):
                waiting -= 1
                done.append(connection)
    poll.close()
    done.sort(key=lambda connection: connection.number)
    return done


def _read_idle(connection: Connection) -> None:
    """Take what came, answer pings, forget the rest."""
    data = connection.socket.recv(1 << 20)
    if not data:
        raise LoginFailed(f"connection {connection.number} ({connection.name}) was closed by the server")
    connection.inbox += data
    frames, used = split_frames(connection.inbox)
    del connection.inbox[:used]
    for opcode, payload in frames:
        if opcode == PING:
            connection.send(pong_frame(payload))
        elif opcode == CLOSE:
            raise LoginFailed(f"connection {connection.number} ({connection.name}) was closed: {payload!r}")


def _dial(port: int, number: int, name: str) -> Connection:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.connect(("127.0.0.1", port))
    sock.sendall(UPGRADE.format(port=port).encode())
    sock.setblocking(False)
    return Connection(number, name, sock)


def _advance(connection: Connection, password: str) -> bool:
    """Play the login; True when it is logged in."""
    inbox = connection.inbox
    if inbox.startswith(b"HTTP/"):
        end = inbox.find(b"\r\n\r\n")
        if end < 0:
            return False
        if b" 101 " not in inbox[:end].split(b"\r\n", 1)[0]:
            raise LoginFailed(bytes(inbox[:200]).decode(errors="replace"))
        del inbox[: end + 4]
    frames, used = split_frames(inbox)
    del inbox[:used]
    for opcode, payload in frames:
        if opcode == PING:
            connection.send(pong_frame(payload))
            continue
        packet = json.loads(payload) if opcode == 1 else {"cmd": f"frame {opcode}"}
        if packet["cmd"] == "handshake":
            connection.command(cmd="login", username=connection.name, password=password)
        elif packet["cmd"] == "ready":
            connection.ready = True
        elif packet["cmd"] in ("auth_error", "error", "frame 8"):
            raise LoginFailed(f"{connection.name}: {payload.decode(errors='replace')}")
    return connection.ready


def drain(connections: Iterable[Connection], quiet_s: float = 0.3) -> None:
    """Read until nothing came for `quiet_s`."""
    poll, by_fd = watch(connections)
    while events := poll.poll(quiet_s):
        for fd, _ in events:
            _read_idle(by_fd[fd])
    poll.close()


def watch(connections: Iterable[Connection]) -> tuple[select.epoll, dict[int, Connection]]:
    poll = select.epoll()
    by_fd = {connection.fd: connection for connection in connections}
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
    return poll, by_fd


def close_all(connections: Iterable[Connection]) -> None:
    for connection in connections:
        try:
            connection.socket.close()
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
