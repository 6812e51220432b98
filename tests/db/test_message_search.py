from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from db import message_search, search_postgresql, search_sqlite
from db.search_sqlite import BATCH
from db.store import Store
from tests.db.conftest import Clock, Disk, group, message
from tests.support.databases import PostgresServer, SqliteFiles


@pytest.mark.parametrize(
    "query", ["needle", "NEEDLE", "eed", "n", "ne", '"', "'", "%", "_", "\\", "*", "\0", "x" * 5000]
)
def test_search_finds_text_as_it_is(store: Store, query: str) -> None:
    with group(store) as tx:
        for i in range(BATCH + 10):
            tx.messages.add("general", message(f"a{i}", content="hay"))
        tx.messages.add("general", message("hit", content=f"before {query} after"))
        tx.messages.add("other", message("elsewhere", content=query))
    with group(store) as tx:
        assert [m.id for m in tx.messages.search("general", query.swapcase(), 5) if m.content != "hay"] == ["hit"]


def test_case_is_folded_beyond_ascii(store: Store) -> None:
    with group(store) as tx:
        tx.messages.add("general", message("m1", content="Große Straße ΣΊΣΥΦΟΣ ЖУК"))
        for query in ("GROSSE", "strasse", "σίσυφος", "жук", "ж"):
            assert [m.id for m in tx.messages.search("general", query, 1)] == ["m1"]


def test_an_edit_is_found_by_its_new_text_only(store: Store) -> None:
    with group(store) as tx:
        for i in range(BATCH):
            tx.messages.add("general", message(f"a{i}", content="former"))
    with group(store) as tx:  # from here on they are in the index
        tx.messages.add("general", message("queued", content="former"))
        tx.messages.edit("general", "queued", "latter")
        tx.messages.edit("general", "a7", "latter")
        assert [m.id for m in tx.messages.search("general", "latter", 9)] == ["queued", "a7"]
        assert len(tx.messages.search("general", "former", 999)) == BATCH - 1


def test_hits_come_newest_first_after_an_edit(store: Store) -> None:
    with group(store) as tx:
        for id_ in ("old", "middle", "new"):
            tx.messages.add("general", message(id_, content="a word"))
    with group(store) as tx:
        tx.messages.edit("general", "middle", "another word")
        assert [m.id for m in tx.messages.search("general", "word", 9)] == ["new", "middle", "old"]


def test_a_search_checks_a_bounded_number_of_messages(
    sqlite: SqliteFiles, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_search, "MAX_SCANNED", 10)
    monkeypatch.setattr(search_sqlite, "BATCH", 1)
    disk = Disk(tmp_path, sqlite, clock)
    store = disk.open()
    with group(store) as tx:
        tx.messages.add("general", message("old", content="abcdef"))
        for i in range(20):  # all trigrams of the query that are looked up, but not the query
            tx.messages.add("general", message(f"m{i}", content="def abc"))
    with group(store) as tx:
        assert tx.messages.search("general", "abcdef", 5) == []
        assert len(tx.messages.search("general", "def abc", 5)) == 5
    disk.close()


def test_a_short_query_looks_at_the_newest_only(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_search, "MAX_SCANNED", 10)
    with group(store) as tx:
        for i in range(30):
            tx.messages.add("general", message(f"m{i:02}", content="xyz"))
        assert [m.id for m in tx.messages.search("general", "xy", 99)] == [f"m{i:02}" for i in range(29, 19, -1)]
        assert len(tx.messages.search("general", "xyz", 99)) == 30


@pytest.mark.parametrize("trouble", ["slow", "no index"])
def test_without_its_index_postgresql_searches_the_newest(
    postgres: PostgresServer, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr(message_search, "MAX_SCANNED", 10)
    disk = Disk(tmp_path, postgres, clock)
    store = disk.open()
    with group(store) as tx:
        for i in range(30):
            tx.messages.add("general", message(f"m{i}", content="needle"))
        if trouble == "no index":
            tx.connection.exec_driver_sql("DROP INDEX message_text_trigrams")
    if trouble == "slow":
        slow = select(func.pg_sleep(30))
        monkeypatch.setattr(search_postgresql, "_BY_INDEX", slow)
        monkeypatch.setattr(search_postgresql, "TIMEOUT_MS", 1)
    with group(store) as tx:
        tx.messages.add("general", message("last"))
        assert len(tx.messages.search("general", "needle", 99)) == 9
        assert tx.connection.exec_driver_sql("SHOW statement_timeout").scalar() == "0"
    with group(store) as tx:
        assert tx.messages.newest_id("general") == "last"
    disk.drop()
