"""Load on one channel, and what came of it. One thread, one epoll; meant for a core of its own.

A message carries a marker of sixteen tildes followed by sender, number and the time it was sent or due. Receivers
count markers in the raw bytes; only one connection (or, at low rates, each) is read more closely.
"""

from __future__ import annotations

import contextlib
import re
import select
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.wire import PING, Connection, pong_frame, text_frame, watch

MARK = b"~" * 16
STAMP = re.compile(rb"~{16}([0-9a-f]{4})([0-9a-f]{8})([0-9a-f]{16})")
STAMP_BYTES = 28
KEEP = len(MARK) + STAMP_BYTES - 1
"""So many bytes of the last read are looked at again, so that no stamp is missed that was cut in two."""
READ_BYTES = 1 << 18
SAMPLED_EACH = 5
SMALL_READ_BYTES = 1 << 14
"""For low rates: a larger buffer would take longer to allocate than to fill."""
FILLER = b"the quick brown fox jumps over the lazy dog and goes on talking about nothing in particular "


@dataclass
class Report:
    """Counts of the measured window; latencies in milliseconds, sorted."""

    seconds: float = 0.0
    messages: int = 0
    deliveries: int = 0
    lost: int = 0
    closed: int = 0
    own_cpu: float = 0.0
    """Share of the window that this process was busy; near 1.0 the server may be faster than reported."""
    latencies_ms: list[float] = field(default_factory=list)

    def percentile_ms(self, share: float) -> float:
        if not self.latencies_ms:
            return float("nan")
        return self.latencies_ms[min(len(self.latencies_ms) - 1, int(share * len(self.latencies_ms)))]

    def numbers(self) -> dict[str, Any]:
        return {
            "messages_per_s": round(self.messages / self.seconds),
            "deliveries_per_s": round(self.deliveries / self.seconds),
            "p50_ms": round(self.percentile_ms(0.50), 2),
            "p99_ms": round(self.percentile_ms(0.99), 2),
            "lost": self.lost,
            "closed": self.closed,
            "generator_cpu": round(self.own_cpu, 2),
        }


class Receivers:
    """Reads all connections and counts markers. `counts[i]` is how many messages connection i has had.

    The stamps of every `stamped_each`th connection are read out. Those connections are read before the others, a few of
    which are read at a time, so that the clock shows when bytes came rather than how long this program takes.
    """

    def __init__(self, connections: Sequence[Connection], *, stamped_each: int) -> None:
        self.counts = [0] * len(connections)
        self.closed = 0
        self.order: deque[tuple[int, int]] = deque()
        """(sender, sent ns) of each message, as the first connection sees them."""
        self.latencies_ns: list[int] = []
        self.timed = False
        self._buffer = bytearray(KEEP + READ_BYTES)
        self._view = memoryview(self._buffer)
        self._stamped, stamped = watch(connections[::stamped_each])
        plain = [connection for number, connection in enumerate(connections) if number % stamped_each]
        self._plain, self._by_fd = watch(plain)
        self._any = select.epoll()
        self._any.register(self._stamped.fileno(), select.EPOLLIN)
        self._any.register(self._plain.fileno(), select.EPOLLIN)
        self._at_once = 16 if len(stamped) > 1 else len(connections)
        self._by_fd |= stamped
        self._index = {connection.fd: index for index, connection in enumerate(connections)}
        for connection in connections:
            connection.tail = bytes(KEEP)

    def close(self) -> None:
        for poll in (self._any, self._stamped, self._plain):
            poll.close()

    def read(self, timeout_s: float) -> None:
        """Take one read of connections that have something; wait at most so long for that."""
        events = self._stamped.poll(0)
        taken = [(self._by_fd[fd], self._take(fd), time.monotonic_ns()) for fd, _ in events]
        for connection, data, now_ns in taken:  # only now, as it would delay the clock of those that come after
            self._view[KEEP : KEEP + len(data)] = data
            self._look(connection, KEEP + len(data), now_ns)
        others = self._plain.poll(0, max(1, self._at_once))
        for fd, _ in others:
            connection = self._by_fd[fd]
            try:
                got = connection.socket.recv_into(self._view[KEEP:])
            except (BlockingIOError, ConnectionResetError):
                continue
            if got == 0:
                self._gone(fd)
            self._look(connection, KEEP + got, None)
        if not events and not others and timeout_s > 0:
            self._any.poll(timeout_s)

    def _take(self, fd: int) -> bytes:
        try:
            data = self._by_fd[fd].socket.recv(SMALL_READ_BYTES)
        except (BlockingIOError, ConnectionResetError):
            return b""
        if not data:
            self._gone(fd)
        return data

    def _gone(self, fd: int) -> None:
        for poll in (self._stamped, self._plain):
            with contextlib.suppress(FileNotFoundError):
                poll.unregister(fd)
        self.closed += 1

    def _look(self, connection: Connection, end: int, now_ns: int | None) -> None:
        """Count what is in the buffer up to `end`; its first bytes were looked at before. now_ns: read its stamps."""
        buffer, view = self._buffer, self._view
        view[:KEEP] = connection.tail
        index = self._index[connection.fd]
        if now_ns is not None:
            self._read_stamps(index, end, now_ns)
        else:
            # A marker that begins in the kept bytes was counted last time only if it was whole then.
            self.counts[index] += buffer.count(MARK, KEEP - len(MARK) + 1, end)
        if buffer.find(b"\x89", 0, end) >= 0:
            self._answer_pings(connection, end)
        connection.tail = bytes(view[end - KEEP : end])

    def _read_stamps(self, index: int, end: int, now_ns: int) -> None:
        for found in STAMP.finditer(self._buffer, 0, end):
            if found.end() <= KEEP:
                continue
            self.counts[index] += 1
            sent = int(found.group(3), 16)
            if index == 0:
                self.order.append((int(found.group(1), 16), sent))
            if self.timed:
                self.latencies_ns.append(now_ns - sent)

    def _answer_pings(self, connection: Connection, end: int) -> None:
        """The payload of every other frame begins with a brace, so a ping is 0x89 and a small length."""
        at = self._buffer.find(b"\x89", 0, end)
        while at >= 0 and at + 2 <= end:
            length = self._buffer[at + 1]
            if length <= 32 and KEEP < at + 2 + length <= end:
                assert self._buffer[at] & 0x0F == PING
                connection.send(pong_frame(bytes(self._buffer[at + 2 : at + 2 + length])))
            at = self._buffer.find(b"\x89", at + 1, end)


