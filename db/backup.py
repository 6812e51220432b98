"""Backups: everything that is remembered, in one ZIP file, consistent while the server runs.

The database is copied first, the documents after it: a document may be newer than the log and never older, which the
start takes for edits by hand (see `documents.py`). Uploads never change; they lie in a folder `files` beside the
automatic backups, each once for all of them, as hard links; or inside the ZIP file, where that is to travel.
"""

from __future__ import annotations

import calendar
import contextlib
import hashlib
import os
import shutil
import sqlite3
import struct
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec
from sqlalchemy import make_url

from config.paths import DataPaths
from db.atomic_file import TEMP_MARK, sync_folder

FORMAT = 1
FOLDER = "backup"
"""Of automatic backups, in the data folder."""
PREFIX, SUFFIX = "originchats-", ".zip"
MANIFEST = "manifest.json"
CONFIG = "config.json"
DATABASE = "messages.sqlite3"
UPLOADS = "files"
LOCK = "originchats.lock"
NOT_DATA = (FOLDER, UPLOADS, LOCK)
"""What of the data folder is not copied as it lies there."""
CHUNK_BYTES = 1 << 20
LEFTOVER_S = 86_400.0
DAMAGE = (OSError, KeyError, EOFError, ValueError, RuntimeError, struct.error, zipfile.BadZipFile, zlib.error)
"""What reading a damaged ZIP file may raise."""
_STAMP = "%Y-%m-%dT%H-%M-%SZ"


class BackupError(Exception):
    """A backup that cannot be used; the text says why."""


class Part(msgspec.Struct, frozen=True):
    """A file: how long it is, and the SHA-256 of its bytes in hexadecimal digits."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds.

    created_at: unix seconds. version: of the server. newest_seq: of the event log. counts: users, roles, channels and
    messages, for people; without messages where the database is no file (PostgreSQL): that needs tools of its own.
    parts: by name in the ZIP file. uploads: SHA-256 -> size. uploads_inside: whether they are in the ZIP file.
    """

    format: int = FORMAT
    created_at: float
    version: str
    newest_seq: int
    counts: dict[str, int]
    parts: dict[str, Part]
    uploads: dict[str, int]
    uploads_inside: bool


def documents_of(paths: DataPaths) -> dict[str, Path]:
    """Name in a backup -> where it lies by the settings, for what may lie outside of the data folder."""
    return {"users.json": paths.users, "roles.json": paths.roles, "channels.json": paths.channels}


def database_file(paths: DataPaths) -> Path | None:
    """None where the database is no file."""
    url = make_url(paths.database_url)
    return Path(url.database) if url.drivername == "sqlite" and url.database else None


def stamp_of(created_at: float) -> str:
    return time.strftime(_STAMP, time.gmtime(created_at))


def made_at(file: Path) -> float:
    """Unix seconds, from the name of an automatic backup. Raises ValueError for any other name."""
    return calendar.timegm(time.strptime(file.name, f"{PREFIX}{_STAMP}{SUFFIX}"))


def automatic_backups(folder: Path) -> list[Path]:
    """Newest first."""

    def ours(file: Path) -> bool:
        with contextlib.suppress(ValueError):
            return made_at(file) > 0
        return False

    return sorted((file for file in folder.glob(f"{PREFIX}*{SUFFIX}") if ours(file)), reverse=True)


