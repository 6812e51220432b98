"""Who is in a channel: joining, leaving, members, invitations, kicks."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from db.channels import Channel
from db.memberships import Membership
from handlers.channels import channel_object
from handlers.muting import muted_s
from handlers.names import checked_channel_name
from handlers.outcome import Change, Event, Outcome
from handlers.registry import handles
from handlers.users import CHANNEL_LIST, find_user
from protocol.audience import Everyone, SessionsOf, Viewers
from protocol.channel_members import (
    ChannelInvite,
    ChannelInviteEvent,
    ChannelJoin,
    ChannelJoinReply,
    ChannelKick,
    ChannelKickReply,
    ChannelLeave,
    ChannelLeaveReply,
    ChannelMember,
    ChannelMembers,
    ChannelMembersReply,
    MemberJoinEvent,
    MemberLeaveEvent,
)
from protocol.errors import Code, Refused

if TYPE_CHECKING:
    from db.audit import AuditEntry
    from db.transaction import Transaction
    from db.users import User
    from handlers.context import Context, World

JOINABLE = frozenset({"text", "voice", "forum"})
MAX_CHANNELS = 1000
"""So many channels at most before joining makes no new ones: each member's list holds all that it can view."""
MAX_INVITED = 500
"""Invitations of one channel that are not used yet; the oldest lapse."""
OPEN_KEYS = ("view", "send", "react", "edit_own", "delete_own")
"""What the roles of new users may in a channel that was made by joining it."""


@handles(ChannelJoin)
def channel_join(ctx: Context, cmd: ChannelJoin) -> Change:
    world, user = ctx.world, ctx.user
    found = world.channels.by_name(cmd.channel)
    created = found is None
    channel = _new_channel(ctx, cmd) if found is None else found
    seen = world.access.may(user, channel, "view")
    if not seen:
        _require_entry(ctx, channel, cmd.key)
    if channel.type not in JOINABLE:
        raise Refused(Code.NOT_JOINABLE)
    if not world.memberships.has(channel.id, user.id):
        _count_join(ctx)
    if created:
        world.channels.put(channel)
    elif user.id in channel.invited:
        invited = tuple(id_ for id_ in channel.invited if id_ != user.id)
        world.channels.put(replace(channel, invited=invited))
    audit = [ctx.audit("channel_create", channel.id, channel.name, type=channel.type)] if created else []
    membership = Membership(channel.id, user.id, ctx.now)
    shown = channel_object(world, channel, user)

    def change(tx: Transaction) -> Outcome:
        if not tx.memberships.add(membership):
            reply = ChannelJoinReply(channel=shown, joined=False, created=False)
            return Outcome(reply=reply, then=enter)
        events = [Event(Viewers(channel.id), MemberJoinEvent(channel=channel.name, user=user.username))]
        if created:
            events.insert(0, Event(Everyone(), CHANNEL_LIST))
        elif not seen:
            events.insert(0, Event(SessionsOf(user.id), CHANNEL_LIST))
        reply = ChannelJoinReply(channel=shown, joined=True, created=created)
        return Outcome(reply=reply, events=events, audit=audit, then=enter)

    def enter() -> None:
        if not world.memberships.has(channel.id, user.id):
            world.memberships.put(membership)

    return change


def _count_join(ctx: Context) -> None:
    """Every joining is told to a whole channel and kept in the log, so there may not be any number of them."""
    joins, user = ctx.world.joins, ctx.user
    wait_s = joins.wait_s(user.id)
    if wait_s:
        raise Refused(Code.TOO_MANY_TRIES, wait_s=round(wait_s) + 1)
    joins.count(user.id)


def _require_entry(ctx: Context, channel: Channel, key: str | None) -> None:
    """Raise Refused unless the caller, who does not see the channel, may join it."""
    logins, user = ctx.world.logins, ctx.user
    if not ctx.world.access.may(user, channel, "view", joined=True):
        raise Refused(Code.CHANNEL_NOT_FOUND)
    if channel.invite_only and user.id not in channel.invited:
        raise Refused(Code.INVITE_NEEDED)
    if channel.key is None:
        return
    tries = f"key of {channel.id} from {ctx.visitor.network}"
    wait_s = logins.wait_s(tries)
    if wait_s:
        raise Refused(Code.TOO_MANY_TRIES, wait_s=round(wait_s) + 1)
    if key is None or not hmac.compare_digest(key.encode(), channel.key.encode()):
        if key is not None:
            logins.count(tries)
        raise Refused(Code.WRONG_CHANNEL_KEY)


def _new_channel(ctx: Context, cmd: ChannelJoin) -> Channel:
    """The channel that the caller makes by joining it. Raises Refused where that is not allowed."""
    world, user, settings = ctx.world, ctx.user, ctx.world.config.chat_api
    if not cmd.create or not settings.create_channels:
        raise Refused(Code.CHANNEL_NOT_FOUND)
    name = checked_channel_name(cmd.channel, "text")
    taken = any(each.name.casefold() == name.casefold() for each in world.channels)
    if taken or world.directs.by_name(name) is not None:
        raise Refused(Code.CHANNEL_EXISTS)
    made = sum(each.created_by == user.id for each in world.channels)
    if made >= settings.channels_per_user:
        raise Refused(Code.TOO_MANY_CHANNELS, max=settings.channels_per_user)
    if len(world.channels) >= MAX_CHANNELS:
        raise Refused(Code.TOO_MANY_CHANNELS, max=MAX_CHANNELS)
    config = world.config
    of_new_users = (config.DB.users.default.roles, config.cracked.default_roles, config.guests.roles)
    roles = tuple(dict.fromkeys(role for given in of_new_users for role in given or ()))
    return Channel(
        id=world.new_id(),
        name=name,
        permissions=dict.fromkeys(OPEN_KEYS, roles),
        members_only=True,
        topic_locked=True,
        operators=(user.id,),
        created_by=user.id,
        max_history=settings.max_history,
    )


