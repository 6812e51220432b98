"""Ids that sort by time: UUIDv7 (RFC 9562) as text."""

from __future__ import annotations

import uuid_utils


def uuid7() -> str:
    """36 characters; later ones sort after earlier ones, and nobody guesses them."""
    return str(uuid_utils.uuid7())
