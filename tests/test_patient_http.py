"""How long a connection may go on without completing the head of a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from patient_http import MAX_HEAD_BYTES, PatientHttp, patient


class Timer:
    def __init__(self, delay_s: float, callback: Callable[[], None]) -> None:
        self.delay_s, self.callback, self.cancelled = delay_s, callback, False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """Keeps what is asked for; nothing happens by itself."""

    def __init__(self) -> None:
        self.timers: list[Timer] = []

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        self.timers.append(Timer(delay_s, callback))
        return self.timers[-1]

    def create_task(self, coroutine: Any, **_: Any) -> Any:
        coroutine.close()
        return type("Task", (), {"add_done_callback": lambda self, callback: None})()


class Transport:
    def __init__(self) -> None:
        self.closed = False
        self.protocol: Any = None
        self.written = b""

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def get_extra_info(self, name: str) -> None:
        return None

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def write(self, data: bytes) -> None:
        self.written += data

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Line:
    def __init__(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None: ...

        config = uvicorn.Config(app, lifespan="off", log_config=None)
        config.load()
        self.loop, self.transport = Loop(), Transport()
        self.protocol = PatientHttp(config, ServerState(), {}, cast("Any", self.loop))
        self.protocol.connection_made(cast("Any", self.transport))

    def sends(self, data: bytes) -> None:
        self.protocol.data_received(data)

    def answered(self) -> None:
        cycle = self.protocol.cycle
        assert cycle is not None
        cycle.response_complete = True
        self.protocol.on_response_complete()

    def patience(self) -> list[Timer]:
        return [each for each in self.loop.timers if each.delay_s == PatientHttp.head_s and not each.cancelled]


@pytest.fixture
def line() -> Line:
    return Line()


def test_a_head_that_comes_byte_by_byte_is_given_up(line: Line) -> None:
    (timer,) = line.patience()
    for byte in b"GET / HTTP/1.1\r\nHost: a":
        line.sends(bytes([byte]))
    assert line.patience() == [timer], "what arrives does not begin it anew"
    timer.callback()
    assert line.transport.closed


def test_a_request_takes_the_time_that_its_reader_gives_it(line: Line) -> None:
    line.sends(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc")
    line.sends(b"def")
    assert line.patience() == []


def test_the_rest_of_a_body_after_the_answer_is_taken_only_so_long(line: Line) -> None:
    line.sends(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc")
    line.answered()
    assert line.patience() == [], "a connection that is silent is uvicorn's business"
    line.sends(b"def")
    line.sends(b"ghi")
    (timer,) = line.patience()
    timer.callback()
    assert line.transport.closed


def test_the_next_request_may_come_in_its_time(line: Line) -> None:
    for _ in range(3):
        line.sends(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert line.patience() == []
        line.answered()
    line.sends(b"GET")
    assert len(line.patience()) == 1
    line.protocol.connection_lost(None)
    assert line.patience() == []


@pytest.mark.parametrize("part", [b"a" * 4096, b"X-Name: value\r\n" * 256], ids=["one field", "many fields"])
def test_a_head_without_end_is_given_up(line: Line, part: bytes) -> None:
    line.sends(b"GET / HTTP/1.1\r\nHost: a\r\nX-Endless: ")
    for _ in range(MAX_HEAD_BYTES // len(part) - 1):
        line.sends(part)
    assert not line.transport.closed
    line.sends(part)
    line.sends(part)
    assert line.transport.closed
    assert line.transport.written.startswith(b"HTTP/1.1 431 ")


def test_the_same_holds_for_the_next_head_while_the_request_before_is_worked_on(line: Line) -> None:
    line.sends(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /")
    for _ in range(MAX_HEAD_BYTES // 4096 + 1):
        line.sends(b"a" * 4096)
    assert line.transport.closed
    assert line.transport.written == b"", "the answer is not mixed up with that of the request before"


@pytest.mark.parametrize("end", [b"0\r\nX-Trailer: ", b"5;extension="])
def test_the_same_holds_for_what_a_body_ends_with(line: Line, end: bytes) -> None:
    line.sends(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n" + end)
    for _ in range(MAX_HEAD_BYTES // 4096 + 1):
        line.sends(b"a" * 4096)
    assert line.transport.closed


def test_a_body_may_be_larger_however_it_comes(line: Line) -> None:
    line.sends(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(3 * MAX_HEAD_BYTES // 6):
        line.sends(b"1\r\na\r\n")
    line.sends(b"%x\r\n" % MAX_HEAD_BYTES + b"a" * MAX_HEAD_BYTES)
    assert not line.transport.closed


@pytest.mark.parametrize(
    "request_", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: odd\r\n\r\n"]
)
def test_bad_requests_fill_no_log(line: Line, request_: bytes, caplog: pytest.LogCaptureFixture) -> None:
    line.sends(request_)
    assert caplog.records == []


def test_a_websocket_has_no_limit(line: Line) -> None:
    class Socket:
        def __init__(self, **_: Any) -> None: ...

        def connection_made(self, transport: Any) -> None: ...

        def data_received(self, data: bytes) -> None: ...

    line.protocol.ws_protocol_class = cast("Any", Socket)
    line.sends(
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert isinstance(line.transport.protocol, Socket)
    assert line.patience() == []


def test_other_protocols_get_the_same_limit() -> None:
    class Other(HttpToolsProtocol): ...

    assert issubclass(patient(Other), PatientHttp)
    assert issubclass(patient(Other), Other)
    assert patient(HttpToolsProtocol) is PatientHttp
