"""The folder with the pictures of emojis."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection

from db.emojis import Emojis
from handlers.picture_folder import PictureFolder, Shape

_SHAPE = Shape(256, 256, max_pixels=16_000_000)
_OURS = re.compile(r"([0-9]{1,15})(?:_[0-9a-f]{8})?\.(?:png|jpg|gif|webp)")


def taken_types(names: Collection[str]) -> list[str]:
    """Those of the names in the setting that mean something; one name for each kind of picture."""
    return sorted({"jpg" if name == "jpeg" else name for name in names} & {"png", "jpg", "gif", "webp"})


class EmojiPictures(PictureFolder):
    async def store(self, image: str, emoji_id: str, formats: Collection[str], *, again: bool = False) -> str:
        """Write the picture of a data URI; gives its file name. again: the emoji has a picture already, which stays.

        Raises BadPicture; OSError when it cannot be written."""
        return await self.put(image, f"{emoji_id}_{secrets.token_hex(4)}" if again else emoji_id, _SHAPE, formats)

    def discard(self, file_name: str) -> None:
        """Delete a picture, soon."""
        self.remove(file_name)

    def tidy(self, emojis: Emojis) -> None:
        """Delete what failed commands left behind: pictures that we named, for ids that were given away already, of
        which no emoji knows. Blocks; at start only."""
        known = {emoji.file_name for emoji in emojis}

        def is_leftover(name: str) -> bool:
            ours = _OURS.fullmatch(name)
            return ours is not None and int(ours[1]) < emojis.next_id and name not in known

        self.sweep(is_leftover)
