"""The first schema. Frozen: later changes are later scripts."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None

_Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_Text = sa.Text
_Float = sa.Float


def _table(name: str, *parts: sa.schema.SchemaItem, rowid: bool = True) -> None:
    op.create_table(name, *parts, **({} if rowid else {"sqlite_with_rowid": False}))


def _col(name: str, kind: Any, null: bool = False, key: bool = False, unique: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=null, primary_key=key, unique=unique or None)


def upgrade() -> None:
    _table(
        "places",
        _col("number", _Number, key=True),
        _col("id", _Text, null=True, unique=True),
        _col("next_ordinal", _Number),
    )
    _table(
        "messages",
        sa.Column("n", _Number, primary_key=True, autoincrement=False),
        _col("id", _Text, unique=True),
        _col("user_id", _Text),
        _col("content", _Text),
        _col("timestamp", _Float),
        _col("edited", sa.Boolean),
        _col("pinned", sa.Boolean),
        _col("reply_to", _Text, null=True),
        _col("reply_user", _Text, null=True),
        _col("ping", sa.Boolean, null=True),
        _col("extra", _Text, null=True),
    )
    op.create_index(
        "messages_pinned",
        "messages",
        ["n"],
        sqlite_where=sa.text("pinned IS 1"),
        postgresql_where=sa.text("pinned IS true"),
    )
    op.create_index(
        "messages_reply_to",
        "messages",
        ["reply_to", "n"],
        sqlite_where=sa.text("reply_to IS NOT NULL"),
        postgresql_where=sa.text("reply_to IS NOT NULL"),
    )
    _table("search_queue", sa.Column("n", _Number, primary_key=True, autoincrement=False))
    _table(
        "holes",
        _col("place", _Number, key=True),
        _col("bucket", _Number, key=True),
        _col("deleted", sa.Integer),
        rowid=False,
    )
    _table(
        "reactions",
        _col("id", _Number, key=True),
        _col("n", _Number),
        _col("emoji", _Text),
        _col("user_id", _Text),
        sa.UniqueConstraint("n", "emoji", "user_id", name="reactions_once"),
    )
    _table(
        "pings",
        _col("target", _Text, key=True),
        _col("timestamp", _Float, key=True),
        _col("n", _Number, key=True),
        rowid=False,
    )
    op.create_index("pings_n", "pings", ["n"])
    _table(
        "nonces",
        _col("user_id", _Text, key=True),
        _col("nonce", _Text, key=True),
        _col("message_id", _Text),
        _col("timestamp", _Float),
        rowid=False,
    )
    op.create_index("nonces_timestamp", "nonces", ["timestamp"])
    _table(
        "threads",
        _col("id", _Text, key=True),
        _col("name", _Text),
        _col("parent", _Text),
        _col("created_by", _Text),
        _col("created_at", _Float),
        _col("locked", sa.Boolean),
        _col("archived", sa.Boolean),
    )
    op.create_index("threads_parent", "threads", ["parent"])
    _table(
        "thread_participants",
        _col("id", _Number, key=True),
        _col("thread", _Text),
        _col("user_id", _Text),
        sa.UniqueConstraint("thread", "user_id", name="thread_participants_once"),
    )
    _table(
        "reads",
        _col("user_id", _Text, key=True),
        _col("place", _Text, key=True),
        _col("message_id", _Text),
        _col("n", _Number),
        rowid=False,
    )
    op.create_index("reads_place", "reads", ["place"])
    _table(
        "sessions",
        _col("id", _Text, key=True),
        _col("token_hash", sa.LargeBinary, unique=True),
        _col("user_id", _Text),
        _col("created_at", _Float),
        _col("last_seen", _Float),
        _col("disconnected_at", _Float, null=True),
        _col("position", _Number),
        _col("address", _Text),
        _col("agent", _Text),
    )
    op.create_index("sessions_user_id", "sessions", ["user_id"])
    _table(
        "events",
        sa.Column("seq", _Number, primary_key=True, autoincrement=False),
        _col("timestamp", _Float),
        _col("audience", _Text),
        _col("kind", _Text),
        _col("payload", sa.LargeBinary),
    )
    _table(
        "document_records",
        _col("document", _Text, key=True),
        _col("key", _Text, key=True),
        _col("logged", _Text, null=True),
        _col("on_disk", _Text, null=True),
        rowid=False,
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE message_text USING fts5("
            "folded, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1')"
        )
        op.execute("INSERT INTO message_text (message_text, rank) VALUES ('automerge', 8)")
    else:
        _table("message_text", sa.Column("n", _Number, primary_key=True, autoincrement=False), _col("folded", _Text))
