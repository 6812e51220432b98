"""What went wrong, as RFC 9457 problem details (`application/problem+json`)."""

from __future__ import annotations

import math
import re
from http import HTTPStatus

import msgspec
from msgspec import UNSET, UnsetType
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateways.chat_api.types import ProblemDetails
from gateways.core import GatewayRefused
from protocol.errors import Code
from protocol.wrong_values import in_words

MEDIA_TYPE = "application/problem+json"
THROTTLED_S = 60
"""When to try again where the core does not say."""
BUSY_S = 5

STATUS: dict[Code, int] = {
    Code.INTERNAL: 500,
    Code.FILE_BROKEN: 503,
    Code.SERVER_NOTICE: 503,
    Code.UNAVAILABLE: 503,
    Code.SETTINGS_BROKEN: 503,
    Code.BACKUP_RUNNING: 409,
    Code.BACKUP_FAILED: 503,
    Code.ROTUR_UNAVAILABLE: 503,
    Code.TOO_BUSY: 503,
    Code.RATE_LIMIT: 429,
    Code.TOO_MANY_TRIES: 429,
    Code.AUTH_REQUIRED: 401,
    Code.MESSAGE_TOO_LONG: 413,
    Code.FILE_TOO_LARGE: 413,
    Code.FILE_REFUSED: 422,
    Code.TOO_MANY_UPLOADS: 429,
    Code.DISK_FULL: 503,
    Code.SLASH_NO_ANSWER: 503,
    Code.PLUGIN_FAILED: 503,
    Code.PLUGIN_OFF: 503,
    Code.PLUGIN_NOT_RELOADED: 503,
    Code.PLUGIN_NOT_SWITCHED: 503,
    Code.PLUGIN_SETTINGS_NOT_CHANGED: 503,
} | dict.fromkeys(
    (
        Code.SESSION_NOT_FOUND, Code.CHANNEL_NOT_FOUND, Code.THREAD_NOT_FOUND, Code.MESSAGE_NOT_FOUND,
        Code.REPLY_NOT_FOUND, Code.USER_NOT_FOUND, Code.ROLE_NOT_FOUND, Code.ATTACHMENT_NOT_FOUND, Code.POLL_NOT_FOUND,
        Code.WEBHOOK_NOT_FOUND, Code.SLASH_NOT_FOUND, Code.PLUGIN_COMMAND_NOT_FOUND, Code.EMOJI_NOT_FOUND,
        Code.INVITE_NOT_FOUND, Code.PLUGIN_NOT_FOUND, Code.PEER_NOT_FOUND,
    ),
    404,
) | dict.fromkeys(
    (
        Code.ROTUR_DISABLED, Code.INVALID_AUTHENTICATION, Code.INVALID_PASSWORD, Code.BANNED, Code.WRONG_CLAIM,
        Code.REGISTRATION_DISABLED, Code.PERMISSION_REQUIRED, Code.NOT_PERMITTED, Code.NOT_AUTHOR, Code.BLOCKED,
        Code.THREAD_LOCKED, Code.THREAD_ARCHIVED, Code.ROLE_NOT_MENTIONABLE, Code.ATTACHMENTS_DISABLED,
        Code.MEMBER_ABOVE, Code.NAME_FIXED, Code.ROLE_ABOVE, Code.ROLE_PROTECTED, Code.PERMISSION_ABOVE,
        Code.NOT_SELF_ASSIGNABLE, Code.CANNOT_BE_SELF_ASSIGNABLE, Code.SETTING_FIXED, Code.INVITE_NEEDED,
        Code.WRONG_CHANNEL_KEY, Code.NOT_A_MEMBER, Code.NOT_JOINABLE, Code.TOO_MANY_CHANNELS, Code.TOO_MANY_BLOCKED,
        Code.AUDIT_PERMISSION_REQUIRED, Code.TOO_MANY_FILES, Code.NO_ROOM_FOR_FILE, Code.TOO_MANY_WEBHOOKS,
        Code.SLASH_NOT_ALLOWED, Code.SLASH_NOT_HERE, Code.SLASH_NOT_CALLED, Code.PLUGIN_REFUSED, Code.TOO_MANY_EMOJIS,
        Code.PICTURE_FIXED, Code.VOICE_UNAVAILABLE, Code.NOT_YOURSELF, Code.TOKEN_REQUIRED, Code.INVALID_TOKEN,
        Code.ACCOUNT_REQUIRED, Code.NO_PASSWORD, Code.INVITE_REQUIRED, Code.INVITE_EXPIRED, Code.TOO_MANY_INVITES,
    ),
    403,
) | dict.fromkeys(
    (
        Code.ALREADY_LOGGED_IN, Code.NAME_TAKEN, Code.CHANNEL_EXISTS, Code.ROLE_EXISTS, Code.ROLE_IN_USE,
        Code.ROLE_HELD, Code.ROLE_NOT_HELD, Code.NO_ROLE_LEFT, Code.LAST_OWNER, Code.ALREADY_REACTED,
        Code.NOT_REACTED, Code.TOO_MANY_REACTIONS, Code.TOO_MANY_PINS, Code.TOO_MANY_THREADS, Code.NOT_IN_CHANNEL,
        Code.POLL_ENDED, Code.NOT_IN_VOICE, Code.VOICE_FULL, Code.SLASH_TAKEN, Code.ALREADY_BANNED, Code.NOT_BANNED,
        Code.EMOJI_EXISTS, Code.NOT_A_VOICE_CHANNEL,
    ),
    409,
) | dict.fromkeys(
    (
        Code.BAD_VALUE, Code.BAD_NAME, Code.BAD_NAME_LENGTH, Code.BAD_PASSWORD_LENGTH, Code.BAD_CHANNEL_NAME,
        Code.BAD_ROLE_NAME, Code.BAD_EMBED, Code.MESSAGE_EMPTY,
    ),
    422,
)  # fmt: skip
"""HTTP status of a refusal of the core; 400 for all others."""

