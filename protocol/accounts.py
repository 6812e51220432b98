"""Passwords of local accounts: the own one, and new ones for people who have lost theirs."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from protocol.base import Command, Packet, spec
from protocol.errors import Code
from protocol.notices import DisconnectEvent
from protocol.objects_community import UserRef

MAX_PASSWORD = 1000
"""Longer ones are refused before they are looked at; the rule for new ones is stricter."""


class PasswordChangeReply(Packet, kw_only=True, frozen=True, tag="password_change"):
    """The new password holds. Every other session and every token of the account is at its end, also the token that the
    caller came with."""

    ended: Annotated[int, Meta(description="How many sessions and tokens.")]


@spec(
    does="Change the own password, and end the account's other sessions and all its tokens.",
    allowed="everybody with a local account, who knows the old password",
    reply=PasswordChangeReply,
    events=(DisconnectEvent,),
    errors=(
        Code.NO_PASSWORD,
        Code.INVALID_PASSWORD,
        Code.BAD_PASSWORD_LENGTH,
        Code.TOO_MANY_TRIES,
        Code.TOO_BUSY,
    ),
    example={"old_password": "correct horse", "new_password": "battery staple"},
)
class PasswordChange(Command, kw_only=True, frozen=True):
    old_password: Annotated[str, Meta(max_length=MAX_PASSWORD, description="The one that holds until then.")]
    new_password: Annotated[str, Meta(max_length=MAX_PASSWORD, description="4 to 128 characters.")]


class PasswordResetReply(Packet, kw_only=True, frozen=True, tag="password_reset"):
    """The member has this password now, and nothing keeps it in clear: it is told this once. All the member's sessions
    and tokens are at their end."""

    user: str
    password: str


@spec(
    does="Give a member who has lost the password a new one, made at random.",
    allowed="owners, for members below with a local account",
    reply=PasswordResetReply,
    events=(DisconnectEvent,),
    errors=(
        Code.PERMISSION_REQUIRED,
        Code.USER_NOT_FOUND,
        Code.NOT_YOURSELF,
        Code.MEMBER_ABOVE,
        Code.NO_PASSWORD,
        Code.TOO_BUSY,
    ),
    example={"user": "alice"},
)
class PasswordReset(Command, kw_only=True, frozen=True):
    user: UserRef
