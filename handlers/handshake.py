"""The first packet of every connection, and the liveness check."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from db.permissions import PERMISSIONS
from handlers.asset_pictures import asset_url
from handlers.context import Context, World
from handlers.emoji_pictures import taken_types
from handlers.invites import registration
from handlers.outcome import Outcome
from handlers.picture_folder import MAX_BYTES
from handlers.registry import HANDLERS, HTTP_CAPABILITIES, handles
from protocol.base import COMMANDS
from protocol.login import HandshakeEvent, Ping, PongReply
from protocol.objects_community import Handshake, HandshakeAttachments, HandshakeLimits, ServerObject, ServerOwner


def handshake(world: World, validator_key: str) -> HandshakeEvent:
    config = world.config
    limited = config.rate_limiting.enabled
    return HandshakeEvent(
        val=Handshake(
            server=ServerObject(
                name=config.server.name,
                owner=ServerOwner(name=config.server.owner.name),
                description=_or_unset(config.server.description),
                icon=_or_unset(asset_url(config, config.server.icon)),
                banner=_or_unset(asset_url(config, config.server.banner)),
                url=_or_unset(config.server.url),
            ),
            limits=HandshakeLimits(
                post_content=config.limits.post_content,
                search_results=config.limits.search_results,
                max_frame_bytes=config.limits.max_frame_bytes,
                max_frame_bytes_before_login=config.limits.max_frame_bytes_before_login,
                messages_per_minute=config.rate_limiting.messages_per_minute if limited else None,
                burst_limit=config.rate_limiting.burst_limit if limited else None,
                meta_bytes=config.limits.meta_bytes,
                session_timeout_s=config.sessions.timeout_s,
                emojis=config.limits.emojis,
                emoji_types=taken_types(config.uploads.emoji_allowed_file_types),
                picture_bytes=MAX_BYTES,
            ),
            attachments=HandshakeAttachments(
                enabled=config.attachments.enabled,
                max_size=config.attachments.max_size,
                allowed_types=list(config.attachments.allowed_types),
                max_attachments_per_user=config.attachments.max_attachments_per_user,
                permanent_tiers=list(config.attachments.permanent_tiers),
            ),
            validator_key=validator_key,
            capabilities=[
                *(spec.name for spec in COMMANDS.values() if spec.command in HANDLERS),
                *(name for name, offered in HTTP_CAPABILITIES.items() if offered(config)),
            ],
            permissions=list(PERMISSIONS),
            auth_mode=config.auth_mode,
            registration=registration(world),
            claimable=world.claim.open,
        )
    )


@handles(Ping)
def ping(ctx: Context, cmd: Ping) -> Outcome:
    return Outcome(reply=PongReply())


def _or_unset(value: str | None) -> str | UnsetType:
    return value or UNSET
