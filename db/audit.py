"""The moderation log: who did what to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Row, Select, and_, case, func, or_, select

from db.schema import modlog

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from db.group import Group

CATEGORIES: dict[str, tuple[str, ...]] = {
    "user_moderation": (
        "user_ban",
        "user_unban",
        "user_timeout",
        "user_roles_set",
        "user_update",
        "user_delete",
        "user_export",
        "channel_kick",
        "access_token_create",
        "password_reset",
    ),
    "role_management": (
        "role_create",
        "role_update",
        "role_delete",
        "role_reorder",
        "role_permissions_set",
        "self_role_add",
        "self_role_remove",
    ),
    "channel_management": (
        "channel_create",
        "channel_update",
        "channel_move",
        "channel_delete",
        "channel_modes_set",
        "channel_member_set",
    ),
    "message_moderation": ("message_delete", "message_pin", "message_unpin", "poll_end", "attachment_delete"),
    "server_management": (
        "server_update",
        "settings_update",
        "backup_create",
        "emoji_add",
        "emoji_update",
        "emoji_delete",
        "webhook_create",
        "webhook_update",
        "webhook_delete",
        "webhook_regenerate",
        "invite_create",
        "invite_delete",
        "plugins_reload",
        "plugin_set_enabled",
        "plugin_settings_update",
        "rate_limit_reset",
        "claim_owner",
    ),
}
"""What belongs to which category; every other action is `other`. Upstream's table, and actions of our own."""

OTHER = "other"
SUMMARY_ENTRIES = 10_000
DELETE_BATCH = 1_000

_CATEGORY = {action: category for category, actions in CATEGORIES.items() for action in actions}
_INSERT = modlog.insert()


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One action. target: a user, role, channel, message, emoji or webhook; None for what has none. channel: id of the
    channel that it tells of, for only those who may view it read the entry. before: fields of `details` as they were,
    where they changed. timestamp: unix seconds. kept: False where
    the log is switched off: observers hear of it, and it is not stored."""

    id: str
    action: str
    actor_id: str
    actor_name: str
    target_id: str | None = None
    target_name: str | None = None
    channel: str | None = None
    details: dict[str, Any] = {}
    before: dict[str, Any] = {}
    timestamp: float
    kept: bool = True

    @property
    def category(self) -> str:
        return _CATEGORY.get(self.action, OTHER)


class Audit:
    """`tx.audit`."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def add(self, entry: AuditEntry) -> None:
        if not entry.kept:
            return
        values = {
            "id": entry.id,
            "timestamp": entry.timestamp,
            "category": entry.category,
            "action": entry.action,
            "actor_id": entry.actor_id,
            "actor_name": entry.actor_name,
            "target_id": entry.target_id,
            "target_name": entry.target_name,
            "channel": entry.channel,
            "details": msgspec.json.encode(entry.details).decode(),
            "before": msgspec.json.encode(entry.before).decode() if entry.before else None,
        }
        self._group.connection.execute(_INSERT, values)

    def find(
        self,
        *,
        oldest: Mapping[str, float],
        channels: Collection[str] | None = None,
        limit: int,
        offset: int = 0,
        after: float | None = None,
        category: str | None = None,
        actor: str | None = None,
        target: str | None = None,
        action: str | None = None,
    ) -> tuple[list[AuditEntry], int]:
        """Entries that pass every filter, newest first, and how many there are in all. oldest: category -> unix seconds
        before which entries do not count any more; every category, `other` too, is in it.
        channels: ids of those of which the reader may know, None for all. after: strictly newer."""
        wanted = [_kept(oldest), *_readable(channels)]
        for column, value in (
            (modlog.c.category, category),
            (modlog.c.actor_id, actor),
            (modlog.c.target_id, target),
            (modlog.c.action, action),
        ):
            if value is not None:
                wanted.append(column == value)
        if after is not None:
            wanted.append(modlog.c.timestamp > after)
        found: Select[Any] = select(modlog).where(*wanted).order_by(modlog.c.n.desc()).limit(limit).offset(offset)
        total = self._group.connection.execute(select(func.count()).select_from(modlog).where(*wanted)).scalar_one()
        return [_read(row) for row in self._group.connection.execute(found)], total

    def summary(
        self, oldest: Mapping[str, float], channels: Collection[str] | None = None
    ) -> tuple[dict[tuple[str, str], int], int]:
        """(category, action) -> how many of the newest 10 000 entries, and how many entries there are in all."""
        kept = and_(_kept(oldest), *_readable(channels))
        newest = select(modlog.c.category, modlog.c.action).where(kept).order_by(modlog.c.n.desc())
        recent = newest.limit(SUMMARY_ENTRIES).subquery()
        counted = select(recent.c.category, recent.c.action, func.count()).group_by(recent.c.category, recent.c.action)
        total = self._group.connection.execute(select(func.count()).select_from(modlog).where(kept)).scalar_one()
        rows = self._group.connection.execute(counted).all()
        return {(category, action): count for category, action, count in rows}, total

    def prune(self, oldest: Mapping[str, float]) -> int:
        """Delete up to a thousand entries of each category that do not count any more; gives how many."""
        pruned = 0
        for category, since in oldest.items():
            gone = select(modlog.c.n).where(modlog.c.category == category, modlog.c.timestamp < since)
            batch = modlog.delete().where(modlog.c.n.in_(gone.limit(DELETE_BATCH)))
            pruned += self._group.connection.execute(batch).rowcount
        return pruned


def _kept(oldest: Mapping[str, float]) -> Any:
    """Not a condition for each category: the database would gather and sort what each of them finds."""
    return modlog.c.timestamp >= case(dict(oldest), value=modlog.c.category, else_=0.0)


def _readable(channels: Collection[str] | None) -> list[Any]:
    return [] if channels is None else [or_(modlog.c.channel.is_(None), modlog.c.channel.in_(channels))]


def _read(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        action=row.action,
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        target_id=row.target_id,
        target_name=row.target_name,
        channel=row.channel,
        details=msgspec.json.decode(row.details),
        before={} if row.before is None else msgspec.json.decode(row.before),
        timestamp=row.timestamp,
    )
