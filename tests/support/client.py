"""A chat client for tests: the `websockets` library, one reader, and waiting that ends at an event, not at a clock."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable
from types import TracebackType
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.community import PASSWORD

Packet = dict[str, Any]
DEADLINE_S = 30.0
"""How long to wait for what must come: a busy machine is slow, and nothing here measures time."""


class Refusal(Exception):
    """The server answered a request with `error`, `rate_limit` or `auth_error`."""

    def __init__(self, packet: Packet) -> None:
        self.packet = packet
        super().__init__(f"{packet.get('src')}: {packet.get('val')}")


class ChatClient:
    """One connection.

    events: everything received, in order, replies included.
    session, seq: what a client must remember to resume: the session of `ready`, and the position, which is the
        highest `seq` of `ready`, `resumed` and every event.
    """

    def __init__(self, url: str, name: str = "") -> None:
        self.url = url
        self.name = name
        self.events: list[Packet] = []
        self.handshake: Packet = {}
        self.ready: Packet = {}
        self.session = ""
        self.seq = 0
        self.close_code: int | None = None
        self.close_reason = ""
        self._open = False
        self._taken: set[int] = set()
        self._listeners = itertools.count(1)
        self._asked: set[str] = set()
        self._arrived = asyncio.Condition()
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None

    # ------------------------------------------------------------- connection

    async def connect(self, **options: Any) -> ChatClient:
        """Open the connection and wait for the handshake. `options` go to `websockets.connect`."""
        settings: dict[str, Any] = {"compression": None, "max_size": None, "ping_interval": None, "proxy": None}
        self._socket = await connect(self.url, **{**settings, **options})
        self._open = True
        self._reader = asyncio.create_task(self._read(self._socket))
        self.handshake = await self.expect("handshake")
        return self

    async def __aenter__(self) -> ChatClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Say goodbye and close."""
        if self._socket is not None:
            await self._socket.close()
        if self._reader is not None:
            await self._reader

    async def drop(self) -> None:
        """Cut the connection without a word, as a lost network does."""
        assert self._socket is not None
        self._socket.transport.abort()
        if self._reader is not None:
            await self._reader

    async def closed(self, deadline_s: float = DEADLINE_S) -> int | None:
        """Wait until the connection is closed by the server; the close code."""
        assert self._reader is not None
        await asyncio.wait_for(asyncio.shield(self._reader), deadline_s)
        return self.close_code

    @property
    def is_open(self) -> bool:
        return self._open

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for frame in socket:
                packet = json.loads(frame)
                if packet.get("cmd") in ("ready", "resumed"):
                    self.session = packet.get("session", self.session)
                if packet.get("cmd") not in ("ping", "gap") and isinstance(packet.get("seq"), int):
                    self.seq = max(self.seq, packet["seq"])
                async with self._arrived:
                    self.events.append(packet)
                    self._arrived.notify_all()
        except ConnectionClosed:
            pass
        finally:
            self._open = False
            self.close_code = socket.close_code
            self.close_reason = socket.close_reason or ""
            async with self._arrived:
                self._arrived.notify_all()

    def pause_reading(self) -> None:
        """Stop taking bytes off the socket, as a stalled client does."""
        assert self._socket is not None
        self._socket.transport.pause_reading()

    def resume_reading(self) -> None:
        assert self._socket is not None
        self._socket.transport.resume_reading()

    # ------------------------------------------------------------- packets

    async def send_raw(self, frame: str | bytes) -> None:
        assert self._socket is not None
        await self._socket.send(frame)

    async def send(self, cmd: str, **fields: Any) -> None:
        await self.send_raw(json.dumps({"cmd": cmd, **fields}))

    async def ask(self, cmd: str, **fields: Any) -> Packet:
        """Send, and wait for the packet that carries our `listener`, whatever it is."""
        listener = f"{self.name or 'client'}-{next(self._listeners)}"
        self._asked.add(listener)
        start = len(self.events)
        await self.send(cmd, listener=listener, **fields)
        return await self._wait_for(
            lambda packet: packet.get("listener") == listener, f"an answer to {cmd} {fields}", DEADLINE_S, start
        )

    async def request(self, cmd: str, **fields: Any) -> Packet:
        """`ask`, where anything but success raises Refusal."""
        reply = await self.ask(cmd, **fields)
        if reply["cmd"] in ("error", "rate_limit", "auth_error"):
            raise Refusal(reply)
        return reply

    async def refused(self, cmd: str, **fields: Any) -> Packet:
        """`ask` for something that must be refused with an `error`; the packet."""
        reply = await self.ask(cmd, **fields)
        assert reply["cmd"] == "error", f"{cmd} {fields} was not refused: {reply}"
        assert reply["src"] == cmd, reply
        return reply

    async def say(self, content: str, channel: str = "general", **fields: Any) -> Packet:
        """Post; the message of the answer."""
        message: Packet = (await self.request("message_new", channel=channel, content=content, **fields))["message"]
        return message

    async def expect(self, cmd: str, /, deadline_s: float = DEADLINE_S, **matching: Any) -> Packet:
        """The first packet not yet expected with this `cmd` and these fields (a dict matches as a subset)."""
        return await self.expect_where(
            lambda packet: packet.get("cmd") == cmd and _matches(packet, matching), f"{cmd} {matching}", deadline_s
        )

    async def expect_where(
        self,
        accept: Callable[[Packet], bool],
        what: str = "a packet",
        deadline_s: float = DEADLINE_S,
        *,
        since: int = 0,
    ) -> Packet:
        """The first packet not yet expected that is accepted; AssertionError at the deadline or when closed.

        Answers are left to who asked (`ask`). since: look only at `events[since:]`.
        """
        return await self._wait_for(
            lambda packet: packet.get("listener") not in self._asked and accept(packet), what, deadline_s, since
        )

    async def _wait_for(self, accept: Callable[[Packet], bool], what: str, deadline_s: float, since: int) -> Packet:
        seen = since

        def look() -> Packet | None:
            nonlocal seen
            start, seen = seen, len(self.events)
            for index in range(start, seen):
                packet = self.events[index]
                if index not in self._taken and accept(packet):
                    self._taken.add(index)
                    return packet
            return None

        try:
            async with asyncio.timeout(deadline_s), self._arrived:
                while True:
                    found = look()
                    if found is not None:
                        return found
                    if not self._open:
                        break
                    await self._arrived.wait()
        except TimeoutError:
            pass
        state = "open" if self._open else f"closed with {self.close_code} {self.close_reason!r}"
        recent = "\n".join(f"  {json.dumps(packet)[:400]}" for packet in self.events[-12:])
        raise AssertionError(f"{self.name}: {what} never came (connection {state}). Last packets:\n{recent}")

    async def sync(self) -> int:
        """Wait until everything sent to us so far has arrived (a `ping` round trip). The number of events so far."""
        await self.request("ping")
        return len(self.events)

    def received(self, cmd: str, **matching: Any) -> list[Packet]:
        """Every packet so far with this `cmd` and these fields."""
        return [packet for packet in self.events if packet.get("cmd") == cmd and _matches(packet, matching)]

    def forget(self) -> None:
        """Forget everything received so far."""
        self.events.clear()
        self._taken.clear()

    # ------------------------------------------------------------- the beginning of a conversation

    async def login(self, name: str | None = None, password: str = PASSWORD, **fields: Any) -> ChatClient:
        self.name = name or self.name
        return await self._enter("login", username=self.name, password=password, **fields)

    async def register(self, name: str, password: str = PASSWORD, **fields: Any) -> ChatClient:
        self.name = name
        return await self._enter("register", username=name, password=password, **fields)

    async def _enter(self, cmd: str, **fields: Any) -> ChatClient:
        await self.send(cmd, **fields)
        first = await self.expect_where(
            lambda packet: packet.get("cmd") in ("ready", "auth_error"), f"an answer to {cmd}"
        )
        if first["cmd"] == "auth_error":
            raise Refusal(first)
        self.ready = first
        return self

    async def resume(self, session: str, after: int) -> Packet:
        """Ask for what was missed; the final `resumed` packet. What came before it is in `events`."""
        reply = await self.ask("resume", session=session, after=after)
        if reply["cmd"] != "resumed":
            raise Refusal(reply)
        self.session = session if reply["recovered"] else self.session
        return reply


def _matches(packet: Any, matching: Any) -> bool:
    if isinstance(matching, dict):
        return isinstance(packet, dict) and all(
            key in packet and _matches(packet[key], value) for key, value in matching.items()
        )
    return bool(packet == matching)


class Visitors:
    """Makes clients for one test and closes them all at its end."""

    def __init__(self, url: Callable[[], str]) -> None:
        self._url = url
        self._clients: list[ChatClient] = []

    async def connect(self, name: str = "", **options: Any) -> ChatClient:
        client = ChatClient(self._url(), name)
        self._clients.append(client)
        return await client.connect(**options)

    async def login(self, name: str, **options: Any) -> ChatClient:
        client = await self.connect(name, **options)
        return await client.login(name)

    async def close(self) -> None:
        for client in self._clients:
            with contextlib.suppress(OSError, ConnectionClosed):
                await client.close()
