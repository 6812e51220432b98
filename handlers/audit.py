"""Entries of the moderation log, as commands and hand edits write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

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


def modes(old: Channel, new: Channel) -> dict[str, bool]:
    """Modes that differ, as they are now. Of the key only whether there is one."""
    found: dict[str, bool] = {flag: getattr(new, flag) for flag in FLAGS if getattr(old, flag) != getattr(new, flag)}
    if old.key != new.key:
        found["key"] = new.key is not None
    return found
