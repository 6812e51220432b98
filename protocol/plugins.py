"""Plugins: programs of the host inside the server. What is there, loading it anew, and commands of its own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from protocol.base import Command, Packet, spec
from protocol.errors import Code

PluginName = Annotated[str, Meta(min_length=1, max_length=100, description="Name of its file, without `.py`.")]


class PluginEntry(Struct, frozen=True, kw_only=True):
    """One plugin. `error`: why it does not run, or why the last reload of it failed."""

    name: str
    description: str
    version: Annotated[str, Meta(description="As its author calls it; may be empty.")] = ""
    handles: Annotated[list[str], Meta(description="Names of the events it hears.")]
    enabled: Annotated[bool, Meta(description="By its settings.")]
    running: bool
    failures: Annotated[int, Meta(description="In the last ten minutes.")]
    commands: Annotated[list[str], Meta(description="For `plugin_call`.")] = []
    error: str | None = None
    switchable: Annotated[bool, Meta(description="Whether `plugin_set_enabled` works for it.")] = False
    settings: Annotated[
        dict[str, Any] | None,
        Meta(description="JSON Schema of its settings file; values are not sent. null: it has none."),
    ] = None


class PluginsListReply(Packet, kw_only=True, frozen=True, tag="plugins_list"):
    """Every plugin file that was found, by the name of the file."""

    plugins: dict[str, PluginEntry]


@spec(
    does="List the plugins of the server.",
    allowed="server permission `manage_server`",
    needs="manage_server",
    reply=PluginsListReply,
)
class PluginsList(Command, kw_only=True, frozen=True):
    pass


class PluginsReloadReply(Packet, kw_only=True, frozen=True, tag="plugins_reload"):
    """Loaded anew, and running if its settings say so."""

    val: str


@spec(
    does="Load one plugin, or all and new ones, from their files. One that cannot be loaded runs on as it was.",
    allowed="server permission `manage_server`",
    needs="manage_server",
    reply=PluginsReloadReply,
    errors=(Code.PLUGIN_NOT_RELOADED,),
    example={"plugin": "welcome"},
)
class PluginsReload(Command, kw_only=True, frozen=True):
    plugin: Annotated[PluginName | None, Meta(description="All of them when left out.")] = None


class PluginSetEnabledReply(Packet, kw_only=True, frozen=True, tag="plugin_set_enabled"):
    """The plugin as it is now."""

    plugin: str
    entry: PluginEntry


@spec(
    does="Switch a plugin on or off, in its settings file, which is kept otherwise; it is loaded anew.",
    allowed="owners, and server permission `administrator`",
    needs="administrator",
    reply=PluginSetEnabledReply,
    errors=(Code.PLUGIN_NOT_FOUND, Code.PLUGIN_NOT_SWITCHED, Code.PLUGIN_NOT_RELOADED),
    example={"plugin": "welcome", "enabled": True},
)
class PluginSetEnabled(Command, kw_only=True, frozen=True):
    plugin: PluginName
    enabled: Annotated[bool, Meta(description="Whether it is to run.")]


class PluginSetting(Struct, frozen=True, kw_only=True):
    """One setting of a plugin, with all that a form needs."""

    key: Annotated[str, Meta(description="Such as `raid.joins`; the part before the last dot is a section.")]
    title: str
    description: str
    type: Annotated[
        Literal["boolean", "integer", "number", "text", "choice", "list", "table", "other"],
        Meta(description="`list`: of texts. `table`: text to text. `other`: any JSON that the plugin understands."),
    ]
    nullable: bool
    choices: list[str] | UnsetType = UNSET
    minimum: Annotated[float, Meta(description="Included.")] | UnsetType = UNSET
    maximum: Annotated[float, Meta(description="Included.")] | UnsetType = UNSET
    min_length: Annotated[int, Meta(description="Of a text, or of each in a list or table.")] | UnsetType = UNSET
    max_length: Annotated[int, Meta(description="Of a text, or of each in a list or table.")] | UnsetType = UNSET
    max_items: Annotated[int, Meta(description="Of a list or table.")] | UnsetType = UNSET
    pattern: (
        Annotated[str, Meta(description="Regular expression for a text, or each in a list or table.")] | UnsetType
    ) = UNSET
    unit: str | UnsetType = UNSET
    suggest: (
        Annotated[Literal["channel", "role"], Meta(description="What its texts, or keys of a table, are names of.")]
        | UnsetType
    ) = UNSET
    default: Annotated[Any, Meta(description="null for a secret one.")]
    value: Annotated[
        Any, Meta(description="What counts now. null for a secret one; a secret table has its keys, each with null.")
    ]
    secret: Annotated[bool, Meta(description="Its value is never sent.")]
    is_set: Annotated[bool, Meta(description="Whether a secret one has a value.")] | UnsetType = UNSET


class PluginSettings(Struct, frozen=True, kw_only=True):
    """`sections`: title and description by name."""

    settings: list[PluginSetting]
    sections: dict[str, list[str]]


class PluginSettingsGetReply(Packet, kw_only=True, frozen=True, tag="plugin_settings_get"):
    """All but `enabled`, in the order of the plugin. None where the plugin has no settings, or is not loaded.
    `sections`: title and description by name."""

    plugin: str
    settings: list[PluginSetting]
    sections: dict[str, list[str]]


@spec(
    does="Fetch the settings of a plugin.",
    allowed="owners, and server permission `administrator`",
    needs="administrator",
    reply=PluginSettingsGetReply,
    errors=(Code.PLUGIN_NOT_FOUND,),
    example={"plugin": "welcome"},
)
class PluginSettingsGet(Command, kw_only=True, frozen=True):
    plugin: PluginName


class PluginSettingsChangedEvent(Packet, kw_only=True, frozen=True, tag="plugin_settings_changed"):
    """A plugin has other settings, by `plugin_settings_update` or by an edit of its file. Told to owners, and to
    holders of `administrator`."""

    plugin: str


class PluginSettingsUpdateReply(Packet, kw_only=True, frozen=True, tag="plugin_settings_update"):
    """All settings as they are now; the plugin has them already."""

    plugin: str
    changed: Annotated[list[str], Meta(description="Settings with a new value.")]
    settings: list[PluginSetting]
    sections: dict[str, list[str]]


@spec(
    does="Change settings of a plugin in its settings file, all or none of them.",
    allowed="owners, and server permission `administrator`",
    needs="administrator",
    reply=PluginSettingsUpdateReply,
    events=(PluginSettingsChangedEvent,),
    errors=(Code.PLUGIN_NOT_FOUND, Code.NO_UPDATES, Code.BAD_VALUE, Code.PLUGIN_SETTINGS_NOT_CHANGED),
    example={"plugin": "welcome", "changes": {"channel": "general", "message": "Hello, {username}!"}},
)
class PluginSettingsUpdate(Command, kw_only=True, frozen=True):
    plugin: PluginName
    changes: Annotated[
        dict[Annotated[str, Meta(max_length=200)], Any],
        Meta(
            max_length=200,
            description="Key to new value. null: the default, unless the setting may be null. Tables and lists are "
            "replaced; null for an entry of a secret table leaves that entry as it is.",
        ),
    ]


class PluginCallReply(Packet, kw_only=True, frozen=True, tag="plugin_call"):
    """What the plugin answers."""

    plugin: str
    command: str
    result: Annotated[Any, Meta(description="As the plugin's own page says.")] | UnsetType = UNSET


@spec(
    does="Call a command that a plugin offers.",
    allowed="everybody after login, or the roles that the plugin names",
    limited=True,
    reply=PluginCallReply,
    errors=(Code.PLUGIN_COMMAND_NOT_FOUND, Code.NOT_PERMITTED, Code.PLUGIN_FAILED, Code.PLUGIN_REFUSED, Code.BAD_VALUE),
    example={"plugin": "dice", "command": "roll", "args": {"sides": 6}},
)
class PluginCall(Command, kw_only=True, frozen=True):
    plugin: PluginName
    command: Annotated[str, Meta(min_length=1, max_length=32, description="One of the plugin's commands.")]
    args: Annotated[dict[str, Any], Meta(max_length=100, description="What the plugin asks for.")] = field(
        default_factory=dict
    )
