"""The tables. `db/migrations` makes them; a test holds both together.

SQLite and PostgreSQL are served; what they have of their own is in `database.py`, `postgresql.py`, and in the search.
"""

from __future__ import annotations

import sqlalchemy
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    TypeDecorator,
    UniqueConstraint,
)

metadata = MetaData()

PLACE_SHIFT = 32
"""`messages.n` = place number << 32 | ordinal in the place, so that a place lies together on disk, in order."""

Number = BigInteger().with_variant(Integer, "sqlite")
"""64 bits. In SQLite only a column of type INTEGER can be the row id."""

_ESCAPE = "\ufdd0"  # stands for no character


class _WithoutNul(TypeDecorator[str]):
    """Any text, kept as it is where the database takes no NUL character."""

    impl = sqlalchemy.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: object) -> str | None:
        if value is None or ("\0" not in value and _ESCAPE not in value):
            return value
        return value.replace(_ESCAPE, _ESCAPE + "e").replace("\0", _ESCAPE + "0")

    def process_result_value(self, value: str | None, dialect: object) -> str | None:
        if value is None or _ESCAPE not in value:
            return value
        return value.replace(_ESCAPE + "0", "\0").replace(_ESCAPE + "e", _ESCAPE)


Text = sqlalchemy.Text().with_variant(_WithoutNul(), "postgresql")

