"""Uploads: one record for each upload of each uploader. The bytes lie in the file store, shared by equal ones.

A record that is past its time is answered like one that does not exist; `forget_past` takes it away a little later.
Whatever ends an upload, an uploader's wish or the last message that shows it, ends its time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Row, and_, bindparam, func, or_, select

from db.schema import attachments

if TYPE_CHECKING:
    from db.group import Group

UNUSED_S = 3600.0
"""How long an upload waits for the message that shows it."""

_c = attachments.c
_INSERT = attachments.insert()
_BY_IDS = select(attachments).where(_c.id.in_(bindparam("ids", expanding=True)))
_current = or_(_c.expires_at.is_(None), _c.expires_at > bindparam("now"))
_OF_USER = select(attachments).where(_c.uploader_id == bindparam("user"), _current).order_by(_c.created_at, _c.id)
_USAGE = select(func.count(), func.coalesce(func.sum(_c.size), 0)).where(_c.uploader_id == bindparam("user"), _current)
_OLDEST_UNUSED = (
    select(attachments)
    .where(_c.uploader_id == bindparam("user"), _c.shown <= 0, _current)
    .order_by(_c.created_at, _c.id)
    .limit(bindparam("limit"))
)
_SHOW = attachments.update().where(_c.id == bindparam("of")).values(shown=_c.shown + bindparam("by"))
_END = attachments.update().where(_c.id.in_(bindparam("ids", expanding=True))).values(expires_at=bindparam("at"))
_NOT_SHOWN = select(_c.id).where(_c.id.in_(bindparam("ids", expanding=True)), _c.shown <= 0)
_PAST = (
    select(_c.id, _c.hash)
    .where(or_(_c.expires_at <= bindparam("now"), and_(_c.shown <= 0, _c.created_at < bindparam("before"))))
    .limit(bindparam("limit"))
)
_DELETE = attachments.delete().where(_c.id.in_(bindparam("ids", expanding=True)))
_RECORDED = select(_c.hash).where(_c.hash.in_(bindparam("hashes", expanding=True))).distinct()
_END_UNUSED = (
    attachments.update().where(_c.uploader_id == bindparam("user"), _c.shown <= 0).values(expires_at=bindparam("at"))
)
_DISOWN = attachments.update().where(_c.uploader_id == bindparam("user")).values(uploader_id=bindparam("to"))


class StoredAttachment(msgspec.Struct, frozen=True, kw_only=True):
    """One upload.

    hash: SHA-256 of the stored bytes, in hex. size: of the stored bytes. width, height: pixels, of pictures only.
    channel: id of the channel it was uploaded for. created_at, expires_at: unix seconds; None stays for ever. shown:
    how many messages show it.
    """

    id: str
    hash: str
    name: str
    mime_type: str
    size: int
    uploader_id: str
    channel: str
    created_at: float
    expires_at: float | None
    permanent: bool = False
    width: int | None = None
    height: int | None = None
    shown: int = 0


class StoredAttachments:
    """`tx.attachments`."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def add(self, attachment: StoredAttachment) -> None:
        self._group.connection.execute(_INSERT, msgspec.structs.asdict(attachment))

    def get(self, id: str, now: float) -> StoredAttachment | None:
        """None when it is unknown, or past its time at `now`."""
        return self.get_all([id], now).get(id)

    def get_all(self, ids: Sequence[str], now: float) -> dict[str, StoredAttachment]:
        """Those of the ids that are known and not past their time at `now`."""
        rows = self._group.connection.execute(_BY_IDS, {"ids": list(ids)})
        found = {row.id: _read(row) for row in rows}
        return {id_: each for id_, each in found.items() if each.expires_at is None or each.expires_at > now}

    def of_user(self, user_id: str, now: float) -> list[StoredAttachment]:
        """Those that are not past their time at `now`, oldest first."""
        return [_read(row) for row in self._group.connection.execute(_OF_USER, {"user": user_id, "now": now})]

    def usage(self, user_id: str, now: float) -> tuple[int, int]:
        """How many uploads a user has, and how many bytes they are."""
        number, size = self._group.connection.execute(_USAGE, {"user": user_id, "now": now}).one()
        return number, int(size)

    def oldest_unused(self, user_id: str, number: int, now: float) -> list[StoredAttachment]:
        """The user's oldest uploads that no message shows, at most `number` of them, oldest first."""
        which = {"user": user_id, "now": now, "limit": number}
        return [_read(row) for row in self._group.connection.execute(_OLDEST_UNUSED, which)]

    def show(self, ids: Iterable[str]) -> None:
        """A message shows these from now on."""
        self._count(ids, 1)

    def hide(self, ids: Sequence[str]) -> None:
        """One message for each time that an id is given does not show it any more. What no message shows then is past
        its time."""
        if not ids:
            return
        self._count(ids, -1)
        left = list(self._group.connection.execute(_NOT_SHOWN, {"ids": list(set(ids))}).scalars())
        self.end(left)

    def end(self, ids: Sequence[str]) -> None:
        """Their time is over now."""
        if ids:
            self._group.connection.execute(_END, {"ids": list(ids), "at": self._group.now})

    def disown(self, user_id: str) -> None:
        """Whoever has this user id from now on is somebody else: what messages show stays with them, the rest ends."""
        self._group.connection.execute(_END_UNUSED, {"user": user_id, "at": self._group.now})
        self._group.connection.execute(_DISOWN, {"user": user_id, "to": f"former:{user_id}"})

    def forget_past(self, now: float, limit: int = 100) -> list[str]:
        """Delete up to `limit` records that are past their time, or that no message has shown within an hour; gives
        the hashes of their files, which others may use. For housekeeping."""
        rows = self._group.connection.execute(_PAST, {"now": now, "before": now - UNUSED_S, "limit": limit}).all()
        if rows:
            self._group.connection.execute(_DELETE, {"ids": [row.id for row in rows]})
        return list({row.hash for row in rows})

    def recorded(self, hashes: Sequence[str]) -> set[str]:
        """Those of the files that a record needs, past its time or not."""
        if not hashes:
            return set()
        return set(self._group.connection.execute(_RECORDED, {"hashes": list(hashes)}).scalars())

    def _count(self, ids: Iterable[str], by: int) -> None:
        rows = [{"of": id_, "by": by * times} for id_, times in Counter(ids).items()]
        if rows:
            self._group.connection.execute(_SHOW, rows)


def _read(row: Row[Any]) -> StoredAttachment:
    return StoredAttachment(**row._mapping)
