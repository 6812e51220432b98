"""JSON answers."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response


def json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A struct or plain value as JSON."""
    return Response(msgspec.json.encode(content), status, headers, media_type="application/json")


async def refused(request: Request, error: Exception) -> Response:
    """404, 405 and other refusals: `{"error": text}`."""
    assert isinstance(error, HTTPException)
    return json({"error": error.detail.capitalize()}, error.status_code, dict(error.headers or {}))


async def failed(request: Request, error: Exception) -> Response:
    """An unexpected exception: the log has the traceback, the client learns nothing of it."""
    return json({"error": "Internal error"}, 500)
