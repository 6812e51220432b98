"""GET /exports/<token>: the archive of one user, once."""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from routes.view import Download, WorldView

MAX_RUNNING = 4
"""Archives that are made at the same time."""
TIMEOUT_S = 3600.0
"""How long a client may take to fetch one."""


class Exports:
    """The route. A link that is unknown, used, too old, or of somebody who may no more: nothing is here."""

    def __init__(self, view: WorldView) -> None:
        self._view = view
        self._running: set[str] = set()
        """Ids of those who fetch one: a slow reader takes no place but its own."""

    async def __call__(self, request: Request) -> Response:
        token: str = request.path_params["token"]
        if request.method == "HEAD":
            found = self._view.export(token, use=False)
            if found is None:
                raise HTTPException(404)
            return Response(headers=_headers(found), media_type="application/zip")
        wanted = self._view.export(token, use=False)
        if wanted is not None and wanted.asker in self._running:
            raise HTTPException(429, "You are fetching an archive already", {"Retry-After": "60"})
        if len(self._running) >= MAX_RUNNING:
            raise HTTPException(503, "Too many archives are fetched now", {"Retry-After": "60"})
        found = self._view.export(token, use=True)
        if found is None:
            raise HTTPException(404)
        return _Sent(self._running, found)


class _Sent(StreamingResponse):
    def __init__(self, running: set[str], download: Download) -> None:
        super().__init__(download.chunks, headers=_headers(download), media_type="application/zip")
        self._running, self._asker = running, download.asker
        running.add(self._asker)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await super().__call__(scope, receive, send)
        finally:
            self._running.discard(self._asker)


def _headers(download: Download) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{download.file_name}"',
        "Cache-Control": "no-store",
    }
