"""Channels: the list, joining and leaving, members, and what their operators do."""

from __future__ import annotations

from msgspec import UNSET

from gateways.chat_api import types
from gateways.chat_api.endpoint import Call, Row, bare
from gateways.chat_api.items import nick_of, time_of
from gateways.chat_api.modes import BadModes, commands_of, modes_of, parse
from gateways.chat_api.problems import Problem
from protocol.base import Packet
from protocol.channel_members import (
    ChannelInvite,
    ChannelInviteEvent,
    ChannelJoin,
    ChannelJoinReply,
    ChannelKick,
    ChannelKickReply,
    ChannelLeave,
    ChannelLeaveReply,
    ChannelMembers,
    ChannelMembersReply,
    ChannelTopicSet,
    ChannelTopicSetReply,
)
from protocol.errors import Code, Refused

TALK = ("text", "voice")
"""Types of channels that are listed; forums hold threads only."""


async def listed(call: Call) -> list[types.ListedChannel]:
    world, user = call.world, call.user
    return [
        types.ListedChannel(
            name=f"#{channel.name}",
            modes=modes_of(channel),
            topic=channel.description or "",
            members=len(world.memberships.of_channel(channel.id)),
        )
        for channel in world.channels.values()
        if channel.type in TALK and not channel.secret and world.access.may(user, channel, "view")
    ]


def _shown(call: Call, name: str) -> types.JoinedChannel:
    """A channel as it is now to the caller, who has just done something in it."""
    channel, user = call.world.channels.by_name(name), call.user
    if channel is None:
        refused = Refused(Code.CHANNEL_NOT_FOUND)
        raise Problem(404, refused.code.wire, refused.text)
    return types.JoinedChannel(
        name=f"#{channel.name}",
        modes=modes_of(channel),
        topic=channel.description or "",
        operator=user.id in channel.operators,
        voice=user.id in channel.voices,
    )


async def join(call: Call) -> types.JoinedChannel:
    body: types.JoinBody = call.body
    key = None if body.key is UNSET else body.key
    reply = await call.ask(ChannelJoin(channel=bare(body.channel), key=key, create=True), ChannelJoinReply)
    return _shown(call, reply.channel.name)


async def leave(call: Call) -> None:
    query: types.LeaveQuery = call.query
    await call.ask(ChannelLeave(channel=call.channel, reason=query.reason), ChannelLeaveReply)


async def members(call: Call) -> list[types.Member]:
    reply = await call.ask(ChannelMembers(channel=call.channel), ChannelMembersReply)
    return [
        types.Member(
            nick=nick_of(member.user),
            operator=member.operator,
            voice=member.voice,
            joined_at=None if member.joined_at is None else time_of(member.joined_at),
        )
        for member in reply.members
    ]


async def topic(call: Call) -> types.JoinedChannel:
    body: types.TopicBody = call.body
    reply = await call.ask(ChannelTopicSet(channel=call.channel, topic=body.topic), ChannelTopicSetReply)
    return _shown(call, reply.channel)


async def mode(call: Call) -> types.JoinedChannel:
    """The changes are carried out one after the other; the first that is refused ends it."""
    body: types.ModeBody = call.body
    arguments = body.args if body.nick is UNSET else [body.nick, *body.args]
    try:
        changes = parse(body.modes, arguments)
    except BadModes as error:
        raise Problem(422, Code.BAD_VALUE.wire, f"{error.field}: {error}", error.field) from None
    for command in commands_of(call.channel, changes, call.user_named):
        await call.ask(command, Packet)
    return _shown(call, call.channel)


async def invite(call: Call) -> None:
    body: types.InviteBody = call.body
    user = call.user_named(body.nick)
    await call.ask(ChannelInvite(channel=call.channel, user=user), ChannelInviteEvent)


async def kick(call: Call) -> None:
    body: types.KickBody = call.body
    user = call.user_named(body.nick)
    await call.ask(ChannelKick(channel=call.channel, user=user, reason=body.reason), ChannelKickReply)


ROWS = (
    Row(
        method="GET", path="/channels/all", handler=listed, name="channels",
        does="List the channels that the caller may see, without secret ones.", reply=list[types.ListedChannel],
    ),
    Row(
        method="POST", path="/channels/join", handler=join, name="join",
        does="Join a channel; where `chat_api.create_channels` is on, one that does not exist is made, with the caller "
        "as its operator.",
        body=types.JoinBody, reply=types.JoinedChannel, problems=(404, 409, 429),
    ),
    Row(
        method="DELETE", path="/channels/{name}", handler=leave, name="leave", does="Leave a channel.",
        query=types.LeaveQuery, reply=None, status=204, problems=(404, 409),
    ),
    Row(
        method="GET", path="/channels/{name}/members", handler=members, name="members",
        does="List who is in a channel.", reply=list[types.Member], problems=(404,),
    ),
    Row(
        method="POST", path="/channels/{name}/topic", handler=topic, name="setTopic",
        does="Set the topic of a channel.", body=types.TopicBody, reply=types.JoinedChannel, problems=(404, 429),
    ),
    Row(
        method="POST", path="/channels/{name}/mode", handler=mode, name="setModes",
        does="Change modes of a channel, its operators and voices: those of the channel first, then user by user. The "
        "first refusal ends it.",
        body=types.ModeBody, reply=types.JoinedChannel, problems=(404, 409, 429),
    ),
    Row(
        method="POST", path="/channels/{name}/invite", handler=invite, name="invite",
        does="Invite a user to a channel.", body=types.InviteBody, reply=None, status=204, problems=(404, 409, 429),
    ),
    Row(
        method="POST", path="/channels/{name}/kick", handler=kick, name="kick", does="Put a user out of a channel.",
        body=types.KickBody, reply=None, status=204, problems=(404, 409, 429),
    ),
)  # fmt: skip
