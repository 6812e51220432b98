"""The whole server in this process and without sockets: real journal, files and database; clients on transports that
only remember. Time stands still until a test moves it, and nothing happens between two steps of a test unless it waits
for `quiet`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.uri import parse_uri

from config.live import LiveConfig
from config.load import load
from config.paths import data_paths
from connection import Connection
from db.database import migrate, open_database
from db.journal import Operation
from startup import Community, Opened
from tests.support.community import PASSWORD, account, user_id, write_community
from tests.test_connection import FakeTransport

Packet = dict[str, Any]
USERS = {"host": ("owner", "user"), "mod": ("moderator", "user"), "ann": ("user",), "ben": ("user",), "cleo": ("user",)}


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Passwords:
    """In place of the pool of threads: everybody has the same password, and checking it takes one turn of the loop."""

    def __init__(self) -> None:
        self.checked: list[tuple[str | None, str]] = []
        self._gate: asyncio.Event | None = None

    def hold(self) -> asyncio.Event:
        """From now on checking waits for this."""
        self._gate = asyncio.Event()
        return self._gate

    async def check(self, stored: str | None, password: str) -> bool:
        self.checked.append((stored, password))
        await (asyncio.sleep(0) if self._gate is None else self._gate.wait())
        return stored is not None and password == PASSWORD

    async def hash(self, password: str) -> str:
        await asyncio.sleep(0)
        return str(account("x")["password_hash"])

    def stop(self) -> None: ...


class House:
    def __init__(self, community: Community, clock: Clock) -> None:
        self.community = community
        self.server = community.server
        self.world = community.world
        self.clock = clock
        self.guests: list[Guest] = []
        self.hashes = False
        """Passwords are hashed in real threads, which `quiet` waits for."""

    @property
    def folder(self) -> Path:
        return self.community.opened.paths.folder

    def guest(self, address: str = "203.0.113.9", path: str = "/") -> Guest:
        """A new connection, not logged in."""
        guest = Guest(self, address, path)
        self.guests.append(guest)
        return guest

    async def enter(self, name: str, *, address: str = "203.0.113.9", **fields: Any) -> Guest:
        """A new connection of a person that is logged in. The packets of the login are forgotten."""
        guest = self.guest(address)
        guest.send("login", username=name, password=PASSWORD, **fields)
        await self.quiet()
        guest.ready = next(packet for packet in guest.packets if packet["cmd"] == "ready")
        guest.packets.clear()
        return guest

    async def quiet(self) -> None:
        """Until nothing is under way any more."""
        loop = asyncio.get_running_loop()
        for _ in range(3):
            for _ in range(5):
                await asyncio.sleep(0)
            while self.hashes and self.server.dispatcher._tasks:
                await asyncio.wait(self.server.dispatcher._tasks)
            idle = loop.create_future()
            self.world.journal.when_idle(lambda idle=idle: idle.set_result(None))  # type: ignore[misc]
            await idle
        for guest in self.guests:
            guest.read()

    async def turns(self, number: int = 5) -> None:
        """Let the loop go round, without waiting for the journal."""
        for _ in range(number):
            await asyncio.sleep(0)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """The journal stands still meanwhile; what is submitted is one group afterwards."""
        release, began = threading.Event(), threading.Event()

        def stand(tx: object) -> None:
            began.set()
            assert release.wait(30)

        self.world.journal.submit(stand, (), _ignore)
        assert began.wait(30)
        try:
            yield
        finally:
            release.set()

    def user_id(self, name: str) -> str:
        return user_id(name)


class Guest:
    """A client of the library on a connection of ours. `packets`: what it got, decoded, in order."""

    def __init__(self, house: House, address: str, path: str) -> None:
        self.house = house
        self.packets: list[Packet] = []
        self.ready: Packet = {}
        self.transport = FakeTransport()
        self.connection = Connection(house.server.gate, set(), house.world.fanout.outboxes)
        self.transport.protocol = self.connection
        self.client = ClientProtocol(parse_uri(f"ws://localhost{path}"), max_size=None)
        request = self.client.connect()
        request.headers["X-Forwarded-For"] = address
        self.connection.connection_made(self.transport)
        self.client.send_request(request)
        self._deliver()
        self.read()

    def send(self, cmd: str, **fields: Any) -> None:
        self.send_raw(json.dumps({"cmd": cmd, **fields}).encode())

    def send_raw(self, *frames: bytes) -> None:
        """Frames that arrive together."""
        for frame in frames:
            self.client.send_text(frame)
        self._deliver()

    def together(self, *commands: Packet) -> None:
        """Commands that arrive in one piece."""
        self.send_raw(*(json.dumps(command).encode() for command in commands))

    def send_binary(self, data: bytes) -> None:
        self.client.send_binary(data)
        self._deliver()

    async def ask(self, cmd: str, **fields: Any) -> list[Packet]:
        """Send, wait until all is quiet; what this brought, which is forgotten."""
        await asyncio.sleep(0)  # what is in the outbox leaves
        self.read()
        self.packets.clear()
        self.send(cmd, **fields)
        await self.house.quiet()
        packets, self.packets = self.packets, []
        return packets

    async def one(self, cmd: str, **fields: Any) -> Packet:
        """`ask`, where one packet must come back, besides news of the moderation log."""
        (packet,) = [packet for packet in await self.ask(cmd, **fields) if packet["cmd"] != "modlog_new"]
        return packet

    def lose(self) -> None:
        """The connection breaks."""
        self.transport.aborted = True
        self.connection.connection_lost(None)

    def read(self) -> None:
        """Take what has arrived; nothing while the transport is `full`, as of a peer that does not read."""
        if self.transport.full:
            return
        written, self.transport.written = self.transport.written, []
        for data in written:
            self.client.receive_data(data)
        for event in self.client.events_received():
            if getattr(event, "opcode", None) is Opcode.TEXT:
                self.packets.append(json.loads(cast("Any", event).data))

    def names(self) -> list[str]:
        return [packet["cmd"] for packet in self.packets]

    @property
    def close_code(self) -> int | None:
        """Of the close frame that the server sent."""
        self.read()
        return None if self.client.close_rcvd is None else self.client.close_rcvd.code

    @property
    def close_reason(self) -> str:
        return "" if self.client.close_rcvd is None else self.client.close_rcvd.reason

    def _deliver(self) -> None:
        for data in self.client.data_to_send():
            if data:
                self.connection.data_received(data)


def login(name: str, **fields: Any) -> Packet:
    return {"cmd": "login", "username": name, "password": PASSWORD, **fields}


def say(content: str, **fields: Any) -> Packet:
    return {"cmd": "message_new", "channel": "general", "content": content, **fields}


def said(guest: Guest) -> list[str]:
    """What it has heard in messages."""
    return [packet["message"]["content"] for packet in guest.packets if packet["cmd"] == "message_new"]


@cache
def empty_database() -> bytes:
    """Of the newest schema."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.sqlite3"
        engine = open_database(f"sqlite:///{path}")
        migrate(engine)
        engine.dispose()
        return path.read_bytes()


