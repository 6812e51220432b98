"""Channels: the list that each member sees, and its changes."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol.base import Command, Packet, spec
from protocol.emojis import MAX_IMAGE
from protocol.errors import Code
from protocol.objects_community import (
    MAX_DESCRIPTION,
    MAX_URL,
    Channel,
    ChannelNameRef,
    ChannelRules,
    ChannelType,
)

NewChannelName = Annotated[
    str,
    Meta(
        description="1 to 64 letters, digits, emoji, hyphens and underscores of any script, in a separator spaces too; "
        "unique."
    ),
]
DisplayName = Annotated[str, Meta(max_length=100, description="Shown instead of the name.")]
Topic = Annotated[str, Meta(max_length=MAX_DESCRIPTION, description="What the channel is for.")]
Picture = Annotated[
    str, Meta(max_length=MAX_URL, pattern=r"^(?:[hH][tT][tT][pP][sS]?://\S+)?$", description="http(s) URL.")
]
MaxHistory = Annotated[int, Meta(ge=1, le=1_000_000_000, description="Messages that are kept; without it all.")]
By = Annotated[str | None, Meta(description="Username of who did it; null: somebody who edited the file.")]
Size = Annotated[int, Meta(ge=0, le=10_000, description="Height of a separator.")]


class ChannelsGetEvent(Packet, kw_only=True, frozen=True, tag="channels_get"):
    """The channels that the receiver may view, in the order of display; replaces the list the client has.

    The answer to `channels_get`, and news to everybody whenever a channel changes or what somebody may view.
    """

    durable: ClassVar[bool] = True

    val: list[Channel]


@spec(
    does="List the channels the caller may view.",
    allowed="everybody after login",
    pace="lists_per_minute",
    reply=ChannelsGetEvent,
)
class ChannelsGet(Command, kw_only=True, frozen=True):
    pass


class ChannelCreateReply(Packet, kw_only=True, frozen=True, tag="channel_create"):
    """The channel exists, at the end of the list."""

    channel: Channel
    created: bool


@spec(
    does="Create a channel at the end of the list; without rules it belongs to owners and administrators.",
    allowed="server permission `manage_channels`",
    needs="manage_channels",
    reply=ChannelCreateReply,
    events=(ChannelsGetEvent,),
    errors=(Code.CHANNEL_EXISTS, Code.BAD_CHANNEL_NAME, Code.BAD_VALUE),
    example={"name": "music", "type": "text", "permissions": {"view": ["user"], "send": ["user"]}},
)
class ChannelCreate(Command, kw_only=True, frozen=True):
    name: NewChannelName
    type: Annotated[ChannelType, Meta(description="Kind of the channel.")]
    description: Topic | None = None
    display_name: DisplayName | None = None
    permissions: ChannelRules | None = None
    size: Size | None = None


class ChannelUpdates(Struct, frozen=True, kw_only=True):
    """The known keys of `updates`; null removes what may be absent. Any other key is stored and sent as it is."""

    name: NewChannelName | UnsetType = UNSET
    type: ChannelType | UnsetType = UNSET
    display_name: DisplayName | UnsetType | None = UNSET
    description: Topic | UnsetType | None = UNSET
    icon: Picture | UnsetType | None = UNSET
    wallpaper: Picture | UnsetType | None = UNSET
    size: Size | UnsetType | None = UNSET
    permissions: ChannelRules | UnsetType = UNSET
    max_history: MaxHistory | UnsetType | None = UNSET


class ChannelIconUploadReply(Packet, kw_only=True, frozen=True, tag="channel_icon_upload"):
    """The channel has this icon now."""

    channel: str
    icon: Annotated[str, Meta(description="Its address, as in the list of channels.")]


@spec(
    does="Upload a picture as the icon of a channel, which this server then keeps; it replaces the earlier one. "
    "`channel_update` with `icon` null removes it.",
    allowed="server permission `manage_channels`",
    needs="manage_channels",
    reply=ChannelIconUploadReply,
    events=(ChannelsGetEvent,),
    errors=(Code.CHANNEL_NOT_FOUND, Code.BAD_VALUE, Code.UNAVAILABLE),
    example={"channel": "music", "image": "data:image/gif;base64,R0lGODdhAQABAIAAAAAAAAAAACwAAAAAAQABAAAIBAABBAQAOw=="},
)
class ChannelIconUpload(Command, kw_only=True, frozen=True):
    channel: ChannelNameRef
    image: Annotated[
        str,
        Meta(
            max_length=MAX_IMAGE,
            description="`data:image/...;base64,...` of at most 3 MB: PNG, JPEG, GIF or WebP. It is written anew, cut "
            "square in the middle and shrunk to 256 x 256 pixels.",
        ),
    ]


class ChannelTopicEvent(Packet, kw_only=True, frozen=True, tag="channel_topic"):
    """A channel has another topic, which is its `description`. Told to its viewers."""

    durable: ClassVar[bool] = True

    channel: str
    topic: Annotated[str, Meta(description="May be empty.")]
    by: By


class ChannelUpdateReply(Packet, kw_only=True, frozen=True, tag="channel_update"):
    """The channel as it is now. `current_name` is the name the command called it by."""

    channel: Channel
    current_name: str
    updated: bool


@spec(
    does="Change or rename a channel; messages and threads stay. Rules are replaced whole.",
    allowed="server permission `manage_channels`",
    needs="manage_channels",
    reply=ChannelUpdateReply,
    events=(ChannelsGetEvent, ChannelTopicEvent),
    errors=(
        Code.CHANNEL_NOT_FOUND,
        Code.CHANNEL_EXISTS,
        Code.BAD_CHANNEL_NAME,
        Code.NO_UPDATES,
        Code.BAD_VALUE,
    ),
    example={"current_name": "music", "updates": {"name": "sound", "description": "All about sound"}},
)
class ChannelUpdate(Command, kw_only=True, frozen=True):
    current_name: ChannelNameRef
    updates: Annotated[
        dict[str, Any],
        Meta(
            max_length=50,
            description="What is to change: name, type, display_name, description, icon, wallpaper, size, permissions, "
            "max_history. Any other key is stored and sent as it is; null removes it. Modes and members have commands "
            "of their own.",
        ),
    ]


class ChannelMoveReply(Packet, kw_only=True, frozen=True, tag="channel_move"):
    """The channel is at this place now."""

    name: str
    position: int
    moved: bool


@spec(
    does="Move a channel in the list.",
    allowed="server permission `manage_channels`",
    needs="manage_channels",
    reply=ChannelMoveReply,
    events=(ChannelsGetEvent,),
    errors=(Code.CHANNEL_NOT_FOUND,),
    example={"name": "music", "position": 0},
)
class ChannelMove(Command, kw_only=True, frozen=True):
    name: ChannelNameRef
    position: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            description="Counts the channels that the caller sees, without this one; beyond the end is the end.",
        ),
    ]


class ChannelDeleteReply(Packet, kw_only=True, frozen=True, tag="channel_delete"):
    """The channel is gone with its messages and threads."""

    name: str
    deleted: bool


@spec(
    does="Delete a channel with all its messages and threads.",
    allowed="server permission `manage_channels`",
    needs="manage_channels",
    reply=ChannelDeleteReply,
    events=(ChannelsGetEvent,),
    errors=(Code.CHANNEL_NOT_FOUND,),
    example={"name": "music"},
)
class ChannelDelete(Command, kw_only=True, frozen=True):
    name: ChannelNameRef
