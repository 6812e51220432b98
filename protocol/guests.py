"""Guests: users who enter under a name, without an account; and tokens that let somebody in under a name."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from protocol.base import Command, Packet, spec
from protocol.errors import Code
from protocol.invites import InviteUpdateEvent
from protocol.login import INVITE_ERRORS, AuthSuccessEvent, Gap, Invite, ReadyEvent
from protocol.notices import DisconnectEvent
from protocol.users import (
    StatusGetEvent,
    UserConnectEvent,
    UserDisconnectEvent,
    UserJoinEvent,
    UserUpdatedEvent,
    UserUpdateEvent,
)

GuestName = Annotated[
    str,
    Meta(
        max_length=200, description="2 to 32 letters, digits, hyphens, underscores; unique, upper and lower case alike."
    ),
]
TOKEN = "6f1ed002-ab55-4585-9014-ebf0951522d9"


@spec(
    does="Enter as a guest under a free name, or under the name that a token stands for. A guest's record goes, and "
    "its name is free again, when its last session has expired.",
    allowed="before login; without a token where `auth_mode` is cracked or cracked-only and "
    "`cracked.allow_registration` is on; where `registration` is invite, with an invitation",
    before_login=True,
    reply=AuthSuccessEvent,
    events=(ReadyEvent, UserJoinEvent, UserConnectEvent, StatusGetEvent, InviteUpdateEvent),
    errors=(
        *INVITE_ERRORS,
        Code.TOKEN_REQUIRED,
        Code.INVALID_TOKEN,
        Code.BAD_NAME_LENGTH,
        Code.BAD_NAME,
        Code.NAME_TAKEN,
        Code.TOO_MANY_TRIES,
    ),
    example={"username": "visitor"},
)
class GuestLogin(Command, kw_only=True, frozen=True):
    username: GuestName
    token: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=200,
                description="Of `access_token_create`, or `session` of an earlier `ready` of this guest.",
            ),
        ]
        | None
    ) = None
    invite: Invite = None
    gap: Gap = False


class UsernameUpdateReply(Packet, kw_only=True, frozen=True, tag="username_update"):
    """The caller has this name now."""

    username: str


@spec(
    does="Take another name as a guest; the old one is free at once.",
    allowed="guests",
    limited=True,
    reply=UsernameUpdateReply,
    events=(UserUpdateEvent, UserUpdatedEvent),
    errors=(Code.NAME_FIXED, Code.BAD_NAME_LENGTH, Code.BAD_NAME, Code.NAME_TAKEN),
    example={"username": "wanderer"},
)
class UsernameUpdate(Command, kw_only=True, frozen=True):
    username: GuestName


class AccessTokenEndReply(Packet, kw_only=True, frozen=True, tag="access_token_end"):
    """The token lets nobody in any more."""

    ended: Annotated[bool, Meta(description="False: it was none, or had ended before.")]


@spec(
    does="End an access token, and the sessions that were entered with it, by showing it: for a client that could not "
    "say `session_end` when its user logged out.",
    allowed="whoever has the token",
    before_login=True,
    reply=AccessTokenEndReply,
    events=(DisconnectEvent, UserDisconnectEvent),
    errors=(Code.TOO_MANY_TRIES,),
    example={"token": TOKEN},
)
class AccessTokenEnd(Command, kw_only=True, frozen=True):
    token: Annotated[str, Meta(min_length=1, max_length=100, description="Of `access_token_create`.")]


class AccessTokenCreateReply(Packet, kw_only=True, frozen=True, tag="access_token_create"):
    """The token is shown this once."""

    username: str
    token: Annotated[str, Meta(description="A UUID; a secret.")]
    id: Annotated[str, Meta(description="Of its entry in `sessions_list`, for `session_end`.")]


@spec(
    does="Make a token that lets in under a name, for `guest_login` and the gateways. It takes the place of an earlier "
    "one for the same device, is an entry of `sessions_list`, and is forgotten when it was not used for "
    "`rooms.token_days`. A name that "
    "nobody has becomes a guest's.",
    allowed="owners; for their own name all members but guests",
    limited=True,
    reply=AccessTokenCreateReply,
    events=(UserJoinEvent,),
    errors=(Code.PERMISSION_REQUIRED, Code.ACCOUNT_REQUIRED, Code.BAD_NAME_LENGTH, Code.BAD_NAME, Code.NAME_TAKEN),
    example={"username": "visitor"},
)
class AccessTokenCreate(Command, kw_only=True, frozen=True):
    username: GuestName
    device: Annotated[
        str,
        Meta(
            max_length=64,
            description="What the token is for, such as the name of a browser; each has its own. Of more than 20 "
            "the one that was not used for longest goes.",
        ),
    ] = ""
    here: Annotated[
        bool,
        Meta(description="Whether the own token is for the client that asks: with the token its session ends as well."),
    ] = False
