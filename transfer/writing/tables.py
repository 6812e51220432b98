"""Everything but messages to the database. Rows that are there already stay as they are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, Table, select

from db import schema
from db.attachments import StoredAttachment
from db.file_store import CHUNK_BYTES, FileStore
from db.polls import Poll
from db.schema import PLACE_SHIFT
from transfer.model import Community, Copy, Upload
from transfer.own_format import TABLES
from transfer.report import Report

PARTS = 400
OWN_NAMES = {"plugin_storage": "values that plugins keep"}


class TableWriter:
    """ids: id of a channel or direct channel in the old folder -> here, where the two differ."""

    def __init__(self, connection: Connection, ids: Mapping[str, str], report: Report) -> None:
        self._connection = connection
        self._ids = ids
        self._report = report

    def write(self, community: Community, shown: Mapping[str, int], folder: Path) -> None:
        """After the messages. folder: the data folder that is being built."""
        self._threads(community)
        self._polls(community)
        self._reads(community)
        webhooks = [msgspec.structs.asdict(webhook) for webhook in community.webhooks]
        self._add("webhooks", schema.webhooks, [row | {"channel": self._here(row["channel"])} for row in webhooks])
        modlog = [row | {"channel": self._here(row["channel"])} for row in community.modlog]
        self._add("entries of the moderation log", schema.modlog, modlog)
        subscriptions = [msgspec.structs.asdict(one) for one in community.push]
        push = schema.push_subscriptions
        self._add("push subscriptions", push, subscriptions, push.c.endpoint)
        self._own(community)
        self._uploads(community.uploads.by_id, shown, FileStore(folder / "files"))

    def directs(self, community: Community) -> dict[str, str]:
        """Before the messages. Gives the ids of direct channels whose two members have another one here."""
        table = schema.directs
        there = {(row.first, row.second): row.id for row in self._connection.execute(select(table))}
        rows, others = [], {}
        for direct in community.directs:
            if direct.members in there:
                others[direct.id] = there[direct.members]
            else:
                first, second = direct.members
                rows.append({"id": direct.id, "first": first, "second": second, "created_at": direct.created_at})
        self._add("direct channels", table, rows)
        return {old: new for old, new in others.items() if old != new}

    def _here(self, id: str | None) -> str | None:
        return None if id is None else self._ids.get(id, id)

    def _threads(self, community: Community) -> None:
        fields = ("id", "name", "parent", "created_by", "created_at", "locked", "archived")
        rows = [{field: getattr(thread, field) for field in fields} for thread in community.threads]
        added = self._add("threads", schema.threads, [row | {"parent": self._here(row["parent"])} for row in rows])
        people = [
            {"thread": thread.id, "user_id": user_id}
            for thread in community.threads
            if thread.id in added
            for user_id in thread.participants
        ]
        if people:
            self._connection.execute(schema.thread_participants.insert(), people)

    def _polls(self, community: Community) -> None:
        where = self._places_of(poll.message_id for poll in community.polls)
        used = set(self._connection.execute(select(schema.polls.c.message_id)).scalars())
        rows = []
        for poll in community.polls:
            place = self._here(poll.place)
            if where.get(poll.message_id, (None, 0))[0] != place or poll.message_id in used:
                self._report.note("is_there" if poll.message_id in used else "no_channel", f"poll {poll.question[:60]}")
                continue
            used.add(poll.message_id)
            rows.append(_poll_row(poll) | {"place": place, "channel": self._here(poll.channel)})
        added = self._add("polls", schema.polls, rows)
        votes = [msgspec.structs.asdict(vote) for vote in community.votes if vote.poll in added]
        self._insert(schema.poll_votes, votes)
        self._tell("votes", len(votes))

    def _reads(self, community: Community) -> None:
        where = self._places_of(message_id for _, _, message_id in community.reads)
        there = {(row.user_id, row.place) for row in self._connection.execute(select(schema.reads))}
        rows = []
        for user_id, old_place, message_id in community.reads:
            place = self._here(old_place)
            found, n = where.get(message_id, (None, 0))
            if found != place:
                self._report.note("marker", f"{user_id}: {message_id}")
            elif (user_id, place) not in there:
                rows.append({"user_id": user_id, "place": place, "message_id": message_id, "n": n})
        self._insert(schema.reads, rows)
        self._tell("read markers", len(rows))

    def _own(self, community: Community) -> None:
        for table in TABLES:
            rows = community.own_tables.get(table.name, [])
            rows = [row | {"channel": self._here(row["channel"])} if "channel" in row else row for row in rows]
            key = tuple(table.primary_key.columns)
            there = {tuple(row) for row in self._connection.execute(select(*key))} if rows else set()
            new = {tuple(row[column.name] for column in key): row for row in rows}
            self._insert(table, [row for id_, row in new.items() if id_ not in there])
            self._tell(OWN_NAMES.get(table.name, table.name), len(new.keys() - there))

    def _places_of(self, ids: Iterable[str]) -> dict[str, tuple[str | None, int]]:
        """Message id -> (id of its place, `n`)."""
        numbered = self._connection.execute(select(schema.places.c.number, schema.places.c.id))
        places: dict[int, str | None] = {row.number: row.id for row in numbered}
        wanted = list(dict.fromkeys(ids))
        found = {}
        for start in range(0, len(wanted), PARTS):
            part = schema.messages.c.id.in_(wanted[start : start + PARTS])
            for row in self._connection.execute(select(schema.messages.c.id, schema.messages.c.n).where(part)):
                found[row.id] = (places.get(row.n >> PLACE_SHIFT), row.n)
        return found

    def _uploads(self, uploads: Mapping[str, Upload], shown: Mapping[str, int], store: FileStore) -> None:
        table = schema.attachments
        there = set(self._connection.execute(select(table.c.id)).scalars())
        for id_ in there & shown.keys():
            if shown[id_]:
                more = table.update().where(table.c.id == id_).values(shown=table.c.shown + shown[id_])
                self._connection.execute(more)
        new = {id_: upload for id_, upload in uploads.items() if id_ not in there}
        if new:
            store.open()
        rows = [self._stored(upload, shown.get(id_, 0), store) for id_, upload in new.items()]
        self._insert(table, [msgspec.structs.asdict(row) for row in rows])
        self._tell("attachments", len(rows))

    def _stored(self, upload: Upload, shown: int, store: FileStore) -> StoredAttachment:
        incoming = store.incoming()
        try:
            with upload.source.open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    incoming.write(chunk)
            size = incoming.size
            hashed = store.place(incoming)
        except BaseException:
            incoming.discard()
            raise
        store.release(hashed)
        channel = self._here(upload.record.channel)
        return msgspec.structs.replace(upload.record, hash=hashed, size=size, channel=channel or "", shown=shown)

    def _add(self, kind: str, table: Table, rows: list[dict[str, Any]], key: Column[Any] | None = None) -> set[Any]:
        """Insert those whose key is not there; gives their keys."""
        column = table.c.id if key is None else key
        there = set(self._connection.execute(select(column)).scalars()) if rows else set()
        new = [row for row in rows if row[column.name] not in there]
        if len(new) < len(rows):
            self._report.note("is_there", kind, len(rows) - len(new))
        self._insert(table, new)
        self._tell(kind, len(new))
        return {row[column.name] for row in new}

    def _insert(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(table.insert(), rows)

    def _tell(self, kind: str, count: int) -> None:
        self._report.counts[kind] = count


def _poll_row(poll: Poll) -> dict[str, Any]:
    return msgspec.structs.asdict(poll) | {"options": msgspec.json.encode(poll.options).decode()}


def copy_files(copies: Iterable[Copy], folder: Path, report: Report) -> None:
    """Files that go over as they are, and that are not there."""
    count = 0
    for copy in copies:
        target = folder / copy.target
        if target.exists():
            if target.read_bytes() != copy.source.read_bytes():
                report.note("is_there", copy.target)
            continue
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(copy.source, target)
        os.chmod(target, 0o600)
        count += 1
    report.counts["pictures and other files"] = count
