"""Other ways in: direct channels, memberships, sessions of gateways, the message that an event created."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    op.add_column("sessions", sa.Column("gateway", sa.Text, nullable=False, server_default=""))
    op.add_column("events", sa.Column("ref", sa.Text))
    known = sa.text("ref IS NOT NULL")
    op.create_index("events_ref", "events", ["ref"], sqlite_where=known, postgresql_where=known)
    op.create_table(
        "directs",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("first", sa.Text, nullable=False),
        sa.Column("second", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.UniqueConstraint("first", "second", name="directs_once"),
    )
    op.create_index("directs_second", "directs", ["second"])
    op.create_table(
        "memberships",
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("joined_at", sa.Float, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("memberships_user_id", "memberships", ["user_id"])
