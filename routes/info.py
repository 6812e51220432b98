"""GET /info: the public card of the server."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from routes.answers import json
from routes.view import Facts, WorldView

FRESH_S = 1.0
"""Facts are counted anew at most this often, however many ask."""


class RecentFacts:
    """The facts, at most `FRESH_S` old."""

    def __init__(self, view: WorldView, clock: Callable[[], float]) -> None:
        self._view = view
        self._clock = clock
        self._facts: Facts | None = None
        self._at = 0.0

    def get(self) -> Facts:
        now = self._clock()
        if self._facts is None or not 0 <= now - self._at < FRESH_S:
            self._facts, self._at = self._view.facts(), now
        return self._facts


class Info:
    """The route. Field names are those of the existing clients' server list."""

    def __init__(self, recent: RecentFacts) -> None:
        self._recent = recent

    async def __call__(self, request: Request) -> Response:
        facts = self._recent.get()
        card = {
            "server": {
                "name": facts.name,
                "description": facts.description,
                "icon": facts.icon,
                "banner": facts.banner,
                "owner": {"name": facts.owner_name},
            },
            "service": {"name": facts.service_name, "version": facts.service_version},
            "registration": facts.registration,
            "claimable": facts.claimable,
            "stats": {
                "total_users": facts.users,
                "connected_users": facts.connected,
                "online_users": facts.online,
                "total_channels": facts.channels,
                "total_roles": facts.roles,
            },
        }
        return json(card, headers={"Cache-Control": "public, max-age=5"})