NAMES = {"username": "nick", "user": "nick"}
"""Fields of the core that are called otherwise here."""


class Problem(Exception):
    """An answer that is no success. code: for programs. field: what is wrong of the request."""

    def __init__(
        self, status: int, code: str, detail: str, field: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.field = field
        self.retry_after_s = retry_after_s

    @property
    def headers(self) -> dict[str, str]:
        headers = {"Cache-Control": "no-store"}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(max(1, math.ceil(self.retry_after_s)))
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = 'Bearer realm="chat"'
        return headers

    @property
    def body(self) -> bytes:
        field: str | UnsetType = UNSET if self.field is None else self.field
        title = HTTPStatus(self.status).phrase
        return msgspec.json.encode(
            ProblemDetails(title=title, status=self.status, detail=self.detail, code=self.code, field=field)
        )

    @property
    def response(self) -> Response:
        return Response(self.body, self.status, self.headers, media_type=MEDIA_TYPE)


def status_of(code: str) -> int:
    """code: as it travels, `Code.wire`."""
    known = Code.__members__.get(code.upper())
    return STATUS.get(known, 400) if known is not None else 400


def problem_of(refused: GatewayRefused) -> Problem:
    """What the core refused."""
    status = status_of(refused.code)
    wait_s = refused.wait_s
    if wait_s is None and status == HTTPStatus.TOO_MANY_REQUESTS:
        wait_s = THROTTLED_S
    elif wait_s is None and status == HTTPStatus.SERVICE_UNAVAILABLE:
        wait_s = BUSY_S
    field = None
    if refused.field is not None:
        field = refused.field.rpartition(".")[2]
        field = NAMES.get(field, field)
    return Problem(status, refused.code, refused.text, field, wait_s)


def problem_of_validation(error: msgspec.ValidationError, kind: type[msgspec.Struct]) -> Problem:
    """What does not fit its type; `field` is the path to it, such as `args[1]`."""
    text, path = in_words(error, kind)
    field = path.removeprefix(".")
    missing = re.fullmatch(r"Object missing required field `(.+)`", text)
    if missing:
        field = f"{field}.{missing[1]}".removeprefix(".")
    return Problem(422, "bad_value", f"{field}: {text}" if field else text, field or None)


async def on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response


async def on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, GatewayRefused)
    return problem_of(error).response


async def on_http_error(request: Request, error: Exception) -> Response:
    """404 and 405 of the router."""
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    response = Problem(error.status_code, phrase.lower().replace(" ", "_"), f"{phrase}.").response
    response.headers.update(error.headers or {})
    return response


async def on_failure(request: Request, error: Exception) -> Response:
    """An unexpected exception: the log has the traceback, the client learns nothing of it."""
    return Problem(500, Code.INTERNAL.wire, "Internal error.").response
