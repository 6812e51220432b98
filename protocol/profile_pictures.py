"""Pictures of members who have no avatar at the identity service."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from protocol.base import Command, Packet, spec
from protocol.emojis import MAX_IMAGE
from protocol.errors import Code
from protocol.objects_community import MAX_URL, UserRef

PictureUrl = Annotated[
    str,
    Meta(
        max_length=MAX_URL,
        pattern=r"""^(?:[hH][tT][tT][pP][sS]?://[^\x00-\x20\x7f/?#"'<>\\]+[^\x00-\x20\x7f"'<>\\]*)?$""",
        description="http(s) URL of the picture; empty removes it.",
    ),
]


class PfpSetEvent(Packet, kw_only=True, frozen=True, tag="pfp_set"):
    """A member has another picture; null: none any more. The same as `pfp` in `users_list`."""

    durable: ClassVar[bool] = True

    username: str
    val: str | None


class PfpGetReply(Packet, kw_only=True, frozen=True, tag="pfp_get"):
    """The picture of a member, null for none. `username` is as it was sent."""

    username: str
    val: str | None


@spec(
    does="Set the own picture.",
    allowed="everybody after login, unless `auth_mode` is `rotur`; not while muted",
    events=(PfpSetEvent,),
    errors=(Code.PICTURE_FIXED, Code.BAD_VALUE, Code.TOO_MANY_TRIES, Code.RATE_LIMIT),
    example={"url": "https://example.org/me.png"},
)
class PfpSet(Command, kw_only=True, frozen=True):
    url: PictureUrl


@spec(
    does="Upload the own picture, which this server then keeps; it replaces the earlier one. `pfp_set` with an empty "
    "`url` removes it.",
    allowed="everybody after login, unless `auth_mode` is `rotur`",
    limited=True,
    events=(PfpSetEvent,),
    errors=(Code.PICTURE_FIXED, Code.BAD_VALUE, Code.UNAVAILABLE),
    example={"image": "data:image/gif;base64,R0lGODdhAQABAIAAAAAAAAAAACwAAAAAAQABAAAIBAABBAQAOw=="},
)
class PfpUpload(Command, kw_only=True, frozen=True):
    image: Annotated[
        str,
        Meta(
            max_length=MAX_IMAGE,
            description="`data:image/...;base64,...` of at most 3 MB: PNG, JPEG, GIF or WebP. It is written anew: "
            "metadata goes, it is cut square in the middle and shrunk to 256 x 256 pixels, animated pictures stay "
            "animated.",
        ),
    ]


@spec(
    does="Fetch the address of a member's picture.",
    allowed="everybody after login",
    reply=PfpGetReply,
    errors=(Code.USER_NOT_FOUND,),
    example={"username": "USR:local_alice"},
)
class PfpGet(Command, kw_only=True, frozen=True):
    username: UserRef
