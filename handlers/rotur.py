"""The Rotur identity service: is this validator good, and whose is it?

Facts: GET <validate_url>?key=<validator_key of the connection>&v=<validator>; HTTP 200 and JSON `valid` exactly true
mean yes; `id` is the stable user id, `username` the name. `requests` blocks, so it runs in a worker thread.
"""

from __future__ import annotations

import asyncio
import time
import unicodedata
from typing import Any

import msgspec
import requests

MAX_ANSWER_BYTES = 16_384
MAX_NAME_LENGTH = 64


class RoturUser(msgspec.Struct, frozen=True):
    id: str
    username: str


class RoturUnavailable(Exception):
    """The service could not be asked; the reason is in the message."""


async def validate(url: str, validator_key: str, validator: str, timeout_s: float) -> RoturUser | None:
    """The user the validator stands for; None when the service refuses it. Raises RoturUnavailable."""
    try:
        return await asyncio.wait_for(
            asyncio.to_thread(_ask, url, {"key": validator_key, "v": validator}, timeout_s), timeout_s + 1.0
        )
    except TimeoutError:
        raise RoturUnavailable("no answer in time") from None


async def subscription(url: str, username: str, timeout_s: float) -> str | None:
    """The name of the user's subscription; None for none. Raises RoturUnavailable."""
    query = {"include_posts": "0", "name": username}
    try:
        status, body = await asyncio.wait_for(asyncio.to_thread(_fetch, url, query, timeout_s), timeout_s + 1.0)
    except TimeoutError:
        raise RoturUnavailable("no answer in time") from None
    try:
        found: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RoturUnavailable("the answer is not JSON") from None
    name = found.get("subscription") if isinstance(found, dict) and status == 200 else None
    return name if isinstance(name, str) else None


def _fetch(url: str, query: dict[str, str], timeout_s: float) -> tuple[int, bytes]:
    """Status and body. Raises RoturUnavailable."""
    deadline = time.monotonic() + timeout_s
    body = bytearray()
    try:
        with requests.get(url, params=query, timeout=timeout_s, allow_redirects=False, stream=True) as answer:
            status = answer.status_code
            for byte in answer.iter_content(1):  # one by one, so that an answer that drips does not hold the thread
                body += byte
                if len(body) > MAX_ANSWER_BYTES:
                    raise RoturUnavailable("the answer is too long")
                if time.monotonic() > deadline:
                    raise RoturUnavailable("no answer in time")
    except requests.RequestException as error:
        raise RoturUnavailable(type(error).__name__) from None  # the text would contain the validator
    if status >= 500:
        raise RoturUnavailable(f"HTTP {status}")
    return status, bytes(body)


def _ask(url: str, query: dict[str, str], timeout_s: float) -> RoturUser | None:
    status, body = _fetch(url, query, timeout_s)
    if status != 200:
        return None
    try:
        found: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RoturUnavailable("the answer is not JSON") from None
    if not isinstance(found, dict) or found.get("valid") is not True:
        return None
    user_id, username = found.get("id"), found.get("username")
    if not isinstance(user_id, str) or not user_id.strip() or not isinstance(username, str) or not username.strip():
        return None
    username = unicodedata.normalize("NFC", username.strip())
    if len(username) > MAX_NAME_LENGTH or not username.isprintable():
        return None
    return RoturUser(id=user_id, username=username)
