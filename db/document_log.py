"""What the log last saw of each record of the documents, in the database.

Written in the transaction that logs the change. At start a document is compared with it: what differs was edited by
hand while the server was down, or was written by a server that did not live to log it. It also keeps what could not be
written to a broken file yet.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from db import counters
from db.document_file import DocumentFiles
from db.document_rows import Row
from db.schema import document_records

_COLUMNS = document_records.c
_LOAD = select(_COLUMNS.document, _COLUMNS.key, _COLUMNS.logged, _COLUMNS.on_disk)
_DELETE = document_records.delete().where(
    _COLUMNS.document == bindparam("of_document"), _COLUMNS.key == bindparam("of_key")
)
_INSERT = document_records.insert()


def load(connection: Connection) -> dict[str, dict[str, Row]]:
    """Document -> key -> row, for `DocumentFiles.open`."""
    rows: dict[str, dict[str, Row]] = {}
    for document, key, logged, on_disk in connection.execute(_LOAD):
        rows.setdefault(document, {})[key] = Row(logged, on_disk)
    return rows


def save(connection: Connection, files: DocumentFiles, announced: bool) -> None:
    """Write the rows that are not as they should be: of changes, of what became writable, and of hand edits.

    announced: this transaction logs the hand edits that were found so far.

    Call `files.saved()` after the commit. Until then every call writes them again.
    """
    outdated: list[dict[str, str]] = []
    current: list[dict[str, str | None]] = []
    for file in files:
        document, rows = file.format.document, file.rows(announced)
        if file.format.counter is not None and (numbers := [int(key) for key in rows if key.isdecimal()]):
            counters.raise_to(connection, file.format.counter, max(numbers) + 1)
        for key, row in rows.items():
            outdated.append({"of_document": document, "of_key": key})
            if row is not None:
                current.append({"document": document, "key": key, "logged": row.logged, "on_disk": row.on_disk})
    if outdated:
        connection.execute(_DELETE, outdated)
    if current:
        connection.execute(_INSERT, current)
