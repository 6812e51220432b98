"""Backups: what is in one, that damage is found, and going back to one."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import zipfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.paths import DataPaths
from db.backup import (
    MANIFEST,
    BackupError,
    automatic_backups,
    create,
    manifest_of,
    rotate,
    stamp_of,
    upload_beside,
    verify,
)
from db.database import DatabaseError, FolderLock, migrate, open_database
from db.folder_swap import interrupted, prepared_folder, swap
from db.restore import SEQ_STEP_UNKNOWN, Restored, restore

NOW = 1_800_000_000.0
UPLOAD = b"\x89PNG picture" * 100


class Place:
    """A data folder with something in everything."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.folder = base / "db"
        self.config = base / "config.json"
        self.paths = DataPaths(
            folder=self.folder,
            users=self.folder / "users.json",
            roles=self.folder / "roles.json",
            channels=self.folder / "channels.json",
            database_url=f"sqlite:///{self.folder / 'messages.sqlite3'}",
        )

    def fill(self) -> Place:
        self.folder.mkdir(parents=True)
        self.config.write_text('{"server": {"name": "Here"}}')
        self.paths.users.write_text(json.dumps({"USR:a": {"username": "ann", "roles": ["user"]}}))
        self.paths.roles.write_text("{}")
        self.paths.channels.write_text("[]")
        (self.folder / "serverEmojis").mkdir()
        (self.folder / "serverEmojis" / "0.png").write_bytes(b"emoji")
        (self.folder / "secret.key").write_bytes(b"secret")
        self.upload(UPLOAD)
        engine = open_database(self.paths.database_url)
        migrate(engine)
        engine.dispose()
        self.say("one", 5)
        return self

    def upload(self, content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()
        path = self.folder / "files" / name[:2] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return name

    def say(self, content: str, seq: int) -> None:
        with self.database() as connection:
            connection.execute(
                "INSERT INTO messages (n, id, user_id, content, timestamp, edited, pinned) "
                "VALUES (?, ?, 'a', ?, 1, 0, 0)",
                (seq, f"m{seq}", content),
            )
            connection.execute("INSERT INTO events VALUES (?, 1, 'all', 'message_new', x'7b7d', NULL)", (seq,))
            connection.execute(
                "INSERT OR REPLACE INTO sessions VALUES ('s', x'00', 'a', 1, 1, NULL, 0, '', '', '', NULL), "
                "('t', x'01', 'a', 1, 1, NULL, 0, '', '', 'chat_api', NULL)"
            )
            connection.commit()

    def database(self) -> contextlib.closing[sqlite3.Connection]:
        return contextlib.closing(sqlite3.connect(self.folder / "messages.sqlite3"))

    def said(self) -> list[str]:
        with self.database() as connection:
            return [text for (text,) in connection.execute("SELECT content FROM messages ORDER BY n")]

    def newest_seq(self) -> int:
        with self.database() as connection:
            (newest,) = connection.execute("SELECT max(seq) FROM events").fetchone()
            return int(newest)

    def back_up(self, target: Path, *, inside: bool = True, now: float = NOW) -> Path:
        create(self.paths, self.config, target, version="1", now=now, uploads_inside=inside)
        return target

    def restore(self, file: Path, *, replace_config: bool = False) -> Restored:
        return restore(file, self.paths, self.config, replace_config=replace_config, now=NOW + 60)

    def contents(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.base).as_posix(): path.read_bytes()
            for path in sorted(self.base.rglob("*"))
            if path.is_file() and path.suffix not in ("", ".lock") and "sqlite3" not in path.name
        }


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "here").fill()


def test_a_backup_holds_everything_that_is_remembered_and_nothing_else(place: Place, tmp_path: Path) -> None:
    (place.folder / "users.json.tmp-1").write_text("half")
    (place.folder / "backup").mkdir()
    (place.folder / "backup" / "old.zip").write_text("old")
    (place.folder / "outside").symlink_to("/etc")
    (place.folder / "secret-link").symlink_to("/etc/hostname")
    file = place.back_up(tmp_path / "all.zip")
    manifest = verify(file)
    assert set(manifest.parts) == {
        "messages.sqlite3",
        "users.json",
        "roles.json",
        "channels.json",
        "config.json",
        "secret.key",
        "serverEmojis/0.png",
    }
    assert manifest.counts == {"messages": 1, "users": 1, "roles": 0, "channels": 0}
    assert manifest.newest_seq == 5
    assert manifest.uploads == {hashlib.sha256(UPLOAD).hexdigest(): len(UPLOAD)}
    assert os.stat(file).st_mode & 0o777 == 0o600


def test_it_holds_what_was_committed_while_somebody_else_writes(place: Place, tmp_path: Path) -> None:
    with place.database() as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE messages SET content = 'not yet'")
        file = place.back_up(tmp_path / "all.zip")
    there = Place(tmp_path / "there")
    there.restore(file)
    assert there.said() == ["one"]


