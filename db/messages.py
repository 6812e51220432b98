"""Messages of channels and threads. A place is a channel id or a thread id; all lists are oldest first unless said."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, UnsetType

from db.message_rows import Message

if TYPE_CHECKING:
    from db.group import Group

__all__ = ["Message", "Messages"]


class Messages:
    def __init__(self, group: Group) -> None:
        self._group = group

    def add(
        self,
        place: str,
        message: Message,
        pinged_users: Sequence[str] = (),
        pinged_roles: Sequence[str] = (),
        nonce: str | None = None,
    ) -> None:
        """Append to the place. Pings: user ids and role names; the author of the answered message is pinged as well
        unless `message.ping` is False. A nonce makes the message findable by `by_nonce` for a day."""
        raise NotImplementedError

    def by_nonce(self, user_id: str, nonce: str) -> tuple[str, Message] | None:
        """(place, message) that this user sent with this nonce; None when unknown, deleted, or older than a day."""
        raise NotImplementedError

    def get(self, place: str, id: str) -> Message | None:
        raise NotImplementedError

    def edit(
        self,
        place: str,
        id: str,
        content: str,
        embeds: list[Any] | UnsetType = UNSET,
        pinged_users: Sequence[str] = (),
        pinged_roles: Sequence[str] = (),
    ) -> Message | None:
        """Replace content, embeds (`extra["embeds"]`, [] removes, UNSET keeps) and pings; sets `edited`.

        Gives the message as it is now; None when there is none."""
        raise NotImplementedError

    def delete(self, place: str, id: str) -> bool:
        """False when there is no such message."""
        raise NotImplementedError

    def set_pinned(self, place: str, id: str, pinned: bool) -> bool:
        """False when there is no such message."""
        raise NotImplementedError

    def add_reaction(self, place: str, id: str, emoji: str, user_id: str) -> bool:
        """False when there is no such message, or the user has reacted with it already."""
        raise NotImplementedError

    def remove_reaction(self, place: str, id: str, emoji: str, user_id: str) -> bool:
        """False when there is no such message, or the user has not reacted with it."""
        raise NotImplementedError

    def newest(self, place: str, limit: int, skip: int = 0) -> list[Message]:
        """The newest `limit` messages after leaving out the `skip` newest ones."""
        raise NotImplementedError

    def before(self, place: str, id: str, limit: int) -> list[Message]:
        """The `limit` messages right before this one, which is not included; [] when it does not exist."""
        raise NotImplementedError

    def after(self, place: str, id: str, limit: int) -> list[Message]:
        """The `limit` messages right after this one, which is not included; [] when it does not exist."""
        raise NotImplementedError

    def around(self, place: str, id: str, above: int, below: int) -> tuple[list[Message], int] | None:
        """Up to `below` older messages, this one, and up to `above` newer ones; with the absolute position (0 = the
        oldest of the place) of the first in the list. None when this message does not exist."""
        raise NotImplementedError

    def pinned(self, place: str) -> list[Message]:
        raise NotImplementedError

    def replies(self, place: str, id: str, limit: int) -> list[Message]:
        """The oldest `limit` answers to a message, which need not exist any more."""
        raise NotImplementedError

    def search(self, place: str, query: str, limit: int) -> list[Message]:
        """Messages that contain the query, upper and lower case alike, newest first."""
        raise NotImplementedError

    def pings(
        self, user_id: str, roles: Collection[str], places: Collection[str], limit: int, offset: int = 0
    ) -> tuple[list[tuple[str, Message]], int]:
        """Messages that ping the user or one of the roles (names), in these places: ([(place, message)] newest first,
        how many there are in all)."""
        raise NotImplementedError

    def count(self, place: str) -> int:
        raise NotImplementedError

    def count_after(self, place: str, id: str | None) -> int:
        """How many are newer than this one; all of them when it is None or does not exist."""
        raise NotImplementedError

    def newest_id(self, place: str) -> str | None:
        raise NotImplementedError

    def delete_place(self, place: str) -> None:
        """The place is empty at once; a long one is wiped from the disk by later calls of `purge`."""
        raise NotImplementedError

    def purge(self, limit: int = 1000) -> int:
        """Wipe up to `limit` messages of deleted places from the disk; gives how many. For housekeeping."""
        raise NotImplementedError

    def prune_nonces(self, before: float) -> int:
        """Forget nonces of messages older than this (unix seconds). For housekeeping."""
        raise NotImplementedError
