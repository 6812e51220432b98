"""A small community with sessions that only keep what they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from connection import Frame
from db.channels import Channel, Channels
from db.directs import Directs
from db.documents import Documents
from db.emojis import Emojis
from db.permissions import Access
from db.roles import Role, Roles
from db.users import User, Users
from fanout import Delivery, Fanout, Session
from protocol.audience import Audience

OPEN: dict[str, tuple[str, ...]] = {"view": ("user",)}
HIDDEN: dict[str, tuple[str, ...]] = {"view": ("moderator",)}


class FakeSink:
    """`room`: how many more frames fit; None for any number. A slow one takes every frame by `send`."""

    def __init__(self, *, fast: bool = False, room: int | None = None) -> None:
        self.fast = fast
        self.room = room
        self.outbox: list[bytes] = []
        self.closed: list[tuple[int, str]] = []
        self.drained: list[Callable[[], None]] = []
        self.arrived = asyncio.Event()

    def send(self, frame: Frame, *, ephemeral: bool = False) -> bool:
        if self.closed:
            return True
        if self.room is not None:
            if self.room == 0:
                return ephemeral
            self.room -= 1
        self.outbox.append(frame.plain)
        self.arrived.set()
        return True

    def flush(self) -> None: ...

    def when_drained(self, callback: Callable[[], None]) -> None:
        if self.room == 0:
            self.drained.append(callback)
        else:
            callback()

    def close(self, code: int, reason: str = "") -> None:
        self.closed.append((code, reason))

    def drain(self) -> None:
        self.room = None
        callbacks, self.drained = self.drained, []
        for callback in callbacks:
            callback()

    def texts(self) -> list[str]:
        outbox, self.outbox = list(self.outbox), []
        return [data[2:].decode() for data in outbox]


class Hall:
    def __init__(self) -> None:
        self.documents = Documents(
            Users(
                [
                    User(id="mod", username="mod", roles=("moderator", "user")),
                    User(id="ann", username="ann", roles=("user",)),
                    User(id="ben", username="ben", roles=("user",)),
                ]
            ),
            Roles([Role(name="moderator", id="r2", position=2), Role(name="user", id="r3", position=3)]),
            Channels(
                [
                    Channel(id="general", name="general", permissions=OPEN),
                    Channel(id="staff", name="staff", permissions=HIDDEN),
                ]
            ),
            Emojis(),
        )
        self.directs = Directs()
        self.fanout = Fanout(
            self.documents.users,
            self.documents.channels,
            self.directs,
            Access(self.documents.roles),
            lambda after, newest: Frame(b"gap %d %d" % (after, newest)),
        )
        self.documents.on_change = self.fanout.document_changed
        self.gone: list[str] = []
        self.fanout.on_gone = self.gone.append
        self.seq = 0

    def session(self, user_id: str, *, id: str | None = None, gap: bool = False, **sink: Any) -> Session:
        session = Session(id=id or user_id, user_id=user_id, sink=FakeSink(**sink), address="", gap_aware=gap)
        session.since = self.fanout.position
        self.fanout.add(session)
        return session

    def tell(self, audience: Audience, text: str, *, durable: bool = True) -> None:
        self.seq += durable
        self.fanout.gather(Delivery(audience, Frame(text.encode()), self.seq if durable else None))

    def channel(self, id: str) -> Channel:
        channel = self.documents.channels.get(id)
        assert channel is not None
        return channel

    def change_user(self, user_id: str, **fields: Any) -> None:
        user = self.documents.users.get(user_id)
        assert user is not None
        self.documents.users.put(msgspec.structs.replace(user, **fields))


def texts(session: Session) -> list[str]:
    assert isinstance(session.sink, FakeSink)
    return session.sink.texts()


def sink_of(session: Session) -> FakeSink:
    assert isinstance(session.sink, FakeSink)
    return session.sink
