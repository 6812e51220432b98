"""The request of a long poll: what it asks for, and its answer as bytes on the connection.

Thousands of polls may wait for the same message. So a waiting one is no task, and its answer is one write of bytes that
are made once for all whose answer is the same: `PollProtocol` takes these requests out of uvicorn's hands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateways.chat_api.polls import DEFAULT_LIMIT, UUID, Poll, Polls
from gateways.chat_api.problems import MEDIA_TYPE, Problem
from gateways.chat_api.sessions import ApiSession, Sessions
from gateways.core import Core

if TYPE_CHECKING:
    from gate import Peer

PATH = "/api/v1/messages"
DEFAULT_TIMEOUT_S = 30.0
MAX_TIMEOUT_S = 60.0
MAX_LIMIT = 500


class PollQuery:
    """after: id of an item, None for the beginning of the session."""

    __slots__ = ("after", "limit", "timeout_s")

    def __init__(self, query: bytes) -> None:
        """Raises Problem (422), which names the parameter."""
        try:
            fields = parse_qs(query.decode("ascii"), keep_blank_values=True, max_num_fields=20)
        except ValueError:
            raise Problem(422, "bad_value", "The query cannot be read.") from None
        self.after = fields["after"][-1].lower() if "after" in fields else None
        if self.after is not None and not UUID.fullmatch(self.after):
            raise Problem(422, "bad_value", "`after` is the id of an item, a UUID.", field="after")
        self.timeout_s = _number(fields, "timeout", DEFAULT_TIMEOUT_S, 0, MAX_TIMEOUT_S)
        self.limit = int(_number(fields, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT))


def _number(fields: dict[str, list[str]], name: str, default: float, least: float, most: float) -> float:
    if name not in fields:
        return default
    text = fields[name][-1]
    whole = text.isascii() and text.isdigit() and len(text) <= 4
    if not whole or not least <= int(text) <= most:
        raise Problem(422, "bad_value", f"`{name}` is a whole number from {least:g} to {most:g}.", field=name)
    return float(text)


class Pending:
    """A request that is not answered yet."""

    __slots__ = ("poll", "task")

    def __init__(self) -> None:
        self.poll: Poll | None = None
        self.task: asyncio.Task[None] | None = None


Answer = Callable[[bytes | Problem], None]


class Stream:
    def __init__(self, core: Core, sessions: Sessions, polls: Polls, peer_of: Callable[[Any], Peer]) -> None:
        """peer_of: gives who asks, from an ASGI scope."""
        self._core = core
        self._sessions = sessions
        self._polls = polls
        self._peer_of = peer_of
        self._made: tuple[bytes | Problem, str | None, tuple[str, ...], bytes] | None = None
        """The newest response: its body, the origin it is for, the origins that were allowed, and its bytes."""
        self._afterwards: list[Callable[[], None]] = []

    def begin(self, scope: Any, answer: Answer) -> Pending:
        """Take up a request, given as ASGI scope. `answer` is called once, perhaps right now, with a JSON array or a
        Problem; not after `abandon`."""
        pending = Pending()
        authorization = _header(scope, b"authorization")
        try:
            query = PollQuery(scope["query_string"])
            owner = self._sessions.find(authorization)
        except Problem as problem:
            answer(problem)
            return pending
        if owner is None:
            pending.task = asyncio.ensure_future(self._authenticate(scope, authorization, query, pending, answer))
        else:
            self._poll(owner, query, pending, answer)
        return pending

    def abandon(self, pending: Pending) -> None:
        """Whoever asked is gone."""
        if pending.task is not None:
            pending.task.cancel()
        if pending.poll is not None:
            self._polls.abandon(pending.poll)

    async def _authenticate(
        self, scope: Any, authorization: str | None, query: PollQuery, pending: Pending, answer: Answer
    ) -> None:
        try:
            owner = await self._sessions.authenticate(authorization, self._peer_of(scope))
        except Problem as problem:
            answer(problem)
        else:
            self._poll(owner, query, pending, answer)

    def _poll(self, owner: ApiSession, query: PollQuery, pending: Pending, answer: Answer) -> None:
        pending.poll = self._polls.begin(owner, query.after, query.timeout_s, query.limit, answer)

    # --- as a route --------------------------------------------------------------------------------------------

    async def route(self, request: Request) -> Response:
        """The same where uvicorn does not speak HTTP (tests, other servers)."""
        answered: asyncio.Future[bytes | Problem] = asyncio.get_running_loop().create_future()
        pending = self.begin(request.scope, lambda body: None if answered.done() else answered.set_result(body))
        gone = asyncio.ensure_future(_disconnected(request))
        try:
            await asyncio.wait((answered, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not answered.done():
                self.abandon(pending)
        if not answered.done():
            return Response(status_code=204)
        body = answered.result()
        if isinstance(body, Problem):
            return body.response
        return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})

    # --- as bytes ----------------------------------------------------------------------------------------------

    def response(self, body: bytes | Problem, origin: str | None, *, keep_alive: bool) -> bytes:
        """A whole HTTP/1.1 response. Made once for all polls that one event answers alike."""
        allowed = self._core.world.config.chat_api.allowed_origins
        if keep_alive and self._made is not None:
            made_of, made_for, made_with, made = self._made
            if made_of is body and made_for == origin and made_with is allowed:
                return made
        if isinstance(body, Problem):
            status, kind, content, headers = body.status, MEDIA_TYPE, body.body, list(body.headers.items())
        else:
            status, kind, content, headers = 200, "application/json", body, [("cache-control", "no-store")]
        if "*" in allowed:
            headers.append(("access-control-allow-origin", "*"))
        elif origin is not None and origin in allowed:
            headers += [("access-control-allow-origin", origin), ("vary", "Origin")]
        if isinstance(body, Problem):
            headers.append(("access-control-expose-headers", "Retry-After"))
        if not keep_alive:
            headers.append(("connection", "close"))
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            f"content-type: {kind}",
            f"content-length: {len(content)}",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            *(f"{name}: {value}" for name, value in headers),
        ]
        made = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content
        if keep_alive:
            self._made = (body, origin, allowed, made)
        return made

    def afterwards(self, step: Callable[[], None]) -> None:
        """Call this when the answers of this turn of the loop are written."""
        if not self._afterwards:
            asyncio.get_running_loop().call_soon(self._take_steps)
        self._afterwards.append(step)

    def _take_steps(self) -> None:
        steps, self._afterwards = self._afterwards, []
        loop = asyncio.get_running_loop()
        for step in steps:
            loop.call_soon(step)  # one that fails keeps no other from being taken

    def protocol(self) -> type[HttpToolsProtocol]:
        """uvicorn's HTTP protocol, but for polls, which are answered here."""

        class Bound(PollProtocol):
            stream = self

        return Bound


class PollProtocol(HttpToolsProtocol):
    stream: Stream
    pending: Pending | None = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if cycle.scope["method"] != "GET" or cycle.scope["path"] != PATH:
            super()._start_asgi_task(cycle, app)
            return
        self.transport.set_write_buffer_limits(0)  # written at once, not when all others have been, too
        origin = _header(cycle.scope, b"origin")
        self.pending = self.stream.begin(cycle.scope, lambda body: self._answer(cycle, origin, body))

    def _answer(self, cycle: RequestResponseCycle, origin: str | None, body: bytes | Problem) -> None:
        if cycle.disconnected or cycle.response_complete:
            return
        self.transport.write(self.stream.response(body, origin, keep_alive=cycle.keep_alive))
        cycle.response_started = True
        self.pending = None
        self.stream.afterwards(lambda: self._completed(cycle))

    def _completed(self, cycle: RequestResponseCycle) -> None:
        """Until now the next request of the connection has waited."""
        cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.pending is not None:
            self.stream.abandon(self.pending)
            self.pending = None


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _header(scope: Any, name: bytes) -> str | None:
    found = [value for key, value in scope["headers"] if key == name]
    return found[0].decode("latin-1") if found else None
