"""A client of the rooms dialect for tests, over real sockets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.client import DEADLINE_S

Frame = dict[str, Any]


class RoomsClient:
    """One connection. `token`: of its first room. What it is told is read where a test asks for it, in order."""

    def __init__(self, url: str, name: str) -> None:
        """url: with the path /rooms, or of the dialect's own port."""
        self.url = url
        self.name = name
        self.token = ""
        self._socket: ClientConnection | None = None

    async def connect(self) -> RoomsClient:
        self._socket = await connect(self.url, compression=None, max_size=None, ping_interval=None, proxy=None)
        return self

    async def __aenter__(self) -> RoomsClient:
        return await self.connect()

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    async def leave(self) -> None:
        """Close the connection."""
        assert self._socket is not None
        await self._socket.close()

    async def send_raw(self, text: str | bytes) -> None:
        assert self._socket is not None
        await self._socket.send(text)

    async def send(self, message_type: str, token: str | None = None, **body: Any) -> None:
        whole: Frame = {"message_type": message_type, "message_body": body}
        await self.send_raw(json.dumps(whole if token is None else {**whole, "token": token}))

    async def hear(self) -> tuple[str, Frame]:
        """The next frame: its type and its body. AssertionError when none comes."""
        assert self._socket is not None
        try:
            frame = json.loads(await _within_deadline(self._socket))
        except (TimeoutError, ConnectionClosed) as error:
            raise AssertionError(f"{self.name} heard nothing: {error!r}") from None
        self.token = frame.get("token", self.token)
        return frame["message_type"], frame["message_body"]

    async def hears(self, message_type: str, **fields: Any) -> Frame:
        """The next frame, which must be of this type and have these fields; the body."""
        kind, body = await self.hear()
        found = {name: body.get(name) for name in fields}
        assert (kind, found) == (message_type, fields), f"{self.name} heard {kind} {body}"
        return body

    async def awaits(self, message_type: str, **fields: Any) -> Frame:
        """The next frame of this type with these fields; what comes before it is skipped. The body."""
        while True:
            kind, body = await self.hear()
            if kind == message_type and all(body.get(name) == value for name, value in fields.items()):
                return body

    async def enter(self, room: str | None = None, token: str | None = None) -> Frame:
        """Enter; the body of the answer."""
        fields = {} if room is None else {"room": room}
        await self.send("Enter", token, sender_username=self.name, **fields)
        return await self.hears("Enter", sender_username=self.name)

    async def say(self, content: str, **fields: Any) -> Frame:
        """Say something; the body of the own copy, which must be what is heard next."""
        await self.send("GroupChat", sender_username=self.name, content=content, **fields)
        return await self.hears("GroupChat", sender_username=self.name, content=content)

    async def refused(self, code: str, message_type: str, token: str | None = None, **body: Any) -> Frame:
        """Send what must be answered with this error; its body."""
        await self.send(message_type, token, **body)
        return await self.hears("Error", code=code)

    async def closed(self) -> int | None:
        """Wait until the server closes; the close code. What it says before is skipped."""
        assert self._socket is not None
        try:
            while True:
                await _within_deadline(self._socket)
        except ConnectionClosed:
            return self._socket.close_code


async def _within_deadline(socket: ClientConnection) -> str | bytes:
    async with asyncio.timeout(DEADLINE_S):
        return await socket.recv()