@handles(ChannelLeave)
def channel_leave(ctx: Context, cmd: ChannelLeave) -> Change:
    world, user = ctx.world, ctx.user
    channel = world.channels.by_name(cmd.channel)
    if channel is None or not (world.access.may(user, channel, "view") or world.memberships.has(channel.id, user.id)):
        raise Refused(Code.CHANNEL_NOT_FOUND)
    reason = "" if muted_s(ctx) else cmd.reason
    packet = MemberLeaveEvent(channel=channel.name, user=user.username, reason=reason)
    return _put_out(world, channel, user, packet, ChannelLeaveReply(channel=channel.name), Code.NOT_A_MEMBER)


@handles(ChannelKick)
def channel_kick(ctx: Context, cmd: ChannelKick) -> Change:
    world, channel = ctx.world, find_charge(ctx, cmd.channel)
    target = find_user(world, cmd.user)
    packet = MemberLeaveEvent(channel=channel.name, user=target.username, reason=cmd.reason, by=ctx.user.username)
    reply = ChannelKickReply(channel=channel.name, user=target.username)
    reason = {"reason": cmd.reason} if cmd.reason else {}
    entry = ctx.audit("channel_kick", target.id, target.username, channel=channel.name, **reason)
    return _put_out(world, channel, target, packet, reply, Code.NOT_IN_CHANNEL, [entry])


def _put_out(
    world: World,
    channel: Channel,
    user: User,
    packet: MemberLeaveEvent,
    reply: ChannelLeaveReply | ChannelKickReply,
    otherwise: Code,
    audit: Sequence[AuditEntry] = (),
) -> Change:
    """End a membership, with all marks. otherwise: the refusal when there is nothing to end."""
    access, left = world.access, channel.without_user(user.id)
    marked = user.id in channel.operators or user.id in channel.voices
    saw, sees = access.may(user, channel, "view"), access.may(user, left, "view", joined=False)
    if left is not channel:
        world.channels.put(left)
    # At once, so that no command that follows passes. If this cannot be stored, the user has to join again.
    world.memberships.remove(channel.id, user.id)

    def change(tx: Transaction) -> Outcome:
        if not tx.memberships.remove(channel.id, user.id) and not marked:
            raise Refused(otherwise)
        events = [Event(Viewers(channel.id), packet)]
        if not sees:  # and so is none of the viewers any more
            events.append(Event(SessionsOf(user.id), packet))
        if marked or (saw and not sees):
            events.append(Event(SessionsOf(user.id), CHANNEL_LIST))
        return Outcome(
            reply=reply,
            events=events,
            audit=list(audit),
            then=lambda: world.memberships.remove(channel.id, user.id),
        )

    return change


@handles(ChannelMembers)
def channel_members(ctx: Context, cmd: ChannelMembers) -> Outcome:
    world, channel = ctx.world, ctx.world.channels.by_name(cmd.channel)
    if channel is None or not world.access.may(ctx.user, channel, "view"):
        raise Refused(Code.CHANNEL_NOT_FOUND)
    joined = world.memberships.of_channel(channel.id)
    members = []
    for user_id in dict.fromkeys((*joined, *channel.operators, *channel.voices)):
        user = world.users.get(user_id)
        if user is not None and world.access.may(user, channel, "view"):
            members.append(
                ChannelMember(
                    user=user.username,
                    operator=user_id in channel.operators,
                    voice=user_id in channel.voices,
                    joined_at=joined.get(user_id),
                )
            )
    return Outcome(reply=ChannelMembersReply(channel=channel.name, members=members))


@handles(ChannelInvite)
def channel_invite(ctx: Context, cmd: ChannelInvite) -> Outcome:
    world, channel = ctx.world, find_charge(ctx, cmd.channel)
    target = find_user(world, cmd.user)
    there = world.memberships.has(channel.id, target.id) or target.id in channel.invited or target.banned
    packet = ChannelInviteEvent(channel=channel.name, user=target.username, by=ctx.user.username)
    if there:
        return Outcome(reply=packet)
    world.channels.put(replace(channel, invited=(*channel.invited, target.id)[-MAX_INVITED:]))
    return Outcome(events=[Event(SessionsOf(target.id), packet)])


# --- shared ----------------------------------------------------------------------------------------------------


def find_charge(ctx: Context, name: str) -> Channel:
    """A channel that the caller is in charge of. Raises Refused."""
    channel = find_named(ctx, name)
    if not ctx.world.access.is_in_charge(ctx.user, channel):
        raise Refused(Code.NOT_PERMITTED, action="manage this channel")
    return channel


def find_named(ctx: Context, name: str) -> Channel:
    """A channel that the caller views or is in charge of; none is a direct one. Raises Refused."""
    access, user, channel = ctx.world.access, ctx.user, ctx.world.channels.by_name(name)
    if channel is None or not (access.may(user, channel, "view") or access.is_in_charge(user, channel)):
        raise Refused(Code.CHANNEL_NOT_FOUND)
    return channel


def is_in(world: World, channel: Channel, user: User) -> bool:
    """Whether the user has joined the channel, or sees it without that."""
    return world.memberships.has(channel.id, user.id) or world.access.may(user, channel, "view")
