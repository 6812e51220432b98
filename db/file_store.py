"""Files by their content: `<folder>/<first 2 hex>/<sha256>`. Equal bytes are one file.

What arrives is written to `<folder>/incoming/` and renamed when it is complete and on disk. A file is removed in two
steps, so that nobody loses it who needs it: it is condemned, then the caller looks whether a record needs it, and only
if nobody has placed or claimed the same bytes meanwhile it goes. All methods may be called from any thread.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from uuid import uuid4

CHUNK_BYTES = 262_144
ROOM_BYTES = 16 * 1_048_576
"""How much is written until the room on the disk is looked at again."""
MIN_FREE_BYTES = 200 * 1_048_576
"""What is left of the disk for messages and documents."""
_HASH = re.compile(r"[0-9a-f]{64}")


class Incoming:
    """A file that is being written. Use `FileStore.incoming`; ends by `FileStore.place` or `discard`."""

    def __init__(self, path: Path, check_room: Callable[[], None]) -> None:
        """check_room: raises OSError when the disk is nearly full; called now and then."""
        self.path = path
        self._check_room = check_room
        self._checked_at = 0
        self.size = 0
        self._sha = hashlib.sha256()
        self._lock = threading.Lock()
        self._file = open(path, "xb", buffering=0, opener=_private)  # noqa: SIM115  (closed by finish or discard)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append. Raises OSError, also when it was discarded meanwhile, and before the disk is full."""
        if self.size - self._checked_at >= ROOM_BYTES:
            self._check_room()
            self._checked_at = self.size
        with self._lock:
            if self._file.closed:
                raise OSError("the file was discarded")
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]
            self._sha.update(data)
            self.size += len(data)

    def finish(self) -> str:
        """Everything is written: have it on disk. Gives the SHA-256 of the bytes, in hex."""
        with self._lock:
            os.fsync(self._file.fileno())
            self._file.close()
        return self._sha.hexdigest()

    def discard(self) -> None:
        """Nothing is left. Harmless afterwards, and when it was placed."""
        with self._lock:
            self._file.close()
            self.path.unlink(missing_ok=True)


class FileStore:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._incoming = folder / "incoming"
        self._lock = threading.Lock()
        self._claims: Counter[str] = Counter()
        self._condemned: dict[str, int] = {}
        """Hash -> number of the call that condemned it."""
        self._calls = 0

    def open(self) -> None:
        """At start: what an interrupted upload left behind goes."""
        shutil.rmtree(self._incoming, ignore_errors=True)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._incoming.mkdir(mode=0o700, exist_ok=True)

    def incoming(self) -> Incoming:
        """A new file to write to. Raises OSError, with ENOSPC when there is too little room."""
        self._check_room()
        return Incoming(self.new_path(), self._check_room)

    def new_path(self) -> Path:
        """Where a new file may be written; it is gone after the next start."""
        return self._incoming / uuid4().hex

    def path(self, hash: str) -> Path:
        """Where the file is, if it is there. Raises ValueError for what is no hash."""
        if not _HASH.fullmatch(hash):
            raise ValueError("not a SHA-256")
        return self.folder / hash[:2] / hash

    def place(self, incoming: Incoming) -> str:
        """Keep the bytes and claim them: until `release` they stay, with or without a record. Gives their hash."""
        hash = incoming.finish()
        target = self.path(hash)
        with self._lock:
            self._claims[hash] += 1
            self._condemned.pop(hash, None)
            try:
                if target.exists():
                    incoming.discard()
                else:
                    self._rename(incoming.path, target)
            except BaseException:
                self._unclaim(hash)
                raise
        return hash

    def release(self, hash: str) -> None:
        """The record of placed bytes is on disk, or there will be none."""
        with self._lock:
            self._unclaim(hash)

    def condemn(self, hashes: Iterable[str]) -> dict[str, int]:
        """First step of removing: gives those that nobody has claimed. The caller looks for records of them, then
        calls `remove` with those that have none, and `spare` with the others."""
        with self._lock:
            self._calls += 1
            free = {hash: self._calls for hash in hashes if hash not in self._claims}
            self._condemned.update(free)
        return free

    def spare(self, condemned: Mapping[str, int]) -> None:
        with self._lock:
            for hash, call in condemned.items():
                if self._condemned.get(hash) == call:
                    del self._condemned[hash]

    def remove(self, condemned: Mapping[str, int]) -> None:
        """Second step: those go that nobody has placed or condemned again since."""
        for hash, call in condemned.items():
            with self._lock:
                if self._condemned.get(hash) == call:
                    del self._condemned[hash]
                    self.path(hash).unlink(missing_ok=True)

    def hashes(self, prefix: str) -> list[str]:
        """Of the files whose hash begins with these two digits."""
        with contextlib.suppress(FileNotFoundError):
            return [name for name in os.listdir(self.folder / prefix) if _HASH.fullmatch(name)]
        return []

    def free_bytes(self) -> int:
        """Left on the disk."""
        return shutil.disk_usage(self.folder).free

    def _check_room(self) -> None:
        if self.free_bytes() < MIN_FREE_BYTES:
            raise OSError(errno.ENOSPC, "the disk is nearly full", str(self.folder))

    def _unclaim(self, hash: str) -> None:
        self._claims[hash] -= 1
        if self._claims[hash] <= 0:
            del self._claims[hash]

    @staticmethod
    def _rename(source: Path, target: Path) -> None:
        if not target.parent.exists():
            target.parent.mkdir(mode=0o700)
            _sync(target.parent.parent)
        source.rename(target)
        _sync(target.parent)


def _private(path: str, flags: int) -> int:
    """Opens a file that only its owner may read."""
    return os.open(path, flags, 0o600)


def _sync(folder: Path) -> None:
    """Have the names in a folder on disk."""
    with contextlib.suppress(PermissionError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
