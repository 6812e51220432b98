"""GET /metrics: what is measured, for Prometheus."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from routes.view import WorldView

OF_OTHERS = ("x-forwarded-for", "forwarded", "x-real-ip", "via", "origin")
"""Any of these headers: a proxy on this machine passes on the request of somebody else, or a web page makes it in the
browser of somebody who works here."""


class Measurements:
    """The route. Who may not read it finds nothing here."""

    def __init__(self, view: WorldView) -> None:
        self._view = view

    async def __call__(self, request: Request) -> Response:
        readers = self._view.metrics_for()
        if readers == "everybody" or (readers == "loopback" and _is_local(request)):
            return Response(self._view.metrics(), headers={"Cache-Control": "no-store"}, media_type=CONTENT_TYPE_LATEST)
        raise HTTPException(404)


def _is_local(request: Request) -> bool:
    if request.client is None or any(name in request.headers for name in OF_OTHERS):
        return False
    if not all(map(_is_private_name, request.headers.getlist("host"))):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _is_private_name(host: str) -> bool:
    """Whether a Host header is an address, or a name that nobody can register. A web page whose own name leads to this
    machine asks without `Origin`."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return "." not in name.removesuffix(".localhost") or bool(ipaddress.ip_address(name))
    except ValueError:
        return False