places = Table(
    "places",
    metadata,
    Column("number", Number, primary_key=True),
    # NULL: the place was deleted, and its messages wait to be wiped
    Column("id", Text, unique=True),
    Column("next_ordinal", Number, nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("n", Number, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("user_id", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("timestamp", Float, nullable=False),
    Column("edited", Boolean, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("reply_to", Text),
    Column("reply_user", Text),
    Column("ping", Boolean),
    Column("extra", Text),
)
Index(
    "messages_pinned",
    messages.c.n,
    sqlite_where=messages.c.pinned.is_(True),
    postgresql_where=messages.c.pinned.is_(True),
)
Index(
    "messages_reply_to",
    messages.c.reply_to,
    messages.c.n,
    sqlite_where=messages.c.reply_to.is_not(None),
    postgresql_where=messages.c.reply_to.is_not(None),
)

# messages that the search index does not hold yet; see search_sqlite.py
search_queue = Table("search_queue", metadata, Column("n", Number, primary_key=True, autoincrement=False))

# how many messages were deleted in each stretch of 1024 ordinals of a place; see positions.py
holes = Table(
    "holes",
    metadata,
    Column("place", Number, primary_key=True),
    Column("bucket", Number, primary_key=True),
    Column("deleted", Integer, nullable=False),
    sqlite_with_rowid=False,
)

reactions = Table(
    "reactions",
    metadata,
    Column("id", Number, primary_key=True),
    Column("n", Number, nullable=False),
    Column("emoji", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    UniqueConstraint("n", "emoji", "user_id", name="reactions_once"),
)
Index("reactions_user_id", reactions.c.user_id, reactions.c.id)

# target: "u:<user id>" or "r:<role name>"
pings = Table(
    "pings",
    metadata,
    Column("target", Text, primary_key=True),
    Column("timestamp", Float, primary_key=True),
    Column("n", Number, primary_key=True),
    sqlite_with_rowid=False,
)
Index("pings_n", pings.c.n)

nonces = Table(
    "nonces",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("nonce", Text, primary_key=True),
    Column("message_id", Text, nullable=False),
    Column("timestamp", Float, nullable=False),
    sqlite_with_rowid=False,
)
Index("nonces_timestamp", nonces.c.timestamp)

threads = Table(
    "threads",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("parent", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("locked", Boolean, nullable=False),
    Column("archived", Boolean, nullable=False),
)
Index("threads_parent", threads.c.parent)

thread_participants = Table(
    "thread_participants",
    metadata,
    Column("id", Number, primary_key=True),
    Column("thread", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    UniqueConstraint("thread", "user_id", name="thread_participants_once"),
)

reads = Table(
    "reads",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("place", Text, primary_key=True),
    Column("message_id", Text, nullable=False),
    Column("n", Number, nullable=False),
    sqlite_with_rowid=False,
)
Index("reads_place", reads.c.place)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("user_id", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("last_seen", Float, nullable=False),
    Column("disconnected_at", Float),
    Column("position", Number, nullable=False),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    # the way in that it came by: '' is the OriginChats protocol, else the name of a gateway
    Column("gateway", Text, nullable=False, server_default=""),
    # id of the access token that it was entered with, and ends with
    Column("access_token", Text),
)
Index("sessions_user_id", sessions.c.user_id)

events = Table(
    "events",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("timestamp", Float, nullable=False),
    Column("audience", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    # id of the message that the event brought into being
    Column("ref", Text),
)
Index("events_ref", events.c.ref, sqlite_where=events.c.ref.is_not(None), postgresql_where=events.c.ref.is_not(None))

# channels of two members; `first` < `second` are user ids
directs = Table(
    "directs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("first", Text, nullable=False),
    Column("second", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("first", "second", name="directs_once"),
)
Index("directs_second", directs.c.second)

# who joined which channel
memberships = Table(
    "memberships",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("joined_at", Float, nullable=False),
    sqlite_with_rowid=False,
)
Index("memberships_user_id", memberships.c.user_id)

# what the log last saw of each record of the JSON documents, and what was last on disk; see documents.py
document_records = Table(
    "document_records",
    metadata,
    Column("document", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("logged", Text),
    Column("on_disk", Text),
    sqlite_with_rowid=False,
)

# what moderators did, oldest first; see audit.py
modlog = Table(
    "modlog",
    metadata,
    Column("n", Number, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("timestamp", Float, nullable=False),
    Column("category", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("target_id", Text),
    Column("target_name", Text),
    # id of the channel that the entry tells of: only those who may view it read the entry
    Column("channel", Text),
    Column("details", Text, nullable=False),
    # what changed as it was before, in the form of `details`; null where nothing was
    Column("before", Text),
)
Index("modlog_category", modlog.c.category, modlog.c.timestamp, modlog.c.action, modlog.c.channel)
Index("modlog_actor_id", modlog.c.actor_id)
Index("modlog_target_id", modlog.c.target_id)

# `place` is the id of a channel or thread, `channel` that of the channel, which is the thread's parent
polls = Table(
    "polls",
    metadata,
    Column("id", Text, primary_key=True),
    Column("message_id", Text, nullable=False, unique=True),
    Column("place", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("options", Text, nullable=False),
    Column("allow_multiselect", Boolean, nullable=False),
    Column("expires_at", Float),
    Column("created_by", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("ended_at", Float),
)
Index("polls_place", polls.c.place)
Index("polls_channel", polls.c.channel)
_running = sqlalchemy.and_(polls.c.ended_at.is_(None), polls.c.expires_at.is_not(None))
Index("polls_running", polls.c.expires_at, sqlite_where=_running, postgresql_where=_running)

poll_votes = Table(
    "poll_votes",
    metadata,
    Column("poll", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("option_id", Text, primary_key=True),
    Column("voted_at", Float, nullable=False),
    sqlite_with_rowid=False,
)
Index("poll_votes_user_id", poll_votes.c.user_id)

# ways for programs to post messages; of the token only the SHA-256 is kept
webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("avatar", Text),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    # how many tokens it had before, where the token is derived from a key; NULL where it was brought by an import
    Column("generation", Integer),
    Column("created_by", Text, nullable=False),
    Column("created_at", Float, nullable=False),
)
Index("webhooks_channel", webhooks.c.channel)

# uploads; equal files are one file on disk, named by its SHA-256
attachments = Table(
    "attachments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("mime_type", Text, nullable=False),
    Column("size", Number, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("uploader_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    # NULL: stays for ever
    Column("expires_at", Float),
    Column("permanent", Boolean, nullable=False),
    # how many messages show it
    Column("shown", Integer, nullable=False),
)
Index("attachments_hash", attachments.c.hash)
Index("attachments_uploader", attachments.c.uploader_id, attachments.c.created_at)
Index("attachments_shown", attachments.c.shown, attachments.c.created_at)
Index("attachments_expires_at", attachments.c.expires_at)

# codes by which people become members; `roles` are ids, as JSON
invites = Table(
    "invites",
    metadata,
    Column("code", Text, primary_key=True),
    Column("created_by", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("max_uses", Integer),
    Column("uses", Integer, nullable=False),
    Column("note", Text, nullable=False),
    Column("roles", Text, nullable=False),
    sqlite_with_rowid=False,
)
Index("invites_created_by", invites.c.created_by)
Index("invites_expires_at", invites.c.expires_at)

push_subscriptions = Table(
    "push_subscriptions",
    metadata,
    Column("endpoint", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("p256dh", Text, nullable=False),
    Column("auth", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("last_used", Float, nullable=False),
)
Index("push_subscriptions_user_id", push_subscriptions.c.user_id)

# what plugins keep: JSON by key
plugin_storage = Table(
    "plugin_storage",
    metadata,
    Column("plugin", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

# single numbers that must survive, such as the next emoji's id
counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Number, nullable=False),
    sqlite_with_rowid=False,
)

# users of whom everything is being removed; see erasure.py
erasures = Table(
    "erasures",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("username", Text, nullable=False),
    Column("nickname", Text),
    # what came later belongs to somebody who has taken the same name since: messages, reactions, events
    Column("requested_at", Float, nullable=False),
    Column("reaction", Number, nullable=False),
    Column("seq", Number, nullable=False),
    # how far the tables were gone through that are read from end to end: messages, events, moderation log
    Column("n_done", Number, nullable=False),
    Column("seq_done", Number, nullable=False),
    Column("modlog_done", Number, nullable=False),
    sqlite_with_rowid=False,
)
