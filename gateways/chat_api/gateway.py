"""The parts of the HTTP chat API, put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.requests import Request

from fanout import Session
from gateways.chat_api.app import build
from gateways.chat_api.endpoint import Api, peer_of
from gateways.chat_api.items import Translator
from gateways.chat_api.polls import Polls
from gateways.chat_api.sessions import Sessions
from gateways.chat_api.stream import Stream
from gateways.core import Core

if TYPE_CHECKING:
    from routes.view import Facts


class ChatApi:
    """`app` is mounted at `app.MOUNT`; `stream.protocol()` answers polls without it."""

    def __init__(self, core: Core, facts: Callable[[], Facts]) -> None:
        """facts: cheap, as anybody may ask for them."""
        translator = Translator(core.world)
        self._sessions = Sessions(core, Session)
        self._polls = Polls(core, self._sessions, translator)
        self.stream = Stream(core, self._sessions, self._polls, lambda scope: peer_of(core, Request(scope)))
        self.app = build(Api(core, self._sessions, translator, self.stream, facts))
        core.world.journal.on_logged = self._polls.logged

    def tick(self) -> None:
        """Call once a second."""
        self._sessions.sweep()

    def close(self) -> None:
        """The server stops: whoever waits is answered."""
        self._polls.close()
