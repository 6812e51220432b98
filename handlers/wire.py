"""From stored records to the objects of the wire: usernames instead of user ids, names instead of channel ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from msgspec import UNSET, UnsetType

from protocol import objects_messages as wire

if TYPE_CHECKING:
    from config.schema import Config
    from db.attachments import StoredAttachment
    from db.channels import Channel
    from db.directs import Direct
    from db.messages import Message
    from db.store import Head
    from db.threads import Thread
    from handlers.context import World


def message(
    world: World,
    stored: Message,
    *,
    pings: wire.Pings | UnsetType = UNSET,
    channel: str | UnsetType = UNSET,
    thread_id: str | UnsetType = UNSET,
) -> wire.Message:
    name = world.users.username_of
    reactions = {emoji: [name(user) for user in users] for emoji, users in stored.reactions.items() if users}
    # what is in `extra` was checked on its way in, and keeps keys that the types do not know
    extra = stored.extra
    return wire.Message(
        id=stored.id,
        user=name(stored.user_id),
        content=stored.content,
        timestamp=stored.timestamp,
        type=extra.get("type", "message"),
        pinned=stored.pinned,
        interaction=extra.get("interaction"),
        edited=stored.edited or UNSET,
        reply_to=reply_to(world, stored),
        ping=UNSET if stored.ping is None else stored.ping,
        reactions=reactions or UNSET,
        embeds=extra.get("embeds") or UNSET,
        attachments=_shown(world.config, extra.get("attachments")),
        meta=extra.get("meta", UNSET),
        webhook=extra.get("webhook") or UNSET,
        pings=pings,
        channel=channel,
        thread_id=thread_id,
    )


def _shown(config: Config, snapshots: Any) -> Any:
    """The address is that of today, wherever the server was when the message was sent."""
    return [{**each, "url": attachment_url(config, each["id"])} for each in snapshots] if snapshots else UNSET


def attachment_url(config: Config, id: str) -> str:
    base = config.server.url or f"http://{config.websocket.host}:{config.websocket.port}"
    return f"{base.rstrip('/')}/attachments/{quote(id)}"


def attachment(config: Config, stored: StoredAttachment) -> wire.Attachment:
    return msgspec.convert({**attachment_snapshot(stored), "url": attachment_url(config, stored.id)}, wire.Attachment)


def attachment_snapshot(stored: StoredAttachment) -> dict[str, Any]:
    """What a message keeps of an upload."""
    snapshot = {name: getattr(stored, name) for name in ("id", "name", "mime_type", "size", "expires_at", "permanent")}
    if stored.width is not None and stored.height is not None:
        snapshot |= {"width": stored.width, "height": stored.height}
    return snapshot


def reply_to(world: World, stored: Message) -> wire.ReplyTo | UnsetType:
    if stored.reply_to is None:
        return UNSET
    return wire.ReplyTo(stored.reply_to, world.users.username_of(stored.reply_user or ""))


def thread(
    world: World, stored: Thread, channel: Channel | Direct, head: Head | UnsetType | None = UNSET
) -> wire.Thread:
    """channel: its parent. head: the newest message; UNSET takes the newest that is committed."""
    newest = world.store.heads.get(stored.id) if head is UNSET else head
    name = world.users.username_of
    return wire.Thread(
        id=stored.id,
        name=stored.name,
        parent_channel=channel.name,
        created_by=name(stored.created_by),
        created_at=stored.created_at,
        locked=stored.locked,
        archived=stored.archived,
        participants=[name(user) for user in stored.participants],
        last_message=newest.timestamp if newest else None,
        last_message_id=newest.id if newest else None,
    )
