"""One row for each operation: the route, the checks in front of its handler, and its description are made from it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateways.chat_api.items import Translator
from gateways.chat_api.problems import Problem, problem_of_validation
from gateways.chat_api.sessions import GATEWAY, ApiSession, Sessions
from gateways.core import Ask, Core, GatewayRefused
from protocol.base import Command, Packet
from protocol.decode import MAX_DEPTH, is_too_deep
from protocol.errors import Code

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.users import User
    from gate import Peer
    from gateways.chat_api.stream import Stream
    from handlers.context import World
    from routes.view import Facts

BODY_S = 30.0
"""How long a request has to arrive."""
NO_STORE = {"Cache-Control": "no-store"}

P = TypeVar("P", bound=Packet)


class Api:
    """What the handlers of all routes share."""

    def __init__(
        self, core: Core, sessions: Sessions, translator: Translator, stream: Stream, facts: Callable[[], Facts]
    ) -> None:
        self.core = core
        self.sessions = sessions
        self.translator = translator
        self.stream = stream
        self.facts = facts

    @property
    def world(self) -> World:
        return self.core.world


class Call:
    """One request, checked: its session, and its query and body as the types of its row."""

    def __init__(self, api: Api, request: Request, peer: Peer, owner: ApiSession | None, query: Any, body: Any) -> None:
        self.api = api
        self.request = request
        self.peer = peer
        self.query = query
        self.body = body
        self._owner = owner

    @property
    def world(self) -> World:
        return self.api.world

    @property
    def owner(self) -> ApiSession:
        """Only in handlers of rows with `auth`."""
        assert self._owner is not None
        return self._owner

    @property
    def user(self) -> User:
        user = self.world.users.get(self.owner.user_id)
        if user is None:
            raise ended()
        return user

    @property
    def channel(self) -> str:
        """Name of the channel in the path, as the core calls it."""
        return bare(self.request.path_params["name"])

    async def ask(self, command: Command, answer: type[P]) -> P:
        """Have the session's command carried out. Raises GatewayRefused."""
        session = self.owner.session
        if not self.world.fanout.is_live(session):
            raise ended()
        packets = await Ask(self.api.core, self.peer, GATEWAY, session).of(command)
        return next(packet for packet in packets if isinstance(packet, answer))

    def user_named(self, nick: str) -> str:
        """What the core calls the user with this nick; one that is unknown here is unknown there."""
        user = self.world.users.by_mention(nick)
        return nick if user is None else user.id


Handler = Callable[[Call], Awaitable[Any]]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One operation.

    path: below the mount point. query, body: structs. reply: what msgspec encodes; None: the answer has no content.
    problems: statuses of refusals besides those that follow from the other fields. whole: the handler makes the checks
    itself.
    """

    method: str
    path: str
    handler: Handler
    name: str
    does: str
    reply: Any
    status: int = 200
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    auth: bool = True
    problems: tuple[int, ...] = ()
    whole: bool = False

    @property
    def statuses(self) -> list[int]:
        """Of everything that is no success."""
        found = {*self.problems, 500, 503}
        if self.auth:
            found |= {401, 403}
        if self.query is not None:
            found |= {422}
        if self.body is not None:
            found |= {400, 408, 413, 415, 422}
        return sorted(found)


def bare(channel: str) -> str:
    """The name of a channel in the core."""
    return channel.removeprefix("#")


def ended() -> Problem:
    return Problem(401, "unauthorized", "The token is unknown, or its session has ended.")


def endpoint_of(api: Api, rows: Sequence[Row]) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of all rows with the same path."""
    by_method: Mapping[str, Row] = {row.method: row for row in rows}

    async def endpoint(request: Request) -> Response:
        row = by_method["GET" if request.method == "HEAD" else request.method]
        try:
            return await _answer(api, row, request)
        except GatewayRefused as refused:
            if refused.code == Code.AUTH_REQUIRED.wire and row.auth:
                raise ended() from None
            raise

    return endpoint


async def _answer(api: Api, row: Row, request: Request) -> Response:
    peer = peer_of(api.core, request)
    if row.whole:
        answer: Response = await row.handler(Call(api, request, peer, None, None, None))
        return answer
    owner = await api.sessions.authenticate(request.headers.get("Authorization"), peer) if row.auth else None
    query = _query(request, row.query) if row.query is not None else None
    body = await _body(api, request, row.body) if row.body is not None else None
    reply = await row.handler(Call(api, request, peer, owner, query, body))
    if isinstance(reply, Response):
        return reply
    if row.reply is None:
        return Response(status_code=row.status, headers=NO_STORE)
    return Response(msgspec.json.encode(reply), row.status, NO_STORE, media_type="application/json")


def peer_of(core: Core, request: Request) -> Peer:
    address = request.client.host if request.client is not None else ""
    return core.gate.peer(address, request.headers.getlist("X-Forwarded-For"), request.headers.get("User-Agent", ""))


def _query(request: Request, type_: type[msgspec.Struct]) -> Any:
    """Of a parameter that is given twice the last one counts."""
    try:
        return msgspec.convert(dict(request.query_params), type_, strict=False)
    except msgspec.ValidationError as error:
        raise problem_of_validation(error, type_) from None


async def _body(api: Api, request: Request, type_: type[msgspec.Struct]) -> Any:
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(415, "unsupported_media_type", "The body is JSON: send `Content-Type: application/json`.")
    config = api.world.config
    # a character is at most six bytes of JSON for each of its bytes
    most = 6 * (config.chat_api.max_message_bytes + config.limits.meta_bytes) + 4096
    try:
        async with asyncio.timeout(BODY_S):
            text = await _read(request.stream(), most)
    except TimeoutError:
        raise Problem(408, "request_timeout", "The body did not arrive in time.") from None
    except ClientDisconnect:
        raise Problem(400, "malformed", "The body is not complete.") from None
    if is_too_deep(text):
        raise Problem(400, "malformed", f"The body is nested deeper than {MAX_DEPTH} levels.")
    try:
        return msgspec.json.decode(text, type=type_)
    except msgspec.ValidationError as error:
        raise problem_of_validation(error, type_) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Problem(400, "malformed", "The body is not JSON in UTF-8.") from None


async def _read(stream: AsyncIterator[bytes], most: int) -> bytes:
    """Never holds much more than `most` bytes."""
    parts: list[bytes] = []
    size = 0
    async for part in stream:
        size += len(part)
        if size > most:
            raise Problem(413, "too_large", f"The body has more than {most} bytes.")
        parts.append(part)
    return b"".join(parts)
