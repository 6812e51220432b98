"""What plugins keep, on both databases."""

from __future__ import annotations

import pytest

from db import plugin_storage
from db.store import Store
from tests.db.conftest import Disk, group


def test_each_plugin_keeps_its_own_values(disk: Disk) -> None:
    store = disk.open()
    with group(store) as tx:
        kept = tx.plugin_storage
        assert kept.set("welcome", "a", "1")
        assert kept.set("bridge", "a", '"other"')
        assert kept.set("welcome", "a", '{"x": [2]}')
        assert kept.set("welcome", "b%_", "3")
    store = disk.open()
    with group(store) as tx:
        kept = tx.plugin_storage
        assert kept.get("welcome", "a") == '{"x": [2]}'
        assert kept.get("bridge", "a") == '"other"'
        assert kept.get("welcome", "nothing") is None
        assert kept.list("welcome", "") == {"a": '{"x": [2]}', "b%_": "3"}
        assert kept.list("welcome", "b%") == {"b%_": "3"}
        assert kept.list("welcome", "%") == {}
        assert kept.delete("welcome", "a")
        assert not kept.delete("welcome", "a")
        assert kept.get("bridge", "a") == '"other"'


def test_a_plugin_has_only_so_many_keys(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin_storage, "MAX_KEYS", 2)
    with group(store) as tx:
        kept = tx.plugin_storage
        assert [kept.set("p", key, "1") for key in "abc"] == [True, True, False]
        assert kept.set("p", "a", "2"), "a key that is there can be changed"
        assert kept.set("q", "c", "1"), "others have their own"
