"""What one connection is told: the core's frames, translated, of the rooms that it has entered."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from connection import Connection, Frame
from gateways.rooms import frames
from gateways.rooms.frames import frame_of
from gateways.rooms.translate import Translator

if TYPE_CHECKING:
    from handlers.context import World

OUT_OF_SIGHT = "You are not in this room any more: it is gone, or closed to you"


class EnteredRoom:
    """name: as it was last seen. joined: entering it made the user a member; losing the connection ends that."""

    __slots__ = ("joined", "name")

    def __init__(self, name: str, joined: bool) -> None:
        self.name = name
        self.joined = joined


class RoomsSink:
    """The `fanout.Sink` of a session."""

    fast = False
    """Every frame has to be translated first."""

    def __init__(self, world: World, translator: Translator, connection: Connection) -> None:
        self._world = world
        self._translator = translator
        self._connection = connection
        self.outbox: list[bytes] = []
        self.user_id = ""
        """Who it is, once that is known."""
        self.rooms: dict[str, EnteredRoom] = {}
        """By channel id, in the order of entering."""
        self._held: list[Frame] | None = None

    def send(self, frame: Frame, *, ephemeral: bool = False) -> bool:
        told = frame.translated(self._translator.told)
        if told.places_changed:
            self._look_around()
        if told.frame is None:
            return True
        if told.room is not None:
            if told.room not in self.rooms or told.joiner == self.user_id:
                return True
            if told.leaver == self.user_id:
                del self.rooms[told.room]
        return self._put(told.frame, ephemeral=ephemeral)

    def when_drained(self, callback: Callable[[], None]) -> None:
        self._connection.when_drained(callback)

    def close(self, code: int, reason: str = "") -> None:
        self._connection.close(code, reason)

    # --- while a room is being entered, so that its answer comes before what is told in it ---------------------------

    def hold(self) -> None:
        self._held = []

    def release(self) -> None:
        held, self._held = self._held or [], None
        for frame in held:
            if not self._put(frame):
                self.close(1013, "reader too slow")
                return
        self._look_around()

    def _put(self, frame: Frame, *, ephemeral: bool = False) -> bool:
        if self._held is not None:
            self._held.append(frame)
            return True
        return self._connection.send(frame, ephemeral=ephemeral)

    def _look_around(self) -> None:
        """Leave the rooms that are not there any more, for this user."""
        if self._held is not None:
            return
        world, user = self._world, self._world.users.get(self.user_id)
        for channel_id, room in list(self.rooms.items()):
            channel = world.channels.get(channel_id)
            if channel is not None:
                room.name = channel.name
            member = world.memberships.has(channel_id, self.user_id)
            if channel is None or user is None or not member or not world.access.may(user, channel, "view"):
                del self.rooms[channel_id]
                name = self._translator.name_of(user.username) if user is not None else ""
                body = frames.LeftBody(sender_username=name, room=room.name, reason=OUT_OF_SIGHT)
                self._put(frame_of(frames.Left(message_body=body)))
