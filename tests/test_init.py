"""The front door, as a process: flags, checks, what it prints, how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from config.paths import data_paths
from config.schema import Config
from config.version import VERSION
from connection import CLOSE_TIMEOUT_S
from db.database import check_database
from init import check_folders, overrides, parse
from tests.support.client import ChatClient
from tests.support.community import load, user_id, write_community
from tests.support.server import ROOT, ServerProcess

pytestmark = pytest.mark.anyio
USERS = {"ann": ("user",), "ben": ("user",)}


def run(*arguments: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """A run of `init.py` that ends by itself."""
    return subprocess.run(
        [sys.executable, ROOT / "init.py", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=30,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1", **(env or {})},
        check=False,
    )


def start(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A start on a folder that has to fail."""
    places = ("--config", str(folder / "config.json"), "--data-dir", str(folder / "db"))
    return run(*places, "--port", "0", *arguments, env=env)


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    return run("--config", folder / "config.json", "--data-dir", folder / "db", "--check")


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """What it says on stderr when it does not start: one line, and nothing else anywhere."""
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()
    return line


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_community(tmp_path / "community", users=USERS)


# --- flags


def test_version_is_printed() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"OriginChats server {VERSION}\n")


def test_help_names_every_flag() -> None:
    done = run("--help")
    assert done.returncode == 0
    for flag in (
        "--config", "--host", "--port", "--max-connections", "--require-token", "--data-dir", "--log-level", "--check",
        "--version",
    ):  # fmt: skip
        assert flag in done.stdout


@pytest.mark.parametrize("flags", [["--prot", "1"], ["--port", "http"], ["--log-level", "loud"], ["stray"]])
def test_a_flag_that_is_wrong_is_explained(flags: list[str]) -> None:
    done = run(*flags)
    assert done.returncode == 2
    assert flags[0] in done.stderr or flags[-1] in done.stderr


def test_flags_are_settings() -> None:
    assert overrides(parse([])) == {}
    assert overrides(parse(["--max-connections", "7", "--require-token", "--port", "0"])) == {
        "limits.max_connections": 7,
        "rooms.require_token": True,
        "websocket.port": 0,
    }


# --- check


def test_check_says_that_all_is_in_order_and_changes_nothing(folder: Path) -> None:
    before = snapshot(folder)
    done = check(folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "in order" in done.stdout
    assert str(folder / "config.json") in done.stdout
    assert snapshot(folder) == before


def test_check_of_a_folder_where_nothing_is_yet(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert done.returncode == 0, done.stderr
    assert snapshot(tmp_path) == {}


def edited(folder: Path, name: str, change: Any) -> None:
    path = folder / name
    value = load(path)
    change(value)
    path.write_text(json.dumps(value, indent=2))


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("config.json", '{\n  "server": {"name": "x"},\n  "limits": {"post_content": }\n}', ["config.json:3:"]),
        ("config.json", '{"limitz": {}}', ["limitz", "limits"]),
        ("config.json", '{"limits": {\n"post_contents": 5}}', ["post_contents", "post_content"]),
        ("config.json", '{"websocket": {"port": "5613"}}', ["websocket.port"]),
        ("config.json", '{"websocket": {"port": 99999}}', ["websocket.port", "65535"]),
        ("config.json", '{"auth_mode": "cracked_only"}', ["auth_mode", "cracked-only"]),
        ("config.json", "[]", ["object"]),
        ("db/users.json", '{\n  "USR:local_x": {\n    "username": \n', ["users.json:4:"]),
        ("db/users.json", '{"USR:local_x": {"username": "x", "roles": "user"}}', ["users.json", "roles"]),
        ("db/users.json", '{"USR:local_x": {"username": 7}}', ["users.json", "username"]),
        ("db/users.json", "[]", ["users.json"]),
        ("db/channels.json", '[\n{"type": "text"}\n]', ["channels.json", "name"]),
        ("db/channels.json", '[{"type": "text", "name": "a"}', ["channels.json"]),
        ("db/roles.json", '{"vip": {"permissions": "all"}}', ["roles.json", "permissions"]),
        ("db/users.json", "\x00\x01", ["users.json"]),
        ("db/messages.sqlite3", "no database", ["not a database"]),
        ("config.json", '{"limits": {"post_content": ' + "9" * 5000 + "}}", ["thousands of digits"]),
        ("db/users.json", '{"USR:local_x": {"muted_until": ' + "9" * 5000 + "}}", ["thousands of digits"]),
    ],
)
def test_check_names_file_place_and_reason(folder: Path, name: str, text: str, says: list[str]) -> None:
    (folder / name).write_text(text)
    before = snapshot(folder)
    done = check(folder)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for word in [*says, str(folder / name)]:
        assert word in done.stderr
    assert snapshot(folder) == before


