"""What an export makes of the tables beside the messages: upstream's small files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, select

from config.paths import DataPaths
from db import schema
from db.secret_key import SecretKey
from db.webhooks import Webhook, shown_token
from transfer import own_format
from transfer.own_format import stem_of

EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/svg+xml": "svg",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/ogg": "ogg",
    "application/pdf": "pdf",
}
"""Of attachment files, by MIME type; every other one is `bin`. Source: storage.yaml, attachments.json."""
OTHER_EXTENSION = "bin"

Json = dict[str, Any]


class View(msgspec.Struct):
    """db: the folder that is written. channels: id -> name. usernames: by user id. left_out: grows by a sentence for
    what is not written."""

    connection: Connection
    paths: DataPaths
    db: Path
    channels: Mapping[str, str]
    usernames: Mapping[str, str]
    left_out: list[str]

    def rows(self, table: Table, *order: Any) -> Iterator[Json]:
        for row in self.connection.execute(select(table).order_by(*(order or table.primary_key.columns))):
            yield dict(row._mapping)

    def channel(self, id: str) -> str:
        """Its name; the id of a direct channel."""
        return self.channels.get(id, id)


def documents(view: View) -> Iterator[tuple[str, Any]]:
    """(name of the file, what it holds)"""
    yield "polls.json", _polls(view)
    yield "poll_votes.json", _votes(view)
    yield "unreads.json", _reads(view)
    yield "webhooks.json", _webhooks(view)
    yield "modlog.json", _modlog(view)
    yield "attachments.json", _attachments(view)
    yield "push_subscriptions.json", _push(view)


def own(view: View) -> dict[str, list[Json]]:
    """By the name of the table."""
    return {table.name: list(view.rows(table)) for table in own_format.TABLES}


def _polls(view: View) -> Json:
    polls = {}
    for row in view.rows(schema.polls, schema.polls.c.created_at, schema.polls.c.id):
        in_thread = row["place"] != row["channel"]
        polls[row["id"]] = {
            "id": row["id"],
            "message_id": row["message_id"],
            "channel": None if in_thread else view.channel(row["channel"]),
            "thread_id": row["place"] if in_thread else None,
            "question": row["question"],
            "options": json.loads(row["options"]),
            "allow_multiselect": row["allow_multiselect"],
            "expires_at": row["expires_at"],
            "created_by": row["created_by"],
            "created_at": row["created_at"],
            "ended": row["ended_at"] is not None,
            "ended_at": row["ended_at"],
        }
    return polls


def _votes(view: View) -> dict[str, list[Json]]:
    votes: dict[str, list[Json]] = {}
    for row in view.rows(schema.poll_votes, schema.poll_votes.c.voted_at, *schema.poll_votes.primary_key.columns):
        poll = row.pop("poll")
        votes.setdefault(poll, []).append({"poll_id": poll, **row})
    return votes


def _reads(view: View) -> dict[str, dict[str, str]]:
    threads = set(view.connection.execute(select(schema.threads.c.id)).scalars())
    unreads: dict[str, dict[str, str]] = {}
    for row in view.rows(schema.reads):
        place = row["place"]
        key = view.channels.get(place) or (f"thread/{place}" if place in threads else f"direct/{place}")
        unreads.setdefault(row["user_id"], {})[key] = row["message_id"]
    return unreads


def _webhooks(view: View) -> dict[str, Json]:
    key_file = view.paths.folder / "secret.key"
    key = SecretKey(key_file)
    records: dict[str, Json] = {}
    for row in view.rows(schema.webhooks, schema.webhooks.c.created_at, schema.webhooks.c.id):
        webhook = Webhook(**row)
        token = shown_token(key, webhook) if key_file.exists() else None
        record = records[webhook.id] = {
            "id": webhook.id,
            "channel": view.channel(webhook.channel),
            "name": webhook.name,
            "token": token,
            "created_by": webhook.created_by,
            "created_at": webhook.created_at,
            "avatar": webhook.avatar,
        }
        if token is None:
            record["token_sha256"] = webhook.token_hash.hex()
            view.left_out.append(
                f"token of the webhook {webhook.name!r}: only its hash is known; other servers need a new one"
            )
    return records


def _modlog(view: View) -> list[Json]:
    entries = []
    for row in view.rows(schema.modlog):
        row.pop("n")
        before = row.pop("before")
        known = {} if before is None else {"before": json.loads(before)}
        entries.append(row | {"details": json.loads(row["details"])} | known)
    return entries


def _attachments(view: View) -> dict[str, Json]:
    records: dict[str, Json] = {}
    for row in view.rows(schema.attachments, schema.attachments.c.created_at, schema.attachments.c.id):
        filename = f"{stem_of(row['id'])}.{EXTENSIONS.get(row['mime_type'], OTHER_EXTENSION)}"
        target = view.db / "attachments" / filename
        target.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            shutil.copyfile(view.paths.files / row["hash"][:2] / row["hash"], target)
        except FileNotFoundError:
            view.left_out.append(f"the upload {row['name']!r}: its file is gone")
            continue
        record = {
            "id": row["id"],
            "filename": filename,
            "original_name": row["name"],
            "mime_type": row["mime_type"],
            "size": row["size"],
            "hash": row["hash"],
            "uploader_id": row["uploader_id"],
            "uploader_name": view.usernames.get(row["uploader_id"], row["uploader_id"]),
            "channel": view.channel(row["channel"]),
            "created_at": row["created_at"],
            "expires_at": row["expires_at"],
            "permanent": row["permanent"],
            "referenced": row["shown"] > 0,
        }
        if row["width"] is not None:
            record |= {"width": row["width"], "height": row["height"]}
        records[row["id"]] = record
    return records


def _push(view: View) -> dict[str, list[Json]]:
    """By username, as upstream has them. They are secrets, and of use only with the key pair in `vapid/`."""
    subscriptions: dict[str, list[Json]] = {}
    for row in view.rows(schema.push_subscriptions):
        username = view.usernames.get(row["user_id"])
        if username is not None:
            subscriptions.setdefault(username.lower(), []).append(row | {"last_used": int(row["last_used"])})
    return subscriptions
