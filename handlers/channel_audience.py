"""channel_audience: whom the rules of a channel let in, tried on every member."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from db.channels import Channel
from db.permissions import DEFAULT_RULES, decide
from handlers.channels import default_rules, find_managed, rules_of
from handlers.outcome import Outcome
from handlers.registry import handles
from protocol.channel_audience import MAX_NAMES, AudiencePart, ChannelAudience, ChannelAudienceReply
from protocol.errors import Code, Refused

if TYPE_CHECKING:
    from db.permissions import ChannelKey
    from handlers.context import Context, World


@handles(ChannelAudience)
def channel_audience(ctx: Context, cmd: ChannelAudience) -> Outcome:
    world = ctx.world
    if cmd.channel is not None:
        channel = find_managed(world, cmd.channel)
    elif cmd.permissions is not None:
        channel = Channel(id="", name="", permissions=default_rules())
    else:
        raise Refused(Code.NO_UPDATES)
    if cmd.permissions is not None:
        channel = msgspec.structs.replace(channel, permissions=rules_of(cmd.permissions))
    return Outcome(reply=ChannelAudienceReply(view=_part(world, channel, "view"), send=_part(world, channel, "send")))


def _part(world: World, channel: Channel, key: ChannelKey) -> AudiencePart:
    """Who cannot view cannot send either, whatever the rule says."""
    may = world.access.may
    names = sorted(
        user.username
        for user in world.users
        if may(user, channel, "view") and (key == "view" or may(user, channel, key))
    )
    keys: tuple[ChannelKey, ...] = ("view",) if key == "view" else ("view", key)
    roles = [
        role.name
        for role in world.roles.by_position()
        if "administrator" in role.permissions
        or role.name == "owner"
        or all(decide(channel.permissions.get(each, DEFAULT_RULES[each]), (role.name,)) for each in keys)
    ]
    return AudiencePart(members=len(names), names=names[:MAX_NAMES], roles=roles)
