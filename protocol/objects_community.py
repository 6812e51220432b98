"""The objects that community packets are made of: member, role, channel, server, session.

Users appear by username, roles and channels by name. Times are unix seconds, lengths count code points.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol.objects_messages import MAX_ATTACHMENTS, Thread

# ---------------------------------------------------------------- fields that many commands share

MAX_NICKNAME = 20
MAX_USERNAME = 64
MAX_STATUS_TEXT = 100
MAX_NAME = 64
MAX_DESCRIPTION = 1000
MAX_CHANNEL_KEY = 64
MAX_URL = 500
MAX_PERMISSIONS = 100
MAX_TIMEOUT_S = 365 * 24 * 3600

UserRef = Annotated[
    str, Meta(min_length=1, max_length=200, description="Username (upper and lower case are the same) or user id.")
]
RoleName = Annotated[str, Meta(min_length=1, max_length=200, description="Name of the role.")]
RoleNames = Annotated[
    list[Annotated[str, Meta(max_length=200)]], Meta(min_length=1, max_length=250, description="Names or ids of roles.")
]
RoleIdRef = Annotated[str | None, Meta(description="Id of the role; wins over `name`.")]
RoleNameRef = Annotated[str | None, Meta(description="Name of the role; required unless `id` is given.")]
ChannelNameRef = Annotated[str, Meta(min_length=1, max_length=200, description="Name of the channel.")]
Color = Annotated[str, Meta(max_length=32, description="Normally `#RRGGBB`; null clears it.")]
Description = Annotated[str, Meta(max_length=MAX_DESCRIPTION, description="For people; null clears it.")]
Category = Annotated[str, Meta(max_length=MAX_NAME, description="Groups roles for people; null clears it.")]
Hoisted = Annotated[bool, Meta(description="Whether members with this role are listed apart.")]
SelfAssignable = Annotated[
    bool, Meta(description="Whether members may take the role themselves; refused for roles with power over others.")
]
Permissions = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=64)]],
    Meta(max_length=MAX_PERMISSIONS, description="Names of permissions; nobody passes on what they do not hold."),
]
ChannelRule = Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=250)]
ChannelRules = Annotated[
    dict[Annotated[str, Meta(max_length=64)], ChannelRule],
    Meta(
        max_length=50,
        description="Key (view, send, delete, delete_own, edit_own, react, pin, create_thread) to roles; `!role` "
        "denies. Empty lists are dropped, other keys kept.",
    ),
]
StatusName = Literal["online", "idle", "dnd", "offline", "invisible"]
ChannelType = Literal["text", "voice", "forum", "separator"]
UserColor = Annotated[str | None, Meta(description="Color of the first of the roles.")]


# ---------------------------------------------------------------- members


class StatusObject(Struct, frozen=True, forbid_unknown_fields=True):
    """Presence. `status` is online, idle, dnd, offline or invisible (which only the user itself is told)."""

    status: str
    text: Annotated[str, Meta(description="At most 100 characters; may be empty.")] = ""


class UserEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A member as everybody sees it. `roles` are in the order that decides color and channel rules."""

    username: str
    nickname: str | None
    roles: list[str]
    color: UserColor
    status: StatusObject
    cracked: Annotated[bool, Meta(description="Whether it is a local account of this server.")]
    pfp: Annotated[str | None, Meta(description="URL of the picture, of those who have set one here.")]


