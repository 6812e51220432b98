"""From a plugin's thread to the server's event loop and back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from handlers.outcome import Answer, Outcome
from plugin_api import PluginError
from protocol.errors import Refused

if TYPE_CHECKING:
    from db.journal import Operation
    from db.transaction import Transaction
    from handlers.context import World
    from plugin_host.worker import Worker

CALL_S = 10.0
"""How long a plugin waits for an answer of the server."""

T = TypeVar("T")
Done = Callable[[Outcome | None, BaseException | None], None]


class Core(Protocol):
    """What plugins need of the server."""

    world: World

    def act(self, work: Callable[[], Answer], done: Done) -> None:
        """`dispatch.Dispatcher.act`."""


class Line:
    """The calls of one plugin. All methods are for its threads; each waits for the answer. They raise PluginError."""

    def __init__(self, core: Core, loop: asyncio.AbstractEventLoop, worker: Worker) -> None:
        self.core = core
        self._loop = loop
        self._loop_thread = threading.get_ident()
        self._worker = worker

    def ask(self, work: Callable[[], T]) -> T:
        """What the function gives on the event loop, where it may read everything and must not block."""

        def start(future: Future[T]) -> None:
            future.set_result(work())

        found: T = self._wait(start)
        return found

    def act(self, work: Callable[[], Answer]) -> Outcome:
        """Have something done that a handler would do; comes back once it is on its way to everybody."""

        def start(future: Future[Outcome]) -> None:
            def done(outcome: Outcome | None, error: BaseException | None) -> None:
                if error is not None:
                    future.set_exception(error)
                else:
                    assert outcome is not None
                    future.set_result(outcome)

            self.core.act(work, done)

        outcome: Outcome = self._wait(start)
        return outcome

    def store(self, work: Callable[[Transaction], T]) -> T:
        """Have something done in the database."""

        def start(future: Future[T]) -> None:
            def settled(operation: Operation) -> None:
                if operation.error is not None:
                    future.set_exception(operation.error)
                else:
                    future.set_result(operation.result)

            self.core.world.journal.submit(work, (), settled)

        found: T = self._wait(start)
        return found

    def _wait(self, start: Callable[[Future[Any]], None]) -> Any:
        if threading.get_ident() == self._loop_thread:
            raise RuntimeError("plugins call the server from their own threads")
        if self._worker.stopped:
            raise PluginError("the plugin was stopped", "plugin_stopped")
        future: Future[Any] = Future()

        def run() -> None:
            if self._worker.stopped:
                future.set_exception(PluginError("the plugin was stopped", "plugin_stopped"))
                return
            try:
                start(future)
            except Exception as error:
                future.set_exception(error)

        self._worker.waiting.add(future)
        try:
            self._loop.call_soon_threadsafe(run)
            return future.result(CALL_S)
        except Refused as refused:
            raise PluginError(refused.text, refused.code.wire) from None
        except TimeoutError:
            raise PluginError(f"the server did not answer within {CALL_S:g} s", "unavailable") from None
        except RuntimeError as error:  # the event loop is closed
            raise PluginError(str(error), "plugin_stopped") from None
        finally:
            self._worker.waiting.discard(future)
