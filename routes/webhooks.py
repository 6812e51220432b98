"""POST /webhooks: a message of a program, in the form that is common for chat webhooks, or of a code host."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from protocol.decode import is_too_deep
from routes.answers import json
from routes.repository_push import host_of, is_genuine, push_embed
from routes.view import Undeliverable, WorldView

MAX_BODY = 1_048_576
BODY_TIMEOUT_S = 20.0
MAX_NAME, MAX_AVATAR = 80, 500
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
REMEMBERED_S = 300.0
MAX_REMEMBERED = 10_000
HTTP_URL = re.compile(r"https?://[^\s/]\S*", re.IGNORECASE)


class Deliveries:
    """Deliveries that came a short while ago: one that comes again is answered, and not posted again."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._seen: OrderedDict[tuple[str, str], float] = OrderedDict()

    def is_new(self, token: str, id: str) -> bool:
        """Remember a delivery; False when it is remembered already."""
        now = self._monotonic()
        while self._seen:
            oldest = next(iter(self._seen))
            if len(self._seen) < MAX_REMEMBERED and self._seen[oldest] > now - REMEMBERED_S:
                break
            del self._seen[oldest]
        if (token, id) in self._seen:
            return False
        self._seen[token, id] = now
        return True

    def forget(self, token: str, id: str) -> None:
        """It failed, and may come again."""
        self._seen.pop((token, id), None)


class Webhooks:
    """The route. The token stands in the query, as existing senders have it."""

    def __init__(
        self, view: WorldView, clock: Callable[[], float], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._view = view
        self._clock = clock
        self._deliveries = Deliveries(monotonic)

    async def __call__(self, request: Request) -> Response:
        try:
            await self._deliver(request)
        except Undeliverable as error:
            headers = {"Cache-Control": "no-store"}
            more: dict[str, Any] = {}
            if error.wait_s:
                headers["Retry-After"] = str(math.ceil(error.wait_s))
                more = {"message": "You are being rate limited.", "retry_after": round(error.wait_s, 3)}
            return json({"error": error.text, **more}, error.status, headers)
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    async def _deliver(self, request: Request) -> None:
        token = request.query_params.get("token", "")
        wait_s = self._view.webhook_wait_s(token) if token else None
        if wait_s is None:
            raise Undeliverable(401, "Token missing or wrong")
        if wait_s > 0:
            raise Undeliverable(429, "Too many messages through this webhook", wait_s)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in (JSON, FORM):
            raise Undeliverable(415, f"Content-Type must be {JSON}, or a form with `payload`")
        raw = await _body(request)
        host = host_of(request.headers)
        if host is None:
            await self._view.deliver(token, *_message(_decoded(raw, kind)))
            return
        if not is_genuine(host, request.headers, raw, token):
            raise Undeliverable(401, "The signature is wrong: the webhook's token must be the secret")
        embed = push_embed(host, request.headers[host.event], _decoded(raw, kind), self._clock())
        if embed is None:
            return
        id_ = request.headers.get(host.delivery, "")[:128]
        if id_ and not self._deliveries.is_new(token, id_):
            return
        author = {"id": host.id, "name": host.name} | ({"avatar": host.avatar} if host.avatar else {})
        try:
            await self._view.deliver(token, "", [embed], author)
        except BaseException:
            self._deliveries.forget(token, id_)
            raise


async def _body(request: Request) -> bytes:
    length = request.headers.get("content-length", "0")
    too_large = Undeliverable(413, f"The body is too large (max {MAX_BODY} bytes)")
    if not length.isdecimal() or int(length[:12]) > MAX_BODY:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    raise too_large
    except TimeoutError:
        raise Undeliverable(408, "The body did not arrive in time") from None
    return bytes(body)


def _decoded(raw: bytes, kind: str) -> dict[str, Any]:
    """The JSON object, which a form has in its field `payload`."""
    try:
        if kind == FORM:
            form = parse_qs(raw.decode(), max_num_fields=20, errors="strict")
            raw = (form.get("payload") or form.get("payload_json") or [""])[0].encode()
        if is_too_deep(raw):
            raise ValueError("too deep")
        body = msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        where = "The field `payload` of the form" if kind == FORM else "The body"
        raise Undeliverable(400, f"{where} is not valid JSON") from None
    if not isinstance(body, dict):
        raise Undeliverable(400, "The body must be a JSON object")
    return body


def _message(body: dict[str, Any]) -> tuple[str, list[dict[str, Any]], dict[str, Any]]:
    """Text, embeds, and what is shown of the author instead of the webhook's own."""
    embeds = body.get("embeds")
    embeds = [] if embeds is None else embeds
    if not isinstance(embeds, list) or not all(isinstance(embed, dict) for embed in embeds):
        raise Undeliverable(400, "embeds must be a list of objects")
    keys = ("content", "text") if embeds else ("content", "text", "message")
    content = next((text for key in keys if (text := _text(body, key))), "")
    if not content and not embeds:
        raise Undeliverable(400, "Nothing to post: content or embeds is required")
    author: dict[str, Any] = {}
    name, avatar = _text(body, "username").strip(), _text(body, "avatar_url").strip()
    if len(name) > MAX_NAME:
        raise Undeliverable(400, f"username has more than {MAX_NAME} characters")
    if avatar and (len(avatar) > MAX_AVATAR or HTTP_URL.fullmatch(avatar) is None):
        raise Undeliverable(400, f"avatar_url must be an http(s) URL of at most {MAX_AVATAR} characters")
    if name:
        author["name"] = name
    if avatar:
        author["avatar"] = avatar
    return content, embeds, author


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key)
    if value is not None and not isinstance(value, str):
        raise Undeliverable(400, f"{key} must be text")
    return value or ""
