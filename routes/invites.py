"""GET /invites/<code>: who invites whom where to, for the page that greets newcomers."""

from __future__ import annotations

import math
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from routes.answers import json
from routes.info import RecentFacts
from routes.view import TooMany, WorldView


class InviteCards:
    """The route. A code is looked at by whoever has it; guessing is slow."""

    def __init__(self, view: WorldView, recent: RecentFacts, network_of: Callable[[Request], str]) -> None:
        """network_of: whom a request counts for."""
        self._view = view
        self._recent = recent
        self._network_of = network_of

    async def __call__(self, request: Request) -> Response:
        try:
            found = self._view.invite_card(request.path_params["code"], self._network_of(request))
        except TooMany as error:
            raise HTTPException(429, "Too many requests", {"Retry-After": str(math.ceil(error.wait_s))}) from None
        if found is None:
            raise HTTPException(404)
        facts = self._recent.get()
        card = {
            "valid": found.valid,
            "server": {"name": facts.name, "icon": facts.icon, "description": facts.description},
            "inviter": found.inviter,
            "expires_at": found.expires_at,
        }
        return json(card, headers={"Cache-Control": "no-store"})
