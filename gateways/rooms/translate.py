"""What the core tells, in the words of the rooms dialect. Worked out once for everybody who is told it."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, UnsetType

from connection import Frame
from db.users import LOCAL_PREFIX
from gateways.rooms import frames
from gateways.rooms.frames import frame_of, iso_time
from protocol.base import Packet
from protocol.channel_members import MemberJoinEvent, MemberLeaveEvent
from protocol.login import ShutdownEvent
from protocol.messages import MessageDeleteEvent, MessageEditEvent, MessageNewEvent
from protocol.notices import DisconnectEvent, RateLimitEvent
from protocol.objects_messages import Message
from protocol.plain_text import author_of, plain_text
from protocol.users import UserLeaveEvent

if TYPE_CHECKING:
    from db.users import User, Users
    from handlers.context import World


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """frame: None when there is nothing to say. room: id of the channel that it is about; None: it is for whoever gets
    it. joiner, leaver: id of the user who came into the room or is no longer there. places_changed: rooms may be gone,
    or out of sight.
    """

    frame: Frame | None = None
    room: str | None = None
    joiner: str | None = None
    leaver: str | None = None
    places_changed: bool = False


_NOTHING = Told()
_PLACES_CHANGED = Told(places_changed=True)


class _Kind(msgspec.Struct):
    cmd: str


_kind = msgspec.json.Decoder(_Kind)
_TRANSLATED: tuple[type[Packet], ...] = (
    MessageNewEvent, MessageEditEvent, MessageDeleteEvent, MemberJoinEvent, MemberLeaveEvent, DisconnectEvent,
    RateLimitEvent, ShutdownEvent, UserLeaveEvent,
)  # fmt: skip
_decoders = {str(packet.__struct_config__.tag): msgspec.json.Decoder(packet) for packet in _TRANSLATED}


def find_user(users: Users, name: str) -> User | None:
    """Who is meant by a name of the dialect."""
    return users.by_mention(unicodedata.normalize("NFKC", name).strip())


class Translator:
    """Reads the world to tell rooms from private talks; lives on the event loop."""

    def __init__(self, world: World) -> None:
        self._world = world

    def name_of(self, username: str) -> str:
        """How a user is called here: a local account without its prefix, unless that is somebody else's name."""
        bare = username.removeprefix(LOCAL_PREFIX)
        meant = self._world.users.by_mention(bare)
        return bare if meant is None or meant.username == username else username

    def told(self, payload: bytes) -> Told:
        """What becomes of a packet of the core. Typing, presence, reactions and the like have no word here."""
        cmd = _kind.decode(payload).cmd
        if cmd == "channels_get":
            return _PLACES_CHANGED
        decoder = _decoders.get(cmd)
        return _NOTHING if decoder is None else self._translate(decoder.decode(payload))

    def _translate(self, packet: Packet) -> Told:
        match packet:
            case MessageNewEvent(thread_id=None):
                return self._message(packet.channel, packet.message)
            case MessageEditEvent(thread_id=msgspec.UNSET):
                return self._message(packet.channel, packet.message, edited=True)
            case MessageDeleteEvent(thread_id=msgspec.UNSET):
                return self._deleted(packet)
            case MemberJoinEvent():
                return self._joined(packet)
            case MemberLeaveEvent():
                return self._left(packet)
            case UserLeaveEvent():
                body = frames.LeftBody(sender_username=self.name_of(packet.username))
                return Told(frame=frame_of(frames.Left(message_body=body)))
            case DisconnectEvent():
                return _error(frames.Error.DISCONNECTED, packet.reason)
            case ShutdownEvent():
                return _error(frames.Error.SHUTDOWN, packet.reason, packet.retry_after_ms)
            case RateLimitEvent() if packet.length:
                return _error("rate_limit", packet.reason or "", packet.length)
        return _NOTHING

    def _message(self, place: str, message: Message, *, edited: bool = False) -> Told:
        sender, time = self.name_of(author_of(message)), iso_time(message.timestamp)
        kind = UNSET if message.type == "message" else message.type
        changed = True if edited else UNSET
        direct = self._world.directs.by_name(place)
        if direct is not None:
            author = self._world.users.by_username(message.user)
            other = self._world.users.username_of(direct.other(author.id)) if author is not None else ""
            private = frames.SaidPrivatelyBody(
                id=message.id,
                sender_username=sender,
                target_username=self.name_of(other),
                content=plain_text(message),
                timestamp=time,
                type=kind,
                edited=changed,
            )
            return Told(frame=frame_of(frames.SaidPrivately(message_body=private)))
        said = frames.SaidBody(
            id=message.id,
            sender_username=sender,
            room=place,
            content=plain_text(message),
            timestamp=time,
            type=kind,
            edited=changed,
        )
        return self._in_room(place, frames.Said(message_body=said))

    def _deleted(self, packet: MessageDeleteEvent) -> Told:
        if self._world.directs.by_name(packet.channel) is not None:
            private = frames.SaidPrivatelyBody(
                id=packet.id, sender_username="", target_username="", content="", deleted=True
            )
            return Told(frame=frame_of(frames.SaidPrivately(message_body=private)))
        said = frames.SaidBody(id=packet.id, sender_username="", room=packet.channel, content="", deleted=True)
        return self._in_room(packet.channel, frames.Said(message_body=said))

    def _joined(self, packet: MemberJoinEvent) -> Told:
        body = frames.EnteredBody(sender_username=self.name_of(packet.user), room=packet.channel)
        return self._in_room(packet.channel, frames.Entered(message_body=body), joiner=self._id_of(packet.user))

    def _left(self, packet: MemberLeaveEvent) -> Told:
        body = frames.LeftBody(
            sender_username=self.name_of(packet.user),
            room=packet.channel,
            reason=packet.reason or UNSET,
            by=UNSET if packet.by is UNSET else self.name_of(packet.by),
        )
        return self._in_room(packet.channel, frames.Left(message_body=body), leaver=self._id_of(packet.user))

    def _in_room(
        self, name: str, told: frames.Outbound, *, joiner: str | None = None, leaver: str | None = None
    ) -> Told:
        channel = self._world.channels.by_name(name)
        if channel is None:  # it is gone since
            return _NOTHING
        return Told(frame=frame_of(told), room=channel.id, joiner=joiner, leaver=leaver)

    def _id_of(self, username: str) -> str | None:
        user = self._world.users.by_username(username)
        return None if user is None else user.id


def _error(code: str, reason: str, retry_after_ms: int | UnsetType = UNSET) -> Told:
    body = frames.ErrorBody(code=code, reason=reason, retry_after_ms=retry_after_ms)
    return Told(frame=frame_of(frames.Error(message_body=body)))
