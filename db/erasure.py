"""Removing everything of a user: a little in each transaction, so that nobody waits, and in an order that a crash may
interrupt anywhere. What is left to do lies in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import asdict, replace
from sqlalchemy import func, or_, select

from db.message_rows import write_extra
from db.schema import (
    attachments,
    erasures,
    events,
    messages,
    modlog,
    nonces,
    pings,
    poll_votes,
    push_subscriptions,
    reactions,
    reads,
    thread_participants,
    threads,
    webhooks,
)
from protocol.audience import SessionsOf, to_text

if TYPE_CHECKING:
    from sqlalchemy import Row

    from db.group import Group
    from db.messages import Messages

DELETED_USER = "deleted user"
"""Stands for the id and the name of who was erased, where a record has to name somebody."""
SCANNED_MESSAGES = 20_000
BATCH = 250
"""Messages, or reactions, that one step removes: as many events follow."""
SCANNED_EVENTS = 2_000
SCANNED_ENTRIES = 1_000
_END = 1 << 62

FAREWELLS = frozenset(
    {"user_leave", "message_react_remove", "member_leave", "thread_leave", "user_unblock", "message_delete"}
)
"""Events that a client needs to forget the user; they hold no more than the name, and go when the log forgets them."""


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """One that is under way. requested_at (unix seconds), reaction (id), seq: what came later is somebody else's, who
    has the same user id now. n_done, seq_done, modlog_done: up to where the tables were gone through."""

    user_id: str
    username: str
    nickname: str | None
    requested_at: float
    reaction: int = 0
    seq: int = 0
    n_done: int = -1
    seq_done: int = 0
    modlog_done: int = 0


class Erased(msgspec.Struct):
    """What one step removed. messages: (place, message id). reactions: (place, message id, emoji). done: nothing of the
    user is left."""

    messages: list[tuple[str, str]] = []
    reactions: list[tuple[str, str, str]] = []
    done: bool = False


class Erasures:
    """`tx.erasures`."""

    def __init__(self, group: Group, messages: Messages) -> None:
        self._group = group
        self._messages = messages

    def begin(self, user_id: str, username: str, nickname: str | None, requested_at: float) -> None:
        """Remove at once what there is little of; the rest follows step by step. Sessions, memberships and direct
        channels are the caller's."""
        self._group.flush()
        execute = self._group.connection.execute
        for table in (reads, nonces, push_subscriptions, thread_participants, poll_votes):
            execute(table.delete().where(table.c.user_id == user_id))
        for table in (threads, webhooks):
            execute(table.update().where(table.c.created_by == user_id).values(created_by=DELETED_USER))
        nobodys = {"uploader_id": DELETED_USER, "name": "", "expires_at": self._group.now, "permanent": False}
        execute(attachments.update().where(attachments.c.uploader_id == user_id).values(nobodys))
        newest = execute(select(func.coalesce(func.max(reactions.c.id), 0))).scalar_one()
        begun = Erasure(
            user_id=user_id,
            username=username,
            nickname=nickname,
            requested_at=requested_at,
            reaction=newest,
            seq=self._group.newest_seq,
        )
        execute(erasures.delete().where(erasures.c.user_id == user_id))
        execute(erasures.insert(), asdict(begun))

    def next(self) -> Erasure | None:
        """One that is under way; None when there is none."""
        row = self._group.connection.execute(select(erasures).order_by(erasures.c.requested_at).limit(1)).first()
        return None if row is None else Erasure(**row._mapping)

    def step(self, erasure: Erasure) -> Erased:
        """Go on a little."""
        self._group.flush()
        erased = Erased()
        if erasure.n_done < _END:
            after = self._remove_messages(erasure, erased)
        elif not self._remove_marks(erasure, erased):
            after = erasure
        elif erasure.seq_done < erasure.seq:
            after = self._clean_events(erasure)
        else:
            after = self._clean_modlog(erasure)
            erased.done = after.modlog_done >= _END
        execute = self._group.connection.execute
        this = erasures.c.user_id == erasure.user_id
        if erased.done:
            execute(erasures.delete().where(this))
        elif after != erasure:
            execute(
                erasures.update()
                .where(this)
                .values(n_done=after.n_done, seq_done=after.seq_done, modlog_done=after.modlog_done)
            )
        return erased

    # --- the stages, in this order -----------------------------------------------------------------------------

    def _remove_messages(self, erasure: Erasure, erased: Erased) -> Erasure:
        """The user's messages; answers of others forget whom they answered, to slash commands who called."""
        execute = self._group.connection.execute
        user_id, columns = erasure.user_id, messages.c
        ahead = select(columns.n).where(columns.n > erasure.n_done).order_by(columns.n)
        last = execute(ahead.limit(1).offset(SCANNED_MESSAGES - 1)).scalar()
        end = _END if last is None else last
        called = columns.extra.contains(f'"username":{_quoted(erasure.username)}', autoescape=True)
        wanted = (
            select(messages)
            .where(
                columns.n > erasure.n_done,
                columns.n <= end,
                columns.timestamp <= erasure.requested_at,
                or_(columns.user_id == user_id, columns.reply_user == user_id, called),
            )
            .order_by(columns.n)
            .limit(BATCH)
        )
        found = execute(wanted).all()
        answers = [row.n for row in found if row.reply_user == user_id]
        execute(messages.update().where(columns.n.in_(answers)).values(reply_user=None))
        own = [row for row in found if row.user_id == user_id]
        for row in found:
            if row.user_id != user_id and row.extra is not None:
                extra = msgspec.json.decode(row.extra)
                if extra.get("interaction", {}).get("username") == erasure.username:
                    extra["interaction"]["username"] = DELETED_USER
                    execute(messages.update().where(columns.n == row.n).values(extra=write_extra(extra)))
        erased.messages = [(home, row.id) for row in own if (home := self._group.place_of(row.n)) is not None]
        self._messages.delete_rows(own)
        return replace(erasure, n_done=found[-1].n if len(found) == BATCH else end)

    def _remove_marks(self, erasure: Erasure, erased: Erased) -> bool:
        """Reactions and calls. True when none is left."""
        execute = self._group.connection.execute
        user_id, at = erasure.user_id, erasure.requested_at
        mine = (reactions.c.user_id == user_id, reactions.c.id <= erasure.reaction)
        joined = reactions.outerjoin(messages, messages.c.n == reactions.c.n)
        page = select(reactions.c.id, reactions.c.n, reactions.c.emoji, messages.c.id.label("message"))
        found = execute(page.select_from(joined).where(*mine).order_by(reactions.c.id).limit(BATCH)).all()
        execute(reactions.delete().where(reactions.c.id.in_([row.id for row in found])))
        erased.reactions = [
            (home, row.message, row.emoji)
            for row in found
            if row.message is not None and (home := self._group.place_of(row.n)) is not None
        ]
        execute(pings.delete().where(pings.c.target == f"u:{user_id}", pings.c.timestamp <= at))
        return len(found) < BATCH

    def _clean_events(self, erasure: Erasure) -> Erasure:
        """What the log tells of the user, farewells aside: it must not be replayed. Rows for nobody stay in their
        places, so that the log begins and ends where it did."""
        execute = self._group.connection.execute
        ahead = (
            select(events.c.seq, events.c.audience, events.c.kind, events.c.payload)
            .where(events.c.seq > erasure.seq_done, events.c.seq <= erasure.seq)
            .order_by(events.c.seq)
            .limit(SCANNED_EVENTS)
        )
        found = execute(ahead).all()
        theirs = to_text(SessionsOf(erasure.user_id))
        own = [
            row.seq
            for row in found
            if row.audience == theirs or (row.kind not in FAREWELLS and _tells_of(row, erasure))
        ]
        nothing = {"audience": to_text(SessionsOf(DELETED_USER)), "kind": "erased", "payload": b"{}", "ref": None}
        execute(events.update().where(events.c.seq.in_(own)).values(nothing))
        return replace(erasure, seq_done=found[-1].seq if len(found) == SCANNED_EVENTS else erasure.seq)

    def _clean_modlog(self, erasure: Erasure) -> Erasure:
        execute = self._group.connection.execute
        ahead = select(modlog).where(modlog.c.n > erasure.modlog_done).order_by(modlog.c.n).limit(SCANNED_ENTRIES)
        found = execute(ahead).all()
        for row in found:
            cleaned = _without(row, erasure)
            if cleaned:
                execute(modlog.update().where(modlog.c.n == row.n).values(**cleaned))
        return replace(erasure, modlog_done=found[-1].n if len(found) == SCANNED_ENTRIES else _END)


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()


