"""One WebSocket: frames in, an outbox out. It knows bytes and knows no chat.

`uvicorn` speaks HTTP on the port and hands each upgrade request to a `Connection`, which drives the Sans-I/O
`websockets.server.ServerProtocol` (RFC 6455). What arrives goes to an `Endpoint`; what is sent is a `Frame`, encoded
once and shared by every connection it goes to.

The outbox is flushed once at the end of an event loop iteration, one write for all that it gathered. While the peer
does not read, frames stay in the outbox, where they are references to shared bytes, never copies.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Protocol, TypeVar, cast

from websockets.exceptions import InvalidState
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN, State
from websockets.server import ServerProtocol

PING_FRAME = b"\x89\x00"
CLOSE_TIMEOUT_S = 10.0
"""How long a peer has to read what is left and the close frame, until the connection is cut."""
BEHIND_BYTES = 65_536
HELD_BYTES = 128 * 1024 * 1024
"""What lies unread at all connections together when a large answer comes on top."""
T = TypeVar("T")
_quiet = logging.getLogger("originchats.websocket")
_quiet.setLevel(logging.ERROR)  # one line for every odd client would be a way to fill the disk


class Frame:
    """One text message, framed once for everybody it goes to."""

    __slots__ = ("_deflated", "_translations", "payload", "plain")

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.plain = _header(len(payload), 0x81) + payload
        self._deflated: bytes | None = None
        self._translations: dict[Callable[[bytes], Any], Any] | None = None

    def translated(self, translate: Callable[[bytes], T]) -> T:
        """What another protocol makes of the payload; worked out once for everybody it goes to."""
        if self._translations is None:
            self._translations = {}
        if translate not in self._translations:
            self._translations[translate] = translate(self.payload)
        made: T = self._translations[translate]
        return made

    @property
    def deflated(self) -> bytes:
        """The same message compressed on its own (permessage-deflate without context takeover, RFC 7692)."""
        if self._deflated is None:
            deflater = zlib.compressobj(level=5, wbits=-12, memLevel=5)
            data = deflater.compress(self.payload) + deflater.flush(zlib.Z_SYNC_FLUSH)
            self._deflated = _header(len(data) - 4, 0xC1) + data[:-4]
        return self._deflated


def _header(length: int, first: int) -> bytes:
    if length < 126:
        return bytes((first, length))
    if length < 65_536:
        return bytes((first, 126)) + length.to_bytes(2, "big")
    return bytes((first, 127)) + length.to_bytes(8, "big")


class Endpoint(Protocol):
    """Who speaks over a connection."""

    def opened(self) -> None: ...

    def received(self, text: bytes) -> None:
        """One whole text message; not checked to be UTF-8."""

    def received_binary(self) -> None: ...

    def closed(self) -> None:
        """The connection is gone; called once, also when it was never opened properly afterwards."""


class Rejection(Exception):
    """The upgrade is refused with this HTTP status and text."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Gate(Protocol):
    """Decides about upgrade requests."""

    @property
    def compression(self) -> bool: ...

    @property
    def max_frame_bytes(self) -> int:
        """Of one message, before login."""

    @property
    def outbox_bytes(self) -> int: ...

    def admit(self, request: Request, peer: str | None, connection: Connection) -> Endpoint:
        """Raises Rejection. `peer` is the address of the socket, without port."""


