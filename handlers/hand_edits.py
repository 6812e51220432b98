"""What clients are told after a document was edited by hand: the same as after the equivalent commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from db.channels import Channel, Channels
from db.documents import Change
from db.emojis import Emojis
from db.roles import Roles
from db.users import User, Users
from handlers.audited_edits import notes
from handlers.blocks import blocks_changed
from handlers.channels import mode_events
from handlers.emojis import emoji_events
from handlers.moderation import BANNED_REASON, DELETED_REASON, mute_event
from handlers.outcome import Event
from handlers.presence import name_changed, nickname_event, status_changed, user_entry
from handlers.profile_pictures import picture_event
from handlers.roles import all_roles, gives_sight
from handlers.users import CHANNEL_LIST, renamed, roles_changed
from protocol.audience import Everyone
from protocol.users import UserJoinEvent, UserLeaveEvent

if TYPE_CHECKING:
    from db.audit import AuditEntry
    from handlers.context import World


PASSWORD_REASON = "Your password was changed"


class Effects(msgspec.Struct, frozen=True):
    """closed: (user id, reason) of those to throw out, behind the events. audit: what the moderation log says."""

    events: list[Event]
    audit: list[AuditEntry]
    closed: list[tuple[str, str]]


def effects(world: World, changes: Sequence[Change]) -> Effects:
    """changes: record by record, in order, and already made in memory."""
    events: list[Event] = []
    closed: list[tuple[str, str]] = []
    roles = sight = False
    for change in changes:
        old, new = change.old, change.new
        if change.document == Users.name:
            events += _of_user(world, old, new)
            if old is not None and not old.banned and (new is None or new.banned):
                closed.append((old.id, DELETED_REASON if new is None else BANNED_REASON))
            elif old is not None and new is not None and old.password_hash != new.password_hash:
                closed.append((old.id, PASSWORD_REASON))  # whoever had the old one is not to stay
        elif change.document == Roles.name:
            roles = True
            sight = sight or gives_sight(old, new)
        elif change.document == Channels.name:
            sight = True
            if isinstance(old, Channel) and isinstance(new, Channel):
                events += mode_events(world, old, new, by=None)
        elif change.document == Emojis.name:
            events += emoji_events(old, new)
    if roles:
        events.append(Event(Everyone(), all_roles(world)))
    if sight:
        everybody = Event(Everyone(), CHANNEL_LIST)
        events = [*(event for event in events if event.packet != CHANNEL_LIST), everybody]
    audit = [note for change in changes for note in notes(world, change)]
    return Effects(events=events, audit=audit, closed=closed)


def _of_user(world: World, old: User | None, new: User | None) -> list[Event]:
    """A banned member is one that is not there."""
    before = old if old is not None and not old.banned else None
    after = new if new is not None and not new.banned else None
    if before is None and after is None:
        return []
    if before is None and after is not None:
        return [Event(Everyone(), UserJoinEvent(user=user_entry(world, after))), *name_changed(world, after.id)]
    if before is not None and after is None:
        return [Event(Everyone(), UserLeaveEvent(username=before.username)), *name_changed(world, before.id)]
    assert before is not None
    assert after is not None
    events: list[Event] = []
    if before.username != after.username:
        events += renamed(world, before, after)
    elif before.nickname != after.nickname:
        events += [nickname_event(after), *name_changed(world, after.id)]
    if before.pfp_url != after.pfp_url:
        events.append(picture_event(world, after))
    if before.roles != after.roles:
        events += roles_changed(world, after)
    events += blocks_changed(world, before, after)
    if before.muted_until != after.muted_until:
        events.append(mute_event(after, world.clock()))
    if before.status != after.status and world.fanout.is_online(after.id):
        events += status_changed(world, before, after)
    return events
