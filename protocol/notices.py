"""What a user is told that has to wait or to go. Commands of several families cause it."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from protocol.base import Packet


class RateLimitEvent(Packet, kw_only=True, frozen=True, tag="rate_limit"):
    """The caller has to wait; also sent to a member that is timed out (0: no longer)."""

    length: Annotated[int, Meta(description="Milliseconds until it may work.")]
    reason: str | UnsetType = UNSET
    src: Annotated[str, Meta(description="The command that is refused.")] | UnsetType = UNSET


class DisconnectEvent(Packet, kw_only=True, frozen=True, tag="disconnect"):
    """The user is thrown out; the connection closes with 1000."""

    reason: str
