"""The identity service over real HTTP: what it may answer, and that nothing it does holds anybody up."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from client import Client
from handlers.rotur import MAX_ANSWER_BYTES, RoturUnavailable, RoturUser, validate
from tests.support.community import edit
from tests.support.house import House, open_house

pytestmark = pytest.mark.anyio
KEY = "originChats-key"
TIMEOUT_S = 0.5
"""Where no answer comes; where one does, a busy machine may take its time."""
PATIENCE_S = 30.0
MOST_TIMEOUT_S = 8.0
"""The settings allow no more."""
GOOD = {"valid": True, "id": "1001", "username": "Roy", "system": "rotur"}


class Service:
    """An HTTP server on a free port. `answers`: validator -> what is done with the request."""

    def __init__(self) -> None:
        service = self
        self.asked: list[dict[str, list[str]]] = []
        self.answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.quit = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = parse_qs(urlsplit(self.path).query)
                service.asked.append(query)
                with contextlib.suppress(OSError):
                    service.answers[query["v"][0]](self)

            def log_message(self, format: str, *args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/validate"

    def stop(self) -> None:
        self.quit.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def says(body: object, status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(data)

    return answer


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.stop()


async def ask(
    service: Service, answer: Callable[[BaseHTTPRequestHandler], None], timeout_s: float = PATIENCE_S
) -> RoturUser | None:
    service.answers["v"] = answer
    return await validate(service.url, KEY, "v", timeout_s)


async def test_auth_asks_with_the_key_and_the_validator(service: Service) -> None:
    service.answers["roy,6f1e&x=1#é"] = says(GOOD)
    assert await validate(service.url, KEY, "roy,6f1e&x=1#é", PATIENCE_S) == RoturUser(id="1001", username="Roy")
    assert service.asked == [{"key": [KEY], "v": ["roy,6f1e&x=1#é"]}]


@pytest.mark.parametrize(
    "body",
    [
        {"valid": False},
        {"valid": False, "id": "1001", "username": "Roy"},
        {"valid": "true", "id": "1001", "username": "Roy"},
        {"valid": 1, "id": "1001", "username": "Roy"},
        {"id": "1001", "username": "Roy"},
        {"valid": True, "username": "Roy"},
        {"valid": True, "id": "", "username": "Roy"},
        {"valid": True, "id": "  ", "username": "Roy"},
        {"valid": True, "id": None, "username": "Roy"},
        {"valid": True, "id": 1001, "username": "Roy"},
        {"valid": True, "id": "1001"},
        {"valid": True, "id": "1001", "username": ""},
        {"valid": True, "id": "1001", "username": ["Roy"]},
        {"valid": True, "id": "1001", "username": "Roy\nBoy"},
        {"valid": True, "id": "1001", "username": "x" * 65},
        {"error": "unknown key"},
        [],
        [GOOD],
        "valid",
        None,
        True,
    ],
)
async def test_auth_takes_only_a_clear_yes_with_id_and_name(service: Service, body: object) -> None:
    assert await ask(service, says(body)) is None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429])
async def test_auth_that_is_refused_by_the_service_is_refused(service: Service, status: int) -> None:
    assert await ask(service, says(GOOD, status)) is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_auth_follows_no_redirect(service: Service, status: int) -> None:
    service.answers["elsewhere"] = says(GOOD)
    assert await ask(service, says(b"", status, Location=f"{service.url}?v=elsewhere")) is None
    assert len(service.asked) == 1


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_auth_is_unavailable_when_the_service_fails(service: Service, status: int) -> None:
    with pytest.raises(RoturUnavailable, match=f"HTTP {status}"):
        await ask(service, says(b"<html>sorry</html>", status))


def cut_off(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b'{"valid": true,')


def no_http(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"\x00\xff\x00 this is not HTTP\r\n\r\n")


def hang_up(request: BaseHTTPRequestHandler) -> None:
    request.connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "answer",
    [
        says(b"rubbish"),
        says(b""),
        says(b'{"valid": true, "id": "1'),
        says(b"\xff\xfe\x00"),
        says(b'{"valid": true, "id": "1001", "username": "\xff"}'),
        says(b"[" * 10_000),
        says(b"NaN"),
        says(b"x" * (MAX_ANSWER_BYTES + 1)),
        says(json.dumps({**GOOD, "bio": "x" * MAX_ANSWER_BYTES}).encode()),
        says(gzip.compress(b" " * 50_000_000), Content_Encoding="gzip"),
        says(b"not gzip at all", Content_Encoding="gzip"),
        cut_off,
        no_http,
        hang_up,
    ],
)
async def test_auth_is_unavailable_when_the_answer_is_rubbish(
    service: Service, answer: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    with pytest.raises(RoturUnavailable) as caught:
        await ask(service, answer)
    assert KEY not in str(caught.value)
    assert service.url not in str(caught.value)


async def test_auth_takes_an_answer_that_is_compressed(service: Service) -> None:
    packed = gzip.compress(json.dumps(GOOD).encode())
    assert await ask(service, says(packed, Content_Encoding="gzip")) == RoturUser(id="1001", username="Roy")


async def test_auth_is_unavailable_when_nobody_listens() -> None:
    with socket.socket() as taken:  # bound and not listening: nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(RoturUnavailable, match="ConnectionError"):
            await validate(f"http://127.0.0.1:{taken.getsockname()[1]}/validate", KEY, "v", PATIENCE_S)


@pytest.mark.parametrize("url", ["http://[::1", "http://no host/", "ftp://127.0.0.1/x", "http://"])
async def test_auth_is_unavailable_at_an_address_that_is_none(url: str) -> None:
    with pytest.raises(RoturUnavailable):
        await validate(url, KEY, "v", TIMEOUT_S)


def silent(service: Service) -> Callable[[BaseHTTPRequestHandler], None]:
    def wait(request: BaseHTTPRequestHandler) -> None:
        service.quit.wait()

    return wait


def dripping(service: Service) -> Callable[[BaseHTTPRequestHandler], None]:
    """One byte at a time, each before the timeout for a byte."""

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "100000")
        request.end_headers()
        while not service.quit.wait(TIMEOUT_S / 10):
            request.wfile.write(b" ")
            request.wfile.flush()

    return drip


@pytest.mark.parametrize("slow", [silent, dripping])
async def test_auth_is_unavailable_when_the_answer_takes_too_long(
    service: Service, slow: Callable[[Service], Callable[[BaseHTTPRequestHandler], None]]
) -> None:
    before, turns = time.monotonic(), 0
    asking = asyncio.ensure_future(ask(service, slow(service), TIMEOUT_S))
    while not asking.done():
        await asyncio.sleep(0)
        turns += 1
    with pytest.raises(RoturUnavailable):
        asking.result()
    assert time.monotonic() - before < PATIENCE_S, "at all: it was never answered"
    assert turns > 100, "the loop went on turning"


# --- through the server


@pytest.fixture
async def house(tmp_path: Path, service: Service) -> AsyncIterator[House]:
    settings = {"validate_url": service.url, "timeout_s": MOST_TIMEOUT_S}
    async with open_house(tmp_path, config={"rotur": settings}) as house:
        house.hashes = True
        yield house


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (says(GOOD), None),
        (says({"valid": False}), "invalid_authentication"),
        (says({"valid": True, "username": "Roy"}), "invalid_authentication"),
        (says(b"sorry", 500), "rotur_unavailable"),
        (says(b"rubbish"), "rotur_unavailable"),
        (says(b"", 302, Location="http://127.0.0.1/"), "invalid_authentication"),
        (hang_up, "rotur_unavailable"),
    ],
)
async def test_auth_is_answered_whatever_the_service_does(
    house: House, service: Service, answer: Callable[[BaseHTTPRequestHandler], None], code: str | None
) -> None:
    service.answers["v"] = answer
    guest = house.guest()
    packets = await guest.ask("auth", validator="v", listener="l1")
    assert all(packet["listener"] == "l1" for packet in packets if packet["cmd"].startswith(("auth", "ready")))
    if code is None:
        assert [packet["cmd"] for packet in packets][:2] == ["auth_success", "ready"]
    else:
        (packet,) = packets
        assert (packet["cmd"], packet["code"]) == ("auth_error", code)
        assert guest.close_code is None
    (asked,) = service.asked
    (client,) = house.server.gate.open_clients
    assert isinstance(client, Client)
    assert asked["key"] == [client.validator_key]


def configure(house: House, **rotur: object) -> None:
    """Settings of the service, from now on."""
    edit(house.world.live.path, lambda config: config["rotur"].update(rotur))
    house.community.reload_config()


async def test_auth_that_is_never_answered_ends_and_holds_nobody_up(house: House, service: Service) -> None:
    enough = threading.Event()

    def late_and_nothing(request: BaseHTTPRequestHandler) -> None:
        enough.wait()

    service.answers["v"] = late_and_nothing
    ann, guest = await house.enter("ann"), house.guest()
    guest.send("auth", validator="v")
    house.hashes = False
    for number in range(20):
        packets = await ann.ask("message_new", channel="general", content=str(number))
        assert [packet["cmd"] for packet in packets] == ["message_new"]
    guest.read()
    assert "auth_error" not in guest.names(), "all this happened while it waits"
    enough.set()
    house.hashes = True
    await house.quiet()
    assert guest.packets[-1]["code"] == "rotur_unavailable"
    service.answers["v"] = silent(service)
    configure(house, timeout_s=TIMEOUT_S)
    assert (await guest.ask("auth", validator="v"))[-1]["code"] == "rotur_unavailable"
    configure(house, timeout_s=MOST_TIMEOUT_S)
    service.answers["v"] = says(GOOD)
    assert (await guest.ask("auth", validator="v"))[0]["cmd"] == "auth_success"


async def test_auth_asks_where_the_settings_say_now(house: House, service: Service) -> None:
    configure(house, validate_url=service.url + "/elsewhere")
    service.answers["v"] = says(GOOD)
    await house.guest().ask("auth", validator="v")
    assert len(service.asked) == 1
