"""What a message is, and how it lies in its table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from db import schema


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a channel or thread.

    id: unique in the whole server. timestamp: unix seconds. reply_to, reply_user: id and author of the message it
    answers. ping: None when the sender did not say. reactions: emoji -> user ids, both in the order of reacting; filled
    when read, ignored when added. extra: everything else (embeds, attachments, webhook, interaction, ...), as JSON.
    """

    id: str
    user_id: str
    content: str
    timestamp: float
    edited: bool = False
    pinned: bool = False
    reply_to: str | None = None
    reply_user: str | None = None
    ping: bool | None = None
    reactions: dict[str, list[str]] = {}
    extra: dict[str, Any] = {}


COLUMNS = schema.messages.c
"""In the order of the table: `read` and `values` depend on it."""
_NAMES = tuple(COLUMNS.keys())

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def write(n: int, message: Message) -> dict[str, Any]:
    """The row of a message."""
    return dict(zip(_NAMES, values(n, message), strict=True))


def values(n: int, message: Message) -> tuple[Any, ...]:
    """The same in the order of the table's columns."""
    return (
        n, message.id, message.user_id, message.content, message.timestamp, message.edited, message.pinned,
        message.reply_to, message.reply_user, message.ping, _encode(message.extra).decode() if message.extra else None,
    )  # fmt: skip


def write_extra(extra: dict[str, Any]) -> str | None:
    return _encode(extra).decode() if extra else None


def attachments_of(extra: str | None) -> list[str]:
    """Ids of the uploads that a message shows, from its column `extra`."""
    if extra is None or '"attachments"' not in extra:
        return []
    return [each["id"] for each in _decode(extra).get("attachments", ())]


def read(row: Sequence[Any], reactions: dict[str, list[str]] | None = None) -> Message:
    """The message of a row of all columns."""
    _, id_, user_id, content, timestamp, edited, pinned, reply_to, reply_user, ping, extra = row
    return Message(
        id=id_, user_id=user_id, content=content, timestamp=timestamp, edited=edited, pinned=pinned, reply_to=reply_to,
        reply_user=reply_user, ping=ping, reactions=reactions or {}, extra=_decode(extra) if extra else {},
    )  # fmt: skip