def test_check_names_every_broken_file(folder: Path) -> None:
    (folder / "db" / "users.json").write_text("{")
    (folder / "db" / "channels.json").write_text("{")
    done = check(folder)
    assert done.returncode == 1
    assert "users.json" in done.stderr
    assert "channels.json" in done.stderr


def test_check_names_what_the_server_may_not_write(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "db" / "messages.sqlite3").write_bytes(b"something")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    paths = data_paths(Config(), folder / "config.json")
    assert check_folders(paths) == [f"{folder / 'db'}: is read-only for this user"]
    assert check_database(paths.database_url) == f"{folder / 'db' / 'messages.sqlite3'}: is read-only for this user"


def test_check_takes_the_environment_into_account(folder: Path) -> None:
    places = ("--config", folder / "config.json", "--data-dir", folder / "db", "--check")
    assert run(*places, env={"ORIGINCHATS_WEBSOCKET_PORT": "5614"}).returncode == 0
    done = run(*places, env={"ORIGINCHATS_WEBSOCKET_PORT": "many"})
    assert done.returncode == 1
    assert "ORIGINCHATS_WEBSOCKET_PORT" in done.stderr


def test_check_names_mistakes_in_the_dot_env_file(folder: Path) -> None:
    (folder / ".env").write_text("PORT=5614\n")
    assert check(folder).returncode == 0
    (folder / ".env").write_text("PORT=many\n")
    done = check(folder)
    assert done.returncode == 1
    assert f"{folder / '.env'}:1: PORT: websocket.port" in done.stderr


# --- what keeps it from starting


def test_a_port_in_use_is_one_clear_line(folder: Path) -> None:
    before = snapshot(folder)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = one_line(start(folder, "--port", str(port)))
    assert f"127.0.0.1:{port}" in line
    assert "--port" in line, "the remedy"
    assert snapshot(folder) == before


def test_the_own_port_of_the_rooms_in_use_is_one_clear_line(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = one_line(start(folder, ORIGINCHATS_ROOMS_PORT=str(port)))
    assert f"127.0.0.1:{port}" in line
    assert "rooms.port" in line, "the remedy"


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.1", "not an address", "a..b", "[::1]"])
def test_an_address_that_is_not_ours_is_one_clear_line(folder: Path, host: str) -> None:
    before = snapshot(folder)
    line = one_line(start(folder, "--host", host))
    assert host in line
    assert "--host" in line
    assert snapshot(folder) == before


def test_settings_behind_a_link_that_leads_nowhere_are_one_clear_line(folder: Path) -> None:
    """A disk that is not mounted is no reason to start with the defaults."""
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to(folder / "gone" / "config.json")
    line = one_line(start(folder))
    assert f"{folder / 'config.json'}: is a link to {folder / 'gone' / 'config.json'}, where nothing is" in line


def test_a_url_of_a_database_that_is_none_is_one_clear_line(folder: Path) -> None:
    assert "DB.url" in one_line(start(folder, DBURL="postgresql://chat:secret@127.0.0.1:port/chat"))


def test_tables_of_another_program_are_one_clear_line(folder: Path) -> None:
    path = folder / "db" / "messages.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE messages (a)")
    assert f"cannot open the database {path}: table messages already exists" in one_line(start(folder))


