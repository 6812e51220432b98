"""GET /, /sw.js, /manifest.webmanifest and /app-{version}/...: the web client.

The files lie below an address that names their version, so browsers keep them for good; the page, the service worker
and the manifest are asked for again each time, and name the version. All addresses in the client are relative: it works
below any path prefix of a proxy.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from html import escape
from pathlib import Path

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from routes.info import RecentFacts
from routes.web_files import MANIFEST, SHELL, WORKER, Fingerprint, WebFile, WebFiles, fingerprint, read, web_file

FOLDER = Path(__file__).resolve().parents[1] / "web"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
POLICY_WITH_ROTUR = POLICY.replace("connect-src 'self'", "connect-src 'self' https://api.rotur.dev")
"""Who logs in with a Rotur account asks there, from the browser, for what this server then checks."""
SAFETY = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
}
FOR_GOOD = "public, max-age=31536000, immutable"
LOOK_EVERY_S = 1.0
"""Whether the folder has changed is looked at this often at most."""
SHORT_NAME = 12
"""Characters that fit below an icon on a phone."""
WITHOUT_CLIENT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<h1>{name}</h1>
<p>{online} of {users} members are online. To take part, open an OriginChats client and give it the address of this
page.</p>
</html>
"""


class WebClient:
    """The files are read at the first request, and again when the page is asked for after they have changed."""

    def __init__(self, recent: RecentFacts, clock: Callable[[], float], folder: Path = FOLDER) -> None:
        self._recent = recent
        self._clock = clock
        self._folder = folder
        self._files: WebFiles | None = None
        self._read_as: Fingerprint | None = None
        self._looked_at = 0.0
        self._reading = asyncio.Lock()

    def routes(self) -> list[Route]:
        return [
            Route("/", self.page),
            Route(f"/{SHELL}", self.page),
            Route(f"/{WORKER}", self.worker),
            Route(f"/{MANIFEST}", self.manifest),
            Route("/app-{version}/{name:path}", self.file),
        ]

    async def page(self, request: Request) -> Response:
        files = await self._current()
        if files is None:
            facts = self._recent.get()
            html = WITHOUT_CLIENT.format(name=escape(facts.name), online=facts.online, users=facts.users)
            return _answer(request, web_file(SHELL, html.encode()), "no-cache")
        policy = POLICY_WITH_ROTUR if self._recent.get().rotur else POLICY
        return _answer(request, self._shell(files), "no-cache", policy)

    async def worker(self, request: Request) -> Response:
        """With the list of what it keeps for times without a network."""
        files = _there(await self._current())
        kept = [name for name in files.files if not name.endswith(".md") and name not in (WORKER, MANIFEST)]
        source = files.text(WORKER).replace("%VERSION%", files.version).replace("%FILES%", " ".join(kept))
        return _answer(request, web_file(WORKER, source.encode()), "no-cache")

    async def manifest(self, request: Request) -> Response:
        files = _there(await self._current())
        facts = self._recent.get()
        manifest = msgspec.json.decode(files.text(MANIFEST).replace("%VERSION%", files.version))
        manifest["name"] = facts.name
        manifest["short_name"] = facts.name if len(facts.name) <= SHORT_NAME else facts.name[: SHORT_NAME - 1] + "…"
        if facts.description:
            manifest["description"] = facts.description
        return _answer(request, web_file(MANIFEST, msgspec.json.encode(manifest)), "no-cache")

    async def file(self, request: Request) -> Response:
        """A page that was opened before an update still loads the parts it needs later: an earlier version's address
        answers with the file of today, not to be kept."""
        version, name = request.path_params["version"], request.path_params["name"]
        files = self._files
        if files is None or files.version != version:
            files = _there(await self._current())
        file = self._shell(files) if name == SHELL else files.files.get(name)
        if file is None:
            raise HTTPException(404)
        return _answer(request, file, FOR_GOOD if version == files.version else "no-store")

    def _shell(self, files: WebFiles) -> WebFile:
        facts = self._recent.get()
        html = files.text(SHELL).replace("%VERSION%", files.version)
        about = facts.description or f"{facts.name}: a community chat."
        html = html.replace("%NAME%", escape(facts.name)).replace("%ABOUT%", escape(about))
        return web_file(SHELL, html.encode())

    async def _current(self) -> WebFiles | None:
        async with self._reading:
            now = self._clock()
            if self._read_as is None or not 0 <= now - self._looked_at < LOOK_EVERY_S:
                with contextlib.suppress(OSError):  # a file is being replaced: the next request sees what it became
                    found = await asyncio.to_thread(fingerprint, self._folder)
                    if found != self._read_as:
                        self._files = await asyncio.to_thread(read, self._folder)
                        self._read_as = found
                    self._looked_at = now
            return self._files


def _there(files: WebFiles | None) -> WebFiles:
    if files is None:
        raise HTTPException(404)
    return files


def _answer(request: Request, file: WebFile, cache: str, policy: str = POLICY) -> Response:
    """The file as the browser wants it, or 304 when it has it."""
    zipped = file.gzipped if _takes_gzip(request.headers.get("Accept-Encoding", "")) else None
    etag = f'"{file.etag}"' if zipped is None else f'"{file.etag}-gzip"'
    headers = {"Cache-Control": cache, "ETag": etag, "Content-Security-Policy": policy, **SAFETY}
    if file.gzipped is not None:
        headers["Vary"] = "Accept-Encoding"
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")}
    if etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    if zipped is not None:
        headers["Content-Encoding"] = "gzip"
    return Response(file.body if zipped is None else zipped, headers=headers | {"Content-Type": file.media_type})


def _takes_gzip(accepted: str) -> bool:
    for offer in accepted.split(","):
        coding, _, quality = offer.replace(" ", "").partition(";q=")
        if coding.lower() in ("gzip", "*"):
            return quality == "" or quality.strip("0.") != ""
    return False