class Connection(asyncio.Protocol):
    """Built by uvicorn for each upgrade request; `gate` gives it an endpoint."""

    __slots__ = (
        "_closing",
        "_deflate",
        "_dirty",
        "_drained",
        "_endpoint",
        "_fragments",
        "_gate",
        "_peers",
        "_timer",
        "_transport",
        "_websocket",
        "awaiting_pong",
        "fast",
        "outbox",
        "outbox_size",
        "paused",
    )

    def __init__(self, gate: Gate, peers: set[Any], dirty: Outboxes) -> None:
        self._gate = gate
        self._peers = peers
        self._dirty = dirty
        self._transport: asyncio.Transport = None  # type: ignore[assignment]  # set by connection_made
        extensions = [_deflate_factory()] if gate.compression else None
        self._websocket = ServerProtocol(extensions=extensions, max_size=gate.max_frame_bytes, logger=_quiet)
        self._endpoint: Endpoint | None = None
        self._fragments: list[bytes] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._drained: list[Callable[[], None]] = []
        self._deflate = False
        self._closing = False
        self.awaiting_pong = False
        self.paused = False
        self.fast = False
        """True while a plain frame may simply be appended to `outbox` (see `Fanout.deliver`)."""
        self.outbox: list[bytes] = []
        self.outbox_size = 0
        """Bytes in the outbox that came by `send`; what was appended directly is counted when it is flushed."""

    # --- called by the transport -------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=0)  # uvloop then writes at once, not at the end of its turn
        self._peers.add(self)

    def data_received(self, data: bytes) -> None:
        websocket = self._websocket
        websocket.receive_data(data)
        for event in websocket.events_received():
            if isinstance(event, WireFrame):
                self._frame(event)
            elif isinstance(event, Request):
                self._upgrade(event)
        self._write_protocol_bytes()

    def eof_received(self) -> None:
        self._websocket.receive_eof()
        self._write_protocol_bytes()

    def connection_lost(self, exc: Exception | None) -> None:
        self._peers.discard(self)
        self._dirty.stalled.discard(self)
        self._closing = True
        self.fast = False
        self.outbox = []
        self.outbox_size = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._endpoint is not None:
            endpoint, self._endpoint = self._endpoint, None
            endpoint.closed()
        self._call_drained()

    def pause_writing(self) -> None:
        self.paused = True
        self.fast = False
        self._dirty.stalled.add(self)

    def resume_writing(self) -> None:
        self.paused = False
        self._dirty.stalled.discard(self)
        self.fast = not self._deflate and not self._closing
        self.flush()
        if not self.paused:
            self._call_drained()

    def _call_drained(self) -> None:
        callbacks, self._drained = self._drained, []
        for callback in callbacks:
            callback()

    def shutdown(self) -> None:
        """Called by uvicorn when the server stops."""
        self.close(1001, "server is shutting down")

    # --- frames in ---------------------------------------------------------------------------------------------

    def _upgrade(self, request: Request) -> None:
        websocket = self._websocket
        response = websocket.accept(request)
        if response.status_code == 101:
            try:
                address = self._transport.get_extra_info("peername")
                self._endpoint = self._gate.admit(request, address[0] if address else None, self)
            except Rejection as refused:
                response = websocket.reject(refused.status, refused.text + "\n")
        websocket.send_response(response)
        self._write_protocol_bytes()
        if self._endpoint is not None and websocket.state is OPEN:
            self._deflate = any(isinstance(extension, PerMessageDeflate) for extension in websocket.extensions)
            self.fast = not self._deflate and not self.paused
            self._endpoint.opened()

    def _frame(self, frame: WireFrame) -> None:
        self.awaiting_pong = False
        opcode = frame.opcode
        if opcode is Opcode.TEXT and frame.fin:
            if self._endpoint is not None and not self._closing:
                self._endpoint.received(bytes(frame.data))
        elif opcode is Opcode.BINARY:
            if self._endpoint is not None and not self._closing:
                self._endpoint.received_binary()
        elif opcode is Opcode.TEXT:
            self._fragments = [bytes(frame.data)]
        elif opcode is Opcode.CONT and self._fragments is not None:
            self._fragments.append(bytes(frame.data))
            if frame.fin:
                text, self._fragments = b"".join(self._fragments), None
                if self._endpoint is not None and not self._closing:
                    self._endpoint.received(text)

    def set_max_frame_bytes(self, limit: int) -> None:
        """Applies to the next message; inflated size counts."""
        self._websocket.max_message_size = limit

    def pause_reading(self) -> None:
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

    # --- frames out --------------------------------------------------------------------------------------------

    @property
    def local_port(self) -> int:
        """The port of ours that the peer connected to."""
        return int(self._transport.get_extra_info("sockname")[1])

    @property
    def closing(self) -> bool:
        return self._closing

    @property
    def behind(self) -> bool:
        """Whether the peer should read first before it is answered more."""
        return self.paused or self.outbox_size > BEHIND_BYTES

    @property
    def backlog_bytes(self) -> int:
        """What the peer has not read yet, as far as this process holds it."""
        return self.outbox_size + self._transport.get_write_buffer_size()

    def send(self, frame: Frame, *, ephemeral: bool = False, answer: bool = False) -> bool:
        """Put a frame into the outbox. False when it does not fit: then nothing was added.

        An ephemeral frame is silently left out while the peer is behind. An answer, which the peer asked for, may be
        larger than what is left: one that alone exceeds the limit can be had, too.
        """
        if self._closing:
            return True
        data = frame.deflated if self._deflate else frame.plain
        if self.paused:
            if ephemeral:
                return True
            if self.backlog_bytes + (0 if answer else len(data)) > self._gate.outbox_bytes:
                return False
        if answer and len(data) > BEHIND_BYTES:
            self._dirty.make_room(len(data))
        if not self.outbox:
            self._dirty.add(self)
        self.outbox.append(data)
        self.outbox_size += len(data)
        return True

    def flush(self) -> None:
        """One write for everything gathered; nothing while the peer is behind."""
        if self.outbox and not self.paused and not self._closing:
            outbox, self.outbox, self.outbox_size = self.outbox, [], 0
            self._transport.write(outbox[0] if len(outbox) == 1 else b"".join(outbox))

    def when_drained(self, callback: Callable[[], None]) -> None:
        """Call back once the peer has caught up, now if it is not behind; or when it is gone."""
        self.flush()
        if self.paused and not self._closing:
            self._drained.append(callback)
        else:
            callback()

    def ping(self) -> None:
        if not self._closing and not self._transport.is_closing():
            self.awaiting_pong = True
            self._transport.write(PING_FRAME)

    def close(self, code: int, reason: str = "") -> None:
        """Send what fits, then the close frame; the transport is cut after `CLOSE_TIMEOUT_S` at the latest.

        Frames that wait because the peer does not read are dropped, so their memory is free at once.
        """
        if self._closing:
            return
        self.flush()
        self._closing = True
        self.fast = False
        self.outbox = []
        self.outbox_size = 0
        try:
            self._websocket.send_close(code, reason)
        except InvalidState:
            self._transport.close()
            return
        self._write_protocol_bytes()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self.abort)

    def abort(self) -> None:
        self._transport.abort()

    def _write_protocol_bytes(self) -> None:
        websocket = self._websocket
        for data in websocket.data_to_send():
            if data:
                self.flush()
                self._transport.write(data)
            elif not self._transport.is_closing():
                self._transport.close()
        if websocket.state is not OPEN and websocket.state is not State.CONNECTING:
            self._closing = True
            self.fast = False


