"""The HTTP side of the port. WebSocket upgrades never arrive here."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp

from routes.answers import failed, refused
from routes.headers import CommonHeaders
from routes.health import Health
from routes.info import Info, RecentFacts
from routes.metrics import Measurements
from routes.page import ASSETS, Landing
from routes.view import WorldView


def build(view: WorldView, clock: Callable[[], float] = time.time) -> ASGIApp:
    """The app. `clock` gives unix seconds, as `Facts.started_at` does. Reads the landing page's files."""
    recent = RecentFacts(view, clock)
    landing, health = Landing(recent), Health(view, recent, clock)
    app = Starlette(
        routes=[
            Route("/", landing.page),
            Route("/index.html", landing.page),
            *(Route(f"/{name}", landing.asset) for name in ASSETS),
            Route("/info", Info(recent).__call__),
            Route("/healthz", health.live),
            Route("/readyz", health.ready),
            Route("/.well-known/healthcheck.json", health.check),
            Route("/metrics", Measurements(view).__call__),
        ],
        exception_handlers={HTTPException: refused, Exception: failed},
    )
    app.router.redirect_slashes = False
    return CommonHeaders(app)
