"""The JSON documents as they are in memory. Owned by the event loop; the files belong to `document_file`.

A record is an immutable struct and is replaced whole. Every replacement is collected as a `Change`, which the journal
takes to the file; what the files say in return (hand edits) comes in by `apply_external`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import msgspec

from db.merge import merge, same, take_back

if TYPE_CHECKING:
    from db.channels import Channels
    from db.emojis import Emojis
    from db.roles import Roles
    from db.users import Users

R = TypeVar("R", bound=msgspec.Struct)

ORDER_KEY = "#order"
"""The key under which the order of a list document travels as if it were a record."""


MAX_FAILED = 100
"""Records of which failed changes are remembered, to be taken back together."""


class Order(msgspec.Struct, frozen=True):
    """The order of a list document. Keys that it does not name come after the others, sorted (ids rise with time)."""

    keys: tuple[str, ...] = ()

    def sort(self, existing: Iterable[str]) -> list[str]:
        """The existing keys in this order."""
        rest = dict.fromkeys(existing)
        listed = [key for key in self.keys if key in rest]
        for key in listed:
            del rest[key]
        return listed + sorted(rest)


class Change(msgspec.Struct, frozen=True):
    """One record before and after; None where there is none.

    external: for a hand edit its number within the document; for a command the newest hand edit that was in memory when
    it was made. By this the writer knows which hand edits a command did not know of.
    """

    document: str
    key: str
    old: Any
    new: Any
    external: int = 0


class Document(Generic[R]):
    """The records of one document, by key, in the order of the file."""

    name: ClassVar[str]

    def __init__(self, records: Iterable[R] = ()) -> None:
        self._records: dict[str, R] = {}
        self._changes: list[Change] = []
        self._lazy: dict[str, R] = {}
        self._failed: dict[str, list[Change]] = {}
        self._external = 0
        self.on_change: Callable[[Change], None] | None = None
        for record in records:
            self._assign(self.key(record), record)

    def key(self, record: R) -> str:
        raise NotImplementedError

    def get(self, key: str) -> R | None:
        return self._records.get(key)

    def values(self) -> Iterable[R]:
        return self._records.values()

    def __iter__(self) -> Iterator[R]:
        return iter(self.values())

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, key: object) -> bool:
        return key in self._records

    def put(self, record: R) -> None:
        """Add, or replace the record of the same key."""
        self._put(self.key(record), record)

    def remove(self, key: str) -> R | None:
        """Gives the removed record; None when there was none."""
        old = self._records.get(key)
        if old is not None:
            self._put(key, None)
        return old

    def put_lazily(self, record: R) -> None:
        """Like `put` for what may be lost in a crash (status, last seen): written by the next `take_lazy`."""
        key = self.key(record)
        old = self._records.get(key)
        if old is None:
            self._put(key, record)
        elif not same(old, record):
            self._lazy.setdefault(key, old)
            self._set(key, old, record)

    def take_lazy(self) -> list[Change]:
        """The lazy changes since the last call, one a record."""
        lazy, self._lazy = self._lazy, {}
        return [
            Change(self.name, key, known, self._records[key], self._external)
            for key, known in lazy.items()
            if not same(known, self._records[key])
        ]

    def undo(self, change: Change) -> None:
        """Take back a change that could not be written. What was changed again since stays as it is."""
        now = self._value(change.key)
        restored = take_back(change.old, change.new, now)
        for earlier in reversed(self._failed.get(change.key, ())):
            # What stayed because this change came after it; without this change it goes as well.
            restored = take_back(earlier.old, earlier.new, restored)
        if change.old is not None and change.new is not None and restored is not None and restored is not change.old:
            self._failed.setdefault(change.key, []).append(change)
            if len(self._failed) > MAX_FAILED:
                self._failed.clear()
        if not same(restored, now):
            if restored is None:
                self._lazy.pop(change.key, None)
            elif change.key in self._records:
                # Said once more when there is time: a lazy change that this one had overtaken was never written.
                self._lazy.setdefault(change.key, now)
            self._set(change.key, now, restored)

    def apply_external(self, change: Change) -> Change | None:
        """Make a hand edit on the record as it is by now. Gives what that changed in memory, None for nothing."""
        self._external = max(self._external, change.external)
        now = self._value(change.key)
        merged = merge(change.old, change.new, now)
        if change.key in self._lazy:
            known = merge(change.old, change.new, self._lazy[change.key])
            if known is None:
                del self._lazy[change.key]
            else:
                self._lazy[change.key] = known
        if same(merged, now):
            return None
        return self._set(change.key, now, merged)

    def _put(self, key: str, new: Any) -> None:
        old = self._value(key)
        if same(old, new):
            return
        if key in self._lazy:
            # The writer does not know of the lazy change yet: what it knows moves along by this change only.
            known = merge(old, new, self._lazy.pop(key))
            if known is not None:
                self._lazy[key] = known
        self._changes.append(self._set(key, old, new))

    def _set(self, key: str, old: Any, new: Any) -> Change:
        self._assign(key, new)
        change = Change(self.name, key, old, new, self._external)
        if self.on_change is not None:
            self.on_change(change)
        return change

    def _value(self, key: str) -> Any:
        """The record, or the pseudo record, of this key."""
        return self._records.get(key)

    def _assign(self, key: str, new: Any) -> None:
        """Every change of memory passes here; subclasses keep their indexes by it."""
        if new is None:
            self._records.pop(key, None)
        else:
            self._records[key] = new


class Documents:
    """All documents, and the changes of all of them in one order."""

    def __init__(self, users: Users, roles: Roles, channels: Channels, emojis: Emojis) -> None:
        self.users = users
        self.roles = roles
        self.channels = channels
        self.emojis = emojis
        every: tuple[Document[Any], ...] = (users, roles, channels, emojis)
        self._all: dict[str, Document[Any]] = {document.name: document for document in every}
        self._changes: list[Change] = []
        for document in self._all.values():
            document._changes = self._changes

    @property
    def on_change(self) -> Callable[[Change], None] | None:
        """Called for every change of memory, whatever its cause, right after it."""
        return self.users.on_change

    @on_change.setter
    def on_change(self, hook: Callable[[Change], None] | None) -> None:
        for document in self._all.values():
            document.on_change = hook

    def take_changes(self) -> tuple[Change, ...]:
        """The changes since the last call, in order. They are given to the journal."""
        if not self._changes:
            return ()
        taken = tuple(self._changes)
        self._changes.clear()
        return taken

    def take_lazy(self) -> tuple[Change, ...]:
        """The lazy changes since the last call; call it every few seconds and give them to the journal."""
        return tuple(change for document in self._all.values() for change in document.take_lazy())

    def undo(self, changes: Sequence[Change]) -> None:
        """Take back changes that the journal could not write."""
        for change in reversed(changes):
            self._all[change.document].undo(change)

    def apply_external(self, changes: Iterable[Change]) -> list[Change]:
        """Take over hand edits that the journal found. Gives what they changed in memory, in order."""
        effective = (self._all[change.document].apply_external(change) for change in changes)
        return [change for change in effective if change is not None]
