"""uvicorn's HTTP protocol, which takes only so much for the head of a request, and waits only so long for it."""

from __future__ import annotations

import logging
from asyncio import TimerHandle, Transport
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 65_536
log = logging.getLogger("originchats.http")
log.setLevel(logging.ERROR)  # a line for each bad request would let strangers fill the disk
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class PatientHttp(HttpToolsProtocol):
    """A connection that sends, or just stays open, without completing the head of its next request is closed.

    uvicorn has a time limit only for silence after an answer. This one also ends a head that comes byte by byte, and a
    body that goes on and on after its request was answered, such as an upload that was refused. How long a body may
    take before the answer is for those who read it.

    The parser keeps a head, and what may follow a body, whole in memory, and knows no limit. What is larger than
    `MAX_HEAD_BYTES` by more than one read of the socket ends the connection.
    """

    head_s: ClassVar[float] = 30.0
    """Seconds: for a few kilobytes, over the worst of lines."""
    _head_timer: TimerHandle | None = None
    _is_websocket = False
    _fruitless = 0
    """Bytes that came since the last complete head, or piece of a body."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.logger = log
        self._await_head()

    def data_received(self, data: bytes) -> None:
        self._fruitless += len(data)
        super().data_received(data)
        if self._fruitless > MAX_HEAD_BYTES and not self._is_websocket and not self.transport.is_closing():
            if self.cycle is None or self.cycle.response_complete:
                self.transport.write(TOO_LARGE)
            self.transport.close()
            return
        answered = not self._is_websocket and (self.cycle is None or self.cycle.response_complete)
        if answered and not self.pipeline and self.timeout_keep_alive_task is None:  # it is in the middle of something
            self._await_head()

    def handle_websocket_upgrade(self) -> None:
        self._is_websocket = True
        super().handle_websocket_upgrade()

    def on_headers_complete(self) -> None:
        self._forget_timer()
        self._fruitless = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._fruitless = 0
        super().on_body(body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_timer()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        if self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(self.head_s, self.transport.close)

    def _forget_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def patient(http: type[HttpToolsProtocol]) -> type[Any]:
    """The same protocol, with this limit."""
    return type("Patient", (PatientHttp, http), {}) if http is not HttpToolsProtocol else PatientHttp
