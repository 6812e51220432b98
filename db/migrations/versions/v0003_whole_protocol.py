"""The rest of the protocol: moderation log, polls, webhooks, uploads, invitations, web push, plugins, counters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "modlog",
        sa.Column("n", NUMBER, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("timestamp", sa.Float, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Text, nullable=False),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("target_id", sa.Text),
        sa.Column("target_name", sa.Text),
        sa.Column("channel", sa.Text),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("before", sa.Text),
    )
    op.create_index("modlog_category", "modlog", ["category", "timestamp", "action", "channel"])
    op.create_index("modlog_actor_id", "modlog", ["actor_id"])
    op.create_index("modlog_target_id", "modlog", ["target_id"])
    op.create_table(
        "polls",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Text, nullable=False, unique=True),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("allow_multiselect", sa.Boolean, nullable=False),
        sa.Column("expires_at", sa.Float),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("ended_at", sa.Float),
    )
    op.create_index("polls_place", "polls", ["place"])
    op.create_index("polls_channel", "polls", ["channel"])
    running = sa.text("ended_at IS NULL AND expires_at IS NOT NULL")
    op.create_index("polls_running", "polls", ["expires_at"], sqlite_where=running, postgresql_where=running)
    op.create_table(
        "poll_votes",
        sa.Column("poll", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("option_id", sa.Text, primary_key=True),
        sa.Column("voted_at", sa.Float, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("poll_votes_user_id", "poll_votes", ["user_id"])
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("avatar", sa.Text),
        sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("generation", sa.Integer),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
    )
    op.create_index("webhooks_channel", "webhooks", ["channel"])
    op.create_table(
        "attachments",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("mime_type", sa.Text, nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("uploader_id", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float),
        sa.Column("permanent", sa.Boolean, nullable=False),
        sa.Column("shown", sa.Integer, nullable=False),
    )
    op.create_index("attachments_hash", "attachments", ["hash"])
    op.create_index("attachments_uploader", "attachments", ["uploader_id", "created_at"])
    op.create_index("attachments_shown", "attachments", ["shown", "created_at"])
    op.create_index("attachments_expires_at", "attachments", ["expires_at"])
    op.create_table(
        "invites",
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float),
        sa.Column("max_uses", sa.Integer),
        sa.Column("uses", sa.Integer, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("invites_created_by", "invites", ["created_by"])
    op.create_index("invites_expires_at", "invites", ["expires_at"])
    op.create_table(
        "push_subscriptions",
        sa.Column("endpoint", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("p256dh", sa.Text, nullable=False),
        sa.Column("auth", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("last_used", sa.Float, nullable=False),
    )
    op.create_index("push_subscriptions_user_id", "push_subscriptions", ["user_id"])
    op.create_table(
        "plugin_storage",
        sa.Column("plugin", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", NUMBER, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("reactions_user_id", "reactions", ["user_id", "id"])
    op.add_column("sessions", sa.Column("access_token", sa.Text))
    op.create_table(
        "erasures",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("username", sa.Text, nullable=False),
        sa.Column("nickname", sa.Text),
        sa.Column("requested_at", sa.Float, nullable=False),
        sa.Column("reaction", NUMBER, nullable=False),
        sa.Column("seq", NUMBER, nullable=False),
        sa.Column("n_done", NUMBER, nullable=False),
        sa.Column("seq_done", NUMBER, nullable=False),
        sa.Column("modlog_done", NUMBER, nullable=False),
        sqlite_with_rowid=False,
    )
