"""One plugin: loaded or not, running or not, and what goes wrong with it. On the event loop."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from plugin_api import Job, Plugin, Settings
from plugin_host import loading, settings_files, settings_form, upstream
from plugin_host.api import HostApi, HostStorage
from plugin_host.events import Told
from plugin_host.line import Core, Line
from plugin_host.loading import LoadError
from plugin_host.settings_files import SettingsError
from plugin_host.upstream import Upstream
from plugin_host.worker import Worker
from plugin_objects import EVENTS, ServerStart
from protocol.plugins import PluginEntry

LOAD_S = 10.0
FAILURES = 5
FAILURES_WITHIN_S = 600.0
LEFT_OUT_EVERY = 1000

log = logging.getLogger("originchats.plugins")


class Loaded(msgspec.Struct, frozen=True):
    """What a file turned out to be. upstream: written for upstream's interface."""

    plugin: Plugin[Any]
    upstream: Upstream | None = None


class Runner:
    """A plugin file and its thread. A reload makes a new one."""

    def __init__(
        self,
        core: Core,
        path: Path,
        settings_file: Path,
        monotonic: Callable[[], float],
        on_broken: Callable[[Runner, str], None],
        on_event: Callable[[Told], None],
    ) -> None:
        """on_broken: called on the loop with why the plugin was switched off. on_event: with what it raises itself."""
        self.stem = path.stem
        self.path = path
        self.settings_file = settings_file
        self.error: str | None = None
        self.loaded: Loaded | None = None
        self.running = False
        self.worker: Worker | None = None
        self._core = core
        self._monotonic = monotonic
        self._on_broken = on_broken
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._failures: deque[float] = deque(maxlen=FAILURES)
        self._left_out = 0
        self._due: list[tuple[Job, float, Future[Any] | None]] = []
        """Jobs, when they are due (monotonic seconds, for daily ones unix seconds), and the last run."""
        self._owed: Future[Any] | None = None

    # --- loading -----------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Read and run the file in a new thread. Raises LoadError; then the thread is gone."""
        worker = self.worker = Worker(self.stem)
        line = Line(self._core, self._loop, worker)
        api, storage = HostApi(self.stem, line), HostStorage(self.stem, line)
        future = worker.submit(self._load, api, storage)
        assert future is not None
        done, _ = await asyncio.wait([_awaitable(future)], timeout=LOAD_S)
        if not done:
            log.error("plugin %s does not finish loading; it is at\n%s", self.stem, worker.where())
            worker.abandon()
            raise LoadError(f"loading took longer than {LOAD_S:g} s")
        error = future.exception()
        if error is not None:
            worker.stop()
            if not isinstance(error, (LoadError, SettingsError)):
                log.error("plugin %s cannot be loaded", self.stem, exc_info=error)
                raise LoadError(f"{type(error).__name__}: {error}"[:500])
            raise LoadError(str(error))
        self.loaded = future.result()

    def _load(self, api: HostApi, storage: HostStorage) -> Loaded:
        """In the plugin's thread."""
        shim = upstream.Shim(self.path, api, log.getChild(self.stem), self._on_event)
        module = loading.load(self.path, self.stem, shim.modules)
        plugin = loading.typed(module)
        legacy = None
        if plugin is None:
            legacy = upstream.read(module, shim)
            plugin = Plugin(name=legacy.name, description=legacy.description)
        plugin.name = plugin.name or self.stem
        plugin.attach(api, storage, log.getChild(self.stem), self._core.world.clock)
        plugin.configure(Settings() if legacy is not None else self._read_settings(plugin))
        return Loaded(plugin, legacy)

    def _read_settings(self, plugin: Plugin[Any]) -> Settings:
        return settings_files.read(self.settings_file, plugin.settings_type)

    # --- running -----------------------------------------------------------------------------------------------

    @property
    def enabled(self) -> bool:
        return self.loaded is not None and bool(self.loaded.plugin.settings.enabled)

    def start(self, now: float) -> None:
        """From now on it hears events. now: unix seconds."""
        assert self.loaded is not None
        self.running = True
        monotonic = self._monotonic()
        for job in self.loaded.plugin.jobs:
            due = monotonic + job.every_s if job.every_s is not None else next_time(job.at or 0, now)
            self._due.append((job, due, None))
        self.tell(Told("server_start", ServerStart(), None, ("server_start", {})))

    def stop(self) -> None:
        self.running = False
        self._due.clear()
        if self.worker is not None:
            self.worker.stop()

    def hears(self, told: Told) -> bool:
        if self.loaded is None or not self.running:
            return False
        if self.loaded.upstream is not None:
            return told.legacy is not None and told.legacy[0] in self.loaded.upstream.handlers
        return told.name in self.loaded.plugin.handlers

    def tell(self, told: Told) -> None:
        """An event, if it hears of such."""
        if not self.hears(told):
            return
        assert self.loaded is not None
        if self.loaded.upstream is not None:
            assert told.legacy is not None
            self.call(told.legacy[0], self.loaded.upstream.handle, *told.legacy, told.actor)
            return
        for handler in self.loaded.plugin.handlers[told.name]:
            self.call(told.name, handler, told.event)

    def call(self, what: str, function: Callable[..., Any], *args: Any) -> Future[Any] | None:
        """Have a function called in the plugin's thread; what it raises counts as a failure. None when it has too much
        to do already."""
        future = self.worker.submit(function, *args) if self.worker is not None else None
        if future is None:
            if self._left_out % LEFT_OUT_EVERY == 0:
                log.error("plugin %s does not keep up: %s is left out", self.stem, what)
            self._left_out += 1
            return None
        future.add_done_callback(lambda done: self._look_at(what, done))
        return future

    def _look_at(self, what: str, done: Future[Any]) -> None:
        """In the plugin's thread."""
        if done.cancelled():
            return
        error = done.exception()
        if error is not None:
            try:
                self._loop.call_soon_threadsafe(self.failed, what, error)
            except RuntimeError:  # the server has ended
                return

    async def look(self, drafts: Sequence[Any], hook: Callable[[Any], Any], wait_s: float) -> list[Any]:
        """What a `before` hook gives for each, or raises. [] when it does not answer in time: then it is not asked
        again until it has."""
        if not self.running or self.worker is None or (self._owed is not None and not self._owed.done()):
            return []
        future = self.worker.submit(_ask, hook, drafts)
        if future is None:
            return []
        done, _ = await asyncio.wait([_awaitable(future)], timeout=wait_s)
        if not done:
            self._owed = future
            self.failed("before hook", TimeoutError(f"no answer within {wait_s:.2f} s"))
            return []
        return [] if future.cancelled() else list(future.result())

    def read_settings(self, done: Callable[[BaseException | None], None]) -> asyncio.Future[Any] | None:
        """Its settings file was edited. Gives what ends after `done` was called; None when it cannot be asked."""
        if self.loaded is None or self.worker is None or self.loaded.upstream is not None:
            return None
        plugin = self.loaded.plugin
        future = self.worker.submit(lambda: plugin.configure(self._read_settings(plugin)))
        if future is None:
            return None
        wrapped = _awaitable(future)
        wrapped.add_done_callback(lambda read: None if read.cancelled() else done(read.exception()))
        return wrapped

    # --- by the clock ------------------------------------------------------------------------------------------

    def tick(self, now: float, timeout_s: float) -> None:
        """Once a second. now: unix seconds."""
        if self.worker is None or self.worker.stopped:
            return
        monotonic = self._monotonic()
        if self.worker.busy_for(monotonic) > timeout_s:
            log.error("plugin %s blocks; it is at\n%s", self.stem, self.worker.where())
            self.worker.abandon()
            self._switch_off(f"it blocked for more than {timeout_s:g} s")
            return
        for index, (job, due, last) in enumerate(self._due):
            at = monotonic if job.every_s is not None else now
            if at < due or (last is not None and not last.done()):
                continue
            following = at + job.every_s if job.every_s is not None else next_time(job.at or 0, now)
            name = getattr(job.handler, "__name__", "job")
            self._due[index] = (job, following, self.call(name, job.handler))

    # --- trouble -----------------------------------------------------------------------------------------------

    def failed(self, what: str, error: BaseException) -> None:
        log.error("plugin %s failed in %s", self.stem, what, exc_info=error)
        self._failures.append(self._monotonic())
        if self.running and self.failures() >= FAILURES:
            self._switch_off(f"it failed {FAILURES} times within {FAILURES_WITHIN_S / 60:g} minutes")

    def failures(self) -> int:
        """In the last ten minutes."""
        oldest = self._monotonic() - FAILURES_WITHIN_S
        return sum(1 for at in self._failures if at >= oldest)

    def _switch_off(self, reason: str) -> None:
        self.stop()
        self.error = reason
        self._on_broken(self, reason)

    # --- seen from outside -------------------------------------------------------------------------------------

    def entry(self) -> PluginEntry:
        plugin = self.loaded.plugin if self.loaded is not None else None
        legacy = self.loaded.upstream if self.loaded is not None else None
        handles = list(legacy.handlers) if legacy is not None else sorted(plugin.handlers) if plugin is not None else []
        assert all(name in EVENTS for name in handles) or legacy is not None
        return PluginEntry(
            name=plugin.name if plugin is not None else self.stem,
            description=plugin.description if plugin is not None else "",
            handles=handles,
            enabled=self.enabled,
            running=self.running,
            failures=self.failures(),
            commands=sorted(plugin.commands) if plugin is not None else [],
            error=self.error,
            version=plugin.version if plugin is not None else "",
            switchable=self.switchable,
            settings=_schema(plugin.settings_type) if plugin is not None and self.switchable else None,
        )

    @property
    def switchable(self) -> bool:
        """Whether it has a settings file, in which it can be switched off."""
        return self.loaded is not None and self.loaded.upstream is None


