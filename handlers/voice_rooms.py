"""Who is in which voice channel. Only in memory: it is true for as long as the connections are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, UnsetType

from handlers.asset_pictures import picture_url
from handlers.outcome import Event
from protocol.audience import OneSession, Viewers, ViewersPart
from protocol.objects_community import VoiceMember
from protocol.voice import VoiceParticipant, VoicePeer, VoiceUserJoinedEvent, VoiceUserLeftEvent, VoiceUserUpdatedEvent

if TYPE_CHECKING:
    from db.channels import Channel
    from fanout import Session
    from handlers.context import World


class Participant(msgspec.Struct, frozen=True, kw_only=True):
    """channel: its id. channel_name, username: as last seen, for when the records are gone."""

    session: Session
    channel: str
    channel_name: str
    username: str
    peer_id: str
    muted: bool = False

    @property
    def user_id(self) -> str:
        return self.session.user_id


class Voice:
    """Belongs to the event loop. A user is in one voice channel at most, with one of its connections."""

    def __init__(self) -> None:
        self._by_user: dict[str, Participant] = {}
        self._by_channel: dict[str, dict[str, Participant]] = {}

    def __len__(self) -> int:
        return len(self._by_user)

    def everybody(self) -> tuple[Participant, ...]:
        return tuple(self._by_user.values())

    def of_user(self, user_id: str) -> Participant | None:
        return self._by_user.get(user_id)

    def of_session(self, session: Session) -> Participant | None:
        """None when the user is in voice with another connection."""
        found = self._by_user.get(session.user_id)
        return found if found is not None and found.session is session else None

    def in_channel(self, channel_id: str) -> tuple[Participant, ...]:
        """In the order of entering."""
        return tuple(self._by_channel.get(channel_id, {}).values())

    def put(self, participant: Participant) -> None:
        """Enter, or replace the user's entry in the same channel. The user is in no other one."""
        self._by_user[participant.user_id] = participant
        self._by_channel.setdefault(participant.channel, {})[participant.user_id] = participant

    def remove(self, participant: Participant) -> None:
        del self._by_user[participant.user_id]
        there = self._by_channel[participant.channel]
        del there[participant.user_id]
        if not there:
            del self._by_channel[participant.channel]


# --- as packets tell it


def voice_state(world: World, channel_id: str) -> list[VoiceMember]:
    """What the channel list says of a voice channel."""
    return [
        VoiceMember(_name(world, each), each.muted, _pfp(world, each)) for each in world.voice.in_channel(channel_id)
    ]


def participant(world: World, who: Participant, *, inside: bool) -> VoiceParticipant:
    """inside: for those who are in the same channel."""
    return VoiceParticipant(
        id=who.user_id,
        username=_name(world, who),
        muted=who.muted,
        peer_id=who.peer_id if inside else UNSET,
        pfp=_pfp(world, who),
    )


def peer(world: World, who: Participant) -> VoicePeer:
    return VoicePeer(username=_name(world, who), peer_id=who.peer_id, muted=who.muted, pfp=_pfp(world, who))


def _name(world: World, who: Participant) -> str:
    user = world.users.get(who.user_id)
    return who.username if user is None else user.username


def _pfp(world: World, who: Participant) -> str | UnsetType:
    user = world.users.get(who.user_id)
    url = None if user is None else picture_url(world.config, user)
    return UNSET if url is None else url


# --- what is told


def told(
    world: World, channel: Channel, who: Participant, kind: type[VoiceUserJoinedEvent] | type[VoiceUserUpdatedEvent]
) -> list[Event]:
    """To those in the channel with the peer id, to its other viewers without."""
    sessions = frozenset(each.session.id for each in world.voice.in_channel(channel.id))
    return [
        Event(
            ViewersPart(channel.id, sessions, among),
            kind(channel=channel.name, user=participant(world, who, inside=among)),
        )
        for among in (True, False)
    ]  # fmt: skip


def left(world: World, who: Participant) -> list[Event]:
    """Take somebody out. The viewers of the channel are told, and whoever was in it and cannot see it any more."""
    world.voice.remove(who)
    user, channel = world.users.get(who.user_id), world.channels.get(who.channel)
    name = who.channel_name if channel is None else channel.name
    packet = VoiceUserLeftEvent(channel=name, username=_name(world, who))
    events = [] if channel is None else [Event(Viewers(channel.id), packet)]
    if channel is None or user is None or not world.access.may(user, channel, "view"):
        events.append(Event(OneSession(who.session.id), packet))
    return events


def leave(world: World, session: Session) -> list[Event]:
    """A connection is gone."""
    who = world.voice.of_session(session)
    return [] if who is None else left(world, who)


def expel(world: World) -> list[Event]:
    """Take out who may not be there any more, after users, roles, channels or their members have changed."""
    events: list[Event] = []
    for who in world.voice.everybody():
        user, channel = world.users.get(who.user_id), world.channels.get(who.channel)
        gone = user is None or user.banned or channel is None or channel.type != "voice"
        if user is None or channel is None or gone or not world.access.may(user, channel, "view"):
            events += left(world, who)
        elif (who.channel_name, who.username) != (channel.name, user.username):
            world.voice.put(msgspec.structs.replace(who, channel_name=channel.name, username=user.username))
    return events
