"""From what happened in the server to what plugins are told: events of the typed interface, and upstream's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

import plugin_objects
from handlers.asset_pictures import picture_url
from plugin_host.api import member
from plugin_objects import (
    Action,
    Event,
    Message,
    MessageDelete,
    MessageEdit,
    MessageNew,
    MessagePin,
    Presence,
    UserJoin,
)
from protocol.audience import Viewers
from protocol.messages import (
    MessageDeleteEvent,
    MessageEditEvent,
    MessageNewEvent,
    MessagePinEvent,
    MessageUnpinEvent,
)
from protocol.users import UserConnectEvent, UserDisconnectEvent, UserJoinEvent, UserLeaveEvent

if TYPE_CHECKING:
    from db.users import User
    from handlers.context import World
    from handlers.outcome import Event as Sent
    from handlers.outcome import Happening
    from protocol import objects_messages as wire

ACTIONS = frozenset(Action.names)


class Told(msgspec.Struct, frozen=True):
    """event: for the typed interface. actor: user id of who caused it. legacy: upstream's name and data of the event,
    None where it has none."""

    name: str
    event: Event
    actor: str | None
    legacy: tuple[str, dict[str, Any]] | None = None


def told(world: World, happening: Happening) -> Iterator[Told]:
    """On the event loop."""
    actor = happening.actor
    unbanned = {entry.target_id for entry in happening.audit if entry.action == "user_unban"}
    for event in happening.events:
        yield from _packet(world, event, actor, unbanned)
    for entry in happening.audit:
        if entry.action not in ACTIONS:
            continue
        action = Action(
            action=entry.action,
            actor_id=entry.actor_id,
            actor_name=entry.actor_name,
            target_id=entry.target_id,
            target_name=entry.target_name,
            details=dict(entry.details),
        )
        yield Told(entry.action, action, entry.actor_id, _legacy_action(world, action))


def _packet(world: World, sent: Sent, actor: str | None, unbanned: set[str | None]) -> Iterator[Told]:
    packet = sent.packet
    if isinstance(sent.audience, Viewers) and world.directs.get(sent.audience.channel) is not None:
        return  # what two members say to each other
    user = world.users.get(actor) if actor is not None else None
    data: dict[str, Any]
    by = {"user_id": actor or "", "username": "" if user is None else user.username}
    match packet:
        case MessageNewEvent():
            message = _message(world, packet.message, packet.channel, packet.thread_id)
            legacy = None
            if message.by_member and user is not None:
                stored = {**msgspec.to_builtins(packet.message), "user": message.author}
                stored.pop("pings", None)
                channel = None if packet.thread_id else packet.channel
                data = {"content": message.content, "channel": channel, "message": stored, **by}
                legacy = ("new_message", data | ({"thread_id": packet.thread_id} if packet.thread_id else {}))
            yield Told("message_new", MessageNew(message=message), actor, legacy)
        case MessageEditEvent():
            thread_id = packet.thread_id or None
            message = _message(world, packet.message, packet.channel, thread_id)
            data = {"channel": packet.channel, "thread_id": thread_id, "id": packet.id, "content": packet.content, **by}
            yield Told("message_edit", MessageEdit(message=message), actor, ("message_edit", data))
        case MessageDeleteEvent():
            thread_id = packet.thread_id or None
            data = {"channel": packet.channel, "id": packet.id, **by} | ({"thread_id": thread_id} if thread_id else {})
            gone = MessageDelete(id=packet.id, channel=packet.channel, thread_id=thread_id, by=actor)
            yield Told("message_delete", gone, actor, ("message_delete", data))
        case MessagePinEvent() | MessageUnpinEvent():
            pinned = isinstance(packet, MessagePinEvent)
            name = "message_pin" if pinned else "message_unpin"
            data = {"channel": packet.channel, "id": packet.id, "pinned": pinned, **by}
            pin = MessagePin(
                id=packet.id, channel=packet.channel, thread_id=packet.thread_id or None, pinned=pinned, by=actor
            )
            yield Told(name, pin, actor, (name, data))
        case UserJoinEvent():
            joined = world.users.by_username(packet.user.username)
            if joined is not None and joined.id not in unbanned:
                yield Told(
                    "user_join",
                    UserJoin(user=member(world, joined)),
                    joined.id,
                    ("user_join", _legacy_user(joined, packet.user.color)),
                )
        case UserConnectEvent():
            here = world.users.by_username(packet.user.username)
            if here is not None:
                presence = Presence(change="user_connect", username=here.username, user_id=here.id)
                yield Told("user_connect", presence, here.id, ("user_connect", _legacy_user(here, packet.user.color)))
        case UserDisconnectEvent() | UserLeaveEvent():
            found = world.users.by_username(packet.username)
            user_id = found.id if found is not None else None
            if isinstance(packet, UserLeaveEvent):
                data = {"username": packet.username, "user_id": user_id or ""}
                left = Presence(change="user_leave", username=packet.username, user_id=user_id)
                yield Told("user_leave", left, user_id or actor, ("user_leave", data))
            else:
                went = Presence(change="user_disconnect", username=packet.username, user_id=user_id)
                yield Told("user_disconnect", went, user_id)


def _message(world: World, message: wire.Message, channel: str, thread_id: str | None) -> Message:
    author = world.users.by_username(message.user) if message.webhook is UNSET else None
    webhook = None if message.webhook is UNSET else message.webhook
    # what is in `webhook` and `embeds` is as it is stored: plain JSON, or the struct
    shown: dict[str, Any] = msgspec.to_builtins(webhook) if webhook is not None else {}
    name = shown.get("name") or (author.nickname or author.username if author is not None else message.user)
    avatar = shown.get("avatar") or (picture_url(world.config, author) if author is not None else None)
    return Message(
        id=message.id,
        channel=channel,
        thread_id=thread_id,
        author=message.user if author is None else author.id,
        name=name,
        by_member=author is not None,
        content=message.content,
        timestamp=message.timestamp,
        reply_to=None if message.reply_to is UNSET else message.reply_to.id,
        avatar=avatar,
        embeds=[] if message.embeds is UNSET else msgspec.to_builtins(message.embeds),
    )


def _legacy_user(user: User, color: str | None) -> dict[str, Any]:
    """The record without what is secret."""
    record = {"username": user.username, "roles": list(user.roles), "nickname": user.nickname}
    return {"username": user.username, "user_id": user.id, "roles": list(user.roles), "color": color, "user": record}


def _legacy_action(world: World, action: Action) -> tuple[str, dict[str, Any]] | None:
    name, target, details = action.action, action.target_name or "", action.details
    match name:
        case "user_ban" | "user_unban" | "user_timeout" | "user_roles_set":
            data: dict[str, Any] = {"user_id": action.target_id or "", "username": target}
            if name == "user_timeout":
                seconds = details.get("timeout", details.get("duration", 0))
                data["timeout"] = int(seconds * 1000) if isinstance(seconds, (int, float)) else 0
            elif name == "user_roles_set":
                found = world.users.get(action.target_id or "")
                data["roles"] = list(found.roles) if found is not None else list(details.get("roles", ()))
            elif "reason" in details:
                data["reason"] = details["reason"]
        case "channel_create" | "channel_update" | "channel_move":
            channel = world.channels.get(action.target_id or "") or world.channels.by_name(target)
            seen = msgspec.to_builtins(plugin_objects.Channel(id="", name=target, type="text"))
            if channel is not None:
                rules = {key: list(rule) for key, rule in channel.permissions.items()}
                seen = {"name": channel.name, "type": channel.type, "permissions": rules}
            data = {"channel": seen}
            if name == "channel_update":
                data["old_name"] = details.get("old_name", details.get("current_name", target))
            elif name == "channel_move":
                data["position"] = details.get("position", 0)
        case "channel_delete":
            data = {"channel_name": target}
        case "role_create" | "role_update" | "role_delete":
            role = world.roles.get(target)
            data = {"role_id": action.target_id or "", "role_name": target}
            if name != "role_delete":
                data["description"] = role.description if role is not None else None
                data["color"] = role.color if role is not None else None
        case "self_role_add" | "self_role_remove":
            data = {"user_id": action.actor_id, "username": action.actor_name}
            data["role_name"] = str(details.get("role", target))
        case _:
            return None
    return name, data
