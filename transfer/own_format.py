"""What an export holds beyond upstream's files, so that this server gets all of it back."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec
from sqlalchemy import Table

from db import schema

FILE = "export.json"
"""In the folder `db`: marks the folder as an export of this server. Upstream does not read it."""
FORMAT = 1
TABLES: tuple[Table, ...] = tuple(
    schema.metadata.tables[name]
    for name in ("memberships", "plugin_storage", "invites")
    if name in schema.metadata.tables
)
"""Kept there row by row."""

_SAFE = re.compile(r"[A-Za-z0-9_-]{1,80}")


class OwnPart(msgspec.Struct, kw_only=True):
    """The file. files: channel id -> name of its file in `channels/`, of channels whose name cannot be a file's.
    tables: rows by the table's name. next_emoji_id: above every id that was ever used."""

    format: int = FORMAT
    version: str
    next_emoji_id: int
    files: dict[str, str] = {}
    tables: dict[str, list[dict[str, Any]]] = {}


def stem_of(id: str) -> str:
    """The name, without extension, of the file that belongs to an id: the id itself, unless it is no name of a file."""
    if _SAFE.fullmatch(id):
        return id
    return f"id-{hashlib.sha256(id.encode('utf-8', 'replace')).hexdigest()[:32]}"


def usable_rows(table: Table, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that fit the columns of the table."""
    return [row for row in rows if _fits(table, row)]


def _fits(table: Table, row: dict[str, Any]) -> bool:
    for column in table.columns:
        value = row.get(column.name)
        if value is None:
            if not column.nullable:
                return False
        elif column.type.python_type is float:
            if isinstance(value, bool) or not isinstance(value, int | float):
                return False
        elif type(value) is not column.type.python_type:
            return False
    return row.keys() <= set(table.columns.keys())
