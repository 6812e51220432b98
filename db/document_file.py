"""The files of all documents, for the journal's thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from config.paths import DataPaths
from db import channels, emojis, roles, users
from db.channels import Channels
from db.document_format import DataError, Problem
from db.document_rows import Row
from db.documents import ORDER_KEY, Change, Documents
from db.emojis import Emojis
from db.ids import uuid7
from db.roles import Roles
from db.shared_file import DocumentFile
from db.users import Users


class DocumentFiles:
    def __init__(
        self, paths: DataPaths, new_id: Callable[[], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """clock: seconds, only ever going forward."""
        self._clock = clock
        self._users = DocumentFile(paths.users, users.FORMAT, new_id)
        self._roles = DocumentFile(paths.roles, roles.FORMAT, new_id)
        self._channels = DocumentFile(paths.channels, channels.FORMAT, new_id)
        self._emojis = DocumentFile(paths.emojis, emojis.FORMAT, new_id)
        every = (self._users, self._roles, self._channels, self._emojis)
        self._files = {file.format.document: file for file in every}

    def __iter__(self) -> Iterator[DocumentFile]:
        return iter(self._files.values())

    def __getitem__(self, document: str) -> DocumentFile:
        return self._files[document]

    def check(self) -> None:
        """Raises DataError for the first file that cannot be used; changes nothing."""
        for file in self:
            problem = file.check()
            if problem is not None:
                raise DataError(problem)

    def open(self, rows: Mapping[str, Mapping[str, Row]]) -> tuple[Documents, list[Change]]:
        """The documents for the event loop, and the hand edits since the log last saw them (made in them already).

        rows: what `document_log.load` gives. Raises DataError for the first file that cannot be used.
        """
        found = [change for name, file in self._files.items() for change in file.open(rows.get(name, {}))]
        in_channels = dict(self._channels.ours)
        order = in_channels.pop(ORDER_KEY)
        documents = Documents(
            Users(self._users.ours.values()),
            Roles(self._roles.ours.values()),
            Channels(in_channels.values(), order=order),
            Emojis(self._emojis.ours.values()),
        )
        return documents, found

    def look(self) -> list[Change]:
        """Read the files that others changed. Gives the hand edits, in order; `problems` says what cannot be read.

        Call it when a file was changed, and once a second anyhow: it also does what is to be done by time (see
        `DocumentFile.late_edits`) and finds what no watcher saw.
        """
        now = self._clock()
        return [change for file in self for change in file.late_edits(now)]

    def apply(self, changes: Sequence[Change]) -> list[Change]:
        """Make the changes of commands and write the files they are in. Gives the hand edits found on the way.

        Raises OSError when a file cannot be written; then no document was changed.
        """
        by_document: dict[str, list[Change]] = {}
        for change in changes:
            by_document.setdefault(change.document, []).append(change)
        found: list[Change] = []
        done: list[tuple[DocumentFile, list[Change]]] = []
        try:
            for name, mine in by_document.items():
                found += self._files[name].apply(mine)
                done.append((self._files[name], mine))
        except OSError:
            for file, mine in reversed(done):
                file.undo(mine)
            for change in found:
                self._files[change.document].found_again(change)
            raise
        return found

    def undo(self, changes: Sequence[Change]) -> None:
        """Take back changes that were applied, because what belongs to them could not be stored. Never raises; where a
        file cannot be written, its changes come back as hand edits."""
        for name, file in self._files.items():
            mine = [change for change in changes if change.document == name]
            if mine:
                file.undo(mine)

    def saved(self) -> None:
        """What `document_log.save` wrote is committed."""
        for file in self._files.values():
            file.saved()

    @property
    def unsaved(self) -> bool:
        """`document_log.save` has something to write."""
        return any(file.unsaved for file in self._files.values())

    @property
    def problems(self) -> list[Problem]:
        """Of the files that cannot be used at the moment, but for one that is gone: an editor moves it, or it is made
        again."""
        return [file.problem for file in self._files.values() if file.problem is not None and not file.is_gone]

    def close(self) -> None:
        for file in self._files.values():
            file.close()


def check_documents(paths: DataPaths) -> list[Problem]:
    """What is wrong with the files; a missing one is not. Changes nothing."""
    files = DocumentFiles(paths, uuid7)
    return [problem for file in files if (problem := file.check()) is not None]
