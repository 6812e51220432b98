from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from db import database
from db.database import (
    HEAD_REVISION,
    DatabaseError,
    FolderLock,
    check_database,
    migrate,
    open_database,
    revision,
)
from db.schema import metadata
from tests.support.databases import PostgresServer


def test_a_new_database_gets_the_schema(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'new.db'}")
    gets_the_schema(engine)
    engine.dispose()


def test_a_new_postgresql_database_gets_the_schema(postgres: PostgresServer) -> None:
    url = postgres.empty()
    engine = open_database(url)
    gets_the_schema(engine)
    engine.dispose()
    postgres.drop(url)


def gets_the_schema(engine: Engine) -> None:
    assert revision(engine) is None
    assert migrate(engine) is None
    assert revision(engine) == HEAD_REVISION
    assert migrate(engine) is None
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, kind, _: not str(name).startswith("message_text")}
        )
        assert compare_metadata(context, metadata) == []


def test_head_revision_is_the_newest_script() -> None:
    assert ScriptDirectory(str(database.MIGRATIONS)).get_current_head() == HEAD_REVISION


def test_settings_of_each_connection(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'new.db'}")
    with engine.connect() as connection:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        assert [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names] == ["wal", 2, 0, 5000]
    engine.dispose()


@pytest.fixture
def newer_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next version of the server, with one more script."""
    scripts = tmp_path / "100%" / "migrations"
    shutil.copytree(database.MIGRATIONS, scripts)
    (scripts / "versions" / "v0004_next.py").write_text(
        "from alembic import op\nrevision = '0004'\ndown_revision = '0003'\n"
        "def upgrade():\n    op.execute('CREATE TABLE added (x)')\n    op.execute(NEXT)\n".replace("NEXT", "'SELECT 1'")
    )
    monkeypatch.setattr(database, "MIGRATIONS", scripts)
    monkeypatch.setattr(database, "HEAD_REVISION", "0004")


def test_an_upgrade_copies_the_file_first(template: Path, tmp_path: Path, newer_scripts: None) -> None:
    path = tmp_path / "chat.db"
    shutil.copy(template, path)
    engine = open_database(f"sqlite:///{path}")
    copy = migrate(engine)
    assert revision(engine) == "0004"
    engine.dispose()
    assert copy is not None
    old = sqlite3.connect(copy)
    assert old.execute("SELECT version_num FROM alembic_version").fetchall() == [("0003",)]
    old.close()


def test_a_failed_upgrade_changes_nothing(template: Path, tmp_path: Path, newer_scripts: None) -> None:
    script = database.MIGRATIONS / "versions" / "v0004_next.py"
    script.write_text(script.read_text().replace("SELECT 1", "SELECT nonsense"))
    path = tmp_path / "chat.db"
    shutil.copy(template, path)
    engine = open_database(f"sqlite:///{path}")
    with pytest.raises(Exception, match="nonsense"):
        migrate(engine)
    assert revision(engine) == "0003"
    with engine.connect() as connection:
        tables = connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema WHERE name = 'added'").scalar()
    assert tables == 0
    engine.dispose()


def test_a_database_of_a_newer_server_is_refused(template: Path, tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    shutil.copy(template, path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    engine = open_database(f"sqlite:///{path}")
    with pytest.raises(DatabaseError, match="newer version"):
        migrate(engine)
    engine.dispose()
    assert list(tmp_path.glob("*.bak")) == []


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    path.write_text("not a database at all, but long enough to be looked at as one" * 20)
    engine = open_database(f"sqlite:///{path}")
    with pytest.raises(DatabaseError, match="not a database"):
        migrate(engine)
    engine.dispose()
    assert path.read_text().startswith("not a database at all")


def test_one_server_a_folder(tmp_path: Path) -> None:
    with FolderLock(tmp_path / "db") as lock:
        with pytest.raises(DatabaseError, match=r"another server \(process \d+\)"):
            FolderLock(tmp_path / "db")
        assert lock.path.exists()
    with FolderLock(tmp_path / "db"):
        pass


def beside(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.parent.iterdir()}


@pytest.fixture
def chat(template: Path, tmp_path: Path) -> Path:
    """A database in a folder of its own."""
    (tmp_path / "data #1%").mkdir()
    return Path(shutil.copy(template, tmp_path / "data #1%" / "chat.db"))


def test_a_check_of_a_good_database_finds_and_changes_nothing(chat: Path) -> None:
    before = beside(chat)
    assert check_database(f"sqlite:///{chat}") is None
    assert check_database(f"sqlite:///{chat}.not-there") is None
    assert check_database("sqlite://") is None
    assert beside(chat) == before


@pytest.mark.parametrize("content", [b"not a database at all " * 40, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_check_names_a_file_that_is_no_database(chat: Path, content: bytes) -> None:
    chat.write_bytes(content)
    before = beside(chat)
    problem = check_database(f"sqlite:///{chat}")
    assert problem is not None
    assert problem.startswith(f"{chat}: cannot be used: ")
    assert beside(chat) == before


def test_a_check_names_a_folder_in_place_of_the_database(tmp_path: Path) -> None:
    problem = check_database(f"sqlite:///{tmp_path}")
    assert problem is not None
    assert problem.startswith(f"{tmp_path}: ")


@pytest.mark.parametrize("killed", [False, True], ids=["closed", "killed"])
def test_a_check_names_a_newer_schema(chat: Path, killed: bool) -> None:
    connection = sqlite3.connect(chat, isolation_level=None)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    if killed:  # what was written last stands in the files beside the database only
        for name, content in beside(chat).items():
            (chat.parent / f"copy-{name}").write_bytes(content)
        chat = chat.with_name(f"copy-{chat.name}")
    connection.close()
    before = beside(chat)
    problem = check_database(f"sqlite:///{chat}")
    assert problem is not None
    assert problem.startswith(f"{chat}: was written by a newer version of the server (schema 9999)")
    assert {name: text for name, text in beside(chat).items() if not name.endswith("-shm")} == {
        name: text for name, text in before.items() if not name.endswith("-shm")
    }


def test_a_check_leaves_a_server_at_work_alone(chat: Path) -> None:
    engine = open_database(f"sqlite:///{chat}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE added (x)")
        assert check_database(f"sqlite:///{chat}") is None
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM added").scalar() == 0
    engine.dispose()


def test_a_path_with_a_question_mark_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="question mark"):
        open_database(f"sqlite:///{tmp_path / 'why?' / 'new.db'}")
