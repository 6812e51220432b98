"""GET /emojis/{name} and GET /server-assets/{name}: pictures from two folders, and only those that are named somewhere.

A name that is asked for is looked up, never made part of a path, so it leads to no other file.
"""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from db.emojis import EXTENSIONS, extension_of
from routes.view import WorldView

FRESH = "public, max-age=3600"
FRESH_BY_ID = "public, max-age=60"
"""Another picture of an emoji has another file name, and the same id."""
SANDBOX = "default-src 'none'; sandbox"


class Pictures:
    def __init__(self, view: WorldView) -> None:
        self._view = view

    async def emoji(self, request: Request) -> Response:
        name = request.path_params["name"]
        file = self._view.emoji_file(name)
        fresh = FRESH if file is not None and file.name == name else FRESH_BY_ID
        return await _serve(file, fresh, request, "Emoji not found")

    async def asset(self, request: Request) -> Response:
        return await _serve(
            self._view.asset_file(request.path_params["name"]), FRESH, request, "Server asset not found"
        )


async def _serve(file: Path | None, fresh: str, request: Request, missing: str) -> Response:
    """Whole or in ranges, with ETag and Last-Modified. A link out of the folder is as if it was not there."""
    extension = None if file is None else extension_of(file.name)
    if file is None or extension is None:
        raise HTTPException(404, missing)
    try:
        folder = StaticFiles(directory=file.parent, check_dir=False)
        response = await folder.get_response(file.name, request.scope)
    except (HTTPException, OSError):
        raise HTTPException(404, missing) from None
    response.headers["Content-Type"] = EXTENSIONS[extension]
    response.headers["Cache-Control"] = fresh
    response.headers["Content-Security-Policy"] = SANDBOX
    return response