def _schema(type_: type[Settings]) -> dict[str, Any] | None:
    """Without defaults of what is secret. None for types that no schema can describe."""
    try:
        schema = msgspec.json.schema(type_)
    except TypeError:
        return None
    return _without_secrets(schema) if settings_form.has_secret(schema) else schema


def _without_secrets(node: Any) -> Any:
    """The schema without defaults that are, or may hold, something secret."""
    if isinstance(node, list):
        return [_without_secrets(each) for each in node]
    if not isinstance(node, dict):
        return node
    told = {key: _without_secrets(value) for key, value in node.items() if key not in ("properties", "default")}
    if "properties" in node:
        told["properties"] = {name: _without_secrets(child) for name, child in node["properties"].items()}
    if "default" in node and "$ref" not in str(node) and not settings_form.has_secret(node):
        told["default"] = node["default"]
    return told


def next_time(minutes: int, now: float) -> float:
    """Unix seconds of the next moment at which the clock of the machine shows so many minutes after midnight."""
    here = datetime.fromtimestamp(now)
    at = here.replace(hour=minutes // 60, minute=minutes % 60, second=0, microsecond=0)
    return (at if at > here else at + timedelta(days=1)).timestamp()


def _ask(hook: Callable[[Any], Any], drafts: Sequence[Any]) -> Any:
    """In the plugin's thread: what the hook gives for each; as a coroutine, if it is one."""
    answers = [hook(draft) for draft in drafts]
    if not any(inspect.isawaitable(answer) for answer in answers):
        return answers

    async def all_of_them() -> list[Any]:
        return [await answer if inspect.isawaitable(answer) else answer for answer in answers]

    return all_of_them()


def _awaitable(future: Future[Any]) -> asyncio.Future[Any]:
    """For waiting on the loop; nobody has to ask what went wrong."""
    wrapped = asyncio.wrap_future(future)
    wrapped.add_done_callback(lambda done: done.cancelled() or done.exception())
    return wrapped
