"""HTTP requests to a house, without sockets, with bodies that come in pieces, late, or not at all."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import threading
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
from PIL import Image

from handlers.uploads import FILE_THREADS
from tests.support.house import House, open_house
from tests.support.web import Answer

Pieces = Iterable[bytes] | AsyncIterable[bytes]


class Gone(Exception):
    """Raised among the pieces of a body: the client is gone."""


class Browser:
    def __init__(self, house: House, address: str = "203.0.113.7") -> None:
        self.house = house
        self.address = address

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | Pieces = b"",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """The body of an AsyncIterable that raises `Gone` ends with a lost connection; then the status is 0 if there
        was no answer."""
        pieces = _all([body] if isinstance(body, bytes) else body)
        sent: list[Any] = []
        complete = False

        async def receive() -> Any:
            nonlocal complete
            if complete:
                return await asyncio.Future()  # the peer stays
            try:
                piece = await anext(pieces, None)
            except Gone:
                return {"type": "http.disconnect"}
            if piece is None:
                complete = True
                return {"type": "http.request", "body": b"", "more_body": False}
            return {"type": "http.request", "body": piece, "more_body": True}

        async def send(message: Any) -> None:
            sent.append(message)

        path, _, query = path.partition("?")
        scope = {
            "type": "http", "method": method, "path": unquote(path), "raw_path": path.encode(), "root_path": "",
            "query_string": query.encode(), "scheme": "http", "server": ("127.0.0.1", 5613),
            "client": (self.address, 1), "http_version": "1.1", "asgi": {"spec_version": "2.4"},
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()],
        }  # fmt: skip
        app: Any = self.house.community.http.config.app
        try:
            await app(scope, receive, send)
        except Exception:  # it is raised again after the answer, for the log
            assert sent, "an exception must be answered before"
        if not sent:
            return Answer(0, {}, b"")
        head = {name.decode().lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], head, b"".join(message.get("body", b"") for message in sent[1:]))

    async def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        return await self.ask(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    async def upload(self, token: str | None, file: bytes, **fields: Any) -> Answer:
        """As the web client does. token: sent as `validator`."""
        given = {"name": "a.png", "mime_type": "image/png", "channel": "general", **fields}
        if token is not None:
            given = {"validator_key": "k", "validator": token, **given}
        given["file"] = "data:image/png;base64," + base64.b64encode(file).decode()
        return await self.send(given)

    async def send(self, given: dict[str, Any], **headers: str) -> Answer:
        body = json.dumps(given).encode()
        return await self.ask(
            "POST", "/attachments/upload", body=[body], headers={"Content-Type": "application/json", **headers}
        )

    async def form(self, token: str | None, file: bytes | Pieces, size: int | None = None, **fields: str) -> Answer:
        """A multipart form. token: sent in the head."""
        head = b"".join(
            f'--xx\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in {"channel": "general", **fields}.items()
        )
        head += b'--xx\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
        head += b"Content-Type: image/png\r\n\r\n"

        async def pieces() -> AsyncIterator[bytes]:
            yield head
            async for piece in _all([file] if isinstance(file, bytes) else file):
                yield piece
            yield b"\r\n--xx--\r\n"

        headers = {"Content-Type": "multipart/form-data; boundary=xx"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if size is not None:
            headers["Content-Length"] = str(size)
        return await self.ask("POST", "/attachments/upload", body=pieces(), headers=headers)


class Uploaded(msgspec.Struct):
    """The attachment of an answer to an upload."""

    id: str
    name: str
    mime_type: str
    size: int
    url: str
    expires_at: float
    permanent: bool
    width: int | None = None
    height: int | None = None


def uploaded(answer: Answer) -> Uploaded:
    assert answer.status == 201, (answer.status, answer.body)
    assert answer.json["permanent"] == answer.json["attachment"]["permanent"]
    return msgspec.convert(answer.json["attachment"], Uploaded)


@contextlib.asynccontextmanager
async def open_upload_house(folder: Path, **more: Any) -> AsyncIterator[House]:
    """A house that takes files of every kind, as many as anybody likes."""
    config = {
        "server": {"url": "https://chat.example.org"},
        "attachments": {"allowed_types": ["*"], "uploads_per_minute": 1000},
    }
    async with open_house(folder, config=config, **more) as house:
        try:
            yield house
        finally:
            await asyncio.to_thread(house.community.uploads.stop)


def configure(house: House, **attachments: Any) -> None:
    """Settings of attachments, from now on."""
    path = house.world.live.path
    config = json.loads(path.read_text())
    config["attachments"].update(attachments)
    path.write_text(json.dumps(config))
    house.community.reload_config()


async def calm(house: House) -> None:
    """Until nothing is under way in the threads of the files either."""
    in_thread = house.community.uploads.in_thread
    for _ in range(3):
        await house.quiet()
        everybody = threading.Barrier(FILE_THREADS)
        await asyncio.gather(*(in_thread(everybody.wait, 30) for _ in range(FILE_THREADS)))
    await house.quiet()


async def tick(house: House, seconds: int) -> None:
    for _ in range(seconds):
        house.community.uploads.tick()
    await calm(house)


def stored(house: House) -> list[Path]:
    """Every file in the store, what is arriving included."""
    return sorted(path for path in (house.folder / "files").rglob("*") if path.is_file())


def dimensions(data: bytes) -> tuple[int, int]:
    """Width and height of a picture."""
    return Image.open(io.BytesIO(data)).size


async def _all(pieces: Pieces) -> AsyncIterator[bytes]:
    if isinstance(pieces, AsyncIterable):
        async for piece in pieces:
            yield piece
    else:
        for piece in pieces:
            await asyncio.sleep(0)
            yield piece
