"""Custom emojis: pictures of the community that messages and reactions name by `originChats://<host>/emojis/<id>`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from protocol.base import Command, Packet, spec
from protocol.errors import Code

MAX_IMAGE = 4_100_000
"""Characters of a data URI: 3 MB in base64, and its beginning."""

EmojiName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_]{1,64}(?!\n)$",
        description="1 to 64 letters a-z, digits and underscores; unique, upper and lower case are the same.",
    ),
]
EmojiNameRef = Annotated[str, Meta(max_length=64, description="Name of the emoji, in any case.")]
EmojiRef = (
    Annotated[int, Meta(ge=0, le=999_999_999_999_999, description="Id of the emoji.")]
    | Annotated[str, Meta(pattern=r"^[0-9]{1,15}$", description="Id of the emoji.")]
)
EmojiImage = Annotated[
    str,
    Meta(
        max_length=MAX_IMAGE,
        description="`data:image/...;base64,...` of at most 3 MB. It is written anew: metadata goes, what is larger "
        "than 256 x 256 pixels is shrunk to fit, animated pictures stay animated.",
    ),
]
FileName = Annotated[str, Meta(description="The picture is at `/emojis/<fileName>`, and at `/emojis/<id>`.")]


class EmojiEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An emoji in the list, under its id."""

    name: str
    file_name: FileName = field(name="fileName")


class EmojiAddEvent(Packet, kw_only=True, frozen=True, tag="emoji_add"):
    """There is a new emoji."""

    durable: ClassVar[bool] = True

    id: Annotated[str, Meta(description="A decimal number that no other emoji ever had.")]
    name: str
    file_name: FileName = field(name="fileName")
    added: Literal[True] = True


class EmojiUpdateEvent(Packet, kw_only=True, frozen=True, tag="emoji_update"):
    """An emoji has another name or picture; another picture has another file name."""

    durable: ClassVar[bool] = True

    id: str
    name: str
    file_name: FileName = field(name="fileName")
    updated: Literal[True] = True


class EmojiDeleteEvent(Packet, kw_only=True, frozen=True, tag="emoji_delete"):
    """An emoji is gone; its id is not given to another one."""

    durable: ClassVar[bool] = True

    id: str
    deleted: Literal[True] = True


class EmojiGetAllReply(Packet, kw_only=True, frozen=True, tag="emoji_get_all"):
    """All emojis, by id."""

    emojis: dict[str, EmojiEntry]


class EmojiGetIdReply(Packet, kw_only=True, frozen=True, tag="emoji_get_id"):
    """The id of an emoji. `name` is as it was sent."""

    name: str
    id: str


class EmojiGetFilenameReply(Packet, kw_only=True, frozen=True, tag="emoji_get_filename"):
    """The bare file name of an emoji's picture. `name` is as it was sent."""

    name: str
    filepath: str


@spec(
    does="Add an emoji.",
    allowed="server permission `manage_server`",
    needs="manage_server",
    events=(EmojiAddEvent,),
    errors=(Code.EMOJI_EXISTS, Code.TOO_MANY_EMOJIS, Code.BAD_VALUE, Code.PERMISSION_REQUIRED, Code.UNAVAILABLE),
    example={"name": "party", "image": "data:image/gif;base64,R0lGODdhAQABAIAAAAAAAAAAACwAAAAAAQABAAAIBAABBAQAOw=="},
)
class EmojiAdd(Command, kw_only=True, frozen=True):
    name: EmojiName
    image: EmojiImage


@spec(
    does="Rename an emoji, or replace its picture.",
    allowed="server permission `manage_server`",
    needs="manage_server",
    events=(EmojiUpdateEvent,),
    errors=(
        Code.EMOJI_NOT_FOUND,
        Code.EMOJI_EXISTS,
        Code.NO_UPDATES,
        Code.BAD_VALUE,
        Code.PERMISSION_REQUIRED,
        Code.UNAVAILABLE,
    ),
    example={"emoji_id": 12, "name": "party_time"},
)
class EmojiUpdate(Command, kw_only=True, frozen=True):
    emoji_id: EmojiRef
    name: EmojiName | UnsetType = UNSET
    image: EmojiImage | UnsetType = UNSET


@spec(
    does="Delete an emoji and its picture; messages that show it keep its id.",
    allowed="server permission `manage_server`",
    needs="manage_server",
    events=(EmojiDeleteEvent,),
    errors=(Code.EMOJI_NOT_FOUND,),
    example={"emoji_id": 12},
)
class EmojiDelete(Command, kw_only=True, frozen=True):
    emoji_id: EmojiRef


@spec(does="List the emojis.", allowed="everybody after login", reply=EmojiGetAllReply)
class EmojiGetAll(Command, kw_only=True, frozen=True):
    pass


@spec(
    does="Find the id of an emoji by its name.",
    allowed="everybody after login",
    reply=EmojiGetIdReply,
    errors=(Code.EMOJI_NOT_FOUND,),
    example={"name": "party"},
)
class EmojiGetId(Command, kw_only=True, frozen=True):
    name: EmojiNameRef


@spec(
    does="Find the file name of an emoji's picture by the emoji's name.",
    allowed="everybody after login",
    reply=EmojiGetFilenameReply,
    errors=(Code.EMOJI_NOT_FOUND,),
    example={"name": "party"},
)
class EmojiGetFilename(Command, kw_only=True, frozen=True):
    name: EmojiNameRef
