"""Everything that a data folder holds, in a form that can be compared."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Table, select

from db import channels, counters, emojis, roles, schema, users
from db.document_format import Format
from tests.transfer.conftest import Moved, Opened
from transfer.own_format import TABLES

FOLDERS = ("serverEmojis", "serverAssets", "vapid", "plugins", "files")


def whole(moved: Moved) -> dict[str, Any]:
    """Left out is what no export holds: guests, sessions, events, whether a webhook's token can be shown; and what is
    only the place of a row in its table."""
    with moved.open() as opened:
        found: dict[str, Any] = {
            "users": [one for one in _records(users.FORMAT, opened.documents.users) if not one.get("guest")],
            "roles": _records(roles.FORMAT, opened.documents.roles),
            "channels": _records(channels.FORMAT, opened.documents.channels.values()),
            "emojis": _records(emojis.FORMAT, opened.documents.emojis),
        }
        tx = opened.begin()
        found["next emoji id"] = counters.read(tx.connection, emojis.COUNTER)
        tx.rollback()
        found["threads"] = sorted((msgspec.to_builtins(one) for one in opened.store.threads), key=lambda one: one["id"])
        places = [row["id"] for row in _rows(opened, schema.places) if row["id"] is not None]
        found["messages"] = {id_: msgspec.to_builtins(opened.messages(id_)) for id_ in places if opened.messages(id_)}
        hidden = {"webhooks": ("generation",), "modlog": ("n",), "reads": ("n",)}
        tables = (schema.directs, schema.polls, schema.poll_votes, schema.reads, schema.webhooks, schema.modlog,
                  schema.attachments, schema.push_subscriptions, *TABLES)  # fmt: skip
        for table in tables:
            found[table.name] = [
                {key: value for key, value in row.items() if key not in hidden.get(table.name, ())}
                for row in _rows(opened, table)
            ]
            if table is schema.modlog:
                found[table.name].sort(key=lambda row: (row["timestamp"], row["id"]))
    for name in FOLDERS:
        paths = [path for path in (moved.db / name).rglob("*") if path.is_file()]
        found[name] = {str(path.relative_to(moved.db)): path.read_bytes() for path in paths}
    return found


def _records(format: Format[Any], records: Any) -> list[dict[str, Any]]:
    """In the order of the document."""
    return [{"key": format.key(one), **msgspec.to_builtins(format.write(one))} for one in records]


def _rows(opened: Opened, table: Table) -> list[dict[str, Any]]:
    tx = opened.begin()
    found = tx.connection.execute(select(table).order_by(*table.primary_key.columns))
    rows = [dict(row._mapping) for row in found]
    tx.rollback()
    return rows