def test_a_file_in_place_of_the_folder_of_uploads_is_one_clear_line(folder: Path) -> None:
    (folder / "db" / "files").write_text("")
    assert f"{folder / 'db' / 'files'}: File exists" in one_line(start(folder))


def test_a_bad_config_is_one_clear_line(folder: Path) -> None:
    (folder / "config.json").write_text('{\n"limits": {"post_content": 0}}')
    before = snapshot(folder)
    line = one_line(start(folder))
    assert "config.json" in line
    assert "post_content" in line
    assert snapshot(folder) == before


@pytest.mark.parametrize("name", ["users", "roles", "channels"])
def test_unreadable_data_is_one_clear_line(folder: Path, name: str) -> None:
    path = folder / "db" / f"{name}.json"
    path.write_text('{"a": \n}')
    before = snapshot(folder)
    line = one_line(start(folder))
    assert f"{path}:2:" in line
    after = snapshot(folder)
    after.pop("db/originchats.lock", None)
    assert after == before


def test_a_data_folder_that_is_a_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "db").write_text("not a folder")
    assert str(tmp_path / "db") in one_line(start(tmp_path))
    assert (tmp_path / "db").read_text() == "not a folder"


def test_a_database_that_is_none_is_one_clear_line(folder: Path) -> None:
    path = folder / "db" / "messages.sqlite3"
    path.write_bytes(b"this is no database" * 500)
    before = snapshot(folder)
    line = one_line(start(folder))
    assert "messages.sqlite3" in line
    after = snapshot(folder)
    after.pop("db/originchats.lock", None)
    assert after == before


async def test_a_second_server_on_the_same_folder_is_one_clear_line(folder: Path) -> None:
    async with ServerProcess(folder) as server:
        before = (folder / "db" / "users.json").read_bytes()
        line = one_line(start(folder))
        assert str(folder / "db") in line
        assert str(server.pid) in line
        assert "--data-dir" in line
        assert (folder / "db" / "users.json").read_bytes() == before
        async with await ChatClient(server.url).connect() as ann:
            await ann.login("ann")
            await ann.say("undisturbed")
        assert await server.stop() == 0


# --- the start screen


async def test_the_start_screen_says_where_who_and_what(folder: Path) -> None:
    async with ServerProcess(folder, arguments=("--log-level", "warning")) as server:
        screen = server.text()
        assert f"http://127.0.0.1:{server.port}" in screen
        assert f"ws://127.0.0.1:{server.port}/" in screen
        assert str(folder / "db") in screen
        assert "cracked (local and Rotur accounts)" in screen
        assert "2 users, 3 channels, 0 messages" in screen
        assert "Test community" in screen
        code = server.claim_code
        async with await ChatClient(server.url).connect() as ann:
            await ann.login("ann")
            await ann.say("one")
        assert await server.stop() == 0
        await server.start()
        assert server.claim_code != code, "a new one each start"
        assert "1 message " in server.text().rpartition("Claim code")[0].rpartition("Loaded")[2]
        async with await ChatClient(server.url).connect() as ann:
            await ann.login("ann", claim=server.claim_code)
            assert ann.ready["user"]["roles"][0] == "owner"
        assert await server.stop() == 0
        shown = len(server.log)
        await server.start()
        assert "laim code" not in "".join(server.log[shown:]), "there is an owner now"
        assert "Traceback" not in server.text()


