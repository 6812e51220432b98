"""The records of a document as rows of the database: what the log last saw, and what the file held then."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from db.document_format import BadRecord, DataError, Format, Problem, Slices, body_of, record_of
from db.documents import ORDER_KEY
from db.merged_records import Records

OPENED_KEY = "#opened"
"""The key of the row that says that the log knows this document."""


class Row(NamedTuple):
    """A record in the database, as texts.

    logged: what the log last saw of it, None for nothing. on_disk: what the file held then, "" for nothing, None for
    the same as `logged`.
    """

    logged: str | None
    on_disk: str | None = None


class RowTexts:
    """Between records and the texts of their rows. slices: the texts that are known already."""

    def __init__(self, path: Path, format: Format[Any], slices: Slices) -> None:
        self._path = path
        self._format = format
        self._slices = slices

    def text(self, key: str, records: Records) -> str | None:
        """None for a record that is not among them."""
        record = records.get(key)
        if record is None:
            return None
        if key == ORDER_KEY:
            return body_of(self._format, record).decode()
        return self._slices.body(key, record).decode()

    def record(self, key: str, body: bytes) -> Any:
        """Raises DataError."""
        record = self._slices.record(key, body)
        if record is None:
            try:
                record = record_of(self._format, key, body)
            except BadRecord as error:
                raise DataError(Problem(str(self._path), f"{key} in the database: {error.reason}")) from None
        return record
