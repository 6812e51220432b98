"""The server's name, icon and banner, which live in config.json; and the message limiter."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, UnsetType

from config.problems import ConfigError
from config.schema import Config, Server
from handlers.asset_pictures import Kind, asset_url, is_data_uri
from handlers.names import is_visible
from handlers.outcome import Event, Outcome
from handlers.registry import handles
from handlers.users import find_user
from protocol.audience import Everyone
from protocol.errors import Code, Refused
from protocol.objects_community import MAX_URL, LimiterState
from protocol.server_info import (
    RateLimitReset,
    RateLimitResetReply,
    RateLimitStatus,
    RateLimitStatusReply,
    ServerInfo,
    ServerInfoReply,
    ServerUpdate,
    ServerUpdateEvent,
)

if TYPE_CHECKING:
    from config.live import LiveConfig, Reloaded
    from handlers.context import Context

log = logging.getLogger("originchats")

editing = asyncio.Lock()
"""Two commands that read, change and write config.json must not overlap."""


@handles(ServerInfo)
def server_info(ctx: Context, cmd: ServerInfo) -> Outcome:
    name, icon, banner = _card(ctx.world.config)
    return Outcome(reply=ServerInfoReply(name=name, icon=icon, banner=banner))


def server_updated(config: Config) -> Event:
    """What is told when name, icon, banner or description have changed, by command or in config.json by hand."""
    name, icon, banner = _card(config)
    about = config.server.description or ""
    return Event(Everyone(), ServerUpdateEvent(name=name, icon=icon, banner=banner, description=about))


def _card(config: Config) -> tuple[str, str, str]:
    server = config.server
    return server.name, asset_url(config, server.icon) or "", asset_url(config, server.banner) or ""


@handles(ServerUpdate)
async def server_update(ctx: Context, cmd: ServerUpdate) -> Outcome:
    """The file is written before anybody is told; the running settings follow it."""
    live = ctx.world.live
    before = live.current
    changes: dict[str, Any] = {}
    if cmd.name is not UNSET:
        changes["server.name"] = checked_name(cmd.name, "server_update.name")
    if cmd.description is not UNSET:
        changes["server.description"] = (cmd.description or "").strip() or None
    pictures: tuple[tuple[Kind, str | UnsetType | None], ...] = (("icon", cmd.icon), ("banner", cmd.banner))
    for key, value in pictures:
        if value is not UNSET:
            uploaded = value is not None and is_data_uri(value)
            changes[f"server.{key}"] = value if uploaded else checked_picture(value, f"server_update.{key}")
    if not changes:
        raise Refused(Code.NO_UPDATES)
    for name in changes:
        source = live.fixed_by(name)
        if source is not None:  # the file would be written, and nothing would change
            raise Refused(Code.SETTING_FIXED, setting=name, source=source)
    stored: list[str] = []
    try:
        for key, value in pictures:
            if isinstance(value, str) and is_data_uri(value):
                file_name = await ctx.world.asset_pictures.store(value, key, f"server_update.{key}")
                stored.append(file_name)
                changes[f"server.{key}"] = file_name
        await _write(live, changes)
    except Refused:
        for file_name in stored:
            ctx.world.asset_pictures.discard(file_name)
        raise
    differs = card_changes(before, live.current)
    audit = [ctx.audit("server_update", None, None, card_changes(live.current, before), **differs)] if differs else []

    def replaced() -> None:
        for key in ("icon", "banner"):
            if key in differs:
                ctx.world.asset_pictures.discard(getattr(before.server, key))

    return Outcome(events=[server_updated(live.current)], audit=audit, after=replaced)


async def _write(live: LiveConfig, changes: dict[str, Any]) -> None:
    """Into the file, and from there into force. Raises Refused."""
    try:
        async with editing:
            await asyncio.to_thread(live.update_file, changes)
            problems = live.reload().problems
    except ConfigError as error:
        problems = error.problems
    except OSError as error:
        raise Refused(Code.SETTINGS_BROKEN, reason=error.strerror or type(error).__name__) from None
    if problems:
        problem = problems[0]
        raise Refused(
            Code.SETTINGS_BROKEN, reason=": ".join(filter(None, ("config.json", problem.path, problem.message)))
        )


def follow(live: LiveConfig, reloaded: Reloaded) -> None:
    """What follows from settings that have changed, besides what is told."""
    name = live.path.name
    if reloaded.changed:
        log.info("%s: in force now: %s", name, ", ".join(reloaded.changed))
    if "log.level" in reloaded.changed:
        logging.getLogger().setLevel(live.current.log.level.upper())
    if reloaded.restart_only:
        log.warning("%s: waits for a restart: %s", name, ", ".join(reloaded.restart_only))


def card_changes(old: Config, new: Config) -> dict[str, str | None]:
    """Name, icon, banner and description where they differ, as they are in `new`."""
    fields = ("name", "icon", "banner", "description")
    return {
        name: getattr(new.server, name) for name in fields if getattr(old.server, name) != getattr(new.server, name)
    }


def checked_name(name: str | None, field: str) -> str:
    if name is None:
        return Server().name
    if not is_visible(name):
        raise Refused(Code.BAD_VALUE, field=field, reason="expected visible characters")
    return name.strip()


def checked_picture(value: str | None, field: str) -> str | None:
    """A web address, or a bare file name that lies in db/serverAssets."""
    if not value:
        return None
    if len(value) > MAX_URL:
        raise Refused(Code.BAD_VALUE, field=field, reason=f"expected at most {MAX_URL} characters")
    url = value.lower().startswith(("http://", "https://"))
    if not is_visible(value) or any(character.isspace() for character in value):
        raise Refused(Code.BAD_VALUE, field=field, reason="expected visible characters")
    if not url and ("/" in value or "\\" in value or ":" in value or value.startswith(".")):
        raise Refused(Code.BAD_VALUE, field=field, reason="expected an http(s) URL or a file name")
    return value


@handles(RateLimitStatus)
def rate_limit_status(ctx: Context, cmd: RateLimitStatus) -> Outcome:
    world, me = ctx.world, ctx.user
    target = me if cmd.user is None else world.users.find(cmd.user)
    if (target is None or target.id != me.id) and not world.access.can(me, "manage_users"):
        raise Refused(Code.PERMISSION_REQUIRED, permission="manage_users")
    if target is None:
        raise Refused(Code.USER_NOT_FOUND)
    used, settings = world.limiter.status(target.id), world.config.rate_limiting
    status = LimiterState(
        messages_this_minute=used.messages_this_minute,
        messages_per_minute_limit=settings.messages_per_minute,
        recent_messages=used.recent_messages,
        burst_limit=settings.burst_limit,
        cooldown_remaining=used.cooldown_remaining_s,
        timeout_remaining=max(0.0, (target.muted_until or 0.0) - ctx.now),
    )
    return Outcome(reply=RateLimitStatusReply(user=target.username, status=status))


@handles(RateLimitReset)
def rate_limit_reset(ctx: Context, cmd: RateLimitReset) -> Outcome:
    target = find_user(ctx.world, cmd.user)
    used = ctx.world.limiter.status(target.id)
    changed = used.messages_this_minute or used.recent_messages or used.cooldown_remaining_s
    ctx.world.limiter.reset(target.id)
    reply = RateLimitResetReply(user=target.username, val=f"Rate limit reset for {target.username}")
    audit = [ctx.audit("rate_limit_reset", target.id, target.username)] if changed else []
    return Outcome(reply=reply, audit=audit)
