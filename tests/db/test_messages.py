from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from msgspec import UNSET

from db import positions, search_postgresql, search_sqlite
from db.messages import Message
from db.store import Head, Store
from tests.db.conftest import Clock, Disk, fill, group, ids_of, message
from tests.support.databases import Databases, PostgresServer, SqliteFiles

PLACES = ("general", "random", "thread-1")
USERS = ("ann", "bob", "cyd")
TEXTS = st.sampled_from(
    [
        "hello",
        "HELLO world",
        "50%_off",
        'say "hi"',
        "a\0bc\0d",
        "straße",
        "STRASSE",
        "😀😀😀",
        "ab",
        "",
        "NOT x OR y*",
        "é",
    ]
)


class AgainstAList(RuleBasedStateMachine):
    """The store and a plain list, changed alike: through commits, rollbacks and restarts they say the same."""

    databases: Databases

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.disk = Disk(Path(self.folder.name), self.databases, Clock())
        self.store = self.disk.open()
        self.numbers = itertools.count()
        self.committed: dict[str, list[Message]] = {place: [] for place in PLACES}
        self.pings: dict[str, set[str]] = {}
        self.committed_pings: dict[str, set[str]] = {}
        self.model = self._copy(self.committed)
        self.tx = self.store.begin()

    def teardown(self) -> None:
        if hasattr(self, "disk"):
            self.disk.drop()
            self.folder.cleanup()

    @staticmethod
    def _copy(model: dict[str, list[Message]]) -> dict[str, list[Message]]:
        return {place: list(messages) for place, messages in model.items()}

    def _pick(self, place: str, index: int) -> int | None:
        return index % len(self.model[place]) if self.model[place] else None

    def _replace(self, place: str, at: int, **fields: Any) -> None:
        self.model[place][at] = msgspec.structs.replace(self.model[place][at], **fields)

    @rule(
        place=st.sampled_from(PLACES),
        user=st.sampled_from(USERS),
        content=TEXTS,
        called=st.sets(st.sampled_from(USERS), max_size=2),
        roles=st.sets(st.sampled_from(["mods"]), max_size=1),
        answer=st.none() | st.integers(0, 100),
        ping=st.sampled_from([None, True, False]),
        count=st.integers(1, 4),
    )
    def add(
        self, place: str, user: str, content: str, called: set[str], roles: set[str], answer: int | None,
        ping: bool | None, count: int,
    ) -> None:  # fmt: skip
        for _ in range(count):
            at = None if answer is None else self._pick(place, answer)
            target = None if at is None else self.model[place][at]
            number = next(self.numbers)
            new = message(
                f"m{number:05}", user_id=user, content=content, timestamp=float(number), ping=ping,
                reply_to=target and target.id, reply_user=target and target.user_id, extra={"embeds": [number]},
            )  # fmt: skip
            self.tx.messages.add(place, new, sorted(called), sorted(roles), nonce=f"{number}")
            self.model[place].append(new)
            self.pings[new.id] = called | {f"@{role}" for role in roles}
            if target and ping is not False:
                self.pings[new.id] |= {target.user_id}
            assert self.tx.messages.by_nonce(user, f"{number}") == new.id

    @rule(
        place=st.sampled_from(PLACES),
        index=st.integers(0, 100),
        content=TEXTS,
        embeds=st.sampled_from([UNSET, [], [9]]),
    )
    def edit(self, place: str, index: int, content: str, embeds: Any) -> None:
        at = self._pick(place, index)
        if at is None:
            return
        old = self.model[place][at]
        extra = old.extra if embeds is UNSET else {"embeds": embeds} if embeds else {}
        self._replace(place, at, content=content, edited=True, extra=extra)
        self.pings[old.id] = {"cyd"} | ({old.reply_user} if old.reply_user and old.ping is not False else set())
        assert self.tx.messages.edit(place, old.id, content, embeds, ["cyd"], []) == self.model[place][at]

    @rule(place=st.sampled_from(PLACES), index=st.integers(0, 100))
    def delete(self, place: str, index: int) -> None:
        at = self._pick(place, index)
        if at is not None:
            gone = self.model[place].pop(at)
            assert self.tx.messages.delete(place, gone.id)
            assert not self.tx.messages.delete(place, gone.id)
            assert self.tx.messages.by_nonce(gone.user_id, f"{int(gone.id[1:])}") == gone.id, "it is not sent again"

    @rule(place=st.sampled_from(PLACES), index=st.integers(0, 100), pinned=st.booleans())
    def pin(self, place: str, index: int, pinned: bool) -> None:
        at = self._pick(place, index)
        if at is not None:
            assert self.tx.messages.set_pinned(place, self.model[place][at].id, pinned)
            self._replace(place, at, pinned=pinned)

    @rule(
        place=st.sampled_from(PLACES),
        index=st.integers(0, 100),
        emoji=st.sampled_from("🙂👍"),
        user=st.sampled_from(USERS),
    )
    def react(self, place: str, index: int, emoji: str, user: str) -> None:
        at = self._pick(place, index)
        if at is None:
            return
        old = self.model[place][at]
        reactions = {key: list(users) for key, users in old.reactions.items()}
        if user in reactions.get(emoji, []):
            assert not self.tx.messages.add_reaction(place, old.id, emoji, user)
            assert self.tx.messages.remove_reaction(place, old.id, emoji, user)
            reactions[emoji].remove(user)
            # the order of emojis is that of the oldest reaction that is left: worked out below by the store's own rule
            reactions = {key: users for key, users in reactions.items() if users}
            stored = self.tx.messages.get(place, old.id)
            assert stored is not None
            assert stored.reactions == reactions
            reactions = stored.reactions
        else:
            assert not self.tx.messages.remove_reaction(place, old.id, emoji, user)
            assert self.tx.messages.add_reaction(place, old.id, emoji, user)
            reactions.setdefault(emoji, []).append(user)
        self._replace(place, at, reactions=reactions)

    @rule(place=st.sampled_from(PLACES), keep=st.integers(1, 8), limit=st.integers(0, 6))
    def trim(self, place: str, keep: int, limit: int) -> None:
        gone = [m for m in self.model[place][:-keep] if not m.pinned][:limit]
        assert self.tx.messages.trim(place, keep, limit) == len(gone)
        self.model[place] = [m for m in self.model[place] if m not in gone]

    @rule(place=st.sampled_from(PLACES))
    def delete_place(self, place: str) -> None:
        self.tx.messages.delete_place(place)
        self.model[place] = []

    @rule()
    def commit(self) -> None:
        self.tx.commit()
        self.committed = self._copy(self.model)
        self.committed_pings = dict(self.pings)
        self.tx = self.store.begin()

    @rule(restart=st.booleans())
    def roll_back(self, restart: bool) -> None:
        self.tx.rollback()
        self.model = self._copy(self.committed)
        self.pings = dict(self.committed_pings)
        if restart:
            self.store = self.disk.open()
        self.tx = self.store.begin()

    @rule(place=st.sampled_from(PLACES), limit=st.integers(-1, 12), skip=st.integers(0, 30))
    def newest(self, place: str, limit: int, skip: int) -> None:
        model = self.model[place]
        rest = model[: len(model) - skip] if skip <= len(model) else []
        assert self.tx.messages.newest(place, limit, skip) == (rest[-limit:] if limit > 0 else [])

    @rule(place=st.sampled_from(PLACES), index=st.integers(0, 100), above=st.integers(0, 9), below=st.integers(0, 9))
    def page(self, place: str, index: int, above: int, below: int) -> None:
        model, at = self.model[place], self._pick(place, index)
        if at is None:
            return
        id_ = model[at].id
        first = max(0, at - below)
        assert self.tx.messages.before(place, id_, below) == model[first:at]
        assert self.tx.messages.after(place, id_, above) == model[at + 1 : at + 1 + above]
        assert self.tx.messages.around(place, id_, above, below) == (model[first : at + 1 + above], first)
        assert self.tx.messages.get(place, id_) == model[at]
        assert self.tx.messages.count_after(place, id_) == len(model) - at - 1
        answers = [m for m in model if m.reply_to == id_]
        assert self.tx.messages.replies(place, id_, 3) == answers[:3]

    @rule(place=st.sampled_from(PLACES), query=TEXTS | st.text(max_size=4), limit=st.integers(1, 5))
    def search(self, place: str, query: str, limit: int) -> None:
        wanted = [m for m in reversed(self.model[place]) if query and query.casefold() in m.content.casefold()]
        assert self.tx.messages.search(place, query, limit) == wanted[:limit]

    @rule(
        user=st.sampled_from(USERS),
        roles=st.sets(st.sampled_from(["mods", "none"])),
        places=st.sets(st.sampled_from(PLACES)),
        limit=st.integers(1, 4),
        offset=st.integers(0, 4),
    )
    def inbox(self, user: str, roles: set[str], places: set[str], limit: int, offset: int) -> None:
        targets = {user} | {f"@{role}" for role in roles}
        found = [(p, m) for p in places for m in self.model[p] if self.pings[m.id] & targets]
        found.sort(key=lambda hit: hit[1].timestamp, reverse=True)
        assert self.tx.messages.pings(user, roles, places, limit, offset) == (
            found[offset : offset + limit],
            len(found),
        )

    @invariant()
    def counts(self) -> None:
        if not hasattr(self, "tx"):
            return
        for place, model in self.model.items():
            assert self.tx.messages.count(place) == len(model)
            assert self.tx.messages.newest_id(place) == (model[-1].id if model else None)
            published = self.committed[place]
            head = self.store.heads.get(place)
            assert head == (Head(published[-1].timestamp, published[-1].id) if published else None)

    @rule(place=st.sampled_from(PLACES), limit=st.integers(1, 5))
    def pinned(self, place: str, limit: int) -> None:
        found = [m for m in self.model[place] if m.pinned]
        assert self.tx.messages.pinned(place, limit) == found[::-1][:limit]
        assert self.tx.messages.count_pinned(place) == len(found)


