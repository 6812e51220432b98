"""Polls and votes. A poll belongs to a message and goes with it; all users are user ids."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Row, bindparam, func, select

from db.schema import poll_votes, polls

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from db.group import Group

_p, _v = polls.c, poll_votes.c
_SOME_MESSAGES = _p.message_id.in_(bindparam("messages", expanding=True))
_SOME_POLLS = _v.poll.in_(bindparam("polls", expanding=True))

_INSERT = polls.insert()
_ONE = select(polls).where(_p.id == bindparam("id"))
_OF_MESSAGES = select(polls).where(_SOME_MESSAGES)
_EXPIRED = (
    select(polls)
    .where(_p.ended_at.is_(None), _p.expires_at <= bindparam("now"))
    .order_by(_p.expires_at)
    .limit(bindparam("limit"))
)
_NEXT_END = select(func.min(_p.expires_at)).where(_p.ended_at.is_(None), _p.expires_at.is_not(None))
_END = polls.update().where(_p.id == bindparam("of")).values(ended_at=bindparam("at"))
_DELETE = polls.delete().where(_p.id.in_(bindparam("polls", expanding=True)))

_mine = (_v.poll == bindparam("of"), _v.user_id == bindparam("user"))
_VOTE = poll_votes.insert()
_CHOSEN = select(_v.option_id).where(*_mine)
_VOTED = select(_v.poll).where(_v.user_id == bindparam("user")).distinct().order_by(_v.poll)
_WITHDRAW = poll_votes.delete().where(*_mine)
_FORGET_VOTES = poll_votes.delete().where(_SOME_POLLS)
_COUNTS = select(_v.poll, _v.option_id, func.count()).where(_SOME_POLLS).group_by(_v.poll, _v.option_id)
_CHOSEN_BY = select(_v.poll, _v.option_id).where(_SOME_POLLS, _v.user_id == bindparam("user"))
_rank = func.row_number().over(partition_by=(_v.poll, _v.option_id), order_by=(_v.voted_at, _v.user_id)).label("rank")
_first = select(_v.poll, _v.option_id, _v.user_id, _rank).where(_SOME_POLLS).subquery()
_VOTERS = select(_first.c.poll, _first.c.option_id, _first.c.user_id).where(_first.c.rank <= bindparam("most"))
_VOTERS = _VOTERS.order_by(_first.c.rank)
_RENAME = poll_votes.update().where(_v.user_id == bindparam("user")).values(user_id=bindparam("to"))


class Option(msgspec.Struct, frozen=True, omit_defaults=True):
    id: str
    text: str
    emoji: str | None = None


class Poll(msgspec.Struct, frozen=True, kw_only=True):
    """place: id of the channel or thread with the message; channel: id of the channel, or of the thread's parent.
    created_by: user id. expires_at, created_at, ended_at: unix seconds."""

    id: str
    message_id: str
    place: str
    channel: str
    question: str
    options: tuple[Option, ...]
    allow_multiselect: bool
    created_by: str
    created_at: float
    expires_at: float | None = None
    ended_at: float | None = None

    @property
    def thread_id(self) -> str | None:
        return None if self.place == self.channel else self.place


class Tally(msgspec.Struct, frozen=True):
    """How a poll stands. votes: by option id. voters: by option id, user ids in the order of voting, the first ones
    only; empty while the poll runs. chosen: option ids of the reader, in the order of the options."""

    poll: Poll
    votes: dict[str, int]
    voters: dict[str, list[str]]
    chosen: list[str]


class Polls:
    """`tx.polls`."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def add(self, poll: Poll) -> None:
        self._group.connection.execute(_INSERT, {**msgspec.structs.asdict(poll), "options": _write(poll.options)})

    def get(self, id: str) -> Poll | None:
        row = self._group.connection.execute(_ONE, {"id": id}).first()
        return None if row is None else _read(row)

    def of_message(self, message_id: str) -> Poll | None:
        return self.of_messages([message_id]).get(message_id)

    def of_messages(self, message_ids: Sequence[str]) -> dict[str, Poll]:
        """By message id, of those messages that are polls."""
        rows = self._group.connection.execute(_OF_MESSAGES, {"messages": list(message_ids)})
        return {row.message_id: _read(row) for row in rows}

    def end(self, id: str, at: float) -> None:
        self._group.connection.execute(_END, {"of": id, "at": at})

    def expired(self, now: float, limit: int = 100) -> list[Poll]:
        """Polls that have not ended although their time is over, the one that expired first at first."""
        return [_read(row) for row in self._group.connection.execute(_EXPIRED, {"now": now, "limit": limit})]

    def next_end(self) -> float | None:
        """When the next of the running polls ends by itself; None when none will."""
        at: float | None = self._group.connection.execute(_NEXT_END).scalar()
        return at

    def vote(self, id: str, user_id: str, option_ids: Iterable[str], at: float) -> bool:
        """Replace what the user chose. False when nothing changed."""
        execute = self._group.connection.execute
        wanted = set(option_ids)
        mine = {"of": id, "user": user_id}
        if wanted == set(execute(_CHOSEN, mine).scalars()):
            return False
        execute(_WITHDRAW, mine)
        if wanted:
            rows = [{"poll": id, "user_id": user_id, "option_id": each, "voted_at": at} for each in sorted(wanted)]
            execute(_VOTE, rows)
        return True

    def tallies(self, found: Collection[Poll], reader: str | None, most_voters: int) -> dict[str, Tally]:
        """How these polls stand, by poll id. most_voters: for each option."""
        if not found:
            return {}
        execute = self._group.connection.execute
        ids = [poll.id for poll in found]
        votes: dict[str, dict[str, int]] = {id_: {} for id_ in ids}
        for id_, option, count in execute(_COUNTS, {"polls": ids}):
            votes[id_][option] = count
        chosen: dict[str, set[str]] = {id_: set() for id_ in ids}
        if reader is not None:
            for id_, option in execute(_CHOSEN_BY, {"polls": ids, "user": reader}):
                chosen[id_].add(option)
        voters: dict[str, dict[str, list[str]]] = {id_: {} for id_ in ids}
        ended = [poll.id for poll in found if poll.ended_at is not None]
        if ended:
            for id_, option, user_id in execute(_VOTERS, {"polls": ended, "most": most_voters}):
                voters[id_].setdefault(option, []).append(user_id)
        return {
            poll.id: Tally(
                poll,
                votes[poll.id],
                voters[poll.id],
                [option.id for option in poll.options if option.id in chosen[poll.id]],
            )
            for poll in found
        }

    def voted_by(self, user_id: str) -> list[str]:
        """Ids of the polls that the user has voted in."""
        return list(self._group.connection.execute(_VOTED, {"user": user_id}).scalars())

    def retire(self, user_id: str, former: str) -> None:
        """Whoever has this user id from now on is somebody else: the votes so far count on under another id."""
        self._group.connection.execute(_RENAME, {"user": user_id, "to": former})


def remove(connection: Connection, *, messages: Sequence[str] = (), place: str | None = None) -> None:
    """Delete the polls of these messages, or of a channel or thread, with their votes."""
    if place is None:
        found = connection.execute(select(_p.id).where(_SOME_MESSAGES), {"messages": list(messages)})
    else:
        found = connection.execute(select(_p.id).where(_p.place == place))
    ids = list(found.scalars())
    for start in range(0, len(ids), 1000):
        which = {"polls": ids[start : start + 1000]}
        connection.execute(_FORGET_VOTES, which)
        connection.execute(_DELETE, which)


def _write(options: Sequence[Option]) -> str:
    return msgspec.json.encode(options).decode()


def _read(row: Row[Any]) -> Poll:
    fields = {**row._mapping, "options": msgspec.json.decode(row.options, type=tuple[Option, ...])}
    return Poll(**fields)
