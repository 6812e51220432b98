"""The HTTP routes, called as an ASGI app without a network."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from routes.app import build
from routes.view import Download, Facts, InviteCard

FACTS = Facts(
    name="Tea <room>", owner_name="Ann & Bo", icon="https://x.example/i.png", users=12, channels=3, roles=4,
    connected=6, online=5, started_at=1000.0,
)  # fmt: skip
CORS_NAMES = ("access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers")


class World:
    """A community of fixed facts that counts how often it is asked."""

    def __init__(self) -> None:
        self.current = FACTS
        self.works = True
        self.readers = "loopback"
        self.emojis: dict[str, Path] = {}
        self.assets: dict[str, Path] = {}
        self.asked = 0
        self.now = 1090.0

    def facts(self) -> Facts:
        self.asked += 1
        return self.current

    def emoji_file(self, name: str) -> Path | None:
        return self.emojis.get(name)

    def asset_file(self, name: str) -> Path | None:
        return self.assets.get(name)

    def journal_works(self) -> bool:
        return self.works

    def metrics(self) -> bytes:
        return b"measured 1\n"

    def export(self, token: str, *, use: bool) -> Download | None:
        return None

    def metrics_for(self) -> str:
        return self.readers

    def invite_card(self, code: str, network: str) -> InviteCard | None:
        return None

    def webhook_wait_s(self, token: str) -> float | None:
        return None

    async def deliver(
        self, token: str, content: str, embeds: list[dict[str, Any]], author: dict[str, Any] | None = None
    ) -> None: ...


class Answer(msgspec.Struct):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def app(world: World) -> ASGIApp:
    return build(world, clock=lambda: world.now)


def request(
    app: ASGIApp,
    path: str,
    method: str = "GET",
    client: str | None = "127.0.0.1",
    headers: dict[str, str] | None = None,
) -> Answer:
    """One request. An exception that the app re-raises after its answer is left to the server, as uvicorn does."""
    sent: list[Message] = []

    incoming: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if not incoming:
            await asyncio.Event().wait()  # nobody leaves
        return incoming.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        "scheme": "http", "server": ("127.0.0.1", 5613), "client": client and (client, 1), "root_path": "",
        "http_version": "1.1",
    }  # fmt: skip

    async def call() -> None:
        await app(scope, receive, send)

    try:
        asyncio.run(call())
    except ZeroDivisionError:
        assert sent, "the exception must be answered before it is raised again"
    head = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], head, b"".join(message.get("body", b"") for message in sent[1:]))


def test_info_has_the_shape_that_clients_read(app: ASGIApp) -> None:
    answer = request(app, "/info")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json == {
        "server": {
            "name": FACTS.name,
            "description": "",
            "icon": FACTS.icon,
            "banner": "",
            "owner": {"name": "Ann & Bo"},
        },
        "registration": "open",
        "claimable": False,
        "service": {"name": "OriginChats", "version": ""},
        "stats": {"total_users": 12, "connected_users": 6, "online_users": 5, "total_channels": 3, "total_roles": 4},
    }


def test_info_is_counted_at_most_once_a_second(app: ASGIApp, world: World) -> None:
    for _ in range(5):
        request(app, "/info")
    assert world.asked == 1
    world.current = msgspec.structs.replace(FACTS, online=6)
    world.now += 1
    assert request(app, "/info").json["stats"]["online_users"] == 6


def test_info_survives_a_clock_that_goes_back(app: ASGIApp, world: World) -> None:
    request(app, "/info")
    world.now -= 3600
    request(app, "/info")
    assert world.asked == 2


def test_healthz_tells_the_uptime(app: ASGIApp) -> None:
    answer = request(app, "/healthz")
    assert (answer.status, answer.json) == (200, {"status": "ok", "uptime_s": 90})


def test_readyz_follows_the_journal(app: ASGIApp, world: World) -> None:
    assert (request(app, "/readyz").status, request(app, "/healthz").status) == (200, 200)
    world.works = False
    answer = request(app, "/readyz")
    assert (answer.status, answer.json["status"]) == (503, "unavailable")
    assert request(app, "/healthz").status == 200


def test_unknown_path_is_404_json(app: ASGIApp) -> None:
    for path in ("/nothing", "/info/", "/landing.js", "/../config.json"):
        answer = request(app, path)
        assert (answer.status, answer.json) == (404, {"error": "Not found"}), path


def test_wrong_method_is_405_json(app: ASGIApp) -> None:
    answer = request(app, "/info", "POST")
    assert (answer.status, answer.json) == (405, {"error": "Method not allowed"})
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize("path", ["/", "/info", "/nothing", "/any/where"])
def test_options_anywhere_is_204(app: ASGIApp, path: str) -> None:
    answer = request(app, path, "OPTIONS")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize("path", ["/", "/index.html", "/info", "/healthz", "/readyz", "/sw.js", "/nothing"])
def test_head_is_get_without_a_body(app: ASGIApp, path: str) -> None:
    got, head = request(app, path), request(app, path, "HEAD")
    assert head == Answer(got.status, got.headers, b"")


def test_every_answer_carries_cors_and_nosniff(app: ASGIApp, world: World) -> None:
    answers = [request(app, "/"), request(app, "/info"), request(app, "/nothing"), request(app, "/info", "POST")]
    world.works = False
    answers += [request(app, "/readyz"), request(app, "/info", "OPTIONS"), request(app, "/manifest.webmanifest")]
    world.facts = lambda: 1 // 0  # type: ignore[assignment,return-value]
    world.now += 60
    answers.append(request(app, "/info"))
    assert answers[-1].status == 500
    assert answers[-1].json == {"error": "Internal error"}
    for answer in answers:
        assert [name for name in CORS_NAMES if name not in answer.headers] == []
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["access-control-allow-origin"] == "*"


def test_the_health_check_says_what_readyz_says(app: ASGIApp, world: World) -> None:
    answer = request(app, "/.well-known/healthcheck.json")
    assert (answer.status, answer.json) == (200, {"status": "ok"})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    world.works = False
    answer = request(app, "/.well-known/healthcheck.json")
    assert (answer.status, answer.json) == (503, {"status": "unavailable"})


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.8.8", "::1"])
def test_programs_on_this_machine_may_read_the_measurements(app: ASGIApp, client: str) -> None:
    answer = request(app, "/metrics", client=client)
    assert (answer.status, answer.body) == (200, b"measured 1\n")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("host", ["127.0.0.1:5613", "[::1]:5613", "localhost", "chat.localhost:1", "chat", "10.0.0.7"])
def test_programs_here_may_call_this_machine_by_any_name_of_its_own(app: ASGIApp, host: str) -> None:
    assert request(app, "/metrics", headers={"Host": host}).status == 200


@pytest.mark.parametrize(
    ("client", "headers"),
    [
        ("203.0.113.9", {}),
        ("2001:db8::1", {}),
        (None, {}),
        ("testclient", {}),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}),
        ("127.0.0.1", {"Forwarded": "for=203.0.113.9"}),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}),
        ("127.0.0.1", {"Origin": "https://elsewhere.example"}),
        ("127.0.0.1", {"Host": "rebound.example:5613"}),
        ("127.0.0.1", {"Host": "rebound.example."}),
        ("127.0.0.1", {"Host": "127.0.0.1.example"}),
        ("127.0.0.1", {"Host": "["}),
    ],
)
def test_others_find_no_measurements(app: ASGIApp, world: World, client: str | None, headers: dict[str, str]) -> None:
    hidden = request(app, "/metrics", client=client, headers=headers)
    nothing = request(app, "/nothing-here", client=client, headers=headers)
    assert (hidden.status, hidden.body, hidden.headers) == (404, nothing.body, nothing.headers)
    world.readers = "everybody"
    assert request(app, "/metrics", client=client, headers=headers).status == 200


def test_measurements_can_be_switched_off(app: ASGIApp, world: World) -> None:
    world.readers = "off"
    assert request(app, "/metrics").status == 404


async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the path as it sees it."""
    path = scope["path"].removeprefix(scope["root_path"])
    await Response(path, headers={"Access-Control-Allow-Origin": "https://a.example"})(scope, receive, send)


@pytest.mark.parametrize("path", ["/", "/x", "/line\nbreak", "/x/"])
def test_a_mounted_app_answers_for_all_below_its_path(world: World, path: str) -> None:
    app = build(world, {"/api": mounted}, clock=lambda: world.now)
    for method in ("GET", "OPTIONS"):
        answer = request(app, f"/api{path}", method)
        assert answer.body.decode() == path
        assert answer.headers["access-control-allow-origin"] == "https://a.example"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert request(app, "/api").status == 404
    assert request(app, "/apis").headers["access-control-allow-origin"] == "*"
