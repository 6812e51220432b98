from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine, select

from db import document_log
from db.database import open_database
from db.documents import Change
from db.schema import document_records
from db.users import User
from tests.db.conftest import Disk
from tests.db.files import Host


@pytest.fixture
def engine(disk: Disk) -> Iterator[Engine]:
    engine = open_database(disk.url)
    yield engine
    engine.dispose()


class LoggedHost(Host):
    """Keeps the rows in a database."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        super().__init__(folder)
        self.engine = engine

    def start(self) -> list[Change]:
        with self.engine.connect() as connection:
            self.rows = document_log.load(connection)
        return super().start()

    def save(self) -> None:
        with self.engine.begin() as connection:
            document_log.save(connection, self.files, announced=True)
        self.files.saved()


def test_only_what_changed_is_written_and_a_restart_finds_nothing_new(engine: Engine, tmp_path: Path) -> None:
    host = LoggedHost(tmp_path, engine)
    host.start()
    assert not host.files.unsaved
    host.documents.users.put(User(id="1", username="ann"))
    host.documents.roles.remove("moderator")
    host.files.apply(host.documents.take_changes())
    assert host.files.unsaved
    assert {file.format.document: list(file.rows()) for file in host.files} == {
        "users": ["1"], "roles": ["moderator"], "channels": [], "emojis": [],
    }  # fmt: skip
    host.save()
    assert not host.files.unsaved
    host.stop()
    assert host.start() == []
    assert "moderator" not in host.documents.roles
    host.stop()


def test_a_transaction_that_is_rolled_back_is_made_up_for_by_the_next(engine: Engine, tmp_path: Path) -> None:
    host = LoggedHost(tmp_path, engine)
    host.start()
    host.documents.users.put(User(id="1", username="ann"))
    changes = host.documents.take_changes()
    host.files.apply(changes)
    with engine.connect() as connection:
        document_log.save(connection, host.files, announced=True)
        connection.rollback()
    host.save()
    host.stop()
    assert host.start() == []
    assert len(host.documents.users) == 1
    host.stop()


def test_both_versions_are_kept_while_a_file_is_broken(engine: Engine, tmp_path: Path) -> None:
    host = LoggedHost(tmp_path, engine)
    host.start()
    for key in "12":
        host.documents.users.put(User(id=key, username=key))
    host.commit()
    whole = host.path("users").read_text()
    host.path("users").write_text("{")
    ann = host.documents.users.get("1")
    assert ann is not None
    host.documents.users.put(msgspec.structs.replace(ann, nickname="waits"))
    host.documents.users.put(User(id="3", username="new"))
    host.documents.users.remove("2")
    host.commit()

    def held() -> dict[str, tuple[bool, str | None]]:
        columns = document_records.c
        with engine.connect() as connection:
            rows = connection.execute(
                select(columns.key, columns.logged, columns.on_disk).where(columns.document == "users")
            )
            return {key: (logged is not None, on_disk) for key, logged, on_disk in rows}

    assert {key: (logged, bool(on_disk)) for key, (logged, on_disk) in held().items()} == {
        "#opened": (True, False), "1": (True, True), "2": (False, True), "3": (True, False),
    }  # fmt: skip
    assert held()["3"] == (True, "")
    host.stop()

    host.path("users").write_text(whole)
    assert host.start() == []
    assert [(user.id, user.nickname) for user in host.documents.users] == [("1", "waits"), ("3", None)]
    assert held() == {"#opened": (True, None), "1": (True, None), "3": (True, None)}
    host.stop()


def test_a_community_without_users_was_seen_nevertheless(engine: Engine, tmp_path: Path) -> None:
    host = LoggedHost(tmp_path, engine)
    host.start()
    host.stop()
    host.path("users").write_text('{"1": {}}')
    assert [change.key for change in host.start()] == ["1"]
    host.stop()


def test_a_hand_edit_that_was_not_announced_before_a_crash_is_found_again(engine: Engine, tmp_path: Path) -> None:
    host = LoggedHost(tmp_path, engine)
    host.start()
    host.path("users").write_text('{"1": {}}')
    host.documents.users.put(User(id="2", username="bob"))
    host.files.apply(host.documents.take_changes())
    with engine.begin() as connection:
        document_log.save(connection, host.files, announced=False)
    host.files.saved()
    assert host.files.unsaved
    host.stop()
    assert [change.key for change in host.start()] == ["1"]
    assert not host.files.unsaved
    host.stop()
