"""Bytes in, frames out: `Connection` on a transport that only remembers, against the library's client protocol."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

import pytest
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode
from websockets.http11 import Request, Response
from websockets.uri import parse_uri

import connection
from connection import Connection, Frame, Outboxes, Rejection

pytestmark = pytest.mark.anyio


class FakeTransport(asyncio.Transport):
    """Remembers what was written. `full`: behaves like the socket of a peer that does not read."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.writes = 0
        self.protocol: Connection | None = None
        self.full = False
        self.buffered = 0
        self.closed = self.aborted = self.reading_paused = False

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))
        self.writes += 1
        if self.full:
            self.buffered += len(data)
            if self.protocol is not None and not self.protocol.paused:
                self.protocol.pause_writing()

    def drain(self) -> None:
        self.full, self.buffered = False, 0
        assert self.protocol is not None
        self.protocol.resume_writing()

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else default

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def pause_reading(self) -> None:
        self.reading_paused = True

    def resume_reading(self) -> None:
        self.reading_paused = False


class Recorder:
    """A gate, and the endpoint it lets in."""

    def __init__(self, *, compression: bool = False, reject: Rejection | None = None) -> None:
        self.compression = compression
        self.max_frame_bytes = 1_000
        self.outbox_bytes = 1_000
        self.reject = reject
        self.heard: list[bytes] = []
        self.binary = 0
        self.opens = 0
        self.closes = 0

    def admit(self, request: Request, peer: str | None, connection: Connection) -> Recorder:
        assert peer == "127.0.0.1"
        if self.reject is not None:
            raise self.reject
        return self

    def opened(self) -> None:
        self.opens += 1

    def received(self, text: bytes) -> None:
        self.heard.append(text)

    def received_binary(self) -> None:
        self.binary += 1

    def closed(self) -> None:
        self.closes += 1


class Pair:
    """A connection and a client that talks to it."""

    def __init__(self, recorder: Recorder, *, deflate: bool = False, outboxes: Outboxes | None = None) -> None:
        self.recorder = recorder
        self.transport = FakeTransport()
        self.server = Connection(recorder, set(), outboxes or Outboxes())
        self.transport.protocol = self.server
        extensions = [ClientPerMessageDeflateFactory()] if deflate else None
        self.client = ClientProtocol(parse_uri("ws://localhost/"), extensions=extensions)
        self.server.connection_made(self.transport)
        self.client.send_request(self.client.connect())
        self.deliver()
        self.to_client()
        self.response = next(event for event in self.client.events_received() if isinstance(event, Response))

    def deliver(self) -> None:
        """What the client has to send reaches the server."""
        for data in self.client.data_to_send():
            if data:
                self.server.data_received(data)

    def to_client(self) -> None:
        written, self.transport.written = self.transport.written, []
        for data in written:
            self.client.receive_data(data)

    async def texts(self) -> list[bytes]:
        """What the client got since the last call, after the loop has gone round once."""
        await asyncio.sleep(0)
        self.to_client()
        frames = [event for event in self.client.events_received() if isinstance(event, WireFrame)]
        return [bytes(frame.data) for frame in frames if frame.opcode is Opcode.TEXT]


async def test_a_text_frame_reaches_the_endpoint_whole() -> None:
    pair = Pair(Recorder())
    assert pair.recorder.opens == 1
    pair.client.send_text(b'{"cmd":', fin=False)
    pair.client.send_continuation(b'"ping"}', fin=True)
    pair.client.send_text("äöü".encode())
    pair.deliver()
    assert pair.recorder.heard == [b'{"cmd":"ping"}', "äöü".encode()]


async def test_frames_of_one_loop_iteration_leave_in_one_write() -> None:
    pair = Pair(Recorder())
    before = pair.transport.writes
    for number in range(5):
        assert pair.server.send(Frame(b"%d" % number))
    assert await pair.texts() == [b"0", b"1", b"2", b"3", b"4"]
    assert pair.transport.writes == before + 1


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
async def test_a_frame_of_any_length_is_read_by_the_library(size: int) -> None:
    pair = Pair(Recorder())
    pair.server.send(Frame(b"x" * size))
    assert await pair.texts() == [b"x" * size]


async def test_compressed_frames_are_shared_and_can_be_read() -> None:
    pair = Pair(Recorder(compression=True), deflate=True)
    frame = Frame(b"hello " * 100)
    for _ in range(3):
        pair.server.send(frame)
    assert await pair.texts() == [frame.payload] * 3
    assert frame.deflated is frame.deflated
    assert len(frame.deflated) < len(frame.plain) / 5


async def test_a_reader_that_is_behind_loses_what_is_of_the_moment_and_then_does_not_fit() -> None:
    pair = Pair(Recorder())
    pair.transport.full = True
    pair.server.send(Frame(b"x" * 200))
    await asyncio.sleep(0)
    assert pair.server.paused
    assert pair.server.send(Frame(b"typing"), ephemeral=True)
    assert pair.server.send(Frame(b"y" * 600))
    assert not pair.server.send(Frame(b"z" * 600)), "more than outbox_bytes would wait"
    pair.transport.drain()
    assert await pair.texts() == [b"x" * 200, b"y" * 600]


