"""Replacing a file whole, while other programs may be saving it at the same moment.

The new content is written beside the file, synced, and swapped with it in one step (`renameat2` with RENAME_EXCHANGE,
Linux), so that whatever stood at the path in that very instant is in our hands and can be looked at. Where that cannot
be done, `os.replace` is used, and an edit between our last look and the rename may be missed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

TEMP_MARK = ".tmp-"
"""Part of the name of every temporary file of ours: `users.json.tmp-1f6a...`."""

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
CANNOT_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM)

RACY_NS = 100_000_000
"""A file changed so shortly before it was read may change again without a new time (coarse clocks, FAT: up to 2 s)."""


class Fingerprint(NamedTuple):
    """What tells without reading that a file is still the one we know."""

    inode: int
    mtime_ns: int
    size: int


def read(path: Path) -> tuple[bytes, Fingerprint]:
    """The content, and the fingerprint from before it was read (a change while reading shows as a change after it).

    Raises OSError; FileNotFoundError when there is none.
    """
    with open(path, "rb") as file:
        mark = _fingerprint(file.fileno())
        return file.read(), mark


def fingerprint(path: Path) -> Fingerprint:
    """Raises OSError."""
    stat = os.stat(path)
    return Fingerprint(stat.st_ino, stat.st_mtime_ns, stat.st_size)


def is_racy(mark: Fingerprint) -> bool:
    """The file is so young that an equal fingerprint does not prove equal content."""
    return abs(time.time_ns() - mark.mtime_ns) < RACY_NS


class Replaced:
    """The file that stood at the path when ours was put there, held open: an editor may still be writing into it."""

    def __init__(self, path: Path, name: Path | None, fd: int | None, content: bytes) -> None:
        self._path = path
        self._name = name
        self._fd = fd
        self._content = content
        self._ours: int | None = None
        self.mark = Fingerprint(0, 0, 0) if fd is None else _fingerprint(fd)
        """Its fingerprint when it was last read."""

    def changed(self) -> bool:
        return self._fd is not None and _fingerprint(self._fd) != self.mark

    def read(self) -> bytes:
        if self._fd is None:
            return self._content
        self.mark = _fingerprint(self._fd)
        with open(os.dup(self._fd), "rb") as file:
            file.seek(0)
            return file.read()

    def put_back(self) -> None:
        """Put it where it was, and ours away. When somebody has saved over ours meanwhile, that stays instead."""
        if self._name is None:
            write_new(self._path, self.read())[0].replace(self._path)
        else:
            exchange(self._name, self._path)
            if self._name.stat().st_ino != self._ours:
                exchange(self._name, self._path)
            self.drop_name()
        sync_folder(self._path.parent)

    def drop_name(self) -> None:
        """It is not needed at its path any more; it stays readable until `close`."""
        if self._name is not None:
            self._name.unlink(missing_ok=True)
            self._name = None

    def close(self) -> None:
        self.drop_name()
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def write_new(path: Path, data: bytes) -> tuple[Path, Fingerprint]:
    """A synced temporary file beside `path`, with its permissions (for a new file: owner only). Raises OSError."""
    name = path.with_name(f"{path.name}{TEMP_MARK}{secrets.token_hex(6)}")
    try:
        old = os.stat(path)
    except FileNotFoundError:
        old = None
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with open(fd, "wb") as file:
            file.write(data)
            file.flush()
            if old is not None:
                _copy_owner(old, name)
            os.fsync(file.fileno())
            return name, _fingerprint(file.fileno())
    except BaseException:
        name.unlink(missing_ok=True)
        raise


def keep(path: Path, data: bytes, label: str) -> Path:
    """Write `data` beside `path` as `<name>.<label>-<UTC time>-<n>`, which no file has had. Raises OSError."""
    stem = f"{path.name}.{label}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    number = 1
    while True:
        name = path.with_name(f"{stem}-{number}")
        try:
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            break
        except FileExistsError:
            number += 1
    try:
        write_new(path, data)[0].replace(name)
    except BaseException:
        name.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return name


def replace(path: Path, data: bytes, exists: bool) -> tuple[Fingerprint, Replaced | None]:
    """Put `data` at `path`, durably. Gives our fingerprint, and what stood there (None: nothing), to be closed.

    exists: it was there a moment ago. Raises OSError; then what stood at the path is there still, unless only the last
    sync of the folder failed. Raises FileNotFoundError when it should exist and does not: some editors move a file away
    before they write the new one, and would write theirs over ours.
    """
    name, mark = write_new(path, data)
    try:
        replaced = _put(name, path, exists)
    except BaseException:
        name.unlink(missing_ok=True)
        raise
    if replaced is not None:
        replaced._ours = mark.inode
    try:
        sync_folder(path.parent)
    except BaseException:
        if replaced is not None:
            replaced.close()
        raise
    return mark, replaced


def sync_folder(folder: Path) -> None:
    """Make renames in it durable. Raises OSError."""
    if os.name != "posix":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def remove_leftovers(path: Path) -> None:
    """Remove temporary files that a crash left behind."""
    for leftover in path.parent.glob(f"{path.name}{TEMP_MARK}*"):
        leftover.unlink(missing_ok=True)


def _put(name: Path, path: Path, exists: bool) -> Replaced | None:
    try:
        exchange(name, path)
        return Replaced(path, name, os.open(name, os.O_RDONLY), b"")
    except FileNotFoundError:
        if exists:
            raise
        os.replace(name, path)
        return None
    except OSError as error:
        if error.errno not in CANNOT_EXCHANGE:
            raise
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        if exists:
            raise
        os.replace(name, path)
        return None
    replaced = Replaced(path, None, fd, b"")
    if os.name != "posix":  # an open file cannot be replaced there
        replaced._content = replaced.read()
        replaced.close()
    os.replace(name, path)
    return replaced


@cache
def _renameat2() -> Callable[[int, bytes, int, bytes, int], int] | None:
    try:
        function = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return None
    function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    return function


def exchange(a: Path, b: Path) -> None:
    """Swap two files, or two folders, of one file system in one step. Raises OSError; ENOSYS: it cannot be done."""
    function = _renameat2()
    if function is None:
        raise OSError(errno.ENOSYS, "renameat2 is not available")
    if function(_AT_FDCWD, os.fsencode(a), _AT_FDCWD, os.fsencode(b), _RENAME_EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(b))


def _fingerprint(fd: int) -> Fingerprint:
    stat = os.fstat(fd)
    return Fingerprint(stat.st_ino, stat.st_mtime_ns, stat.st_size)


def _copy_owner(old: os.stat_result, name: Path) -> None:
    """Permissions always; the owner where we may (a server run by root over files of somebody else)."""
    os.chmod(name, old.st_mode & 0o777)
    if hasattr(os, "chown") and os.geteuid() == 0:
        os.chown(name, old.st_uid, old.st_gid)
