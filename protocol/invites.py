"""Invitations. Codes that let people become members where `registration` is `invite`, and may bring roles."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from protocol.base import Command, Packet, spec
from protocol.errors import Code

MAX_NOTE = 200
MAX_ROLES = 20
YEAR_S = 365 * 24 * 3600

InviteCode = Annotated[str, Meta(min_length=1, max_length=64, description="Code of the invitation.")]
CODE = "q0T2sPo9dX0mPzJ1"


class Invite(Struct, frozen=True, kw_only=True):
    """An invitation. `created_by` is a username, `roles` are names."""

    code: str
    created_by: str
    created_at: float
    expires_at: Annotated[float | None, Meta(description="Unix seconds; null: never.")]
    max_uses: Annotated[int | None, Meta(description="null: any number.")]
    uses: int
    note: str
    roles: list[str]
    valid: Annotated[
        bool, Meta(description="Whether somebody may come by it now: not expired, not used up, its maker not banned.")
    ]


class InviteCreateEvent(Packet, kw_only=True, frozen=True, tag="invite_create"):
    """There is a new invitation. Told to who made it and to those with `manage_server`."""

    invite: Invite


@spec(
    does="Make an invitation: a code for `register`, `guest_login`, or the first `auth` of a Rotur account.",
    allowed="server permission `create_invite`, not guests; with roles `manage_roles` as well, and only roles that are "
    "below the caller and hold nothing that the caller does not",
    needs="create_invite",
    limited=True,
    events=(InviteCreateEvent,),
    errors=(
        Code.ACCOUNT_REQUIRED,
        Code.TOO_MANY_INVITES,
        Code.PERMISSION_REQUIRED,
        Code.ROLE_NOT_FOUND,
        Code.ROLE_ABOVE,
        Code.PERMISSION_ABOVE,
    ),
    example={"expires_in_s": 604800, "max_uses": 10, "note": "For the tea club"},
)
class InviteCreate(Command, kw_only=True, frozen=True):
    expires_in_s: (
        Annotated[float, Meta(ge=60, le=YEAR_S, description="Seconds until it expires; null or left out: never.")]
        | None
    ) = None
    max_uses: (
        Annotated[int, Meta(ge=1, le=100_000, description="How many may come by it; null or left out: any number.")]
        | None
    ) = None
    note: Annotated[str, Meta(max_length=MAX_NOTE, description="For those who manage invitations.")] = ""
    roles: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...],
        Meta(
            max_length=MAX_ROLES,
            description="Names or ids of roles that whoever comes by it is given, before the usual ones. Those that "
            "the maker could not give at that time are left out.",
        ),
    ] = ()


class InvitesListReply(Packet, kw_only=True, frozen=True, tag="invites_list"):
    """Invitations, oldest first."""

    invites: list[Invite]


@spec(
    does="List the own invitations; with `manage_server` those of all.",
    allowed="everybody after login",
    reply=InvitesListReply,
)
class InvitesList(Command, kw_only=True, frozen=True):
    pass


class InviteUpdateEvent(Packet, kw_only=True, frozen=True, tag="invite_update"):
    """Somebody came by an invitation. Told to who made it and to those with `manage_server`."""

    invite: Invite


class InviteDeleteEvent(Packet, kw_only=True, frozen=True, tag="invite_delete"):
    """Nobody comes by this code any more: it was deleted, its maker's account is gone, or it expired long ago. Told to
    who made it and to those with `manage_server`."""

    code: str
    deleted: Literal[True] = True


@spec(
    does="Delete an invitation. Who came by it stays.",
    allowed="who made it; those of others: server permission `manage_server`",
    events=(InviteDeleteEvent,),
    errors=(Code.INVITE_NOT_FOUND,),
    example={"code": CODE},
)
class InviteDelete(Command, kw_only=True, frozen=True):
    code: InviteCode
