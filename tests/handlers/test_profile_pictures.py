"""Pictures of members."""

from __future__ import annotations

import msgspec
import pytest
from PIL import Image

from db.documents import Change
from handlers.hand_edits import effects
from protocol.audience import Everyone
from tests.handlers.community import told, told_one
from tests.handlers.conftest import Stage
from tests.support.pictures import PNG, data_uri, picture

URL = "https://example.org/me.png?size=64#x"


@pytest.fixture
def stage(stage: Stage) -> Stage:
    stage.world.live.current = msgspec.structs.replace(stage.world.config, auth_mode="cracked")
    return stage


def test_pfp_set_is_told_to_everybody_and_shown_in_the_list(stage: Stage) -> None:
    outcome = stage.do("ann", "pfp_set", url=URL)
    assert told(outcome) == [{"cmd": "pfp_set", "username": stage.id("ann"), "val": URL}]
    assert outcome.reply is None
    assert outcome.events[0].audience == Everyone()
    users = {user["username"]: user for user in stage.answer("ben", "users_list")["users"]}
    assert users[stage.id("ann")]["pfp"] == URL
    assert users[stage.id("ben")]["pfp"] is None


def test_pfp_get_answers_with_the_name_as_it_was_sent(stage: Stage) -> None:
    stage.do("ann", "pfp_set", url=URL)
    name = stage.id("ann").upper()
    assert stage.answer("ben", "pfp_get", username=name) == {"cmd": "pfp_get", "username": name, "val": URL}
    assert stage.answer("ann", "pfp_get", username=stage.id("ben"))["val"] is None
    assert stage.refused("ann", "pfp_get", username="nobody").text == "User not found"


def test_pfp_set_of_nothing_removes_it(stage: Stage) -> None:
    stage.do("ann", "pfp_set", url=URL)
    assert stage.answer("ann", "pfp_set", url="")["val"] is None


@pytest.mark.parametrize(
    "url",
    [
        None,
        5,
        "example.org/me.png",
        "javascript:alert(1)",
        "data:image/png;base64,aGk=",
        "ftp://example.org/a.png",
        "https://",
        "https:///me.png",
        "https://?x",
        "https://exa mple.org/",
        "https://example.org/\n",
        "https://example.org/\x00",
        "https://example.org/a\u202eb",
        'https://example.org/"onload="x',
        "https://example.org:99999/",
        "https://[::1/",
        "https://example.org/" + "x" * 500,
    ],
)
def test_pfp_set_takes_web_addresses_only(stage: Stage, url: object) -> None:
    assert stage.refused("ann", "pfp_set", url=url).code.wire == "bad_value"
    assert stage.user("ann").pfp_url is None


def test_pfp_set_is_for_the_identity_service_where_only_that_knows_people(stage: Stage) -> None:
    stage.world.live.current = msgspec.structs.replace(stage.world.config, auth_mode="rotur")
    assert "managed by Rotur" in stage.refused("ann", "pfp_set", url=URL).text


def test_pfp_upload_keeps_a_square_of_the_picture_and_shows_its_address(stage: Stage) -> None:
    outcome = stage.do("ann", "pfp_upload", image=data_uri(picture("blue", size=(700, 400))))
    name = stage.user("ann").pfp_url
    assert name is not None
    url = f"http://127.0.0.1:5613/server-assets/{name}"
    assert told(outcome) == [{"cmd": "pfp_set", "username": stage.id("ann"), "val": url}]
    users = {user["username"]: user for user in stage.answer("ben", "users_list")["users"]}
    assert users[stage.id("ann")]["pfp"] == stage.answer("ben", "pfp_get", username=stage.id("ann"))["val"] == url
    with Image.open(stage.world.asset_pictures.folder / name) as kept:
        assert kept.size == (256, 256)


def test_pfp_upload_replaces_the_earlier_picture(stage: Stage) -> None:
    pictures = stage.world.asset_pictures
    for _ in range(3):
        stage.do("ann", "pfp_upload", image=PNG)
    stage.do("ben", "pfp_upload", image=PNG)
    pictures.wait()
    kept = {stage.user("ann").pfp_url, stage.user("ben").pfp_url}
    assert {file.name for file in pictures.folder.iterdir()} == kept
    stage.do("ann", "pfp_set", url="")
    stage.do("ben", "user_leave")
    pictures.wait()
    assert list(pictures.folder.iterdir()) == []


@pytest.mark.parametrize("image", ["", "https://example.org/a.png", "data:image/png;base64,aGk=", PNG[:-40], 5])
def test_pfp_upload_takes_pictures_only(stage: Stage, image: object) -> None:
    assert stage.refused("ann", "pfp_upload", image=image).code.wire == "bad_value"
    assert stage.user("ann").pfp_url is None
    folder = stage.world.asset_pictures.folder
    assert not folder.exists() or list(folder.iterdir()) == []


def test_pfp_upload_is_for_the_identity_service_where_only_that_knows_people(stage: Stage) -> None:
    stage.world.live.current = msgspec.structs.replace(stage.world.config, auth_mode="rotur")
    assert stage.refused("ann", "pfp_upload", image=PNG).code.wire == "picture_fixed"


def test_pictures_that_nobody_shows_are_gone_after_a_start(stage: Stage) -> None:
    pictures = stage.world.asset_pictures
    stage.do("ann", "pfp_upload", image=PNG)
    pictures.wait()
    kept = stage.user("ann").pfp_url
    for name in ("pfp_0123456789abcdef.png", "icon.png"):
        (pictures.folder / name).write_bytes(b"x")
    pictures.tidy({kept})
    assert {file.name for file in pictures.folder.iterdir()} == {kept, "icon.png"}


def test_a_picture_set_by_hand_is_told_as_by_its_command(stage: Stage) -> None:
    old = stage.user("ann")
    changes = [Change("users", old.id, old, msgspec.structs.replace(old, pfp_url=URL))]
    found = effects(stage.world, stage.world.documents.apply_external(changes))
    assert [told_one(event) for event in found.events] == [{"cmd": "pfp_set", "username": old.username, "val": URL}]
