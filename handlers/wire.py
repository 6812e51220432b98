"""From stored records to the objects of the wire: usernames instead of user ids, names instead of channel ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from protocol import objects_messages as wire

if TYPE_CHECKING:
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
        attachments=extra.get("attachments") or UNSET,
        meta=extra.get("meta", UNSET),
        webhook=extra.get("webhook") or UNSET,
        pings=pings,
        channel=channel,
        thread_id=thread_id,
    )


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
