"""Who may open a WebSocket here, and how many."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import NamedTuple, Protocol

from websockets.datastructures import MultipleValuesError
from websockets.http11 import Request

from config.schema import Config
from connection import Connection, Endpoint, Frame, Rejection
from fanout import Session
from handlers.throttle import network_of

MAX_AGENT_LENGTH = 120


class Peer(NamedTuple):
    """Who connects. address: for people, as in the log. network: for counting: the address, or its /64.
    agent: the User-Agent."""

    address: str
    network: str
    agent: str


class Guest(Endpoint, Protocol):
    """A party that was let in through one of the doors."""

    network: str
    gateway: str
    """The way in, "" for the OriginChats protocol."""
    connected_at: float
    """On the monotonic clock."""
    number: int
    """Counts connections; spreads over time what is done to each of them regularly."""
    session: Session | None

    @property
    def sink(self) -> Connection: ...

    def announce(self, frame: Frame, *, ephemeral: bool = False) -> None:
        """A packet that everybody who is connected is told, each in its own protocol."""


Door = Callable[[Connection, Peer], Guest]
"""Makes the endpoint of a connection to one path. May raise Rejection."""


class Gatekeeper:
    """The `Gate` of every connection: path, origin, address, numbers.

    Addresses in forwarding headers are believed only from `websocket.trusted_proxies`.
    """

    def __init__(self, config: Callable[[], Config]) -> None:
        self._config = config
        self.doors: dict[str, Door] = {}
        """By path."""
        self.doors_at: dict[int, dict[str, Door]] = {}
        """By local port, for ports that have doors of their own."""
        self._per_network: Counter[str] = Counter()
        self.strangers: dict[Guest, None] = {}
        """Clients that have not logged in, oldest first."""
        self.open_clients: set[Guest] = set()
        self.polls = 0
        """Requests that wait for news at this moment."""
        self.closed = False

    @property
    def compression(self) -> bool:
        return self._config().websocket.compression

    @property
    def max_frame_bytes(self) -> int:
        return self._config().limits.max_frame_bytes_before_login

    @property
    def outbox_bytes(self) -> int:
        return self._config().limits.outbox_bytes

    def admit(self, request: Request, peer: str | None, connection: Connection) -> Endpoint:
        config = self._config()
        if self.closed:
            raise Rejection(HTTPStatus.SERVICE_UNAVAILABLE, "The server is shutting down.")
        doors = self.doors_at.get(connection.local_port, self.doors) if self.doors_at else self.doors
        door = doors.get(request.path.partition("?")[0])
        if door is None:
            paths = " and ".join(sorted(doors))
            raise Rejection(HTTPStatus.NOT_FOUND, f"WebSocket connections are accepted at {paths} only.")
        origin = _single_header(request, "Origin")
        allowed = config.websocket.allowed_origins
        if origin is not None and allowed is not None and origin not in allowed:
            raise Rejection(HTTPStatus.FORBIDDEN, "Pages of this origin may not connect (websocket.allowed_origins).")
        self._check_room()
        forwarded = request.headers.get_all("X-Forwarded-For")
        found = self.peer(peer or "", forwarded, _single_header(request, "User-Agent") or "")
        self._check_network(found)
        client = door(connection, found)
        self._per_network[found.network] += 1
        self.open_clients.add(client)
        self.strangers[client] = None
        if len(self.strangers) > config.limits.max_unauthenticated:
            next(iter(self.strangers)).sink.close(1008, "too many connections that have not logged in")
        return client

    def peer(self, address: str, forwarded: Iterable[str], agent: str) -> Peer:
        """Who is at the other end. address: of the socket. forwarded: the `X-Forwarded-For` headers."""
        address = client_address(address, forwarded, self._config().websocket.trusted_proxies)
        return Peer(address, network_of(address), agent[:MAX_AGENT_LENGTH])

    def _check_room(self) -> None:
        most = self._config().limits.max_connections
        if len(self.open_clients) + self.polls >= most:
            text = (
                f"The server is full: it serves at most {most} connections (limits.max_connections). Try again later."
            )
            raise Rejection(HTTPStatus.SERVICE_UNAVAILABLE, text)

    def _check_network(self, peer: Peer) -> None:
        most = self._config().limits.connections_per_address
        if not _is_loopback(peer.address) and self._per_network[peer.network] >= most:
            raise Rejection(HTTPStatus.TOO_MANY_REQUESTS, "Too many connections from your address.")

    def poll_began(self, peer: Peer) -> None:
        """A request waits for news: until `poll_ended` it counts as a connection of this peer. Raises Rejection when
        there are too many."""
        self._check_room()
        self._check_network(peer)
        self.polls += 1
        self._per_network[peer.network] += 1

    def poll_ended(self, peer: Peer) -> None:
        self.polls -= 1
        self._forget_one(peer.network)

    def logged_in(self, client: Guest) -> None:
        self.strangers.pop(client, None)

    def gone(self, client: Guest) -> None:
        self.strangers.pop(client, None)
        self.open_clients.discard(client)
        self._forget_one(client.network)

    def _forget_one(self, network: str) -> None:
        self._per_network[network] -= 1
        if self._per_network[network] <= 0:
            del self._per_network[network]


def client_address(peer: str, forwarded: Iterable[str], trusted: tuple[str, ...]) -> str:
    """The address of the client: of the socket or, behind trusted proxies, the last one they did not add themselves."""
    address = peer
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    while hops and _is_trusted(address, trusted):
        hop = hops.pop()
        if not _is_address(hop):
            break
        address = hop
    return address


def _single_header(request: Request, name: str) -> str | None:
    try:
        value = request.headers.get(name)
    except MultipleValuesError:
        raise Rejection(HTTPStatus.BAD_REQUEST, f"More than one {name} header.") from None
    return value


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_loopback(address: str) -> bool:
    return _is_address(address) and ipaddress.ip_address(address).is_loopback


def _is_trusted(address: str, trusted: tuple[str, ...]) -> bool:
    return _is_address(address) and any(
        ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False) for network in trusted
    )