@contextlib.asynccontextmanager
async def open_house(
    folder: Path,
    *,
    users: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    channels: list[dict[str, Any]] | None = None,
) -> AsyncIterator[House]:
    """A community in `folder`, served until the block ends. `config`: merged over one without rate limits."""
    write_community(folder, users=USERS if users is None else users, config=config, channels=channels)
    async with open_again(folder) as house:
        yield house


@contextlib.asynccontextmanager
async def open_again(folder: Path) -> AsyncIterator[House]:
    """The community whose files are in `folder`, as they were left."""
    path = folder / "config.json"
    settings = load(path, {})
    clock = Clock()
    database = folder / "db" / "messages.sqlite3"
    if not database.exists():
        database.write_bytes(empty_database())
    opened = Opened(LiveConfig(path, settings, {}), data_paths(settings, path), clock)
    community = Community(opened, lambda community: None, clock)
    community.world.passwords.stop()
    community.world.passwords = cast("Any", Passwords())
    community.journal.start()
    house = House(community, clock)
    try:
        yield house
        for guest in house.guests:
            if not guest.transport.is_closing():
                guest.lose()
        await house.quiet()
    finally:
        await asyncio.to_thread(community.journal.stop)
        opened.close()


def _ignore(operation: Operation) -> None: ...
