"""The HTTP side of the port. WebSocket upgrades never arrive here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from routes.answers import failed, refused
from routes.attachments import AttachmentRoutes
from routes.exports import Exports
from routes.headers import CommonHeaders
from routes.health import Health
from routes.info import Info, RecentFacts
from routes.invites import InviteCards
from routes.metrics import Measurements
from routes.pictures import Pictures
from routes.view import WorldView
from routes.web import FOLDER as WEB_FOLDER
from routes.web import WebClient
from routes.webhooks import Webhooks


def build(
    view: WorldView,
    mounts: Mapping[str, ASGIApp] | None = None,
    attachments: AttachmentRoutes | None = None,
    clock: Callable[[], float] = time.time,
    network_of: Callable[[Request], str] = lambda request: "",
    web: Path = WEB_FOLDER,
) -> ASGIApp:
    """The app. mounts: path -> an app that answers for all below it, with its own rules of CORS. attachments: None
    where there are none. clock: gives unix seconds, as `Facts.started_at` does.
    network_of: whom requests are counted for. web: the folder of the web client."""
    recent = RecentFacts(view, clock)
    webhooks = Webhooks(view, clock)
    health, pictures = Health(view, recent, clock), Pictures(view)
    files = [] if attachments is None else attachments.routes()
    app = Starlette(
        routes=[
            *WebClient(recent, clock, web).routes(),
            Route("/info", Info(recent).__call__),
            Route("/invites/{code}", InviteCards(view, recent, network_of).__call__),
            Route("/healthz", health.live),
            Route("/readyz", health.ready),
            Route("/.well-known/healthcheck.json", health.check),
            Route("/exports/{token}", Exports(view).__call__),
            Route("/metrics", Measurements(view).__call__),
            Route("/emojis/{name:path}", pictures.emoji),
            Route("/server-assets/{name:path}", pictures.asset),
            Route("/webhooks", webhooks.__call__, methods=["POST"]),
            Route("/webhooks/{rest:path}", webhooks.__call__, methods=["POST"]),
            *files,
        ],
        exception_handlers={HTTPException: refused, Exception: failed},
    )
    app.router.redirect_slashes = False
    mounts = mounts or {}
    return CommonHeaders(Mounted(app, mounts), tuple(f"{path}/" for path in mounts))


class Mounted:
    """Hands every path below a mount point to its app. Starlette's own mounts leave out those with a line break."""

    def __init__(self, app: ASGIApp, mounts: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._mounts = mounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for path, mounted in self._mounts.items():
            if scope["type"] == "http" and scope["path"].startswith(f"{path}/"):
                await mounted({**scope, "root_path": scope["root_path"] + path}, receive, send)
                return
        await self._app(scope, receive, send)
