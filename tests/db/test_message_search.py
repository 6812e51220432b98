from __future__ import annotations

import pytest

from db import message_search
from db.store import Store
from tests.db.conftest import group, message


@pytest.mark.parametrize(
    "query", ["needle", "NEEDLE", "eed", "n", "ne", '"', "'", "%", "_", "\\", "*", "\0", "x" * 5000]
)
def test_search_finds_text_as_it_is(store: Store, query: str) -> None:
    with group(store) as tx:
        for i in range(message_search.BATCH + 10):
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
        for i in range(message_search.BATCH):
            tx.messages.add("general", message(f"a{i}", content="former"))
    with group(store) as tx:  # from here on they are in the index
        tx.messages.add("general", message("queued", content="former"))
        tx.messages.edit("general", "queued", "latter")
        tx.messages.edit("general", "a7", "latter")
        assert [m.id for m in tx.messages.search("general", "latter", 9)] == ["queued", "a7"]
        assert len(tx.messages.search("general", "former", 999)) == message_search.BATCH - 1


def test_hits_come_newest_first_after_an_edit(store: Store) -> None:
    with group(store) as tx:
        for id_ in ("old", "middle", "new"):
            tx.messages.add("general", message(id_, content="a word"))
    with group(store) as tx:
        tx.messages.edit("general", "middle", "another word")
        assert [m.id for m in tx.messages.search("general", "word", 9)] == ["new", "middle", "old"]


def test_a_search_checks_a_bounded_number_of_messages(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_search, "MAX_SCANNED", 10)
    monkeypatch.setattr(message_search, "BATCH", 1)
    with group(store) as tx:
        tx.messages.add("general", message("old", content="abcdef"))
        for i in range(20):  # all trigrams of the query that are looked up, but not the query
            tx.messages.add("general", message(f"m{i}", content="def abc"))
    with group(store) as tx:
        assert tx.messages.search("general", "abcdef", 5) == []
        assert len(tx.messages.search("general", "def abc", 5)) == 5
