"""Documents shared with an editor when something cannot be written: nothing is half done, nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from db import atomic_file
from tests.db.files import Host, assert_settled, edit, finish, in_the_instant_of_writing, put_user, save_in_place_slowly


def full_for(name: str, otherwise: Callable[[Path, bytes], Any]) -> Callable[[Path, bytes], Any]:
    def write_new(path: Path, data: bytes) -> Any:
        if path.name == name:
            raise OSError(28, "No space left on device")
        return otherwise(path, data)

    return write_new


def test_an_unwritable_folder_fails_the_command_and_changes_nothing(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = host.path("users").read_text()

    with monkeypatch.context() as patch:
        patch.setattr(atomic_file, "write_new", full_for("users.json", atomic_file.write_new))
        put_user(host, "1", nickname="lost")
        changes = host.documents.take_changes()
        with pytest.raises(OSError, match="No space"):
            host.files.apply(changes)
        host.documents.undo(changes)
    assert host.path("users").read_text() == before
    assert_settled(host)


def test_when_the_second_file_cannot_be_written_the_first_is_taken_back(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic_file, "write_new", full_for("roles.json", atomic_file.write_new))
    put_user(host, "1", nickname="lost")
    host.documents.roles.remove("moderator")
    changes = host.documents.take_changes()
    with pytest.raises(OSError, match="No space"):
        host.files.apply(changes)
    host.documents.undo(changes)
    assert "lost" not in host.path("users").read_text()
    assert "moderator" in host.read("roles")
    assert_settled(host)


def test_what_cannot_be_taken_back_comes_back_as_an_edit(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    put_user(host, "1", nickname="stays")
    changes = host.documents.take_changes()
    host.files.apply(changes)
    with monkeypatch.context() as patch:
        patch.setattr(atomic_file, "write_new", full_for("users.json", atomic_file.write_new))
        host.files.undo(changes)
    host.documents.undo(changes)
    (change,) = host.look()
    assert change.new.nickname == "stays"
    assert_settled(host)


def test_a_broken_edit_in_the_instant_of_writing_is_put_back(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    put_user(host, "1", nickname="by command")
    in_the_instant_of_writing(monkeypatch, lambda: host.path("users").write_text("{ broken"))
    host.commit()
    assert host.path("users").read_text() == "{ broken"
    assert host.files["users"].problem is not None
    host.path("users").write_text('{"1": {"username": "ann"}}')
    host.look()
    assert host.read("users") == {
        "1": {"username": "ann", "nickname": "by command", "roles": [], "status": {"status": "online", "text": ""}}
    }
    assert_settled(host)


def test_without_a_swap_of_files_everything_else_still_holds(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic_file, "_renameat2", lambda: None)
    users = host.read("users")
    users["2"]["nickname"] = "by hand"
    editor = save_in_place_slowly(host.path("users"), json.dumps(users))
    next(editor)
    put_user(host, "1", nickname="by command")
    host.commit()
    finish(host, editor)
    assert host.read("users")["1"]["nickname"] == "by command"
    assert host.read("users")["2"]["nickname"] == "by hand"

    with open(host.path("users"), "r+b") as file:
        put_user(host, "1", nickname="again")
        host.commit()
        users = host.read("users")
        users["1"]["pfp_url"] = "late"
        file.truncate()
        file.write(json.dumps(users).encode())
    host.look(0.5)
    assert host.read("users")["1"]["pfp_url"] == "late"
    in_the_instant_of_writing(monkeypatch, lambda: host.path("users").write_text("{ broken"))
    put_user(host, "2", nickname="x")
    host.commit()
    assert host.path("users").read_text() == "{ broken"


def test_an_edit_found_by_a_command_that_failed_is_given_out_later(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(host.path("users"), lambda users: users["2"].update(nickname="by hand"))
    put_user(host, "1", nickname="lost")
    host.documents.roles.remove("moderator")
    changes = host.documents.take_changes()
    original = atomic_file.write_new
    with monkeypatch.context() as patch:
        patch.setattr(atomic_file, "write_new", full_for("roles.json", original))
        with pytest.raises(OSError, match="No space"):
            host.files.apply(changes)
    host.documents.undo(changes)
    assert [change.new.nickname for change in host.look()] == ["by hand"]
    assert_settled(host)
