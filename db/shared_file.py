"""One JSON document on disk, which the server and people with editors change at the same time.

Used by the journal's thread only. `disk` is what the file last held, as far as we know; `ours` is what it should hold.
They differ only while the file cannot be written: because it is broken at the moment, or gone, or the disk is full.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from db import atomic_file
from db.atomic_file import Fingerprint, Replaced
from db.document_format import DataError, Format, Parsed, Problem, Slices, parse, render
from db.document_rows import OPENED_KEY, Row, RowTexts
from db.documents import ORDER_KEY, Change, Order
from db.late_edits import LateEdits
from db.merged_records import MergedRecords, Records

log = logging.getLogger("originchats.documents")

MISSING_S = 1.0
"""How long a file may be gone (some editors move it away before they write the new one) until it is written again."""
MAX_REWRITES = 4
"""How often in a row a file is written again because somebody saved it in the instant in which it was written."""


class DocumentFile:
    def __init__(self, path: Path, format: Format[Any], new_id: Callable[[], str]) -> None:
        self.path = path.resolve()  # a symbolic link stays, and what it names is replaced
        self.format = format
        self.disk: Records = {}
        self._merged = MergedRecords(format)
        self.problem: Problem | None = None
        """Why the file cannot be used at the moment; None when it can."""
        self.pending = False
        """`ours` holds changes that could not be written to the file yet."""
        self._new_id = new_id
        self._slices = Slices(format)
        self._texts = RowTexts(self.path, format, self._slices)
        self._content = b""
        self._broken: bytes | None = None
        self._mark: Fingerprint | None = None
        self._written_ns = 0
        self._racy = False
        self._gone = False
        self._gone_since: float | None = None
        self._write_failed = False
        self._late = LateEdits()
        self._held: set[str] = set()
        self._saving: set[str] = set()

    @property
    def ours(self) -> Records:
        """What the file should hold."""
        return self._merged.records

    # --- what the journal calls --------------------------------------------------------------------------------

    def check(self) -> Problem | None:
        """What is wrong with the file; a missing one is not. Changes nothing."""
        try:
            self._parse(atomic_file.read(self.path)[0], {})
        except FileNotFoundError:
            return None
        except DataError as error:
            return error.problem
        except OSError as error:
            return Problem(str(self.path), error.strerror or str(error))
        return None

    def open(self, rows: Mapping[str, Row]) -> list[Change]:
        """The first look, at start. rows: what `rows` gave the last time, empty when the log never saw the document.

        Gives what was edited since the log last saw it. A missing file is made, with the defaults or from the rows.
        Raises DataError when the file is unreadable or cannot be made.
        """
        atomic_file.remove_leftovers(self.path)
        logged = {key: row.logged.encode() for key, row in rows.items() if row.logged is not None and key != OPENED_KEY}
        same_as_disk = {key for key, row in rows.items() if row.on_disk is None}
        self._held = rows.keys() - same_as_disk
        self._slices.expect(logged)
        try:
            try:
                content, mark = atomic_file.read(self.path)
            except FileNotFoundError:
                self._create(logged, bool(rows))
                return []
        except OSError as error:
            raise DataError(Problem(str(self.path), error.strerror or str(error))) from None
        base: Records = {ORDER_KEY: Order()} if self.format.is_list else {}

        def read_base() -> Records:
            for key, row in rows.items():
                if row.on_disk is None:
                    if key in logged:
                        base[key] = self._texts.record(key, logged[key])
                elif row.on_disk:
                    base[key] = self._texts.record(key, row.on_disk.encode())
            return base

        parsed = parse(self.format, self.path, content, self._slices, read_base, self._new_id)
        if not rows:
            self._merged.records = self.disk = parsed.records
            self._merged.unsaved = {*self.ours, OPENED_KEY}
        else:
            self._merged.records = {
                key: base[key] if key in same_as_disk else self._texts.record(key, body) for key, body in logged.items()
            }
            if self.format.is_list:
                self.ours.setdefault(ORDER_KEY, Order())
            self.pending = bool(self._held)
            self._take_edits(base, parsed.records)
            self.disk = parsed.records
        self._content, self._mark, self._racy = content, mark, atomic_file.is_racy(mark)
        self._written_ns = mark.mtime_ns
        self.pending |= parsed.incomplete
        self._flush()
        self._merged.forget_unseen()  # memory is filled from `ours` after this
        return self._merged.take_found()

    def look(self) -> list[Change]:
        """Read the file if others changed it. Gives the hand edits, in order; `old` of each is what `ours` was before.

        A broken file changes nothing but `problem`; one that is whole again is written with what could not be before.
        """
        self._look()
        return self._merged.take_found()

    def apply(self, changes: Sequence[Change]) -> list[Change]:
        """Make the changes of commands (see `MergedRecords.commanded`) and write the file. Gives the hand edits found
        on the way.

        Raises OSError when it cannot be written; then nothing was changed. While the file is broken nothing is written
        either, but the changes are kept (`pending`), and `rows` has them for the database.
        """
        self._look()
        self._apply(changes)
        return self._merged.take_found()

    def undo(self, changes: Sequence[Change]) -> None:
        """Take back changes that were applied, because what belongs to them could not be stored."""
        try:
            self._apply([Change(c.document, c.key, c.new, c.old, c.external) for c in reversed(changes)])
        except OSError:
            log.error("%s: a change that failed stays in the file, as it cannot be written again", self.path)
            for change in changes:
                self._merged.edited(change.key, change.old, change.new)

    @property
    def is_gone(self) -> bool:
        """Whether there was no file at the last look."""
        return self._gone

    def late_edits(self, now: float) -> list[Change]:
        """What is to be done by time: look at the file, and at those it replaced a moment ago; make a deleted file
        again; try again to write. Call it every half second or so. now: seconds of a clock that only goes forward."""
        self._look()
        for base, content, late in self._late.changed(now, self.disk):
            try:
                parsed = self._parse(content, base)
            except DataError:
                late.unread = True
                continue
            late.unread, late.records = False, parsed.records
            self.pending |= self._take_edits(base, parsed.records)
        for content in self._late.expire(now):
            self._keep_aside(content)
        if not self._gone:
            self._gone_since = None
        elif self._gone_since is None:
            self._gone_since = now
        elif now - self._gone_since >= MISSING_S:
            log.warning("%s was deleted; it is written again", self.path)
            self.problem, self._gone, self._gone_since, self.pending = None, False, None, True
        self._flush()
        return self._merged.take_found()

    def rows(self, announced: bool = True) -> dict[str, Row | None]:
        """The rows that are not in the database as they should be, None for those to delete. See `saved`.

        announced: with those of hand edits. Otherwise they wait, so that after a crash the edit is found once more.
        """
        rows: dict[str, Row | None] = {}
        wait = not announced and not self.pending  # what is in no file cannot wait
        self._saving = self._merged.unsaved - self._merged.unannounced if wait else set(self._merged.unsaved)
        for key in sorted(self._saving):
            ours = self._texts.text(key, self.ours)
            if key == OPENED_KEY:
                rows[key] = Row("")
            elif self.pending:
                rows[key] = Row(ours, self._texts.text(key, self.disk) or "")
            else:
                rows[key] = Row(ours) if ours is not None else None
        return rows

    def saved(self) -> None:
        """What `rows` gave is in the database for good."""
        if self.pending:
            self._held |= self._saving - {OPENED_KEY}
        else:
            self._held -= self._saving
        self._merged.unsaved -= self._saving
        self._merged.unannounced -= self._saving
        self._saving = set()

    def found_again(self, change: Change) -> None:
        self._merged.found_again(change)

    @property
    def unsaved(self) -> bool:
        """`rows` has something to say."""
        return bool(self._merged.unsaved)

    def close(self) -> None:
        self._late.close()

    # --- reading -----------------------------------------------------------------------------------------------

    def _look(self) -> None:
        try:
            if not self._racy and atomic_file.fingerprint(self.path) == self._mark:
                return
            content, self._mark = atomic_file.read(self.path)
        except OSError as error:
            self._lost(error)
            return
        self._racy, self._gone = atomic_file.is_racy(self._mark), False
        if content == self._broken:
            return
        if content != self._content:
            try:
                parsed = self._parse(content, self.disk)
            except DataError as error:
                self._broken = content
                self._set_problem(error.problem)
                return
            base = self._base_of(self._mark, parsed.records)
            overtaken = base is not self.disk
            self._late.moved_on(self.disk, parsed.records)
            self.disk, self._content, self._written_ns = parsed.records, content, self._mark.mtime_ns
            self._take_edits(base, parsed.records)
            self.pending |= parsed.incomplete or overtaken
        self._broken = None
        self._set_problem(None)
        self._flush()

    def _lost(self, error: OSError) -> None:
        """The file cannot be read, or is not there."""
        self._mark, self._broken, self._gone = None, None, isinstance(error, FileNotFoundError)
        self._set_problem(Problem(str(self.path), error.strerror or str(error)))

    def _base_of(self, mark: Fingerprint, edited: Records) -> Records:
        """What somebody's file is an edit of: what the document held when that file was written. Where its time fits
        several, the one of which least was changed."""
        held = self._late.held_around(mark.mtime_ns, self._written_ns, self.disk)
        if len(held) < 2:
            return held[0] if held else self.disk
        return min(
            held, key=lambda base: sum(1 for key in base.keys() | edited.keys() if base.get(key) != edited.get(key))
        )

    def _parse(self, content: bytes, base: Records) -> Parsed:
        return parse(self.format, self.path, content, self._slices, lambda: base, self._new_id)

    def _set_problem(self, problem: Problem | None) -> None:
        if problem == self.problem:
            return
        if problem is None:
            log.info("%s can be read again", self.path)
        elif not self._gone:
            log.error("%s; what was there before stays in force, and the file is not written", problem)
        self.problem = problem

    def _take_edits(self, base: Records, theirs: Records) -> bool:
        edited, settled = self._merged.take_edits(base, theirs, self.disk, self.pending)
        self.pending |= settled
        return edited

    # --- writing -----------------------------------------------------------------------------------------------

    def _apply(self, changes: Sequence[Change]) -> None:
        ours, settled = self._merged.commanded(changes, self.disk)
        if self.problem is None:
            self._write(ours)
        else:
            self._merged.records, self.pending = ours, True
        self._merged.unsaved.update(change.key for change in changes)
        for key, now, new in settled:
            self._merged.edited(key, now, new)
        self._flush()

    def _flush(self) -> None:
        """Write what is pending, if that can be done."""
        for _ in range(MAX_REWRITES):
            if not self.pending or self.problem is not None:
                return
            try:
                self._write(self.ours)
            except OSError as error:
                if not self._write_failed:
                    log.error("%s cannot be written: %s", self.path, error.strerror)
                self._write_failed = True
                return

    def _write(self, ours: Records) -> None:
        """Put `ours` on disk. Raises OSError, with nothing changed. What others saved in the same instant is merged and
        leaves `pending` set, as it is not on disk any more; if that is broken, it is put back, and if the file is gone,
        nothing is put there."""
        content = render(self.format, ours, self._slices)
        if content == self._content and self._mark is not None:
            self._written(ours, content)
            return
        try:
            mark, replaced = atomic_file.replace(self.path, content, exists=self._mark is not None)
        except FileNotFoundError as error:
            if self._mark is None:
                raise
            self._lost(error)
            self._merged.records, self.pending = ours, True
            return
        parsed: Parsed | None = None
        if replaced is not None and self._is_foreign(replaced):
            theirs = replaced.read()
            try:
                parsed = self._parse(theirs, self.disk)
            except DataError as error:
                self._put_back(replaced)
                self._merged.records, self.pending = ours, True
                self._mark, self._broken = None, theirs
                self._set_problem(error.problem)
                return
        before = self.disk
        base = before
        if replaced is not None and parsed is not None:
            base = self._base_of(replaced.mark, parsed.records)
        self._written(ours, content)
        self._mark, self._racy, self._written_ns = mark, True, mark.mtime_ns
        if replaced is not None:
            replaced.drop_name()
            self._late.add(replaced, before, self.disk, parsed.records if parsed is not None else None)
        if parsed is not None:
            self.pending |= self._take_edits(base, parsed.records)

    def _written(self, ours: Records, content: bytes) -> None:
        self._merged.records = self.disk = ours
        if self.format.is_list:
            keys = (key for key in ours if key != ORDER_KEY)
            self.disk = {**ours, ORDER_KEY: Order(tuple(ours[ORDER_KEY].sort(keys)))}
        self._content = content
        self._slices.keep_only(ours)
        self.pending = self._write_failed = False
        self._merged.unsaved |= self._held

    def _is_foreign(self, replaced: Replaced) -> bool:
        if replaced.mark == self._mark and not self._racy:
            return False
        return replaced.read() != self._content

    def _put_back(self, replaced: Replaced) -> None:
        try:
            replaced.put_back()
        except OSError as error:
            log.error("%s: a broken edit could not be put back: %s", self.path, error.strerror)
        finally:
            replaced.close()

    def _create(self, logged: Mapping[str, bytes], known: bool) -> None:
        """Raises OSError."""
        if known:
            log.warning("%s is missing; it is written again", self.path)
            self._merged.records = {key: self._texts.record(key, body) for key, body in logged.items()}
        else:
            records = self.format.defaults(self._new_id)
            self._merged.records = {self.format.key(record): record for record in records}
            self._merged.unsaved = (
                {*self.ours, ORDER_KEY, OPENED_KEY} if self.format.is_list else {*self.ours, OPENED_KEY}
            )
        if self.format.is_list:
            self.ours.setdefault(ORDER_KEY, Order(tuple(self.ours)))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._write(self.ours)

    def _keep_aside(self, content: bytes) -> None:
        """Raises nothing: an edit that cannot be kept is lost, and the log says so."""
        try:
            name = atomic_file.keep(self.path, content, "rejected")
            log.error("%s: an edit that was never finished is kept as %s", self.path, name.name)
        except OSError as error:
            log.error("%s: an edit that was never finished is lost: %s", self.path, error.strerror)
