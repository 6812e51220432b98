"""What a document held a moment ago, for edits that overtake or are overtaken by the server's writing it.

An editor that truncates a file and writes it anew holds it open meanwhile. If the server replaces the file in that
moment, the rest of the edit goes into a file that has no name any more. So each replaced file is kept open for a while.
An editor that writes beside the file and renames may have written before the server did, and rename after it: then what
it wrote is an edit of what the document held before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from db.atomic_file import Replaced

LATE_S = 3.0
"""How long a replaced file is watched."""
LATE_MOST_S = 10.0
"""How long when what was written into it cannot be read yet."""
TICK_NS = 10_000_000
"""Times of files may lie so far before the truth: they are those of the kernel's last tick."""
MAX_FILES = 32
"""How many at once; the oldest are given up when the server writes faster than that."""

Records = dict[str, Any]


class Late:
    """One such file.

    before: what the document held for the records that the replacing (and what came until the next one) changed, so
    that its content can be worked out from the present one. records: its content where it is known in full. written_ns:
    the file's time when it was replaced.
    """

    def __init__(self, file: Replaced, before: Records, records: Records | None) -> None:
        self.file = file
        self.written_ns = file.mark.mtime_ns
        self.before = before
        self.records = records
        self.since: float | None = None
        self.unread = False


class LateEdits:
    def __init__(self) -> None:
        self._files: list[Late] = []
        """The oldest first."""

    def add(self, file: Replaced, base: Records, disk: Records, records: Records | None) -> None:
        """base: what we knew it to hold; records: what it held indeed, when that was something else."""
        self._files.append(Late(file, _difference(base, disk), records))
        while len(self._files) > MAX_FILES:
            self._files.pop(0).file.close()

    def moved_on(self, base: Records, disk: Records) -> None:
        """The document changed by other means than our writing it."""
        if self._files:
            newest = self._files[-1]
            newest.before = _difference(base, disk) | newest.before

    def changed(self, now: float, disk: Records) -> Iterator[tuple[Records, bytes, Late]]:
        """(what it held, what it holds now, the file) of each that was written to since the last call."""
        for number, late in enumerate(self._files):
            if late.since is None:
                late.since = now
            if late.file.changed():
                yield self._records(number, disk), late.file.read(), late

    def held_around(self, time_ns: int, written_ns: int, disk: Records) -> list[Records]:
        """What the document may have held at this time of the file system, the newest first; several where times are
        too coarse to tell. written_ns: the time of the file as it is now."""
        found = [disk] if written_ns <= time_ns + TICK_NS else []
        replaced_ns = written_ns
        for number in reversed(range(len(self._files))):
            late = self._files[number]
            if late.written_ns <= time_ns + TICK_NS and replaced_ns + TICK_NS >= time_ns:
                found.append(self._records(number, disk))
            replaced_ns = late.written_ns
        return found

    def expire(self, now: float) -> list[bytes]:
        """Give up the old ones. Gives the contents that were never finished."""
        unfinished = []
        while self._files:
            late = self._files[0]
            if late.since is None or now - late.since < (LATE_MOST_S if late.unread else LATE_S):
                break
            if late.unread:
                unfinished.append(late.file.read())
            late.file.close()
            del self._files[0]
        return unfinished

    def close(self) -> None:
        for late in self._files:
            late.file.close()
        self._files.clear()

    def _records(self, number: int, disk: Records) -> Records:
        known = self._files[number].records
        if known is not None:
            return known
        records = dict(disk)
        for late in reversed(self._files[number:]):
            for key, record in late.before.items():
                if record is None:
                    records.pop(key, None)
                else:
                    records[key] = record
        return records


def _difference(base: Records, disk: Records) -> Records:
    return {key: base.get(key) for key in base.keys() | disk.keys() if base.get(key) is not disk.get(key)}
