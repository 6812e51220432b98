"""Commands about plugins: what there is, loading, switching, settings, calls. Who carries them out is above us."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from handlers.outcome import Outcome
from handlers.registry import handles
from protocol.errors import Code, Refused
from protocol.plugins import (
    PluginCall,
    PluginCallReply,
    PluginEntry,
    PluginSetEnabled,
    PluginSetEnabledReply,
    PluginSettings,
    PluginSettingsGet,
    PluginSettingsGetReply,
    PluginSettingsUpdate,
    PluginSettingsUpdateReply,
    PluginsList,
    PluginsListReply,
    PluginsReload,
    PluginsReloadReply,
)

if TYPE_CHECKING:
    from db.users import User
    from handlers.context import Context
    from protocol.slash_commands import ListedSlashCommand


class Plugins(Protocol):
    """Who runs plugins."""

    def entries(self) -> dict[str, PluginEntry]: ...

    async def reload(self, plugin: str | None) -> None:
        """Raises Refused when one cannot be loaded."""

    async def set_enabled(self, plugin: str, enabled: bool) -> PluginEntry:
        """Raises Refused."""

    def settings(self, plugin: str) -> PluginSettings:
        """Raises Refused."""

    async def update_settings(self, plugin: str, changes: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        """All of them or none; gives the old and new value of each that is another now, None for both of a secret one.
        Raises Refused."""

    def slash_commands(self) -> dict[str, ListedSlashCommand]:
        """Those of plugins that run, by name in lower case."""

    async def slash(self, user: User, name: str, channel: str, args: dict[str, Any]) -> str:
        """Call one with checked arguments; gives the text of the answer, which may be empty. Raises Refused."""

    async def call(self, user: User, plugin: str, command: str, args: dict[str, Any]) -> Any:
        """The answer, which is JSON of bounded size. Raises Refused."""


@handles(PluginsList)
def plugins_list(ctx: Context, cmd: PluginsList) -> Outcome:
    plugins = ctx.world.plugins
    return Outcome(reply=PluginsListReply(plugins={} if plugins is None else plugins.entries()))


@handles(PluginsReload)
async def plugins_reload(ctx: Context, cmd: PluginsReload) -> Outcome:
    entry = ctx.audit("plugins_reload", None, cmd.plugin or "all", plugin=cmd.plugin or "all")
    if ctx.world.plugins is None:
        raise Refused(Code.PLUGIN_NOT_RELOADED, plugin=cmd.plugin or "all", reason="plugins are switched off")
    await ctx.world.plugins.reload(cmd.plugin)
    val = f"Plugin '{cmd.plugin}' reloaded successfully" if cmd.plugin else "All plugins reloaded successfully"
    return Outcome(reply=PluginsReloadReply(val=val), audit=[entry])


@handles(PluginSetEnabled)
async def plugin_set_enabled(ctx: Context, cmd: PluginSetEnabled) -> Outcome:
    noted = ctx.audit("plugin_set_enabled", None, cmd.plugin, plugin=cmd.plugin, enabled=cmd.enabled)
    entry = await _plugins(ctx).set_enabled(cmd.plugin, cmd.enabled)
    return Outcome(reply=PluginSetEnabledReply(plugin=cmd.plugin, entry=entry), audit=[noted])


@handles(PluginSettingsGet)
def plugin_settings_get(ctx: Context, cmd: PluginSettingsGet) -> Outcome:
    found = _plugins(ctx).settings(cmd.plugin)
    return Outcome(reply=PluginSettingsGetReply(plugin=cmd.plugin, settings=found.settings, sections=found.sections))


@handles(PluginSettingsUpdate)
async def plugin_settings_update(ctx: Context, cmd: PluginSettingsUpdate) -> Outcome:
    if not cmd.changes:
        raise Refused(Code.NO_UPDATES)
    plugins = _plugins(ctx)
    found = await plugins.update_settings(cmd.plugin, cmd.changes)
    told = {key: values for key, values in found.items() if values != (None, None)}
    secrets = [key for key in found if key not in told]
    noted = ctx.audit(
        "plugin_settings_update",
        None,
        cmd.plugin,
        {"changes": {key: old for key, (old, _) in told.items()}},
        plugin=cmd.plugin,
        changes={key: new for key, (_, new) in told.items()},
        **({"secrets": secrets} if secrets else {}),
    )
    now = plugins.settings(cmd.plugin)
    reply = PluginSettingsUpdateReply(
        plugin=cmd.plugin, changed=list(found), settings=now.settings, sections=now.sections
    )
    return Outcome(reply=reply, audit=[noted] if found else [])


def _plugins(ctx: Context) -> Plugins:
    if ctx.world.plugins is None:
        raise Refused(Code.PLUGIN_NOT_FOUND)
    return ctx.world.plugins


@handles(PluginCall)
async def plugin_call(ctx: Context, cmd: PluginCall) -> Outcome:
    if ctx.world.plugins is None:
        raise Refused(Code.PLUGIN_COMMAND_NOT_FOUND)
    result = await ctx.world.plugins.call(ctx.user, cmd.plugin, cmd.command, cmd.args)
    return Outcome(reply=PluginCallReply(plugin=cmd.plugin, command=cmd.command, result=result))
