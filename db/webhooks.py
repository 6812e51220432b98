"""Webhooks: ways for programs to post messages. The stored ones, and the index in memory.

A token is the whole secret of a webhook. It is derived from the server's key, so that managers can be shown it again,
while the database holds only its SHA-256.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import bindparam, func, select

from db.schema import webhooks

if TYPE_CHECKING:
    from db.group import Group
    from db.secret_key import SecretKey

_columns = webhooks.c
_INSERT = webhooks.insert()
_ONE = select(webhooks).where(_columns.id == bindparam("id"))
_ALL = select(webhooks).order_by(_columns.created_at, _columns.id)
_COUNT = select(func.count()).where(_columns.channel == bindparam("channel"))
_DELETE = webhooks.delete().where(_columns.id == bindparam("of"))
_DELETE_CHANNEL = webhooks.delete().where(_columns.channel == bindparam("of"))


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """channel: its id. generation: counts the tokens that it has had; None where an import brought the token, which
    nobody can be shown then. created_by: user id. created_at: unix seconds."""

    id: str
    channel: str
    name: str
    avatar: str | None = None
    token_hash: bytes
    generation: int | None = 0
    created_by: str
    created_at: float


def hash_of(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def token_of(key: SecretKey, id: str, generation: int) -> str:
    """68 characters: a UUID and 32 hexadecimal digits."""
    secret = key.derive(f"webhook|{id}|{generation}")
    return f"{uuid.UUID(bytes=secret[:16])}{secret[16:].hex()}"


def shown_token(key: SecretKey, webhook: Webhook) -> str | None:
    """The token, None where it cannot be derived: of an imported webhook, or when the key is another one now."""
    if webhook.generation is None:
        return None
    token = token_of(key, webhook.id, webhook.generation)
    return token if hash_of(token) == webhook.token_hash else None


class Webhooks:
    """All webhooks in memory, oldest first. Belongs to the event loop; it changes only from `Outcome.then`."""

    def __init__(self, webhooks: Iterable[Webhook] = ()) -> None:
        self._by_id: dict[str, Webhook] = {}
        self._by_hash: dict[bytes, Webhook] = {}
        for webhook in webhooks:
            self.put(webhook)

    def __iter__(self) -> Iterator[Webhook]:
        return iter(self._by_id.values())

    def get(self, id: str) -> Webhook | None:
        return self._by_id.get(id)

    def by_token(self, token: str) -> Webhook | None:
        """What is compared are hashes, so the time it takes says nothing of the token."""
        return self._by_hash.get(hash_of(token))

    def put(self, webhook: Webhook) -> None:
        self.remove(webhook.id, keep_place=True)
        self._by_id[webhook.id] = self._by_hash[webhook.token_hash] = webhook

    def remove(self, id: str, *, keep_place: bool = False) -> None:
        """Harmless when it is not there. keep_place: a new version of it follows."""
        old = self._by_id.get(id)
        if old is not None:
            self._by_hash.pop(old.token_hash, None)
            if not keep_place:
                del self._by_id[id]

    def forget_channel(self, channel_id: str) -> None:
        for webhook in list(self._by_id.values()):
            if webhook.channel == channel_id:
                self.remove(webhook.id)


class StoredWebhooks:
    """`tx.webhooks`. What changed is put in the index by `Outcome.then`."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def add(self, webhook: Webhook) -> None:
        self._group.connection.execute(_INSERT, msgspec.structs.asdict(webhook))

    def get(self, id: str) -> Webhook | None:
        row = self._group.connection.execute(_ONE, {"id": id}).first()
        return None if row is None else Webhook(**row._mapping)

    def count(self, channel_id: str) -> int:
        """Of this channel."""
        return int(self._group.connection.execute(_COUNT, {"channel": channel_id}).scalar_one())

    def update(
        self,
        id: str,
        *,
        name: str | UnsetType = UNSET,
        avatar: str | UnsetType | None = UNSET,
        token_hash: bytes | UnsetType = UNSET,
        generation: int | UnsetType = UNSET,
    ) -> Webhook | None:
        """The webhook as it is now; None when there is none."""
        fields = {"name": name, "avatar": avatar, "token_hash": token_hash, "generation": generation}
        values = {field: value for field, value in fields.items() if value is not UNSET}
        if values:
            self._group.connection.execute(webhooks.update().where(_columns.id == id).values(**values))
        return self.get(id)

    def delete(self, id: str) -> bool:
        """False when there is none."""
        return bool(self._group.connection.execute(_DELETE, {"of": id}).rowcount)

    def forget_channel(self, channel_id: str) -> None:
        self._group.connection.execute(_DELETE_CHANNEL, {"of": channel_id})

    def all(self) -> list[Webhook]:
        """Oldest first."""
        return [Webhook(**row._mapping) for row in self._group.connection.execute(_ALL)]