class Sender:
    """Makes the messages of one connection."""

    def __init__(self, connection: Connection, number: int, channel: str, body_bytes: int) -> None:
        self.connection = connection
        self.number = number
        self.sent = 0
        self.in_flight = 0
        filler = (FILLER * (body_bytes // len(FILLER) + 1))[: max(0, body_bytes - len(MARK) - STAMP_BYTES - 1)]
        self._start = b'{"cmd":"message_new","channel":"' + channel.encode() + b'","content":"' + MARK
        self._end = b" " + filler + b'"}'

    def frame(self, stamp_ns: int) -> bytes:
        self.sent += 1
        return text_frame(self._start + b"%04x%08x%016x" % (self.number, self.sent, stamp_ns) + self._end)


def closed_loop(
    connections: Sequence[Connection],
    *,
    senders: int,
    window: int,
    channel: str = "general",
    body_bytes: int = 200,
    warmup_s: float = 1.0,
    seconds: float = 5.0,
    drain_s: float = 5.0,
) -> Report:
    """The first `senders` connections keep `window` messages in flight each; one is done when everybody has it."""
    receivers = Receivers(connections, stamped_each=len(connections))
    talkers = [Sender(connections[number], number, channel, body_bytes) for number in range(senders)]
    report = Report()
    counts = receivers.counts
    completed = 0
    measuring = False
    start = time.monotonic()
    finish = start + warmup_s + seconds
    began, cpu_began, messages_before, deliveries_before = start, 0.0, 0, 0
    blocked: set[int] = set()

    def top_up(talker: Sender) -> None:
        missing = window - talker.in_flight
        if missing > 0:
            now = time.monotonic_ns()
            talker.in_flight = window
            talker.connection.send(b"".join(talker.frame(now) for _ in range(missing)))
            if talker.connection.outbox:
                blocked.add(talker.number)

    for talker in talkers:
        top_up(talker)
    while True:
        now = time.monotonic()
        if not measuring and now >= start + warmup_s:
            measuring = True
            began, cpu_began = now, time.process_time()
            messages_before, deliveries_before = completed, sum(counts)
        if now >= finish:
            break
        receivers.read(0.001 if blocked else 0.05)
        for number in tuple(blocked):
            talkers[number].connection.flush()
            if not talkers[number].connection.outbox:
                blocked.discard(number)
        everybody = min(counts)
        if everybody > completed:
            now_ns = time.monotonic_ns()
            for _ in range(everybody - completed):
                number, sent_ns = receivers.order.popleft()
                talkers[number].in_flight -= 1
                if measuring:
                    report.latencies_ms.append((now_ns - sent_ns) / 1e6)
            completed = everybody
            for talker in talkers:
                top_up(talker)
    report.seconds = now - began
    report.own_cpu = (time.process_time() - cpu_began) / report.seconds
    report.messages = completed - messages_before
    report.deliveries = sum(counts) - deliveries_before
    report.latencies_ms.sort()
    _drain(receivers, sum(talker.sent for talker in talkers), drain_s, report)
    return report


def open_loop(
    connections: Sequence[Connection],
    *,
    senders: int,
    rate: float,
    channel: str = "general",
    body_bytes: int = 200,
    warmup_s: float = 1.0,
    seconds: float = 10.0,
    drain_s: float = 5.0,
) -> Report:
    """`rate` messages a second in all, senders in turn. The stamp is when the message was due, so a queue shows."""
    receivers = Receivers(connections, stamped_each=SAMPLED_EACH)
    talkers = [Sender(connections[number], number, channel, body_bytes) for number in range(senders)]
    report = Report()
    start = time.monotonic()
    finish = start + warmup_s + seconds
    sent = sent_before = deliveries_before = 0
    began, cpu_began = start, 0.0
    while True:
        now = time.monotonic()
        if not receivers.timed and now >= start + warmup_s:
            receivers.timed = True
            began, cpu_began, sent_before, deliveries_before = now, time.process_time(), sent, sum(receivers.counts)
        if now >= finish:
            break
        due = start + sent / rate
        if now >= due:
            talker = talkers[sent % senders]
            talker.connection.send(talker.frame(int(due * 1e9)))
            sent += 1
            continue
        receivers.read(min(due, finish) - now)
    report.seconds = now - began
    report.own_cpu = (time.process_time() - cpu_began) / report.seconds
    report.messages = sent - sent_before
    report.deliveries = sum(receivers.counts) - deliveries_before
    _drain(receivers, sent, drain_s, report)
    report.latencies_ms = sorted(latency / 1e6 for latency in receivers.latencies_ns)
    return report


def _drain(receivers: Receivers, sent: int, drain_s: float, report: Report) -> None:
    """Wait for what is still owed; what does not come is lost."""
    finish = time.monotonic() + drain_s
    while min(receivers.counts) < sent and time.monotonic() < finish:
        receivers.read(0.05)
    report.lost = sum(max(0, sent - count) for count in receivers.counts)
    report.closed = receivers.closed
    receivers.close()
