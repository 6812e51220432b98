"""uvicorn on a socket of ours: HTTP and WebSocket on one port, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from patient_http import patient

if sys.platform != "win32":
    import resource

GRACE_S = 8
"""How long connections have to close before the process ends anyway."""
OTHER_FILES = 256
"""Open besides connections: database, uploads under way, plugins."""


class PortInUse(Exception):
    """The address cannot be listened on; the text says why and what to do."""


def allow_connections(wanted: int) -> int | None:
    """Ask the system for as many open files as so many connections need: what it gives without being asked is often
    1024. Gives the most connections that it allows where those are fewer; None otherwise, and on Windows."""
    if sys.platform == "win32":
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    asked = wanted + OTHER_FILES
    most = asked if hard == resource.RLIM_INFINITY else min(asked, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(ValueError, OSError):  # macOS has a bound that is not told
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY and soft < wanted else None


def listen(host: str, port: int, setting: str = "--port") -> socket.socket:
    """A bound socket. Raises PortInUse, which says by which flag or setting to choose another port."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise PortInUse(
            f"cannot listen on {host!r}: that is no address and no name that this machine knows. Choose another with "
            "--host (setting websocket.host), such as 127.0.0.1 or ::1"
        ) from None
    try:
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(address)
        except OSError:
            bound.close()
            raise
        bound.setblocking(False)
    except OSError as error:
        raise PortInUse(
            f"cannot listen on {host}:{port}: {error.strerror or error}. "
            f"Stop the program that uses it, or choose another address with --host and {setting}"
        ) from None
    return bound


class HttpServer(uvicorn.Server):
    """uvicorn's server with our signals, and our way to stop."""

    def __init__(
        self,
        app: Any,
        websocket: Any,
        *,
        ready: Callable[[], None],
        drain: Callable[[], Awaitable[None]],
        http: type[HttpToolsProtocol] = HttpToolsProtocol,
    ) -> None:
        """websocket: makes the protocol of an upgraded connection. ready: called once clients can connect.
        drain: run before connections are closed. http: the HTTP protocol, uvicorn's own or one like it."""
        super().__init__(
            uvicorn.Config(
                app,
                ws=websocket,
                loop="none",
                http=patient(http),
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                date_header=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=GRACE_S,
                backlog=4096,
                proxy_headers=False,
            )
        )
        self._ready = ready
        self._drain = drain

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn would raise the signal again after the end, and the exit code would not be 0."""
        loop = asyncio.get_running_loop()
        numbers = [signal.SIGINT, signal.SIGTERM]
        if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            numbers.append(signal.SIGHUP)  # the terminal was closed; whoever says nohup wants it to go on
        try:
            for number in numbers:
                loop.add_signal_handler(number, self.stop)
        except NotImplementedError:  # Windows
            for number in numbers:
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self.stop))
        yield

    def stop(self) -> None:
        """Begin to stop; a second time, do not wait for anybody."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await self._drain()
        await super().shutdown(sockets)
