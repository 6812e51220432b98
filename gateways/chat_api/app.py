"""The HTTP chat API as an ASGI app, to be mounted at `/api/v1`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import groupby

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateways.chat_api import openapi
from gateways.chat_api.endpoint import Api, endpoint_of
from gateways.chat_api.operations import ROWS
from gateways.chat_api.problems import Problem, on_failure, on_http_error, on_problem, on_refusal
from gateways.core import GatewayRefused

MOUNT = "/api/v1"
PREFLIGHT_S = 600
"""How long a browser remembers what it may."""


class Cors:
    """Web pages of the allowed origins may call; the setting counts at once."""

    def __init__(self, app: ASGIApp, origins: Callable[[], Sequence[str]]) -> None:
        self._app = app
        self._origins = origins
        self._of: tuple[str, ...] | None = None
        self._middleware: ASGIApp = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origins = tuple(self._origins())
        if origins != self._of:
            self._of = origins
            self._middleware = CORSMiddleware(
                self._app,
                allow_origins=origins,
                allow_methods=sorted({row.method for row in ROWS}),
                allow_headers=["Authorization", "Content-Type"],
                expose_headers=["Retry-After"],
                max_age=PREFLIGHT_S,
            )
        await self._middleware(scope, receive, send)


def build(api: Api) -> ASGIApp:
    routes = [
        Route(path, endpoint_of(api, rows), methods=[row.method for row in rows])
        for path, rows in ((path, list(rows)) for path, rows in groupby(ROWS, lambda row: row.path))
    ]

    @cache
    def described(version: str) -> bytes:
        return openapi.encoded(openapi.document(version))

    async def description(request: Request) -> Response:
        document = described(api.world.config.service.version)
        return Response(document, headers={"Cache-Control": "public, max-age=60"}, media_type="application/json")

    app = Starlette(
        routes=[*routes, Route("/openapi.json", description, methods=["GET"])],
        exception_handlers={
            Problem: on_problem,
            GatewayRefused: on_refusal,
            HTTPException: on_http_error,
            Exception: on_failure,
        },
    )
    app.router.redirect_slashes = False
    return Cors(app, lambda: api.world.config.chat_api.allowed_origins)
