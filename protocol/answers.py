"""From frames back to packets, for those who give commands from inside the server (gateways)."""

from __future__ import annotations

from functools import cache
from typing import Any, Union

import msgspec

from protocol.base import COMMANDS, Command, Packet, wire_name
from protocol.login import AuthErrorEvent, AuthSuccessEvent, ErrorEvent, ReadyEvent
from protocol.notices import DisconnectEvent, RateLimitEvent

GENERAL: tuple[type[Packet], ...] = (
    ErrorEvent, AuthErrorEvent, RateLimitEvent, DisconnectEvent, AuthSuccessEvent, ReadyEvent,
)  # fmt: skip
"""What any command may be answered with."""


def decode_answer(command: type[Command], payload: bytes) -> Packet:
    """One of the packets that a command of this type is answered with."""
    packet: Packet = _decoder(command).decode(payload)
    return packet


@cache
def _decoder(command: type[Command]) -> msgspec.json.Decoder[Any]:
    spec = COMMANDS[wire_name(command.__name__)]
    own = (*((spec.reply,) if spec.reply is not None else ()), *spec.events[:1])
    by_tag = {str(packet.__struct_config__.tag): packet for packet in (*GENERAL, *reversed(own))}
    return msgspec.json.Decoder(Union[tuple(by_tag.values())])  # noqa: UP007  (made at run time)
