"""One group commit in progress."""

from __future__ import annotations

from sqlalchemy import Connection

from db.events import LoggedEvent


class Group:
    connection: Connection
    now: float

    def flush(self) -> None:
        raise NotImplementedError

    def commit(self) -> list[LoggedEvent]:
        raise NotImplementedError

    def rollback(self) -> None:
        raise NotImplementedError
