"""Entries of the moderation log, as commands and hand edits write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from db.audit import AuditEntry
from db.channels import FLAGS, Channel

if TYPE_CHECKING:
    from handlers.context import World

ON_DISK = "on disk"
"""Name of the actor, who has no id, of what was edited by hand."""


def entry(
    world: World,
    action: str,
    target_id: str | None = None,
    target_name: str | None = None,
    details: Mapping[str, Any] | None = None,
    *,
    actor_id: str = "",
    actor_name: str = ON_DISK,
    channel: str | None = None,
) -> AuditEntry:
    """channel: id of the one that it tells of; None for the one that is its target or that `details` name, as long as
    that exists: make it before a channel is removed."""
    details = dict(details or {})
    if channel is None and target_id is not None and target_id in world.channels:
        channel = target_id
    if channel is None and isinstance(details.get("channel"), str):
        named = world.channels.by_name(details["channel"])
        channel = None if named is None else named.id
    return AuditEntry(
        id=world.new_id(),
        action=action,
        actor_id=actor_id,
        actor_name=actor_name,
        target_id=target_id,
        target_name=target_name,
        channel=channel,
        details=details,
        timestamp=world.clock(),
        kept=world.config.modlog.enabled,
    )


MAX_TEXT = 300
MAX_ITEMS = 30
MAX_VALUE_BYTES = 4_096
MAX_CHANGES_BYTES = 32_768
CUT = "…"


def differences(pairs: Mapping[str, tuple[Any, Any]]) -> dict[str, dict[str, Any]]:
    """Field -> `{"old": ..., "new": ...}` for those whose values differ. Long texts end with `…`, long lists have it as
    their last item, and it stands for a value that is too much altogether."""
    found: dict[str, dict[str, Any]] = {}
    left = MAX_CHANGES_BYTES
    for name, (old, new) in pairs.items():
        if old != new:
            found[name] = {"old": _bounded(old), "new": _bounded(new)} if left > 0 else {"old": CUT, "new": CUT}
            left -= len(msgspec.json.encode(found[name]))
    return found


def _bounded(value: Any) -> Any:
    plain = _cut(msgspec.to_builtins(value, order="sorted"))
    return plain if len(msgspec.json.encode(plain)) <= MAX_VALUE_BYTES else CUT


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else value[:MAX_TEXT] + CUT
    if isinstance(value, dict):
        return {_cut(key): _cut(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cut(item) for item in value[:MAX_ITEMS]] + ([CUT] if len(value) > MAX_ITEMS else [])
    return value


def modes(old: Channel, new: Channel) -> dict[str, bool]:
    """Modes that differ, as they are now. Of the key only whether there is one."""
    found: dict[str, bool] = {flag: getattr(new, flag) for flag in FLAGS if getattr(old, flag) != getattr(new, flag)}
    if old.key != new.key:
        found["key"] = new.key is not None
    return found
