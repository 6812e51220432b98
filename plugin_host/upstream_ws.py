"""What upstream's plugins take for connections. A member stands for all of its connections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from connection import Frame
from fanout import Delivery
from protocol.audience import Everyone, SessionsOf, Viewers

if TYPE_CHECKING:
    from plugin_host.api import HostApi
    from protocol.audience import Audience

MAX_PACKET_BYTES = 1 << 20


class Ws:
    """A member that is there, as `ws` of handlers."""

    authenticated = True
    voice_channel = active_channel = active_thread = request = None
    validator_key = ""

    def __init__(self, user_id: str, username: str, roles: tuple[str, ...], status: dict[str, str]) -> None:
        self.user_id = user_id
        self.username = username
        self.user_roles = list(roles)
        self.status = status

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ws) and other.user_id == self.user_id

    def __hash__(self) -> int:
        return hash(self.user_id)


def ws_of(api: HostApi, user_id: str) -> Ws | None:
    world = api.line.core.world

    def find() -> Ws | None:
        user = world.users.get(user_id)
        if user is None:
            return None
        status = {"status": user.status.status, "text": user.status.text}
        return Ws(user.id, user.username, user.roles, status)

    return api.line.ask(find)


class Crowd:
    """`connected_clients`: everybody who is online, at the moment of looking."""

    def __init__(self, api: HostApi) -> None:
        self._api = api

    def _now(self) -> list[Ws]:
        fanout = self._api.line.core.world.fanout
        ids = self._api.line.ask(lambda: list(fanout.online_users()))
        return [ws for user_id in ids if (ws := ws_of(self._api, user_id)) is not None]

    def __iter__(self) -> Iterator[Ws]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def __contains__(self, ws: object) -> bool:
        return ws in self._now()

    def copy(self) -> set[Ws]:
        return set(self._now())


def send_raw(api: HostApi, packet: Any, audience: Audience, but: str | None = None) -> None:
    """Send a packet of a plugin's own making. but: user id of who does not get it. Clients of other protocols know
    nothing of it."""
    data = msgspec.json.encode(packet)
    if not isinstance(packet, dict) or len(data) > MAX_PACKET_BYTES:
        raise ValueError(f"a packet is an object of up to {MAX_PACKET_BYTES} bytes")
    fanout = api.line.core.world.fanout

    def send() -> None:
        fanout.flush()
        sessions = [s for s in fanout.targets(audience) if not s.gateway and s.user_id != but]
        fanout.offer(sessions, (Delivery(audience, Frame(data), None),))

    api.line.ask(send)


def everyone() -> Audience:
    return Everyone()


def user_named(api: HostApi, text: str) -> Audience | None:
    users = api.line.core.world.users

    def find() -> Audience | None:
        found = users.find(text)
        return None if found is None else SessionsOf(found.id)

    return api.line.ask(find)


def viewers_of(api: HostApi, channel: str) -> Audience | None:
    channels = api.line.core.world.channels

    def find() -> Audience | None:
        found = channels.by_name(channel)
        return None if found is None else Viewers(found.id)

    return api.line.ask(find)
