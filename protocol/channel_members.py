"""Members of a channel: joining and leaving, modes, operators and voices, invitations, topic.

A channel with an invitation, a secret name or a key is seen only by those who have joined it, by its operators, owners
and administrators. In any other one, who can view it is in it, and joining says so to those ways in that ask for it.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol.base import Command, Packet, spec
from protocol.channels import By, ChannelsGetEvent, ChannelTopicEvent, Topic
from protocol.errors import Code
from protocol.objects_community import MAX_CHANNEL_KEY, Channel, ChannelNameRef, UserRef

MAX_KEY = MAX_CHANNEL_KEY

ExactName = Annotated[
    str, Meta(min_length=1, max_length=200, description="Name of the channel, upper and lower case as it is.")
]
Key = Annotated[str, Meta(min_length=1, max_length=MAX_KEY, description="Password for joining; never sent out.")]
Reason = Annotated[str, Meta(max_length=300, description="For people; may be empty.")]
Username = Annotated[str, Meta(description="Username.")]
InviteOnly = Annotated[bool, Meta(description="Who joins needs an invitation.")]
Secret = Annotated[bool, Meta(description="Not listed for those outside; who knows its name may join.")]
Moderated = Annotated[bool, Meta(description="Only operators and voices write.")]
TopicLocked = Annotated[bool, Meta(description="Only operators change the topic.")]
MembersOnly = Annotated[
    bool, Meta(description="Where people join channels explicitly, only who has joined this one writes in it.")
]


class ChannelModes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Modes of a channel. `key`: whether joining needs a key."""

    invite_only: InviteOnly | UnsetType = UNSET
    secret: Secret | UnsetType = UNSET
    moderated: Moderated | UnsetType = UNSET
    topic_locked: TopicLocked | UnsetType = UNSET
    members_only: MembersOnly | UnsetType = UNSET
    key: Annotated[bool, Meta(description="Joining needs a key.")] | UnsetType = UNSET


