"""settings_get, settings_update: config.json through the server, by the same checks as at the start."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from config.check import nearest
from config.description import Setting, json_schema, settings, to_document
from config.problems import ConfigError, Problem
from config.remote import SECRET, changed_by
from handlers.outcome import Outcome
from handlers.registry import handles
from handlers.server_info import card_changes, checked_name, checked_picture, editing, follow, server_updated
from protocol.errors import Code, Refused
from protocol.settings import (
    SettingEntry,
    SettingProblem,
    SettingsGet,
    SettingsGetReply,
    SettingsUpdate,
    SettingsUpdateReply,
)

if TYPE_CHECKING:
    from config.live import LiveConfig
    from config.schema import Config
    from handlers.context import Context

MAX_VALUE_BYTES = 65_536
"""Of one value, as JSON."""
THE_HOST = "the host of this server, in config.json"
TYPES = {"boolean": "boolean", "integer": "integer", "number": "number", "string": "text", "array": "list"}
BOUNDS = {"minimum": "minimum", "maximum": "maximum", "min_length": "minLength", "max_length": "maxLength"}


@handles(SettingsGet)
async def settings_get(ctx: Context, cmd: SettingsGet) -> Outcome:
    live = ctx.world.live
    problems: list[str] = []
    try:
        wanted: Config | None = await asyncio.to_thread(live.read)
    except ConfigError as error:
        wanted = None
        problems = [_told(problem) for problem in error.problems]
    now = to_document(live.current)
    later = now if wanted is None else to_document(wanted)
    top = json_schema()["properties"]
    sections = {name: [node["title"], node["description"]] for name, node in top.items() if "properties" in node}
    entries = [_entry(live, row, _at(now, row), _at(later, row)) for row in settings()]
    return Outcome(reply=SettingsGetReply(settings=entries, sections=sections, problems=problems))


@handles(SettingsUpdate)
async def settings_update(ctx: Context, cmd: SettingsUpdate) -> Outcome:
    """The file is written before anybody is told; the running settings follow it."""
    if not cmd.changes:
        raise Refused(Code.NO_UPDATES)
    live = ctx.world.live
    rows = {row.name: row for row in settings()}
    async with editing:
        before = live.current
        try:
            if cmd.dry_run:
                return Outcome(reply=await _draft(ctx, rows, cmd.changes))
            changes = {key: _checked(ctx, rows, key, value) for key, value in cmd.changes.items()}
            await asyncio.to_thread(live.update_file, changes)
        except ConfigError as error:
            raise _refusal(error.problems[0], cmd.changes) from None
        except OSError as error:
            raise Refused(Code.SETTINGS_BROKEN, reason=error.strerror or type(error).__name__) from None
        reloaded = live.reload()
    if reloaded.problems:
        raise Refused(Code.SETTINGS_BROKEN, reason=_told(reloaded.problems[0]))
    follow(live, reloaded)
    document, document_before = to_document(live.current), to_document(before)
    changed = [key for key in changes if key in reloaded.changed]
    restart = [key for key in changes if key in reloaded.restart_only]
    shown = {key: _at(document, rows[key]) if key in changed else changes[key] for key in (*changed, *restart)}
    details = {key: value for key, value in shown.items() if key not in SECRET}
    was = {key: _at(document_before, rows[key]) for key in details}
    card = card_changes(before, live.current)
    return Outcome(
        reply=SettingsUpdateReply(dry_run=False, changed=changed, restart=restart, problems=[]),
        events=[server_updated(live.current)] if card else [],
        audit=[ctx.audit("settings_update", None, None, {"changes": was}, changes=details)] if details else [],
    )


async def _draft(ctx: Context, rows: dict[str, Setting], wanted: dict[str, Any]) -> SettingsUpdateReply:
    """Raises ConfigError when the file cannot be read."""
    live, problems = ctx.world.live, []
    changes: dict[str, Any] = {}
    for key, value in wanted.items():
        try:
            changes[key] = _checked(ctx, rows, key, value)
        except Refused as refused:
            problems.append(SettingProblem(key=key, code=refused.code.wire, reason=refused.text))
    for problem in await asyncio.to_thread(live.try_changes, changes):
        problems.append(SettingProblem(key=problem.path, code=Code.BAD_VALUE.wire, reason=problem.message))
    now = to_document(live.current)
    wrong = {problem.key for problem in problems}
    differing = [key for key in changes if key not in wrong and changes[key] != _at(now, rows[key])]
    return SettingsUpdateReply(
        dry_run=True,
        changed=[key for key in differing if not rows[key].needs_restart],
        restart=[key for key in differing if rows[key].needs_restart],
        problems=problems,
    )


def _checked(ctx: Context, rows: dict[str, Setting], key: str, value: Any) -> Any:
    """The value for the file. Raises Refused for what the caller may not change, and for what has rules of its own."""
    row = rows.get(key)
    if row is None:
        meant = nearest(key, list(rows))
        hint = f"; did you mean {meant}?" if meant is not None else ""
        raise Refused(Code.BAD_VALUE, field=f"changes.{key}", reason=f"there is no such setting{hint}")
    who = changed_by(key)
    if who == "host":
        raise Refused(Code.SETTING_FIXED, setting=key, source=THE_HOST)
    if who == "owners" and not ctx.world.access.is_owner(ctx.user):
        raise Refused(Code.PERMISSION_REQUIRED, permission="owner")
    source = ctx.world.live.fixed_by(key)
    if source is not None:  # the file would be written, and nothing would change
        raise Refused(Code.SETTING_FIXED, setting=key, source=source)
    if value is None:
        return row.schema["default"]
    if len(msgspec.json.encode(value)) > MAX_VALUE_BYTES:
        raise Refused(Code.BAD_VALUE, field=f"changes.{key}", reason=f"at most {MAX_VALUE_BYTES} bytes")
    if key == "server.name" and isinstance(value, str):
        return checked_name(value, f"changes.{key}")
    if key in ("server.icon", "server.banner") and isinstance(value, str):
        return checked_picture(value, f"changes.{key}")
    return value


def _refusal(problem: Problem, changes: dict[str, Any]) -> Refused:
    """A problem of one of the changes is the caller's; any other one is the file's."""
    key = next((key for key in changes if problem.path == key or problem.path.startswith((f"{key}.", f"{key}["))), None)
    if key is None:
        return Refused(Code.SETTINGS_BROKEN, reason=_told(problem))
    return Refused(Code.BAD_VALUE, field=f"changes.{key}", reason=problem.message)


def _told(problem: Problem) -> str:
    return ": ".join(filter(None, ("config.json", problem.path, problem.message)))


def _entry(live: LiveConfig, row: Setting, value: Any, later: Any) -> SettingEntry:
    schema, secret = row.schema, row.name in SECRET
    options = schema.get("anyOf", [schema])
    kind = next(option for option in options if option.get("type") != "null")
    both = kind | {key: schema[key] for key in (*BOUNDS.values(), "pattern") if key in schema}
    pattern = both.get("pattern") or both.get("items", {}).get("pattern")
    bounds: dict[str, Any] = {ours: both[theirs] for ours, theirs in BOUNDS.items() if theirs in both}
    return SettingEntry(
        key=row.name,
        title=schema["title"],
        description=schema["description"],
        type="choice" if "enum" in kind else TYPES[kind["type"]],  # type: ignore[arg-type]
        nullable=len(options) > 1,
        choices=kind.get("enum", UNSET),
        pattern=pattern or UNSET,
        unit=schema.get("x-unit", UNSET),
        default=schema["default"],
        value=None if secret else value,
        waiting=later if later != value and not secret else UNSET,
        effect="restart" if row.needs_restart else "live",
        fixed_by=live.fixed_by(row.name),
        changed_by=changed_by(row.name),
        secret=secret,
        **bounds,
    )


def _at(document: dict[str, Any], row: Setting) -> Any:
    value: Any = document
    for key in row.path:
        value = value[key]
    return value
