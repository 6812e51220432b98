"""The database that upstream had from 2026-03-28 to 29: a copy of it is read, as reading may write beside the file."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transfer.model import ImportStopped
from transfer.reading.indexes import Indexes, Records, add_small_files
from transfer.reading.message_files import Progress
from transfer.reading.source import Source, scrubbed

NAME = "originchats.db"
PARTS = ("", "-wal")
"""What is copied: the index of the WAL (-shm) is made anew."""
PROGRESS_ROWS = 500
"""Fewer than SQLite takes parameters."""

Row = dict[str, Any]
Values = tuple[Any, ...]


class OldDatabase:
    """scratch: a folder of the import's own."""

    def __init__(self, source: Source, scratch: Path) -> None:
        """Raises ImportStopped."""
        self._file = source.data / NAME
        for part in PARTS:
            path = source.file(NAME + part)
            if path is not None:
                shutil.copyfile(path, scratch / (NAME + part))
        try:
            self._connection = sqlite3.connect(scratch / NAME, check_same_thread=False)  # by one at a time
            self._connection.row_factory = sqlite3.Row
            rows = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            self.tables = {row["name"] for row in rows}
        except sqlite3.Error as error:
            raise ImportStopped(f"{self._file}: {error}") from None

    def close(self) -> None:
        self._connection.close()

    def rows(self, table: str, order: str = "rowid", where: str = "", values: Values = ()) -> Iterator[Row]:
        """Nothing when there is no such table. Raises ImportStopped."""
        if table not in self.tables:
            return
        try:
            for row in self._connection.execute(f"SELECT * FROM {table} {where} ORDER BY {order}", values):  # noqa: S608
                yield scrubbed(dict(row))
        except sqlite3.Error as error:
            raise ImportStopped(f"{self._file}: {table}: {error}") from None

    def count(self, where: str, values: tuple[Any, ...]) -> int:
        found = self._connection.execute(f"SELECT count(*) FROM messages {where}", values).fetchone()  # noqa: S608
        return int(found[0])


def is_newest(source: Source) -> bool:
    """Whether the database is newer than the files that upstream wrote before and after it."""
    database, channels = source.file(NAME), source.file("channels.json")
    if database is None:
        return False
    wal = source.file(f"{NAME}-wal")
    newest = max(path.stat().st_mtime_ns for path in (database, wal) if path is not None)
    return channels is None or newest > channels.stat().st_mtime_ns


def from_database(source: Source, old: OldDatabase) -> Indexes:
    """Raises ImportStopped."""
    found = Indexes(users=users(old), channels=_channels(old), eras=["sqlite"])
    for row in sorted(old.rows("roles"), key=lambda row: row.get("position") or 0):
        record = _without(row, "name") | {"permissions": _json(row.get("permissions"), [])}
        record |= {key: bool(row.get(key)) for key in ("hoisted", "self_assignable")}
        found.roles[row["name"]] = record
    for row in old.rows("threads"):
        flags = {key: bool(row.get(key)) for key in ("locked", "archived")}
        found.threads[row["id"]] = row | flags | {"participants": _json(row.get("participants"), [])}
    for row in old.rows("webhooks"):
        found.webhooks[row["id"]] = row
    found.polls, found.votes = polls(old)
    add_small_files(found, source)
    if "messages" in old.tables:
        _messages(found, old)
    return found


def users(old: OldDatabase) -> dict[str, Any]:
    found = {}
    for row in old.rows("users"):
        record: dict[str, Any] = {
            "username": row.get("username") or row["id"],
            "roles": _json(row.get("roles"), []),
            "nickname": row.get("nickname"),
            "status": _json(row.get("status"), {}),
        }
        for key, name in (("created_at", "joined_at"), ("last_seen", "last_seen")):
            if isinstance(row.get(key), int | float):
                record[name] = row[key]
        found[row["id"]] = {key: value for key, value in record.items() if value is not None}
    return found


def polls(old: OldDatabase) -> tuple[dict[str, Any], dict[str, Any]]:
    """In the shapes of polls.json and poll_votes.json."""
    found = {
        row["id"]: row
        | {"options": _json(row.get("options"), [])}
        | {key: bool(row.get(key)) for key in ("allow_multiselect", "ended")}
        for row in old.rows("polls")
    }
    votes: dict[str, list[dict[str, Any]]] = {}
    for row in old.rows("poll_votes"):
        votes.setdefault(row["poll_id"], []).append(row)
    return found, votes


def _channels(old: OldDatabase) -> list[dict[str, Any]]:
    found = []
    for row in sorted(old.rows("channels"), key=lambda row: row.get("position") or 0):
        record = _without(row, "position") | {"permissions": _json(row.get("permissions"), {})}
        found.append({key: value for key, value in record.items() if value is not None})
    return found


def _messages(found: Indexes, old: OldDatabase) -> None:
    pairs = old._connection.execute("SELECT DISTINCT channel, thread_id FROM messages").fetchall()
    named = {record.get("name") for record in found.channels}
    for channel, thread in pairs:
        if thread is not None:
            found.thread_messages[thread] = _records(old, f"thread {thread}", "WHERE thread_id = ?", (thread,))
        elif channel is not None:
            messages = _records(old, channel, "WHERE channel = ? AND thread_id IS NULL", (channel,))
            (found.channel_messages if channel in named else found.stranded)[channel] = messages


def _records(old: OldDatabase, name: str, where: str, values: tuple[Any, ...]) -> Records:
    return Records(name, old.count(where, values), lambda told: _read(old, where, values, told))


def _read(old: OldDatabase, where: str, values: Values, told: Progress) -> Iterator[tuple[int, Row]]:
    waiting: list[dict[str, Any]] = []
    number = 0
    for row in old.rows("messages", "timestamp, rowid", where, values):
        waiting.append(row)
        if len(waiting) == PROGRESS_ROWS:
            for fields in _with_reactions(old, waiting):
                number += 1
                yield number, fields
            told(len(waiting))
            waiting = []
    for fields in _with_reactions(old, waiting):
        number += 1
        yield number, fields
    told(len(waiting))


def _with_reactions(old: OldDatabase, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    ids = [row["id"] for row in rows]
    given: dict[str, dict[str, list[str]]] = {}
    if ids:
        marks = ", ".join("?" * len(ids))
        for row in old.rows("reactions", "id", f"WHERE message_id IN ({marks})", tuple(ids)):
            given.setdefault(row["message_id"], {}).setdefault(row["emoji"], []).append(row["user_id"])
    for row in rows:
        fields = {key: row[key] for key in ("id", "content", "timestamp")} | {"user": row.get("user_id")}
        fields |= {key: bool(row.get(key)) for key in ("edited", "pinned")}
        if row.get("reply_to_id"):
            fields["reply_to"] = {"id": row["reply_to_id"], "user": row.get("reply_to_user")}
        for key in ("attachments", "embeds", "webhook", "interaction"):
            value = _json(row.get(key), None)
            if value:
                fields[key] = value
        if row["id"] in given:
            fields["reactions"] = given[row["id"]]
        yield fields


def _json(text: Any, empty: Any) -> Any:
    """The value in a column of JSON text; empty when there is none, or when it is broken."""
    if not isinstance(text, str) or not text:
        return empty
    try:
        return scrubbed(json.loads(text))
    except (ValueError, RecursionError):
        return empty


def _without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}