class ChannelMember(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who has joined a channel, or has a mark there."""

    user: Username
    operator: bool
    voice: bool
    joined_at: Annotated[float | None, Meta(description="Unix seconds; null: is there without having joined.")]


# ---------------------------------------------------------------- events


class MemberJoinEvent(Packet, kw_only=True, frozen=True, tag="member_join"):
    """Somebody has joined a channel. Told to its viewers."""

    durable: ClassVar[bool] = True

    channel: str
    user: Username


class MemberLeaveEvent(Packet, kw_only=True, frozen=True, tag="member_leave"):
    """Somebody has left a channel, or was kicked. Told to its viewers and to who left."""

    durable: ClassVar[bool] = True

    channel: str
    user: Username
    reason: str
    by: Annotated[str, Meta(description="Username of who kicked.")] | UnsetType = UNSET


class ChannelModesEvent(Packet, kw_only=True, frozen=True, tag="channel_modes"):
    """A channel has other modes. Told to its viewers."""

    durable: ClassVar[bool] = True

    channel: str
    set: Annotated[ChannelModes, Meta(description="Those that changed, as they are now. Of a key only whether it is.")]
    by: By


class ChannelMemberEvent(Packet, kw_only=True, frozen=True, tag="channel_member"):
    """Somebody became, or is no longer, an operator or a voice of a channel. Told to its viewers and to the user."""

    durable: ClassVar[bool] = True

    channel: str
    user: Username
    operator: bool
    voice: bool
    by: By


class ChannelInviteEvent(Packet, kw_only=True, frozen=True, tag="channel_invite"):
    """Somebody is invited to a channel. Told to all its sessions and to nobody else, as the answer to who invites."""

    durable: ClassVar[bool] = True

    channel: str
    user: Annotated[str, Meta(description="Username of who is invited.")]
    by: Annotated[str, Meta(description="Username of who invites.")]


# ---------------------------------------------------------------- commands


class ChannelJoinReply(Packet, kw_only=True, frozen=True, tag="channel_join"):
    """The caller is a member of the channel."""

    channel: Channel
    joined: Annotated[bool, Meta(description="False: was a member before.")]
    created: Annotated[bool, Meta(description="The channel was made by this.")]


@spec(
    does="Join a channel by its exact name; joining twice changes nothing, an invitation is used up.",
    allowed="whose roles pass the channel's rule for view; invite-only channels need an invitation, those with a key "
    "the key, except from operators of the channel, owners and administrators",
    reply=ChannelJoinReply,
    events=(MemberJoinEvent, ChannelsGetEvent),
    errors=(
        Code.CHANNEL_NOT_FOUND, Code.NOT_JOINABLE, Code.INVITE_NEEDED, Code.WRONG_CHANNEL_KEY, Code.TOO_MANY_TRIES,
        Code.TOO_MANY_CHANNELS, Code.CHANNEL_EXISTS, Code.BAD_CHANNEL_NAME,
    ),
    example={"channel": "music", "key": "lemon tree"},
)  # fmt: skip
class ChannelJoin(Command, kw_only=True, frozen=True):
    channel: ExactName
    key: Key | None = None
    create: Annotated[
        bool,
        Meta(
            description="Make the channel if there is none and `chat_api.create_channels` is on; the caller "
            "becomes its operator."
        ),
    ] = False


class ChannelLeaveReply(Packet, kw_only=True, frozen=True, tag="channel_leave"):
    """The caller is no member of the channel any more."""

    channel: str
    left: bool = True


@spec(
    does="Leave a channel, and give up being operator or voice of it; of who is muted no reason is told.",
    allowed="who has joined the channel, or is operator or voice of it",
    reply=ChannelLeaveReply,
    events=(MemberLeaveEvent, ChannelsGetEvent),
    errors=(Code.CHANNEL_NOT_FOUND, Code.NOT_A_MEMBER, Code.PLUGIN_REFUSED),
    example={"channel": "music", "reason": "Good night"},
)
class ChannelLeave(Command, kw_only=True, frozen=True):
    channel: ExactName
    reason: Reason = ""


class ChannelMembersReply(Packet, kw_only=True, frozen=True, tag="channel_members"):
    """Who has joined the channel, in the order of joining, then operators and voices who have not; as far as they can
    view it now. In a channel that is open to all, others read and write as well."""

    channel: str
    members: list[ChannelMember]


@spec(
    does="List the members of a channel, with its operators and voices.",
    allowed="who can view the channel",
    reply=ChannelMembersReply,
    errors=(Code.CHANNEL_NOT_FOUND,),
    example={"channel": "music"},
)
class ChannelMembers(Command, kw_only=True, frozen=True):
    channel: ExactName


IN_CHARGE = "operators of the channel, or server permission `manage_channels`"


class ChannelTopicSetReply(Packet, kw_only=True, frozen=True, tag="channel_topic_set"):
    """The channel has this topic now."""

    channel: str
    topic: str


@spec(
    does="Set the topic of a channel, which is its `description`.",
    allowed=f"channel permission `send`, unless the topic is locked; {IN_CHARGE}",
    limited=True,
    reply=ChannelTopicSetReply,
    events=(ChannelTopicEvent, ChannelsGetEvent),
    errors=(Code.CHANNEL_NOT_FOUND, Code.NOT_PERMITTED, Code.NOT_A_MEMBER, Code.PLUGIN_REFUSED),
    example={"channel": "music", "topic": "Tonight: requests"},
)
class ChannelTopicSet(Command, kw_only=True, frozen=True):
    channel: ChannelNameRef
    topic: Annotated[Topic, Meta(description="The channel's `description`; empty removes it.")]


class ChannelModesSetReply(Packet, kw_only=True, frozen=True, tag="channel_modes_set"):
    """All modes of the channel as they are now."""

    channel: str
    modes: ChannelModes


@spec(
    does="Set modes of a channel. One that becomes invite-only, secret or locked by a key disappears for everybody who "
    "has not joined it.",
    allowed=IN_CHARGE,
    limited=True,
    reply=ChannelModesSetReply,
    events=(ChannelModesEvent, ChannelsGetEvent),
    errors=(Code.CHANNEL_NOT_FOUND, Code.NOT_PERMITTED, Code.NO_UPDATES),
    example={"channel": "music", "moderated": True, "key": None},
)
class ChannelModesSet(Command, kw_only=True, frozen=True):
    channel: ChannelNameRef
    invite_only: InviteOnly | UnsetType = UNSET
    secret: Secret | UnsetType = UNSET
    moderated: Moderated | UnsetType = UNSET
    topic_locked: TopicLocked | UnsetType = UNSET
    members_only: MembersOnly | UnsetType = UNSET
    key: Key | UnsetType | None = UNSET


class ChannelMemberSetReply(Packet, kw_only=True, frozen=True, tag="channel_member_set"):
    """The marks of a user in the channel as they are now."""

    channel: str
    user: Username
    operator: bool
    voice: bool


@spec(
    does="Make somebody in a channel its operator or voice, or no longer.",
    allowed=IN_CHARGE,
    limited=True,
    reply=ChannelMemberSetReply,
    events=(ChannelMemberEvent, ChannelsGetEvent),
    errors=(Code.CHANNEL_NOT_FOUND, Code.NOT_PERMITTED, Code.USER_NOT_FOUND, Code.NOT_IN_CHANNEL, Code.NO_UPDATES),
    example={"channel": "music", "user": "alice", "voice": True},
)
class ChannelMemberSet(Command, kw_only=True, frozen=True):
    channel: ChannelNameRef
    user: UserRef
    operator: Annotated[bool | None, Meta(description="Passes every rule and mode of the channel.")] = None
    voice: Annotated[bool | None, Meta(description="Writes in the channel while it is moderated.")] = None


@spec(
    does="Invite somebody to a channel, who then can join it once while it is invite-only. Who has joined it, or is "
    "invited, already is not told again.",
    allowed=IN_CHARGE,
    limited=True,
    events=(ChannelInviteEvent,),
    errors=(Code.CHANNEL_NOT_FOUND, Code.NOT_PERMITTED, Code.USER_NOT_FOUND),
    example={"channel": "music", "user": "alice"},
)
class ChannelInvite(Command, kw_only=True, frozen=True):
    channel: ChannelNameRef
    user: UserRef


class ChannelKickReply(Packet, kw_only=True, frozen=True, tag="channel_kick"):
    """The user is no member of the channel any more, and neither operator nor voice."""

    channel: str
    user: Username


@spec(
    does="Put somebody out of a channel. A channel that is open to all stays in sight, and can be joined again.",
    allowed=IN_CHARGE,
    limited=True,
    reply=ChannelKickReply,
    events=(MemberLeaveEvent, ChannelsGetEvent),
    errors=(
        Code.CHANNEL_NOT_FOUND,
        Code.NOT_PERMITTED,
        Code.USER_NOT_FOUND,
        Code.NOT_IN_CHANNEL,
        Code.PLUGIN_REFUSED,
    ),
    example={"channel": "music", "user": "alice", "reason": "Please mind the rules"},
)
class ChannelKick(Command, kw_only=True, frozen=True):
    channel: ChannelNameRef
    user: UserRef
    reason: Reason = ""
