"""What plugins see of the community: copies, as it was at the moment of asking or telling, and the events they hear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import msgspec


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """name: nickname, else username. joined_at: unix seconds, None when it is not known."""

    id: str
    username: str
    name: str
    roles: tuple[str, ...] = ()
    online: bool = False
    banned: bool = False
    joined_at: float | None = None


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """type: text, forum, voice or separator. permissions: the rules, as in channels.json."""

    id: str
    name: str
    type: str
    description: str = ""
    permissions: dict[str, tuple[str, ...]] = {}


class Role(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    color: str | None
    permissions: tuple[str, ...]
    position: int


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """author: user id. by_member: False when a webhook, a plugin or the server wrote it. name: as it is shown.
    timestamp: unix seconds. direct: in a direct channel of two members."""

    id: str
    channel: str
    thread_id: str | None = None
    author: str
    name: str
    by_member: bool
    content: str
    timestamp: float = 0.0
    reply_to: str | None = None
    avatar: str | None = None
    embeds: list[dict[str, Any]] = []
    direct: bool = False


# --- events -----------------------------------------------------------------------------------------------------------


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of events. `names`: what `Plugin.on` is given to hear of it."""

    names: ClassVar[tuple[str, ...]] = ()


class ServerStart(Event, frozen=True, kw_only=True):
    """The plugin runs: after the start of the server, after a reload, and when it is switched on."""

    names: ClassVar[tuple[str, ...]] = ("server_start",)


class MessageNew(Event, frozen=True, kw_only=True):
    """A message was stored and is on its way. None from direct channels."""

    names: ClassVar[tuple[str, ...]] = ("message_new",)
    message: Message


class MessageEdit(Event, frozen=True, kw_only=True):
    names: ClassVar[tuple[str, ...]] = ("message_edit",)
    message: Message


class MessageDelete(Event, frozen=True, kw_only=True):
    """by: user id of who deleted it, None when no member did."""

    names: ClassVar[tuple[str, ...]] = ("message_delete",)
    id: str
    channel: str
    thread_id: str | None = None
    by: str | None = None


class MessagePin(Event, frozen=True, kw_only=True):
    names: ClassVar[tuple[str, ...]] = ("message_pin", "message_unpin")
    id: str
    channel: str
    thread_id: str | None = None
    pinned: bool
    by: str | None = None


class UserJoin(Event, frozen=True, kw_only=True):
    """Somebody is a member for the first time (not: logs in again, or is unbanned)."""

    names: ClassVar[tuple[str, ...]] = ("user_join",)
    user: Member


class Presence(Event, frozen=True, kw_only=True):
    """The first connection of a member came, the last one went, or the member left the community."""

    names: ClassVar[tuple[str, ...]] = ("user_connect", "user_disconnect", "user_leave")
    change: Literal["user_connect", "user_disconnect", "user_leave"]
    username: str
    user_id: str | None = None


class Action(Event, frozen=True, kw_only=True):
    """Something that is in the moderation log. action: the command. target_id: a user, role, channel or message."""

    names: ClassVar[tuple[str, ...]] = (
        "user_ban", "user_unban", "user_timeout", "user_delete", "user_roles_set", "user_update", "channel_create",
        "channel_update", "channel_move", "channel_delete", "role_create", "role_update", "role_delete", "role_reorder",
        "role_permissions_set", "self_role_add", "self_role_remove", "server_update",
    )  # fmt: skip
    action: str
    actor_id: str
    actor_name: str
    target_id: str | None = None
    target_name: str | None = None
    details: dict[str, Any] = {}


EVENTS: Mapping[str, type[Event]] = {
    name: type_
    for type_ in (ServerStart, MessageNew, MessageEdit, MessageDelete, MessagePin, UserJoin, Presence, Action)
    for name in type_.names
}


DraftKind = Literal["message", "embed", "poll", "thread", "name", "topic", "status", "reason", "slash", "webhook"]


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """One text before it is stored; what has several, such as a poll, is several drafts, and refused as a whole.

    kind: message; embed (a text or address in an embed); poll (question or option); thread (its name); name (of a
    member); topic (of a channel); status (of a member); reason (of leaving a channel); slash (an argument of a slash
    command); webhook (text or name that a webhook sent; `author` has its id). channel: "" for what belongs to none. id:
    of the message that is edited.
    """

    author: Member
    kind: DraftKind = "message"
    channel: str
    thread_id: str | None
    content: str
    direct: bool = False
    id: str | None = None


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """An option of a slash command. type: str, int, float, bool or enum (then one of `choices`)."""

    name: str
    description: str = ""
    type: Literal["str", "int", "float", "bool", "enum"] = "str"
    required: bool = True
    choices: list[str] = []


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A slash command or command as somebody called it. channel: None for commands."""

    user: Member
    args: Any
    channel: str | None = None
