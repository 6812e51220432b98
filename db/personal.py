"""What the tables hold of one user, page by page: for the user's own archive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from db.schema import (
    attachments,
    messages,
    modlog,
    pings,
    poll_votes,
    polls,
    push_subscriptions,
    reactions,
    reads,
    sessions,
)

if TYPE_CHECKING:
    from sqlalchemy import Select

    from db.transaction import Transaction

SCANNED = 20_000
PAGE = 500

Record = dict[str, Any]
Cursor = Any
Page = tuple[list[Record], Cursor]
"""Records, and where the next page begins; None after the last. A record's `place` is the id of a channel or thread."""
Read = Callable[["Transaction", str, Cursor], Page]
"""A page of the records of a user (id) from a cursor on, None for the first."""


def own_messages(tx: Transaction, user_id: str, cursor: Cursor) -> Page:
    after = -1 if cursor is None else cursor
    columns, execute = messages.c, tx.connection.execute
    last = execute(
        select(columns.n).where(columns.n > after).order_by(columns.n).limit(1).offset(SCANNED - 1)
    ).scalar()  # fmt: skip
    wanted = select(messages).where(columns.n > after, columns.user_id == user_id)
    if last is not None:
        wanted = wanted.where(columns.n <= last)
    found = execute(wanted.order_by(columns.n).limit(PAGE)).all()
    records = []
    for row in found:
        record = {"place": tx.place_of(row.n), "id": row.id, "timestamp": row.timestamp, "content": row.content}
        record |= {"edited": row.edited, "pinned": row.pinned, "reply_to": row.reply_to}
        records.append(record | ({} if row.extra is None else msgspec.json.decode(row.extra)))
    return records, found[-1].n if len(found) == PAGE else last


def own_reactions(tx: Transaction, user_id: str, cursor: Cursor) -> Page:
    joined = reactions.join(messages, messages.c.n == reactions.c.n)
    wanted = select(reactions.c.id, reactions.c.n, reactions.c.emoji, messages.c.id.label("message"))
    wanted = wanted.select_from(joined).where(reactions.c.user_id == user_id, reactions.c.id > (cursor or 0))
    found = tx.connection.execute(wanted.order_by(reactions.c.id).limit(PAGE)).all()
    records = [{"place": tx.place_of(row.n), "message": row.message, "emoji": row.emoji} for row in found]
    return records, found[-1].id if len(found) == PAGE else None


def calls(tx: Transaction, user_id: str, cursor: Cursor) -> Page:
    joined = pings.join(messages, messages.c.n == pings.c.n)
    wanted = select(pings.c.n, pings.c.timestamp, messages.c.id.label("message")).select_from(joined)
    wanted = wanted.where(pings.c.target == f"u:{user_id}")
    if cursor is not None:
        at, n = cursor
        wanted = wanted.where((pings.c.timestamp > at) | ((pings.c.timestamp == at) & (pings.c.n > n)))
    found = tx.connection.execute(wanted.order_by(pings.c.timestamp, pings.c.n).limit(PAGE)).all()
    records = [{"place": tx.place_of(row.n), "message": row.message, "timestamp": row.timestamp} for row in found]
    return records, (found[-1].timestamp, found[-1].n) if len(found) == PAGE else None


def read_markers(tx: Transaction, user_id: str, cursor: Cursor) -> Page:
    wanted = select(reads.c.place, reads.c.message_id.label("message")).where(reads.c.user_id == user_id)
    return _by_key(tx, wanted, reads.c.place, "place", cursor)


def votes(tx: Transaction, user_id: str, cursor: Cursor) -> Page:
    """All at once: a poll is voted in by hand."""
    wanted = (
        select(polls.c.place, polls.c.id.label("poll"), polls.c.question, polls.c.options)
        .add_columns(poll_votes.c.option_id.label("option"), poll_votes.c.voted_at)
        .select_from(poll_votes.join(polls, polls.c.id == poll_votes.c.poll))
        .where(poll_votes.c.user_id == user_id)
        .order_by(poll_votes.c.voted_at)
    )
    return [dict(row._mapping) for row in tx.connection.execute(wanted)], None


def uploads(tx: Transaction, user_id: str, cursor: Cursor) -> Page:
    wanted = select(attachments).where(attachments.c.uploader_id == user_id)
    records, after = _by_key(tx, wanted, attachments.c.id, "id", cursor)
    return [{"place": record.pop("channel"), **record} for record in records], after


def devices(tx: Transaction, user_id: str, cursor: Cursor) -> Page:
    """Sessions, without what identifies their secrets."""
    wanted = select(sessions).where(sessions.c.user_id == user_id)
    records, after = _by_key(tx, wanted, sessions.c.id, "id", cursor)
    return [{key: value for key, value in record.items() if key != "token_hash"} for record in records], after


def subscriptions(tx: Transaction, user_id: str, cursor: Cursor) -> Page:
    columns = push_subscriptions.c
    wanted = select(columns.endpoint, columns.created_at, columns.last_used).where(columns.user_id == user_id)
    return _by_key(tx, wanted, columns.endpoint, "endpoint", cursor)


def moderation(tx: Transaction, user_id: str, cursor: Cursor) -> Page:
    """What the moderation log tells of the user, as actor or as target."""
    columns = modlog.c
    wanted = select(modlog).where((columns.actor_id == user_id) | (columns.target_id == user_id))
    records, after = _by_key(tx, wanted, columns.n, "n", cursor)
    for record in records:
        record |= {"place": record.pop("channel"), "details": msgspec.json.decode(record["details"])}
        record["before"] = None if record["before"] is None else msgspec.json.decode(record["before"])
        del record["n"]
    return records, after


def _by_key(tx: Transaction, wanted: Select[Any], column: Any, key: str, cursor: Cursor) -> Page:
    if cursor is not None:
        wanted = wanted.where(column > cursor)
    rows: Sequence[Any] = tx.connection.execute(wanted.order_by(column).limit(PAGE)).all()
    records = [dict(row._mapping) for row in rows]
    return records, records[-1][key] if len(records) == PAGE else None
