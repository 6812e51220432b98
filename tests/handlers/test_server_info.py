"""The server's card in config.json, and the limiter seen from outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from config.live import LiveConfig
from config.load import load
from handlers.server_info import server_updated
from protocol.audience import Everyone
from tests.handlers.community import empower, told, told_one
from tests.handlers.conftest import Clock, Stage
from tests.support.pictures import data_uri, picture


@pytest.fixture
def stage(stage: Stage) -> Stage:
    empower(stage, "manage_server")
    return stage


def test_server_info_gives_absolute_urls(stage: Stage) -> None:
    stage.do("mod", "server_update", icon="icon.png", banner="https://example.org/b.png")
    assert stage.answer("ann", "server_info") == {
        "cmd": "server_info", "name": "My OriginChats Server",
        "icon": "http://127.0.0.1:5613/server-assets/icon.png", "banner": "https://example.org/b.png",
    }  # fmt: skip


def test_server_update_writes_the_file_and_tells_everybody(stage: Stage, tmp_path: Path) -> None:
    outcome = stage.do("mod", "server_update", name="The Lab ")
    expected = {"cmd": "server_update", "name": "The Lab", "icon": "", "banner": "", "description": ""}
    assert told(outcome) == [expected]
    assert outcome.reply is None
    assert outcome.events[0].audience == Everyone()
    assert json.loads((tmp_path / "config.json").read_text())["server"]["name"] == "The Lab"
    assert stage.answer("ann", "server_info")["name"] == "The Lab"
    assert told_one(server_updated(stage.world.config)) == expected


def test_server_update_null_clears(stage: Stage) -> None:
    stage.do("mod", "server_update", name="The Lab", icon="icon.png")
    answer = stage.answer("mod", "server_update", name=None, icon=None)
    assert (answer["name"], answer["icon"]) == ("My OriginChats Server", "")


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "a\x00b"},
        {"name": "x" * 101},
        {"icon": "../secret.png"},
        {"icon": "C:\\secret.png"},
        {"icon": ".hidden"},
        {"icon": "javascript:alert(1)"},
        {"banner": "https://example.org/a b"},
        {"banner": 5},
        {"icon": "x" * 501},
        {"icon": "data:image/png;base64,aGk="},
        {"icon": "data:text/plain;base64,aGk="},
        {"description": "x" * 501},
    ],
)
def test_server_update_refuses_what_is_no_name_or_picture(
    stage: Stage, tmp_path: Path, fields: dict[str, object]
) -> None:
    assert stage.refused("mod", "server_update", **fields).code.wire == "bad_value"
    assert not (tmp_path / "config.json").exists()


def test_server_update_refuses_without_right_or_change(stage: Stage) -> None:
    assert stage.refused("ann", "server_update", name="x").code.wire == "permission_required"
    assert stage.refused("mod", "server_update").code.wire == "no_updates"


def test_server_update_keeps_uploaded_pictures_in_the_shape_they_are_shown_in(stage: Stage) -> None:
    wide = data_uri(picture("blue", size=(900, 600)))
    answer = stage.answer("mod", "server_update", icon=wide, banner=wide)
    folder = stage.world.asset_pictures.folder
    server = stage.world.config.server
    assert server.icon is not None
    assert server.banner is not None
    assert answer["icon"].endswith(f"/server-assets/{server.icon}")
    with Image.open(folder / server.icon) as icon, Image.open(folder / server.banner) as banner:
        assert (icon.size, banner.size) == ((512, 512), (900, 600))
    stage.do("mod", "server_update", icon=None, banner=data_uri(picture("red")))
    stage.world.asset_pictures.wait()
    assert [file.name for file in folder.iterdir()] == [stage.world.config.server.banner]


def test_server_update_forgets_uploads_where_nothing_is_changed(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{ not JSON")
    assert stage.refused("mod", "server_update", icon=data_uri(picture())).code.wire == "settings_broken"
    stage.world.asset_pictures.wait()
    assert list(stage.world.asset_pictures.folder.iterdir()) == []


def test_server_update_leaves_what_the_host_put_there(stage: Stage) -> None:
    folder = stage.world.asset_pictures.folder
    folder.mkdir()
    (folder / "icon.png").write_bytes(picture())
    stage.do("mod", "server_update", icon="icon.png")
    stage.do("mod", "server_update", icon=data_uri(picture()))
    stage.world.asset_pictures.wait()
    assert (folder / "icon.png").exists()


def test_server_update_tells_the_description(stage: Stage) -> None:
    assert stage.answer("mod", "server_update", description=" Tea and chess ")["description"] == "Tea and chess"
    assert stage.answer("mod", "server_update", description=None)["description"] == ""


@pytest.mark.parametrize(
    ("environ", "overrides", "source"),
    [
        ({"ORIGINCHATS_SERVER_NAME": "Fixed"}, {}, "the environment variable ORIGINCHATS_SERVER_NAME"),
        ({"ORIGINCHATS_SERVER_NAME": "Fixed"}, {"server.name": "Flag"}, "the command line"),
    ],
)
def test_server_update_refuses_what_the_host_has_fixed(
    stage: Stage, tmp_path: Path, environ: dict[str, str], overrides: dict[str, str], source: str
) -> None:
    path = tmp_path / "config.json"
    stage.world.live = LiveConfig(path, load(path, environ, overrides), environ, overrides)
    refusal = stage.refused("mod", "server_update", name="x", icon="icon.png")
    assert refusal.code.wire == "setting_fixed"
    assert refusal.text == f"server.name is set by {source}, so it cannot be changed here"
    assert not path.exists()
    assert stage.answer("mod", "server_update", icon="icon.png")["icon"].endswith("/icon.png")


def test_server_update_leaves_a_broken_file_alone(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{ not JSON")
    refusal = stage.refused("mod", "server_update", name="x")
    assert refusal.code.wire == "settings_broken"
    assert str(tmp_path) not in refusal.text
    assert (tmp_path / "config.json").read_text() == "{ not JSON"


def test_rate_limit_status_counts_and_shows_a_mute(stage: Stage, clock: Clock) -> None:
    for _ in range(3):
        stage.world.limiter.take(stage.id("ann"))
    stage.change_user("ann", muted_until=clock.now + 5)
    answer = stage.answer("ann", "rate_limit_status")
    assert answer["user"] == stage.id("ann")
    assert answer["status"] == {
        "messages_this_minute": 3, "messages_per_minute_limit": 60, "recent_messages": 3, "burst_limit": 10,
        "cooldown_remaining": 0.0, "timeout_remaining": 5.0,
    }  # fmt: skip
    assert stage.answer("ann", "rate_limit_status", user="usr:local_ANN")["user"] == stage.id("ann")


def test_rate_limit_status_of_others_is_for_managers(stage: Stage) -> None:
    for user in (stage.id("ben"), "nobody"):
        assert stage.refused("ann", "rate_limit_status", user=user).code.wire == "permission_required"
    empower(stage, "manage_users")
    assert stage.answer("mod", "rate_limit_status", user=stage.id("ben"))["status"]["recent_messages"] == 0
    assert stage.refused("mod", "rate_limit_status", user="nobody").code.wire == "user_not_found"


def test_rate_limit_reset_gives_tokens_back_and_keeps_a_mute(stage: Stage, clock: Clock) -> None:
    for _ in range(10):
        stage.world.limiter.take(stage.id("ann"))
    assert stage.world.limiter.take(stage.id("ann")) is not None
    stage.change_user("ann", muted_until=clock.now + 5)
    assert stage.refused("ann", "rate_limit_reset", user=stage.id("ann")).code.wire == "permission_required"
    assert stage.answer("mod", "rate_limit_reset", user=stage.id("ann"))["user"] == stage.id("ann")
    assert stage.world.limiter.take(stage.id("ann")) is None
    assert stage.user("ann").muted_until == clock.now + 5
    assert stage.refused("mod", "rate_limit_reset", user="nobody").code.wire == "user_not_found"