async def test_without_a_config_the_same_defaults_serve(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server:
        async with await ChatClient(server.url).connect() as zoe:
            shaken = zoe.handshake["val"]
            assert shaken["server"]["name"] == Config().server.name
            assert shaken["auth_mode"] == "cracked"
            assert shaken["limits"]["post_content"] == Config().limits.post_content
            await zoe.register("zoe", claim=server.claim_code)
            channels = (await zoe.request("channels_get"))["val"]
            await zoe.say("hello", channel=channels[0]["name"])
        assert await server.stop() == 0
    assert not (tmp_path / "config.json").exists(), "nothing is made that was not asked for"
    assert load(tmp_path / "db" / "users.json")[user_id("zoe")]["roles"][0] == "owner"
    shipped, built_in = load(ROOT / "config.json"), Config()
    assert shipped["auth_mode"] == built_in.auth_mode


async def test_flags_and_environment_override_the_file(folder: Path) -> None:
    config = load(folder / "config.json")
    config["websocket"] = {"host": "203.0.113.1", "port": 1}
    (folder / "config.json").write_text(json.dumps(config))
    name = "From the environment"
    async with ServerProcess(folder, env={"ORIGINCHATS_SERVER_NAME": name}) as server:
        async with await ChatClient(server.url).connect() as guest:
            assert guest.handshake["val"]["server"]["name"] == name
        assert await server.stop() == 0


async def test_a_dot_env_file_that_is_saved_counts_at_once(folder: Path) -> None:
    async with ServerProcess(folder) as server, await ChatClient(server.url).connect() as ann:
        await ann.login("ann")
        (folder / ".env").write_text("SERVER_NAME=From a file\n")
        told = await ann.expect("server_update")
        assert told["name"] == "From a file"
        assert await server.stop() == 0


@pytest.mark.skipif(os.name != "posix", reason="permissions of files")
async def test_what_it_writes_is_for_its_host_only(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server:
        assert await server.stop() == 0
    for path in (tmp_path / "db").iterdir():
        assert path.stat().st_mode & 0o077 == 0, path.name


# --- the end


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_ends_it_cleanly(folder: Path, how: signal.Signals) -> None:
    async with ServerProcess(folder) as server:
        async with await ChatClient(server.url).connect() as ann, await ChatClient(server.url).connect() as stranger:
            await ann.login("ann")
            message = await ann.say("before the end")
            for number in range(50):
                await ann.send("message_new", channel="general", content=str(number), listener=str(number))
            assert await server.end(how) == 0
            for client in (ann, stranger):
                assert await client.closed() == 1001
                shutdown = client.received("shutdown")[0]
                assert shutdown["retry_after_ms"] > 0
            answered = [packet for packet in ann.events if packet.get("listener", "").isdigit()]
        assert "Traceback" not in server.text()
        await server.start()
        async with await ChatClient(server.url).connect() as ann:
            await ann.login("ann")
            stored = (await ann.request("messages_get", channel="general", limit=100))["messages"]
            ids = [each["id"] for each in stored]
            assert message["id"] in ids
            assert {packet["message"]["id"] for packet in answered if packet["cmd"] == "message_new"} <= set(ids)
        assert await server.stop() == 0


async def test_a_status_is_saved_at_the_end(folder: Path) -> None:
    async with ServerProcess(folder) as server, await ChatClient(server.url).connect() as ann:
        await ann.login("ann")
        await ann.request("status_set", status="dnd", text="busy")
        assert await server.stop() == 0
    assert load(folder / "db" / "users.json")[user_id("ann")]["status"] == {"status": "dnd", "text": "busy"}


async def test_a_second_signal_waits_for_nobody(folder: Path) -> None:
    async with ServerProcess(folder) as server, await ChatClient(server.url).connect() as ben:
        ann = await ChatClient(server.url).connect()
        await ann.login("ann")
        ann.pause_reading()
        os.kill(server.pid, signal.SIGTERM)
        await ben.expect("shutdown")
        asked = time.monotonic()
        assert await server.end(signal.SIGTERM) == 0
        assert time.monotonic() - asked < CLOSE_TIMEOUT_S - 1, "it did not wait for Ann"
        await ann.drop()
    assert "Traceback" not in server.text()
