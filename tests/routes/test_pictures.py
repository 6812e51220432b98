"""GET /emojis/... and /server-assets/...: pictures that are named, and nothing else of the disk."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp

from db.emojis import Emoji
from routes.app import build
from tests.routes.test_app import Answer, World, request
from tests.support.house import open_house
from tests.support.pictures import picture

PNG = picture()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("serverEmojis", "serverAssets"):
        (tmp_path / name).mkdir()
    (tmp_path / "serverEmojis" / "1.png").write_bytes(PNG)
    (tmp_path / "serverAssets" / "icon.png").write_bytes(PNG)
    (tmp_path / "users.json").write_text("secret")
    return tmp_path


@pytest.fixture
def world(folder: Path) -> World:
    world = World()
    world.emojis = {"1.png": folder / "serverEmojis" / "1.png", "1": folder / "serverEmojis" / "1.png"}
    world.assets = dict.fromkeys(("icon.png", "icon"), folder / "serverAssets" / "icon.png")
    return world


@pytest.fixture
def app(world: World) -> ASGIApp:
    return build(world, clock=lambda: world.now)


@pytest.mark.parametrize(
    ("path", "fresh"),
    [("/emojis/1.png", 3600), ("/emojis/1", 60), ("/server-assets/icon.png", 3600), ("/server-assets/icon", 3600)],
)
def test_a_picture_is_sent_with_its_type_and_may_be_kept_for_a_while(app: ASGIApp, path: str, fresh: int) -> None:
    answer = request(app, path)
    assert (answer.status, answer.body) == (200, PNG)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == f"public, max-age={fresh}"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["last-modified"]
    head = request(app, path, "HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(PNG)))


def test_a_picture_that_is_known_is_not_sent_again(app: ASGIApp) -> None:
    tag = request(app, "/emojis/1.png").headers["etag"]
    answer = request(app, "/emojis/1.png", headers={"If-None-Match": tag})
    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)
    assert request(app, "/emojis/1.png", headers={"If-None-Match": '"other"'}).status == 200


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-3", 206, PNG[:4]),
        ("bytes=4-", 206, PNG[4:]),
        ("bytes=-4", 206, PNG[-4:]),
        ("bytes=0-999999", 206, PNG),
        ("bytes=999999-", 416, None),
        ("bytes=5-2", 400, None),
        ("lines=1-2", 400, None),
    ],
)
def test_ranges(app: ASGIApp, asked: str, status: int, part: bytes | None) -> None:
    answer = request(app, "/emojis/1.png", headers={"Range": asked})
    assert answer.status == status
    if part is not None:
        assert answer.body == part


def missing(answer: Answer, text: str) -> bool:
    return answer.status == 404 and answer.json == {"error": text} and b"secret" not in answer.body


@pytest.mark.parametrize(
    "path", ["/emojis/2.png", "/emojis/", "/emojis/1.png/", "/emojis/../users.json", "/emojis/a\0"]
)
def test_no_such_emoji(app: ASGIApp, path: str) -> None:
    assert missing(request(app, path), "Emoji not found")


def test_no_such_asset(app: ASGIApp) -> None:
    assert missing(request(app, "/server-assets/banner"), "Server asset not found")


def test_a_picture_that_is_not_there_any_more(app: ASGIApp, folder: Path) -> None:
    (folder / "serverEmojis" / "1.png").unlink()
    assert missing(request(app, "/emojis/1"), "Emoji not found")


def test_a_link_that_leads_out_of_the_folder_is_not_followed(app: ASGIApp, world: World, folder: Path) -> None:
    for name, target in (("out.png", folder / "users.json"), ("in.png", folder / "serverEmojis" / "1.png")):
        (folder / "serverEmojis" / name).symlink_to(target)
        world.emojis[name] = folder / "serverEmojis" / name
    assert missing(request(app, "/emojis/out.png"), "Emoji not found")
    assert request(app, "/emojis/in.png").body == PNG


@pytest.mark.parametrize("name", ["x.svg", "x.html", "x", ".png", "users.json"])
def test_what_is_no_picture_by_its_name_is_not_served(app: ASGIApp, world: World, folder: Path, name: str) -> None:
    (folder / "serverAssets" / name).write_text("secret")
    world.assets["icon"] = folder / "serverAssets" / name
    assert missing(request(app, "/server-assets/icon"), "Server asset not found")
    (folder / "serverAssets" / "folder.png").mkdir()
    world.assets["icon"] = folder / "serverAssets" / "folder.png"
    assert missing(request(app, "/server-assets/icon"), "Server asset not found")


def test_other_methods_are_refused(app: ASGIApp) -> None:
    assert request(app, "/emojis/1.png", "POST").status == 405
    assert request(app, "/emojis/1.png", "OPTIONS").status == 204


PARTS = st.one_of(
    st.sampled_from(
        ["..", ".", "%2e%2e", "%2f", "/", "\\", "\0", "1.png", "users.json", "serverEmojis", "icon", "~", "C:", "//"]
    ),
    st.text(max_size=6),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(route=st.sampled_from(["/emojis/", "/server-assets/"]), parts=st.lists(PARTS, min_size=1, max_size=6))
def test_no_path_leads_to_another_file(app: ASGIApp, route: str, parts: list[str]) -> None:
    answer = request(app, (route + "".join(parts)).encode(errors="replace").decode())
    assert answer.status in (200, 404)
    assert b"secret" not in answer.body
    assert answer.status == 404 or answer.body == PNG


@pytest.mark.parametrize(
    "value",
    ["../users.json", "/etc/passwd.png", "a/b.png", ".hidden.png", "icon.svg", "https://x.example/i.png", "", None],
)
@pytest.mark.anyio
async def test_only_what_the_settings_name_is_an_asset(value: str | None, tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        config = house.world.config
        asset = house.community.asset_file
        house.world.live.current = msgspec.structs.replace(
            config, server=msgspec.structs.replace(config.server, icon=value)
        )
        assert [asset(name) for name in ("icon", value or "x", "banner", "config.json")] == [None] * 4
        fine = msgspec.structs.replace(config.server, icon="tea room.png", banner="b.gif")
        house.world.live.current = msgspec.structs.replace(config, server=fine)
        folder = house.folder / "serverAssets"
        assert [asset(name) for name in ("icon", "tea room.png")] == [folder / "tea room.png"] * 2
        assert [asset(name) for name in ("banner", "b.gif", "c.gif")] == [folder / "b.gif", folder / "b.gif", None]


@pytest.mark.anyio
async def test_an_emoji_is_found_by_file_name_and_id(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        house.world.emojis.put(Emoji(id="7", name="party", file_name="7_0123abcd.gif"))
        file = house.folder / "serverEmojis" / "7_0123abcd.gif"
        assert [house.community.emoji_file(name) for name in ("7", "7_0123abcd.gif", "party", "7.gif")] == [
            file, file, None, None,
        ]  # fmt: skip
