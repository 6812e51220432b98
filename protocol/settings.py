"""Settings. What config.json says, for pages of a client where the server is run."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol.base import Command, Packet, spec
from protocol.errors import Code
from protocol.server_info import ServerUpdateEvent

MANAGER = "manage_server"
Bound = Annotated[float, Meta(description="Included.")]


class SettingEntry(Struct, frozen=True, kw_only=True):
    """One setting, with all that a form needs. The table of all settings is docs/settings.md."""

    key: Annotated[str, Meta(description="Such as `limits.post_content`; the part before the first dot is a section.")]
    title: str
    description: str
    type: Literal["boolean", "integer", "number", "text", "choice", "list"]
    nullable: bool
    choices: list[str] | UnsetType = UNSET
    minimum: Bound | UnsetType = UNSET
    maximum: Bound | UnsetType = UNSET
    min_length: int | UnsetType = UNSET
    max_length: int | UnsetType = UNSET
    pattern: Annotated[str, Meta(description="Regular expression for a text, or each text of a list.")] | UnsetType = (
        UNSET
    )
    unit: str | UnsetType = UNSET
    default: Any
    value: Annotated[Any, Meta(description="What counts now; null for a secret one.")]
    waiting: Annotated[Any, Meta(description="What counts after a restart, where that differs.")] | UnsetType = UNSET
    effect: Annotated[Literal["live", "restart"], Meta(description="When a change counts.")]
    fixed_by: Annotated[
        str | None, Meta(description="What gives the value whatever the file says, such as an environment variable.")
    ]
    changed_by: Annotated[
        Literal["managers", "owners", "host"],
        Meta(description="Who may change it; the host does so in the file, and nobody through the server."),
    ]
    secret: Annotated[bool, Meta(description="Its value is never sent.")]


class SettingProblem(Struct, frozen=True, kw_only=True):
    """Why a setting cannot be changed so."""

    key: str
    code: Annotated[str, Meta(description="Of an error: `bad_value`, `setting_fixed`, `permission_required`.")]
    reason: str


class SettingsGetReply(Packet, kw_only=True, frozen=True, tag="settings_get"):
    """All settings, in the order of the file. `sections`: title and description by name."""

    settings: list[SettingEntry]
    sections: dict[str, list[str]]
    problems: Annotated[list[str], Meta(description="What is wrong with the file now; then nothing can be changed.")]


@spec(
    does="Fetch all settings of the server.",
    allowed="server permission `manage_server`",
    needs=MANAGER,
    reply=SettingsGetReply,
)
class SettingsGet(Command, kw_only=True, frozen=True):
    pass


class SettingsUpdateReply(Packet, kw_only=True, frozen=True, tag="settings_update"):
    """What came of it. A draft (`dry_run`) changed nothing, and tells all of its problems."""

    dry_run: bool
    changed: Annotated[list[str], Meta(description="Settings with a new value now.")]
    restart: Annotated[list[str], Meta(description="Settings whose new value waits for a restart.")]
    problems: list[SettingProblem]


@spec(
    does="Change settings in config.json, all or none of them; or only check a draft.",
    allowed="server permission `manage_server`; some settings owners only, some nobody (see `changed_by`)",
    needs=MANAGER,
    reply=SettingsUpdateReply,
    events=(ServerUpdateEvent,),
    errors=(
        Code.NO_UPDATES,
        Code.BAD_VALUE,
        Code.SETTING_FIXED,
        Code.PERMISSION_REQUIRED,
        Code.SETTINGS_BROKEN,
    ),
    example={"changes": {"registration": "invite", "limits.post_content": 4000}, "dry_run": True},
)
class SettingsUpdate(Command, kw_only=True, frozen=True):
    changes: Annotated[
        dict[Annotated[str, Meta(max_length=100)], Any],
        Meta(max_length=200, description="Key to new value; null: the default."),
    ]
    dry_run: Annotated[bool, Meta(description="Only say what would come of it.")] = False
