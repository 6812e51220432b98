"""POST /webhooks, called as an ASGI app without a network: forms of deliveries, signatures, refusals."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import pytest

from routes.app import build
from routes.view import InviteCard, Undeliverable
from routes.webhooks import MAX_BODY, Deliveries
from tests.routes.test_app import Answer
from tests.routes.test_app import World as QuietWorld

TOKEN = "0b0c1d2e-3f40-4152-8637-48596a7b8c9d" + "0f" * 16
ZERO = "0" * 40
PUSH: dict[str, Any] = {
    "ref": "refs/heads/main",
    "repository": {"full_name": "ann/tea", "html_url": "https://github.com/ann/tea"},
    "sender": {"login": "ann", "avatar_url": "https://avatars.example/ann.png"},
    "compare": "https://github.com/ann/tea/compare/a...b",
    "commits": [
        {"id": "0123456789abcdef", "message": "Boil water\n\nA lot of it.", "url": "https://github.com/ann/tea/commit/01"},
        {"id": "fedcba9876543210", "message": "Pour", "url": "javascript:alert(1)"},
    ],
}  # fmt: skip


class World(QuietWorld):
    """Remembers what was posted through the one webhook."""

    def __init__(self) -> None:
        super().__init__()
        self.posted: list[tuple[str, list[dict[str, Any]], dict[str, Any] | None]] = []
        self.wait_s = 0.0
        self.fails: Exception | None = None

    def invite_card(self, code: str, network: str) -> InviteCard | None:
        return None

    def webhook_wait_s(self, token: str) -> float | None:
        return self.wait_s if token == TOKEN else None

    async def deliver(
        self, token: str, content: str, embeds: list[dict[str, Any]], author: dict[str, Any] | None = None
    ) -> None:
        assert token == TOKEN
        await asyncio.sleep(0)
        if self.fails is not None:
            raise self.fails
        self.posted.append((content, embeds, author))


@pytest.fixture
def world() -> World:
    return World()


class Sender:
    def __init__(self, world: World) -> None:
        self.app = build(world, clock=lambda: world.now)

    def post(
        self,
        body: Any = None,
        *,
        raw: bytes | Sequence[bytes] | None = None,
        token: str | None = TOKEN,
        path: str = "/webhooks",
        kind: str = "application/json; charset=utf-8",
        method: str = "POST",
        **headers: str,
    ) -> Answer:
        """headers: names with `_` for `-`."""
        raw = json.dumps(body).encode() if raw is None else raw
        parts = [raw] if isinstance(raw, bytes) else list(raw)
        incoming = [
            {"type": "http.request", "body": part, "more_body": number < len(parts) - 1}
            for number, part in enumerate(parts)
        ]
        sent: list[Any] = []
        given = {"content-type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}}
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "root_path": "",
            "query_string": b"" if token is None else b"token=" + quote(token).encode(), "scheme": "http",
            "server": ("127.0.0.1", 5613), "client": ("203.0.113.7", 1), "http_version": "1.1",
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        }  # fmt: skip

        async def receive() -> Any:
            return incoming.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.app(scope, receive, send))  # type: ignore[arg-type]
        head = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], head, b"".join(message.get("body", b"") for message in sent[1:]))

    def push(self, body: Any = PUSH, event: str = "push", **headers: Any) -> Answer:
        return self.post(body, x_github_event=event, **headers)


@pytest.fixture
def sender(world: World) -> Sender:
    return Sender(world)


def signed(raw: bytes, token: str = TOKEN) -> str:
    return hmac.new(token.encode(), raw, hashlib.sha256).hexdigest()


# --- messages


def test_the_common_form_is_posted_and_answered_with_204_and_nothing(sender: Sender, world: World) -> None:
    answer = sender.post(
        {"content": "hi", "username": " Bot ", "avatar_url": "https://a.example/b.png", "embeds": [{"title": "x"}]}
    )
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert world.posted == [("hi", [{"title": "x"}], {"name": "Bot", "avatar": "https://a.example/b.png"})]


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ({"content": "a", "text": "b"}, "a"),
        ({"text": "b", "message": "c"}, "b"),
        ({"message": "c"}, "c"),
        ({"content": None, "text": "", "message": "c"}, "c"),
        ({"message": "c", "embeds": [{"title": "x"}]}, ""),
        ({"content": "a", "embeds": None, "username": None, "avatar_url": "", "tts": True, "wait": 1}, "a"),
    ],
)
def test_where_the_text_is_looked_for(sender: Sender, world: World, body: dict[str, Any], content: str) -> None:
    assert sender.post(body).status == 204
    assert world.posted[0][0] == content
    assert world.posted[0][2] == {}


@pytest.mark.parametrize("path", ["/webhooks", "/webhooks/", "/webhooks/anything", "/webhooks/1/2/github"])
def test_any_path_below_is_the_same_route(sender: Sender, world: World, path: str) -> None:
    assert sender.post({"content": "x"}, path=path).status == 204
    assert len(world.posted) == 1


def test_a_form_with_the_object_in_payload(sender: Sender, world: World) -> None:
    form = b"payload=" + quote(json.dumps({"text": "tea & cake"})).encode()
    assert sender.post(raw=form, kind="application/x-www-form-urlencoded").status == 204
    assert world.posted[0][0] == "tea & cake"


@pytest.mark.parametrize(
    "body",
    [
        {}, {"content": ""}, {"content": 5}, {"content": ["x"]}, {"content": {"a": 1}}, {"text": True}, {"embeds": []},
        {"embeds": {}}, {"embeds": ["x"]}, {"content": "x", "embeds": "y"}, {"content": "x", "username": 5},
        {"content": "x", "username": "n" * 81}, {"content": "x", "avatar_url": "javascript:x"},
        {"content": "x", "avatar_url": "https://a.example/" + "x" * 500}, [], [{"content": "x"}], "text", 5, None,
    ],
)  # fmt: skip
def test_what_is_no_message_is_400(sender: Sender, world: World, body: Any) -> None:
    answer = sender.post(body)
    assert (answer.status, list(answer.json)) == (400, ["error"])
    assert world.posted == []


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"\xff", b'{"content": "\\ud800"}', b"NaN", b"[" * 500_000, b'{"a":' * 100 + b"1" + b"}" * 100]
)
def test_what_is_no_json_is_400(sender: Sender, world: World, raw: bytes) -> None:
    assert sender.post(raw=raw).status == 400
    assert sender.post(raw=b"payload=" + raw, kind="application/x-www-form-urlencoded").status == 400
    assert world.posted == []


def test_a_missing_or_wrong_token_is_401_whatever_the_body_is(sender: Sender, world: World) -> None:
    for token in (None, "", "x", TOKEN[:-1], TOKEN.upper(), "é", "\0"):
        answer = sender.post(raw=b"{", token=token)
        assert (answer.status, answer.json) == (401, {"error": "Token missing or wrong"})
    assert sender.post({"content": "x"}, token=None, path=f"/webhooks/{TOKEN}").status == 401
    assert world.posted == []


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/form-data; boundary=x", "application/jsonp"])
def test_another_content_type_is_415(sender: Sender, kind: str) -> None:
    answer = sender.post({"content": "x"}, kind=kind)
    assert (answer.status, answer.json["error"]) == (
        415,
        "Content-Type must be application/json, or a form with `payload`",
    )


def test_a_form_without_payload_is_told_which_field_is_missing(sender: Sender) -> None:
    answer = sender.post(raw=b"content=x", kind="application/x-www-form-urlencoded")
    assert (answer.status, answer.json["error"]) == (400, "The field `payload` of the form is not valid JSON")


def test_a_large_body_is_413_announced_or_not(sender: Sender, world: World) -> None:
    assert sender.post({"content": "x"}, content_length=str(MAX_BODY + 1)).status == 413
    assert sender.post({"content": "x"}, content_length="9" * 5000).status == 413
    assert sender.post(raw=[b" " * 600_000, b" " * 600_000]).status == 413
    assert world.posted == []


def test_too_many_are_429_in_the_form_that_senders_know(sender: Sender, world: World) -> None:
    world.wait_s = 2.25
    answer = sender.post({"content": "x"})
    assert (answer.status, answer.headers["retry-after"]) == (429, "3")
    assert answer.json["retry_after"] == 2.25
    assert "error" in answer.json
    assert world.posted == []


def test_a_refusal_of_the_community_is_passed_on(sender: Sender, world: World) -> None:
    world.fails = Undeliverable(404, "Channel not found")
    answer = sender.post({"content": "x"})
    assert (answer.status, answer.json) == (404, {"error": "Channel not found"})


def test_other_methods(sender: Sender) -> None:
    assert sender.post(method="GET").status == 405
    assert sender.post(method="OPTIONS").status == 204


# --- repositories


def test_a_push_becomes_one_embed(sender: Sender, world: World) -> None:
    assert sender.push().status == 204
    ((content, (embed,), author),) = world.posted
    assert content == ""
    assert author is not None
    assert (author["id"], author["name"]) == ("github", "GitHub")
    assert author["avatar"].startswith("https://")
    assert embed == {
        "title": "main: 2 commits",
        "url": "https://github.com/ann/tea/compare/a...b",
        "color": 2369838,
        "author": {
            "name": "ann - ann/tea", "url": "https://github.com/ann/tea", "icon_url": "https://avatars.example/ann.png",
        },
        "timestamp": "1970-01-01T00:18:10+00:00",
        "description": "[`0123456`](https://github.com/ann/tea/commit/01) Boil water\n`fedcba9` Pour",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        ({"deleted": True, "created": True, "forced": True}, "main deleted"),
        ({"created": True, "forced": True}, "main created"),
        ({"forced": True}, "main force-pushed"),
        ({"after": ZERO}, "main deleted"),
        ({"before": ZERO}, "main created"),
        ({"commits": []}, "main: 0 commits"),
        ({"commits": PUSH["commits"][:1]}, "main: 1 commit"),
        ({"ref": "refs/tags/v1", "commits": None}, "v1: 0 commits"),
    ],
)
def test_the_title_of_a_push(sender: Sender, world: World, fields: dict[str, Any], title: str) -> None:
    assert sender.push({**PUSH, **fields}).status == 204
    assert world.posted[0][1][0]["title"] == title


def test_a_huge_push_keeps_the_limits_of_embeds(sender: Sender, world: World) -> None:
    commit = {"id": "a" * 40, "message": "m" * 2000, "url": "https://github.com/" + "x" * 500}
    body = {**PUSH, "ref": "refs/heads/" + "b" * 500, "commits": [commit] * 300,
            "repository": {"full_name": "r" * 500}, "sender": {"login": "s" * 500}}  # fmt: skip
    assert sender.push(body).status == 204
    embed = world.posted[0][1][0]
    assert len(embed["title"]) <= 256
    assert len(embed["author"]["name"]) <= 256
    assert len(embed["description"]) <= 4096
    assert embed["description"].splitlines()[-1].startswith("… and ")
    assert sum(map(len, (embed["title"], embed["author"]["name"], embed["description"]))) <= 6000


@pytest.mark.parametrize("event", ["ping", "issues", "star", "Push Hook "])
def test_other_events_are_204_and_post_nothing(sender: Sender, world: World, event: str) -> None:
    assert sender.push({"zen": "x"} if event == "ping" else PUSH, event).status == 204
    assert world.posted == []


@pytest.mark.parametrize("body", [{}, {**PUSH, "ref": 5}, {**PUSH, "repository": "x"}, {**PUSH, "repository": {}}])
def test_a_push_without_what_is_needed_posts_nothing(sender: Sender, world: World, body: Any) -> None:
    assert sender.push(body).status == 204
    assert world.posted == []


def test_strange_types_in_a_push_are_left_out(sender: Sender, world: World) -> None:
    body = {**PUSH, "sender": 5, "compare": ["x"], "commits": [5, {"id": 7, "message": None, "url": {}}]}
    assert sender.push(body).status == 204
    assert world.posted[0][1][0]["title"] == "main: 1 commit"


def test_a_push_as_a_form(sender: Sender, world: World) -> None:
    raw = b"payload=" + quote(json.dumps(PUSH)).encode()
    kind = "application/x-www-form-urlencoded"
    headers = {"x_github_event": "push", "x_hub_signature_256": f"sha256={signed(raw)}"}
    assert sender.post(raw=raw, kind=kind, **headers).status == 204
    assert len(world.posted) == 1


def test_a_signature_must_be_right_where_there_is_one(sender: Sender, world: World) -> None:
    raw = json.dumps(PUSH).encode()
    good = f"sha256={signed(raw)}"
    for bad in ("sha256=", "x", "é", f"sha256={signed(raw + b' ')}", f"sha256={signed(raw, 'other')}", good[:-1]):
        answer = sender.post(raw=raw, x_github_event="push", x_hub_signature_256=bad)
        assert answer.status == 401, bad
    assert sender.post(raw=b"{}", x_github_event="ping", x_hub_signature_256="sha256=0").status == 401
    assert world.posted == []
    assert sender.post(raw=raw, x_github_event="push", x_hub_signature_256=good).status == 204
    assert len(world.posted) == 1


@pytest.mark.parametrize("name", ["gitea", "forgejo"])
def test_a_push_of_gitea_and_forgejo(sender: Sender, world: World, name: str) -> None:
    body = {**PUSH, "compare_url": PUSH["compare"], "before": "a" * 40, "after": "b" * 40}
    del body["compare"]
    raw = json.dumps(body).encode()
    names = {"gitea": ["gitea"], "forgejo": ["forgejo", "gitea"]}[name]
    events = {f"x_{each}_event": "push" for each in [*names, "github"]}
    proof = {f"x_{name}_signature": signed(raw), "x_hub_signature_256": f"sha256={signed(raw)}"}
    assert sender.post(raw=raw, **events, **proof, **{f"x_{name}_delivery": "1"}).status == 204
    assert world.posted[0][2] == {"id": name, "name": name.capitalize()}
    assert world.posted[0][1][0]["url"] == PUSH["compare"]
    for header in proof:
        assert sender.post(raw=raw, **events, **{**proof, header: "0"}).status == 401


def test_a_push_of_gitlab(sender: Sender, world: World) -> None:
    body = {
        "object_kind": "push", "ref": "refs/heads/main", "before": "a" * 40, "after": "b" * 40, "user_username": "ann",
        "user_avatar": "https://a.example/ann.png", "commits": PUSH["commits"],
        "project": {"path_with_namespace": "ann/tea", "web_url": "https://gitlab.com/ann/tea"},
    }  # fmt: skip
    assert sender.post(body, x_gitlab_event="Push Hook", x_gitlab_token="wrong").status == 401
    assert sender.post(body, x_gitlab_event="Push Hook", x_gitlab_token=TOKEN).status == 204
    assert sender.post(body, x_gitlab_event="Issue Hook").status == 204
    ((_, (embed,), author),) = world.posted
    assert author == {"id": "gitlab", "name": "GitLab"}
    assert (embed["title"], embed["author"]["name"]) == ("main: 2 commits", "ann - ann/tea")
    assert embed["url"] == "https://gitlab.com/ann/tea"


def test_a_delivery_that_comes_twice_is_posted_once(sender: Sender, world: World) -> None:
    assert sender.push(x_github_delivery="d1").status == 204
    assert sender.push(x_github_delivery="d1").status == 204
    assert len(world.posted) == 1
    assert sender.push(x_github_delivery="d2").status == 204
    assert len(world.posted) == 2


def test_a_delivery_that_failed_may_come_again(sender: Sender, world: World) -> None:
    world.fails = Undeliverable(503, "not now")
    assert sender.push(x_github_delivery="d1").status == 503
    world.fails = None
    assert sender.push(x_github_delivery="d1").status == 204
    assert len(world.posted) == 1


def test_deliveries_are_remembered_for_five_minutes_and_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    deliveries = Deliveries(lambda: now)
    assert (deliveries.is_new("t", "1"), deliveries.is_new("t", "1"), deliveries.is_new("u", "1")) == (
        True,
        False,
        True,
    )
    now = 299.0
    assert not deliveries.is_new("t", "1")
    now = 300.0
    assert deliveries.is_new("t", "1")
    monkeypatch.setattr("routes.webhooks.MAX_REMEMBERED", 3)
    for number in range(10):
        deliveries.is_new("t", f"n{number}")
    assert len(deliveries._seen) == 3
