"""Erasing a user from the tables: step by step, whatever interrupts it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from db import erasure
from db.audit import AuditEntry
from db.erasure import DELETED_USER, Erased
from db.schema import (
    attachments,
    metadata,
    poll_votes,
    push_subscriptions,
    thread_participants,
    threads,
    webhooks,
)
from db.store import Store
from db.transaction import Transaction
from tests.db.conftest import Clock, Disk, group, message

ANN, BEN = "USR:local_ann", "USR:local_ben"


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure, "SCANNED_MESSAGES", 7)
    monkeypatch.setattr(erasure, "BATCH", 3)
    monkeypatch.setattr(erasure, "SCANNED_EVENTS", 4)
    monkeypatch.setattr(erasure, "SCANNED_ENTRIES", 2)


def fill(store: Store, at: float) -> None:
    with group(store) as tx:
        for number in range(24):
            place, ann = f"place{number % 3}", number % 4 != 0
            id_, content = f"m{number:02}", f"annssecret {number}" if ann else f"of ben {number}"
            author = ANN if ann else BEN
            answer: dict[str, Any] = {"reply_to": "m01", "reply_user": ANN} if number == 12 else {}
            each = message(id_, user_id=author, content=content, timestamp=at + number / 100, **answer)
            tx.messages.add(place, each, pinged_users=[ANN] if number == 16 else [], nonce=f"n{number}")
            packet = {"cmd": "message_new", "message": {"user": author, "content": content}}
            tx.log.append("channel:c", "message_new", msgspec.json.encode(packet), id_)
            tx.audit.add(entry(number, author, at))
        interaction = {"interaction": {"command": "nick", "username": ANN}}
        tx.messages.add("place2", message("m24", user_id="bot", content="done", timestamp=at, extra=interaction))
        for emoji in "abcde":
            tx.messages.add_reaction("place0", "m12", emoji, ANN)
        tx.messages.add_reaction("place0", "m12", "a", BEN)
        tx.log.append("all", "user_join", msgspec.json.encode({"user": {"username": ANN, "nickname": "annie"}}))
        tx.log.append(f"user:{ANN}", "channels_get", b"")
        tx.log.append("all", "nickname_update", msgspec.json.encode({"user": BEN, "nickname": "benny"}))
        tx.reads.set(ANN, "place0", "m12")
        tx.reads.set(BEN, "place0", "m12")
        fill_plainly(tx)


def entry(number: int, author: str, at: float) -> AuditEntry:
    return AuditEntry(
        id=f"e{number}",
        action="message_delete",
        actor_id=BEN if number % 2 else ANN,
        actor_name=BEN if number % 2 else ANN,
        target_id=f"m{number:02}",
        target_name=author,
        details={"channel": "general", "author": author},
        before={"names": ["x", author]},
        timestamp=at,
    )


def fill_plainly(tx: Transaction) -> None:
    """The tables of which there is nothing more to know here than whose a row is."""
    for user in (ANN, BEN):
        rows: list[tuple[Any, dict[str, Any]]] = [
            (
                threads,
                {
                    "id": f"t{user}"[:3] + user[-3:],
                    "name": "x",
                    "parent": "f",
                    "created_by": user,
                    "created_at": 1.0,
                    "locked": False,
                    "archived": False,
                },
            ),
            (thread_participants, {"thread": "t", "user_id": user}),
            (
                webhooks,
                {
                    "id": f"w{user[-3:]}",
                    "channel": "c",
                    "name": "w",
                    "token_hash": user[-3:].encode(),
                    "created_by": user,
                    "created_at": 1.0,
                },
            ),
            (
                push_subscriptions,
                {
                    "endpoint": f"https://push.example/{user}",
                    "user_id": user,
                    "p256dh": "k",
                    "auth": "a",
                    "created_at": 1.0,
                    "last_used": 1.0,
                },
            ),
            (
                attachments,
                {
                    "id": f"a{user[-3:]}",
                    "hash": "h",
                    "name": f"{user}s cat.png",
                    "mime_type": "image/png",
                    "size": 1,
                    "uploader_id": user,
                    "channel": "c",
                    "created_at": 1.0,
                    "permanent": True,
                },
            ),
            (poll_votes, {"poll": "p", "user_id": user, "option_id": "o", "voted_at": 1.0}),
        ]
        for table, values in rows:
            for column in table.c:
                if column.name not in values and not column.nullable and not column.primary_key:
                    values[column.name] = 0
            tx.connection.execute(table.insert(), values)


def begin(store: Store, clock: Clock) -> None:
    with group(store) as tx:
        tx.erasures.begin(ANN, ANN, "annie", clock.now)
        tx.log.append("all", "user_leave", msgspec.json.encode({"username": "somebody"}))


def steps(disk: Disk, reopen: bool) -> list[Erased]:
    """Until it is done; `reopen`: the server starts anew after each step, and loses a step that is not committed."""
    store, done = disk.open(), []
    for _ in range(200):
        if reopen:
            tx = store.begin()
            under_way = tx.erasures.next()
            assert under_way is not None
            tx.erasures.step(under_way)
            tx.rollback()
            store = disk.open()
        with group(store) as tx:
            under_way = tx.erasures.next()
            assert under_way is not None
            done.append(tx.erasures.step(under_way))
        if done[-1].done:
            return done
    raise AssertionError("it never ends")


def everything(store: Store) -> dict[str, str]:
    """Table -> all of its rows, as text."""
    with group(store) as tx:
        return {
            table.name: "\n".join(str(tuple(row)) for row in tx.connection.execute(select(table)))
            for table in metadata.sorted_tables
        }


@pytest.mark.parametrize("reopen", [False, True])
def test_nothing_of_the_user_is_left_in_any_table(disk: Disk, clock: Clock, reopen: bool) -> None:
    store = disk.open()
    fill(store, clock.now - 10)
    before = everything(store)
    begin(store, clock)
    done = steps(disk, reopen)
    store = disk.open()
    after = everything(store)
    for table, rows in after.items():
        assert "annssecret" not in rows, table
        assert ANN not in rows, table
        assert "annie" not in rows, table
        assert before[table].count(BEN) == rows.count(BEN), f"{table} keeps what others have"
    with group(store) as tx:
        assert tx.erasures.next() is None
        assert [tx.messages.count(f"place{number}") for number in range(3)] == [2, 2, 3]
        assert tx.messages.search("place1", "annssecret", 10) == []
        answer = tx.messages.get("place0", "m12")
        assert answer is not None
        assert (answer.reply_to, answer.reply_user, answer.reactions) == ("m01", None, {"a": [BEN]})
        answered = tx.messages.get("place2", "m24")
        assert answered is not None
        assert answered.extra["interaction"] == {"command": "nick", "username": DELETED_USER}
        assert DELETED_USER in after["modlog"]
        assert "nickname_update" in after["events"]
    told = [id_ for each in done for _, id_ in each.messages]
    assert sorted(told) == [f"m{number:02}" for number in range(24) if number % 4]
    assert [emoji for each in done for _, _, emoji in each.reactions] == list("abcde")
    assert max(len(each.messages) for each in done) <= 3


def test_what_came_after_belongs_to_the_next_of_that_name(disk: Disk, clock: Clock) -> None:
    store = disk.open()
    fill(store, clock.now - 10)
    begin(store, clock)
    with group(store) as tx:
        tx.messages.add("place0", message("new", user_id=ANN, content="hello again", timestamp=clock.now + 1))
        tx.messages.add_reaction("place0", "m12", "z", ANN)
        packet = {"cmd": "message_new", "message": {"user": ANN, "content": "hello again"}}
        seq = tx.log.append("channel:c", "message_new", msgspec.json.encode(packet), "new")
    steps(disk, reopen=False)
    with group(disk.open()) as tx:
        assert tx.messages.get("place0", "new") is not None
        answer = tx.messages.get("place0", "m12")
        assert answer is not None
        assert answer.reactions == {"a": [BEN], "z": [ANN]}
        assert tx.log.created("new") == seq


def test_numbers_and_positions_stay_true(disk: Disk, clock: Clock) -> None:
    store = disk.open()
    fill(store, clock.now - 10)
    with group(store) as tx:
        newest = tx.log.newest()
    begin(store, clock)
    steps(disk, reopen=False)
    with group(disk.open()) as tx:
        assert tx.log.newest() == newest + 1
        left = tx.messages.newest("place0", 10)
        assert [tx.messages.around("place0", each.id, 0, 0) for each in left] == [
            ([each], position) for position, each in enumerate(left)
        ]
        assert tx.messages.newest_id("place0") == left[-1].id
