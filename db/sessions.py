"""Sessions: a logged-in user on one device, which outlives its connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from db.group import Group


class StoredSession(msgspec.Struct, frozen=True, kw_only=True):
    """All times are unix seconds.

    token_hash: of the secret that the client holds. disconnected_at: None while connected. position: `seq` up to which
    everything was sent. gap: something after position was left out, and the client has to fetch it.
    """

    id: str
    token_hash: bytes
    user_id: str
    created_at: float
    last_seen: float
    disconnected_at: float | None = None
    position: int = 0
    address: str = ""
    agent: str = ""
    gap: bool = False


class Sessions:
    def __init__(self, group: Group) -> None:
        self._group = group

    def add(self, session: StoredSession) -> None:
        raise NotImplementedError

    def get(self, id: str) -> StoredSession | None:
        raise NotImplementedError

    def by_token_hash(self, token_hash: bytes) -> StoredSession | None:
        raise NotImplementedError

    def of_user(self, user_id: str) -> list[StoredSession]:
        """Oldest first."""
        raise NotImplementedError

    def end(self, id: str) -> bool:
        """Forget one session. False when there is no such session."""
        raise NotImplementedError

    def end_all(self, user_id: str) -> list[str]:
        """Forget every session of a user; gives their ids."""
        raise NotImplementedError

    def disconnect(self, id: str, position: int, now: float, gap: bool = False) -> None:
        """Its connection is gone; it may be resumed from `position`."""
        raise NotImplementedError

    def attach(self, id: str, now: float, address: str = "", agent: str = "") -> StoredSession | None:
        """It has a connection again. None when there is no such session."""
        raise NotImplementedError

    def move(self, id: str, position: int, now: float) -> None:
        """Remember how far it was sent while it stays connected."""
        raise NotImplementedError

    def disconnect_all(self, now: float) -> int:
        """After a start nobody is connected; gives how many were thought to be."""
        raise NotImplementedError

    def prune(self, now: float, timeout_s: float) -> list[str]:
        """Forget those that have been without a connection for longer than `timeout_s`; gives their ids."""
        raise NotImplementedError
