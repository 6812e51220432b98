"""One connection of the rooms dialect: its frames are carried out one after the other, each before the next one.

It stands at the gate as a `gate.Guest`. Until its first `Enter` it is a stranger; from then on it has a session, in the
name of which it asks the core for everything.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from connection import Connection, Frame
from gateways.core import Ask, Core, GatewayRefused
from gateways.rooms import GATEWAY, frames
from gateways.rooms.frames import BadFrame, Enter, GroupChat, Inbound, Leave, PrivateChat, decode, frame_of
from gateways.rooms.sink import EnteredRoom, RoomsSink
from gateways.rooms.translate import Translator, find_user
from protocol.channel_members import (
    ChannelJoin,
    ChannelJoinReply,
    ChannelLeave,
    ChannelMembers,
    ChannelMembersReply,
)
from protocol.directs import DirectMessage
from protocol.errors import Code
from protocol.guests import GuestLogin
from protocol.login import ReadyEvent
from protocol.messages import MessageNew

if TYPE_CHECKING:
    from db.channels import Channel
    from fanout import Session
    from gate import Peer

READ_AHEAD = 64
"""Frames that wait; while there are more, the connection is not read from."""
BINARY = b"\xff"
"""Stands for a binary frame: it is no text, so it is refused like any other rubbish."""
FIELDS = {"username": "sender_username", "channel": "room", "user": "target_username"}
"""Fields of commands, as they are called here."""

log = logging.getLogger("originchats.rooms")


def door(core: Core) -> Callable[[Connection, Peer], RoomsGuest]:
    """For the gate: makes the endpoint of each connection."""
    translator = Translator(core.world)
    return lambda connection, peer: RoomsGuest(core, translator, connection, peer)


class RoomsGuest:
    gateway = GATEWAY

    __slots__ = (
        "_bad_frames",
        "_core",
        "_gone",
        "_logged",
        "_paused",
        "_peer",
        "_queue",
        "_rooms",
        "_token",
        "_translator",
        "_worker",
        "connected_at",
        "network",
        "number",
        "session",
        "sink",
    )

    def __init__(self, core: Core, translator: Translator, connection: Connection, peer: Peer) -> None:
        self._core = core
        self._translator = translator
        self._peer = peer
        self._rooms = RoomsSink(core.world, translator, connection)
        self.sink = connection
        self.network = peer.network
        self.connected_at = core.monotonic()
        self.number = core.next_number()
        self.session: Session | None = None
        self._token: str | UnsetType = UNSET
        """To be told with the next room that is entered."""
        self._queue: deque[bytes] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._paused = False
        self._gone = False
        self._bad_frames = 0
        """Malformed frames in a row."""
        self._logged = 0
        """Malformed frames that were logged."""

    # --- Endpoint ----------------------------------------------------------------------------------------------

    def opened(self) -> None:
        return

    def received(self, text: bytes) -> None:
        self._queue.append(text)
        if len(self._queue) >= READ_AHEAD and not self._paused:
            self._paused = True
            self.sink.pause_reading()
        self._work()

    def received_binary(self) -> None:
        self.received(BINARY)

    def closed(self) -> None:
        self._gone = True
        self._queue.clear()
        self._core.gate.gone(self)
        self._core.attendance.leave(self.session)
        if self._rooms.rooms:
            self._work()

    def announce(self, frame: Frame, *, ephemeral: bool = False) -> None:
        self._rooms.send(frame, ephemeral=ephemeral)

    # --- one frame after the other -----------------------------------------------------------------------------

    def _work(self) -> None:
        if self._worker is None:
            self._worker = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        try:
            while self._queue and not self._gone and not self.sink.closing:
                await self._take(self._queue.popleft())
                if self._paused and len(self._queue) < READ_AHEAD // 2:
                    self._paused = False
                    self.sink.resume_reading()
                if self.sink.behind:
                    await self._caught_up()
            if self._gone:
                await self._lose_rooms()
        except Exception:
            log.exception("a connection of the rooms dialect is closed")
            self.sink.close(1011, "internal error")
        finally:
            self._worker = None

    async def _caught_up(self) -> None:
        """Until the peer has read what it was answered, or is gone."""
        drained: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sink.when_drained(lambda: drained.set_result(None))
        await drained

    async def _take(self, text: bytes) -> None:
        try:
            frame = decode(text)
        except BadFrame as bad:
            self._refuse_bad(bad)
            return
        self._bad_frames = 0
        try:
            await self._carry_out(frame)
        except GatewayRefused as refused:
            field = FIELDS.get(refused.field, refused.field) if refused.field is not None else UNSET
            wait_ms = UNSET if refused.wait_s is None else round(refused.wait_s * 1000)
            self._tell_error(
                frames.ErrorBody(code=refused.code, reason=refused.text, field=field, retry_after_ms=wait_ms)
            )

    def _refuse_bad(self, bad: BadFrame) -> None:
        most = self._core.world.config.rooms.bad_frames
        if self._logged < most:  # whoever sends good ones between could fill the disk
            self._logged += 1
            log.info("malformed frame from %s: %s", self._peer.address, bad.logged)
        self._tell_error(
            frames.ErrorBody(code=bad.code, reason=bad.reason, field=UNSET if bad.field is None else bad.field)
        )
        self._bad_frames += 1
        if self._bad_frames >= most:
            self.sink.close(1008, "too many malformed frames in a row")

    async def _carry_out(self, frame: Inbound) -> None:
        match frame:
            case Enter():
                await self._enter(frame)
            case Leave():
                await self._leave(frame)
            case GroupChat():
                self._check_sender(frame.message_body.sender_username)
                channel = self._entered_room(frame.message_body.room)
                await self._ask().of(MessageNew(channel=channel.name, content=frame.message_body.content))
            case PrivateChat():
                self._check_sender(frame.message_body.sender_username)
                target = frame.message_body.target_username
                user = find_user(self._core.world.users, target)
                name = user.username if user is not None else target
                await self._ask().of(DirectMessage(user=name, content=frame.message_body.content))

    # --- coming and going --------------------------------------------------------------------------------------

    async def _enter(self, frame: Enter) -> None:
        world, body = self._core.world, frame.message_body
        name = body.room or world.config.rooms.default_room
        self._rooms.hold()
        try:
            if self.session is None:
                await self._log_in(body.sender_username, frame.token, body.invite)
            self._check_sender(body.sender_username)
            channel = world.channels.by_name(name)
            known = channel is not None and channel.id in self._rooms.rooms
            if channel is not None and not known:  # from now on what is told there is for us
                self._rooms.rooms[channel.id] = EnteredRoom(name, joined=False)
            try:
                packets = await self._ask().of(ChannelJoin(channel=name, key=body.key))
            except GatewayRefused:
                if channel is not None and not known:
                    self._rooms.rooms.pop(channel.id, None)
                raise
            joined = next(packet for packet in packets if isinstance(packet, ChannelJoinReply))
            room = self._rooms.rooms.setdefault(joined.channel.id, EnteredRoom(name, joined=False))
            room.joined = room.joined or joined.joined
            packets = await self._ask().of(ChannelMembers(channel=name))
            members = next(packet.members for packet in packets if isinstance(packet, ChannelMembersReply))
            entered = frames.EnteredBody(
                sender_username=self._name(),
                room=name,
                members=[self._translator.name_of(member.user) for member in members],
            )
            self._tell(frames.Entered(message_body=entered, token=self._token))
            self._token = UNSET
        finally:
            self._rooms.release()

    async def _log_in(self, name: str, token: str | None, invite: str | None) -> None:
        ask = Ask(self._core, self._peer, GATEWAY, sink=self._rooms, entered=self._logged_in)
        packets = await ask.of(GuestLogin(username=name, token=token, invite=invite))
        ready = next(packet for packet in packets if isinstance(packet, ReadyEvent))
        user = self._core.world.users.get(self._rooms.user_id)
        guest = user is not None and user.guest
        self._token = ready.session if token is None or guest else token  # an account's session lets nobody in here

    def _logged_in(self, session: Session) -> None:
        self.session = session
        self._rooms.user_id = session.user_id
        self.sink.set_max_frame_bytes(self._core.world.config.limits.max_frame_bytes)
        self._core.gate.logged_in(self)
        if self._core.attendance.arrive(session) and self._gone:  # the connection was lost meanwhile
            self._core.attendance.leave(session)

    async def _leave(self, frame: Leave) -> None:
        self._check_sender(frame.message_body.sender_username)
        channel = self._entered_room(frame.message_body.room)
        room = self._rooms.rooms.pop(channel.id)
        if self._elsewhere(channel.id) is None:
            try:
                await self._ask().of(ChannelLeave(channel=channel.name))
            except GatewayRefused as refused:
                if refused.code != Code.NOT_A_MEMBER.wire:  # put out meanwhile
                    self._rooms.rooms[channel.id] = room
                    raise
        self._tell(frames.Left(message_body=frames.LeftBody(sender_username=self._name(), room=channel.name)))

    async def _lose_rooms(self) -> None:
        """The connection is gone. Who became a member by entering a room leaves it, unless another connection of the
        same user is in it, or there is something to lose: a closed room that cannot be entered again, a mark in it."""
        world, user_id = self._core.world, self._rooms.user_id
        rooms, self._rooms.rooms = self._rooms.rooms, {}
        left: list[str] = []
        for channel_id, room in rooms.items():
            channel, other = world.channels.get(channel_id), self._elsewhere(channel_id)
            if channel is None or not room.joined or channel.restricted:
                continue
            if other is not None:
                other.joined = True
            elif user_id not in channel.operators and user_id not in channel.voices:
                left.append(channel.name)
        asked = (self._ask().of(ChannelLeave(channel=name)) for name in left)  # together: the server may be stopping
        for answer in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(answer, GatewayRefused):
                log.debug("%s stays in a room: %s", user_id, answer.text)
            elif isinstance(answer, BaseException):
                raise answer

    def _elsewhere(self, channel_id: str) -> EnteredRoom | None:
        """The same room, as another connection of this user has entered it."""
        for session in self._core.world.fanout.sessions_of(self._rooms.user_id):
            if isinstance(session.sink, RoomsSink) and session.sink is not self._rooms:
                room = session.sink.rooms.get(channel_id)
                if room is not None:
                    return room
        return None

    # --- shared ------------------------------------------------------------------------------------------------

    def _ask(self) -> Ask:
        return Ask(self._core, self._peer, GATEWAY, session=self.session)

    def _name(self) -> str:
        return self._translator.name_of(self._core.world.users.username_of(self._rooms.user_id))

    def _check_sender(self, name: str | None) -> None:
        """Raises GatewayRefused unless this connection has entered, and under this name."""
        if self.session is None:
            raise GatewayRefused(Code.AUTH_REQUIRED.wire, "Send Enter first")
        user = find_user(self._core.world.users, name) if name is not None else None
        if name is not None and (user is None or user.id != self.session.user_id):
            text = f"You have entered as {self._name()}; nobody speaks for somebody else"
            raise GatewayRefused(Code.BAD_VALUE.wire, text, "sender_username")

    def _entered_room(self, name: str | None) -> Channel:
        """The room of this name; without one the default room if it was entered, else the one entered last."""
        world, rooms = self._core.world, self._rooms.rooms
        channel = world.channels.by_name(world.config.rooms.default_room if name is None else name)
        if name is None and rooms and (channel is None or channel.id not in rooms):
            channel = world.channels.get(next(reversed(rooms)))
        if channel is None or channel.id not in rooms:
            raise GatewayRefused(Code.NOT_A_MEMBER.wire, "You have not entered this room", "room")
        return channel

    def _tell_error(self, body: frames.ErrorBody) -> None:
        self._tell(frames.Error(message_body=body))

    def _tell(self, told: frames.Outbound) -> None:
        """An answer, behind what was told before."""
        self._core.world.fanout.flush()
        if not self.sink.send(frame_of(told), answer=True):
            self.sink.close(1013, "reader too slow")