class ReadyUser(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The account that has logged in, as only itself sees it."""

    username: str
    roles: list[str]
    status: StatusObject
    nickname: str | UnsetType = UNSET
    cracked: bool
    pfp_url: str | None
    pfp: Annotated[str | None, Meta(description="The same as `pfp_url`.")]


# ---------------------------------------------------------------- roles


class Role(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A role. A lower `position` is more powerful; 0 is the top."""

    id: str
    name: str
    description: str | None
    color: str | None
    hoisted: bool
    permissions: list[str]
    self_assignable: bool
    category: str | None
    position: int


class SelfRole(Role, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A role that members may take themselves."""

    assigned: Annotated[bool, Meta(description="Whether the caller has it.")]


# ---------------------------------------------------------------- channels


class VoiceMember(Struct, frozen=True):
    """Who is in a voice channel."""

    username: str
    muted: bool
    pfp: Annotated[str, Meta(description="URL of the picture.")] | UnsetType = UNSET


class Channel(Struct, frozen=True, kw_only=True):
    """A channel. Modes are left out while they are off. Further keys that an admin has set travel along."""

    id: Annotated[str, Meta(description="Stays the same when the channel is renamed.")]
    name: Annotated[str, Meta(description="Unique; what commands call the channel.")]
    type: Annotated[str, Meta(description="text, voice, forum or separator.")]
    display_name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    icon: str | UnsetType = UNSET
    wallpaper: str | UnsetType = UNSET
    size: Annotated[int, Meta(description="Height of a separator.")] | UnsetType = UNSET
    permissions: Annotated[
        dict[str, list[str]],
        Meta(description="Key to role names; `!role` denies. In a direct channel the receiver's own roles."),
    ]
    members: (
        Annotated[list[str], Meta(description="Direct channels: usernames of the two, the receiver first.")] | UnsetType
    ) = UNSET
    invite_only: Annotated[bool, Meta(description="Who joins needs an invitation.")] | UnsetType = UNSET
    secret: Annotated[bool, Meta(description="Not listed for those outside.")] | UnsetType = UNSET
    moderated: Annotated[bool, Meta(description="Only operators and voices write.")] | UnsetType = UNSET
    topic_locked: Annotated[bool, Meta(description="Only operators change the description.")] | UnsetType = UNSET
    members_only: Annotated[bool, Meta(description="Where people join, only members write.")] | UnsetType = UNSET
    key: Annotated[bool, Meta(description="Joining needs a key.")] | UnsetType = UNSET
    operator: (
        Annotated[bool, Meta(description="The receiver is an operator: passes every rule and mode.")] | UnsetType
    ) = UNSET
    voice: Annotated[bool, Meta(description="The receiver writes also while it is moderated.")] | UnsetType = UNSET
    max_history: (
        Annotated[int, Meta(description="Messages that are kept; older ones go without a packet. Otherwise all.")]
        | UnsetType
    ) = UNSET
    last_message: Annotated[float | None, Meta(description="Text channels: when.")] | UnsetType = UNSET
    last_message_id: Annotated[str | None, Meta(description="Text channels.")] | UnsetType = UNSET
    voice_state: Annotated[list[VoiceMember], Meta(description="Voice channels.")] | UnsetType = UNSET
    threads: Annotated[list[Thread], Meta(description="Forum channels, oldest first.")] | UnsetType = UNSET


# ---------------------------------------------------------------- server


class ServerOwner(Struct, frozen=True):
    """Who runs the server; a name for people that gives no rights."""

    name: str


class ServerObject(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the community is called. `icon` and `banner` are absolute URLs."""

    name: str
    owner: ServerOwner
    description: str | UnsetType = UNSET
    icon: str | UnsetType = UNSET
    banner: str | UnsetType = UNSET
    url: Annotated[str, Meta(description="Public base URL.")] | UnsetType = UNSET


class HandshakeLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The numbers that clients need. Lengths count code points."""

    post_content: Annotated[int, Meta(description="Longest text of a message.")]
    search_results: Annotated[int, Meta(description="Most messages that a search returns.")]
    max_frame_bytes: Annotated[int, Meta(description="Largest frame after login.")]
    max_frame_bytes_before_login: int
    messages_per_minute: Annotated[int | None, Meta(description="Null: not limited.")]
    burst_limit: Annotated[int | None, Meta(description="Most messages in any 10 seconds; null: not limited.")]
    session_timeout_s: Annotated[int, Meta(description="How long a session outlives its connection.")]
    nonce_length: int = 64
    meta_bytes: Annotated[int, Meta(description="Largest `meta` of a message, as JSON.")]
    messages_page: Annotated[int, Meta(description="Most messages of one page.")] = 200
    nickname: int = MAX_NICKNAME
    username: int = MAX_USERNAME
    status_text: int = MAX_STATUS_TEXT
    channel_name: int = MAX_NAME
    role_name: int = MAX_NAME
    thread_name: int = 100
    attachments_per_message: int = MAX_ATTACHMENTS
    emojis: Annotated[int, Meta(description="Most custom emojis of the community.")]
    emoji_types: Annotated[list[str], Meta(description="Pictures that may become emojis: of png, jpg, gif, webp.")]
    picture_bytes: Annotated[int, Meta(description="Largest picture that a command carries.")]


class HandshakeAttachments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules for uploads."""

    enabled: bool
    max_size: Annotated[int, Meta(description="Bytes.")]
    allowed_types: Annotated[list[str], Meta(description="MIME types, `image/*` or `*`.")]
    max_attachments_per_user: Annotated[int, Meta(description="-1: any number.")]
    permanent_tiers: list[str]


class Handshake(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client knows of the server before it logs in."""

    server: ServerObject
    limits: HandshakeLimits
    attachments: HandshakeAttachments
    version: Annotated[str, Meta(description="Version of the original protocol that this one contains.")] = "1.1.0"
    protocol: Annotated[int, Meta(description="Level of what this server adds; rises by one with each change.")] = 1
    validator_key: Annotated[str, Meta(description="New for every connection; a Rotur validator is made for it.")]
    capabilities: Annotated[
        list[str],
        Meta(description="Names of the commands that exist here, and `attachment_upload` where files can be uploaded."),
    ]
    permissions: Annotated[list[str], Meta(description="Names of the server permissions.")]
    auth_mode: Literal["rotur", "cracked", "cracked-only"]
    registration: Annotated[
        Literal["open", "invite", "closed"],
        Meta(description="Who may become a member: everybody, whoever has an invitation, or nobody."),
    ]
    claimable: Annotated[bool, Meta(description="Whether there is no owner yet, so that the claim code makes one.")]


class SessionEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An own session: a login on one device."""

    id: str
    current: Annotated[bool, Meta(description="Whether it is the one that asks.")]
    connected: bool
    created_at: float
    last_seen: float
    address: str
    agent: Annotated[str, Meta(description="How its client called itself; may be empty.")]
    token: Annotated[bool, Meta(description="Whether it is a token of `access_token_create`, which has no connection.")]


class LimiterState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of the message limiter is used up."""

    messages_this_minute: int
    messages_per_minute_limit: int
    recent_messages: Annotated[int, Meta(description="Of the last 10 seconds.")]
    burst_limit: int
    cooldown_remaining: Annotated[float, Meta(description="Seconds.")]
    timeout_remaining: Annotated[float, Meta(description="Seconds until a mute by a moderator ends; 0 without one.")]
