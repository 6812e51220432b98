"""Packets as frames: encoded here, numbered, and with the listener of the command they answer."""

from __future__ import annotations

import msgspec

from connection import Frame
from handlers.context import World
from handlers.registry import VIEWS
from protocol.base import Packet

_encoder = msgspec.json.Encoder()


def frame_of(packet: Packet, *, listener: str | None = None) -> Frame:
    """A packet for one client, with the `listener` of the command it answers."""
    return Frame(with_listener(_encoder.encode(packet), listener))


def wire_kind(packet: Packet) -> str:
    """The `cmd` of a packet."""
    return str(packet.__struct_config__.tag)


def numbered_frame(payload: bytes, seq: int) -> Frame:
    """A logged event as it is sent: the stored payload and its `seq`."""
    return Frame(b'%b,"seq":%d}' % (payload[:-1], seq))


def without_number(payload: bytes, seq: int) -> bytes:
    """The payload of `numbered_frame` before it got its number."""
    return payload.removesuffix(b',"seq":%d}' % seq) + b"}"


def encode(packet: Packet) -> bytes:
    return _encoder.encode(packet)


def with_listener(payload: bytes, listener: str | None) -> bytes:
    if listener is None:
        return payload
    return b'%b,"listener":%b}' % (payload[:-1], _encoder.encode(listener))


def view_frame(world: World, view: str, user_id: str, seq: int) -> Frame | None:
    """A view as one user sees it now; None when there is no such user any more."""
    user = world.users.get(user_id)
    return None if user is None else numbered_frame(_encoder.encode(VIEWS[view](world, user)), seq)
