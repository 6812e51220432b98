"""Three-way merge of records, field by field. Pure.

Everything that changes a document, a command as well as a hand edit, is a difference (`base` -> `theirs`) that is
carried over to whatever the record is by then (`ours`). A difference sets the fields it touches and asks nothing of
their value, which is what lets the loop's memory and the writer's copy end up equal in every order of delivery (see
`shared_file.DocumentFile.apply`).
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

R = TypeVar("R", bound=msgspec.Struct)

_encode = msgspec.json.Encoder().encode


def same(a: Any, b: Any) -> bool:
    """Equal, and equal as JSON too (in Python 1 == True == 1.0)."""
    return a is b or (a == b and bool(_encode(a) == _encode(b)))


def merge(base: R | None, theirs: R | None, ours: R | None) -> R | None:
    """`ours` with the difference from `base` to `theirs` made on it.

    Where both changed the same field, theirs wins; dictionaries (`permissions`, `extra`) are merged key by key. None is
    a record that does not exist: deletion wins over an edit, whichever side deleted; a record made anew is taken whole.
    """
    if theirs is None or base is None:
        return theirs if base is not None or theirs is not None else ours
    if ours is None or base is theirs:
        return ours
    if ours is base:
        return theirs
    fields = {}
    for name in base.__struct_fields__:
        before, after = getattr(base, name), getattr(theirs, name)
        if same(before, after):
            continue
        if isinstance(before, dict):
            after = _merge_dict(before, after, getattr(ours, name))
        fields[name] = after
    return msgspec.structs.replace(ours, **fields) if fields else ours


def take_back(old: R | None, new: R | None, current: R | None) -> R | None:
    """`current` without the change from `old` to `new`: what was changed again since stays as it is."""
    if old is None:
        return None
    if new is None:
        return old if current is None else current
    if current is None or current is new:
        return old if current is new else None
    fields = {}
    for name in new.__struct_fields__:
        before, after, now = getattr(old, name), getattr(new, name), getattr(current, name)
        if same(before, after):
            continue
        if isinstance(after, dict):
            changed = [key for key in before.keys() | after.keys() if not same(before.get(key), after.get(key))]
            untouched = {key for key in changed if same(after.get(key), now.get(key))}
            kept = {key: value for key, value in now.items() if key not in untouched}
            fields[name] = kept | {key: value for key, value in before.items() if key in untouched}
        elif same(now, after):
            fields[name] = before
    return msgspec.structs.replace(current, **fields) if fields else current


def _merge_dict(base: dict[str, Any], theirs: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    merged = dict(ours)
    for key in base:
        if key not in theirs:
            merged.pop(key, None)
    for key, value in theirs.items():
        if key not in base or not same(base[key], value):
            merged[key] = value
    return merged
