"""Pictures of members: an address that clients load them from."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from handlers.asset_pictures import picture_url
from handlers.names import is_visible
from handlers.outcome import Event, Outcome
from handlers.registry import handles
from handlers.users import find_user
from protocol.audience import Everyone
from protocol.errors import Code, Refused
from protocol.profile_pictures import PfpGet, PfpGetReply, PfpSet, PfpSetEvent, PfpUpload

if TYPE_CHECKING:
    from db.users import User
    from handlers.context import Context, World


def picture_event(world: World, user: User) -> Event:
    """What is told when a member has another picture."""
    return Event(Everyone(), PfpSetEvent(username=user.username, val=picture_url(world.config, user)))


@handles(PfpSet)
def pfp_set(ctx: Context, cmd: PfpSet) -> Outcome:
    _own_pictures_only(ctx.world)
    if cmd.url and not _is_address(cmd.url):
        raise Refused(Code.BAD_VALUE, field="pfp_set.url", reason="expected an http(s) URL with a host")
    ctx.world.profile_changes.spend(ctx.user.id)
    return _put(ctx, cmd.url or None)


@handles(PfpUpload)
async def pfp_upload(ctx: Context, cmd: PfpUpload) -> Outcome:
    """The picture is on disk before the record, and the earlier one goes after it."""
    _own_pictures_only(ctx.world)
    file_name = await ctx.world.asset_pictures.store(cmd.image, "pfp", "pfp_upload.image")
    if not ctx.visitor.present:  # thrown out meanwhile
        ctx.world.asset_pictures.discard(file_name)
        raise Refused(Code.UNAVAILABLE, reason="the connection is gone")
    return _put(ctx, file_name)


@handles(PfpGet)
def pfp_get(ctx: Context, cmd: PfpGet) -> Outcome:
    url = picture_url(ctx.world.config, find_user(ctx.world, cmd.username))
    return Outcome(reply=PfpGetReply(username=cmd.username, val=url))


def _own_pictures_only(world: World) -> None:
    if world.config.auth_mode == "rotur":
        raise Refused(Code.PICTURE_FIXED)


def _put(ctx: Context, picture: str | None) -> Outcome:
    """picture: a URL, or the name of a file of ours."""
    world, old = ctx.world, ctx.user
    user = msgspec.structs.replace(old, pfp_url=picture)
    world.users.put(user)
    return Outcome(events=[picture_event(world, user)], after=lambda: world.asset_pictures.discard(old.pfp_url))


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and is_visible(url) and (parts.port is None or parts.port > 0)
    except ValueError:  # a port or an IPv6 address that is none
        return False
