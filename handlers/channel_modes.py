"""What holds in a channel: topic, modes, operators and voices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET
from msgspec.structs import replace

from db.channels import FLAGS
from handlers.audit import marks_of
from handlers.audit import modes as modes_changed
from handlers.channel_members import find_charge, find_named, is_in
from handlers.channels import mode_events
from handlers.outcome import Event, Outcome
from handlers.places import require_joined
from handlers.registry import handles
from handlers.users import CHANNEL_LIST, find_user
from protocol.audience import Everyone, SessionsOf, Viewers
from protocol.channel_members import (
    ChannelMemberSet,
    ChannelMemberSetReply,
    ChannelModes,
    ChannelModesSet,
    ChannelModesSetReply,
    ChannelTopicSet,
    ChannelTopicSetReply,
)
from protocol.errors import Code, Refused

if TYPE_CHECKING:
    from db.channels import Channel
    from handlers.context import Context, World


@handles(ChannelTopicSet)
def channel_topic_set(ctx: Context, cmd: ChannelTopicSet) -> Outcome:
    world, user = ctx.world, ctx.user
    channel = find_named(ctx, cmd.channel)
    if not world.access.is_in_charge(user, channel):
        if channel.topic_locked or not world.access.may(user, channel, "send"):
            raise Refused(Code.NOT_PERMITTED, action="change the topic of this channel")
        require_joined(ctx, channel)
    new = replace(channel, description=cmd.topic or None)
    reply = ChannelTopicSetReply(channel=channel.name, topic=cmd.topic)
    events = _change(world, channel, new, user.username)
    audit = []
    if events and world.access.is_in_charge(user, channel):  # elsewhere everybody may, which is no moderation
        before = {"description": channel.description}
        audit = [ctx.audit("channel_update", channel.id, channel.name, before, description=new.description)]
    return Outcome(reply=reply, events=events, audit=audit)


@handles(ChannelModesSet)
def channel_modes_set(ctx: Context, cmd: ChannelModesSet) -> Outcome:
    world, channel = ctx.world, find_charge(ctx, cmd.channel)
    given = {name: value for name in (*FLAGS, "key") if (value := getattr(cmd, name)) is not UNSET}
    if not given:
        raise Refused(Code.NO_UPDATES)
    new = replace(channel, **given)
    modes = ChannelModes(**{name: getattr(new, name) for name in FLAGS}, key=new.key is not None)
    reply = ChannelModesSetReply(channel=channel.name, modes=modes)
    events = _change(world, channel, new, ctx.user.username)
    before, after = modes_changed(new, channel), modes_changed(channel, new)
    audit = [ctx.audit("channel_modes_set", channel.id, channel.name, before, **after)] if events else []
    return Outcome(reply=reply, events=events, audit=audit)


@handles(ChannelMemberSet)
def channel_member_set(ctx: Context, cmd: ChannelMemberSet) -> Outcome:
    world, channel = ctx.world, find_charge(ctx, cmd.channel)
    target = find_user(world, cmd.user)
    if cmd.operator is None and cmd.voice is None:
        raise Refused(Code.NO_UPDATES)
    if not is_in(world, channel, target) and target.id not in (*channel.operators, *channel.voices):
        raise Refused(Code.NOT_IN_CHANNEL)
    operators = _marked(channel.operators, target.id, cmd.operator)
    voices = _marked(channel.voices, target.id, cmd.voice)
    saw = world.access.may(target, channel, "view")
    new = replace(channel, operators=operators, voices=voices)
    events = _change(world, channel, new, ctx.user.username)
    marks = marks_of(new, target.id)
    before = {name: mark for name, mark in marks_of(channel, target.id).items() if mark != marks[name]}
    audit = []
    if events:
        audit = [ctx.audit("channel_member_set", target.id, target.username, before, channel=channel.name, **marks)]
    if saw and not world.access.may(target, new, "view"):
        events += [Event(SessionsOf(target.id), event.packet) for event in events]
    if events:
        events.append(Event(SessionsOf(target.id), CHANNEL_LIST))
    reply = ChannelMemberSetReply(
        channel=channel.name,
        user=target.username,
        operator=target.id in operators,
        voice=target.id in voices,
    )
    return Outcome(reply=reply, events=events, audit=audit)


def _marked(ids: tuple[str, ...], user_id: str, wanted: bool | None) -> tuple[str, ...]:
    if wanted is None or wanted == (user_id in ids):
        return ids
    return (*ids, user_id) if wanted else tuple(id_ for id_ in ids if id_ != user_id)


def _change(world: World, old: Channel, new: Channel, by: str) -> list[Event]:
    """Make a change of a channel; gives what is told of it."""
    if new == old:
        return []
    world.channels.put(new)
    events = mode_events(world, old, new, by)
    listed = (new.operators, new.voices) == (old.operators, old.voices)  # a mark is only in the list of who has it
    if listed:
        events.append(Event(Viewers(new.id) if old.restricted == new.restricted else Everyone(), CHANNEL_LIST))
    return events
