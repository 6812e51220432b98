"""Load on one channel, and what came of it. One thread, one epoll; meant for a core of its own.

A message carries a marker of sixteen tildes followed by sender, number and the time it was sent or due. Receivers
count markers in the raw bytes; only one connection (or, at low rates, each) is read more closely.
"""

from __future__ import annotations

import re
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
    """Reads all connections and counts markers. `counts[i]` is how many messages connection i has had."""

    def __init__(self, connections: Sequence[Connection], *, stamps_of: str) -> None:
        """stamps_of: `first` or `all`, the connections whose stamps are read out."""
        self.connections = list(connections)
        self.counts = [0] * len(connections)
        self.closed = 0
        self.order: deque[tuple[int, int]] = deque()
        """(sender, sent ns) of each message, as the first connection sees them."""
        self.latencies_ns: list[int] = []
        self.timed = False
        self._all = stamps_of == "all"
        self._buffer = bytearray(KEEP + READ_BYTES)
        self._view = memoryview(self._buffer)
        self._poll, self._by_fd = watch(connections)
        self._index = {connection.fd: index for index, connection in enumerate(connections)}
        for connection in connections:
            connection.tail = bytes(KEEP)

    def close(self) -> None:
        self._poll.close()

    def read(self, timeout_s: float) -> None:
        """Wait for bytes, at most so long, and take one read of every connection that has some."""
        buffer, view = self._buffer, self._view
        for fd, _ in self._poll.poll(timeout_s):
            connection = self._by_fd[fd]
            try:
                got = connection.socket.recv_into(view[KEEP:])
            except BlockingIOError:
                continue
            except ConnectionResetError:
                got = 0
            if got == 0:
                self._poll.unregister(fd)
                self.closed += 1
                continue
            end = KEEP + got
            view[:KEEP] = connection.tail
            index = self._index[fd]
            if index == 0 or self._all:
                self._read_stamps(index, end)
            else:
                # A marker that begins in the kept bytes was counted last time only if it was whole then.
                self.counts[index] += buffer.count(MARK, KEEP - len(MARK) + 1, end)
            if buffer.find(b"\x89", 0, end) >= 0:
                self._answer_pings(connection, end)
            connection.tail = bytes(view[got:end])

    def _read_stamps(self, index: int, end: int) -> None:
        now = time.monotonic_ns()
        for found in STAMP.finditer(self._buffer, 0, end):
            if found.end() <= KEEP:
                continue
            self.counts[index] += 1
            sent = int(found.group(3), 16)
            if index == 0:
                self.order.append((int(found.group(1), 16), sent))
            if self.timed:
                self.latencies_ns.append(now - sent)

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
    receivers = Receivers(connections, stamps_of="first")
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
    receivers = Receivers(connections, stamps_of="all")
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
