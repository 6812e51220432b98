from __future__ import annotations

from typing import Any

from db.attachments import UNUSED_S, StoredAttachment
from db.store import Store
from tests.db.conftest import Clock, group, message


def upload(id: str, **fields: Any) -> StoredAttachment:
    return StoredAttachment(
        **{
            "id": id, "hash": id * 8, "name": f"{id}.png", "mime_type": "image/png", "size": 10, "uploader_id": "ann",
            "channel": "general", "created_at": 1_000_000.0, "expires_at": 2_000_000.0, **fields,
        }
    )  # fmt: skip


def test_an_upload_comes_back_as_it_was_until_its_time_is_over(store: Store) -> None:
    picture = upload("a", width=3, height=4, permanent=True, size=5_000_000_000)
    endless = upload("b", expires_at=None)
    with group(store) as tx:
        tx.attachments.add(picture)
        tx.attachments.add(endless)
        assert tx.attachments.get("a", 1_999_999.0) == picture
        assert tx.attachments.get("a", 2_000_000.0) is None
        assert tx.attachments.get("b", 9e9) == endless
        assert tx.attachments.get("c", 0.0) is None
        assert tx.attachments.get_all(["a", "b", "c"], 0.0) == {"a": picture, "b": endless}
        assert tx.attachments.of_user("ann", 0.0) == [picture, endless]
        assert tx.attachments.usage("ann", 0.0) == (2, 5_000_000_010)
        assert tx.attachments.usage("ann", 3e6) == (1, 10)
        assert tx.attachments.usage("ben", 0.0) == (0, 0)


def test_an_upload_goes_with_the_last_message_that_shows_it(store: Store, clock: Clock) -> None:
    shows = {"attachments": [{"id": "a"}, {"id": "b"}]}
    with group(store) as tx:
        tx.attachments.add(upload("a"))
        tx.attachments.add(upload("b"))
        tx.messages.add("general", message("m1", extra=shows))
        tx.attachments.show(["a", "b"])
        tx.messages.add("news", message("m2", extra={"attachments": [{"id": "a"}]}))
        tx.attachments.show(["a"])
    with group(store) as tx:
        tx.messages.delete("general", "m1")
        assert list(tx.attachments.get_all(["a", "b"], clock.now)) == ["a"]
        assert tx.attachments.forget_past(clock.now) == ["b" * 8]
        tx.messages.delete_place("news")
        assert tx.attachments.get("a", clock.now) is None
        assert tx.attachments.forget_past(clock.now) == ["a" * 8]
        assert tx.attachments.forget_past(clock.now) == []


def test_trimmed_messages_let_their_uploads_go(store: Store, clock: Clock) -> None:
    with group(store) as tx:
        for n in range(3):
            tx.attachments.add(upload(f"a{n}"))
            tx.messages.add("general", message(f"m{n}", extra={"attachments": [{"id": f"a{n}"}]}))
            tx.attachments.show([f"a{n}"])
        tx.messages.trim("general", 1)
        assert list(tx.attachments.get_all(["a0", "a1", "a2"], clock.now)) == ["a2"]


def test_what_no_message_shows_within_an_hour_is_forgotten(store: Store, clock: Clock) -> None:
    with group(store) as tx:
        for id_ in "abc":
            tx.attachments.add(upload(id_, created_at=clock.now, expires_at=None))
        tx.attachments.show(["b"])
        assert [each.id for each in tx.attachments.oldest_unused("ann", 1, clock.now)] == ["a"]
        assert [each.id for each in tx.attachments.oldest_unused("ann", 5, clock.now)] == ["a", "c"]
        assert tx.attachments.forget_past(clock.now + UNUSED_S) == []
        assert tx.attachments.forget_past(clock.now + UNUSED_S + 1, limit=1) == ["a" * 8]
        assert tx.attachments.forget_past(clock.now + UNUSED_S + 1) == ["c" * 8]
        assert tx.attachments.get("b", clock.now) is not None


def test_equal_bytes_are_needed_as_long_as_one_record_has_them(store: Store, clock: Clock) -> None:
    with group(store) as tx:
        tx.attachments.add(upload("a", hash="same"))
        tx.attachments.add(upload("b", hash="same", uploader_id="ben"))
        tx.attachments.end(["a"])
        assert tx.attachments.forget_past(clock.now) == ["same"]
        assert tx.attachments.recorded(["same", "other"]) == {"same"}
        tx.attachments.end(["b"])
        assert tx.attachments.recorded(["same"]) == {"same"}
        tx.attachments.forget_past(clock.now)
        assert tx.attachments.recorded(["same"]) == tx.attachments.recorded([]) == set()


def test_uploads_of_a_freed_user_id_belong_to_nobody(store: Store, clock: Clock) -> None:
    with group(store) as tx:
        tx.attachments.add(upload("a"))
        tx.attachments.add(upload("b"))
        tx.attachments.show(["b"])
        tx.attachments.disown("ann")
        assert tx.attachments.of_user("ann", clock.now) == []
        assert tx.attachments.get("a", clock.now) is None
        kept = tx.attachments.get("b", clock.now)
        assert kept is not None
        assert kept.uploader_id == "former:ann"
