"""The frames of the rooms dialect: JSON objects `{message_type, message_body, token?}`, one in each text message.

What clients send and what they are sent has the same shapes; an `Error` comes from the server only. Unknown keys of a
client's frame are ignored. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from connection import Frame
from protocol.errors import Code

MAX_LOGGED_CHARS = 200

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Room = Annotated[str, Meta(min_length=1, max_length=200)]

# ---------------------------------------------------------------- from clients


class EnterBody(Struct, frozen=True, kw_only=True):
    """key: the password of the room, where it has one. invite: code of an invitation, where newcomers need one."""

    sender_username: Name
    room: Room | None = None
    key: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    invite: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class Enter(Struct, frozen=True, kw_only=True, tag_field="message_type", tag="Enter"):
    """Come in under a name, or enter one more room."""

    message_body: EnterBody
    token: Annotated[str, Meta(min_length=1, max_length=200)] | None = None


class LeaveBody(Struct, frozen=True, kw_only=True):
    sender_username: Name | None = None
    room: Room | None = None


class Leave(Struct, frozen=True, kw_only=True, tag_field="message_type", tag="Leave"):
    """Leave a room. The connection stays."""

    message_body: LeaveBody = LeaveBody()


class GroupChatBody(Struct, frozen=True, kw_only=True):
    content: str
    sender_username: Name | None = None
    room: Room | None = None


class GroupChat(Struct, frozen=True, kw_only=True, tag_field="message_type", tag="GroupChat"):
    """Say something to everybody in a room."""

    message_body: GroupChatBody


class PrivateChatBody(Struct, frozen=True, kw_only=True):
    target_username: Name
    content: str
    sender_username: Name | None = None


class PrivateChat(Struct, frozen=True, kw_only=True, tag_field="message_type", tag="PrivateChat"):
    """Say something to one user."""

    message_body: PrivateChatBody


Inbound = Enter | Leave | GroupChat | PrivateChat

_decoder: msgspec.json.Decoder[Inbound] = msgspec.json.Decoder(Inbound)


class _Envelope(Struct):
    message_type: Any = None


_envelope = msgspec.json.Decoder(_Envelope)
_TYPES = "Enter, Leave, GroupChat, PrivateChat"
_UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class BadFrame(Exception):
    """A message that is no frame of the dialect. The text tells its sender what is wrong and what was expected.

    logged: the same without anything that the sender wrote.
    """

    def __init__(self, code: Code, reason: str, field: str | None = None, logged: str | None = None) -> None:
        super().__init__(reason)
        self.code = code.wire
        self.reason = reason
        self.field = field
        self.logged = reason if logged is None else logged


def decode(text: bytes) -> Inbound:
    """Raises BadFrame, which names the field that is wrong."""
    try:
        return _decoder.decode(text)
    except _UNREADABLE as error:
        raise _explain(text, error) from None


def _explain(text: bytes, error: Exception) -> BadFrame:
    expected = f"expected one JSON object with `message_type` ({_TYPES}) and `message_body`"
    try:
        kind = _envelope.decode(text).message_type
    except _UNREADABLE as found:
        what = "not UTF-8" if isinstance(found, UnicodeDecodeError) else str(found)
        return BadFrame(Code.MALFORMED, f"{expected}: {what}")
    if kind is None:
        return BadFrame(Code.MALFORMED, f"`message_type` is missing; {expected}", "message_type")
    if not isinstance(kind, str) or kind not in _TYPES.split(", "):
        logged = f"unknown `message_type`; expected one of {_TYPES}"
        shown = f"{kind[:64]!r} is no `message_type`; expected one of {_TYPES}" if isinstance(kind, str) else logged
        return BadFrame(Code.BAD_VALUE, shown, "message_type", logged)
    if isinstance(error, UnicodeDecodeError):
        return BadFrame(Code.MALFORMED, "a text is not valid UTF-8")
    what, _, where = str(error).partition(" - at `$.")
    return BadFrame(Code.BAD_VALUE, f"{kind}: {what[:MAX_LOGGED_CHARS]}", where.rstrip("`") or "message_body")


# ---------------------------------------------------------------- to clients


class EnteredBody(Struct, frozen=True, kw_only=True):
    sender_username: str
    room: str
    members: list[str] | UnsetType = UNSET


class Entered(Struct, frozen=True, kw_only=True, tag_field="message_type", tag="Enter"):
    """Somebody has entered a room. As the answer to an own `Enter`: with `members`, names in the order of joining, and
    on the first one of a connection with the `token` with which to enter under this name the next time."""

    message_body: EnteredBody
    token: str | UnsetType = UNSET


class LeftBody(Struct, frozen=True, kw_only=True):
    """room: left out when somebody has gone from the whole server. by: who put them out."""

    sender_username: str
    room: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    by: str | UnsetType = UNSET


class Left(Struct, frozen=True, kw_only=True, tag_field="message_type", tag="Leave"):
    """Somebody has left a room; also the answer to an own `Leave`. With the receiver's own name and not asked for: it
    is not in the room any more."""

    message_body: LeftBody


class SaidBody(Struct, frozen=True, kw_only=True):
    """edited: the message with this `id` reads so now. deleted: the message with this `id` is gone; content and sender
    are empty texts. type: `action` or `notice`, where it is not simply something said."""

    id: str
    sender_username: str
    room: str
    content: str
    timestamp: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    edited: bool | UnsetType = UNSET
    deleted: bool | UnsetType = UNSET


class Said(Struct, frozen=True, kw_only=True, tag_field="message_type", tag="GroupChat"):
    """Somebody, perhaps the receiver, has said something in a room."""

    message_body: SaidBody


class SaidPrivatelyBody(Struct, frozen=True, kw_only=True):
    """The same for two; the names of both are there unless the message is deleted."""

    id: str
    sender_username: str
    target_username: str
    content: str
    timestamp: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    edited: bool | UnsetType = UNSET
    deleted: bool | UnsetType = UNSET


class SaidPrivately(Struct, frozen=True, kw_only=True, tag_field="message_type", tag="PrivateChat"):
    """Somebody has said something to the receiver, or the receiver to somebody."""

    message_body: SaidPrivatelyBody


class ErrorBody(Struct, frozen=True, kw_only=True):
    """code: for programs. reason: for people. field: what is wrong in the frame that is refused. retry_after_ms: when
    it may work."""

    code: str
    reason: str
    field: str | UnsetType = UNSET
    retry_after_ms: int | UnsetType = UNSET


class Error(Struct, frozen=True, kw_only=True, tag_field="message_type", tag="Error"):
    """A frame is refused, or the server has to say something."""

    DISCONNECTED: ClassVar[str] = "disconnected"
    """Thrown out; the connection closes."""
    SHUTDOWN: ClassVar[str] = "shutdown"
    """The server stops; the connection closes."""

    message_body: ErrorBody


Outbound = Entered | Left | Said | SaidPrivately | Error

_encoder = msgspec.json.Encoder()


def frame_of(told: Outbound) -> Frame:
    return Frame(_encoder.encode(told))


def iso_time(seconds: float) -> str:
    """Unix seconds as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
