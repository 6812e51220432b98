"""A community as the data folder of upstream's current version, so that it can move anywhere.

What upstream has no place for stands in files and keys that it does not read, and that our import does: ids of
channels, direct channels, hashes of webhook tokens that nobody can be shown. Sessions, the event log and what can be
worked out from the messages are not exported.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from config.paths import DataPaths
from db import message_rows, schema
from db.database import HEAD_REVISION, DatabaseError, open_database, revision
from db.message_rows import Message
from db.secret_key import SecretKey
from db.webhooks import Webhook, shown_token

PAGE = 1_000
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
COPIED = ("serverEmojis", "serverAssets", "plugins")
"""Folders that go over as they are."""

Json = dict[str, Any]
Progress = Callable[[int], None]
"""Told how many messages were written since the last time."""


class ExportError(Exception):
    """Nothing useful can be written; the text says why."""


class Exported(msgspec.Struct):
    """messages: how many. left_out: what was not written, a sentence each."""

    messages: int = 0
    left_out: list[str] = []


def export(paths: DataPaths, config_file: Path, target: Path, progress: Progress = lambda count: None) -> Exported:
    """Write the folder `target`, which must not exist yet or be empty. The server may run: what it commits meanwhile is
    not in it. Raises ExportError, OSError; then `target` holds part of the data."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ExportError(f"{target} exists and is not empty")
    engine = open_database(paths.database_url)
    try:
        if revision(engine) != HEAD_REVISION:
            raise ExportError("the database is not of this version: start the server once, then export")
        with engine.connect().execution_options(
            **({} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"})
        ) as connection:
            return _Export(connection, paths, target, progress).run(config_file)
    except DatabaseError as error:
        raise ExportError(str(error)) from None
    finally:
        engine.dispose()


class _Export:
    def __init__(self, connection: Connection, paths: DataPaths, target: Path, progress: Progress) -> None:
        self._connection = connection
        self._paths = paths
        self._target = target
        self._db = target / "db"
        self._progress = progress
        self._exported = Exported()
        self._channels: dict[str, str] = {}
        """Id -> name."""
        self._usernames: dict[str, str] = {}

    def run(self, config_file: Path) -> Exported:
        self._db.mkdir(parents=True, mode=0o700)
        # the first statement begins the transaction, whose state everything below is read from
        places: dict[str, int] = dict(self._rows_of(select(schema.places.c.id, schema.places.c.number)))
        self._documents()
        self._messages(places)
        self._threads(places)
        self._directs(places)
        self._polls()
        self._reads()
        self._webhooks()
        self._modlog()
        self._attachments()
        self._push()
        self._copy(config_file)
        return self._exported

    # --- documents ---------------------------------------------------------------------------------------------

    def _documents(self) -> None:
        users = self._document(self._paths.users, {})
        for id_, record in users.items():
            self._usernames[id_] = record.get("username", id_)
            if record.pop("banned", False):
                record["roles"] = ["banned", *(role for role in record.get("roles", []) if role != "banned")]
        users = {id_: record for id_, record in users.items() if not record.get("guest")}
        channels = self._document(self._paths.channels, [])
        self._channels = {channel["id"]: channel["name"] for channel in channels}
        self._write("users.json", users)
        self._write("roles.json", self._document(self._paths.roles, {}))
        self._write("channels.json", channels)
        emojis = self._paths.folder / "serverEmojis.json"
        self._write("serverEmojis.json", self._document(emojis, {}))

    def _document(self, path: Path, empty: Any) -> Any:
        try:
            return json.loads(path.read_bytes())
        except FileNotFoundError:
            return empty
        except ValueError as error:
            raise ExportError(f"{path} cannot be read: {error}") from None

    # --- messages ----------------------------------------------------------------------------------------------

    def _messages(self, places: Mapping[str, int]) -> None:
        for id_, name in self._channels.items():
            if "/" in name or "\\" in name or name in (".", "..", "") or len(name.encode()) > 200:
                self._exported.left_out.append(f"messages of the channel {name!r}: its name cannot be a file's")
                continue
            self._message_file(self._db / "channels" / f"{name}.json", places.get(id_))

    def _message_file(self, path: Path, place: int | None) -> None:
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            first = True
            for page in self._pages(place):
                for message in page:
                    file.write(b"" if first else b"\n")
                    file.write(msgspec.json.encode(_as_upstream(message)))
                    first = False
                self._exported.messages += len(page)
                self._progress(len(page))

    def _pages(self, place: int | None) -> Iterator[list[Message]]:
        """Oldest first."""
        if place is None:
            return
        table, reactions = schema.messages, schema.reactions
        low, high = place << schema.PLACE_SHIFT, (place + 1) << schema.PLACE_SHIFT
        while True:
            wanted = select(table).where(table.c.n >= low, table.c.n < high).order_by(table.c.n).limit(PAGE)
            rows = self._connection.execute(wanted).all()
            if not rows:
                return
            of_page = reactions.c.n.between(rows[0].n, rows[-1].n)
            given: dict[int, dict[str, list[str]]] = {}
            for row in self._connection.execute(select(reactions).where(of_page).order_by(reactions.c.id)):
                given.setdefault(row.n, {}).setdefault(row.emoji, []).append(row.user_id)
            yield [message_rows.read(row, given.get(row.n)) for row in rows]
            low = rows[-1].n + 1

    def _threads(self, places: Mapping[str, int]) -> None:
        people: dict[str, list[str]] = {}
        joined = schema.thread_participants
        for row in self._connection.execute(select(joined).order_by(joined.c.id)):
            people.setdefault(row.thread, []).append(row.user_id)
        for row in self._connection.execute(select(schema.threads)).all():
            record = {
                "id": row.id,
                "name": row.name,
                "parent_channel": self._channels.get(row.parent, row.parent),
                "created_by": row.created_by,
                "created_at": row.created_at,
                "locked": row.locked,
                "archived": row.archived,
                "participants": people.get(row.id, []),
            }
            self._write(f"threads/{row.id}.json", record)
            if row.id in places:
                self._message_file(self._db / "threadMessages" / f"{row.id}.jsonl", places[row.id])

    def _directs(self, places: Mapping[str, int]) -> None:
        rows = self._connection.execute(select(schema.directs)).all()
        records = [{"id": row.id, "members": [row.first, row.second], "created_at": row.created_at} for row in rows]
        if records:
            self._write("directs.json", records)
        for row in rows:
            self._message_file(self._db / "directMessages" / f"{row.id}.jsonl", places.get(row.id))

    # --- tables ------------------------------------------------------------------------------------------------

    def _polls(self) -> None:
        polls: dict[str, Json] = {}
        for row in self._rows_by_name(schema.polls):
            place, channel = row["place"], row.pop("channel")
            in_thread = place != channel
            polls[row["id"]] = {
                "id": row["id"],
                "message_id": row["message_id"],
                "channel": None if in_thread else self._channels.get(channel, channel),
                "thread_id": place if in_thread else None,
                "question": row["question"],
                "options": json.loads(row["options"]),
                "allow_multiselect": row["allow_multiselect"],
                "expires_at": row["expires_at"],
                "created_by": row["created_by"],
                "created_at": row["created_at"],
                "ended": row["ended_at"] is not None,
                "ended_at": row["ended_at"],
            }
        votes: dict[str, list[Json]] = {}
        for row in self._rows_by_name(schema.poll_votes):
            poll = row.pop("poll")
            votes.setdefault(poll, []).append({"poll_id": poll, **row})
        self._write("polls.json", polls)
        self._write("poll_votes.json", votes)

    def _reads(self) -> None:
        threads = {row.id for row in self._connection.execute(select(schema.threads.c.id))}
        unreads: dict[str, dict[str, str]] = {}
        for row in self._connection.execute(select(schema.reads)):
            if row.place in threads:
                key = f"thread/{row.place}"
            elif row.place in self._channels:
                key = self._channels[row.place]
            else:
                key = f"direct/{row.place}"
            unreads.setdefault(row.user_id, {})[key] = row.message_id
        self._write("unreads.json", unreads)

    def _webhooks(self) -> None:
        key = SecretKey(self._paths.folder / "secret.key")
        records: dict[str, Json] = {}
        for row in self._rows_by_name(schema.webhooks):
            webhook = Webhook(**row)
            token = shown_token(key, webhook)
            records[webhook.id] = {
                "id": webhook.id,
                "channel": self._channels.get(webhook.channel, webhook.channel),
                "name": webhook.name,
                "token": token,
                "created_by": webhook.created_by,
                "created_at": webhook.created_at,
                "avatar": webhook.avatar,
            }
            if token is None:
                records[webhook.id]["token_sha256"] = webhook.token_hash.hex()
                self._exported.left_out.append(
                    f"token of the webhook {webhook.name!r}: only its hash is known; other servers need a new one"
                )
        self._write("webhooks.json", records)

    def _modlog(self) -> None:
        entries = []
        for row in self._rows_by_name(schema.modlog, schema.modlog.c.n):
            row.pop("n")
            entries.append(row | {"details": json.loads(row["details"])})
        self._write("modlog.json", entries)

    def _attachments(self) -> None:
        records: dict[str, Json] = {}
        for row in self._rows_by_name(schema.attachments):
            extension = EXTENSIONS.get(row["mime_type"], OTHER_EXTENSION)
            filename = f"{row['id']}.{extension}"
            source = self._paths.folder / "files" / row["hash"][:2] / row["hash"]
            if not source.exists():
                self._exported.left_out.append(f"the upload {row['name']!r}: its file is gone")
                continue
            target = self._db / "attachments" / filename
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(source, target)
            record = {
                "id": row["id"],
                "filename": filename,
                "original_name": row["name"],
                "mime_type": row["mime_type"],
                "size": row["size"],
                "hash": row["hash"],
                "uploader_id": row["uploader_id"],
                "uploader_name": self._usernames.get(row["uploader_id"], row["uploader_id"]),
                "channel": self._channels.get(row["channel"], row["channel"]),
                "created_at": row["created_at"],
                "expires_at": row["expires_at"],
                "permanent": row["permanent"],
                "referenced": row["referenced"],
            }
            if row["width"] is not None:
                record |= {"width": row["width"], "height": row["height"]}
            records[row["id"]] = record
        self._write("attachments.json", records)

    def _push(self) -> None:
        subscriptions: dict[str, list[Json]] = {}
        for row in self._rows_by_name(schema.push_subscriptions):
            username = self._usernames.get(row["user_id"])
            if username is not None:
                subscriptions.setdefault(username.lower(), []).append(
                    {
                        "endpoint": row["endpoint"],
                        "p256dh": row["p256dh"],
                        "auth": row["auth"],
                        "last_used": int(row["last_used"]),
                    }
                )
        self._write("push_subscriptions.json", subscriptions)

    # --- files -------------------------------------------------------------------------------------------------

    def _copy(self, config_file: Path) -> None:
        for name in COPIED:
            if (self._paths.folder / name).is_dir():
                shutil.copytree(self._paths.folder / name, self._db / name, ignore=_links)
        if (self._paths.folder / "vapid").is_dir():
            shutil.copytree(self._paths.folder / "vapid", self._target / "vapid", ignore=_links)
        if config_file.exists():
            shutil.copyfile(config_file, self._target / "config.json")

    def _write(self, name: str, value: Any) -> None:
        path = self._db / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    def _rows_of(self, wanted: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._connection.execute(wanted)]

    def _rows_by_name(self, table: Any, order: Any = None) -> list[Json]:
        wanted = select(table) if order is None else select(table).order_by(order)
        return [dict(row._mapping) for row in self._connection.execute(wanted)]


def _as_upstream(message: Message) -> Json:
    """The form of upstream's message files."""
    record: Json = {
        "id": message.id,
        "user": message.user_id,
        "content": message.content,
        "timestamp": message.timestamp,
    }
    if message.edited:
        record["edited"] = True
    if message.pinned:
        record["pinned"] = True
    if message.reply_to is not None:
        record["reply_to"] = {"id": message.reply_to, "user": message.reply_user}
    if message.ping is not None:
        record["ping"] = message.ping
    if message.reactions:
        record["reactions"] = message.reactions
    return record | message.extra


def _links(folder: str, names: Sequence[str]) -> Iterable[str]:
    """What is not copied: links may lead anywhere."""
    return [name for name in names if (Path(folder) / name).is_symlink()]
