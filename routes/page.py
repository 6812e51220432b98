"""GET / and /index.html: a page for people who opened the address in a browser."""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template

from starlette.requests import Request
from starlette.responses import Response

from routes.info import RecentFacts

FOLDER = Path(__file__).parent / "landing"
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ASSETS = {"landing.css": "text/css", "landing.js": "text/javascript", "landing.svg": "image/svg+xml"}


class Landing:
    """The page with the server's name and numbers filled in; the script only keeps the numbers fresh."""

    def __init__(self, recent: RecentFacts) -> None:
        self._recent = recent
        self._page = Template((FOLDER / "index.html").read_text("utf-8"))
        self._assets = {name: (FOLDER / name).read_bytes() for name in ASSETS}

    async def page(self, request: Request) -> Response:
        facts = self._recent.get()
        html = self._page.substitute(
            name=escape(facts.name or "A community"), owner=escape(facts.owner_name or "its owner"),
            online=facts.online, users=facts.users, channels=facts.channels,
        )  # fmt: skip
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
        return Response(html, headers=headers, media_type="text/html")

    async def asset(self, request: Request) -> Response:
        name = request.url.path.removeprefix("/")
        return Response(
            self._assets[name], media_type=ASSETS[name],
            headers={"Content-Security-Policy": POLICY, "Cache-Control": "public, max-age=3600"},
        )  # fmt: skip
