"""POST /attachments/upload and GET /attachments/{id}: files that messages show."""

from __future__ import annotations

import asyncio
import errno
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

from python_multipart.multipart import parse_options_header
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from db.attachments import StoredAttachment
from db.file_store import FileStore, Incoming
from protocol.attachments import UploadForm, UploadReply
from protocol.errors import Code, Refused
from routes.answers import json
from routes.upload_body import SMALL_BYTES, Body, JsonBody, MultipartBody

PIECE_BYTES = 65_536
"""What is handed to a thread at once."""
PATIENCE_S = 30.0
"""How long a piece of an upload may take to arrive."""
WHOLE_S = 3600.0
"""How long a whole upload may take: 100 MB over a line of 30 kB/s. A piece every now and then keeps no place longer."""
MAX_AGE_S = 3600
POLICY = "sandbox; default-src 'none'"
STATUS = {
    Code.MALFORMED: 400, Code.BAD_VALUE: 400,
    Code.AUTH_REQUIRED: 401, Code.INVALID_AUTHENTICATION: 401,
    Code.CHANNEL_NOT_FOUND: 404, Code.ATTACHMENT_NOT_FOUND: 404,
    Code.FILE_TOO_LARGE: 413,
    Code.FILE_REFUSED: 415,
    Code.TOO_MANY_TRIES: 429, Code.TOO_MANY_UPLOADS: 429,
    Code.ROTUR_UNAVAILABLE: 502,
    Code.ATTACHMENTS_DISABLED: 503, Code.UNAVAILABLE: 503,
    Code.DISK_FULL: 507,
}  # fmt: skip
"""Every other refusal is a 403."""
_ONE_RANGE = re.compile(r"bytes=(\d{1,18})?-(\d{1,18})?", re.ASCII)

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger("originchats.uploads")


class Uploads(Protocol):
    """What the routes ask the community. All raise Refused."""

    files: FileStore

    @property
    def max_bytes(self) -> int: ...

    async def in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T: ...

    def require_enabled(self) -> None: ...

    def under_way(self, kind: str, name: str) -> AbstractContextManager[None]: ...

    async def user_of(self, token: str) -> str | None: ...

    async def authenticate(self, form: UploadForm, network: str) -> str: ...

    def admit(self, user_id: str, form: UploadForm) -> None: ...

    async def store(self, user_id: str, form: UploadForm, incoming: Incoming) -> UploadReply: ...

    async def find(self, id: str) -> tuple[StoredAttachment, Path]: ...

    def is_inline(self, mime_type: str) -> bool: ...

    def seconds_left(self, attachment: StoredAttachment) -> float: ...


