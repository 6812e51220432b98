"""Voice channels: who is in them. The sound itself goes from peer to peer; the server passes on peer ids, and only to
those who are in the same channel."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol.base import Command, Packet, spec
from protocol.errors import Code
from protocol.objects_messages import ChannelName

GivenPeerId = Annotated[
    str, Meta(min_length=1, max_length=128, description="WebRTC peer id that others call; visible characters.")
]
PeerId = Annotated[str, Meta(description="WebRTC peer id, to be called.")]
Pfp = Annotated[str, Meta(description="URL of the picture.")]
SignalData = Annotated[
    str,
    Meta(min_length=1, max_length=65_536, description="Offer, answer or candidate, as the two agree on it."),
]
IceUrl = Annotated[str, Meta(description="`stun:`, `stuns:`, `turn:` or `turns:`.")]
SIGNAL = (Code.NOT_IN_VOICE, Code.TOO_MANY_TRIES)


class IceServer(Struct, frozen=True, kw_only=True):
    """A server that helps peers to find each other, in the form that browsers take."""

    urls: list[IceUrl]
    username: str | UnsetType = UNSET
    credential: str | UnsetType = UNSET


class VoicePeer(Struct, frozen=True, kw_only=True):
    """Somebody in the same voice channel, to be called."""

    username: str
    peer_id: PeerId
    muted: bool
    pfp: Pfp | UnsetType = UNSET


class VoiceParticipant(Struct, frozen=True, kw_only=True):
    """Somebody in a voice channel. `peer_id` is told only to those who are in it."""

    id: Annotated[str, Meta(description="User id.")]
    username: str
    muted: bool
    peer_id: PeerId | UnsetType = UNSET
    pfp: Pfp | UnsetType = UNSET


class VoiceUserJoinedEvent(Packet, kw_only=True, frozen=True, tag="voice_user_joined"):
    """Somebody has entered a voice channel. Who is in it calls the newcomer."""

    channel: ChannelName
    user: VoiceParticipant


class VoiceUserUpdatedEvent(Packet, kw_only=True, frozen=True, tag="voice_user_updated"):
    """Somebody in a voice channel is muted, or is not any more."""

    channel: ChannelName
    user: VoiceParticipant


class VoiceUserLeftEvent(Packet, kw_only=True, frozen=True, tag="voice_user_left"):
    """Somebody is in a voice channel no longer: by command, because the connection is gone, or because it may not be
    there any more; then it is told itself, too."""

    channel: ChannelName
    username: str


class VoiceSignalEvent(Packet, kw_only=True, frozen=True, tag="voice_signal"):
    """Somebody in the same voice channel has something to say to the receiver's WebRTC peer. Only of the moment."""

    channel: ChannelName
    username: str
    peer_id: Annotated[str, Meta(description="Of the sender.")]
    data: SignalData


class VoiceSignalReply(Packet, kw_only=True, frozen=True, tag="voice_signal"):
    """It was passed on."""

    channel: ChannelName
    sent: bool = True


class VoiceJoinReply(Packet, kw_only=True, frozen=True, tag="voice_join"):
    """The caller is in the channel. It calls everybody listed, all but itself."""

    channel: ChannelName
    participants: list[VoicePeer]
    ice_servers: Annotated[list[IceServer], Meta(description="Not there: none.")] | UnsetType = UNSET


class VoiceLeaveReply(Packet, kw_only=True, frozen=True, tag="voice_leave"):
    """The caller has left."""

    channel: ChannelName


class VoiceMuteReply(Packet, kw_only=True, frozen=True, tag="voice_mute"):
    """The caller is shown as muted."""

    channel: ChannelName
    muted: bool = True


class VoiceUnmuteReply(Packet, kw_only=True, frozen=True, tag="voice_unmute"):
    """The caller is not shown as muted any more."""

    channel: ChannelName
    muted: bool = False


class VoiceStateReply(Packet, kw_only=True, frozen=True, tag="voice_state"):
    """Who is in a voice channel, the caller included."""

    channel: ChannelName
    participants: list[VoiceParticipant]


@spec(
    does="Enter a voice channel with this connection, and leave the one that the caller was in.",
    allowed="who can view the voice channel; not through gateways",
    reply=VoiceJoinReply,
    events=(VoiceUserLeftEvent, VoiceUserJoinedEvent),
    errors=(
        Code.CHANNEL_NOT_FOUND, Code.NOT_A_VOICE_CHANNEL, Code.VOICE_FULL, Code.VOICE_UNAVAILABLE,
        Code.TOO_MANY_TRIES, Code.BAD_VALUE,
    ),
    example={"channel": "lounge", "peer_id": "3f0e9a6c-7c51-4c0f-8d6e-1f2a3b4c5d6e"},
)  # fmt: skip
class VoiceJoin(Command, kw_only=True, frozen=True):
    channel: ChannelName
    peer_id: GivenPeerId


@spec(
    does="Leave the voice channel.",
    allowed="who is in a voice channel with this connection",
    reply=VoiceLeaveReply,
    events=(VoiceUserLeftEvent,),
    errors=(Code.NOT_IN_VOICE,),
)
class VoiceLeave(Command, kw_only=True, frozen=True):
    pass


@spec(
    does="Show the others that the caller is muted.",
    allowed="who is in a voice channel with this connection",
    reply=VoiceMuteReply,
    events=(VoiceUserUpdatedEvent,),
    errors=SIGNAL,
)
class VoiceMute(Command, kw_only=True, frozen=True):
    pass


@spec(
    does="Show the others that the caller is not muted any more.",
    allowed="who is in a voice channel with this connection",
    reply=VoiceUnmuteReply,
    events=(VoiceUserUpdatedEvent,),
    errors=SIGNAL,
)
class VoiceUnmute(Command, kw_only=True, frozen=True):
    pass


@spec(
    does="List who is in a voice channel.",
    allowed="who can view the voice channel; peer ids only for who is in it with this connection",
    reply=VoiceStateReply,
    errors=(Code.CHANNEL_NOT_FOUND, Code.NOT_A_VOICE_CHANNEL),
    example={"channel": "lounge"},
)
class VoiceState(Command, kw_only=True, frozen=True):
    channel: ChannelName


@spec(
    does="Pass something on to the WebRTC peer of somebody in the same voice channel, so that the two can connect.",
    allowed="who is in a voice channel with this connection, to others who are",
    reply=VoiceSignalReply,
    events=(VoiceSignalEvent,),
    errors=(Code.NOT_IN_VOICE, Code.PEER_NOT_FOUND, Code.TOO_MANY_TRIES),
    example={"peer_id": "3f0e9a6c-7c51-4c0f-8d6e-1f2a3b4c5d6e", "data": '{"type": "offer", "sdp": "..."}'},
)
class VoiceSignal(Command, kw_only=True, frozen=True):
    peer_id: Annotated[str, Meta(min_length=1, max_length=128, description="Of the receiver.")]
    data: SignalData
