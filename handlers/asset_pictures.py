"""Pictures that people upload of themselves, and of the server: files in the folder of icon and banner, where what the
host put there lies as well. Everything that writes runs in one thread of its own."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote, urljoin

from config.schema import Config
from db import atomic_file
from db.pictures import BadPicture, reencode
from db.users import User
from handlers.emoji_pictures import MAX_ANIMATION_PIXELS, MAX_BYTES, MAX_FRAMES, decoded
from protocol.errors import Code, Refused

MAX_PIXELS = 25_000_000
FORMATS = ("png", "jpeg", "gif", "webp")
Kind = Literal["pfp", "icon", "banner"]

log = logging.getLogger("originchats.pictures")


class _Shape(NamedTuple):
    """Most pixels; square: what is not is cut at both ends of its longer side."""

    width: int
    height: int
    square: bool


_SHAPES: dict[Kind, _Shape] = {
    "pfp": _Shape(256, 256, square=True),
    "icon": _Shape(512, 512, square=True),
    "banner": _Shape(1600, 900, square=False),
}
_OURS = re.compile(r"(pfp|icon|banner)_[0-9a-f]{16}\.(?:png|jpg|gif|webp)")


def is_data_uri(text: str) -> bool:
    return text[:5].lower() == "data:"


def is_profile_picture(file_name: str) -> bool:
    """Whether this is how we call the picture of a member."""
    ours = _OURS.fullmatch(file_name)
    return ours is not None and ours[1] == "pfp"


def asset_url(config: Config, value: str | None) -> str | None:
    """The absolute URL of an icon, a banner, a picture of a member: a URL stays, a bare file name is served under
    /server-assets/."""
    if not value:
        return None
    if value.startswith(("http://", "https://")):
        return value
    base = config.server.url or f"http://{config.websocket.host}:{config.websocket.port}"
    return urljoin(base.rstrip("/") + "/", f"server-assets/{quote(value)}")


def picture_url(config: Config, user: User) -> str | None:
    return asset_url(config, user.pfp_url)


class AssetPictures:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="pictures")

    async def store(self, image: str, kind: Kind, field: str) -> str:
        """Write the picture of a data URI; gives its file name, which no other picture ever had. Raises Refused."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, _store, image, self.folder, kind)
        except BadPicture as error:
            raise Refused(Code.BAD_VALUE, field=field, reason=str(error)) from None
        except OSError as error:
            raise Refused(Code.UNAVAILABLE, reason=error.strerror or type(error).__name__) from None

    def discard(self, file_name: str | None) -> None:
        """Delete a picture, soon, if it is one of ours."""
        if file_name is not None and _OURS.fullmatch(file_name):
            self._executor.submit(_discard, self.folder / file_name)

    def tidy(self, known: Collection[str | None]) -> None:
        """Delete what was uploaded and is not among the known file names. Blocks; at start only."""
        for file in self.folder.glob("*") if self.folder.is_dir() else ():
            if (_OURS.fullmatch(file.name) and file.name not in known) or atomic_file.TEMP_MARK in file.name:
                _discard(file)

    def wait(self) -> None:
        """Until everything that was asked for is done. Blocks."""
        self._executor.submit(lambda: None).result()

    def stop(self) -> None:
        """What was asked for is still done."""
        self._executor.shutdown(wait=True)


def _store(image: str, folder: Path, kind: Kind) -> str:
    data = decoded(image)
    shape, stem = _SHAPES[kind], f"{kind}_{secrets.token_hex(8)}"
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{stem}{atomic_file.TEMP_MARK}new"
    picture = reencode(
        data,
        fresh,
        formats=FORMATS,
        max_width=shape.width,
        max_height=shape.height,
        square=shape.square,
        max_pixels=MAX_PIXELS,
        max_frames=MAX_FRAMES,
        max_animation_pixels=MAX_ANIMATION_PIXELS,
        max_bytes=MAX_BYTES,
    )
    target = folder / f"{stem}.{picture.extension}"
    fresh.replace(target)
    atomic_file.sync_folder(folder)
    return target.name


def _discard(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s cannot be deleted: %s", file, error.strerror)
