"""A reverse proxy that shows a server below a path, HTTP and WebSocket alike, as nginx and Caddy do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any

HEAD_BYTES = 65_536


@contextlib.asynccontextmanager
async def below(prefix: str, port: int) -> AsyncIterator[str]:
    """prefix: such as `/chat`. port: of the server on this machine. Yields the address, which ends with `/`. Everything
    outside of the prefix is 404. A connection carries one request, or becomes a WebSocket."""

    open_now: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_now.add(task)
        task.add_done_callback(open_now.discard)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError), contextlib.closing(writer):
            head = await reader.readuntil(b"\r\n\r\n")
            first, _, rest = head.partition(b"\r\n")
            method, target, protocol = first.split(b" ")
            if not target.startswith(prefix.encode() + b"/"):
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                await writer.drain()
                return
            if b"\r\nupgrade:" not in head.lower():
                lines = rest.split(b"\r\n")
                rest = b"\r\n".join(line for line in lines if not line.lower().startswith(b"connection:"))
                rest = b"Connection: close\r\n" + rest
            below = target.removeprefix(prefix.encode())
            there, forward = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.closing(forward):
                forward.write(b" ".join((method, below, protocol)) + b"\r\n" + rest)
                await _both(_pour(reader, forward), _pour(there, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=HEAD_BYTES)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{prefix}/"
    finally:
        server.close()
        while open_now:  # nothing of them may outlive the test
            for task in open_now:
                task.cancel()
            await asyncio.wait(open_now)
        await asyncio.sleep(0)  # what they closed is closed now


async def _both(up: Coroutine[Any, Any, None], down: Coroutine[Any, Any, None]) -> None:
    """Until the server has said all, or somebody is gone."""
    asking = asyncio.ensure_future(up)
    try:
        await down
    finally:
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await asking


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65_536):
        sink.write(data)
        await sink.drain()
