"""The server itself: its name, icon and banner, and the limiter."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, UnsetType

from protocol.base import Command, Packet, spec
from protocol.emojis import MAX_IMAGE
from protocol.errors import Code
from protocol.objects_community import MAX_URL, LimiterState, UserRef

Picture = Annotated[
    str,
    Meta(
        max_length=MAX_IMAGE,
        description="`data:image/...;base64,...` of at most 3 MB, which is shrunk and kept in db/serverAssets; or of "
        f"at most {MAX_URL} characters an http(s) URL or the name of a file there; null clears it.",
    ),
]


class ServerInfoReply(Packet, kw_only=True, frozen=True, tag="server_info"):
    """Name, icon and banner; absolute URLs, empty text for none."""

    name: str
    icon: str
    banner: str


class ServerUpdateEvent(Packet, kw_only=True, frozen=True, tag="server_update"):
    """The community has another name, icon, banner or description."""

    durable: ClassVar[bool] = True

    name: str
    icon: str
    banner: str
    description: str = ""


@spec(does="Fetch name, icon and banner of the server.", allowed="everybody after login", reply=ServerInfoReply)
class ServerInfo(Command, kw_only=True, frozen=True):
    pass


@spec(
    does="Change name, icon, banner or description of the server, in config.json.",
    allowed="server permission `manage_server`",
    needs="manage_server",
    events=(ServerUpdateEvent,),
    errors=(Code.NO_UPDATES, Code.SETTING_FIXED, Code.SETTINGS_BROKEN, Code.BAD_VALUE, Code.UNAVAILABLE),
    example={"name": "The Lab", "icon": None},
)
class ServerUpdate(Command, kw_only=True, frozen=True):
    name: (
        Annotated[str, Meta(max_length=100, description="1 to 100 characters; null: the default name.")]
        | UnsetType
        | None
    ) = UNSET
    icon: Picture | UnsetType | None = UNSET
    banner: Picture | UnsetType | None = UNSET
    description: (
        Annotated[str, Meta(max_length=500, description="What the community is about; null or empty: nothing.")]
        | UnsetType
        | None
    ) = UNSET


class RateLimitStatusReply(Packet, kw_only=True, frozen=True, tag="rate_limit_status"):
    """How much of the message limiter a user has used up."""

    user: str
    status: LimiterState


@spec(
    does="Fetch the state of the message limiter for oneself or another member.",
    allowed="oneself; others: server permission `manage_users`",
    reply=RateLimitStatusReply,
    errors=(Code.PERMISSION_REQUIRED, Code.USER_NOT_FOUND),
    example={"user": "alice"},
)
class RateLimitStatus(Command, kw_only=True, frozen=True):
    user: Annotated[UserRef | None, Meta(description="Username or user id; the caller when left out.")] = None


class RateLimitResetReply(Packet, kw_only=True, frozen=True, tag="rate_limit_reset"):
    """The member's message limiter is as unused."""

    user: str
    val: str


@spec(
    does="Give a member all tokens of the message limiter back; a mute stays.",
    allowed="server permission `manage_server`",
    needs="manage_server",
    reply=RateLimitResetReply,
    errors=(Code.USER_NOT_FOUND,),
    example={"user": "alice"},
)
class RateLimitReset(Command, kw_only=True, frozen=True):
    user: UserRef
