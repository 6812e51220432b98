"""Settings that change while the server runs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from config.description import default_document
from config.files import write_file, write_files
from config.live import LiveConfig, Reloaded
from config.load import load
from config.problems import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text('{"server": {"name": "before"}}')
    return path


def live(file: Path, environ: dict[str, str] | None = None, overrides: dict[str, Any] | None = None) -> LiveConfig:
    return LiveConfig(file, load(file, environ or {}, overrides), environ or {}, overrides)


def test_a_live_setting_is_taken(file: Path) -> None:
    config = live(file)
    file.write_text('{"server": {"name": "after"}, "limits": {"post_content": 5}}')
    assert config.reload() == Reloaded(changed=("server.name", "limits.post_content"))
    assert config.current.server.name == "after"
    assert config.current.limits.post_content == 5
    assert config.reload() == Reloaded()


def test_a_setting_that_needs_a_restart_is_named_and_left_alone(file: Path) -> None:
    config = live(file)
    file.write_text('{"server": {"name": "after"}, "websocket": {"port": 1}, "DB": {"url": "sqlite:///x"}}')
    for _ in range(2):
        reloaded = config.reload()
        assert reloaded.restart_only == ("websocket.port", "DB.url")
        assert config.current.websocket.port == 5613
        assert config.current.DB.url is None
    assert config.current.server.name == "after"
    file.write_text('{"server": {"name": "after"}}')
    assert config.reload() == Reloaded()


def test_a_dot_env_file_is_read_again_and_fixes_a_setting(file: Path) -> None:
    config = live(file, {"MOTD": "x"})
    assert config.fixed_by("server.name") is None
    assert config.fixed_by("chat_api.motd") == "the environment variable MOTD"
    config.env_path.write_text("SERVER_NAME=From here\n")
    assert config.reload().changed == ("server.name",)
    assert config.fixed_by("server.name") == "the environment variable SERVER_NAME in .env"


def test_a_removed_key_goes_back_to_its_default(file: Path) -> None:
    config = live(file)
    file.write_text("{}")
    assert config.reload().changed == ("server.name",)
    assert config.current.server.name == "My OriginChats Server"


@pytest.mark.parametrize("text", ["{", '{"server": {"name": 5}}', ""])
def test_a_broken_file_changes_nothing(file: Path, text: str) -> None:
    config = live(file)
    before = config.current
    file.write_text(text)
    reloaded = config.reload()
    assert config.current is before
    assert reloaded.changed == reloaded.restart_only == ()
    assert reloaded.problems[0].line == 1


def test_a_missing_file_changes_nothing(file: Path) -> None:
    config = live(file)
    before = config.current
    file.unlink()
    assert "missing" in config.reload().problems[0].message
    assert config.current is before


def test_environment_and_command_line_keep_winning(file: Path) -> None:
    config = live(file, {"ORIGINCHATS_SERVER_NAME": "env"}, {"websocket.port": 7})
    file.write_text('{"server": {"name": "file"}, "websocket": {"port": 9}}')
    assert config.reload() == Reloaded()
    assert config.current.server.name == "env"
    assert config.current.websocket.port == 7


def test_further_keys_of_a_new_member_are_live(file: Path) -> None:
    config = live(file)
    file.write_text('{"server": {"name": "before"}, "DB": {"users": {"default": {"nickname": "new"}}}}')
    assert config.reload().changed == ("DB.users.default",)
    assert config.current.DB.users.default.extra == {"nickname": "new"}


def test_update_file_changes_only_what_it_is_told(file: Path) -> None:
    text = '{"limits":{"post_content":5},"server":{"url":"http://a.example","name":"x"},"auth_mode":"rotur"}'
    file.write_text(text)
    config = live(file)
    config.update_file({"server.name": "Grüße 🎉", "server.icon": None})
    assert file.read_text("utf-8") == (
        '{\n  "limits": {\n    "post_content": 5\n  },\n  "server": {\n    "url": "http://a.example",\n'
        '    "name": "Grüße 🎉",\n    "icon": null\n  },\n  "auth_mode": "rotur"\n}\n'
    )
    assert config.reload().changed == ("server.name",)


def test_update_file_takes_a_hand_edit_of_the_same_moment_along(file: Path) -> None:
    config = live(file)
    file.write_text('{"server": {"name": "before"}, "limits": {"post_content": 7}}')
    config.update_file({"server.banner": "b.png"})
    assert json.loads(file.read_text()) == {
        "server": {"name": "before", "banner": "b.png"},
        "limits": {"post_content": 7},
    }


def test_fixed_by_names_what_stands_above_the_file(file: Path) -> None:
    config = live(file, {"ORIGINCHATS_SERVER_NAME": "a", "ORIGINCHATS_WEBSOCKET_PORT": "1"}, {"websocket.port": 2})
    assert config.fixed_by("server.name") == "the environment variable ORIGINCHATS_SERVER_NAME"
    assert config.fixed_by("websocket.port") == "the command line"
    assert config.fixed_by("server.icon") is None


def test_update_file_makes_a_missing_file_from_the_defaults(tmp_path: Path) -> None:
    config = live(tmp_path / "config.json")
    config.update_file({"server.name": "new"})
    wanted = default_document()
    wanted["server"]["name"] = "new"
    assert json.loads((tmp_path / "config.json").read_text()) == wanted


def test_update_file_makes_a_deleted_file_from_what_it_said(file: Path) -> None:
    config = live(file)
    file.write_text('{"server": {"name": "after"}, "limits": {"post_content": 7}}')
    config.reload()
    file.unlink()
    config.update_file({"server.banner": "b.png"})
    assert json.loads(file.read_text()) == {
        "server": {"name": "after", "banner": "b.png"},
        "limits": {"post_content": 7},
    }
    file.unlink()
    config.update_file({"server.icon": "i.png"})
    assert json.loads(file.read_text())["limits"] == {"post_content": 7}


@pytest.mark.parametrize("text", ["{", '{"server": {"name": 5}}', '{"server": 5}'])
def test_update_file_does_not_write_over_a_broken_file(file: Path, text: str) -> None:
    config = live(file)
    file.write_text(text)
    with pytest.raises(ConfigError):
        config.update_file({"server.name": "new"})
    assert file.read_text() == text


def test_update_file_refuses_a_value_that_does_not_fit(file: Path) -> None:
    before = file.read_text()
    with pytest.raises(ConfigError, match=r"server\.name: found \"\", expected text of 1 to 100 characters"):
        live(file).update_file({"server.name": ""})
    assert file.read_text() == before


def test_writing_keeps_the_mode_and_follows_links(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    write_file(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o640
    write_files({tmp_path / "private": b""}, {tmp_path / "private": 0o600})
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o600


def test_writing_several_files_writes_none_when_one_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = tmp_path / "first"
    first.write_bytes(b"old")
    synced: list[int] = []

    def full_disk(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_files({first: b"new", tmp_path / "second": b"new"})
    assert [path.name for path in tmp_path.iterdir()] == ["first"]
    assert first.read_bytes() == b"old"
