"""Who is let in: origin, path, address, numbers."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, cast

import msgspec
import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request

from client import Client
from config.limits import Limits
from config.schema import Config, Websocket
from connection import Connection, Rejection
from gate import Gatekeeper, Peer, client_address

LOCAL = Peer("127.0.0.1", "127.0.0.1", "")


class FakeSink:
    local_port = 5613

    def __init__(self) -> None:
        self.closed: list[tuple[int, str]] = []

    def close(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))


def request(path: str = "/", **headers: str) -> Request:
    made = Headers()
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    return Request(path, made)


def gate(*, websocket: Websocket | None = None, limits: Limits | None = None) -> Gatekeeper:
    config = Config(websocket=websocket or Websocket(), limits=limits or Limits())

    def make(connection: Connection, peer: Peer) -> Client:
        return Client(cast("Any", None), connection, peer, validator_key="", connected_at=0.0)

    keeper = Gatekeeper(lambda: config)
    keeper.doors["/"] = make
    return keeper


def admit(keeper: Gatekeeper, peer: str = "203.0.113.9", asked: Request | None = None) -> Client:
    return cast("Client", keeper.admit(asked or request(), peer, cast("Any", FakeSink())))


def refusal(keeper: Gatekeeper, peer: str = "203.0.113.9", asked: Request | None = None) -> HTTPStatus:
    with pytest.raises(Rejection) as refused:
        admit(keeper, peer, asked)
    return refused.value.status


def test_pages_of_any_origin_may_connect_by_default() -> None:
    assert admit(gate(), asked=request(Origin="https://elsewhere.example"))


def test_a_foreign_page_is_refused_where_origins_are_listed() -> None:
    keeper = gate(websocket=Websocket(allowed_origins=("https://chat.example",)))
    assert admit(keeper, asked=request(Origin="https://chat.example"))
    assert admit(keeper), "programs that are no browsers send no origin"
    foreign = request(Origin="https://chat.example.evil", Cookie="session=1")
    assert refusal(keeper, asked=foreign) == HTTPStatus.FORBIDDEN


def test_a_port_may_have_doors_of_its_own() -> None:
    keeper = gate()
    keeper.doors_at[FakeSink.local_port] = {"/other": keeper.doors["/"]}
    assert admit(keeper, asked=request("/other?x=1"))
    assert refusal(keeper, asked=request("/")) == HTTPStatus.NOT_FOUND
    keeper.doors_at = {1: keeper.doors_at[FakeSink.local_port]}
    assert admit(keeper, asked=request("/"))
    assert refusal(keeper, asked=request("/other")) == HTTPStatus.NOT_FOUND


def test_two_origins_in_one_request_are_refused() -> None:
    asked = request()
    asked.headers["Origin"] = "https://a.example"
    asked.headers["Origin"] = "https://b.example"
    assert refusal(gate(), asked=asked) == HTTPStatus.BAD_REQUEST


def test_there_is_nothing_at_other_paths() -> None:
    assert refusal(gate(), asked=request("/other")) == HTTPStatus.NOT_FOUND
    assert admit(gate(), asked=request("/?x=1"))


def test_one_address_has_only_so_many_connections() -> None:
    keeper = gate(limits=Limits(connections_per_address=2))
    first = admit(keeper, "2001:db8::1")
    admit(keeper, "2001:db8::2")
    assert refusal(keeper, "2001:db8::3") == HTTPStatus.TOO_MANY_REQUESTS
    assert admit(keeper, "2001:db8:0:1::1"), "another /64"
    keeper.gone(first)
    assert admit(keeper, "2001:db8::4")


def test_loopback_is_not_counted() -> None:
    keeper = gate(limits=Limits(connections_per_address=1))
    assert admit(keeper, "127.0.0.1")
    assert admit(keeper, "127.0.0.1")


def test_the_oldest_stranger_gives_way() -> None:
    keeper = gate(limits=Limits(max_unauthenticated=2))
    first, second, third = (admit(keeper, f"203.0.113.{number}") for number in range(3))
    assert cast("Any", first.sink).closed[0][0] == 1008
    assert not cast("Any", second.sink).closed
    assert not cast("Any", third.sink).closed
    keeper.logged_in(second)
    admit(keeper, "203.0.113.50")
    assert not cast("Any", second.sink).closed


def test_a_full_server_refuses_the_next_connection_and_says_so() -> None:
    keeper = gate(limits=Limits(max_connections=2))
    first = admit(keeper, "127.0.0.1")
    keeper.poll_began(LOCAL)
    with pytest.raises(Rejection, match=r"at most 2 connections \(limits.max_connections\)") as refused:
        admit(keeper, "203.0.113.1")
    assert refused.value.status == HTTPStatus.SERVICE_UNAVAILABLE
    with pytest.raises(Rejection):
        keeper.poll_began(LOCAL)
    keeper.gone(first)
    admit(keeper, "203.0.113.1")
    keeper.poll_ended(LOCAL)
    admit(keeper, "203.0.113.2")
    assert refusal(keeper) == HTTPStatus.SERVICE_UNAVAILABLE


def test_polls_and_connections_of_one_address_count_together() -> None:
    keeper = gate(limits=Limits(connections_per_address=2))
    peer = Peer("203.0.113.1", "203.0.113.1", "")
    first = admit(keeper, "203.0.113.1")
    keeper.poll_began(peer)
    with pytest.raises(Rejection) as refused:
        keeper.poll_began(peer)
    assert refused.value.status == HTTPStatus.TOO_MANY_REQUESTS
    with pytest.raises(Rejection):
        admit(keeper, "203.0.113.1")
    keeper.gone(first)
    keeper.poll_began(peer)
    keeper.poll_ended(peer)
    keeper.poll_ended(peer)
    admit(keeper, "203.0.113.1")
    for _ in range(3):
        keeper.poll_began(LOCAL)


def test_nobody_comes_in_while_the_server_stops() -> None:
    keeper = gate()
    keeper.closed = True
    assert refusal(keeper) == HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.1, 127.0.0.1", "198.51.100.1"),
        ("127.0.0.1", "not an address", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
    ],
)
def test_forwarded_addresses_are_believed_from_trusted_proxies_only(
    peer: str, forwarded: str | None, address: str
) -> None:
    headers = [] if forwarded is None else [forwarded]
    assert client_address(peer, headers, ("127.0.0.0/8", "::1/128")) == address


def test_the_agent_is_cut() -> None:
    assert len(admit(gate(), asked=request(User_Agent="x" * 500)).agent) == 120


def test_limits_are_live() -> None:
    config = Config()
    keeper = Gatekeeper(lambda: config)
    assert keeper.outbox_bytes == 1_048_576
    config = msgspec.structs.replace(config, limits=Limits(outbox_bytes=2_000_000))
    assert keeper.outbox_bytes == 2_000_000
