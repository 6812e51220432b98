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
    before: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """channel: id of the one that it tells of; None for the one that is its target or that `details` name, as long as
    that exists: make it before a channel is removed. before: fields of `details` that changed, as they were."""
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
        details=_bounded(details),
        before=_bounded(before or {}),
        timestamp=world.clock(),
        kept=world.config.modlog.enabled,
    )


MAX_TEXT = 1000
MAX_ITEMS = 200
MAX_DETAILS = 16_384
"""About: characters, and 8 for each value."""
CUT = "…"


def _bounded(details: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON of bounded size: long texts end with `…`, long lists have it as their last item, and what is too much
    altogether is left out behind it."""
    left = MAX_DETAILS

    def cut(value: Any) -> Any:
        nonlocal left
        left -= 8
        if left < 0:
            return CUT
        if isinstance(value, str):
            most = min(MAX_TEXT, left)
            left -= len(value[:most])
            return value if len(value) <= most else value[:most] + CUT
        if isinstance(value, dict):
            found = {}
            for key, inner in value.items():
                if left < 0:
                    break
                found[cut(key)] = cut(inner)
            return found
        if isinstance(value, (list, tuple)):
            items = []
            for item in value[:MAX_ITEMS]:
                if left < 0:
                    break
                items.append(cut(item))
            return items if len(items) == len(value) else [*items, CUT]
        return value

    plain: dict[str, Any] = cut(msgspec.to_builtins(details))
    return plain


def marks_of(channel: Channel, user_id: str) -> dict[str, bool]:
    return {"operator": user_id in channel.operators, "voice": user_id in channel.voices}


def modes(old: Channel, new: Channel) -> dict[str, bool]:
    """Modes that differ, as they are in `new`. Of the key only whether there is one."""
    found: dict[str, bool] = {flag: getattr(new, flag) for flag in FLAGS if getattr(old, flag) != getattr(new, flag)}
    if old.key != new.key:
        found["key"] = new.key is not None
    return found
