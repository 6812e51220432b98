"""A folder of pictures that people upload as data URIs. Everything that touches it runs in one thread of its own."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import re
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from db import atomic_file
from db.pictures import BadPicture, reencode

MAX_BYTES = 3_000_000
"""Of a picture as it is sent, and as it is stored."""
MAX_FRAMES = 300
MAX_ANIMATION_PIXELS = 50_000_000

_DATA_URI = re.compile(r"data:image/[a-z0-9.+-]{1,40};base64,", re.IGNORECASE)

log = logging.getLogger("originchats.pictures")


class Shape(NamedTuple):
    """Most pixels of what is stored, and of what is sent. square: what is not is cut at the ends of its longer side."""

    width: int
    height: int
    max_pixels: int
    square: bool = False


class PictureFolder:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"pictures {folder.name}")

    async def put(self, image: str, stem: str, shape: Shape, formats: Collection[str]) -> str:
        """Write the picture of a data URI; gives its file name, the stem and what it is.

        Raises BadPicture; OSError when it cannot be written."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, _store, image, self.folder, stem, shape, tuple(formats))

    async def has(self, file_name: str) -> bool:
        """Whether there is such a picture now."""
        path = self.folder / file_name
        return await asyncio.get_running_loop().run_in_executor(self._executor, path.is_file)

    def remove(self, file_name: str) -> None:
        """Delete a picture, soon."""
        self._executor.submit(_remove, self.folder / file_name)

    def sweep(self, is_leftover: Callable[[str], bool]) -> None:
        """Delete the files whose names say so, and what was not written to its end. Blocks; at start only."""
        for file in self.folder.glob("*") if self.folder.is_dir() else ():
            if is_leftover(file.name) or atomic_file.TEMP_MARK in file.name:
                _remove(file)

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


def _store(image: str, folder: Path, stem: str, shape: Shape, formats: Collection[str]) -> str:
    data = decoded(image)
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{stem}{atomic_file.TEMP_MARK}new"
    picture = reencode(
        data,
        fresh,
        formats=formats,
        max_width=shape.width,
        max_height=shape.height,
        square=shape.square,
        max_pixels=shape.max_pixels,
        max_frames=MAX_FRAMES,
        max_animation_pixels=MAX_ANIMATION_PIXELS,
        max_bytes=MAX_BYTES,
    )
    target = folder / f"{stem}.{picture.extension}"
    fresh.replace(target)
    atomic_file.sync_folder(folder)
    return target.name


def _remove(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s cannot be deleted: %s", file, error.strerror)
