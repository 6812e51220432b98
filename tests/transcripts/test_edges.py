"""Behaviour at the edges: each row of docs/architecture.md's table, over a real socket."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.exceptions import InvalidStatus

from tests.support.client import DEADLINE_S, ChatClient, Visitors
from tests.support.community import edit, user_id, write_community
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio
CONFIG = {
    "limits": {"login_timeout_s": 2, "bad_frames_in_a_row": 20, "max_frame_bytes": 1_000_000},
    "websocket": {"ping_interval_s": 2, "ping_timeout_s": 1},
}


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        ("not json", ""),
        ("", ""),
        ("[1, 2]", "object"),
        ('"text"', "object"),
        ("null", "object"),
        ("{}", "cmd"),
        ('{"cmd": 7}', "cmd"),
        ('{"cmd": null}', "cmd"),
        ('{"cmd": "ping"} {}', ""),
        ('{"cmd": "message_new", "channel": "general", "content": NaN}', ""),
        ('{"cmd": "messages_get", "channel": "general", "limit": Infinity}', ""),
        ('{"cmd": "message_new", "channel": "general", "content": "\\ud800"}', ""),
        ('{"cmd": "message_new", "channel": "general", "content": ' + "[" * 70 + "]" * 70 + "}", "64"),
        ('{"cmd": "ping", "x": ' + '{"a":' * 70 + "1" + "}" * 70 + "}", "64"),
    ],
)
async def test_malformed_frames_are_answered(visit: Visitors, frame: str, says: str) -> None:
    ann = await visit.login("ann")
    await ann.send_raw(frame)
    error = await ann.expect("error")
    assert says in error["val"]
    assert error["code"]
    await ann.sync()


async def test_unknown_command_and_client_pong(visit: Visitors) -> None:
    ann = await visit.login("ann")
    for cmd in ("no_such_command", "pong", "__init__", "x" * 5000):
        await ann.send(cmd)
        error = await ann.expect("error")
        assert error["val"].lower().startswith("unknown command")
        assert len(error["val"]) < 200


@pytest.mark.parametrize(
    ("packet", "field"),
    [
        ({"cmd": "message_new", "channel": "general", "content": None}, "content"),
        ({"cmd": "message_new", "channel": 5, "content": "x"}, "channel"),
        ({"cmd": "messages_get", "channel": "general", "limit": "5"}, "limit"),
        ({"cmd": "messages_get", "channel": "general", "start": 2**60}, "start"),
        ({"cmd": "message_react_add", "channel": "general", "id": "x", "emoji": 3}, "emoji"),
        ({"cmd": "channel_create", "name": 7, "type": "text"}, "name"),
        ({"cmd": "messages_around", "channel": "general", "around": "x", "bounds": {"above": -1}}, "above"),
        ({"cmd": "message_edit", "channel": "general", "content": "x"}, "id"),
        ({"cmd": "resume", "session": "x", "after": "y"}, "after"),
    ],
)
async def test_wrong_fields_are_named(visit: Visitors, packet: dict[str, object], field: str) -> None:
    ann = await visit.login("ann")
    await ann.send_raw(json.dumps({**packet, "listener": "me"}))
    error = await ann.expect("error", src=packet["cmd"], listener="me")
    assert field in error["val"], error
    await ann.sync()


async def test_listener_of_another_type_is_ignored(visit: Visitors) -> None:
    ann = await visit.login("ann")
    await ann.send_raw('{"cmd": "ping", "listener": {"a": 1}}')
    assert "listener" not in await ann.expect("pong")


async def test_binary_frames_are_answered(visit: Visitors) -> None:
    ann = await visit.login("ann")
    await ann.send_raw(b'{"cmd": "ping"}')
    await ann.expect("error")
    await ann.sync()


async def test_frame_over_the_limit_closes_1009(visit: Visitors) -> None:
    stranger = await visit.connect()
    await stranger.send_raw(json.dumps({"cmd": "login", "username": "x" * 70_000, "password": "y"}))
    assert await stranger.closed() == 1009
    ann = await visit.login("ann")
    await ann.refused("message_new", channel="general", content="x" * 500_000)
    await ann.send("message_new", channel="general", content="x" * 1_100_000)
    assert await ann.closed() == 1009


async def test_inflated_size_counts(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = write_community(
        tmp_path_factory.mktemp("deflate"),
        users={"ann": ("user",)},
        config={"websocket": {"compression": True}, "limits": {"max_frame_bytes": 1_000_000}},
    )
    async with ServerProcess(folder) as server:
        async with await ChatClient(server.url).connect(compression="deflate") as ann:
            await ann.login("ann")
            assert (await ann.say("compress me " * 100))["content"].startswith("compress")
            await ann.send("message_new", channel="general", content="x" * 8_000_000)
            assert await ann.closed() == 1009
        assert await server.stop() == 0


async def test_many_bad_frames_in_a_row_close_1008(visit: Visitors) -> None:
    ann = await visit.login("ann")
    for _ in range(15):
        await ann.send_raw("rubbish")
    await ann.sync()
    for _ in range(15):
        await ann.send_raw("rubbish")
    await ann.sync()
    for _ in range(25):
        await ann.send_raw("rubbish")
    assert await ann.closed() == 1008
    assert ann.close_reason


async def test_no_login_closes_1008(visit: Visitors) -> None:
    stranger = await visit.connect()
    ann = await visit.login("ann")
    assert await stranger.closed() == 1008
    assert stranger.close_reason
    await ann.sync()


async def test_foreign_origins_are_welcome_until_narrowed(server: ServerProcess, visit: Visitors) -> None:
    page = await visit.connect(origin="https://chat.elsewhere.example")
    await page.login("ann")
    edit(
        server.config_path,
        lambda config: config.setdefault("websocket", {}).update(allowed_origins=["https://ours.example"]),
    )
    status = 101
    async with asyncio.timeout(DEADLINE_S):
        while status == 101:
            try:
                await visit.connect(origin="https://chat.elsewhere.example")
            except InvalidStatus as refused:
                status = refused.response.status_code
    assert status == 403
    await visit.connect(origin="https://ours.example")
    await visit.connect()
    await page.sync()
    edit(server.config_path, lambda config: config["websocket"].pop("allowed_origins"))


async def test_many_unauthenticated_connections_push_out_the_oldest(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = write_community(
        tmp_path_factory.mktemp("crowd"), users={"ann": ("user",)}, config={"limits": {"max_unauthenticated": 5}}
    )
    async with ServerProcess(folder) as server:
        ann = await ChatClient(server.url).connect()
        await ann.login("ann")
        crowd = [await ChatClient(server.url).connect() for _ in range(8)]
        for stranger in crowd[:3]:
            assert await stranger.closed() is not None
        assert [stranger.is_open for stranger in crowd[3:]] == [True] * 5
        await ann.sync()
        for client in (ann, *crowd):
            await client.close()


async def test_forwarded_addresses_are_believed_only_from_proxies(server: ServerProcess, visit: Visitors) -> None:
    behind = await visit.connect(additional_headers={"X-Forwarded-For": "203.0.113.9"})
    await behind.login("ben")
    mine = (await behind.request("sessions_list"))["sessions"]
    assert "203.0.113.9" in json.dumps(mine)


async def test_one_clear_line_when_it_cannot_start(
    server: ServerProcess, tmp_path_factory: pytest.TempPathFactory
) -> None:
    broken = write_community(tmp_path_factory.mktemp("broken"))
    (broken / "config.json").write_text('{"server": {"name": "x"},\n "limits": {"post_content": }}')
    second = write_community(tmp_path_factory.mktemp("second"))
    unreadable = write_community(tmp_path_factory.mktemp("unreadable"))
    (unreadable / "db" / "users.json").write_text('{"USR:local_x": {"username": ')
    cases = [
        (ServerProcess(broken), "config.json"),
        (ServerProcess(second, arguments=("--port", str(server.port))), str(server.port)),
        (ServerProcess(unreadable), "users.json"),
        (ServerProcess(write_community(tmp_path_factory.mktemp("typo"), config={"limitz": {}})), "limits"),
    ]
    for process, names in cases:
        before = {path: path.read_bytes() for path in process.folder.rglob("*.json")}
        with pytest.raises(RuntimeError):
            await process.start()
        assert await process.wait() == 1
        lines = [line for line in process.log if line.strip()]
        assert len(lines) == 1, process.text()
        assert names in lines[0]
        assert {path: path.read_bytes() for path in process.folder.rglob("*.json")} == before


async def test_a_connection_that_answers_no_ping_is_cut_off(visit: Visitors) -> None:
    ann = await visit.login("ann")
    ghost = await visit.login("cleo")
    await ann.expect("user_connect", user={"username": user_id("cleo")})
    ghost.pause_reading()
    await ann.expect("user_disconnect", username=user_id("cleo"))
    ghost.resume_reading()
    await ghost.closed()
