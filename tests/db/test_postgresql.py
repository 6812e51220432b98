"""What only PostgreSQL can do to a server: be lost, come back, be used by two, know nothing of NUL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from db import group as groups
from db import postgresql
from db.database import DatabaseError, check_database, migrate, open_database, shown
from db.store import Store
from tests.db.conftest import Clock, Disk, group, ids_of, message
from tests.support.databases import PostgresServer


@pytest.fixture
def disk(postgres: PostgresServer, tmp_path: Path, clock: Clock) -> Iterator[Disk]:
    disk = Disk(tmp_path, postgres, clock)
    yield disk
    disk.drop()


def add(store: Store, id: str, **fields: Any) -> None:
    with group(store) as tx:
        tx.messages.add("general", message(id, **fields))
        tx.log.append("all", "message_new", b"{}")


def stored(store: Store) -> tuple[list[str], int]:
    with group(store) as tx:
        return ids_of(tx.messages.newest("general", 100)), tx.log.newest()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_all_names_of_the_driver_are_taken(disk: Disk, scheme: str) -> None:
    engine = open_database(disk.url.replace("postgresql+psycopg://", f"{scheme}://"))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "5s"
    engine.dispose()


@pytest.mark.parametrize("url", ["mysql://host/chat", "no url", "postgresql+asyncpg://host/chat"])
def test_what_is_not_served_is_refused(url: str) -> None:
    with pytest.raises(DatabaseError):
        open_database(url)
    assert check_database(url) is not None


def test_the_password_is_not_shown() -> None:
    assert shown("postgres://chat:secret@db.example/chat") == "postgres://chat:***@db.example/chat"


def test_one_server_a_database(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "TAKEOVER_MS", 10)
    disk.open()
    second = open_database(disk.url)
    with pytest.raises(DatabaseError, match="another server is using it"):
        migrate(second)
    assert check_database(disk.url) is None, "a check may be made meanwhile"
    disk.close()
    assert migrate(second) is None
    second.dispose()


def test_a_server_that_is_not_there(disk: Disk) -> None:
    url = make_url(disk.url).set(port=1, password="secret").render_as_string(hide_password=False)
    engine = open_database(url)
    with pytest.raises(DatabaseError, match="cannot open the database"):
        migrate(engine)
    engine.dispose()
    problem = check_database(url)
    assert problem is not None
    assert "secret" not in problem


def test_a_database_of_a_newer_server_is_refused(disk: Disk) -> None:
    engine = open_database(disk.url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseError, match="newer version"):
        migrate(engine)
    engine.dispose()
    problem = check_database(disk.url)
    assert problem is not None
    assert "newer version" in problem


def test_without_the_extension_the_server_starts_nevertheless(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    url = postgres.empty()
    postgres.execute(f"CREATE ROLE plain LOGIN; GRANT ALL ON DATABASE {make_url(url).database} TO plain")
    admin = open_database(url)
    with admin.begin() as connection:
        connection.exec_driver_sql("GRANT ALL ON SCHEMA public TO plain")
        connection.exec_driver_sql("REVOKE CREATE ON SCHEMA pg_catalog FROM plain")
    admin.dispose()
    postgres.execute(f"REVOKE CREATE ON DATABASE {make_url(url).database} FROM plain")
    engine = open_database(make_url(url).set(username="plain").render_as_string(hide_password=False))
    migrate(engine)
    assert "CREATE EXTENSION pg_trgm" in caplog.text
    engine.dispose()
    postgres.drop(url)
    postgres.execute("DROP ROLE plain")


@pytest.mark.parametrize("text", ["a\0b", "\0", "\ufdd0", "\ufdd0e\ufdd00", "\ufdd0\0e"])
def test_a_character_that_postgresql_cannot_hold_is_kept(disk: Disk, text: str) -> None:
    store = disk.open()
    with group(store) as tx:
        tx.messages.add("general", message("m1", content=text, user_id=text, extra={"meta": text}), nonce=text)
        assert tx.messages.add_reaction("general", "m1", text, text)
    with group(disk.open()) as tx:
        found = tx.messages.get("general", "m1")
        assert found is not None
        assert (found.content, found.user_id, found.extra) == (text, text, {"meta": text})
        assert found.reactions == {text: [text]}
        assert tx.messages.by_nonce(text, text) == "m1"
        assert tx.messages.get("general", text) is None
        assert ids_of(tx.messages.search("general", text, 5)) == ["m1"]


def test_a_lost_connection_costs_one_group(disk: Disk, postgres: PostgresServer) -> None:
    store = disk.open()
    add(store, "m1")
    tx = store.begin()
    tx.messages.add("general", message("lost"))
    assert tx.messages.search("general", "lost", 1), "it is in the transaction"
    postgres.cut(disk.url)
    with pytest.raises(DBAPIError):
        tx.commit()
    add(store, "m2")
    assert stored(store) == (["m1", "m2"], 2)


def test_a_database_that_is_away_is_asked_once_a_group(disk: Disk, postgres: PostgresServer) -> None:
    store = disk.open()
    add(store, "m1")
    name = make_url(disk.url).database
    postgres.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    postgres.cut(disk.url)
    with pytest.raises(DBAPIError):
        add(store, "m2")
    with store.impatient():
        with pytest.raises(DBAPIError):
            store.begin()
        postgres.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        with pytest.raises(DBAPIError):
            store.begin()
    add(store, "m3")
    assert stored(store) == (["m1", "m3"], 2)


def loses_commit(store: Store, monkeypatch: pytest.MonkeyPatch, arrived: bool, cut: Callable[[], None]) -> None:
    """The connection is lost in the next commit, after (or before) the database has committed."""
    dialect: Any = store._connection.dialect
    commit = dialect.do_commit

    def lose(connection: Any) -> None:
        monkeypatch.setattr(dialect, "do_commit", commit)
        if arrived:
            connection.execute("COMMIT")
        cut()
        connection.execute("SELECT 1")  # as little as the answer to the commit

    monkeypatch.setattr(dialect, "do_commit", lose)


@pytest.mark.parametrize("arrived", [True, False])
def test_a_connection_lost_in_a_commit(
    disk: Disk, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    store = disk.open()
    add(store, "m1")
    loses_commit(store, monkeypatch, arrived, lambda: postgres.cut(disk.url))
    if arrived:
        add(store, "m2")
    else:
        with pytest.raises(DBAPIError):
            add(store, "m2")
    add(store, "m3")
    assert stored(store) == ((["m1", "m2", "m3"], 3) if arrived else (["m1", "m3"], 2))


def test_a_commit_that_turns_out_to_have_arrived_too_late_stops_the_server(
    disk: Disk, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "LOST_TRIES", 1)
    store = disk.open()
    name = make_url(disk.url).database

    def cut() -> None:
        postgres.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        postgres.cut(disk.url)

    loses_commit(store, monkeypatch, True, cut)
    with pytest.raises(DBAPIError):
        add(store, "m1")
    postgres.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    for _ in range(2):
        with pytest.raises(DatabaseError, match="restarted"):
            store.begin()
    assert stored(disk.open()) == (["m1"], 1)


def test_a_table_that_another_program_locks(disk: Disk, postgres: PostgresServer) -> None:
    store = disk.open()
    other = postgres.connect(disk.url)
    other.exec_driver_sql("LOCK TABLE messages")
    with store.impatient(), pytest.raises(DBAPIError, match="lock timeout"):
        add(store, "m1")
    other.rollback()
    other.close()
    add(store, "m2")
    assert stored(store) == (["m2"], 1)
