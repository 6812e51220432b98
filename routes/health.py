"""GET /healthz (the process lives), GET /readyz (it can store what it is told), GET /.well-known/healthcheck.json (the
same for who looks there)."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from routes.answers import json
from routes.info import RecentFacts
from routes.view import WorldView

NO_STORE = {"Cache-Control": "no-store"}


class Health:
    """The routes. The answers hold no paths and no error texts: those are in the log."""

    def __init__(self, view: WorldView, recent: RecentFacts, clock: Callable[[], float]) -> None:
        self._view = view
        self._recent = recent
        self._clock = clock

    async def live(self, request: Request) -> Response:
        uptime_s = max(0, round(self._clock() - self._recent.get().started_at))
        return json({"status": "ok", "uptime_s": uptime_s}, headers=NO_STORE)

    async def ready(self, request: Request) -> Response:
        if self._view.journal_works():
            return json({"status": "ready"}, headers=NO_STORE)
        return json({"status": "unavailable", "error": "Changes cannot be stored now"}, 503, NO_STORE)

    async def check(self, request: Request) -> Response:
        if self._view.journal_works():
            return json({"status": "ok"}, headers=NO_STORE)
        return json({"status": "unavailable"}, 503, NO_STORE)
