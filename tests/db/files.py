"""A community's documents on a disk, the database rows as a dict, and editors in three styles."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.paths import DataPaths
from db import atomic_file
from db.document_file import DocumentFiles
from db.document_rows import Row
from db.documents import Change, Document, Documents


class Host:
    """The server's side: files, their rows, and the documents in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths = DataPaths(
            folder, folder / "users.json", folder / "roles.json", folder / "channels.json", "sqlite://"
        )
        self.rows: dict[str, dict[str, Row]] = {}
        self.now = 100.0
        self.ids = (f"id{number:05}" for number in itertools.count())
        self.documents: Documents
        self.files: DocumentFiles

    def start(self) -> list[Change]:
        """Gives what was edited while it was down."""
        self.files = DocumentFiles(self.paths, lambda: next(self.ids), lambda: self.now)
        self.documents, edited = self.files.open(self.rows)
        self.save()
        return edited

    def stop(self) -> None:
        self.files.close()

    def save(self) -> None:
        """What the journal does with `document_log` and a commit."""
        for file in self.files:
            rows = self.rows.setdefault(file.format.document, {})
            for key, row in file.rows().items():
                if row is None:
                    rows.pop(key, None)
                else:
                    rows[key] = row
        self.files.saved()

    def commit(self) -> list[Change]:
        """Write what commands changed in memory, and take over what was edited by hand."""
        found = self.files.apply(self.documents.take_changes())
        self.save()
        return self.documents.apply_external(found)

    def look(self, later_s: float = 0.0) -> list[Change]:
        self.now += later_s
        found = self.files.look()
        self.save()
        return self.documents.apply_external(found)

    def path(self, document: str) -> Path:
        return self.paths.emojis if document == "emojis" else self.folder / f"{document}.json"

    def read(self, document: str) -> Any:
        return json.loads(self.path(document).read_text())


def save_by_rename(path: Path, text: str) -> Iterator[None]:
    beside = path.with_name(path.name + "~new")
    beside.write_text(text)
    # A file system's clock is coarse; the server's next write must be told from this by its time.
    os.utime(beside, ns=(0, beside.stat().st_mtime_ns - 500_000_000))
    yield
    os.replace(beside, path)


def save_in_place(path: Path, text: str) -> Iterator[None]:
    path.write_text(text)
    yield


def save_in_place_slowly(path: Path, text: str) -> Iterator[None]:
    with open(path, "r+b") as file:
        file.truncate()
        yield
        half = len(text) // 2
        file.write(text[:half].encode())
        file.flush()
        yield
        file.write(text[half:].encode())


def save_by_moving_away(path: Path, text: str) -> Iterator[None]:
    os.replace(path, path.with_name(path.name + "~"))
    yield
    path.write_text(text)


STYLES: list[Callable[[Path, str], Iterator[None]]] = [
    save_by_rename,
    save_in_place,
    save_in_place_slowly,
    save_by_moving_away,
]


def edit(path: Path, change: Callable[[Any], object]) -> None:
    """A hand edit all at once."""
    fields = json.loads(path.read_text())
    change(fields)
    for _ in save_by_rename(path, json.dumps(fields, indent=2)):
        pass


def put_user(host: Host, key: str, **fields: Any) -> None:
    user = host.documents.users.get(key)
    assert user is not None
    host.documents.users.put(msgspec.structs.replace(user, **fields))


def in_the_instant_of_writing(monkeypatch: pytest.MonkeyPatch, action: Callable[[], object]) -> None:
    """Run something once, after the new content is complete beside the file and before it takes its place."""
    original = atomic_file.write_new
    waiting = [action]

    def write_new(path: Path, data: bytes) -> Any:
        made = original(path, data)
        if waiting:
            waiting.pop()()
        return made

    monkeypatch.setattr(atomic_file, "write_new", write_new)


def finish(host: Host, editor: Iterator[None]) -> None:
    for _ in editor:
        host.look(0.1)
    for _ in range(3):
        host.look(0.6)


def assert_settled(host: Host) -> None:
    """Memory, writer, file and database agree, and nothing is left lying about."""
    documents: list[Document[Any]] = [
        host.documents.users, host.documents.roles, host.documents.channels, host.documents.emojis,
    ]  # fmt: skip
    for file, document in zip(host.files, documents, strict=True):
        assert file.problem is None
        assert not file.pending
        records = {key: record for key, record in file.ours.items() if key != "#order"}
        assert records == {document.key(record): record for record in document}
    assert list(host.read("users")) == list(host.files["users"].ours)
    assert [c["id"] for c in host.read("channels")] == [channel.id for channel in host.documents.channels]
    host.look(20)
    assert [path.name for path in host.folder.iterdir() if atomic_file.TEMP_MARK in path.name] == []
    second = Host(host.folder)
    second.rows = host.rows
    assert second.start() == []
    assert list(second.documents.channels) == list(host.documents.channels)
    assert {user.id: user for user in second.documents.users} == {user.id: user for user in host.documents.users}
    second.stop()
