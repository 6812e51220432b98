"""Subscriptions to web push, and the key pair that they are bound to."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from db.push_subscriptions import MAX_PER_USER, PushSubscriptions, Subscription
from db.store import Store
from db.vapid import VapidKeys
from tests.db.conftest import Disk, group


def subscription(name: str, user: str = "ann", at: float = 1.0, used: float | None = None) -> Subscription:
    return Subscription(
        endpoint=f"https://push.example/{name}", user_id=user, p256dh="p", auth="a", created_at=at,
        last_used=at if used is None else used,
    )  # fmt: skip


def names(endpoints: list[str]) -> list[str]:
    return [endpoint.rpartition("/")[2] for endpoint in endpoints]


def test_subscriptions_are_there_again_after_a_start(disk: Disk) -> None:
    store = disk.open()
    one, two = subscription("1"), subscription("2", "ben", at=2.0)
    with group(store) as tx:
        assert (tx.push.put(two), tx.push.put(one)) == ([], [])
    store = disk.open()
    with group(store) as tx:
        assert tx.push.all() == [one, two]
        assert tx.push.get(one.endpoint) == one
    assert store.push_subscriptions.of_user("ann") == (one,)
    assert (len(store.push_subscriptions), set(store.push_subscriptions.users())) == (2, {"ann", "ben"})


def test_an_endpoint_belongs_to_who_subscribed_last(store: Store) -> None:
    with group(store) as tx:
        tx.push.put(subscription("1", "ann"))
        tx.push.put(subscription("1", "ben"))
        assert tx.push.all() == [subscription("1", "ben")]
        endpoint = "https://push.example/1"
        assert (tx.push.remove(endpoint, "ann"), tx.push.remove(endpoint, "ben")) == (False, True)
        assert tx.push.remove(endpoint, "ben") is False


def test_the_one_that_was_used_least_recently_goes(store: Store) -> None:
    with group(store) as tx:
        for number in range(MAX_PER_USER):
            tx.push.put(subscription(str(number), at=float(number), used=50.0 if number == 0 else None))
        tx.push.put(subscription("other", "ben", at=0.0))
        assert names(tx.push.put(subscription("new", at=99.0))) == ["1"]
        assert tx.push.put(subscription("new", at=99.0)) == []
        assert len(tx.push.all()) == MAX_PER_USER + 1


def test_what_is_not_used_is_forgotten(store: Store) -> None:
    with group(store) as tx:
        for number in range(3):
            tx.push.put(subscription(str(number)))
        tx.push.touch("https://push.example/1", 100.0)
        assert sorted(names(tx.push.prune(50.0))) == ["0", "2"]
        tx.push.forget_user("ann")
        assert tx.push.all() == []


def test_the_index_moves_an_endpoint_to_its_new_user() -> None:
    index = PushSubscriptions([subscription("1"), subscription("2")])
    index.put(subscription("1", "ben"))
    assert (len(index.of_user("ann")), len(index.of_user("ben"))) == (1, 1)
    index.forget_user("ben")
    index.remove("https://push.example/2", "https://push.example/9")
    assert (len(index), set(index.users())) == (0, set())


def test_the_key_pair_is_made_once_and_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "vapid"
    keys = VapidKeys(folder).get()
    raw = base64.urlsafe_b64decode(keys.public + "==")
    assert (len(raw), raw[0]) == (65, 4)
    assert "=" not in keys.public
    assert json.loads((folder / "vapid_config.json").read_text())["public_key_b64"] == keys.public
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert VapidKeys(folder).get().public == keys.public


def test_the_files_of_upstream_are_taken_over(tmp_path: Path) -> None:
    folder = tmp_path / "vapid"
    public = VapidKeys(folder).get().public
    config = {"public_key_b64": public, "claims_email": "mailto:host@example.org"}
    (folder / "vapid_config.json").write_text(json.dumps(config))
    keys = VapidKeys(folder).get()
    assert (keys.public, keys.contact) == (public, "mailto:host@example.org")
    for broken in ("{", json.dumps({**config, "public_key_b64": "other"})):
        (folder / "vapid_config.json").write_text(broken)
        assert VapidKeys(folder).get().public == public
        assert json.loads((folder / "vapid_config.json").read_text())["public_key_b64"] == public
    assert VapidKeys(folder).get().contact == "mailto:host@example.org"


@pytest.mark.parametrize("broken", [b"", b"junk", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_broken_key_is_not_overwritten(tmp_path: Path, broken: bytes) -> None:
    (tmp_path / "private_key.pem").write_bytes(broken)
    with pytest.raises(OSError, match="does not hold a private key"):
        VapidKeys(tmp_path).get()
    assert (tmp_path / "private_key.pem").read_bytes() == broken