def test_the_store_and_a_list_agree(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(positions, "BUCKET_SHIFT", 2)
    monkeypatch.setattr(search_sqlite, "BATCH", 5)
    monkeypatch.setattr(AgainstAList, "databases", databases, raising=False)
    run_state_machine_as_test(
        AgainstAList,
        settings=settings(
            max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_what_does_not_exist(store: Store) -> None:
    fill(store, 3)
    with group(store) as tx:
        for place, id_ in (("general", "none"), ("empty", "m00001")):
            assert tx.messages.get(place, id_) is None
            assert tx.messages.edit(place, id_, "x") is None
            assert not tx.messages.delete(place, id_)
            assert not tx.messages.set_pinned(place, id_, True)
            assert not tx.messages.add_reaction(place, id_, "x", "ann")
            assert tx.messages.before(place, id_, 5) == []
            assert tx.messages.after(place, id_, 5) == []
            assert tx.messages.around(place, id_, 5, 5) is None
        assert tx.messages.newest("empty", 5) == []
        assert tx.messages.search("empty", "abc", 5) == []
        assert tx.messages.count_after("general", None) == 3
        assert tx.messages.count_after("general", "none") == 3
        assert tx.messages.by_nonce("ann", "none") is None


def test_an_ordinal_is_never_given_again(disk: Disk) -> None:
    store = disk.open()
    fill(store, 2)
    with group(store) as tx:
        tx.reads.set("ann", "general", "m00001")
        tx.messages.delete("general", "m00001")
    store = disk.open()
    with group(store) as tx:
        tx.messages.add("general", message("new"))
        assert tx.reads.unreads("ann", ["general"])["general"].unread == 1


def test_a_nonce_is_forgotten_when_pruned(store: Store) -> None:
    with group(store) as tx:
        tx.messages.add("general", message("m1", timestamp=10.0), nonce="n")
        assert tx.messages.by_nonce("bob", "n") is None
        assert tx.messages.prune_nonces(10.0) == 0
        assert tx.messages.prune_nonces(10.5) == 1
        assert tx.messages.by_nonce("ann", "n") is None
        tx.messages.add("general", message("m2"), nonce="n")


def test_a_long_deleted_place_is_wiped_bit_by_bit(store: Store, disk: Disk) -> None:
    ids = fill(store, 2500)
    with group(store) as tx:
        tx.messages.add_reaction("general", ids[-1], "x", "ann")
        tx.messages.delete("general", ids[0])
        tx.messages.delete_place("general")
        assert tx.messages.count("general") == 0
        assert tx.messages.get("general", ids[-1]) is None
    store = disk.open()
    with group(store) as tx:
        assert [tx.messages.purge(), tx.messages.purge(), tx.messages.purge()] == [1000, 499, 0]
        for table in ("messages", "reactions", "holes", "places", "search_queue"):
            assert tx.connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0  # noqa: S608
        which = "message_text MATCH 'm02'" if tx.connection.dialect.name == "sqlite" else "true"
        assert tx.connection.exec_driver_sql(f"SELECT count(*) FROM message_text WHERE {which}").scalar() == 0  # noqa: S608


def test_trimming_leaves_the_newest_and_the_pinned_ones_and_nothing_else(store: Store) -> None:
    ids = fill(store, 2100)
    with group(store) as tx:
        tx.messages.set_pinned("general", ids[7], True)
        tx.reads.set("ann", "general", ids[3])
        tx.reads.set("bob", "general", ids[2050])
        tx.messages.add_reaction("general", ids[0], "x", "ann")
        assert [tx.messages.trim("general", 100, 1500), tx.messages.trim("general", 100, 1500)] == [1500, 499]
        assert tx.messages.trim("general", 100) == 0
    with group(store) as tx:
        left = [ids[7], *ids[2000:]]
        assert ids_of(tx.messages.newest("general", 3000)) == left
        assert tx.messages.count("general") == store.count("general") == 101
        assert ids_of(tx.messages.newest("general", 2, 99)) == left[:2]
        page = tx.messages.around("general", ids[2001], 1, 1)
        assert page is not None
        assert (ids_of(page[0]), page[1]) == (ids[2000:2003], 1)
        assert tx.messages.search("general", "m0000", 9)[0].id == ids[7]
        assert {user: tx.reads.unreads(user, ["general"])["general"].unread for user in ("ann", "bob", "cyd")} == {
            "ann": 101, "bob": 49, "cyd": 101,
        }  # fmt: skip
        assert tx.connection.exec_driver_sql("SELECT count(*) FROM reactions").scalar() == 0


def test_a_failed_commit_leaves_everything_as_it_was(store: Store) -> None:
    fill(store, 2)
    tx = store.begin()
    tx.messages.add("general", message("new"))
    tx.messages.add("other", message("m00001"))  # this id is taken
    tx.log.append("all", "x", b"{}")
    with pytest.raises(Exception, match=r"(?i)unique"):
        tx.commit()
    with group(store) as tx:
        assert ids_of(tx.messages.newest("general", 9)) == ["m00000", "m00001"]
        assert tx.messages.count("other") == 0
        assert tx.log.newest() == 0
    assert store.heads == {"general": Head(1.0, "m00001")}


def test_rows_come_by_index(sqlite: SqliteFiles, tmp_path: Path, clock: Clock) -> None:
    from db import messages

    disk = Disk(tmp_path, sqlite, clock)
    plans = {
        messages._PINNED: "messages_pinned",
        messages._REPLIES: "messages_reply_to",
        messages._OLDER: "INTEGER PRIMARY KEY",
        search_sqlite._QUEUED: "INTEGER PRIMARY KEY",
    }
    with group(disk.open()) as tx:
        for statement, index in plans.items():
            sql = str(statement.compile(tx.connection.engine))
            plan = tx.connection.exec_driver_sql("EXPLAIN QUERY PLAN " + sql, (1,) * sql.count("?")).all()
            assert index in str(plan), plan
            assert "SCAN messages" not in str(plan)
    disk.close()


def test_rows_come_by_index_in_postgresql(postgres: PostgresServer, tmp_path: Path, clock: Clock) -> None:
    from db import messages

    disk = Disk(tmp_path, postgres, clock)
    store = disk.open()
    with group(store) as tx:
        for i in range(3000):
            tx.messages.add("general", message(f"m{i:05}", content=f"number {i:05} " + "and so on " * 20))
    plans: dict[Any, tuple[str, dict[str, Any]]] = {
        messages._PINNED: ("messages_pinned", {"low": 0, "high": 1 << 40, "limit": 5}),
        messages._REPLIES: ("messages_reply_to", {"id": "m1", "low": 0, "high": 1 << 40, "limit": 5}),
        messages._OLDER: ("messages_pkey", {"low": 0, "high": 1 << 40, "limit": 5}),
        search_postgresql._BY_INDEX: (
            "message_text_trigrams", {"low": 0, "high": 1 << 40, "limit": 5, "pattern": "%01234%"},
        ),
    }  # fmt: skip
    with group(store) as tx:
        tx.connection.exec_driver_sql("ANALYZE")
        tx.connection.exec_driver_sql("SELECT gin_clean_pending_list('message_text_trigrams')")
        for statement, (index, values) in plans.items():
            compiled = statement.compile(tx.connection.engine)
            sql, parameters = "EXPLAIN " + str(compiled), compiled.construct_params(values)
            plan = str(tx.connection.exec_driver_sql(sql, parameters).all())
            assert index in plan, plan
    disk.drop()
