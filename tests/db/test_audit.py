"""The moderation log in the database."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from db.audit import CATEGORIES, OTHER, AuditEntry
from db.store import Store
from tests.db.conftest import group

ALL = dict.fromkeys([*CATEGORIES, OTHER], 0.0)


def entry(number: int, action: str = "user_ban", **fields: object) -> AuditEntry:
    known = {"id": f"e{number:06}", "action": action, "actor_id": "mod", "actor_name": "Mod"}
    return AuditEntry(**known | {"timestamp": float(number)} | fields)  # type: ignore[arg-type]


def add(store: Store, *entries: AuditEntry) -> None:
    with group(store) as tx:
        for each in entries:
            tx.audit.add(each)


def test_entries_come_newest_first_and_as_they_were_given(store: Store) -> None:
    first = entry(1, target_id="ann", target_name="Ann", channel="c", details={"timeout": 5}, before={"timeout": 3})
    second = entry(2, "role_create")
    add(store, first, second, entry(3, kept=False))
    with group(store) as tx:
        assert tx.audit.find(oldest=ALL, limit=10) == ([second, first], 2)
        assert tx.audit.find(oldest=ALL, limit=1, offset=1) == ([first], 2)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"category": "role_management"}, [3]),
        ({"category": "other"}, [4]),
        ({"actor": "ann"}, [2]),
        ({"target": "ben"}, [2]),
        ({"action": "user_ban"}, [2, 1]),
        ({"after": 2.0}, [4, 3]),
        ({"action": "user_ban", "actor": "mod"}, [1]),
        ({"channels": []}, [4, 2, 1]),
        ({"channels": ["c"]}, [4, 3, 2, 1]),
    ],
)
def test_filters_are_combined_with_and(store: Store, filters: dict[str, object], found: list[int]) -> None:
    second = entry(2, actor_id="ann", target_id="ben")
    add(store, entry(1), second, entry(3, "role_create", channel="c"), entry(4, "something_else"))
    with group(store) as tx:
        entries, total = tx.audit.find(oldest=ALL, limit=10, **filters)  # type: ignore[arg-type]
    assert [each.timestamp for each in entries] == found
    assert total == len(found)


def test_entries_past_their_time_do_not_count_and_are_pruned(store: Store) -> None:
    add(store, entry(1), entry(5), entry(2, "role_create"), entry(3, "something_else"))
    oldest = ALL | {"user_moderation": 4.0, OTHER: 3.5}
    with group(store) as tx:
        entries, total = tx.audit.find(oldest=oldest, limit=10)
        assert ([each.timestamp for each in entries], total) == ([2.0, 5.0], 2)
        counts = {("user_moderation", "user_ban"): 1, ("role_management", "role_create"): 1}
        assert tx.audit.summary(oldest) == (counts, 2)
        assert tx.audit.prune(oldest) == 2
        assert tx.audit.prune(oldest) == 0
        assert tx.audit.find(oldest=ALL, limit=10)[1] == 2


def test_the_summary_looks_at_the_newest_entries_and_leaves_out_hidden_channels(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.audit.SUMMARY_ENTRIES", 2)
    add(store, entry(1), entry(2), entry(3, "message_pin", channel="c"), entry(4))
    with group(store) as tx:
        counts = {("message_moderation", "message_pin"): 1, ("user_moderation", "user_ban"): 1}
        assert tx.audit.summary(ALL) == (counts, 4)
        assert tx.audit.summary(ALL, ["other"]) == ({("user_moderation", "user_ban"): 2}, 3)


@pytest.mark.parametrize("filters", [{}, {"actor": "mod7"}, {"target": "t7"}, {"action": "user_ban"}])
def test_a_page_of_a_long_log_needs_no_sorting_of_all(store: Store, filters: dict[str, str]) -> None:
    """Pages are read from the newest entry backwards, or found by an index."""
    add(store, *(entry(n, actor_id=f"mod{n % 50}", target_id=f"t{n % 500}") for n in range(2_000)))
    with group(store) as tx:
        if tx.connection.dialect.name != "sqlite":
            pytest.skip("the plan is read as SQLite writes it")
        asked: list[str] = []
        execute = tx.connection.execute

        def listen(statement: object, *rest: object) -> object:
            asked.append(str(statement.compile(tx.connection, compile_kwargs={"literal_binds": True})))  # type: ignore[attr-defined]
            return execute(statement, *rest)  # type: ignore[call-overload]

        tx.connection.execute = listen  # type: ignore[method-assign,assignment]
        try:
            tx.audit.find(oldest=ALL, limit=100, **filters)  # type: ignore[arg-type]
        finally:
            del tx.connection.execute
        for question in asked:
            plan = [row[3] for row in execute(text(f"EXPLAIN QUERY PLAN {question}".replace(":", r"\:")))]
            assert not any("TEMP B-TREE" in step for step in plan), plan
            if filters.keys() & {"actor", "target"}:
                assert any("USING INDEX" in step for step in plan), plan
