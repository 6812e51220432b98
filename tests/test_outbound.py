"""The client for addresses that somebody else named: what it refuses, and how it ends."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

import outbound
from outbound import Outbound, OutboundError, RefusedAddress, Target, check_url, is_foreign, is_own, is_public

Serve = Callable[[socket.socket], None]

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "100.127.255.255", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.88.99.1",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:100.64.0.1", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001::1", "2001:db8::1",
    "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1", "100::1", "3fff::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "2606:4700:4700::1111",
          "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]  # fmt: skip


@pytest.mark.parametrize("text", PRIVATE)
def test_addresses_that_are_not_on_the_open_internet(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))
    host = f"[{text}]" if ":" in text else text
    with pytest.raises(RefusedAddress):
        check_url(f"https://{host}/")


@pytest.mark.parametrize("text", PUBLIC)
def test_addresses_on_the_open_internet(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_public(address: outbound.Address) -> None:
    if address.is_private or address.is_loopback or address.is_link_local or address.is_multicast:
        embedded = isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped or address.sixtofour)
        assert not is_public(address) or embedded


def test_the_own_address_is_not_foreign() -> None:
    assert is_own(ipaddress.ip_address("127.0.0.1"))
    assert not is_foreign(ipaddress.ip_address("127.0.0.1"))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "ftp://example.org/", "file:///etc/passwd", "//example.org/", "example.org",
        "", "https://", "https://user@example.org/", "https://user:secret@example.org/",
        "https://@example.org/", "https://localhost/", "https://localhost./", "https://printer.local/",
        "https://db.internal/", "https://router/", "https://example.org:22/", "https://example.org:99999/",
        "https://example.org:x/", "https://example.org\\@evil.org/", "https://exa mple.org/",
        "https://example.org/\r\nX: y", "https://exämple.org/", "https://[::1",
        "https://example.org/" + "a" * 2048,
    ],
)  # fmt: skip
def test_urls_that_are_refused_before_anything_is_looked_up(url: str) -> None:
    with pytest.raises(RefusedAddress):
        check_url(url)


def test_a_url_is_taken_apart() -> None:
    assert check_url("https://Example.org.:8443?q=1#part") == Target("https", "example.org", 8443, "/?q=1")
    assert check_url("http://example.org/a", http=True) == Target("http", "example.org", 80, "/a")


# --- against a server on loopback ------------------------------------------------------------------------------


@contextlib.contextmanager
def served(serve: Serve) -> Iterator[int]:
    """A server that hands each connection to `serve`, one after the other; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    stopping = threading.Event()

    def run() -> None:
        while not stopping.is_set():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(30)
                    if not stopping.is_set():
                        serve(connection)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stopping.set()
        with contextlib.suppress(OSError):
            socket.create_connection(listener.getsockname(), 1).close()
        thread.join()
        listener.close()


def answering(*heads: str, seen: list[str] | None = None) -> Serve:
    """Answers the first request with the first of these, and so on."""
    left = list(heads)

    def serve(connection: socket.socket) -> None:
        request = connection.recv(65_536).decode()
        if seen is not None:
            seen.append(request)
        connection.sendall(left.pop(0).replace("\n", "\r\n").encode())

    return serve


def loopback(resolve: Callable[[str, int], Sequence[str]] = lambda host, port: ["127.0.0.1"]) -> Outbound:
    """May ask 127.0.0.1, and nothing else that is not public."""
    return Outbound(
        http=True, resolve=resolve, may_ask=lambda address: str(address) == "127.0.0.1" or is_public(address)
    )


def test_an_answer_with_its_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    seen: list[str] = []
    with served(answering("HTTP/1.1 200 OK\nX-A: b\nContent-Length: 5\n\nhello", seen=seen)) as port:
        answer = loopback().request("POST", f"http://hooks.example:{port}/a?b=c", body=b"{}", headers={"X-Own": "1"})
    assert (answer.status, answer.headers["x-a"], answer.body) == (200, "b", b"hello")
    assert seen[0].startswith("POST /a?b=c HTTP/1.1\r\n")
    assert f"\r\nHost: hooks.example:{port}\r\n" in seen[0]
    assert "\r\nx-own: 1\r\n" in seen[0]


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    for private in ("10.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0"):
        with pytest.raises(RefusedAddress):
            Outbound(resolve=lambda host, port, private=private: ["8.8.8.8", private]).request("GET", "https://a.example/")  # type: ignore[misc]  # fmt: skip


