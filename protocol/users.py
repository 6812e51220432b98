"""Members: who is here, presence, names, moderation."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from protocol.base import Command, Packet, spec
from protocol.channels import ChannelsGetEvent
from protocol.directs import UserUnblockEvent
from protocol.errors import Code
from protocol.invites import InviteDeleteEvent
from protocol.notices import DisconnectEvent, RateLimitEvent
from protocol.objects_community import (
    MAX_NICKNAME,
    MAX_STATUS_TEXT,
    MAX_TIMEOUT_S,
    MAX_USERNAME,
    StatusName,
    StatusObject,
    UserEntry,
    UserRef,
)
from protocol.polls import PollVoteUpdateEvent
from protocol.threads import ThreadUpdateEvent

Erase = Annotated[
    bool,
    Meta(
        description="Whether messages, reactions, votes, uploads and everything else of the user are removed as well, "
        "which takes a while: clients see each message go by `message_delete`."
    ),
]
Erasing = Annotated[
    Literal[True] | UnsetType, Meta(description="Present when everything of the user is being removed.")
]
ERASED = (ThreadUpdateEvent, PollVoteUpdateEvent)
"""What is told at once of the threads and votes of somebody who is erased."""
Nickname = Annotated[str, Meta(description=f"1 to {MAX_NICKNAME} characters; both ends are trimmed.")]


# ---------------------------------------------------------------- events


class UserJoinEvent(Packet, kw_only=True, frozen=True, tag="user_join"):
    """Somebody became a member."""

    durable: ClassVar[bool] = True

    user: UserEntry


class UserLeaveEvent(Packet, kw_only=True, frozen=True, tag="user_leave"):
    """Somebody is no longer a member: left, deleted or banned."""

    durable: ClassVar[bool] = True

    username: str


class UserConnectEvent(Packet, kw_only=True, frozen=True, tag="user_connect"):
    """A member came online with the first connection, or is no longer invisible."""

    user: UserEntry


class UserDisconnectEvent(Packet, kw_only=True, frozen=True, tag="user_disconnect"):
    """A member's last connection closed, or it became invisible."""

    username: str


class UserUpdateEvent(Packet, kw_only=True, frozen=True, tag="user_update"):
    """A member was renamed. `user` is the old username; messages, reactions, threads that had it have the new one."""

    durable: ClassVar[bool] = True

    user: str
    username: Annotated[str, Meta(description="The new username.")]
    nickname: str | None


class UserUpdatedEvent(Packet, kw_only=True, frozen=True, tag="user_updated"):
    """The same as `user_update`, by user id."""

    durable: ClassVar[bool] = True

    user_id: str
    username: str
    nickname: str | None


class NicknameUpdateEvent(Packet, kw_only=True, frozen=True, tag="nickname_update"):
    """A member has another nickname."""

    durable: ClassVar[bool] = True

    user: Annotated[str, Meta(description="User id.")]
    username: str
    nickname: str


class NicknameRemoveEvent(Packet, kw_only=True, frozen=True, tag="nickname_remove"):
    """A member has no nickname any more."""

    durable: ClassVar[bool] = True

    user: Annotated[str, Meta(description="User id.")]
    username: str


class StatusGetEvent(Packet, kw_only=True, frozen=True, tag="status_get"):
    """Presence of a member; `global` where it is news for everybody."""

    username: str
    status: StatusObject
    global_: Literal[True] | UnsetType = field(name="global", default=UNSET)


# ---------------------------------------------------------------- lists


class UsersListReply(Packet, kw_only=True, frozen=True, tag="users_list"):
    """All members that are not banned. Whoever is not connected, or invisible, has the status offline."""

    users: list[UserEntry]


@spec(
    does="List all members that are not banned.",
    allowed="everybody after login",
    pace="lists_per_minute",
    reply=UsersListReply,
)
class UsersList(Command, kw_only=True, frozen=True):
    pass


