"""All plugins: finding, loading, switching on and off, and what they are asked. On the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

import plugin_api
import plugin_objects
from handlers.outcome import Event, Outcome
from handlers.slash_built_in import BUILT_INS
from plugin_api import PluginError, Refuse
from plugin_host import settings_change, settings_files, settings_form
from plugin_host.api import MAX_VALUE_BYTES, member
from plugin_host.events import Told, told
from plugin_host.line import Core
from plugin_host.loading import LoadError
from plugin_host.runner import Runner
from plugin_host.worker import Abandoned
from protocol.audience import Everyone, Holders
from protocol.errors import Code, Refused
from protocol.plugins import PluginSettings, PluginSettingsChangedEvent
from protocol.slash_commands import ListedSlashCommand, SlashAddEvent, SlashOption, SlashRemoveEvent
from watchers import FileWatcher

if TYPE_CHECKING:
    from db.users import User
    from handlers.filters import Draft
    from handlers.outcome import Happening
    from protocol.plugins import PluginEntry

CALL_S = 10.0
MAX_REASON = 500

log = logging.getLogger("originchats.plugins")


class PluginHost:
    def __init__(
        self,
        core: Core,
        folder: Path,
        settings_folder: Path,
        monotonic: Callable[[], float],
        tell_owners: Callable[[str, Code], None],
    ) -> None:
        """folder: where plugin files lie; it need not exist. settings_folder: is made when there are plugins."""
        self._core = core
        self._world = core.world
        self._folder = folder
        self._settings_folder = settings_folder
        self._monotonic = monotonic
        self._tell_owners = tell_owners
        self._loop = asyncio.get_running_loop()
        self._reloading = asyncio.Lock()
        self._editing = asyncio.Lock()
        """Held while a settings file is read, changed and written."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._watcher: FileWatcher | None = None
        self.runners: dict[str, Runner] = {}
        self._slashes: dict[str, tuple[Runner, ListedSlashCommand]] = {}

    async def start(self) -> None:
        """Load everything; comes back when all of it runs, or has failed."""
        self._world.plugins = self
        self._world.observers.append(self._observe)
        await self._load(await asyncio.to_thread(self._files))

    async def stop(self) -> None:
        if self._watcher is not None:
            self._watcher.stop()
        workers = [runner.worker for runner in self.runners.values() if runner.worker is not None]
        for runner in self.runners.values():
            runner.stop()

        def join() -> None:
            for worker in workers:
                worker.join(0.5)

        await asyncio.to_thread(join)

    # --- files -------------------------------------------------------------------------------------------------

    def _files(self) -> dict[str, Path]:
        """The plugin files, in the order of their names. In a thread."""
        try:
            found = sorted(path for path in self._folder.glob("*.py") if not path.name.startswith("_"))
        except OSError as error:
            log.error("%s cannot be read: %s", self._folder, error)
            return {}
        if found:
            self._settings_folder.mkdir(parents=True, exist_ok=True)
        return {path.stem: path for path in found}

    async def reload(self, plugin: str | None) -> None:
        async with self._reloading:
            files = await asyncio.to_thread(self._files)
            if plugin is not None:
                if plugin not in files:
                    raise Refused(Code.PLUGIN_NOT_RELOADED, plugin=plugin, reason="there is no such file")
                files = {plugin: files[plugin]}
            else:
                for gone in [stem for stem in self.runners if stem not in files]:
                    self.runners.pop(gone).stop()
            failed = await self._load(files)
        if failed:
            stem, reason = next(iter(failed.items()))
            raise Refused(Code.PLUGIN_NOT_RELOADED, plugin=stem, reason=reason)

    async def set_enabled(self, plugin: str, enabled: bool) -> PluginEntry:
        """Write it into the settings file and load the plugin anew. Raises Refused."""
        runner = self._runner(plugin)
        if not runner.switchable:
            reason = "it is not loaded" if runner.loaded is None else "files for upstream's interface always run"
            raise Refused(Code.PLUGIN_NOT_SWITCHED, plugin=plugin, reason=reason)
        try:
            async with self._editing:
                await asyncio.to_thread(settings_files.switch, runner.settings_file, enabled)
        except settings_files.SettingsError as error:
            raise Refused(Code.PLUGIN_NOT_SWITCHED, plugin=plugin, reason=str(error)) from None
        await self.reload(plugin)
        return self.runners[plugin].entry()

    def _runner(self, plugin: str) -> Runner:
        runner = self.runners.get(plugin)
        if runner is None:
            raise Refused(Code.PLUGIN_NOT_FOUND)
        return runner

    async def _load(self, files: dict[str, Path]) -> dict[str, str]:
        """Load these; what cannot be loaded runs on as it was. Gives why, by name."""
        new = [
            Runner(self._core, path, self._settings_folder / f"{stem}.json", self._monotonic, self._broken, self._tell)
            for stem, path in files.items()
        ]
        failed: dict[str, str] = {}
        for runner, error in zip(
            new, await asyncio.gather(*(runner.load() for runner in new), return_exceptions=True), strict=True
        ):
            if error is None:
                self._put_in_place(runner)
                continue
            if not isinstance(error, LoadError):
                log.error("plugin %s cannot be loaded", runner.stem, exc_info=error)
            reason = failed[runner.stem] = str(error)
            log.error("plugin %s cannot be loaded: %s", runner.stem, reason)
            self.runners.setdefault(runner.stem, runner).error = f"cannot be loaded: {reason}"
        self.runners = dict(sorted(self.runners.items()))
        self._arrange()
        if new:
            self._watch()
        return failed

    def _put_in_place(self, runner: Runner) -> None:
        old = self.runners.get(runner.stem)
        if old is not None:
            old.stop()
        self.runners[runner.stem] = runner
        if runner.enabled:
            runner.start(self._world.clock())
            log.info("plugin %s runs", runner.stem)

    def _arrange(self) -> None:
        """The filter is there when somebody wants it: messages wait for nothing otherwise."""
        wanted = any(
            runner.running and runner.loaded is not None and runner.loaded.plugin.before_hooks
            for runner in self.runners.values()
        )
        if wanted and self._look not in self._world.filters:
            self._world.filters.append(self._look)
        elif not wanted and self._look in self._world.filters:
            self._world.filters.remove(self._look)

        self._list_slashes()

    def _list_slashes(self) -> None:
        """Where two plugins offer the same command, the first by name has it. Everybody is told what changes."""
        before = {name: listed for name, (_, listed) in self._slashes.items()}
        self._slashes = {}
        for runner in self.runners.values():
            if not runner.running or runner.loaded is None:
                continue
            for slash in runner.loaded.plugin.slashes.values():
                if slash.name in BUILT_INS or slash.name in self._slashes:
                    log.error("plugin %s: the slash command %s is taken", runner.stem, slash.name)
                else:
                    self._slashes[slash.name] = (runner, _listed(runner.loaded.plugin, slash))
        now = self.slash_commands()
        events: list[Event] = []
        if gone := [name for name in before if name not in now]:
            events.append(Event(Everyone(), SlashRemoveEvent(commands=gone)))
        if new := [listed for name, listed in now.items() if before.get(name) != listed]:
            events.append(Event(Everyone(), SlashAddEvent(commands=new)))
        if events:
            self._core.act(lambda: Outcome(events=events), lambda outcome, error: None)

    def _broken(self, runner: Runner, reason: str) -> None:
        log.error("plugin %s was switched off: %s", runner.stem, reason)
        self._arrange()
        self._tell_owners(f"The plugin '{runner.stem}' was switched off: {reason}", Code.PLUGIN_OFF)

    # --- settings ----------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        if self._watcher is not None:
            self._watcher.stop()
        files = [runner.settings_file for runner in self.runners.values()]
        polling = self._world.config.DB.poll_files
        self._watcher = FileWatcher(files, self._file_edited, polling, self._loop)
        self._watcher.start()

    def settings(self, plugin: str) -> PluginSettings:
        """As they count now. Raises Refused."""
        runner = self._runner(plugin)
        if runner.loaded is None or not runner.switchable:
            return PluginSettings(settings=[], sections={})
        values = runner.loaded.plugin.settings
        form, document = settings_form.form(type(values)), settings_form.document_of(values)
        entries = [settings_form.entry(field, document) for field in form.fields.values()]
        return PluginSettings(settings=entries, sections=form.sections)

    async def update_settings(self, plugin: str, changes: Mapping[str, Any]) -> settings_change.Changed:
        """Write them into the settings file; comes back when the plugin has them. Raises Refused."""
        runner = self._runner(plugin)
        if runner.loaded is None or not runner.switchable:
            reason = "it is not loaded" if runner.loaded is None else "it has no settings file"
            raise Refused(Code.PLUGIN_SETTINGS_NOT_CHANGED, plugin=plugin, reason=reason)
        running = runner.loaded.plugin.settings
        async with self._editing:
            found, new = await asyncio.to_thread(settings_change.change, runner.settings_file, running, changes)
        taken_over = self.settings_edited(plugin)
        if taken_over is not None:
            await asyncio.wait([taken_over], timeout=CALL_S)
        elif runner.loaded is not None:  # its thread has ended, because it was switched off for its failures
            runner.loaded.plugin.configure(new)
            self._tell_changed(plugin)
        return found

    def _file_edited(self, path: Path) -> None:
        self.settings_edited(path.stem)

    def settings_edited(self, stem: str) -> asyncio.Future[Any] | None:
        """Have the plugin read its file. Gives what ends when it has; None when it does not."""
        runner = self.runners.get(stem)
        if runner is None or runner.loaded is None:
            return None
        before = runner.loaded.plugin.settings
        return runner.read_settings(lambda error: self._settings_read(runner, before, error))

    def _settings_read(self, runner: Runner, before: plugin_api.Settings, error: BaseException | None) -> None:
        if self.runners.get(runner.stem) is not runner:
            return
        if error is not None:
            runner.error = str(error)
            log.error("plugin %s: %s; its settings stay as they are", runner.stem, error)
            self._tell_owners(f"plugins/{error}", Code.FILE_BROKEN)
            return
        log.info("plugin %s: new settings", runner.stem)
        runner.error = None
        if runner.loaded is not None and runner.loaded.plugin.settings != before:
            self._tell_changed(runner.stem)
        if runner.enabled and not runner.running:
            runner.start(self._world.clock())
        elif before.enabled and not runner.enabled:
            runner.stop()
            task = asyncio.ensure_future(self._load_again(runner))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._arrange()

    def _tell_changed(self, plugin: str) -> None:
        event = Event(Holders(("administrator",)), PluginSettingsChangedEvent(plugin=plugin))
        self._core.act(lambda: Outcome(events=[event]), lambda outcome, error: None)

    async def _load_again(self, switched_off: Runner) -> None:
        """So that it is loaded, and does not run. Unless a reload was faster."""
        async with self._reloading:
            if self.runners.get(switched_off.stem) is switched_off:
                await self._load({switched_off.stem: switched_off.path})

    # --- what happens ------------------------------------------------------------------------------------------

    def _observe(self, happening: Happening) -> None:
        if not any(runner.running for runner in self.runners.values()):
            return
        for event in told(self._world, happening):
            self._tell(event)

    def _tell(self, event: Told) -> None:
        for runner in list(self.runners.values()):
            runner.tell(event)

    def tick(self) -> None:
        """Once a second."""
        now, timeout_s = self._world.clock(), self._world.config.plugins.timeout_s
        for runner in list(self.runners.values()):
            runner.tick(now, timeout_s)

    async def _look(self, drafts: Sequence[Draft]) -> list[str]:
        """`handlers.filters.Filter`: every `before` hook, in the order of the plugins' names."""
        texts, deadline = [draft.content for draft in drafts], self._loop.time() + self._world.config.plugins.before_s
        for runner in list(self.runners.values()):
            if not runner.running or runner.loaded is None:
                continue
            for event, hook in runner.loaded.plugin.before_hooks:
                wanted = [at for at, draft in enumerate(drafts) if event == "text" or draft.kind == "message"]
                if not wanted:
                    continue
                seen = [self._seen(drafts[at], texts[at]) for at in wanted]
                try:
                    answers = await runner.look(seen, hook, max(0.01, deadline - self._loop.time()))
                except Refuse as refusal:
                    text = str(refusal)[:MAX_REASON] or "This message is not allowed here"
                    raise Refused(Code.PLUGIN_REFUSED, text=text) from None
                except Exception as error:
                    runner.failed(f"before {event}", error)
                    continue
                for at, answer in zip(wanted, answers, strict=False):
                    if isinstance(answer, str):
                        texts[at] = answer
        return texts

    def _seen(self, draft: Draft, text: str) -> plugin_objects.Draft:
        return plugin_objects.Draft(
            author=member(self._world, draft.author),
            kind=draft.kind,
            channel=draft.channel.name if draft.channel is not None else "",
            thread_id=draft.thread_id,
            content=text,
            direct=draft.direct,
            id=draft.edited,
        )

    # --- commands ----------------------------------------------------------------------------------------------

    def entries(self) -> dict[str, PluginEntry]:
        return {stem: runner.entry() for stem, runner in self.runners.items()}

    async def call(self, user: User, plugin: str, command: str, args: dict[str, Any]) -> Any:
        runner = self.runners.get(plugin)
        offered = runner.loaded.plugin.commands.get(command) if runner is not None and runner.loaded else None
        if runner is None or offered is None or not runner.running:
            raise Refused(Code.PLUGIN_COMMAND_NOT_FOUND)
        if offered.roles and not set(offered.roles) & set(user.roles) and not self._world.access.is_owner(user):
            raise Refused(Code.NOT_PERMITTED, action="use this command")
        try:
            converted = msgspec.convert(args, offered.args)
        except msgspec.ValidationError as error:
            reason, _, where = str(error).partition(" - at `$")
            field = f"plugin_call.args{where.rstrip('`')}"
            raise Refused(Code.BAD_VALUE, field=field, reason=reason) from None
        call = plugin_objects.Call(user=member(self._world, user), args=converted)
        return await self.answer(runner, f"command {command}", offered.handler, call)

    def slash_commands(self) -> dict[str, ListedSlashCommand]:
        return {name: listed for name, (_, listed) in self._slashes.items()}

    async def slash(self, user: User, name: str, channel: str, args: dict[str, Any]) -> str:
        runner = self._slashes[name][0]
        assert runner.loaded is not None
        call = plugin_objects.Call(user=member(self._world, user), args=args, channel=channel)
        handler = runner.loaded.plugin.slashes[name].handler
        answer = await self.answer(runner, f"slash command {name}", handler, call)
        return "" if answer is None else str(answer)[: self._world.config.limits.post_content].strip()

    async def answer(self, runner: Runner, what: str, handler: Callable[[Any], Any], call: plugin_objects.Call) -> Any:
        """What a plugin gives, as plain JSON. Raises Refused."""

        def work() -> Any:
            return handler(call)

        worker = runner.worker
        future = worker.submit(work) if worker is not None else None
        if future is None:
            raise Refused(Code.PLUGIN_FAILED, plugin=runner.stem, reason="it has too much to do")
        wrapped = asyncio.wrap_future(future)
        wrapped.add_done_callback(lambda done: done.cancelled() or done.exception())
        done, _ = await asyncio.wait([wrapped], timeout=CALL_S)
        if not done or future.cancelled():
            raise Refused(Code.PLUGIN_FAILED, plugin=runner.stem, reason="no answer in time")
        error = future.exception()
        if isinstance(error, (Refuse, PluginError)):
            raise Refused(Code.PLUGIN_REFUSED, text=str(error)[:MAX_REASON] or "refused")
        if isinstance(error, Abandoned):
            raise Refused(Code.PLUGIN_FAILED, plugin=runner.stem, reason="it took too long, and was switched off")
        if error is not None:
            runner.failed(what, error)
            raise Refused(Code.PLUGIN_FAILED, plugin=runner.stem, reason="it raised an error, which is in the log")
        try:
            data = msgspec.json.encode(future.result())
        except (TypeError, ValueError) as problem:
            runner.failed(what, problem)
            raise Refused(Code.PLUGIN_FAILED, plugin=runner.stem, reason="its answer is not JSON") from None
        if len(data) > MAX_VALUE_BYTES:
            raise Refused(Code.PLUGIN_FAILED, plugin=runner.stem, reason="its answer is too long")
        return msgspec.json.decode(data)


def _listed(plugin: plugin_api.Plugin[Any], slash: plugin_api.Slash) -> ListedSlashCommand:
    return ListedSlashCommand(
        name=slash.name,
        description=slash.description[:1000],
        options=[
            SlashOption(
                name=option.name,
                description=option.description[:500],
                type=option.type,
                required=option.required,
                choices=option.choices if option.type == "enum" else None,
            )
            for option in slash.options
        ],
        whitelist_roles=list(slash.roles) or None,
        ephemeral=slash.ephemeral,
        registered_by=plugin.name,
    )