def _tells_of(event: Any, erasure: Erasure) -> bool:
    names = (erasure.username, erasure.user_id)
    if not any(msgspec.json.encode(name) in event.payload for name in names):
        return False
    packet = msgspec.json.decode(event.payload)
    if event.kind in ("message_new", "message_edit"):
        return packet.get("message", {}).get("user") in names
    user = packet.get("user")
    named = [packet.get("username"), packet.get("user_id"), packet.get("from")]
    return (user.get("username") if isinstance(user, dict) else user) in names or any(name in names for name in named)


def _without(row: Row[Any], erasure: Erasure) -> dict[str, Any]:
    """Columns of an entry of the moderation log as they are without the user; {} when it does not tell of it."""
    details: dict[str, Any] = msgspec.json.decode(row.details)
    acted, suffered = row.actor_id == erasure.user_id, row.target_id == erasure.user_id
    wrote = erasure.user_id in (details.get("author"), details.get("uploader"))
    if not (acted or suffered or wrote):
        return {}
    cleaned: dict[str, Any] = {}
    if acted:
        cleaned |= {"actor_id": DELETED_USER, "actor_name": DELETED_USER}
    if suffered:
        cleaned |= {"target_id": DELETED_USER}
    if suffered or wrote:
        cleaned |= {"target_name": DELETED_USER}
    if suffered and row.action == "user_update":  # names of the user
        return cleaned | {"details": "{}", "before": None}
    if row.before is not None:
        cleaned["before"] = msgspec.json.encode(_replaced(msgspec.json.decode(row.before), erasure)).decode()
    return cleaned | {"details": msgspec.json.encode(_replaced(details, erasure)).decode()}


def _replaced(value: Any, erasure: Erasure) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(each, erasure) for key, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, erasure) for each in value]
    return DELETED_USER if value in (erasure.user_id, erasure.username, erasure.nickname) and value else value