class UsersOnlineReply(Packet, kw_only=True, frozen=True, tag="users_online"):
    """Members with a live connection that are not invisible, each once."""

    users: list[UserEntry]


@spec(
    does="List the members that are online.",
    allowed="everybody after login",
    pace="lists_per_minute",
    reply=UsersOnlineReply,
)
class UsersOnline(Command, kw_only=True, frozen=True):
    pass


class UsersBannedListReply(Packet, kw_only=True, frozen=True, tag="users_banned_list"):
    """Usernames of the banned."""

    users: list[str]


@spec(
    does="List the banned members.",
    allowed="server permission `manage_users`",
    needs="manage_users",
    reply=UsersBannedListReply,
)
class UsersBannedList(Command, kw_only=True, frozen=True):
    pass


# ---------------------------------------------------------------- presence


class StatusSetReply(Packet, kw_only=True, frozen=True, tag="status_set"):
    """The caller is invisible now; nobody else is told."""

    status: StatusObject


@spec(
    does="Set the own presence and status text.",
    allowed="everybody after login; a new text not while muted",
    reply=StatusSetReply,
    events=(StatusGetEvent, UserConnectEvent, UserDisconnectEvent),
    errors=(Code.TOO_MANY_TRIES, Code.RATE_LIMIT, Code.PLUGIN_REFUSED),
    example={"status": "dnd", "text": "in a meeting"},
)
class StatusSet(Command, kw_only=True, frozen=True):
    status: Annotated[StatusName, Meta(description="`invisible` looks like offline to others.")]
    text: Annotated[str, Meta(max_length=MAX_STATUS_TEXT, description="Shown beside the name.")] = ""


@spec(
    does="Fetch the presence of one member.",
    allowed="everybody after login",
    reply=StatusGetEvent,
    errors=(Code.USER_NOT_FOUND,),
    example={"user": "alice"},
)
class StatusGet(Command, kw_only=True, frozen=True):
    user: UserRef


@spec(
    does="Set the own nickname.",
    allowed="everybody after login",
    limited=True,
    events=(NicknameUpdateEvent, ChannelsGetEvent),
    errors=(Code.BAD_VALUE, Code.PLUGIN_REFUSED),
    example={"nickname": "Ally"},
)
class NicknameUpdate(Command, kw_only=True, frozen=True):
    nickname: Nickname


@spec(
    does="Remove the own nickname.",
    allowed="everybody after login",
    events=(NicknameRemoveEvent, ChannelsGetEvent),
    errors=(Code.TOO_MANY_TRIES,),
)
class NicknameRemove(Command, kw_only=True, frozen=True):
    pass


# ---------------------------------------------------------------- membership


class UserUpdateReply(Packet, kw_only=True, frozen=True, tag="user_update"):
    """The member as it is now. `user` is the new username."""

    user: str
    nickname: str | None


