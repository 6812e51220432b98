"""`python setup.py`: through a pipe, by flags; and what it must never do."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from config.description import default_document
from config.load import load
from handlers.passwords import check_password, needs_rehash
from tests.support.interview import (
    ANSWERS_AFTER_OWNER,
    ROOT,
    command,
    config_of,
    files_in,
    free_port,
    interview,
    one_line,
    users_of,
)
from tests.support.old_folders import current


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "community"


# --- through a pipe --------------------------------------------------------------------------------------------


def test_the_interview_through_a_pipe_asks_again_until_each_answer_fits(folder: Path) -> None:
    port = free_port()
    before_owner = ["Chess [bold]Club", "not a host", "127.0.0.1", "99999", "x", port, "open", "cracked-only"]
    owner = ["x", "Anna B", "Anna", "abc", "secret", "secret2", "long secret", "long secret"]
    after_owner = [
        "0",
        "500",
        "30",
        "5",
        "20",
        "maybe",
        "y",
        "1000000",
        "image",
        "image/*, text/plain",
        "svg! ,",
        "png gif",
        "/nowhere at all",
        "",
    ]
    done = interview(folder, answers=[*before_owner, *owner, *after_owner, "maybe", "y"])
    assert done.returncode == 0, done.stderr
    for told in (
        'found "not a host", expected an address or the name of this machine',
        "found 99999, expected a whole number from 0 to 65535",
        'found "x", expected a whole number from 0 to 65535',
        'found "open", expected one of "cracked", "cracked-only", "rotur"',
        "a name has 2 to 32 characters",
        "a name has only letters, digits, _ and -",
        "a password has 4 to 128 characters",
        "8 characters or more are better",
        "the two differ",
        "found 0, expected a whole number from 1 to 100000 (characters)",
        'found "maybe", expected true or false',
        'found "image", expected a type such as image/png, image/* or *',
        'found "svg!", expected the name of a kind such as png',
        "there is no such folder",
        "please answer y or n",
        "What will be written",
        "Chess [bold]Club",
    ):
        assert told in done.stdout, told
    assert "secret" not in done.stdout

    wanted = default_document()
    wanted["server"] |= {"name": "Chess [bold]Club", "owner": {"name": "Anna"}}
    wanted["websocket"]["port"] = int(port)
    wanted["auth_mode"] = "cracked-only"
    wanted["limits"]["post_content"] = 500
    wanted["rate_limiting"] |= {"messages_per_minute": 30, "burst_limit": 5, "cooldown_seconds": 20}
    wanted["attachments"] |= {"max_size": 1000000, "allowed_types": ["image/*", "text/plain"]}
    wanted["uploads"]["emoji_allowed_file_types"] = ["png", "gif"]
    assert config_of(folder) == wanted
    assert files_in(folder) == ["config.json", "db/users.json"]
    load(folder / "config.json", {})

    record = users_of(folder)["USR:local_anna"]
    assert record["username"] == "USR:local_anna"
    assert record["nickname"] == "Anna"
    assert record["roles"] == ["owner", "user"]
    assert check_password(record["password_hash"], "long secret")
    assert record["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not needs_rehash(record["password_hash"])
    assert (folder / "db" / "users.json").stat().st_mode & 0o777 == 0o600


def test_empty_answers_keep_the_defaults_and_make_no_owner(folder: Path) -> None:
    port = free_port()
    done = interview(folder, "--port", port, answers=["", "", "", "", *[""] * ANSWERS_AFTER_OWNER, ""])
    assert done.returncode == 0, done.stderr
    wanted = default_document()
    wanted["websocket"]["port"] = int(port)
    assert config_of(folder) == wanted
    assert files_in(folder) == ["config.json"]


def test_a_question_whose_flag_is_given_is_not_asked(folder: Path) -> None:
    done = interview(
        folder, "--port", "0", "--name", "Given", "--attachments", "n", answers=["", "", "", *[""] * 6, "y"]
    )
    assert done.returncode == 0, done.stderr
    assert "Name of the community" not in done.stdout
    assert "Largest file" not in done.stdout
    assert config_of(folder)["attachments"]["enabled"] is False


def test_saying_no_at_the_end_writes_nothing(folder: Path) -> None:
    done = interview(folder, "--port", "0", answers=["", "", "", "", *[""] * ANSWERS_AFTER_OWNER, "n"])
    assert done.returncode == 1
    assert one_line(done) == "Nothing was written."
    assert not folder.exists()


def test_the_end_of_the_input_leaves_nothing_behind(folder: Path) -> None:
    for count in range(4):
        done = interview(folder, "--port", "0", answers=["a"] * count)
        assert done.returncode == 1
        assert one_line(done) == "The input ended before the last answer; nothing was written."
    assert not folder.exists()


def test_input_that_is_not_text_is_asked_again(folder: Path) -> None:
    done = subprocess.run(
        command(folder), input=b"\xff\xfe\n", capture_output=True, timeout=60, check=False, env={**os.environ}
    )
    assert b"that is not UTF-8 text" in done.stdout
    assert done.returncode == 1


def test_a_taken_port_is_told(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        done = interview(folder, answers=["", "", str(port)])
        assert f"port {port} is in use by another program" in done.stdout
        done = interview(folder, "--yes", "--port", str(port))
        assert done.returncode == 1
        assert one_line(done) == f"--port: port {port} is in use by another program; take another"


# --- files that exist ------------------------------------------------------------------------------------------


def test_an_existing_config_is_not_changed_without_a_yes(folder: Path) -> None:
    assert interview(folder, "--yes", "--port", "0", "--name", "First").returncode == 0
    before = (folder / "config.json").read_bytes()
    done = interview(folder, "--name", "Second", answers=["", "", "", "", *[""] * ANSWERS_AFTER_OWNER, ""])
    assert done.returncode == 1, "the default answer is no"
    assert "exists and is changed" in done.stdout
    done = interview(folder, "--yes", "--name", "Second")
    assert done.returncode == 1
    assert "add --force" in one_line(done)
    assert (folder / "config.json").read_bytes() == before


def test_changing_an_existing_config_keeps_what_was_not_asked(folder: Path) -> None:
    folder.mkdir()
    old = {"websocket": {"port": 0, "trusted_proxies": ["192.0.2.7"]}, "server": {"name": "Old", "icon": "i.png"}}
    (folder / "config.json").write_text(json.dumps(old))
    (folder / "config.json").chmod(0o640)
    done = interview(folder, "--yes", "--force", "--message-length", "100")
    assert done.returncode == 0, done.stderr
    document = config_of(folder)
    assert document["server"]["name"] == "Old"
    assert document["server"]["icon"] == "i.png"
    assert document["websocket"]["trusted_proxies"] == ["192.0.2.7"]
    assert document["limits"] == {"post_content": 100}
    assert (folder / "config.json").stat().st_mode & 0o777 == 0o640


def test_the_port_of_a_server_that_runs_already_may_stay(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        folder.mkdir()
        port = listener.getsockname()[1]
        (folder / "config.json").write_text(json.dumps({"websocket": {"port": port}}))
        assert interview(folder, "--yes", "--force").returncode == 0
        assert config_of(folder)["websocket"]["port"] == port


def test_a_broken_config_stays_unless_forced(folder: Path) -> None:
    folder.mkdir()
    (folder / "config.json").write_text('{"server":\n{"nam": 1}}')
    done = interview(folder, "--yes", "--port", "0")
    assert done.returncode == 1
    assert one_line(done).endswith('config.json:2: server.nam: unknown key; did you mean "server.name"?')
    assert interview(folder, "--yes", "--port", "0", "--force").returncode == 0
    assert config_of(folder)["server"] == default_document()["server"]


def test_an_owner_joins_the_members_that_are_there(folder: Path) -> None:
    (folder / "db").mkdir(parents=True)
    others = {"USR:local_bob": {"username": "USR:local_bob", "roles": ["user"], "hobby": "chess"}, "42": {"roles": []}}
    (folder / "db" / "users.json").write_text(json.dumps(others))
    done = interview(
        folder, "--yes", "--port", "0", "--owner", "Ann_1", "--owner-password-stdin", answers=["pass word"]
    )
    assert done.returncode == 0, done.stderr
    users = users_of(folder)
    assert list(users) == ["USR:local_bob", "42", "USR:local_ann_1"]
    assert {key: users[key] for key in others} == others
    assert check_password(users["USR:local_ann_1"]["password_hash"], "pass word")


def test_an_account_that_exists_is_not_taken_over_without_asking(folder: Path) -> None:
    (folder / "db").mkdir(parents=True)
    users_file = folder / "db" / "users.json"
    users_file.write_text(
        '{"USR:local_bob": {"username": "USR:local_bob", "roles": ["user", "vip"], "hobby": "chess"}}'
    )
    before = users_file.read_bytes()
    flags = ["--yes", "--port", "0", "--owner", "BOB", "--owner-password-stdin"]
    done = interview(folder, *flags, answers=["password"])
    assert done.returncode == 1
    assert "add --force" in one_line(done)
    answers = ["", "", "", "bob", "password", "password", *[""] * ANSWERS_AFTER_OWNER, ""]
    done = interview(folder, "--port", "0", answers=answers)
    assert done.returncode == 1
    assert "That account exists" in done.stdout
    assert users_file.read_bytes() == before
    assert not (folder / "config.json").exists()

    assert interview(folder, *flags, "--force", answers=["password"]).returncode == 0
    record = users_of(folder)["USR:local_bob"]
    assert record["roles"] == ["owner", "user", "vip"]
    assert record["hobby"] == "chess"
    assert check_password(record["password_hash"], "password")


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', '{"a": {}, "a": {}}'])
def test_a_broken_users_file_stops_before_anything_is_written(folder: Path, text: str) -> None:
    (folder / "db").mkdir(parents=True)
    (folder / "db" / "users.json").write_text(text)
    done = interview(folder, "--yes", "--port", "0", "--owner", "bob", "--owner-password-stdin", answers=["password"])
    assert done.returncode == 1
    assert "users.json" in one_line(done)
    assert files_in(folder) == ["db/users.json"]
    assert (folder / "db" / "users.json").read_text() == text


def test_data_dir_stands_for_db(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    flags = ["--yes", "--port", "0", "--data-dir", str(data), "--owner", "bob", "--owner-password-stdin"]
    done = interview(folder, *flags, answers=["password"])
    assert done.returncode == 0, done.stderr
    assert files_in(data) == ["users.json"]
    assert f"--data-dir {data}" in done.stdout


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = interview(tmp_path / "file", "--yes", "--port", "0")
    assert done.returncode == 1
    assert one_line(done)


# --- flags -----------------------------------------------------------------------------------------------------


def test_every_flag_sets_its_setting(folder: Path) -> None:
    flags = {
        "--name": "N", "--host": "localhost", "--port": "0", "--auth-mode": "rotur", "--message-length": "11",
        "--messages-per-minute": "12", "--burst": "13", "--cooldown": "14", "--attachments": "yes",
        "--max-upload-bytes": "15", "--upload-types": "*", "--emoji-types": "png,gif",
    }  # fmt: skip
    done = interview(folder, "--yes", *[part for flag in flags.items() for part in flag])
    assert done.returncode == 0, done.stderr
    config = load(folder / "config.json", {})
    assert (config.server.name, config.websocket.host, config.websocket.port) == ("N", "localhost", 0)
    assert (config.auth_mode, config.limits.post_content) == ("rotur", 11)
    limits = config.rate_limiting
    assert (limits.messages_per_minute, limits.burst_limit, limits.cooldown_seconds) == (12, 13, 14)
    assert (config.attachments.max_size, config.attachments.allowed_types) == (15, ("*",))
    assert config.uploads.emoji_allowed_file_types == ("png", "gif")


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--port", "70000"], "--port: found 70000, expected a whole number from 0 to 65535"),
        (["--port", "0", "--name", ""], '--name: found "", expected text of 1 to 100 characters'),
        (["--port", "0", "--owner", "bob"], "--owner needs --owner-password-stdin"),
        (
            ["--port", "0", "--owner", "b b", "--owner-password-stdin"],
            "--owner: a name has only letters, digits, _ and -",
        ),
        (["--port", "0", "--owner-password-stdin"], "--owner-password-stdin needs --owner"),
        (
            ["--port", "0", "--owner", "bob", "--auth-mode", "rotur"],
            "--owner: the mode rotur has no local accounts; start the server and use its claim code",
        ),
    ],
)
def test_a_wrong_flag_is_one_line_and_writes_nothing(folder: Path, flags: list[str], told: str) -> None:
    done = interview(folder, "--yes", *flags, answers=["password"])
    assert done.returncode == 1
    assert one_line(done) == told
    assert not folder.exists()


def test_a_short_password_from_the_pipe_is_refused(folder: Path) -> None:
    done = interview(folder, "--yes", "--port", "0", "--owner", "bob", "--owner-password-stdin", answers=["abc"])
    assert done.returncode == 1
    assert one_line(done) == "--owner: a password has 4 to 128 characters"


# --- what it must never do -------------------------------------------------------------------------------------


@pytest.mark.parametrize("argument", ["install", "egg_info", "bdist_wheel", "develop"])
def test_called_as_a_packager_it_explains_itself(argument: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "setup.py"), argument],
        cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "not for packaging" in one_line(done)
    assert not list(tmp_path.iterdir())


def test_importing_it_does_nothing(tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import setup, interview.main"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, stdin=subprocess.DEVNULL, check=True
    )
    assert done.stdout == done.stderr == b""
    assert not list(tmp_path.iterdir())


def test_without_the_packages_it_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "setup.py").write_bytes((ROOT / "setup.py").read_bytes())
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(tmp_path / "setup.py"), "--yes"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert one_line(done) == "The packages this needs are missing: run `make setup` first."


def test_without_the_packages_it_uses_the_virtual_environment(tmp_path: Path) -> None:
    (tmp_path / "setup.py").write_bytes((ROOT / "setup.py").read_bytes())
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(tmp_path / "setup.py"), "--yes"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{tmp_path / 'setup.py'} --yes\n"


def test_a_community_moves_in_with_the_interview(folder: Path, tmp_path: Path) -> None:
    old = current(tmp_path / "old")
    owner = ["--owner", "host", "--owner-password-stdin"]
    flags = ["--yes", "--name", "New place", "--port", "0", *owner, "--import", str(old.path)]
    done = interview(folder, *flags, answers=["long secret"])
    assert done.returncode == 0, done.stderr
    assert "Imported" in done.stdout
    assert config_of(folder)["server"]["name"] == "New place"
    users = users_of(folder)
    assert users["USR:local_host"]["roles"][0] == "owner"
    assert users["USR:ann"]["username"] == "Ann"
    refused = interview(folder, "--yes", "--force", "--import", str(tmp_path / "nowhere"))
    assert one_line(refused) == f"--import: {tmp_path / 'nowhere'}: there is no such folder"
