"""Messages that are stored many at a time stand as if each had been written: found, counted, called, and followed."""

from __future__ import annotations

from typing import Any

import pytest

from db import bulk
from db.bulk import BulkMessages, NewMessage
from db.database import open_database
from tests.db.conftest import Disk, group, ids_of, message


def new(id: str, timestamp: float, targets: frozenset[str] = frozenset(), **fields: Any) -> NewMessage:
    return NewMessage(message(id, timestamp=timestamp, **fields), targets)


def test_bulk_messages_are_read_like_written_ones(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "INDEXED_AT_ONCE", 500)
    with group(disk.open()) as tx:
        tx.messages.add("general", message("first", content="a word", timestamp=1.0))
    disk.close()
    engine = open_database(disk.url)
    with engine.begin() as connection:
        writer = BulkMessages(connection)
        assert writer.newest_timestamp("general") == 1.0
        batch = [new(f"m{i:03}", 2.0 + i, content=f"word {i}") for i in range(200)]
        assert writer.add("general", batch) == []
        loud = new("loud", 1.0, frozenset({"u:ben"}), content="Große Worte", reactions={"👍": ["ann", "ben"]})
        assert writer.add("other", [loud]) == []
        (left_out,) = writer.add("other", [new("m000", 2.0), new("own", 3.0, content="100%")])
        assert left_out.id == "m000", "an id is there once"
        assert writer.ids_in("other").keys() == {"loud", "own"}
        writer.finish()
    engine.dispose()

    store = disk.open()
    with group(store) as tx:
        assert ids_of(tx.messages.newest("general", 3)) == ["m197", "m198", "m199"]
        assert [one.id for one in tx.messages.search("general", "WORD", 2)] == ["m199", "m198"]
        assert [one.id for one in tx.messages.search("general", "a word", 9)] == ["first"]
        assert [one.id for one in tx.messages.search("other", "grosse", 9)] == ["loud"]
        assert [one.id for one in tx.messages.search("other", "0%", 9)] == ["own"]
        loud_one = tx.messages.get("other", "loud")
        assert loud_one is not None
        assert loud_one.reactions == {"👍": ["ann", "ben"]}
        assert tx.messages.pings("ben", [], ["general", "other"], 5) == ([("other", loud_one)], 1)
        assert tx.messages.count("general") == 201
        tx.messages.add("general", message("next", content="the last word", timestamp=500.0))
    assert store.heads["general"].id == "next"
    with group(store) as tx:
        assert [one.id for one in tx.messages.search("general", "word", 2)] == ["next", "m199"]
        assert ids_of(tx.messages.newest("general", 2)) == ["m199", "next"]
