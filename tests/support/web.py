"""HTTP requests to a house, without sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from tests.support.house import House


class Answer(msgspec.Struct):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Web:
    """A client of the HTTP chat API. `token` is sent with every request."""

    def __init__(self, house: House, token: str | None = None, address: str = "203.0.113.7") -> None:
        self.house = house
        self.token = token
        self.address = address
        self.nick = ""
        self.id = ""

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | Sequence[bytes | None] | None = None,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        """path: below the mount point. raw: the bytes of the body, or its parts, None for one that does not come.
        body: as JSON."""
        given = {name.lower(): value for name, value in (headers or {}).items()}
        if self.token is not None:
            given.setdefault("authorization", f"Bearer {self.token}")
        if body is not None:
            raw = json.dumps(body).encode()
        if raw is not None:
            given.setdefault("content-type", "application/json")
        parts = [raw or b""] if raw is None or isinstance(raw, bytes) else raw
        incoming = [
            {"type": "http.request", "body": part, "more_body": index < len(parts) - 1}
            for index, part in enumerate(parts)
            if part is not None
        ]
        sent: list[Any] = []

        async def receive() -> Any:
            if incoming:
                return incoming.pop(0)
            return await asyncio.Future()  # the peer stays

        async def send(message: Any) -> None:
            sent.append(message)

        whole = f"/api/v1{path}"
        scope = {
            "type": "http", "method": method, "path": whole, "raw_path": quote(whole).encode(), "root_path": "",
            "query_string": urlencode(query).encode(), "scheme": "http", "server": ("127.0.0.1", 5613),
            "client": (self.address, 1), "http_version": "1.1",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
        }  # fmt: skip
        app: Any = self.house.community.http.config.app
        try:
            await app(scope, receive, send)
        except Exception:  # it is raised again after the answer, for the log
            assert sent, "an exception must be answered before"
        head = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], head, b"".join(message.get("body", b"") for message in sent[1:]))

    async def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """`ask`, where anything but success fails; the decoded answer."""
        answer = await self.ask(method, path, body, **more)
        assert answer.status in (200, 201, 204), (answer.status, answer.body)
        return answer.json if answer.body else None

    async def refused(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, str]:
        """`ask`, where a problem must come back; its status and code."""
        answer = await self.ask(method, path, body, **more)
        assert answer.headers["content-type"] == "application/problem+json", answer
        problem = answer.json
        assert problem["status"] == answer.status
        return answer.status, problem["code"]

    async def register(self, nick: str, password: str | None = None) -> Web:
        body = {"nick": nick} if password is None else {"nick": nick, "password": password}
        made = await self.ok("POST", "/register", body)
        self.token, self.nick, self.id = made["token"], made["nick"], made["id"]
        return self