async def test_when_drained_calls_back_once_the_peer_has_caught_up() -> None:
    pair = Pair(Recorder())
    called: list[str] = []
    pair.server.when_drained(lambda: called.append("at once"))
    assert called == ["at once"]
    pair.transport.full = True
    pair.server.send(Frame(b"x"))
    pair.server.when_drained(lambda: called.append("later"))
    assert called == ["at once"]
    pair.transport.drain()
    assert called == ["at once", "later"]


async def test_closing_frees_the_outbox_and_tells_the_peer() -> None:
    pair = Pair(Recorder())
    pair.transport.full = True
    pair.server.send(Frame(b"first"))
    await asyncio.sleep(0)
    pair.server.send(Frame(b"never read"))
    pair.server.close(1013, "too slow")
    assert pair.server.outbox == []
    assert pair.server.send(Frame(b"after the end")), "nothing is refused any more, and nothing is sent"
    await pair.texts()
    assert pair.client.close_rcvd is not None
    assert pair.client.close_rcvd.code == 1013
    assert pair.client.close_rcvd.reason == "too slow"


async def test_a_frame_over_the_limit_closes_with_1009() -> None:
    pair = Pair(Recorder())
    pair.client.send_text(b"x" * 1_001)
    pair.deliver()
    await pair.texts()
    assert pair.client.close_rcvd is not None
    assert pair.client.close_rcvd.code == 1009
    assert pair.recorder.heard == []


async def test_the_limit_can_be_raised_after_login() -> None:
    pair = Pair(Recorder())
    pair.server.set_max_frame_bytes(2_000)
    pair.client.send_text(b"x" * 1_500)
    pair.deliver()
    assert pair.recorder.heard == [b"x" * 1_500]


async def test_the_inflated_size_counts() -> None:
    pair = Pair(Recorder(compression=True), deflate=True)
    pair.client.send_text(b"a" * 50_000)
    pair.deliver()
    await pair.texts()
    assert pair.client.close_rcvd is not None
    assert pair.client.close_rcvd.code == 1009
    assert pair.recorder.heard == []


async def test_a_binary_frame_is_told_to_the_endpoint() -> None:
    pair = Pair(Recorder())
    pair.client.send_binary(b"\x00")
    pair.deliver()
    assert pair.recorder.binary == 1


async def test_a_pong_shows_that_the_peer_lives() -> None:
    pair = Pair(Recorder())
    pair.server.ping()
    assert pair.server.awaiting_pong
    await pair.texts()
    pair.deliver()
    assert not pair.server.awaiting_pong


async def test_a_rejected_upgrade_is_answered_with_its_status() -> None:
    pair = Pair(Recorder(reject=Rejection(HTTPStatus.SERVICE_UNAVAILABLE, "The server is full.")))
    assert pair.response.status_code == 503
    assert pair.response.body == b"The server is full.\n"
    assert pair.recorder.opens == 0


async def test_the_endpoint_hears_of_the_end_once() -> None:
    pair = Pair(Recorder())
    pair.client.send_close(1000)
    pair.deliver()
    pair.server.eof_received()
    pair.server.connection_lost(None)
    assert pair.recorder.closes == 1
    assert pair.transport.closed


async def test_half_a_frame_and_then_silence_is_no_error() -> None:
    pair = Pair(Recorder())
    pair.client.send_text(b"half")
    data = b"".join(pair.client.data_to_send())
    pair.server.data_received(data[:3])
    assert pair.recorder.heard == []
    pair.server.data_received(data[3:])
    assert pair.recorder.heard == [b"half"]


async def test_an_answer_may_be_larger_than_what_is_left_but_not_follow_one_that_is() -> None:
    pair = Pair(Recorder())
    pair.transport.full = True
    pair.server.send(Frame(b"x"))
    await asyncio.sleep(0)
    assert pair.server.behind
    assert pair.server.send(Frame(b"y" * 5_000), answer=True)
    assert not pair.server.send(Frame(b"z"), answer=True)
    pair.transport.drain()
    assert await pair.texts() == [b"x", b"y" * 5_000]
    assert not pair.server.behind


async def test_of_many_who_let_large_answers_lie_those_with_the_most_are_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "HELD_BYTES", 400_000)
    outboxes = Outboxes()
    *pairs, later = [Pair(Recorder(), outboxes=outboxes) for _ in range(5)]
    for pair, size in zip(pairs, (100_000, 200_000, 70_000, 80_000), strict=True):
        pair.transport.full = True
        assert pair.server.send(Frame(b"x" * size), answer=True)
        await asyncio.sleep(0)
    assert [pair.transport.aborted for pair in pairs] == [False, True, False, False]
    pairs[0].transport.drain()
    assert later.server.send(Frame(b"y" * 200_000), answer=True)
    assert [pair.transport.aborted for pair in pairs] == [False, True, False, False], "who has caught up counts no more"
    assert await pairs[0].texts() == [b"x" * 100_000]
