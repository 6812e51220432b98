"""Pictures that people upload of themselves, of channels, and of the server: files in the folder of icon and banner,
where what the host put there lies as well."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from typing import Literal
from urllib.parse import quote, urljoin

from config.schema import Config
from db.channels import Channel
from db.pictures import BadPicture
from db.users import User
from handlers.picture_folder import PictureFolder, Shape
from protocol.errors import Code, Refused

MAX_PIXELS = 25_000_000
FORMATS = ("png", "jpeg", "gif", "webp")
Kind = Literal["pfp", "channel", "icon", "banner"]

_SHAPES: dict[Kind, Shape] = {
    "pfp": Shape(256, 256, MAX_PIXELS, square=True),
    "channel": Shape(256, 256, MAX_PIXELS, square=True),
    "icon": Shape(512, 512, MAX_PIXELS, square=True),
    "banner": Shape(1600, 900, MAX_PIXELS),
}
_OURS = re.compile(r"(pfp|channel|icon|banner)_[0-9a-f]{16}\.(?:png|jpg|gif|webp)")


def is_data_uri(text: str) -> bool:
    return text[:5].lower() == "data:"


def is_picture_of_many(file_name: str) -> bool:
    """Whether this is how we call the picture of a member or of a channel, of which there are any number."""
    ours = _OURS.fullmatch(file_name)
    return ours is not None and ours[1] in ("pfp", "channel")


def asset_url(config: Config, value: str | None) -> str | None:
    """The absolute URL of an icon, a banner, a picture of a member: a URL stays, a bare file name is served under
    /server-assets/."""
    if not value:
        return None
    if value.startswith(("http://", "https://")):
        return value
    base = config.server.url or f"http://{config.websocket.host}:{config.websocket.port}"
    return urljoin(base.rstrip("/") + "/", f"server-assets/{quote(value)}")


def channel_icon_url(config: Config, channel: Channel) -> str | None:
    """The icon as clients are told: an uploaded one as its absolute URL, any other text as it is."""
    uploaded = channel.icon is not None and _OURS.fullmatch(channel.icon) is not None
    return asset_url(config, channel.icon) if uploaded else channel.icon


def picture_url(config: Config, user: User) -> str | None:
    return asset_url(config, user.pfp_url)


class AssetPictures(PictureFolder):
    async def store(self, image: str, kind: Kind, field: str) -> str:
        """Write the picture of a data URI; gives its file name, which no other picture ever had. Raises Refused."""
        try:
            return await self.put(image, f"{kind}_{secrets.token_hex(8)}", _SHAPES[kind], FORMATS)
        except BadPicture as error:
            raise Refused(Code.BAD_VALUE, field=field, reason=str(error)) from None
        except OSError as error:
            raise Refused(Code.UNAVAILABLE, reason=error.strerror or type(error).__name__) from None

    def discard(self, file_name: str | None) -> None:
        """Delete a picture, soon, if it is one of ours."""
        if file_name is not None and _OURS.fullmatch(file_name):
            self.remove(file_name)

    def tidy(self, known: Collection[str | None]) -> None:
        """Delete what was uploaded and is not among the known file names. Blocks; at start only."""
        self.sweep(lambda name: _OURS.fullmatch(name) is not None and name not in known)
