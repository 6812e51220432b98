from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from db.merge import merge, same, take_back


class Record(msgspec.Struct, frozen=True):
    a: int = 0
    b: str = ""
    rules: dict[str, Any] = {}


records = st.builds(
    Record,
    a=st.integers(0, 3),
    b=st.sampled_from("xyz"),
    rules=st.dictionaries(st.sampled_from("pqr"), st.integers(0, 2)),
)
maybe = st.none() | records


@given(maybe, maybe)
def test_the_side_that_changed_nothing_loses_nothing(base: Record | None, other: Record | None) -> None:
    assert merge(base, base, other) == other or base is None
    assert merge(base, other, base) == other


@given(maybe, maybe, maybe)
def test_a_deletion_wins_over_an_edit(base: Record | None, theirs: Record | None, ours: Record | None) -> None:
    if base is not None and (theirs is None or ours is None):
        assert merge(base, theirs, ours) is None


@given(records, records, records)
def test_every_field_is_of_whoever_changed_it_and_theirs_in_doubt(base: Record, theirs: Record, ours: Record) -> None:
    merged = merge(base, theirs, ours)
    assert merged is not None
    assert merged.a == (ours.a if theirs.a == base.a else theirs.a)
    assert merged.b == (ours.b if theirs.b == base.b else theirs.b)
    for key in "pqr":
        wins = ours if theirs.rules.get(key) == base.rules.get(key) else theirs
        assert merged.rules.get(key) == wins.rules.get(key)


@given(st.lists(st.tuples(maybe, maybe), max_size=3), maybe, maybe, maybe)
def test_differences_made_again_are_as_if_they_had_come_last(
    edits: list[tuple[Record | None, Record | None]], old: Record | None, new: Record | None, start: Record | None
) -> None:
    """What the writer relies on: it makes hand edits again after a command that did not know of them."""

    def edited(record: Record | None) -> Record | None:
        for before, after in edits:
            record = merge(before, after, record)
        return record

    assert edited(merge(old, new, edited(start))) == edited(merge(old, new, start))


@given(maybe, maybe)
def test_a_change_taken_back_leaves_what_was(old: Record | None, new: Record | None) -> None:
    assert take_back(old, new, new) == (old if old != new else new)


@given(records, records, st.integers(10, 20))
def test_taking_back_spares_what_changed_since(old: Record, new: Record, later: int) -> None:
    now = msgspec.structs.replace(new, a=later, rules={**new.rules, "z": later})
    back = take_back(old, new, now)
    assert back is not None
    assert (back.a, back.b, back.rules) == (later if old.a != new.a else now.a, old.b, {**old.rules, "z": later})


def test_values_that_only_python_holds_for_equal_are_different() -> None:
    assert not same({"x": 1}, {"x": True})
    assert not same([1], [1.0])
    assert same({"x": [1, "y"]}, {"x": [1, "y"]})
    assert merge(Record(rules={"x": 1}), Record(rules={"x": True}), Record(a=2, rules={"x": 1})) == Record(
        2, "", {"x": True}
    )
