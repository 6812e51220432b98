"""The table of webhooks and its index."""

from __future__ import annotations

from db.store import Store
from db.webhooks import Webhook, Webhooks, hash_of
from tests.db.conftest import Disk, group


def webhook(id: str, channel: str = "c1", **fields: object) -> Webhook:
    values = {"id": id, "channel": channel, "name": id, "token_hash": hash_of(id), "created_by": "u", "created_at": 1.0}
    return Webhook(**{**values, **fields})  # type: ignore[arg-type]


def test_webhooks_are_there_again_after_a_start(disk: Disk) -> None:
    store = disk.open()
    one, two = webhook("w1", avatar="https://a.example/x"), webhook("w2", "c2", generation=None, created_at=2.0)
    with group(store) as tx:
        tx.webhooks.add(two)
        tx.webhooks.add(one)
    with group(store) as tx:
        assert tx.webhooks.all() == [one, two]
        assert (tx.webhooks.get("w1"), tx.webhooks.get("w9")) == (one, None)
        assert (tx.webhooks.count("c1"), tx.webhooks.count("c9")) == (1, 0)
    store = disk.open()
    assert (store.webhooks.get("w1"), store.webhooks.by_token("w2"), store.webhooks.by_token("w3")) == (one, two, None)


def test_a_webhook_changes_and_goes(store: Store) -> None:
    with group(store) as tx:
        for each in (webhook("w1"), webhook("w2"), webhook("w3", "c2")):
            tx.webhooks.add(each)
    with group(store) as tx:
        assert tx.webhooks.update("w1", name="new", avatar=None, token_hash=b"h", generation=1) == webhook(
            "w1", name="new", token_hash=b"h", generation=1
        )
        assert tx.webhooks.update("w9", name="new") is None
        assert (tx.webhooks.delete("w2"), tx.webhooks.delete("w2")) == (True, False)
        tx.webhooks.forget_channel("c2")
        assert [each.id for each in tx.webhooks.all()] == ["w1"]


def test_the_index_finds_only_the_newest_token() -> None:
    index = Webhooks([webhook("w1"), webhook("w2"), webhook("w3", "c2")])
    index.put(webhook("w1", token_hash=hash_of("other")))
    assert index.by_token("w1") is None
    assert index.by_token("other") is index.get("w1")
    index.remove("w2")
    index.remove("w2")
    assert (index.get("w2"), index.by_token("w2")) == (None, None)
    index.forget_channel("c1")
    assert (index.by_token("other"), index.by_token("w3") is None) == (None, False)
