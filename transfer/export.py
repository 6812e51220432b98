"""A community as the data folder of upstream's current version, so that it can move anywhere.

What upstream has no place for stands in files and keys that it does not read, and that our import does: ids of
channels, direct channels, hashes of webhook tokens that nobody can be shown, and `export.json`. Sessions, the event log
and what can be worked out from the messages are not exported. Everything is for its owner's eyes only (0600): it holds
password hashes, private messages, tokens, keys.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from sqlalchemy import Connection, func, select

from config.files import json_bytes
from config.paths import DataPaths
from config.version import VERSION
from db import channels, counters, document_format, emojis, message_rows, roles, schema, users
from db.database import HEAD_REVISION, DatabaseError, open_database, revision
from db.document_format import DataError, Format, Slices
from db.documents import ORDER_KEY
from db.ids import uuid7
from db.message_rows import Message
from transfer import export_tables, own_format
from transfer.export_tables import View
from transfer.model import Exported, ExportError, ExportProgress
from transfer.own_format import OwnPart, stem_of

PAGE = 1_000
MAX_FILE_NAME = 255
COPIED = ("serverEmojis", "serverAssets")
"""Folders that go over as they are."""

Json = dict[str, Any]


def export(
    paths: DataPaths, config_file: Path, target: Path, url: str = "", progress: ExportProgress = lambda count: None
) -> Exported:
    """Write the folder `target`, which must not exist yet or be empty. The server may run: what it commits meanwhile is
    not in it. url: of the server, for the addresses of attachments. Raises ExportError, OSError; then `target` holds
    part of the data."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ExportError(f"{target} exists and is not empty")
    if not paths.folder.is_dir():
        raise ExportError(f"there is no folder {paths.folder}")
    engine = open_database(paths.database_url)
    try:
        if revision(engine) != HEAD_REVISION:
            raise ExportError("the database is not of this version: start the server once, then export")
        with engine.connect().execution_options(
            **({} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"})
        ) as connection:
            return _Export(connection, paths, target, url, progress).run(config_file)
    except DatabaseError as error:
        raise ExportError(str(error)) from None
    finally:
        engine.dispose()


class _Export:
    def __init__(
        self, connection: Connection, paths: DataPaths, target: Path, url: str, progress: ExportProgress
    ) -> None:
        self._connection = connection
        self._paths = paths
        self._target = target
        self._db = target / "db"
        self._url = url.rstrip("/")
        self._progress = progress
        self._exported = Exported()
        self._channels: dict[str, str] = {}
        """Id -> name."""
        self._own = OwnPart(version=VERSION, next_emoji_id=0)

    def run(self, config_file: Path) -> Exported:
        self._target.mkdir(parents=True, mode=0o700, exist_ok=True)
        self._db.mkdir(mode=0o700)
        # the first statement begins the transaction, whose state everything below is read from
        places: dict[str, int] = {
            row.id: row.number for row in self._connection.execute(select(schema.places)) if row.id is not None
        }
        if self._connection.execute(select(func.count()).select_from(schema.erasures)).scalar_one():
            raise ExportError("somebody's data is being erased: let the server run until that is done, then export")
        usernames = self._documents()
        self._messages(places)
        self._threads(places)
        self._directs(places)
        view = View(self._connection, self._paths, self._db, self._channels, usernames, self._exported.left_out)
        for name, document in export_tables.documents(view):
            self._write(name, document)
        self._own.next_emoji_id = counters.read(self._connection, emojis.COUNTER)
        self._own.tables = export_tables.own(view)
        self._write(own_format.FILE, self._own)
        self._copy(config_file)
        return self._exported

    # --- documents ---------------------------------------------------------------------------------------------

    def _documents(self) -> dict[str, str]:
        """Gives the usernames by user id."""
        people = self._document(users.FORMAT, self._paths.users)
        records = {}
        for id_, user in people.items():
            if user.guest:
                continue
            record = records[id_] = users.FORMAT.write(user)
            if record.pop("banned", False):
                record["roles"] = ["banned", *record["roles"]]
        found = self._document(channels.FORMAT, self._paths.channels)
        in_order = [found[id_] for id_ in found.pop(ORDER_KEY).sort(found)] if ORDER_KEY in found else []
        self._channels = {channel.id: channel.name for channel in in_order}
        self._write("users.json", records)
        self._write("roles.json", self._records(roles.FORMAT, self._paths.roles))
        self._write("channels.json", [channels.FORMAT.write(channel) for channel in in_order])
        self._write("serverEmojis.json", self._records(emojis.FORMAT, self._paths.emojis))
        return {id_: user.username for id_, user in people.items()}

    def _records(self, format: Format[Any], path: Path) -> Json:
        return {key: format.write(record) for key, record in self._document(format, path).items()}

    def _document(self, format: Format[Any], path: Path) -> dict[str, Any]:
        try:
            return document_format.parse(format, path, path.read_bytes(), Slices(format), dict, uuid7).records
        except FileNotFoundError:
            return {}
        except DataError as error:
            raise ExportError(str(error)) from None

    # --- messages ----------------------------------------------------------------------------------------------

    def _messages(self, places: Mapping[str, int]) -> None:
        (self._db / "channels").mkdir(mode=0o700)
        for id_, name in self._channels.items():
            with self._channel_file(id_, name) as file:
                self._write_messages(file, places.get(id_))

    def _channel_file(self, id: str, name: str) -> BinaryIO:
        """`<name>.json`, and what only our import finds where the name cannot be a file's, or where another one that
        the system takes for the same is there."""
        folder = self._db / "channels"
        if not ("/" in name or "\\" in name or "\0" in name) and len(f"{name}.json".encode()) <= MAX_FILE_NAME:
            try:
                return (folder / f"{name}.json").open("xb")
            except FileExistsError:
                pass
        self._own.files[id] = f"{stem_of(id)}.json"
        self._exported.left_out.append(
            f"other servers do not find the messages of {name!r}: they are in channels/{self._own.files[id]}"
        )
        return (folder / self._own.files[id]).open("xb")

    def _write_messages(self, file: BinaryIO, place: int | None) -> None:
        first = True
        for page in self._pages(place):
            for message in page:
                file.write(b"" if first else b"\n")
                file.write(msgspec.json.encode(self._as_upstream(message)))
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

    def _as_upstream(self, message: Message) -> Json:
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
        record |= message.extra
        if "attachments" in record:
            record["attachments"] = [
                each | {"url": f"{self._url}/attachments/{each['id']}"} for each in record["attachments"]
            ]
        return record

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
            self._write(f"threads/{stem_of(row.id)}.json", record)
            if row.id in places:
                self._message_file("threadMessages", row.id, places[row.id])

    def _directs(self, places: Mapping[str, int]) -> None:
        rows = self._connection.execute(select(schema.directs)).all()
        records = [{"id": row.id, "members": [row.first, row.second], "created_at": row.created_at} for row in rows]
        if records:
            self._write("directs.json", records)
        for row in rows:
            if row.id in places:
                self._message_file("directMessages", row.id, places[row.id])

    def _message_file(self, folder: str, id: str, place: int) -> None:
        (self._db / folder).mkdir(mode=0o700, exist_ok=True)
        with (self._db / folder / f"{stem_of(id)}.jsonl").open("xb") as file:
            self._write_messages(file, place)

    # --- files -------------------------------------------------------------------------------------------------

    def _copy(self, config_file: Path) -> None:
        for name in COPIED:
            self._copy_folder(self._paths.folder / name, self._db / name)
        for name in ("vapid", "plugins"):
            self._copy_folder(self._paths.folder / name, self._target / name)
        if config_file.exists():
            _private_copy(config_file, self._target / "config.json")

    def _copy_folder(self, source: Path, target: Path) -> None:
        """The files directly in it; links are not followed."""
        if not source.is_dir():
            return
        target.mkdir(mode=0o700)
        for path in sorted(source.iterdir()):
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                _private_copy(path, target / path.name)

    def _write(self, name: str, value: Any) -> None:
        path = self._db / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_bytes(json_bytes(msgspec.to_builtins(value)))


def _private_copy(source: Path, target: Path) -> None:
    target.touch(mode=0o600, exist_ok=False)
    shutil.copyfile(source, target)