class UserUpdates(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to change of a member."""

    username: (
        Annotated[
            str,
            Meta(
                description=f"1 to {MAX_USERNAME} visible characters, unique without case. Not for local accounts, "
                "whose username is their login."
            ),
        ]
        | UnsetType
    ) = UNSET
    nickname: (
        Annotated[str | None, Meta(description=f"At most {MAX_NICKNAME} characters; null or empty removes it.")]
        | UnsetType
    ) = UNSET


@spec(
    does="Rename a member, or set its nickname.",
    allowed="server permission `manage_users`, for oneself and members below",
    needs="manage_users",
    reply=UserUpdateReply,
    events=(UserUpdateEvent, UserUpdatedEvent, ChannelsGetEvent),
    errors=(
        Code.USER_NOT_FOUND,
        Code.MEMBER_ABOVE,
        Code.NAME_FIXED,
        Code.NAME_TAKEN,
        Code.NO_UPDATES,
        Code.BAD_VALUE,
        Code.PLUGIN_REFUSED,
    ),
    example={"user": "alice", "updates": {"nickname": "Ally"}},
)
class UserUpdate(Command, kw_only=True, frozen=True):
    user: UserRef
    updates: Annotated[UserUpdates, Meta(description="What is to change; nothing else changes.")]


class UserLeaveReply(Packet, kw_only=True, frozen=True, tag="user_leave"):
    """The caller is no longer a member; all its connections close."""

    user: str
    val: Literal["User left server"] = "User left server"
    erasing: Erasing = UNSET


@spec(
    does="End the own membership. The messages stay, unless `erase` says otherwise.",
    allowed="everybody after login",
    reply=UserLeaveReply,
    events=(UserLeaveEvent, ChannelsGetEvent, DisconnectEvent, UserUnblockEvent, InviteDeleteEvent, *ERASED),
    errors=(Code.LAST_OWNER,),
)
class UserLeave(Command, kw_only=True, frozen=True):
    erase: Erase = False


class UserDeleteReply(Packet, kw_only=True, frozen=True, tag="user_delete"):
    """The member's record is gone."""

    user: str
    deleted: bool
    erasing: Erasing = UNSET


@spec(
    does="Delete the record of a member, a ban included. Its messages stay, unless `erase` says otherwise; it may join "
    "again.",
    allowed="server permission `manage_users`, for members below",
    needs="manage_users",
    reply=UserDeleteReply,
    events=(UserLeaveEvent, ChannelsGetEvent, DisconnectEvent, UserUnblockEvent, InviteDeleteEvent, *ERASED),
    errors=(Code.USER_NOT_FOUND, Code.MEMBER_ABOVE, Code.NOT_YOURSELF, Code.LAST_OWNER),
    example={"user": "alice"},
)
class UserDelete(Command, kw_only=True, frozen=True):
    user: UserRef
    erase: Erase = False


# ---------------------------------------------------------------- moderation


class UserBanReply(Packet, kw_only=True, frozen=True, tag="user_ban"):
    """`banned` is false where nothing changed: unknown, or banned already."""

    user: str
    banned: bool


@spec(
    does="Ban a member: closes its connections, and refuses its logins from now on.",
    allowed="server permission `manage_users`, for members below",
    needs="manage_users",
    reply=UserBanReply,
    events=(UserLeaveEvent, DisconnectEvent),
    errors=(Code.MEMBER_ABOVE, Code.NOT_YOURSELF, Code.LAST_OWNER),
    example={"user": "mallory"},
)
class UserBan(Command, kw_only=True, frozen=True):
    user: UserRef


class UserUnbanReply(Packet, kw_only=True, frozen=True, tag="user_unban"):
    """`unbanned` is false where nothing changed: unknown, or not banned."""

    user: str
    unbanned: bool


@spec(
    does="Lift a ban.",
    allowed="server permission `manage_users`, for members below",
    needs="manage_users",
    reply=UserUnbanReply,
    events=(UserJoinEvent,),
    errors=(Code.MEMBER_ABOVE,),
    example={"user": "mallory"},
)
class UserUnban(Command, kw_only=True, frozen=True):
    user: UserRef


class UserTimeoutReply(Packet, kw_only=True, frozen=True, tag="user_timeout"):
    """The mute is set."""

    user: str
    timeout: int


@spec(
    does="Mute a member for some seconds; 0 lifts the mute. It holds across restarts.",
    allowed="server permission `manage_users`, for members below",
    needs="manage_users",
    reply=UserTimeoutReply,
    events=(RateLimitEvent,),
    errors=(Code.USER_NOT_FOUND, Code.MEMBER_ABOVE, Code.NOT_YOURSELF),
    example={"user": "mallory", "timeout": 600},
)
class UserTimeout(Command, kw_only=True, frozen=True):
    user: UserRef
    timeout: Annotated[int, Meta(ge=0, le=MAX_TIMEOUT_S, description="Seconds; 0 lifts a mute.")]
