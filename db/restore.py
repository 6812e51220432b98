"""Going back to a backup: everything is checked and prepared beside the data folder, then put in its place at once."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import zipfile
from pathlib import Path
from typing import IO

import msgspec

from config.paths import DataPaths
from db.atomic_file import replace as replace_file
from db.atomic_file import sync_folder
from db.backup import (
    CHUNK_BYTES,
    CONFIG,
    DATABASE,
    FOLDER,
    UPLOADS,
    BackupError,
    Manifest,
    database_file,
    documents_of,
    open_upload,
    stamp_of,
    verify,
)
from db.database import FolderLock, check_database
from db.document_file import check_documents
from db.folder_swap import BEFORE, prepared_folder, swap

SEQ_STEP = 1_000
SEQ_STEP_UNKNOWN = 1 << 32
"""How far the event log jumps when nobody can say which numbers clients have seen since the backup."""
ELSEWHERE = "elsewhere"
_NOBODY = "user:-"
"""Audience of the event that marks the place: no user has this id."""


class Restored(msgspec.Struct, frozen=True):
    """former: where the data folder lies now that was in its place. config: what became of config.json: `written`,
    `kept` (another one is there and was left alone), `same`, or `none` (the backup has none)."""

    manifest: Manifest
    former: Path
    config: str


def restore(file: Path, paths: DataPaths, config_file: Path, *, replace_config: bool, now: float) -> Restored:
    """Put the backup in the place of the data folder, which stays beside it. Nothing changes unless everything in the
    backup is sound. Clients that were connected fetch everything anew: the numbers of the event log go on behind those
    that they have seen, and what they would resume is not there. replace_config: even if it is there, and differs.

    Raises BackupError, DatabaseError (a server is running), OSError."""
    manifest = verify(file)
    stamp = stamp_of(now)
    with FolderLock(paths.folder):
        prepared = prepared_folder(paths.folder, stamp)
        prepared.mkdir(mode=0o700)
        try:
            places = _places(paths, prepared)
            with zipfile.ZipFile(file) as archive:
                _unpack(archive, file, manifest, places, prepared)
            _check(file, paths, places, prepared)
            if DATABASE in manifest.parts:
                _move_numbers_on(places[DATABASE], database_file(paths), manifest, now)
            _sync(prepared)
            former = swap(paths.folder, prepared, stamp, keep=(FOLDER,))
        except BaseException:
            shutil.rmtree(prepared, ignore_errors=True)
            raise
        _put_elsewhere(paths, stamp)
    return Restored(manifest, former, _restore_config(file, manifest, config_file, replace_config))


def _targets(paths: DataPaths) -> dict[str, Path]:
    """Name in a backup -> where it lies by the settings, for what the settings can put outside of the data folder."""
    database = database_file(paths)
    return documents_of(paths) | ({} if database is None else {DATABASE: database})


def _places(paths: DataPaths, prepared: Path) -> dict[str, Path]:
    """The same in the prepared folder."""
    return {
        name: prepared / target.relative_to(paths.folder)
        if target.is_relative_to(paths.folder)
        else prepared / ELSEWHERE / name
        for name, target in _targets(paths).items()
    }


def _unpack(archive: zipfile.ZipFile, file: Path, manifest: Manifest, places: dict[str, Path], prepared: Path) -> None:
    for name in manifest.parts:
        if name != CONFIG:
            with archive.open(name) as source:
                _write(source, places.get(name, prepared / name))
    for sha256 in manifest.uploads:
        with open_upload(archive, file, manifest, sha256) as source:
            _write(source, prepared / UPLOADS / sha256[:2] / sha256)


def _write(source: IO[bytes], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as into:
        shutil.copyfileobj(source, into, CHUNK_BYTES)
        into.flush()
        os.fsync(into.fileno())


def _check(file: Path, paths: DataPaths, places: dict[str, Path], prepared: Path) -> None:
    """Raises BackupError when the server could not start on what was unpacked."""
    database = places.get(DATABASE)
    if database is not None and database.exists():
        wrong = check_database(f"sqlite:///{database}")
        if wrong is None:
            with contextlib.closing(sqlite3.connect(database)) as connection:
                (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            wrong = None if answer == "ok" else answer
        if wrong is not None:
            raise BackupError(f"{file}: the database in it cannot be used: {wrong}")
    staged = msgspec.structs.replace(
        paths,
        folder=prepared,  # where the emojis are
        users=places["users.json"],
        roles=places["roles.json"],
        channels=places["channels.json"],
    )
    problems = check_documents(staged)
    if problems:
        raise BackupError(f"{file}: a document in it cannot be used: {problems[0]}")


def _move_numbers_on(restored: Path, current: Path | None, manifest: Manifest, now: float) -> None:
    """The log forgets its events and goes on with a number that no client has seen."""
    seen = _newest_seq(current)
    newest = manifest.newest_seq + SEQ_STEP_UNKNOWN if seen is None else max(seen, manifest.newest_seq) + SEQ_STEP
    with contextlib.closing(sqlite3.connect(restored)) as connection:
        connection.execute("DELETE FROM events")
        connection.execute(
            "INSERT INTO events (seq, timestamp, audience, kind, payload) VALUES (?, ?, ?, ?, ?)",
            (newest, now, _NOBODY, "restored", b"{}"),
        )
        connection.execute("DELETE FROM sessions WHERE gateway = ''")  # their clients log in anew anyway
        connection.commit()


def _newest_seq(database: Path | None) -> int | None:
    """None when that cannot be found out."""
    if database is None or not database.exists():
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            (newest,) = connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()
            return int(newest)
    except sqlite3.Error:
        return None


def _sync(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            sync_folder(path)


def _put_elsewhere(paths: DataPaths, stamp: str) -> None:
    """What the settings keep outside of the data folder; what was there stays beside it."""
    folder = paths.folder / ELSEWHERE
    if not folder.is_dir():
        return
    for name, target in _targets(paths).items():
        staged = folder / name
        if staged.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            for former in target.parent.glob(f"{target.name}*"):  # a database comes with -wal and -shm
                if former.name[len(target.name) :] in ("", "-wal", "-shm"):
                    former.replace(former.with_name(f"{target.name}{BEFORE}{stamp}{former.name[len(target.name) :]}"))
            shutil.move(staged, target)
            sync_folder(target.parent)
    folder.rmdir()


def _restore_config(file: Path, manifest: Manifest, config_file: Path, replace: bool) -> str:
    if CONFIG not in manifest.parts:
        return "none"
    with zipfile.ZipFile(file) as archive:
        content = archive.read(CONFIG)
    there = config_file.exists()
    if there and config_file.read_bytes() == content:
        return "same"
    if there and not replace:
        return "kept"
    _, former = replace_file(config_file, content, exists=there)
    if former is not None:
        former.close()
    return "written"
