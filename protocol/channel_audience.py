"""Who may see and write in a channel, as it is or as a draft of its rules would have it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from protocol.base import Command, Packet, spec
from protocol.errors import Code
from protocol.objects_community import ChannelNameRef, ChannelRules

MAX_NAMES = 50


class AudiencePart(Struct, frozen=True, kw_only=True):
    """Those who may. Roles and names are in the order of positions and of the alphabet."""

    members: Annotated[int, Meta(description="How many users, guests included, banned ones not.")]
    names: Annotated[list[str], Meta(description=f"Usernames of the first {MAX_NAMES} of them.")]
    roles: Annotated[list[str], Meta(description="Roles that alone are enough.")]


class ChannelAudienceReply(Packet, kw_only=True, frozen=True, tag="channel_audience"):
    """Whom the rules let in."""

    view: AudiencePart
    send: AudiencePart


@spec(
    does="Tell who may view a channel and write in it: as it is, with other rules, or a new channel with these rules.",
    allowed="server permission `manage_channels`",
    needs="manage_channels",
    reply=ChannelAudienceReply,
    errors=(Code.CHANNEL_NOT_FOUND, Code.NO_UPDATES),
    example={"channel": "general", "permissions": {"view": ["user"], "send": ["moderator"]}},
)
class ChannelAudience(Command, kw_only=True, frozen=True):
    channel: ChannelNameRef | None = None
    permissions: Annotated[
        ChannelRules | None, Meta(description="Rules to try, as of `channel_update`; null: those of the channel.")
    ] = None