def test_a_document_that_is_broken_at_the_moment_is_kept_as_it_is(place: Place, tmp_path: Path) -> None:
    place.paths.roles.write_text("{")
    manifest = verify(place.back_up(tmp_path / "all.zip"))
    assert "roles.json" in manifest.parts
    assert "roles" not in manifest.counts


def test_what_cannot_be_written_leaves_nothing(place: Place, tmp_path: Path) -> None:
    (place.folder / "messages.sqlite3").write_bytes(b"no database" * 100)
    with pytest.raises(sqlite3.Error):
        place.back_up(tmp_path / "backups" / "all.zip")
    assert list((tmp_path / "backups").iterdir()) == []


def test_uploads_of_automatic_backups_lie_beside_them_once(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    first = place.back_up(folder / "originchats-a.zip", inside=False)
    place.back_up(folder / "originchats-b.zip", inside=False)
    name = hashlib.sha256(UPLOAD).hexdigest()
    beside = upload_beside(folder, name)
    assert os.path.samefile(beside, place.folder / "files" / name[:2] / name)
    shutil.rmtree(place.folder / "files")
    assert beside.read_bytes() == UPLOAD
    verify(first)
    beside.write_bytes(b"other")
    verify(first, uploads=False)
    with pytest.raises(BackupError, match="damaged"):
        verify(first)
    beside.unlink()
    with pytest.raises(BackupError, match="missing"):
        verify(first)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_damage_is_found_or_does_no_harm(place: Place, tmp_path: Path, data: st.DataObject) -> None:
    file = tmp_path / "all.zip"
    if not file.exists():
        place.back_up(file)
    content = bytearray(file.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] ^= data.draw(st.integers(1, 255))
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(content)
    whole = manifest_of(file)
    try:
        manifest = verify(damaged)
    except BackupError:
        return
    assert (manifest.parts, manifest.uploads) == (whole.parts, whole.uploads)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../b", "..\\x", ""])
def test_a_backup_that_names_files_outside_is_refused(place: Place, tmp_path: Path, name: str) -> None:
    manifest = manifest_of(place.back_up(tmp_path / "all.zip"))
    hostile = msgspec.structs.replace(manifest, parts={name: manifest.parts["users.json"]})
    with zipfile.ZipFile(tmp_path / "hostile.zip", "w") as archive:
        archive.writestr(MANIFEST, msgspec.json.encode(hostile))
        archive.writestr(name or "x", "content")
    with pytest.raises(BackupError, match="outside"):
        place.restore(tmp_path / "hostile.zip")
    assert place.said() == ["one"]


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_backup_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(BackupError, match="no backup"):
        verify(tmp_path / "x.zip")
    with pytest.raises(BackupError, match="no such file"):
        verify(tmp_path / "y.zip")


def test_rotation_keeps_the_newest_and_the_uploads_they_need(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    only_first = place.upload(b"first")
    for number in range(4):
        now = NOW + number * 3600
        place.back_up(folder / f"originchats-{stamp_of(now)}.zip", inside=False, now=now)
        if number == 0:
            (place.folder / "files" / only_first[:2] / only_first).unlink()
    (folder / "renamed by the host.zip").write_bytes((folder / f"originchats-{stamp_of(NOW)}.zip").read_bytes())
    assert len(rotate(folder, 2)) == 2
    assert len(automatic_backups(folder)) == 2
    assert upload_beside(folder, only_first).exists()
    (folder / "renamed by the host.zip").unlink()
    rotate(folder, 2)
    assert not upload_beside(folder, only_first).exists()
    for file in automatic_backups(folder):
        verify(file)


def test_rotation_clears_what_was_left_unfinished_a_day_ago(tmp_path: Path) -> None:
    for name, age_s in {"copy.tmp-old": 90_000, "x.zip.tmp-1": 90_000, "y.zip.tmp-2": 10}.items():
        path = tmp_path / name
        path.mkdir() if name.startswith("copy") else path.write_text("half")
        os.utime(path, (path.stat().st_mtime - age_s,) * 2)
    rotate(tmp_path, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["y.zip.tmp-2"]


# --- restore ---------------------------------------------------------------------------------------------------


def test_restore_brings_everything_back_and_keeps_what_was_there(place: Place, tmp_path: Path) -> None:
    before = place.contents()
    file = place.back_up(tmp_path / "all.zip")
    place.say("two", 6)
    place.paths.users.write_text("{}")
    (place.folder / "secret.key").unlink()
    (place.folder / "newer.json").write_text("[]")
    (place.folder / "backup").mkdir()
    restored = place.restore(file)
    assert place.contents() == before | {
        name: content for name, content in place.contents().items() if name.startswith(restored.former.name)
    }
    assert place.said() == ["one"]
    assert not (place.folder / "newer.json").exists()
    assert (place.folder / "backup").is_dir()
    assert (restored.former / "newer.json").exists()
    assert json.loads((restored.former / "users.json").read_text()) == {}
    assert restored.config == "same"
    assert [path.name for path in place.base.iterdir() if "prepared" in path.name] == []


def test_numbers_of_the_log_go_on_behind_those_that_clients_have_seen(place: Place, tmp_path: Path) -> None:
    file = place.back_up(tmp_path / "all.zip")
    place.say("two", 7000)
    place.restore(file)
    assert place.newest_seq() > 7001
    with place.database() as connection:
        assert connection.execute("SELECT count(*), min(audience) FROM events").fetchone() == (1, "user:-")
        assert connection.execute("SELECT id FROM sessions").fetchall() == [("t",)]


@pytest.mark.parametrize("broken", [True, False])
def test_numbers_jump_far_when_nobody_knows_what_clients_have_seen(place: Place, tmp_path: Path, broken: bool) -> None:
    file = place.back_up(tmp_path / "all.zip")
    if broken:
        (place.folder / "messages.sqlite3").write_bytes(b"broken disk" * 1000)
        for path in place.folder.glob("*.sqlite3-*"):
            path.unlink()
    else:
        shutil.rmtree(place.folder)
    place.restore(file)
    assert place.newest_seq() == 5 + SEQ_STEP_UNKNOWN
    assert place.said() == ["one"]


def test_nothing_changes_while_a_server_runs(place: Place, tmp_path: Path) -> None:
    file = place.back_up(tmp_path / "all.zip")
    with FolderLock(place.folder), pytest.raises(DatabaseError, match="another server"):
        place.restore(file)
    assert [path.name for path in place.base.iterdir() if "before" in path.name or "prepared" in path.name] == []


@pytest.mark.parametrize("name", ["channels.json", "serverEmojis.json"])
def test_nothing_changes_when_the_backup_would_not_start(place: Place, tmp_path: Path, name: str) -> None:
    document = place.folder / name
    good = document.read_text() if document.exists() else "{}"
    document.write_text("{]")
    file = place.back_up(tmp_path / "all.zip")
    document.write_text(good)
    before = place.contents()
    with pytest.raises(BackupError, match=name.replace(".", r"\.")):
        place.restore(file)
    assert place.contents() == before
    assert [path.name for path in place.base.iterdir() if "before" in path.name or "prepared" in path.name] == []


def test_documents_that_lie_elsewhere_by_the_settings_are_put_there(place: Place, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = msgspec.structs.replace(
        place.paths, users=elsewhere / "members.json", database_url=f"sqlite:///{elsewhere / 'chat.db'}"
    )
    place.paths.users.rename(moved.users)
    for path in place.folder.glob("messages.sqlite3*"):
        path.rename(elsewhere / path.name.replace("messages.sqlite3", "chat.db"))
    file = tmp_path / "all.zip"
    create(moved, place.config, file, version="1", now=NOW, uploads_inside=True)
    users = moved.users.read_bytes()
    moved.users.write_text("{}")
    restore(file, moved, place.config, replace_config=False, now=NOW)
    assert moved.users.read_bytes() == users
    with contextlib.closing(sqlite3.connect(elsewhere / "chat.db")) as connection:
        assert connection.execute("SELECT content FROM messages").fetchall() == [("one",)]
    assert any(path.name.startswith("members.json.before-") for path in elsewhere.iterdir())
    assert not (place.folder / "elsewhere").exists()
    assert not (place.folder / "users.json").exists()


def test_another_config_is_kept_unless_it_is_to_be_replaced(place: Place, tmp_path: Path) -> None:
    saved = place.config.read_bytes()
    file = place.back_up(tmp_path / "all.zip")
    place.config.write_text('{"server": {"name": "There"}}')
    assert place.restore(file).config == "kept"
    assert b"There" in place.config.read_bytes()
    shutil.rmtree(next(place.base.glob("db.before-*")))
    assert place.restore(file, replace_config=True).config == "written"
    assert place.config.read_bytes() == saved
    place.config.unlink()
    shutil.rmtree(next(place.base.glob("db.before-*")))
    assert place.restore(file).config == "written"


# --- the swap --------------------------------------------------------------------------------------------------


def test_a_swap_that_was_cut_off_is_explained(tmp_path: Path) -> None:
    folder = tmp_path / "db"
    assert interrupted(folder) is None
    prepared = prepared_folder(folder, "1")
    for each in (folder, prepared):
        each.mkdir()
        (each / "data").write_text(each.name)
    assert interrupted(folder) is None
    aside = swap(folder, prepared, "1")
    assert ((folder / "data").read_text(), (aside / "data").read_text()) == (prepared.name, "db")
    folder.rename(prepared)
    told = interrupted(folder)
    assert told is not None
    assert prepared.name in told
    assert aside.name in told


def test_a_swap_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "db"
    folder.mkdir()
    with pytest.raises(OSError, match="prepared"):
        swap(folder, prepared_folder(folder, "1"), "1")
    assert [path.name for path in tmp_path.iterdir()] == ["db"]
