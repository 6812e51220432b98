"""Messages of channels and threads. A place is a channel id or a thread id; all lists are oldest first unless said."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Row, bindparam, func, select

from db import message_find, message_rows, pings, polls, positions, reactions
from db.attachments import StoredAttachments
from db.message_rows import Message
from db.schema import PLACE_SHIFT, holes, messages, nonces, places, reads

if TYPE_CHECKING:
    from db.group import Group, Place

__all__ = ["Message", "Messages"]

_RANGE = messages.c.n.between(bindparam("low"), bindparam("high"))
_BY_ID = select(messages).where(messages.c.id == bindparam("id"))
_BY_NS = select(messages).where(messages.c.n.in_(bindparam("ns", expanding=True)))
_OLDER = select(messages).where(_RANGE).order_by(messages.c.n.desc()).limit(bindparam("limit"))
_FIRST_ROWS = select(messages).where(_RANGE).order_by(messages.c.n).limit(bindparam("limit"))
_IS_PINNED = messages.c.pinned.is_(True) & _RANGE
_PINNED = select(messages).where(_IS_PINNED).order_by(messages.c.n.desc()).limit(bindparam("limit"))
_COUNT_PINNED = select(func.count()).where(_IS_PINNED)
_REPLIES = (
    select(messages)
    .where(messages.c.reply_to == bindparam("id"), _RANGE)
    .order_by(messages.c.n)
    .limit(bindparam("limit"))
)
_EDIT = (
    messages.update()
    .where(messages.c.n == bindparam("of"))
    .values(content=bindparam("to"), extra=bindparam("with"), edited=True)
)
_PIN = messages.update().where(messages.c.n == bindparam("of")).values(pinned=bindparam("to"))
_OLD = select(messages).where(messages.c.pinned.is_(False), _RANGE).order_by(messages.c.n).limit(bindparam("limit"))
_DELETE = messages.delete().where(messages.c.n.in_(bindparam("ns", expanding=True)))

_NONCE = select(nonces.c.message_id).where(
    nonces.c.user_id == bindparam("user_id"), nonces.c.nonce == bindparam("nonce")
)
_PRUNE_NONCES = nonces.delete().where(nonces.c.timestamp < bindparam("before"))

_FORGET_READS = reads.delete().where(reads.c.place == bindparam("place"))
_DELETED_PLACE = select(places.c.number).where(places.c.id.is_(None)).limit(1)
_FORGET_HOLES = holes.delete().where(holes.c.place == bindparam("number"))
_FORGET_PLACE = places.delete().where(places.c.number == bindparam("number"))


class Messages:
    def __init__(self, group: Group) -> None:
        self._group = group

    def add(
        self,
        place: str,
        message: Message,
        pinged_users: Sequence[str] = (),
        pinged_roles: Sequence[str] = (),
        nonce: str | None = None,
    ) -> None:
        """Append to the place. Pings: user ids and role names; the author of the answered message is pinged as well
        unless `message.ping` is False. A nonce makes the message findable by `by_nonce`."""
        n = self._group.add_message(place, message)
        if pinged_users or pinged_roles or message.reply_user is not None:
            targets = pings.targets(message, pinged_users, pinged_roles)
            self._group.add_pings(n, message.timestamp, targets)
        if nonce is not None:
            self._group.add_nonce(nonce, message)

    def by_nonce(self, user_id: str, nonce: str) -> str | None:
        """The id of the message that this user sent with this nonce, deleted or not; None when unknown or pruned."""
        group = self._group
        id_: str | None = group.waiting_nonces.get((user_id, nonce))
        if id_ is None:
            id_ = group.connection.execute(_NONCE, {"user_id": user_id, "nonce": nonce}).scalar()
        return id_

    def get(self, place: str, id: str) -> Message | None:
        waiting = self._group.waiting.get(id)
        if waiting is not None:
            return waiting[2] if waiting[0] == place else None
        row = self._row(place, id)
        return None if row is None else self._one(row)

    def place_of(self, id: str) -> str | None:
        """The place that holds this message; None when there is no such message."""
        waiting = self._group.waiting.get(id)
        if waiting is not None:
            return waiting[0]
        row = self._group.connection.execute(_BY_ID, {"id": id}).first()
        return None if row is None else self._group.place_of(row.n)

    def edit(
        self,
        place: str,
        id: str,
        content: str,
        embeds: list[Any] | UnsetType = UNSET,
        pinged_users: Sequence[str] = (),
        pinged_roles: Sequence[str] = (),
    ) -> Message | None:
        """Replace content, embeds (`extra["embeds"]`, [] removes, UNSET keeps) and pings; sets `edited`.

        Gives the message as it is now; None when there is none."""
        self._group.flush()
        row = self._row(place, id)
        if row is None:
            return None
        old = message_rows.read(row)
        extra = old.extra
        if embeds is not UNSET:
            extra = {key: value for key, value in extra.items() if key != "embeds"}
            if embeds:
                extra["embeds"] = embeds
        n = row.n
        values = {"of": n, "to": content, "with": message_rows.write_extra(extra)}
        self._group.connection.execute(_EDIT, values)
        if content != old.content:
            self._group.search.changed(self._group, n, old.content, content)
        pings.remove_all(self._group, [n])
        self._group.add_pings(n, old.timestamp, pings.targets(old, pinged_users, pinged_roles))
        return msgspec.structs.replace(
            old, content=content, extra=extra, edited=True, reactions=reactions.of_one(self._group, n)
        )

    def delete(self, place: str, id: str) -> bool:
        """False when there is no such message."""
        group = self._group
        group.flush()
        row = self._row(place, id)
        if row is None:
            return False
        n = row.n
        known = group.place_to_change(place)
        self._wipe([row])
        positions.remember_holes(group, known, [n])
        if n == known.newest:
            group.load_head(known)
        return True

    def delete_rows(self, rows: Sequence[Row[Any]]) -> None:
        """Delete messages of any places, deleted ones included. rows: of all columns, read in this group."""
        group = self._group
        if not rows:
            return
        self._wipe(rows)
        by_place: dict[str, list[int]] = {}
        for row in rows:
            home = group.place_of(row.n)
            if home is not None:
                by_place.setdefault(home, []).append(row.n)
        for home, ns in by_place.items():
            known = group.place_to_change(home)
            positions.remember_holes(group, known, ns)
            if known.newest in ns:
                group.load_head(known)

    def set_pinned(self, place: str, id: str, pinned: bool) -> bool:
        """False when there is no such message."""
        self._group.flush()
        n = self._group.find(place, id)
        if n is None:
            return False
        self._group.connection.execute(_PIN, {"of": n, "to": pinned})
        return True

    def add_reaction(self, place: str, id: str, emoji: str, user_id: str) -> bool:
        """False when there is no such message, or the user has reacted with it already."""
        self._group.flush()
        n = self._group.find(place, id)
        return n is not None and reactions.add(self._group, n, emoji, user_id)

    def remove_reaction(self, place: str, id: str, emoji: str, user_id: str) -> bool:
        """False when there is no such message, or the user has not reacted with it."""
        self._group.flush()
        n = self._group.find(place, id)
        return n is not None and reactions.remove(self._group, n, emoji, user_id)

    def newest(self, place: str, limit: int, skip: int = 0) -> list[Message]:
        """The newest `limit` messages after leaving out the `skip` newest ones."""
        known = self._group.place(place)
        if known is None:
            return []
        last = positions.at(self._group, known, known.count - 1 - max(skip, 0)) if skip > 0 else known.high
        return [] if last is None else self._older(known, last, limit)

    def before(self, place: str, id: str, limit: int) -> list[Message]:
        """The `limit` messages right before this one, which is not included; [] when it does not exist."""
        n = self._group.find(place, id)
        known = self._group.place(place)
        return [] if n is None or known is None else self._older(known, n - 1, limit)

    def after(self, place: str, id: str, limit: int) -> list[Message]:
        """The `limit` messages right after this one, which is not included; [] when it does not exist."""
        n = self._group.find(place, id)
        known = self._group.place(place)
        return [] if n is None or known is None else self._newer(known, n + 1, limit)

    def around(self, place: str, id: str, above: int, below: int) -> tuple[list[Message], int] | None:
        """Up to `below` older messages, this one, and up to `above` newer ones; with the absolute position (0 = the
        oldest of the place) of the first in the list. None when this message does not exist."""
        n = self._group.find(place, id)
        known = self._group.place(place)
        if n is None or known is None:
            return None
        older = self._older(known, n, max(below, 0) + 1)
        newer = self._newer(known, n + 1, above)
        return older + newer, positions.position(self._group, known, n) - len(older) + 1

    def pinned(self, place: str, limit: int) -> list[Message]:
        """The newest of them, newest first."""
        known = self._group.place(place)
        if known is None:
            return []
        self._group.flush()
        which = {"low": known.low, "high": known.high, "limit": limit}
        return self._many(self._group.connection.execute(_PINNED, which).all(), contiguous=False)

    def count_pinned(self, place: str) -> int:
        known = self._group.place(place)
        if known is None:
            return 0
        self._group.flush()
        which = {"low": known.low, "high": known.high}
        return int(self._group.connection.execute(_COUNT_PINNED, which).scalar_one())

    def replies(self, place: str, id: str, limit: int) -> list[Message]:
        """The oldest `limit` answers to a message, which need not exist any more."""
        known = self._group.place(place)
        if known is None or limit < 1:
            return []
        self._group.flush()
        which = {"id": id, "low": known.low, "high": known.high, "limit": limit}
        return self._many(self._group.connection.execute(_REPLIES, which).all(), contiguous=False)

    def search(self, place: str, query: str, limit: int) -> list[Message]:
        """Messages that contain the query, upper and lower case alike, newest first. A query that very many messages
        nearly match (or of less than 3 characters) reaches back `message_search.MAX_SCANNED` messages only."""
        known = self._group.place(place)
        if known is None:
            return []
        self._group.flush()
        return self._many(self._group.search.search(self._group, known, query, limit), contiguous=False)

    def find(
        self, places: Collection[str], wanted: message_find.Wanted, limit: int
    ) -> tuple[list[tuple[str, Message]], bool]:
        """Messages in any of these places that are as wanted: ([(place, message)] newest first, whether older ones were
        looked for everywhere)."""
        found = message_find.find(self._group, places, wanted, limit)
        read = self._many([row for _, row in found.rows], contiguous=False)
        return [(place, message) for (place, _), message in zip(found.rows, read, strict=True)], found.complete

    def pings(
        self, user_id: str, roles: Collection[str], places: Collection[str], limit: int, offset: int = 0
    ) -> tuple[list[tuple[str, Message]], int]:
        """Messages that ping the user or one of the roles (names), in these places: ([(place, message)] newest first,
        how many there are in all)."""
        group = self._group
        group.flush()
        numbers = [known.number for place in places if (known := group.place(place)) is not None]
        ns, total = pings.of(group, pings.called(user_id, roles), numbers, limit, offset)
        if not ns:
            return [], total
        rows = group.connection.execute(_BY_NS, {"ns": ns}).all()
        found = {row.n: message for row, message in zip(rows, self._many(rows, contiguous=False), strict=True)}
        return [(home, found[n]) for n in ns if (home := group.place_of(n)) is not None and n in found], total

    def count(self, place: str) -> int:
        known = self._group.place(place)
        return 0 if known is None else known.count

    def count_after(self, place: str, id: str | None) -> int:
        """How many are newer than this one; all of them when it is None or does not exist."""
        known = self._group.place(place)
        if known is None:
            return 0
        n = None if id is None else self._group.find(place, id)
        return known.count if n is None else known.count - positions.position(self._group, known, n + 1)

    def newest_id(self, place: str) -> str | None:
        known = self._group.place(place)
        return None if known is None or known.head is None else known.head.id

    def delete_place(self, place: str) -> None:
        """The place is empty at once; a long one is wiped from the disk by later calls of `purge`."""
        known = self._group.place(place)
        if known is not None:
            self._group.drop_place(known)
            self.purge()
        polls.remove(self._group.connection, place=place)
        self._group.connection.execute(_FORGET_READS, {"place": place})

    def trim(self, place: str, keep: int, limit: int = 1000) -> int:
        """Delete up to `limit` of the messages that are older than the newest `keep` (at least 1) of the place, the
        oldest first; pinned ones stay. Gives how many. For housekeeping."""
        group = self._group
        known = group.place(place)
        if known is None or known.count <= keep or limit < 1:
            return 0
        first_kept = positions.at(group, known, known.count - keep)
        if first_kept is None:
            return 0
        group.flush()
        rows = group.connection.execute(_OLD, {"low": known.low, "high": first_kept - 1, "limit": limit}).all()
        if rows:
            self._wipe(rows)
            positions.remember_holes(group, group.place_to_change(place), [row.n for row in rows])
        return len(rows)

    def purge(self, limit: int = 1000) -> int:
        """Wipe up to `limit` messages of deleted places from the disk; gives how many. For housekeeping."""
        group = self._group
        group.flush()
        number = group.connection.execute(_DELETED_PLACE).scalar()
        if number is None:
            return 0
        low, high = number << PLACE_SHIFT, (number + 1 << PLACE_SHIFT) - 1
        rows = group.connection.execute(_FIRST_ROWS, {"low": low, "high": high, "limit": limit}).all()
        if rows:
            self._wipe(rows)
        if len(rows) < limit:
            group.connection.execute(_FORGET_HOLES, {"number": number})
            group.connection.execute(_FORGET_PLACE, {"number": number})
        return len(rows)

    def prune_nonces(self, before: float) -> int:
        """Forget nonces of messages older than this (unix seconds). For housekeeping."""
        self._group.flush()
        return self._group.connection.execute(_PRUNE_NONCES, {"before": before}).rowcount

    # --- rows

    def _row(self, place: str, id: str) -> Row[Any] | None:
        """The row of a message that is in the table."""
        known = self._group.place(place)
        row = self._group.connection.execute(_BY_ID, {"id": id}).first()
        return row if row is not None and known is not None and known.low <= row.n <= known.high else None

    def _one(self, row: Row[Any]) -> Message:
        return message_rows.read(row, reactions.of_one(self._group, row.n))

    def _many(self, rows: Sequence[Row[Any]], contiguous: bool) -> list[Message]:
        found = reactions.of_page(self._group, [row.n for row in rows], contiguous)
        return [message_rows.read(row, found.get(row.n)) for row in rows]

    def _older(self, known: Place, last: int, limit: int) -> list[Message]:
        if limit < 1:
            return []
        self._group.flush()
        which = {"low": known.low, "high": last, "limit": limit}
        rows = self._group.connection.execute(_OLDER, which).all()
        return self._many(rows[::-1], contiguous=True)

    def _newer(self, known: Place, first: int, limit: int) -> list[Message]:
        if limit < 1:
            return []
        self._group.flush()
        which = {"low": first, "high": known.high, "limit": limit}
        return self._many(self._group.connection.execute(_FIRST_ROWS, which).all(), contiguous=True)

    def _wipe(self, rows: Sequence[Row[Any]]) -> None:
        """Delete these messages and what hangs on them."""
        ns = [row.n for row in rows]
        self._group.search.removed(self._group, [(row.n, row.content) for row in rows])
        self._group.connection.execute(_DELETE, {"ns": ns})
        reactions.remove_all(self._group, ns)
        pings.remove_all(self._group, ns)
        hidden = [id_ for row in rows for id_ in message_rows.attachments_of(row.extra)]
        StoredAttachments(self._group).hide(hidden)
        asking = [row.id for row in rows if row.extra is not None and '"poll"' in row.extra]
        if asking:
            polls.remove(self._group.connection, messages=asking)
