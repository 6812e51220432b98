"""Reading the moderation log. Entries of channels are left out for those who may not view them, and not counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db.audit import OTHER
from handlers.outcome import Change, Event, Outcome
from handlers.registry import handles
from protocol.audience import Holders
from protocol.errors import Code, Refused
from protocol.modlog import ModlogEntry, ModlogGet, ModlogGetReply, ModlogNewEvent, ModlogSummary, ModlogSummaryReply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from config.schema import Config
    from db.audit import AuditEntry
    from db.transaction import Transaction
    from db.users import User
    from handlers.context import Context, World

DAY_S = 86_400
READERS = ("view_audit_log", "manage_users")
"""Permissions; each is enough."""
MOST_TOLD = 50
"""New entries in one event."""


def oldest_kept(config: Config, now: float) -> dict[str, float]:
    """Category -> unix seconds before which its entries do not count any more."""
    days = config.modlog.retention
    named = {name: getattr(days, name) for name in days.__struct_fields__ if name != "default"}
    return {name: now - kept * DAY_S for name, kept in {**named, OTHER: days.default}.items()}


def readable_channels(world: World, user: User) -> frozenset[str] | None:
    """Ids of the channels of whose entries the user may know; None for all that ever were."""
    if world.access.passes_everything(user):
        return None
    return frozenset(channel.id for channel in world.channels if world.access.may(user, channel, "view"))


def entry_object(entry: AuditEntry) -> ModlogEntry:
    return ModlogEntry(
        id=entry.id,
        action=entry.action,
        category=entry.category,
        actor_id=entry.actor_id,
        actor_name=entry.actor_name,
        target_id=entry.target_id,
        target_name=entry.target_name,
        details=entry.details,
        before=entry.before,
        timestamp=entry.timestamp,
    )


def news(entries: Sequence[AuditEntry]) -> list[Event]:
    """What readers of the log are told of new entries, which are in order: one event for each channel that some of them
    tell of, and one for all others."""
    kept: dict[str | None, list[AuditEntry]] = {}
    for entry in entries:
        if entry.kept:
            kept.setdefault(entry.channel, []).append(entry)
    return [
        Event(
            Holders(READERS, channel=channel),
            ModlogNewEvent(entries=[entry_object(entry) for entry in found[: -MOST_TOLD - 1 : -1]], count=len(found)),
        )
        for channel, found in kept.items()
    ]


@handles(ModlogGet)
def modlog_get(ctx: Context, cmd: ModlogGet) -> Change:
    _require_reader(ctx)
    world = ctx.world
    oldest, channels = oldest_kept(world.config, ctx.now), readable_channels(world, ctx.user)
    actor, target = _id_of(world, cmd.actor), _id_of(world, cmd.target)

    def change(tx: Transaction) -> Outcome:
        found, total = tx.audit.find(
            oldest=oldest,
            channels=channels,
            limit=cmd.limit,
            offset=cmd.offset,
            after=cmd.after,
            category=cmd.category,
            actor=actor,
            target=target,
            action=cmd.action,
        )
        entries = [entry_object(entry) for entry in found]
        return Outcome(reply=ModlogGetReply(entries=entries, total=total, offset=cmd.offset, limit=cmd.limit))

    return change


@handles(ModlogSummary)
def modlog_summary(ctx: Context, cmd: ModlogSummary) -> Change:
    _require_reader(ctx)
    oldest, channels = oldest_kept(ctx.world.config, ctx.now), readable_channels(ctx.world, ctx.user)

    def change(tx: Transaction) -> Outcome:
        counts, total = tx.audit.summary(oldest, channels)
        totals: dict[str, int] = {}
        for (category, _), count in counts.items():
            totals[category] = totals.get(category, 0) + count
        named = {f"{category}.{action}": count for (category, action), count in counts.items()}
        return Outcome(reply=ModlogSummaryReply(action_counts=named, category_totals=totals, total=total))

    return change


def _require_reader(ctx: Context) -> None:
    if not any(ctx.world.access.can(ctx.user, permission) for permission in READERS):
        raise Refused(Code.AUDIT_PERMISSION_REQUIRED)


def _id_of(world: World, text: str | None) -> str | None:
    """The id of the user that a text names; any other text as it is: the id of something, or of who is gone."""
    user = world.users.find(text) if text is not None else None
    return text if user is None else user.id