class AttachmentRoutes:
    def __init__(
        self,
        uploads: Uploads,
        network_of: Callable[[Request], str],
        patience_s: float = PATIENCE_S,
        whole_s: float = WHOLE_S,
    ) -> None:
        """network_of: whom requests are counted for. patience_s: how long a piece of an upload may take;
        whole_s: all of it."""
        self._uploads = uploads
        self._network_of = network_of
        self.patience_s = patience_s
        self.whole_s = whole_s

    def routes(self) -> list[Route]:
        return [
            Route("/attachments/upload", self.upload, methods=["POST"]),
            Route("/attachments/{id}", self.fetch),
        ]

    # --- uploading ---------------------------------------------------------------------------------------------

    async def upload(self, request: Request) -> Response:
        try:
            reply = await self._upload(request)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except TimeoutError:
            return json({"error": "The upload did not arrive in time"}, 408, {"Connection": "close"})
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            log.error("an upload does not fit on the disk: %s", error.strerror)
            return refusal(Refused(Code.DISK_FULL))
        except Refused as refused:
            return refusal(refused)
        return json(reply, 201, {"Cache-Control": "no-store"})

    async def _upload(self, request: Request) -> UploadReply:
        uploads, network = self._uploads, self._network_of(request)
        uploads.require_enabled()
        with ExitStack() as stack:
            stack.enter_context(uploads.under_way("network", network))
            make_body = body_type(request)
            check_length(request, uploads.max_bytes)
            user_id = await self._bearer(request)
            if user_id is not None:
                stack.enter_context(uploads.under_way("user", user_id))
            incoming = await uploads.in_thread(uploads.files.incoming)
            try:
                body = make_body(incoming, uploads.max_bytes)
                async for piece in self._pieces(request):
                    await uploads.in_thread(body.feed, piece)
                form = body.finish()
                if user_id is None:
                    user_id = await uploads.authenticate(form, network)
                    stack.enter_context(uploads.under_way("user", user_id))
                uploads.admit(user_id, form)
                return await uploads.store(user_id, form, incoming)
            finally:
                await asyncio.shield(uploads.in_thread(incoming.discard))

    async def _bearer(self, request: Request) -> str | None:
        """The user that a token in the head of the request stands for; None when there is none."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        user_id = await self._uploads.user_of(token.strip())
        if user_id is None:
            raise Refused(Code.INVALID_AUTHENTICATION)
        return user_id

    async def _pieces(self, request: Request) -> AsyncIterator[bytes]:
        """The body in pieces of about `PIECE_BYTES`. Raises TimeoutError when one of them, or all together,
        takes too long."""
        loop = asyncio.get_running_loop()
        stream = request.stream()
        end = loop.time() + self.whole_s
        more = True
        while more:
            waiting = bytearray()
            deadline = min(end, loop.time() + self.patience_s)
            while more and len(waiting) < PIECE_BYTES:
                async with asyncio.timeout_at(deadline):
                    part = await anext(stream, None)
                more = part is not None
                waiting += part or b""
            if waiting:
                yield bytes(waiting)

    # --- fetching ----------------------------------------------------------------------------------------------

    async def fetch(self, request: Request) -> Response:
        try:
            attachment, path = await self._uploads.find(request.path_params["id"])
        except Refused as refused:
            return refusal(refused)
        etag = f'"{attachment.hash[:32]}"'
        seconds = max(0, int(min(MAX_AGE_S, self._uploads.seconds_left(attachment))))
        headers = {
            "Cache-Control": f"public, max-age={seconds}",
            "Content-Security-Policy": POLICY,
            "ETag": etag,
        }
        if is_known(request.headers.get("If-None-Match", ""), etag):
            return Response(status_code=304, headers=headers)
        if "range" in request.headers and not is_one_range(request.headers["range"]):
            del MutableHeaders(scope=request.scope)["range"]  # whoever asks for something odd gets all of it
        inline = self._uploads.is_inline(attachment.mime_type)
        answer = FileResponse(
            path,
            headers=headers,
            media_type=attachment.mime_type,
            filename=attachment.name,
            content_disposition_type="inline" if inline else "attachment",
        )
        if attachment.mime_type.startswith("text/"):
            answer.headers["Content-Type"] = f"{attachment.mime_type}; charset=utf-8"
        return answer


def refusal(refused: Refused) -> Response:
    headers = {"Cache-Control": "no-store"}
    wait_s = refused.fields.get("wait_s")
    if wait_s is not None:
        headers["Retry-After"] = str(wait_s)
    content = {"error": refused.text, "code": refused.code.wire}
    return json(content, STATUS.get(refused.code, 403), headers)


def body_type(request: Request) -> Callable[[Incoming, int], Body]:
    """Makes the reader of the body. Raises Refused for what is neither JSON nor a form."""
    media_type, options = parse_options_header(request.headers.get("Content-Type"))
    if media_type == b"application/json":
        return JsonBody
    boundary = options.get(b"boundary")
    if media_type == b"multipart/form-data" and boundary:
        return lambda incoming, max_bytes: MultipartBody(incoming, max_bytes, boundary)
    raise Refused(Code.FILE_REFUSED, reason="send application/json or multipart/form-data")


def check_length(request: Request, max_bytes: int) -> None:
    """Refuse at once what cannot fit, however it is encoded. Raises Refused."""
    length = request.headers.get("Content-Length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > 8 * max_bytes + 2 * SMALL_BYTES:
        raise Refused(Code.FILE_TOO_LARGE, max=max_bytes)


def is_known(if_none_match: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match[:4096].split(",")]
    return etag in tags or tags == ["*"]


def is_one_range(header: str) -> bool:
    found = _ONE_RANGE.fullmatch(header.strip())
    if found is None or found[1] is found[2] is None:
        return False
    return found[1] is None or found[2] is None or int(found[1]) <= int(found[2])
