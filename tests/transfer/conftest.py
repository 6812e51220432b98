from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from config.load import load
from config.paths import DataPaths, data_paths
from db.channels import Channel
from db.database import FolderLock, open_database
from db.document_file import DocumentFiles
from db.ids import uuid7
from db.messages import Message
from db.store import Store
from db.transaction import Transaction
from tests.support.old_folders import START
from transfer.importing import Told, Wish, run_import
from transfer.places import Places
from transfer.report import Report

NOW = START + 1_000_000


class Moved:
    """A data folder that an import has been made to."""

    def __init__(self, folder: Path) -> None:
        self.config_file = folder / "config.json"
        self.db = folder / "db"

    def run(self, source: Path, *, config: dict[str, Any] | None = None, **wish: Any) -> Report:
        if config is not None:
            self.config_file.parent.mkdir(parents=True, exist_ok=True)
            self.config_file.write_text(json.dumps(config))
        places = Places(argparse.Namespace(config=self.config_file, data_dir=self.db))
        return run_import(Wish(source=source, **wish), places, self.config_file, lambda: "", Told(), NOW)

    @property
    def paths(self) -> DataPaths:
        return data_paths(load(self.config_file, {}), self.config_file, self.db)

    def open(self) -> Opened:
        return Opened(self)


class Opened:
    """What a server finds that starts on it."""

    def __init__(self, moved: Moved) -> None:
        paths = moved.paths
        with FolderLock(moved.db):
            self.files = DocumentFiles(paths, uuid7)
            self.files.check()
            self.documents, _ = self.files.open({})
        self.engine = open_database(paths.database_url)
        self.store = Store(self.engine)

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()
        self.engine.dispose()
        self.files.close()

    def channel(self, name: str) -> Channel:
        found = self.documents.channels.by_name(name)
        assert found is not None, [channel.name for channel in self.documents.channels]
        return found

    def begin(self) -> Transaction:
        return self.store.begin()

    def messages(self, place: str) -> list[Message]:
        """All of a channel by name, or of a thread by id; asked for in pages, which must agree."""
        channel = self.documents.channels.by_name(place)
        id_ = place if channel is None else channel.id
        tx = self.begin()
        found: list[Message] = []
        for start in range(0, self.store.count(id_), 7):
            found = tx.messages.newest(id_, 7, start) + found
        tx.rollback()
        return found


@pytest.fixture
def moved(tmp_path: Path) -> Moved:
    return Moved(tmp_path / "new")
