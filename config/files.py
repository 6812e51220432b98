"""Writing small files so that a crash leaves the old content or the new one, never a part."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def json_bytes(document: Any) -> bytes:
    """As every document of ours is written: two spaces, non-ASCII as it is, a newline at the end."""
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def write_files(contents: Mapping[Path, bytes], modes: Mapping[Path, int] | None = None) -> None:
    """Replace each file, or none of them when one cannot be written. Folders are created as needed.

    All are written and fsynced beside their targets before the first is renamed. A file that exists keeps its
    mode; a new one gets that of `modes`, else 0644. Links are followed. Raises OSError.
    """
    staged: list[tuple[str, Path]] = []
    try:
        for path, data in contents.items():
            target = path.resolve()
            target.parent.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
            staged.append((temporary, target))
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            new_mode = (modes or {}).get(path, 0o644)
            os.chmod(temporary, target.stat().st_mode & 0o7777 if target.exists() else new_mode)
        while staged:
            temporary, target = staged[0]
            os.replace(temporary, target)
            del staged[0]
            _sync_folder(target.parent)
    finally:
        for temporary, _ in staged:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def write_file(path: Path, data: bytes) -> None:
    """Replace one file; see `write_files`."""
    write_files({path: data})


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