def create(
    paths: DataPaths, config_file: Path, target: Path, *, version: str, now: float, uploads_inside: bool
) -> Manifest:
    """Write a backup to `target`, durably, for its owner's eyes only, or nothing. Blocks for long. Raises OSError, such
    as no space left, and sqlite3.Error."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}{TEMP_MARK}{os.getpid()}")
    try:
        with open(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as raw:
            with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
                manifest = _Writer(archive, paths, config_file, target.parent).write(version, now, uploads_inside)
            raw.flush()
            os.fsync(raw.fileno())
        partial.replace(target)
        sync_folder(target.parent)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return manifest


class _Writer:
    def __init__(self, archive: zipfile.ZipFile, paths: DataPaths, config_file: Path, folder: Path) -> None:
        """folder: where the backup lies."""
        self._archive = archive
        self._paths = paths
        self._config_file = config_file
        self._folder = folder
        self._parts: dict[str, Part] = {}

    def write(self, version: str, now: float, uploads_inside: bool) -> Manifest:
        newest_seq, counts = self._add_database()
        documents = documents_of(self._paths)
        for name, path in documents.items():
            if path.exists():
                content = path.read_bytes()
                self._archive.writestr(name, content)
                self._parts[name] = Part(len(content), hashlib.sha256(content).hexdigest())
                with contextlib.suppress(msgspec.DecodeError):  # broken at the moment: kept as it is
                    counts[name.removesuffix(".json")] = len(msgspec.json.decode(content))
        if self._config_file.exists():
            self._add(CONFIG, self._config_file)
        for path in self._other_data():
            if path not in documents.values():
                with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                    self._add(path.relative_to(self._paths.folder).as_posix(), path)
        manifest = Manifest(
            created_at=now,
            version=version,
            newest_seq=newest_seq,
            counts=counts,
            parts=self._parts,
            uploads=self._add_uploads(uploads_inside),
            uploads_inside=uploads_inside,
        )
        self._archive.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
        return manifest

    def _add_database(self) -> tuple[int, dict[str, int]]:
        """Gives the newest number of the event log, and the counts."""
        database = database_file(self._paths)
        if database is None or not database.exists():
            return 0, {}
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=f"copy{TEMP_MARK}") as scratch:
            copy = Path(scratch) / DATABASE
            with (
                contextlib.closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as source,
                contextlib.closing(sqlite3.connect(copy)) as target,
            ):
                source.backup(target)
                target.execute("PRAGMA journal_mode = DELETE")
                seq, messages = target.execute(
                    "SELECT (SELECT coalesce(max(seq), 0) FROM events), (SELECT count(*) FROM messages)"
                ).fetchone()
            self._add(DATABASE, copy)
        return seq, {"messages": messages}

    def _other_data(self) -> Iterator[Path]:
        """Everything else in the data folder. Links are not followed."""
        database = database_file(self._paths)
        for top in sorted(self._paths.folder.iterdir()):
            if top.name in NOT_DATA or (database is not None and top.name.startswith(database.name)):
                continue
            for path in [top] if not top.is_dir() else sorted(top.rglob("*")):
                if path.is_file() and not path.is_symlink() and not top.is_symlink() and TEMP_MARK not in path.name:
                    yield path

    def _add_uploads(self, inside: bool) -> dict[str, int]:
        uploads = {}
        for path in sorted((self._paths.folder / UPLOADS).glob("[0-9a-f][0-9a-f]/*")):
            with contextlib.suppress(FileNotFoundError):  # expired meanwhile
                size = path.stat().st_size
                if inside:
                    self._archive.write(path, f"{UPLOADS}/{path.name}", zipfile.ZIP_STORED)
                else:
                    _share(path, upload_beside(self._folder, path.name))
                uploads[path.name] = size
        return uploads

    def _add(self, name: str, path: Path) -> None:
        seen, size = hashlib.sha256(), 0
        with path.open("rb") as source, self._archive.open(name, "w", force_zip64=True) as into:
            while chunk := source.read(CHUNK_BYTES):
                seen.update(chunk)
                size += len(chunk)
                into.write(chunk)
        self._parts[name] = Part(size, seen.hexdigest())


def upload_beside(folder: Path, sha256: str) -> Path:
    """Where backups in this folder keep an upload."""
    return folder / UPLOADS / sha256[:2] / sha256


def _share(path: Path, target: Path) -> None:
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, or one without links
        partial = target.with_name(f"{target.name}{TEMP_MARK}")
        shutil.copyfile(path, partial)
        partial.replace(target)


def manifest_of(file: Path) -> Manifest:
    """Raises BackupError when it is no backup that this version can read."""
    try:
        with zipfile.ZipFile(file) as archive:
            content = archive.read(MANIFEST)
        manifest = msgspec.json.decode(content, type=Manifest)
    except FileNotFoundError:
        raise BackupError(f"{file}: there is no such file") from None
    except (*DAMAGE, msgspec.DecodeError) as error:
        raise BackupError(f"{file} is no backup of this server, or damaged: {error}") from None
    if manifest.format != FORMAT:
        raise BackupError(f"{file}: its format {manifest.format} is unknown to this version; update the server")
    for name in [*manifest.parts, *manifest.uploads]:
        if Path(name).is_absolute() or ".." in Path(name).parts or "\\" in name or not name:
            raise BackupError(f"{file}: names a file outside of the data folder: {name!r}")
    return manifest


def verify(file: Path, *, uploads: bool = True) -> Manifest:
    """Read everything and compare it with the manifest. uploads: those that lie beside it, too. Raises BackupError."""
    manifest = manifest_of(file)
    try:
        with zipfile.ZipFile(file) as archive:
            for name, part in manifest.parts.items():
                with archive.open(name) as source:
                    if _digest(source) != part:
                        raise BackupError(f"{file}: {name} in it is damaged")
            for sha256, size in manifest.uploads.items() if uploads or manifest.uploads_inside else ():
                with open_upload(archive, file, manifest, sha256) as source:
                    if _digest(source) != Part(size, sha256):
                        raise BackupError(f"{file}: the upload {sha256} of it is damaged")
    except FileNotFoundError as error:
        raise BackupError(f"{file}: the upload {error.filename} that belongs to it is missing") from None
    except DAMAGE as error:
        raise BackupError(f"{file} is damaged: {error}") from None
    return manifest


@contextlib.contextmanager
def open_upload(archive: zipfile.ZipFile, file: Path, manifest: Manifest, sha256: str) -> Iterator[IO[bytes]]:
    """An upload of a backup, wherever it keeps it. Raises FileNotFoundError, KeyError."""
    if manifest.uploads_inside:
        with archive.open(f"{UPLOADS}/{sha256}") as inside:
            yield inside
    else:
        with upload_beside(file.parent, sha256).open("rb") as beside:
            yield beside


def _digest(source: IO[bytes]) -> Part:
    seen, size = hashlib.sha256(), 0
    while chunk := source.read(CHUNK_BYTES):
        seen.update(chunk)
        size += len(chunk)
    return Part(size, seen.hexdigest())


def rotate(folder: Path, keep: int) -> list[Path]:
    """Delete automatic backups beyond the newest `keep`, uploads that none of the others needs, and what was left
    unfinished a day ago. Gives the backups that went. Uploads stay while any backup in the folder cannot be read."""
    for leftover in folder.glob(f"*{TEMP_MARK}*"):
        if time.time() - leftover.stat().st_mtime > LEFTOVER_S:
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    gone = automatic_backups(folder)[keep:]
    for file in gone:
        file.unlink()
    needed: set[str] = set()
    try:
        for file in folder.glob(f"*{SUFFIX}"):
            needed.update(manifest_of(file).uploads)
    except BackupError:
        return gone
    for path in (folder / UPLOADS).glob("[0-9a-f][0-9a-f]/*"):
        if path.name not in needed:
            path.unlink()
    return gone
