"""Pictures of members: an address that clients load them from."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from handlers.names import is_visible
from handlers.outcome import Event, Outcome
from handlers.registry import handles
from handlers.users import find_user
from protocol.audience import Everyone
from protocol.errors import Code, Refused
from protocol.profile_pictures import PfpGet, PfpGetReply, PfpSet, PfpSetEvent

if TYPE_CHECKING:
    from db.users import User
    from handlers.context import Context


def picture_event(user: User) -> Event:
    """What is told when a member has another picture."""
    return Event(Everyone(), PfpSetEvent(username=user.username, val=user.pfp_url))


@handles(PfpSet)
def pfp_set(ctx: Context, cmd: PfpSet) -> Outcome:
    if ctx.world.config.auth_mode == "rotur":
        raise Refused(Code.PICTURE_FIXED)
    if cmd.url and not _is_address(cmd.url):
        raise Refused(Code.BAD_VALUE, field="pfp_set.url", reason="expected an http(s) URL with a host")
    user = msgspec.structs.replace(ctx.user, pfp_url=cmd.url or None)
    ctx.world.users.put(user)
    return Outcome(events=[picture_event(user)])


@handles(PfpGet)
def pfp_get(ctx: Context, cmd: PfpGet) -> Outcome:
    return Outcome(reply=PfpGetReply(username=cmd.username, val=find_user(ctx.world, cmd.username).pfp_url))


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and is_visible(url) and (parts.port is None or parts.port > 0)
    except ValueError:  # a port or an IPv6 address that is none
        return False