def _deflate_factory() -> ServerPerMessageDeflateFactory:
    return ServerPerMessageDeflateFactory(
        server_no_context_takeover=True,
        client_no_context_takeover=True,
        server_max_window_bits=12,
        client_max_window_bits=12,
        compress_settings={"memLevel": 5},
    )


class Outboxes:
    """The connections with something in their outbox; flushed together at the end of this loop iteration."""

    def __init__(self) -> None:
        self.waiting: list[Connection] = []
        self.stalled: set[Connection] = set()
        """Those whose peer does not read."""
        self._scheduled = False

    def make_room(self, size: int) -> None:
        """An answer of so many bytes is coming. With more than `HELD_BYTES` unread then, those are cut off that let the
        most lie: many who ask for large answers and read none would otherwise take all memory."""
        held = {connection: connection.backlog_bytes for connection in self.stalled}
        total = size + sum(held.values())
        for connection in sorted(held, key=held.__getitem__, reverse=True):
            if total <= HELD_BYTES:
                break
            total -= held[connection]
            self.stalled.discard(connection)
            connection.abort()

    def add(self, connection: Connection) -> None:
        self.waiting.append(connection)
        if not self._scheduled:
            self.schedule()

    def schedule(self) -> None:
        if not self._scheduled and self.waiting:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        waiting, self.waiting = self.waiting, []
        for connection in waiting:
            connection.flush()