def test_a_name_that_answers_differently_the_second_time_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rebinding: what was checked is what is connected to, and nothing is looked up in between."""
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    asked: list[str] = []

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        asked.append(address[0])
        raise OSError("not in a test")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(OutboundError):
        Outbound(resolve=lambda host, port: next(answers), may_ask=is_public).request("GET", "https://a.example/")
    assert asked == ["8.8.8.8"]
    assert next(answers) == ["127.0.0.1"], "it was looked up once"


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://[::ffff:127.0.0.1]/",
        "http://100.64.0.1/", "http://localhost/", "http://inside.example/", "file:///etc/passwd", "//10.0.0.1/",
    ],
)  # fmt: skip
def test_a_redirect_to_the_inside_is_refused(location: str) -> None:
    def resolve(host: str, port: int) -> list[str]:
        return ["10.0.0.7"] if host == "inside.example" else ["127.0.0.1"]

    found = f"HTTP/1.1 302 Found\nLocation: {location}\nContent-Length: 0\n\n"
    with served(answering(found)) as port, pytest.raises(RefusedAddress):
        loopback(resolve).request("GET", f"http://a.example:{port}/")


def test_a_redirect_keeps_secrets_from_another_origin() -> None:
    seen: list[str] = []
    first = "HTTP/1.1 307 Moved\nLocation: /second\nContent-Length: 0\n\n"
    with served(answering("HTTP/1.1 200 OK\nContent-Length: 2\n\nok", seen=seen)) as other:
        second = f"HTTP/1.1 307 Moved\nLocation: http://b.example:{other}/\nContent-Length: 0\n\n"
        with served(answering(first, second, seen=seen)) as port:
            headers = {"Authorization": "Bearer secret", "Content-Type": "text/plain"}
            answer = loopback().request("POST", f"http://a.example:{port}/", body=b"body", headers=headers)
    assert (answer.body, answer.url) == (b"ok", f"http://b.example:{other}/")
    assert ["secret" in request for request in seen] == [True, True, False]
    assert all("text/plain" in request for request in seen)


def test_redirects_without_end() -> None:
    again = "HTTP/1.1 302 Found\nLocation: /\nContent-Length: 0\n\n"
    with served(answering(*[again] * 9)) as port, pytest.raises(OutboundError, match="more than 3 redirects"):
        loopback().request("GET", f"http://a.example:{port}/")


def test_a_post_does_not_become_a_get() -> None:
    with served(answering("HTTP/1.1 302 Found\nLocation: http://10.0.0.1/\nContent-Length: 0\n\n")) as port:
        assert loopback().request("POST", f"http://a.example:{port}/", body=b"x").status == 302


def test_a_body_without_end_is_cut_off() -> None:
    def endless(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(b"x" * 65_536)

    with served(endless) as port, pytest.raises(OutboundError, match="more than 1000 bytes"):
        loopback().request("GET", f"http://a.example:{port}/", max_bytes=1000)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"])
def test_a_slow_drip_ends_at_the_time_limit(head: bytes) -> None:
    """In the head as in the body: each byte comes in time, all of them never."""
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.recv(65_536)
        with contextlib.suppress(OSError):
            connection.sendall(head)
            while not over.wait(0.02):
                connection.sendall(b"x")

    with served(drip) as port:
        try:
            with pytest.raises(OutboundError, match="took too long"):
                loopback().request("GET", f"http://a.example:{port}/", timeout_s=0.3)
        finally:
            over.set()


def test_a_handshake_that_never_ends() -> None:
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(b"\x16\x03\x03\x3f\xff")  # a TLS record of 16 KiB that comes byte by byte
            while not over.wait(0.02):
                connection.sendall(b"\x02")

    with served(drip) as port:
        try:
            with pytest.raises(OutboundError, match="took too long"):
                loopback().request("GET", f"https://a.example:{port}/", timeout_s=0.3)
        finally:
            over.set()


def test_a_peer_that_hangs_up_is_an_error() -> None:
    with served(lambda connection: None) as port, pytest.raises(OutboundError):
        loopback().request("GET", f"http://a.example:{port}/")


def test_an_answer_that_ends_early_is_an_error() -> None:
    short = "HTTP/1.1 200 OK\nContent-Length: 9\n\nhello"
    with served(answering(short)) as port, pytest.raises(OutboundError, match="ended early"):
        loopback().request("GET", f"http://a.example:{port}/")


def test_a_name_that_is_not_found() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror("unknown")

    resolvers: list[outbound.Resolver] = [unknown, lambda host, port: []]
    for resolve in resolvers:
        with pytest.raises(OutboundError):
            Outbound(resolve=resolve).request("GET", "https://a.example/")
