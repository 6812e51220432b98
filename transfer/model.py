"""A community as it is read from an old folder, whatever its era, in the records that this server keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec

from db.attachments import StoredAttachment
from db.channels import Channel
from db.directs import Direct
from db.emojis import Emoji
from db.message_rows import Message
from db.polls import Poll
from db.roles import Role
from db.threads import Thread
from db.users import User
from db.webhooks import Webhook


class Uploads(Protocol):
    by_id: dict[str, Upload]

    def tell_strays(self) -> None:
        """Report the files that nobody knows, once all messages were read."""


class EmojiIds(Protocol):
    highest: int


class People(Protocol):
    def mentioned(self, name: str) -> str | None:
        """The id of the member whom `@name` means."""


class ImportStopped(Exception):
    """Nothing was changed; the text says why."""


class ExportError(Exception):
    """Nothing useful can be written; the text says why."""


class Exported(msgspec.Struct):
    """messages: how many. left_out: what was not written, or not as other servers need it, a sentence each."""

    messages: int = 0
    left_out: list[str] = []


ExportProgress = Callable[[int], None]
"""Told how many messages were written since the last time."""


class Place(msgspec.Struct, kw_only=True):
    """The messages of a channel, thread or direct channel.

    id: as it will be stored. name: for people. size: bytes, or rows of an old database, for the progress bar. messages:
    reads them, oldest first, each id once; calls its argument with how much of `size` was read since the last time.
    """

    id: str
    name: str
    size: int
    messages: Callable[[Callable[[int], None]], Iterator[Message]]


class Upload(msgspec.Struct):
    """hash and size of `record` are empty: they are those of the bytes that are copied."""

    record: StoredAttachment
    source: Path


class Vote(msgspec.Struct, frozen=True):
    poll: str
    user_id: str
    option_id: str
    voted_at: float


class PushSubscription(msgspec.Struct, frozen=True):
    endpoint: str
    user_id: str
    p256dh: str
    auth: str
    created_at: float
    last_used: float


class Copy(msgspec.Struct, frozen=True):
    """A file that goes over as it is. target: relative to the data folder."""

    source: Path
    target: str


class Community(msgspec.Struct, kw_only=True):
    """uploads: by attachment id; reading messages may add some. reads: (user id, place, message id). modlog: rows but
    for `n`, oldest first. emoji_ids: the highest that was ever used; reading messages may raise it. settings: of
    config.json, None when there is none. own_settings: they are those of this server. own_tables: rows that only
    our own exports have, by table. eras: what the folder was found to be made by."""

    users: dict[str, User] = {}
    roles: dict[str, Role] = {}
    channels: list[Channel] = []
    threads: list[Thread] = []
    directs: list[Direct] = []
    places: list[Place] = []
    polls: list[Poll] = []
    votes: list[Vote] = []
    reads: list[tuple[str, str, str]] = []
    webhooks: list[Webhook] = []
    modlog: list[dict[str, Any]] = []
    uploads: Uploads
    people: People
    emojis: dict[str, Emoji] = {}
    emoji_ids: EmojiIds
    push: list[PushSubscription] = []
    copies: list[Copy] = []
    settings: dict[str, Any] | None = None
    own_settings: bool = False
    own_tables: dict[str, list[dict[str, Any]]] = {}
    eras: list[str] = []
