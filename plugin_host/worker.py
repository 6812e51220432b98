"""The thread of one plugin: what it is given to do, one thing after the other, and the event loop of its coroutines."""

from __future__ import annotations

import asyncio
import ctypes
import inspect
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

MAX_PENDING = 1000
"""What may wait, or run as a coroutine, at one time; more is refused."""


class Abandoned(BaseException):
    """Thrown into a thread that does not come to an end."""


class Worker:
    """Belongs to the server's event loop, except where something else is said."""

    def __init__(self, name: str) -> None:
        self.stopped = False
        """Nothing is taken up, and no call to the server answered, any more. Read in any thread."""
        self.waiting: set[Future[Any]] = set()
        """The calls to the server that its threads wait for. Written there."""
        self._pending: set[Future[Any]] = set()
        self._asked_at: float | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=f"plugin {name}", daemon=True)
        self._thread.start()

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any] | None:
        """Have the function called, and what it gives awaited if it is a coroutine. None when too much waits."""
        if self.stopped or len(self._pending) >= MAX_PENDING:
            return None
        future: Future[Any] = Future()
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        self._loop.call_soon_threadsafe(self._do, function, args, future)
        return future

    def busy_for(self, now: float) -> float:
        """For how many seconds (at least) the thread has been busy with one thing. To be asked again and again."""
        asked_at = None if self.waiting else self._asked_at
        if asked_at is None:
            self._asked_at = asked_at = now
            self._loop.call_soon_threadsafe(self._answer)
        return now - asked_at

    def where(self) -> str:
        """What the thread is doing, as the lines of a traceback."""
        frame = sys._current_frames().get(self._thread.ident or 0)
        return "".join(traceback.format_stack(frame)[-6:]) if frame is not None else "(the thread has ended)"

    def stop(self) -> None:
        """End after what runs now; coroutines are cancelled."""
        if not self.stopped:
            self.stopped = True
            self._loop.call_soon_threadsafe(self._loop.stop)

    def abandon(self) -> None:
        """Stop; whatever runs is interrupted as soon as it comes back to Python code. Nobody waits for it."""
        self.stop()
        if self._thread.is_alive() and self._thread.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread.ident), ctypes.py_object(Abandoned))

    def join(self, timeout_s: float) -> None:
        """In another thread than the server's loop: wait for the end after `stop`."""
        self._thread.join(timeout_s)

    # --- in the plugin's thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        while not self.stopped:
            try:
                self._loop.run_forever()
            except BaseException:  # sys.exit() in a coroutine: its task has it, the thread goes on
                continue
        try:
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            if tasks:
                self._loop.run_until_complete(asyncio.wait(tasks, timeout=1))
        except BaseException:
            return
        finally:
            for future in list(self._pending):
                future.cancel()
            self._loop.close()

    def _do(self, function: Callable[..., Any], args: tuple[Any, ...], future: Future[Any]) -> None:
        if self.stopped:
            future.cancel()
            return
        try:
            result = function(*args)
        except BaseException as error:
            _settle(future, None, error)
            return
        if not inspect.isawaitable(result):
            _settle(future, result, None)
            return
        task = asyncio.ensure_future(result, loop=self._loop)
        task.add_done_callback(lambda done: _copy(done, future))

    def _answer(self) -> None:
        self._asked_at = None


def _copy(done: asyncio.Future[Any], future: Future[Any]) -> None:
    if done.cancelled():
        future.cancel()
    else:
        error = done.exception()
        _settle(future, None if error is not None else done.result(), error)


def _settle(future: Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
