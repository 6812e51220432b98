"""What the moderation log says of a document edited by hand: what the equivalent commands would say."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from db.channels import Channel, Channels
from db.documents import Order
from db.emojis import Emoji, Emojis
from db.roles import Role, Roles
from db.users import User, Users
from handlers.audit import entry, marks_of, modes
from handlers.channels import channel_changes
from handlers.emojis import emoji_changes
from handlers.roles import role_changes
from handlers.users import name_changes

if TYPE_CHECKING:
    from db.audit import AuditEntry
    from db.documents import Change
    from handlers.context import World


def notes(world: World, change: Change) -> list[AuditEntry]:
    """change: made in memory already."""
    old, new = change.old, change.new
    if change.document == Users.name:
        return _of_user(world, old, new)
    if change.document == Roles.name:
        return _of_role(world, old, new)
    if change.document == Channels.name:
        if isinstance(old, Order) or isinstance(new, Order):
            return _of_order(world, old, new)
        return _of_channel(world, old, new)
    if change.document == Emojis.name:
        return _of_emoji(world, old, new)
    return []


def _of_user(world: World, old: User | None, new: User | None) -> list[AuditEntry]:
    if old is None:
        return []  # no command adds a member
    if new is None:
        return [entry(world, "user_delete", old.id, old.username)]
    found: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
    if old.banned != new.banned:
        found.append(("user_ban" if new.banned else "user_unban", {}, {}))
    if old.username != new.username or old.nickname != new.nickname:
        found.append(("user_update", name_changes(old, new), name_changes(new, old)))
    if old.roles != new.roles:
        found.append(("user_roles_set", {"roles": new.roles}, {"roles": old.roles}))
    if old.muted_until != new.muted_until:
        was, is_ = (max(0, round((user.muted_until or 0.0) - world.clock())) for user in (old, new))
        found.append(("user_timeout", {"timeout": is_}, {"timeout": was} if was else {}))
    return [entry(world, action, new.id, old.username, details, before=before) for action, details, before in found]


def _of_role(world: World, old: Role | None, new: Role | None) -> list[AuditEntry]:
    if new is None:
        return [] if old is None else [entry(world, "role_delete", old.id, old.name)]
    if old is None:
        details = {"color": new.color, "permissions": list(new.permissions)}
        return [entry(world, "role_create", new.id, new.name, details)]
    changed = role_changes(old, new)
    before = role_changes(new, old)
    return [entry(world, "role_update", new.id, new.name, changed, before=before)] if changed else []


def _of_channel(world: World, old: Channel | None, new: Channel | None) -> list[AuditEntry]:
    if new is None:
        return [] if old is None else [entry(world, "channel_delete", old.id, old.name, channel=old.id)]
    if old is None:
        return [entry(world, "channel_create", new.id, new.name, {"type": new.type})]
    found = []
    changed = channel_changes(old, new)
    if changed:
        before = channel_changes(new, old)
        found.append(entry(world, "channel_update", new.id, old.name, changed, before=before))
    if modes(old, new):
        found.append(entry(world, "channel_modes_set", new.id, new.name, modes(old, new), before=modes(new, old)))
    for user_id in sorted({*old.operators} ^ {*new.operators} | {*old.voices} ^ {*new.voices}):
        marks = marks_of(new, user_id)
        differing = {name: mark for name, mark in marks_of(old, user_id).items() if mark != marks[name]}
        details, name = {"channel": new.name, **marks}, world.users.username_of(user_id)
        found.append(entry(world, "channel_member_set", user_id, name, details, before=differing))
    return found


def _of_emoji(world: World, old: Emoji | None, new: Emoji | None) -> list[AuditEntry]:
    if new is None:
        return [] if old is None else [entry(world, "emoji_delete", old.id, old.name)]
    if old is None:
        return [entry(world, "emoji_add", new.id, new.name)]
    found: dict[str, Any] = dict(emoji_changes(old, new))
    before = emoji_changes(new, old)
    if old.file_name != new.file_name:
        found["image"] = True
    return [entry(world, "emoji_update", new.id, new.name, found, before=before)] if found else []


def _of_order(world: World, old: Order | None, new: Order | None) -> list[AuditEntry]:
    before, after = (() if order is None else order.keys for order in (old, new))
    common = [id_ for id_ in after if id_ in set(before)]
    stayed = SequenceMatcher(None, [id_ for id_ in before if id_ in set(common)], common, autojunk=False)
    moved = set(common)
    for block in stayed.get_matching_blocks():
        moved -= set(common[block.b : block.b + block.size])
    found = []
    for id_ in common:
        channel = world.channels.get(id_)
        if id_ in moved and channel is not None:
            found.append(
                entry(
                    world,
                    "channel_move",
                    id_,
                    channel.name,
                    {"position": after.index(id_)},
                    before={"position": before.index(id_)},
                )
            )
    return found
