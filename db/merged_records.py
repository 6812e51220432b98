"""What a document should hold: hand edits and the changes of commands, merged. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from db.document_format import Format
from db.documents import ORDER_KEY, Change, Order
from db.merge import merge, same

MAX_UNSEEN = 10_000
"""Hand edits of which it is remembered that a command may not have known of them."""

Records = dict[str, Any]
Edit = tuple[str, Any, Any]
"""(key, before, after)"""


class MergedRecords:
    def __init__(self, format: Format[Any]) -> None:
        self.records: Records = {}
        """Replaced, never changed."""
        self.unsaved: set[str] = set()
        """Keys whose row in the database is not as it should be."""
        self.unannounced: set[str] = set()
        """Those of hand edits that the log does not know of yet."""
        self._format = format
        self._number = 0
        self._unseen: dict[str, list[Change]] = {}
        self._unseen_count = 0
        self._found: list[Change] = []

    def take_edits(self, base: Records, theirs: Records, disk: Records, pending: bool) -> tuple[bool, bool]:
        """Carry the difference between two versions of the file over to `records`.

        disk: what the file holds. pending: `records` are ahead of it. Gives whether that changed something, and whether
        something was changed that is in no file, so that one must be written.
        """
        ours = dict(self.records)
        edits: list[Edit] = []
        for key in dict.fromkeys((*base, *theirs)):
            before, after, now = base.get(key), theirs.get(key), ours.get(key)
            if before is after or key == ORDER_KEY:
                continue
            merged = merge(before, after, now)
            if not same(merged, now):
                _set(ours, key, merged)
                edits.append((key, now, merged))
        if self._format.is_list:
            edits += self._reordered(base, theirs, ours, pending)
        else:  # the order of the file is kept
            ours = {key: ours[key] for key in theirs if key in ours} | ours
        settled = self._settle(ours, disk)
        self.records = ours
        if self._unseen_count > MAX_UNSEEN:
            self.forget_unseen()
        for key, now, merged in edits + settled:
            self.edited(key, now, merged)
        return bool(edits or settled), bool(settled)

    def commanded(self, changes: Sequence[Change], disk: Records) -> tuple[Records, list[Edit]]:
        """What `records` will be with these changes of commands, and what must be changed besides to keep it valid.

        A hand edit wins over a command that did not know of it where both changed the same field. To that end, after
        a command's change the hand edits that it did not know of are made once more: then everything is as if they had
        come after it, which is the order in which the loop's memory sees them.
        """
        if min((change.external for change in changes), default=0) >= self._number:
            self.forget_unseen()
        ours = dict(self.records)
        for change in changes:
            record = merge(change.old, change.new, ours.get(change.key))
            for edit in self._unseen.get(change.key, ()):
                if edit.external > change.external:
                    record = merge(edit.old, edit.new, record)
            _set(ours, change.key, record)
        return ours, self._settle(ours, disk)

    def edited(self, key: str, old: Any, new: Any) -> None:
        """Give this change out as a hand edit."""
        self._number += 1
        change = Change(self._format.document, key, old, new, self._number)
        self._found.append(change)
        self._unseen.setdefault(key, []).append(change)
        self._unseen_count += 1
        self.unsaved.add(key)
        self.unannounced.add(key)

    def found_again(self, change: Change) -> None:
        """A hand edit that was given out and got lost on the way: give it out once more."""
        self._found.append(change)

    def take_found(self) -> list[Change]:
        """The hand edits since the last call."""
        found, self._found = self._found, []
        return found

    def forget_unseen(self) -> None:
        """Every command from now on knows of all hand edits so far."""
        self._unseen.clear()
        self._unseen_count = 0

    def _reordered(self, base: Records, theirs: Records, ours: Records, pending: bool) -> list[Edit]:
        """An added or deleted record by itself is no new order, so that it does not undo a move by a command."""
        now = ours.get(ORDER_KEY, Order())
        listed = theirs[ORDER_KEY].keys
        before = base.get(ORDER_KEY, Order()).sort(key for key in base if key != ORDER_KEY)
        moved = Order(tuple(before)).sort(listed) != list(listed)
        if not moved and (pending or now.sort(listed) == list(listed)):
            return []
        new = Order(tuple(theirs[ORDER_KEY].sort(key for key in ours if key != ORDER_KEY)))
        ours[ORDER_KEY] = new
        return [(ORDER_KEY, now, new)] if new != now else []

    def _settle(self, ours: Records, disk: Records) -> list[Edit]:
        edits = []
        for record in self._format.settle(ours, disk):
            key = self._format.key(record)
            edits.append((key, ours[key], record))
            ours[key] = record
        return edits


def _set(records: Records, key: str, record: Any) -> None:
    if record is None:
        records.pop(key, None)
    else:
        records[key] = record
