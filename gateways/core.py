"""What a gateway is given, and how it has a command carried out.

A gateway translates: what its peers send becomes a typed command of `protocol/`, and what the core tells becomes the
words of its own protocol. It holds no rights, no limits, no storage: those are behind `Core.carry_out`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from protocol.answers import decode_answer
from protocol.base import Command, Packet
from protocol.errors import Code
from protocol.login import AuthErrorEvent, ErrorEvent
from protocol.notices import RateLimitEvent

if TYPE_CHECKING:
    from connection import Frame
    from fanout import Session, Sink
    from gate import Gatekeeper, Peer
    from handlers.context import World


class Attendance(Protocol):
    def arrive(self, session: Session) -> bool:
        """The session's sink receives events from now on. False when its user may not be here any more."""

    def leave(self, session: Session | None) -> None: ...


class Core(Protocol):
    """The server behind all ways in. Lives on the event loop."""

    @property
    def world(self) -> World: ...

    @property
    def gate(self) -> Gatekeeper: ...

    @property
    def attendance(self) -> Attendance: ...

    @property
    def monotonic(self) -> Callable[[], float]: ...

    def carry_out(self, caller: Any, command: Command) -> None:
        """`dispatch.Dispatcher.carry_out`."""

    def next_number(self) -> int:
        """For `Guest.number`."""


class NoSink:
    """For who is answered, but receives no events (yet)."""

    fast = False

    def __init__(self) -> None:
        self.outbox: list[bytes] = []

    def send(self, frame: Frame, *, ephemeral: bool = False) -> bool:
        return True

    def when_drained(self, callback: Callable[[], None]) -> None:
        callback()

    def close(self, code: int, reason: str = "") -> None:
        return


class GatewayRefused(Exception):
    """The core refused a command. `wait_s` is set when it may work after so many seconds."""

    def __init__(self, code: str, text: str, field: str | None = None, wait_s: float | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.field = field
        self.wait_s = wait_s


class Ask:
    """One command of a gateway: the `Caller` of it. `await Ask(...).of(command)` gives the packets of the answer."""

    hears_itself = True
    validator_key = ""

    def __init__(
        self,
        core: Core,
        peer: Peer,
        gateway: str,
        session: Session | None = None,
        sink: Sink | None = None,
        entered: Callable[[Session], None] | None = None,
    ) -> None:
        """entered: called on the loop, right before the answer, with the new session of a command that logs in."""
        self._core = core
        self.address, self.network, self.agent = peer
        self.gateway = gateway
        self.session = session
        self.sink: Sink = sink if sink is not None else session.sink if session is not None else NoSink()
        self._entered = entered
        self._command: Command | None = None
        self._packets: list[Packet] = []
        self._answered: asyncio.Future[list[Packet]] = asyncio.get_running_loop().create_future()

    async def of(self, command: Command) -> list[Packet]:
        """Raises GatewayRefused."""
        self._command = command
        self._core.carry_out(self, command)
        packets = await self._answered
        limited = next((packet for packet in packets if isinstance(packet, RateLimitEvent)), None)
        for packet in packets:
            if isinstance(packet, (ErrorEvent, AuthErrorEvent)):
                wait_s = limited.length / 1000 if limited is not None else None
                field = packet.field if isinstance(packet, ErrorEvent) and isinstance(packet.field, str) else None
                raise GatewayRefused(packet.code or Code.INTERNAL.wire, packet.val, field, wait_s)
        return packets

    # --- Caller ------------------------------------------------------------------------------------------------

    @property
    def present(self) -> bool:
        """The gateway has looked right before."""
        session = self.session
        user = self._core.world.users.get(session.user_id) if session is not None else None
        return user is not None and not user.banned

    def log_in(self, session: Session) -> None:
        self.session = session
        if self._entered is not None:
            self._entered(session)

    def send(self, frame: Frame) -> None:
        assert self._command is not None
        self._packets.append(decode_answer(type(self._command), frame.payload))

    def began(self) -> None:
        return

    def settled(self) -> None:
        if not self._answered.done():
            self._answered.set_result(self._packets)

    def block(self) -> None:
        return

    def unblock(self) -> None:
        return
