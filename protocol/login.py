"""Connecting, logging in, sessions. The first packets of every connection, and those that keep it going."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from protocol.base import Command, Packet, spec
from protocol.channels import ChannelsGetEvent
from protocol.errors import Code
from protocol.invites import InviteUpdateEvent
from protocol.notices import DisconnectEvent
from protocol.objects_community import Handshake, ReadyUser, SessionEntry
from protocol.roles import UserRolesGetEvent
from protocol.users import (
    StatusGetEvent,
    UserConnectEvent,
    UserDisconnectEvent,
    UserJoinEvent,
    UserUpdatedEvent,
    UserUpdateEvent,
)

Claim = Annotated[
    str | None,
    Meta(description="The one-time code from the server's start screen; makes this account the owner."),
]
Gap = Annotated[bool, Meta(description="Whether this client understands `gap` packets.")]
Password = Annotated[str, Meta(max_length=1024, description="4 to 128 characters; any are allowed.")]
Validator = Annotated[str, Meta(min_length=1, max_length=4096, description="Made by Rotur for `validator_key`.")]
Invite = (
    Annotated[str, Meta(max_length=64, description="Code of an invitation; used up only when a new member is made.")]
    | None
)
INVITE_ERRORS = (
    Code.REGISTRATION_DISABLED,
    Code.INVITE_REQUIRED,
    Code.INVITE_NOT_FOUND,
    Code.INVITE_EXPIRED,
)
LOGIN_ERRORS = (Code.BANNED, Code.WRONG_CLAIM, Code.TOO_MANY_TRIES)
SESSION = "q0T2sPo9dX0mPzJ1r8bU3kX4nV5wY6zA7cD8eF9gH0i"


# ---------------------------------------------------------------- what the server sends by itself


class HandshakeEvent(Packet, kw_only=True, frozen=True, tag="handshake"):
    """The first packet of every connection."""

    val: Handshake


class AuthSuccessEvent(Packet, kw_only=True, frozen=True, tag="auth_success"):
    """The login worked; `ready` follows. Requests may be sent from here on."""

    val: Literal["Authentication successful"] = "Authentication successful"


class ReadyEvent(Packet, kw_only=True, frozen=True, tag="ready"):
    """Who has logged in. `session` is a secret, and with the newest `seq` all that `resume` needs."""

    user: ReadyUser
    validator: Annotated[str, Meta(description="Opaque; of no use, kept for old clients.")]
    session: Annotated[str, Meta(description="Secret name of the session, for `resume`.")]
    seq: Annotated[int, Meta(description="Position in the event stream.")]


class AuthErrorEvent(Packet, kw_only=True, frozen=True, tag="auth_error"):
    """A refusal before login; the connection stays and may try again."""

    val: str
    code: str


class ErrorEvent(Packet, kw_only=True, frozen=True, tag="error"):
    """A command was refused; nothing was changed."""

    src: Annotated[str, Meta(description="The command that is refused.")] | UnsetType = UNSET
    val: Annotated[str, Meta(description="For people.")]
    code: Annotated[str, Meta(description="For programs; see the page of errors.")]
    field: Annotated[str, Meta(description="The field that is wrong.")] | UnsetType = UNSET


class PingEvent(Packet, kw_only=True, frozen=True, tag="ping"):
    """A heartbeat that needs no answer. What the client may see up to `seq` was sent before it."""

    seq: Annotated[int, Meta(description="The newest position in the event stream.")]


class GapEvent(Packet, kw_only=True, frozen=True, tag="gap"):
    """The client read too slowly: the events after `after` were left out, and none follow until it sends `resume`."""

    after: Annotated[int, Meta(description="The position from which to resume.")]
    seq: Annotated[int, Meta(description="The newest position in the event stream.")]


class ShutdownEvent(Packet, kw_only=True, frozen=True, tag="shutdown"):
    """The server stops; the connection closes with 1001."""

    reason: str
    retry_after_ms: Annotated[int, Meta(description="When to connect again; spread, so that not all come at once.")]


# ---------------------------------------------------------------- login


CLAIMED = (UserRolesGetEvent, ChannelsGetEvent)
"""What is told of a new owner."""


@spec(
    does="Log in with an account of the Rotur identity service; the first time makes a member of it.",
    allowed="before login, where `auth_mode` is rotur or cracked",
    before_login=True,
    reply=AuthSuccessEvent,
    events=(
        ReadyEvent,
        UserJoinEvent,
        UserConnectEvent,
        StatusGetEvent,
        UserUpdateEvent,
        UserUpdatedEvent,
        InviteUpdateEvent,
        *CLAIMED,
    ),
    errors=(
        Code.ROTUR_DISABLED,
        Code.ROTUR_UNAVAILABLE,
        Code.INVALID_AUTHENTICATION,
        Code.NAME_TAKEN,
        *INVITE_ERRORS,
        *LOGIN_ERRORS,
    ),
    example={"validator": "alice,6f1ed002ab5595859014ebf0951522d9"},
)
class Auth(Command, kw_only=True, frozen=True):
    validator: Validator
    invite: Invite = None
    claim: Claim = None
    gap: Gap = False


@spec(
    does="Log in to a local account with its password.",
    allowed="before login, where `auth_mode` is cracked or cracked-only",
    before_login=True,
    reply=AuthSuccessEvent,
    events=(ReadyEvent, UserConnectEvent, StatusGetEvent, *CLAIMED),
    errors=(Code.CREDENTIALS_REQUIRED, Code.INVALID_PASSWORD, Code.TOO_BUSY, *LOGIN_ERRORS),
    example={"username": "alice", "password": "correct horse"},
)
class Login(Command, kw_only=True, frozen=True):
    username: Annotated[str, Meta(max_length=200, description="Upper and lower case are the same.")]
    password: Password
    claim: Claim = None
    gap: Gap = False


@spec(
    does="Create a local account and log in to it.",
    allowed="before login, where `auth_mode` is cracked or cracked-only and `cracked.allow_registration` is on; "
    "where `registration` is not open, with an invitation or the claim code",
    before_login=True,
    reply=AuthSuccessEvent,
    events=(ReadyEvent, UserJoinEvent, UserConnectEvent, InviteUpdateEvent),
    errors=(
        *INVITE_ERRORS,
        Code.CREDENTIALS_REQUIRED,
        Code.BAD_NAME_LENGTH,
        Code.BAD_NAME,
        Code.BAD_PASSWORD_LENGTH,
        Code.NAME_TAKEN,
        Code.TOO_BUSY,
        *LOGIN_ERRORS,
    ),
    example={"username": "alice", "password": "correct horse"},
)
class Register(Command, kw_only=True, frozen=True):
    username: Annotated[
        str, Meta(max_length=200, description="2 to 32 letters, digits, hyphens, underscores; stored in lower case.")
    ]
    password: Password
    invite: Invite = None
    claim: Claim = None
    gap: Gap = False


class ClaimOwnerReply(Packet, kw_only=True, frozen=True, tag="claim_owner"):
    """The caller is owner now."""

    user: str
    roles: list[str]


@spec(
    does="Become the owner with the one-time code from the server's start screen.",
    allowed="whoever has the code, while the community has no owner",
    reply=ClaimOwnerReply,
    events=CLAIMED,
    errors=(Code.WRONG_CLAIM, Code.TOO_MANY_TRIES, Code.ACCOUNT_REQUIRED),
    example={"code": "K7QF-2M9X"},
)
class ClaimOwner(Command, kw_only=True, frozen=True):
    code: Annotated[str, Meta(min_length=1, max_length=200, description="As printed; case does not matter.")]


# ---------------------------------------------------------------- liveness


class PongReply(Packet, kw_only=True, frozen=True, tag="pong"):
    """The server is alive."""

    val: Literal["pong"] = "pong"


@spec(
    does="Ask whether the server is alive.",
    allowed="everybody after login",
    reply=PongReply,
)
class Ping(Command, kw_only=True, frozen=True):
    pass


# ---------------------------------------------------------------- sessions


class ResumedReply(Packet, kw_only=True, frozen=True, tag="resumed"):
    """The end of a replay. Recovered: everything that was missed, and may be seen now, came before this packet."""

    recovered: bool
    seq: Annotated[int, Meta(description="Position in the event stream from which live events go on.")]
    reason: (
        Annotated[
            str | None,
            Meta(
                description="Why nothing was recovered; fetch everything afresh. `unknown_session`: there is no such "
                "session of the caller. `session_expired`: it had no connection for too long. `unknown_position`: "
                "`after` is beyond the newest event. `too_old`: the events after it are not kept any more. "
                "`too_many_events`: more than a replay gives."
            ),
        ]
        | UnsetType
    ) = UNSET


@spec(
    does="Go on with an own session where another connection lost it: replays the events it missed.",
    allowed="everybody after login, for own sessions",
    pace="lists_per_minute",
    reply=ResumedReply,
    example={"session": SESSION, "after": 1042},
)
class Resume(Command, kw_only=True, frozen=True):
    session: Annotated[str, Meta(min_length=1, max_length=200, description="`session` of the `ready` packet.")]
    after: Annotated[int, Meta(ge=0, le=2**53, description="The newest `seq` the client has.")]


class SessionsListReply(Packet, kw_only=True, frozen=True, tag="sessions_list"):
    """The caller's own sessions, oldest first."""

    sessions: list[SessionEntry]


@spec(does="List the own sessions.", allowed="everybody after login", reply=SessionsListReply)
class SessionsList(Command, kw_only=True, frozen=True):
    pass


class SessionEndReply(Packet, kw_only=True, frozen=True, tag="session_end"):
    """The session is gone; a connection it had is closed."""

    id: str
    ended: bool


@spec(
    does="End one of the own sessions, on this or another device. With an access token the sessions end that were "
    "entered with it.",
    allowed="everybody after login, for own sessions",
    reply=SessionEndReply,
    events=(DisconnectEvent, UserDisconnectEvent),
    errors=(Code.SESSION_NOT_FOUND,),
    example={"id": "0190a5c0-0000-7000-8000-000000000003"},
)
class SessionEnd(Command, kw_only=True, frozen=True):
    id: Annotated[str, Meta(min_length=1, max_length=200, description="`id` of the entry in `sessions_list`.")]
