"""The folder with the pictures of emojis. Everything that touches it runs in one thread of its own."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import re
import secrets
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from db import atomic_file
from db.emojis import Emojis
from db.pictures import BadPicture, Picture, reencode

MAX_BYTES = 3_000_000
MAX_SIDE = 256
MAX_PIXELS = 16_000_000
MAX_FRAMES = 300
MAX_ANIMATION_PIXELS = 50_000_000

_DATA_URI = re.compile(r"data:image/[a-z0-9.+-]{1,40};base64,", re.IGNORECASE)
_OURS = re.compile(r"([0-9]{1,15})(?:_[0-9a-f]{8})?\.(?:png|jpg|gif|webp)")

log = logging.getLogger("originchats.emojis")


class EmojiPictures:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="emojis")

    async def store(self, image: str, emoji_id: str, formats: Collection[str], *, again: bool = False) -> str:
        """Write the picture of a data URI; gives its file name. again: the emoji has a picture already, which stays.

        Raises BadPicture; OSError when it cannot be written."""
        stem = f"{emoji_id}_{secrets.token_hex(4)}" if again else emoji_id
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, _store, image, self.folder, stem, tuple(formats))

    async def has(self, file_name: str) -> bool:
        """Whether there is such a picture now."""
        path = self.folder / file_name
        return await asyncio.get_running_loop().run_in_executor(self._executor, path.is_file)

    def discard(self, file_name: str) -> None:
        """Delete a picture, soon."""
        self._executor.submit(_discard, self.folder / file_name)

    def tidy(self, emojis: Emojis) -> None:
        """Delete what failed commands left behind: pictures that we named, for ids that were given away already, of
        which no emoji knows. Blocks; at start only."""
        known = {emoji.file_name for emoji in emojis}
        for file in self.folder.glob("*") if self.folder.is_dir() else ():
            ours = _OURS.fullmatch(file.name)
            if (
                ours and int(ours[1]) < emojis.next_id and file.name not in known
            ) or atomic_file.TEMP_MARK in file.name:
                _discard(file)

    def wait(self) -> None:
        """Until everything that was asked for is done. Blocks."""
        self._executor.submit(lambda: None).result()

    def stop(self) -> None:
        """What was asked for is still done."""
        self._executor.shutdown(wait=True)


def decoded(image: str) -> bytes:
    """The bytes of a data URI. Raises BadPicture."""
    start = _DATA_URI.match(image)
    if start is None:
        raise BadPicture("expected data:image/...;base64,...")
    try:
        data = base64.b64decode(image[start.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise BadPicture("this is not base64; expected data:image/...;base64,...") from None
    if len(data) > MAX_BYTES:
        raise BadPicture(f"the picture has {len(data)} bytes; expected at most {MAX_BYTES}")
    return data


def _store(image: str, folder: Path, stem: str, formats: Collection[str]) -> str:
    data = decoded(image)
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{stem}{atomic_file.TEMP_MARK}new"
    picture: Picture = reencode(
        data,
        fresh,
        formats=formats,
        max_width=MAX_SIDE,
        max_height=MAX_SIDE,
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
