"""Channels: the list as each member sees it, and its changes."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
from msgspec import UNSET, UnsetType

from db.channels import FLAGS, USER_LISTS, Channel
from db.permissions import DEFAULT_RULES
from handlers import wire
from handlers.asset_pictures import channel_icon_url
from handlers.directs import direct_objects
from handlers.names import checked_channel_name
from handlers.outcome import Change, Event, Outcome
from handlers.registry import handles, view
from handlers.users import CHANNEL_LIST
from handlers.voice_rooms import voice_state
from protocol import objects_community as objects
from protocol.audience import Everyone, Viewers
from protocol.channel_members import ChannelMemberEvent, ChannelModes, ChannelModesEvent
from protocol.channels import (
    ChannelCreate,
    ChannelCreateReply,
    ChannelDelete,
    ChannelDeleteReply,
    ChannelIconUpload,
    ChannelIconUploadReply,
    ChannelMove,
    ChannelMoveReply,
    ChannelsGet,
    ChannelsGetEvent,
    ChannelTopicEvent,
    ChannelUpdate,
    ChannelUpdateReply,
    ChannelUpdates,
)
from protocol.errors import Code, Refused

if TYPE_CHECKING:
    from db.transaction import Transaction
    from db.users import User
    from handlers.context import Context, World

COMPUTED = frozenset({"id", "operator", "voice", "last_message", "last_message_id", "voice_state", "threads"})
"""Keys of a channel on the wire that nobody sets."""
ELSEWHERE = frozenset({*FLAGS, *USER_LISTS, "key", "created_by"})
"""Keys of the record that other commands set, or none."""
MAX_EXTRA_BYTES = 16_384
T = TypeVar("T")


def channel_object(world: World, channel: Channel, viewer: User) -> objects.Channel:
    text, forum = channel.type == "text", channel.type == "forum"
    head = world.store.heads.get(channel.id) if text else None
    known = objects.Channel(
        id=channel.id,
        name=channel.name,
        type=channel.type,
        display_name=_or_unset(channel.display_name),
        description=_or_unset(channel.description),
        icon=_or_unset(channel_icon_url(world.config, channel)),
        wallpaper=_or_unset(channel.wallpaper),
        size=_or_unset(channel.size),
        invite_only=channel.invite_only or UNSET,
        secret=channel.secret or UNSET,
        moderated=channel.moderated or UNSET,
        topic_locked=channel.topic_locked or UNSET,
        members_only=channel.members_only or UNSET,
        key=channel.key is not None or UNSET,
        operator=viewer.id in channel.operators or UNSET,
        voice=viewer.id in channel.voices or UNSET,
        max_history=_or_unset(channel.max_history),
        permissions={key: list(rule) for key, rule in channel.permissions.items()},
        last_message=(head.timestamp if head else None) if text else UNSET,
        last_message_id=(head.id if head else None) if text else UNSET,
        voice_state=voice_state(world, channel.id) if channel.type == "voice" else UNSET,
        threads=[wire.thread(world, each, channel) for each in world.threads.of_channel(channel.id)]
        if forum
        else UNSET,
    )
    if not channel.extra:
        return known
    # further keys of the admin's travel along: an object with any keys, which only the encoder ever sees
    return cast("objects.Channel", {**channel.extra, **msgspec.to_builtins(known)})


def _or_unset(value: T | None) -> T | UnsetType:
    return UNSET if value is None else value


def viewer_key(world: World, user: User) -> Hashable:
    """What the list depends on: the roles, the channels that the user is let into by name or has marks in, and the user
    itself where it has direct channels."""
    joined = (world.channels.get(id_) for id_ in world.memberships.of_user(user.id))
    restricted = frozenset(channel.id for channel in joined if channel is not None and channel.restricted)
    directs = user.id if world.directs.of_user(user.id) else None
    return user.roles, directs, restricted, world.channels.marks_of(user.id)


@view("channels_get", viewer_key)
def channel_list(world: World, user: User) -> ChannelsGetEvent:
    """Depends on nothing of the user but its `viewer_key`. Direct channels come last."""
    visible = [channel for channel in world.channels.values() if world.access.may(user, channel, "view")]
    return ChannelsGetEvent(
        val=[*(channel_object(world, channel, user) for channel in visible), *direct_objects(world, user)]
    )


@handles(ChannelsGet)
def channels_get(ctx: Context, cmd: ChannelsGet) -> Outcome:
    return Outcome(reply=CHANNEL_LIST)


def find_managed(world: World, name: str) -> Channel:
    """By name, else without regard to case where that is unambiguous."""
    channel = world.channels.by_name(name)
    if channel is None:
        same = [each for each in world.channels.values() if each.name.casefold() == name.casefold()]
        channel = same[0] if len(same) == 1 else None
    if channel is None:
        raise Refused(Code.CHANNEL_NOT_FOUND)
    return channel


def _check_free(world: World, name: str) -> None:
    if world.channels.by_name(name) is not None or world.directs.by_name(name) is not None:
        raise Refused(Code.CHANNEL_EXISTS)


def rules_of(given: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """Without empty lists and doubles."""
    return {key: tuple(dict.fromkeys(rule)) for key, rule in given.items() if rule}


def default_rules() -> dict[str, tuple[str, ...]]:
    """What a channel without rules means, written out so that it can be edited."""
    return {str(key): rule for key, rule in DEFAULT_RULES.items()}


def _told() -> list[Event]:
    return [Event(Everyone(), CHANNEL_LIST)]


def mode_events(world: World, old: Channel, new: Channel, by: str | None) -> list[Event]:
    """What the viewers of a channel are told, besides the list, when its topic, modes or marks have changed.

    by: username of who did it; None for an edit by hand.
    """
    events: list[Event] = []
    viewers = Viewers(new.id)
    if old.description != new.description:
        events.append(Event(viewers, ChannelTopicEvent(channel=new.name, topic=new.description or "", by=by)))
    modes: dict[str, bool | UnsetType] = {
        name: getattr(new, name) for name in FLAGS if getattr(old, name) != getattr(new, name)
    }
    if old.key != new.key:
        modes["key"] = new.key is not None
    if modes:
        events.append(Event(viewers, ChannelModesEvent(channel=new.name, set=ChannelModes(**modes), by=by)))
    changed = {*old.operators} ^ {*new.operators} | {*old.voices} ^ {*new.voices}
    for user_id in sorted(changed):
        packet = ChannelMemberEvent(
            channel=new.name,
            user=world.users.username_of(user_id),
            operator=user_id in new.operators,
            voice=user_id in new.voices,
            by=by,
        )
        events.append(Event(viewers, packet))
    return events


@handles(ChannelCreate)
def channel_create(ctx: Context, cmd: ChannelCreate) -> Outcome:
    world = ctx.world
    name = checked_channel_name(cmd.name, cmd.type)
    _check_free(world, name)
    if cmd.size is not None and cmd.type != "separator":
        raise Refused(Code.BAD_VALUE, field="channel_create.size", reason="only separators have a size")
    channel = Channel(
        id=world.new_id(),
        name=name,
        type=cmd.type,
        description=cmd.description,
        display_name=cmd.display_name,
        size=cmd.size,
        permissions=default_rules() if cmd.permissions is None else rules_of(cmd.permissions),
    )
    world.channels.put(channel)
    world.channels.move(channel.id, len(world.channels))
    reply = ChannelCreateReply(channel=channel_object(world, channel, ctx.user), created=True)
    entry = ctx.audit("channel_create", channel.id, channel.name, type=channel.type)
    return Outcome(reply=reply, events=_told(), audit=[entry])


@handles(ChannelUpdate)
def channel_update(ctx: Context, cmd: ChannelUpdate) -> Outcome:
    world, old = ctx.world, find_managed(ctx.world, cmd.current_name)
    new = _updated(world, old, cmd.updates)
    reply = ChannelUpdateReply(channel=channel_object(world, new, ctx.user), current_name=old.name, updated=True)
    if _same(old, new):
        return Outcome(reply=reply)
    world.channels.put(new)
    events = [*mode_events(world, old, new, ctx.user.username), *_told()]
    before, after = channel_changes(new, old), channel_changes(old, new)
    audit = [ctx.audit("channel_update", old.id, old.name, before, **after)]
    return Outcome(reply=reply, events=events, audit=audit, after=lambda: discard_icon(world, old.icon))


@handles(ChannelIconUpload)
async def channel_icon_upload(ctx: Context, cmd: ChannelIconUpload) -> Outcome:
    """The picture is on disk before the record, and the earlier one goes after it."""
    world = ctx.world
    find_managed(world, cmd.channel)
    file_name = await world.asset_pictures.store(cmd.image, "channel", "channel_icon_upload.image")
    try:  # while the picture was written, everything may have changed
        if not ctx.visitor.present or not world.access.can(ctx.user, "manage_channels"):
            raise Refused(Code.PERMISSION_REQUIRED, permission="manage_channels")
        old = find_managed(world, cmd.channel)
    except Refused:
        world.asset_pictures.discard(file_name)
        raise
    new = msgspec.structs.replace(old, icon=file_name)
    world.channels.put(new)
    reply = ChannelIconUploadReply(channel=new.name, icon=channel_icon_url(world.config, new) or "")
    audit = [ctx.audit("channel_update", old.id, old.name, {"icon": old.icon}, icon=file_name)]
    return Outcome(reply=reply, events=_told(), audit=audit, after=lambda: discard_icon(world, old.icon))


def channel_changes(old: Channel, new: Channel) -> dict[str, Any]:
    """Fields of `channel_update` that differ, as they are in `new`; None where it has none."""
    one, other = (
        {name: getattr(channel, name) for name in ChannelUpdates.__struct_fields__} | channel.extra
        for channel in (old, new)
    )
    return {name: other.get(name) for name in {**one, **other} if _as_json(one.get(name)) != _as_json(other.get(name))}


def discard_icon(world: World, icon: str | None) -> None:
    """Two records that were made by hand may share a picture."""
    if icon is not None and all(channel.icon != icon for channel in world.channels):
        world.asset_pictures.discard(icon)


def _same(old: Channel, new: Channel) -> bool:
    return _as_json(old) == _as_json(new)


def _as_json(value: Any) -> bytes:
    """For comparing: to Python, 1 is the same as true."""
    return msgspec.json.encode(value, order="deterministic")


def _updated(world: World, old: Channel, given: dict[str, Any]) -> Channel:
    if not given:
        raise Refused(Code.NO_UPDATES)
    for key in given:
        if key in COMPUTED or key in ELSEWHERE:
            raise Refused(Code.BAD_VALUE, field=f"channel_update.updates.{key}", reason="cannot be set")
    try:
        updates = msgspec.convert(given, ChannelUpdates)
    except msgspec.ValidationError as error:
        reason, _, where = str(error).partition(" - at `$")
        field = f"channel_update.updates{where.rstrip('`')}"
        raise Refused(Code.BAD_VALUE, field=field, reason=reason) from None
    known = {key: value for key in updates.__struct_fields__ if (value := getattr(updates, key)) is not UNSET}
    if known.get("icon") and known["icon"] == channel_icon_url(world.config, old):
        known["icon"] = old.icon  # as it was told, of a picture of ours
    if "permissions" in known:
        known["permissions"] = rules_of(known["permissions"])
    if "name" in known:
        known["name"] = checked_channel_name(known["name"], known.get("type", old.type))
        if known["name"] != old.name:
            _check_free(world, known["name"])
    return msgspec.structs.replace(old, **known, extra=_extra(old, given))


def _extra(old: Channel, given: dict[str, Any]) -> dict[str, Any]:
    """The keys that the server does not know: kept, replaced, and removed by null."""
    unknown = {key: value for key, value in given.items() if key not in ChannelUpdates.__struct_fields__}
    extra = {key: value for key, value in {**old.extra, **unknown}.items() if value is not None}
    if unknown and len(msgspec.json.encode(extra)) > MAX_EXTRA_BYTES:
        raise Refused(Code.BAD_VALUE, field="channel_update.updates", reason=f"more than {MAX_EXTRA_BYTES} bytes")
    return extra


@handles(ChannelMove)
def channel_move(ctx: Context, cmd: ChannelMove) -> Outcome:
    world, user, channel = ctx.world, ctx.user, find_managed(ctx.world, cmd.name)
    viewed = (each for each in world.channels.values() if each is channel or world.access.may(user, each, "view"))
    seen = [each.id for each in viewed]
    others = [id_ for id_ in seen if id_ != channel.id]
    position = min(cmd.position, len(others))
    reply = ChannelMoveReply(name=channel.name, position=position, moved=True)
    if position == seen.index(channel.id):
        return Outcome(reply=reply)
    everything = [each.id for each in world.channels.values() if each is not channel]
    place = everything.index(others[position]) if position < len(others) else len(everything)
    before = [each.id for each in world.channels.values()].index(channel.id)
    world.channels.move(channel.id, place)
    entry = ctx.audit("channel_move", channel.id, channel.name, {"position": before}, position=place)
    return Outcome(reply=reply, events=_told(), audit=[entry])


@handles(ChannelDelete)
def channel_delete(ctx: Context, cmd: ChannelDelete) -> Change:
    world, channel = ctx.world, find_managed(ctx.world, cmd.name)
    entry = ctx.audit("channel_delete", channel.id, channel.name)
    world.channels.remove(channel.id)

    def change(tx: Transaction) -> Outcome:
        threads = tx.threads.delete_of_channel(channel.id)
        tx.messages.delete_place(channel.id)
        tx.memberships.forget_channel(channel.id)
        tx.webhooks.forget_channel(channel.id)

        def forget() -> None:
            world.memberships.forget_channel(channel.id)
            world.webhooks.forget_channel(channel.id)
            for thread in threads:
                world.threads.remove(thread)

        reply = ChannelDeleteReply(name=channel.name, deleted=True)
        return Outcome(
            reply=reply,
            events=_told(),
            audit=[entry],
            then=forget,
            after=lambda: discard_icon(world, channel.icon),
        )

    return change
