"""Documents that people edit while the server runs: no edit and no command is lost, whoever writes first."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from db import atomic_file
from db.channels import Channel
from db.document_format import DataError
from db.users import User
from tests.db.files import (
    STYLES,
    Host,
    assert_settled,
    edit,
    finish,
    in_the_instant_of_writing,
    put_user,
    save_in_place,
)

Style = Callable[[Path, str], Iterator[None]]


def test_missing_files_are_made_with_the_documented_defaults(tmp_path: Path) -> None:
    host = Host(tmp_path / "new")
    assert host.start() == []
    assert host.read("users") == {}
    assert [(name, role["position"]) for name, role in host.read("roles").items()] == [
        ("owner", 0), ("admin", 1), ("moderator", 2), ("user", 3),
    ]  # fmt: skip
    (general,) = host.read("channels")
    assert (general["name"], general["type"]) == ("general", "text")
    assert general["permissions"] == {
        "view": ["user"], "send": ["user"], "delete": ["admin", "moderator"], "create_thread": ["user"],
    }  # fmt: skip
    assert_settled(host)


def test_files_are_written_to_be_read_by_people(host: Host) -> None:
    edit(host.path("users"), lambda users: users["1"].update(note={"of": "the host"}, age=7))
    host.look()
    put_user(host, "1", nickname="Zoë", roles=())
    host.commit()
    text = host.path("users").read_text()
    assert text.startswith('{\n  "1": {\n    "username": "ann",\n    "nickname": "Zoë",\n    "roles": [],\n')
    assert text.endswith("\n}\n")
    assert json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n" == text
    assert host.read("users")["1"]["note"] == {"of": "the host"}
    assert list(host.read("users")["1"])[-2:] == ["note", "age"]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("target", ["another record", "another field", "a new record"])
@pytest.mark.parametrize("moment", ["before", "in the instant", "half before", "half in the instant"])
def test_a_hand_edit_and_a_command_at_the_same_moment_both_survive(
    host: Host, monkeypatch: pytest.MonkeyPatch, style: Style, target: str, moment: str
) -> None:
    put_user(host, "2", pfp_url="x")
    host.commit()
    written_ns = host.path("users").stat().st_mtime_ns - 1_000_000_000
    os.utime(host.path("users"), ns=(0, written_ns))
    host.look()
    users = host.read("users")
    if target == "another record":
        users["2"]["nickname"] = "by hand"
    elif target == "another field":
        users["1"]["roles"] = ["by hand"]
    else:
        users["3"] = {"username": "by hand"}
    editor = style(host.path("users"), json.dumps(users, indent=2))
    put_user(host, "1", nickname="by command")
    if moment == "before":
        finish(host, editor)
    elif moment == "half before":
        next(editor, None)
    elif moment == "half in the instant":
        in_the_instant_of_writing(monkeypatch, lambda: next(editor, None))
    else:
        in_the_instant_of_writing(monkeypatch, lambda: list(editor))
    host.commit()
    finish(host, editor)

    assert host.read("users")["1"]["nickname"] == "by command"
    assert "by hand" in host.path("users").read_text()
    ann, bob, new = (host.documents.users.get(key) for key in "123")
    assert ann is not None
    assert bob is not None
    assert ann.nickname == "by command"
    assert "by hand" in (bob.nickname, *ann.roles, new.username if new is not None else "")
    assert_settled(host)


@pytest.mark.parametrize("tick_ns", [0, 4_000_000], ids=["the same tick", "the next tick"])
def test_an_edit_from_before_a_command_that_is_renamed_after_it(host: Host, tick_ns: int) -> None:
    """The times of both files are too coarse to tell which was written first."""
    users = host.read("users")
    users["1"]["nickname"] = "by hand"
    beside = host.path("users").with_name("users.json.swp")
    beside.write_text(json.dumps(users), encoding="utf-8")
    put_user(host, "2", nickname="by command")
    host.commit()
    written_ns = host.path("users").stat().st_mtime_ns
    os.utime(beside, ns=(written_ns, written_ns + tick_ns))
    beside.replace(host.path("users"))
    host.look()
    nicknames = {key: host.documents.users.get(key).nickname for key in "12"}  # type: ignore[union-attr]
    assert nicknames == {"1": "by hand", "2": "by command"}


def test_an_editor_that_still_writes_into_the_replaced_file_is_heard(host: Host) -> None:
    users = host.read("users")
    users["2"]["nickname"] = "by hand"
    with open(host.path("users"), "r+b") as file:
        for number in range(3):
            put_user(host, "1", nickname=f"by command {number}")
            host.commit()
        file.truncate()
        file.write(json.dumps(users).encode())
    edited = host.look(0.5)
    assert [(change.key, change.new.nickname) for change in edited] == [("2", "by hand")]
    assert host.read("users")["1"]["nickname"] == "by command 2"
    assert host.read("users")["2"]["nickname"] == "by hand"
    assert_settled(host)


def test_an_edit_of_a_replaced_file_that_is_never_finished_is_kept_aside(host: Host) -> None:
    with open(host.path("users"), "r+b") as file:
        put_user(host, "1", nickname="by command")
        host.commit()
        file.truncate()
        file.write(b'{"1": {"username": "half an ed')
    for _ in range(15):
        host.look(1.0)
    (kept,) = host.folder.glob("users.json.rejected-*")
    assert kept.read_text() == '{"1": {"username": "half an ed'
    assert kept.stat().st_mode == host.path("users").stat().st_mode
    assert_settled(host)


def test_an_edit_that_is_kept_aside_spares_those_that_were_kept_before(host: Host) -> None:
    """The clock that goes forward begins anew at each start, and two edits may be given up in one moment."""
    for number in range(3):
        host.now = 100.0
        with open(host.path("users"), "r+b") as file:
            put_user(host, "1", nickname=f"by command {number}")
            host.commit()
            file.truncate()
            file.write(b'{"1": {"username": "half %d' % number)
        for _ in range(15):
            host.look(1.0)
    texts = {kept.read_text() for kept in host.folder.glob("users.json.rejected-*")}
    assert texts == {f'{{"1": {{"username": "half {number}' for number in range(3)}


def test_two_saves_in_one_moment_are_both_seen(host: Host) -> None:
    for name in ("aa", "bb", "cc"):  # equally long, in one tick of the file system's clock
        text = json.dumps({"1": {"username": name}})
        for _ in save_in_place(host.path("users"), text):
            pass
        host.look()
        assert [user.username for user in host.documents.users] == [name]
    assert_settled(host)


def test_a_broken_file_changes_nothing_and_is_not_written(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    broken = '{\n  "1": {\n    "username": "ann",\n    "roles": "user"\n  }\n}\n'
    host.path("users").write_text(broken)
    assert host.look() == []
    problem = host.files["users"].problem
    assert problem is not None
    assert (problem.line, problem.column) == (4, 14)
    assert problem.reason == "1: roles: 'user' is not of type 'array'"
    assert str(problem) == f"{host.path('users')}:4:14: {problem.reason}"
    assert host.files.problems == [problem]
    assert len(host.documents.users) == 2
    put_user(host, "2", nickname="by command")
    host.commit()
    host.look(5)
    assert host.path("users").read_text() == broken
    assert host.files["users"].pending
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1

    host.path("users").write_text(broken.replace('"user"\n', '["vip"]\n').replace("\n  }\n}", '\n  },\n"2": {}}'))
    assert [(change.key, change.new.roles) for change in host.look()] == [("1", ("vip",)), ("2", ())]
    assert host.read("users")["2"]["nickname"] == "by command"
    assert host.read("users")["1"]["roles"] == ["vip"]
    assert_settled(host)


def test_what_waits_for_a_broken_file_survives_a_restart(host: Host) -> None:
    whole = host.path("users").read_text()
    host.path("users").write_text("{")
    put_user(host, "1", nickname="by command")
    host.documents.users.remove("2")
    host.documents.users.put(User(id="4", username="dan"))
    host.commit()
    host.stop()
    with pytest.raises(DataError) as error:
        host.start()
    assert (error.value.line, error.value.file) == (1, str(host.path("users")))

    users = json.loads(whole)
    users["1"]["roles"] = ["by hand"]
    users["2"]["nickname"] = "gone"
    users["5"] = {"username": "eve"}
    host.path("users").write_text(json.dumps(users))
    edited = host.start()
    assert [change.key for change in edited] == ["1", "5"]
    assert [user.id for user in host.documents.users] == ["1", "5", "4"]
    assert host.read("users")["1"]["nickname"] == "by command"
    assert host.read("users")["1"]["roles"] == ["by hand"]
    assert all(row.on_disk is None for row in host.rows["users"].values())
    assert_settled(host)


def test_what_was_edited_while_the_server_was_down_is_found(host: Host) -> None:
    host.stop()
    edit(host.path("users"), lambda users: users.pop("2"))
    edit(host.path("channels"), lambda channels: channels.insert(0, {"name": "first"}))
    edited = host.start()
    assert [(change.document, change.key) for change in edited[:1]] == [("users", "2")]
    assert edited[0].new is None
    assert [change.key for change in edited[1:]][1:] == ["#order"]
    assert [channel.name for channel in host.documents.channels] == ["first", "general"]
    assert_settled(host)


def test_a_crash_between_file_and_log_is_found_as_an_edit(host: Host) -> None:
    put_user(host, "1", nickname="unlogged")
    host.files.apply(host.documents.take_changes())
    host.stop()
    (change,) = host.start()
    assert (change.old.nickname, change.new.nickname) == (None, "unlogged")
    assert_settled(host)


def test_a_deleted_file_is_written_again(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    host.path("users").unlink()
    put_user(host, "1", nickname="by command")
    host.commit()
    assert not host.path("users").exists()  # perhaps an editor is only moving it
    assert host.files.problems == [], "nothing that owners would have to mend"
    host.look(0.5)
    host.look(1.5)
    assert host.read("users")["1"]["nickname"] == "by command"
    assert "was deleted" in caplog.text
    assert_settled(host)


def test_a_file_deleted_while_the_server_was_down_is_written_again(host: Host) -> None:
    host.stop()
    host.path("users").unlink()
    assert host.start() == []
    assert list(host.read("users")) == ["1", "2"]
    assert_settled(host)


def test_a_command_and_an_edit_that_give_one_name_to_two_channels(host: Host) -> None:
    edit(host.path("channels"), lambda channels: channels.append({"name": "plans", "id": "by-hand"}))
    host.documents.channels.put(Channel(id="zz", name="plans"))
    host.commit()
    assert [channel.name for channel in host.documents.channels] == ["general", "plans", "plans-2"]
    assert host.read("channels")[1]["id"] == "by-hand"
    assert_settled(host)


def test_an_added_channel_does_not_undo_a_move(host: Host) -> None:
    channels = host.documents.channels
    channels.put(Channel(id="zz", name="second"))
    host.commit()
    edit(host.path("channels"), lambda channels: channels.append({"name": "third", "id": "zzz"}))
    channels.move("zz", 0)
    host.commit()
    assert [channel.name for channel in channels] == ["second", "general", "third"]
    edit(host.path("channels"), lambda channels: channels.reverse())
    assert [change.key for change in host.look()] == ["#order"]
    assert [channel.name for channel in channels] == ["third", "general", "second"]
    assert_settled(host)


def test_permissions_of_the_file_and_links_to_it_stay(host: Host) -> None:
    assert host.path("roles").stat().st_mode & 0o777 == 0o600
    target = host.folder / "elsewhere.json"
    host.path("users").rename(target)
    target.chmod(0o640)
    host.path("users").symlink_to(target)
    host.stop()
    host.start()
    put_user(host, "1", nickname="x")
    host.commit()
    assert host.path("users").is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    assert host.read("users")["1"]["nickname"] == "x"


def test_leftovers_of_a_crash_are_removed_at_start(host: Host) -> None:
    host.stop()
    atomic_file.write_new(host.path("users"), b"half")
    host.start()
    assert not [name for name in os.listdir(host.folder) if "tmp" in name]
