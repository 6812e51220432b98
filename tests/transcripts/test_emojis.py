"""Custom emojis come and go before the eyes of all members, and of nobody who has not logged in."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.support.client import ChatClient, Visitors
from tests.support.community import edit, load, user_id
from tests.support.pictures import PNG, data_uri, moving_gif
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio
CONFIG = {"server": {"icon": "icon.png"}, "auth_mode": "cracked-only"}


async def fetch(server: ServerProcess, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers in lower case, body."""

    def ask() -> tuple[int, dict[str, str], bytes]:
        request = urllib.request.Request(server.http_url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, {name.lower(): value for name, value in error.headers.items()}, error.read()

    return await asyncio.to_thread(ask)


async def emojis(client: ChatClient) -> dict[str, Any]:
    found: dict[str, Any] = (await client.request("emoji_get_all"))["emojis"]
    return found


async def test_emoji_add_update_and_delete_are_seen_by_members_alone(visit: Visitors, server: ServerProcess) -> None:
    host, ann, stranger = await visit.login("host"), await visit.login("ann"), await visit.connect()
    assert {"emoji_add", "emoji_update", "emoji_delete", "emoji_get_all", "emoji_get_id", "emoji_get_filename"} <= set(
        host.handshake["val"]["capabilities"]
    )

    added = await host.request("emoji_add", name="Party", image=data_uri(moving_gif("red", "green"), "gif"))
    assert added["added"] is True
    assert added["name"] == "Party"
    id_, file_name = added["id"], added["fileName"]
    assert file_name == f"{id_}.gif"
    heard = await ann.expect("emoji_add", id=id_)
    assert {key: heard[key] for key in ("id", "name", "fileName", "added")} == {
        "id": id_, "name": "Party", "fileName": file_name, "added": True,
    }  # fmt: skip
    assert heard["seq"] == added["seq"]
    assert await emojis(ann) == {id_: {"name": "Party", "fileName": file_name}}
    assert (await ann.request("emoji_get_id", name="party"))["id"] == id_
    assert (await ann.request("emoji_get_filename", name="PARTY"))["filepath"] == file_name
    for name in (file_name, id_):
        status, headers, body = await fetch(server, f"/emojis/{name}")
        assert (status, headers["content-type"], body[:6]) == (200, "image/gif", b"GIF89a")
        assert headers["access-control-allow-origin"] == "*"
    assert (await fetch(server, f"/emojis/{file_name}", Range="bytes=0-5"))[::2] == (206, b"GIF89a")

    message = await ann.say("look")
    mark = f"originChats://127.0.0.1:{server.port}/emojis/{id_}"
    await ann.request("message_react_add", channel="general", id=message["id"], emoji=mark)
    await host.expect("message_react_add", emoji=mark)

    renamed = await host.request("emoji_update", emoji_id=int(id_), name="fete")
    assert {key: renamed[key] for key in ("id", "updated", "name", "fileName")} == {
        "id": id_, "updated": True, "name": "fete", "fileName": file_name,
    }  # fmt: skip
    await ann.expect("emoji_update", id=id_, name="fete", fileName=file_name, updated=True)
    redrawn = await host.request("emoji_update", emoji_id=int(id_), image=PNG)
    await ann.expect("emoji_update", id=id_, name="fete", fileName=redrawn["fileName"])
    assert redrawn["fileName"] != file_name
    assert (await fetch(server, f"/emojis/{id_}"))[1]["content-type"] == "image/png"

    for cmd, fields in (
        ("emoji_add", {"name": "mine", "image": PNG}),
        ("emoji_update", {"emoji_id": int(id_), "name": "mine"}),
        ("emoji_delete", {"emoji_id": int(id_)}),
    ):
        assert (await ann.refused(cmd, **fields))["code"] == "permission_required"
    assert "field" in await host.refused("emoji_add", name="bad", image="data:image/png;base64,AAAA")

    deleted = await host.request("emoji_delete", emoji_id=int(id_))
    assert (deleted["id"], deleted["deleted"]) == (id_, True)
    await ann.expect("emoji_delete", id=id_, deleted=True)
    assert await emojis(ann) == {}
    status, _, body = await fetch(server, f"/emojis/{id_}")
    assert (status, body) == (404, b'{"error":"Emoji not found"}')
    assert (await stranger.ask("emoji_get_all"))["cmd"] == "auth_error"
    assert [packet for packet in stranger.events if packet["cmd"].startswith("emoji")] == []


async def test_what_was_missed_is_replayed_and_ids_outlive_a_restart(visit: Visitors, server: ServerProcess) -> None:
    host, ann = await visit.login("host"), await visit.login("ann")
    session, seq = ann.session, ann.seq
    await ann.drop()
    first = await host.request("emoji_add", name="first", image=PNG)
    await host.request("emoji_delete", emoji_id=first["id"])
    await server.kill()
    await server.start()
    back = await visit.login("ann")
    assert (await back.resume(session, seq))["recovered"] is True
    await back.expect("emoji_add", id=first["id"], name="first")
    await back.expect("emoji_delete", id=first["id"])
    host = await visit.login("host")
    second = await host.request("emoji_add", name="second", image=PNG)
    assert int(second["id"]) > int(first["id"])


async def test_an_emoji_made_by_hand_appears_and_a_broken_file_changes_nothing(
    visit: Visitors, server: ServerProcess
) -> None:
    host, ann = await visit.login("host"), await visit.login("ann")
    path = server.data_dir / "serverEmojis.json"
    folder = server.data_dir / "serverEmojis"
    folder.mkdir(exist_ok=True)
    (folder / "hand.gif").write_bytes(moving_gif("red", "blue"))
    edit(path, lambda records: records.update({"500": {"name": "by_hand", "fileName": "hand.gif"}}))
    await ann.expect("emoji_add", id="500", name="by_hand", fileName="hand.gif", added=True)
    assert (await fetch(server, "/emojis/500"))[1]["content-type"] == "image/gif"
    edit(path, lambda records: records["500"].update(name="renamed"))
    await ann.expect("emoji_update", id="500", name="renamed", fileName="hand.gif", updated=True)
    before = await emojis(ann)

    edit(path, lambda records: records["500"].update(fileName="../users.json"))
    notice = await host.expect_where(lambda packet: packet.get("code") == "file_broken", "the notice")
    assert "serverEmojis.json:" in notice["val"]
    assert await emojis(ann) == before
    edit(path, lambda records: records.pop("500"))
    await ann.expect("emoji_delete", id="500", deleted=True)
    next_one = await host.request("emoji_add", name="after", image=PNG)
    assert int(next_one["id"]) > 500, "an id is not given again, whoever gave it"
    assert next_one["id"] in load(path)


async def test_pfp_set_and_pfp_upload_are_seen_by_members_and_the_icon_by_everybody(
    visit: Visitors, server: ServerProcess
) -> None:
    ann, ben, stranger = await visit.login("ann"), await visit.login("ben"), await visit.connect()
    url = "https://example.org/ann.png"
    assert (await ann.request("pfp_set", url=url))["val"] == url
    await ben.expect("pfp_set", username=user_id("ann"), val=url)
    found = await ben.request("pfp_get", username=user_id("ann"))
    assert (found["val"], found["username"]) == (url, user_id("ann"))
    users = {user["username"]: user for user in (await ben.request("users_list"))["users"]}
    assert users[user_id("ann")]["pfp"] == url
    again = await visit.login("ann")
    assert again.ready["user"]["pfp"] == again.ready["user"]["pfp_url"] == url
    assert (await ann.refused("pfp_set", url="javascript:alert(1)"))["code"] == "bad_value"

    kept = await ann.request("pfp_upload", image=data_uri(moving_gif("red", "blue", size=(40, 20)), "gif"))
    heard = await ben.expect("pfp_set", username=user_id("ann"), val=kept["val"])
    path = heard["val"][heard["val"].index("/server-assets/") :]
    status, headers, body = await fetch(server, path)
    assert (status, headers["content-type"], body[:6]) == (200, "image/gif", b"GIF89a")
    assert (await ann.request("pfp_set", url=""))["val"] is None
    await ben.expect("pfp_set", username=user_id("ann"), val=None)
    assert (await fetch(server, path))[0] == 404, "nobody has it any more"

    folder = server.data_dir / "serverAssets"
    folder.mkdir(exist_ok=True)
    (folder / "icon.png").write_bytes(moving_gif("red", "blue"))
    icon = stranger.handshake["val"]["server"]["icon"]
    assert icon.endswith("/server-assets/icon.png")
    assert (await fetch(server, "/server-assets/icon.png"))[1]["content-type"] == "image/png"
    assert (await fetch(server, "/server-assets/../users.json"))[0] == 404
    assert stranger.received("pfp_set") == []
