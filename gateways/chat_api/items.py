"""From events of the core to items: what each is called here, and who has to have joined what to be told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from db.directs import bare_id
from db.users import LOCAL_PREFIX
from gateways.chat_api.modes import Change, changes_of, text_of
from gateways.chat_api.types import Item
from protocol.audience import Viewers, from_text
from protocol.base import Packet
from protocol.channel_members import (
    ChannelInviteEvent,
    ChannelMemberEvent,
    ChannelModesEvent,
    MemberJoinEvent,
    MemberLeaveEvent,
)
from protocol.channels import ChannelTopicEvent
from protocol.messages import MessageDeleteEvent, MessageEditEvent, MessageNewEvent
from protocol.objects_messages import Message
from protocol.plain_text import author_of, plain_text
from protocol.users import UserLeaveEvent, UserUpdateEvent

if TYPE_CHECKING:
    from db.directs import Direct
    from db.events import LoggedEvent
    from handlers.context import World

EVERYWHERE = "*"
"""`to` of what happened in no channel."""

log = logging.getLogger("originchats.chat_api")


class Translated(msgspec.Struct, frozen=True):
    """json: the encoded item. channel_id: the channel that a reader must have joined; None: any reader of the event.
    leaver_id: the id of a user who is told although it has not joined (any more)."""

    json: bytes
    channel_id: str | None = None
    leaver_id: str | None = None


class Where(msgspec.Struct, frozen=True):
    """Where an event happened, and as which item it is told."""

    id: str
    ts: str
    direct: Direct | None


def nick_of(username: str) -> str:
    return username.removeprefix(LOCAL_PREFIX)


def time_of(timestamp: float) -> str:
    """timestamp: unix seconds."""
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event_id(seq: int) -> str:
    """The id of an item that is no message: a UUID (version 8) that holds the number of the event."""
    digits = f"{seq:012x}"
    return f"00000000-0000-8000-8000-{digits}"


class Translator:
    def __init__(self, world: World) -> None:
        self._world = world
        self._encode = msgspec.json.Encoder().encode
        self._kinds: dict[str, tuple[msgspec.json.Decoder[Any], Callable[[Any, Where], Item | None]]] = {}
        for packet, translate in self._table().items():
            self._kinds[str(packet.__struct_config__.tag)] = (msgspec.json.Decoder(packet), translate)

    def _table(self) -> dict[type[Packet], Callable[[Any, Where], Item | None]]:
        return {
            MessageNewEvent: self._new,
            MessageEditEvent: self._edited,
            MessageDeleteEvent: self._deleted,
            MemberJoinEvent: self._joined,
            MemberLeaveEvent: self._left,
            ChannelTopicEvent: self._topic,
            ChannelModesEvent: self._modes,
            ChannelMemberEvent: self._marks,
            ChannelInviteEvent: self._invited,
            UserUpdateEvent: self._renamed,
            UserLeaveEvent: self._gone,
        }

    def item(self, event: LoggedEvent) -> Translated | None:
        """None for an event that has no words here."""
        known = self._kinds.get(event.kind)
        if known is None:
            return None
        decoder, translate = known
        audience = from_text(event.audience)
        channel_id = audience.channel if isinstance(audience, Viewers) else None
        direct = self._world.directs.get(channel_id) if channel_id is not None else None
        try:
            packet = decoder.decode(event.payload)
        except msgspec.DecodeError as error:  # of another version of the server
            log.error("event %d (%s) cannot be told: %s", event.seq, event.kind, error)
            return None
        item = translate(packet, Where(event_id(event.seq), time_of(event.timestamp), direct))
        if item is None:
            return None
        leaver = self._world.users.by_username(packet.user) if isinstance(packet, MemberLeaveEvent) else None
        return Translated(
            json=self._encode(item),
            channel_id=None if direct is not None else channel_id,
            leaver_id=leaver.id if leaver is not None else None,
        )

    def message_item(self, channel: str, message: Message) -> Item:
        """A message of an answer of the core. channel: the name of its channel there."""
        return self._message(message, self._world.directs.by_name(channel), channel)

    # --- messages ----------------------------------------------------------------------------------------------

    def _message(self, message: Message, direct: Direct | None, channel: str) -> Item:
        return Item(
            id=message.id,
            ts=time_of(message.timestamp),
            from_=nick_of(author_of(message)),
            to=f"#{channel}" if direct is None else self._other(direct, message.user),
            type=message.type,
            body=plain_text(message),
            meta={} if message.meta is UNSET else message.meta,
        )

    def _other(self, direct: Direct, author: str) -> str:
        """The nick of the member to whom `author`, a username, wrote. An author may have been renamed since."""
        one, two = (self._world.users.username_of(bare_id(member)) for member in direct.members)
        return nick_of(two if one == author else one)

    def _new(self, packet: MessageNewEvent, where: Where) -> Item | None:
        if packet.thread_id is not None:  # threads are not part of this protocol
            return None
        return self._message(packet.message, where.direct, packet.channel)

    def _edited(self, packet: MessageEditEvent, where: Where) -> Item | None:
        if packet.thread_id is not UNSET:
            return None
        item = self._message(packet.message, where.direct, packet.channel)
        return msgspec.structs.replace(item, id=where.id, ts=where.ts, meta={**item.meta, "edits": packet.id})

    def _deleted(self, packet: MessageDeleteEvent, where: Where) -> Item | None:
        if packet.thread_id is not UNSET:
            return None
        to = EVERYWHERE if where.direct is not None else f"#{packet.channel}"
        return self._told(where, None, to, "system", "A message was deleted", {"deletes": packet.id})

    # --- channels ----------------------------------------------------------------------------------------------

    def _joined(self, packet: MemberJoinEvent, where: Where) -> Item:
        return self._told(where, packet.user, f"#{packet.channel}", "join")

    def _left(self, packet: MemberLeaveEvent, where: Where) -> Item:
        meta = {} if packet.by is UNSET else {"by": nick_of(packet.by)}
        return self._told(where, packet.user, f"#{packet.channel}", "part", packet.reason, meta)

    def _topic(self, packet: ChannelTopicEvent, where: Where) -> Item:
        return self._told(where, packet.by, f"#{packet.channel}", "topic", packet.topic)

    def _modes(self, packet: ChannelModesEvent, where: Where) -> Item:
        return self._told(where, packet.by, f"#{packet.channel}", "mode", text_of(changes_of(packet.set)))

    def _marks(self, packet: ChannelMemberEvent, where: Where) -> Item:
        nick = nick_of(packet.user)
        changes = [Change(packet.operator, "o", nick), Change(packet.voice, "v", nick)]
        changes.sort(key=lambda change: not change.on)
        return self._told(where, packet.by, f"#{packet.channel}", "mode", text_of(changes))

    def _invited(self, packet: ChannelInviteEvent, where: Where) -> Item:
        channel = f"#{packet.channel}"
        text = f"{nick_of(packet.by)} invites you to {channel}"
        return self._told(where, packet.by, nick_of(packet.user), "notice", text, {"invite": channel})

    # --- users -------------------------------------------------------------------------------------------------

    def _renamed(self, packet: UserUpdateEvent, where: Where) -> Item | None:
        if packet.user == packet.username:  # only the nickname, which is not told here
            return None
        return self._told(where, packet.user, EVERYWHERE, "nick", nick_of(packet.username))

    def _gone(self, packet: UserLeaveEvent, where: Where) -> Item:
        return self._told(where, packet.username, EVERYWHERE, "quit")

    @staticmethod
    def _told(
        where: Where, by: str | None, to: str, type: Any, body: str = "", meta: dict[str, Any] | None = None
    ) -> Item:
        from_ = None if by is None else nick_of(by)
        return Item(id=where.id, ts=where.ts, from_=from_, to=to, type=type, body=body, meta=meta or {})
