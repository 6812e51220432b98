"""The old folder: opened for reading only, and never left by way of a link or a name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transfer.model import ImportStopped
from transfer.report import Report

MARKS = ("users.json", "channels.json", "originchats.db")
"""A data folder has one of these."""
OURS = "messages.sqlite3"


class Source:
    """install: the folder with config.json; None when only the data folder was named. data: the folder `db`."""

    def __init__(self, path: Path, report: Report) -> None:
        """path: either of the two. Raises ImportStopped."""
        self.report = report
        named = path.resolve()
        if not named.is_dir():
            raise ImportStopped(f"{path}: there is no such folder")
        if any((named / "db" / mark).exists() for mark in MARKS):
            self.install: Path | None = named
            self.data = (named / "db").resolve()
        elif any((named / mark).exists() for mark in MARKS):
            self.data = named
            self.install = named.parent if named.name == "db" else None
        else:
            raise ImportStopped(
                f"{path}: neither the folder of an OriginChats server (with db/ and config.json) nor its folder db"
            )
        if (self.data / OURS).exists():
            raise ImportStopped(
                f"{self.data} belongs to this server already: copy the folder, or use `setup.py backup` and `restore`"
            )

    def inside(self, path: Path, root: Path | None = None) -> Path | None:
        """Where the file or folder really is; None when there is none. A link that leads out of the root (the data
        folder) counts as none, and is reported."""
        try:
            real = path.resolve(strict=True)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, RuntimeError, ValueError):  # a name that is too long, a circle of links, a NUL
            return None
        if not real.is_relative_to((root or self.data).resolve()):
            self.report.note("outside", str(path))
            return None
        return real

    def file(self, *parts: str) -> Path | None:
        found = self.inside(self.data.joinpath(*parts))
        return found if found is not None and found.is_file() else None

    def files(self, folder: str, root: Path | None = None) -> Iterator[Path]:
        """Files directly in a folder of the root (the data folder), by name."""
        where = self.inside((root or self.data) / folder, root)
        if where is None or not where.is_dir():
            return
        for path in sorted(where.iterdir()):
            real = self.inside(path, root)
            if real is not None and real.is_file():
                yield path

    def index(self, name: str, shape: type) -> Any:
        """What an index file holds; empty when there is none. Raises ImportStopped when it cannot be read: to go on
        would lose everything in it."""
        path = self.data / name
        if path.is_symlink() and self.file(name) is None:
            raise ImportStopped(f"{path}: leads out of the folder; copy the file to its place first")
        return read_json(path, shape) if path.exists() else shape()


def read_json(path: Path, shape: type) -> Any:
    """Raises ImportStopped with file, line and reason."""
    try:
        content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
        found = json.loads(content.decode(), parse_constant=_refused)
    except OSError as error:
        raise ImportStopped(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ImportStopped(f"{path}:{line}: not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise ImportStopped(f"{path}:{error.lineno}:{error.colno}: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise ImportStopped(f"{path}: {error}") from None
    if not isinstance(found, shape):
        raise ImportStopped(f"{path}:1:1: expected {'a list' if shape is list else 'an object'} at the top")
    return scrubbed(found)


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def scrubbed(value: Any) -> Any:
    """The same with U+FFFD for halves of surrogate pairs, which cannot be stored as UTF-8."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {scrubbed(key): scrubbed(part) for key, part in value.items()}
    if isinstance(value, list):
        return [scrubbed(part) for part in value]
    return value
