"""Voice channels: voice_join, voice_leave, voice_mute, voice_unmute, voice_signal, voice_state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from db.channels import Channel
from handlers.names import is_visible
from handlers.outcome import Event, Outcome
from handlers.places import find_channel
from handlers.registry import handles
from handlers.voice_rooms import Participant, left, participant, peer, told
from protocol.audience import OneSession
from protocol.errors import Code, Refused
from protocol.voice import (
    IceServer,
    VoiceJoin,
    VoiceJoinReply,
    VoiceLeave,
    VoiceLeaveReply,
    VoiceMute,
    VoiceMuteReply,
    VoiceSignal,
    VoiceSignalEvent,
    VoiceSignalReply,
    VoiceState,
    VoiceStateReply,
    VoiceUnmute,
    VoiceUnmuteReply,
    VoiceUserJoinedEvent,
    VoiceUserUpdatedEvent,
)

if TYPE_CHECKING:
    import config.voice
    from handlers.context import Context


@handles(VoiceJoin)
def voice_join(ctx: Context, cmd: VoiceJoin) -> Outcome:
    world, voice, session, user = ctx.world, ctx.world.voice, ctx.session, ctx.user
    channel = _find(ctx, cmd.channel)
    if not is_visible(cmd.peer_id):
        raise Refused(Code.BAD_VALUE, field="voice_join.peer_id", reason="expected visible characters only")
    if session.gateway or not world.fanout.is_live(session):
        raise Refused(Code.VOICE_UNAVAILABLE)
    others = [each for each in voice.in_channel(channel.id) if each.user_id != user.id]
    most = world.config.limits.voice_participants
    if len(others) >= most:
        raise Refused(Code.VOICE_FULL, max=most)
    _count(ctx)
    before = voice.of_user(user.id)
    events = [] if before is None else left(world, before)
    who = Participant(
        session=session, channel=channel.id, channel_name=channel.name, username=user.username, peer_id=cmd.peer_id
    )
    voice.put(who)
    reply = VoiceJoinReply(
        channel=channel.name,
        participants=[peer(world, each) for each in others],
        ice_servers=[_ice_server(each) for each in world.config.voice.ice_servers] or UNSET,
    )
    return Outcome(reply=reply, events=[*events, *told(world, channel, who, VoiceUserJoinedEvent)])


@handles(VoiceLeave)
def voice_leave(ctx: Context, cmd: VoiceLeave) -> Outcome:
    who, channel = _here(ctx)
    return Outcome(reply=VoiceLeaveReply(channel=channel.name), events=left(ctx.world, who))


@handles(VoiceMute)
def voice_mute(ctx: Context, cmd: VoiceMute) -> Outcome:
    return _set_muted(ctx, True)


@handles(VoiceUnmute)
def voice_unmute(ctx: Context, cmd: VoiceUnmute) -> Outcome:
    return _set_muted(ctx, False)


def _set_muted(ctx: Context, muted: bool) -> Outcome:
    world = ctx.world
    who, channel = _here(ctx)
    _count(ctx)
    reply = VoiceMuteReply(channel=channel.name) if muted else VoiceUnmuteReply(channel=channel.name)
    if who.muted == muted:
        return Outcome(reply=reply)
    who = msgspec.structs.replace(who, muted=muted)
    world.voice.put(who)
    return Outcome(reply=reply, events=told(world, channel, who, VoiceUserUpdatedEvent))


@handles(VoiceSignal)
def voice_signal(ctx: Context, cmd: VoiceSignal) -> Outcome:
    who, channel = _here(ctx)
    there = ctx.world.voice.in_channel(channel.id)
    found = next((each for each in there if each.peer_id == cmd.peer_id and each.user_id != who.user_id), None)
    if found is None:
        raise Refused(Code.PEER_NOT_FOUND)
    _count(ctx, "signal")
    packet = VoiceSignalEvent(channel=channel.name, username=ctx.user.username, peer_id=who.peer_id, data=cmd.data)
    return Outcome(reply=VoiceSignalReply(channel=channel.name), events=[Event(OneSession(found.session.id), packet)])


@handles(VoiceState)
def voice_state(ctx: Context, cmd: VoiceState) -> Outcome:
    world = ctx.world
    channel = _find(ctx, cmd.channel)
    own = world.voice.of_session(ctx.session)
    inside = own is not None and own.channel == channel.id
    found = [participant(world, each, inside=inside) for each in world.voice.in_channel(channel.id)]
    return Outcome(reply=VoiceStateReply(channel=channel.name, participants=found))


def _ice_server(each: config.voice.IceServer) -> IceServer:
    return IceServer(
        urls=list(each.urls),
        username=UNSET if each.username is None else each.username,
        credential=UNSET if each.credential is None else each.credential,
    )


def _find(ctx: Context, name: str) -> Channel:
    channel = find_channel(ctx, name)
    if not isinstance(channel, Channel) or channel.type != "voice":
        raise Refused(Code.NOT_A_VOICE_CHANNEL)
    return channel


def _here(ctx: Context) -> tuple[Participant, Channel]:
    """The caller, if it is in voice with this connection, and where."""
    who = ctx.world.voice.of_session(ctx.session)
    channel = ctx.world.channels.get(who.channel) if who is not None else None
    if who is None or channel is None:
        raise Refused(Code.NOT_IN_VOICE)
    return who, channel


def _count(ctx: Context, kind: str = "state") -> None:
    """What is told to others may not come in any number. kind: each has a count of its own."""
    ctx.world.voice_signals.spend(f"{ctx.user.id} {kind}")
