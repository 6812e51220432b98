"""The host edits files with an editor while people talk: a save takes effect by itself, nothing is lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.client import DEADLINE_S, ChatClient, Visitors
from tests.support.community import EVERYBODY, account, edit, edit_with_care, load, save, save_in_place, user_id
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio
USERS = {
    "host": ("owner", "user"), "mod": ("moderator", "user"), "ann": ("user",), "ben": ("user",), "cleo": ("user",),
    "dora": ("moderator", "user"), "emil": ("user",),
}  # fmt: skip
WRITERS = [pytest.param(save, id="by rename"), pytest.param(save_in_place, id="truncate and write")]
Write = Callable[[Path, Any], None]


def lists(name: str, there: bool = True) -> Callable[[dict[str, Any]], bool]:
    return lambda packet: packet["cmd"] == "channels_get" and there == (name in [c["name"] for c in packet["val"]])


def name_cleo(nickname: str, users: Any) -> None:
    users[user_id("cleo")]["nickname"] = nickname


@pytest.fixture
async def ann(visit: Visitors) -> ChatClient:
    return await visit.login("ann")


@pytest.fixture
async def host(visit: Visitors) -> ChatClient:
    return await visit.login("host")


@pytest.fixture(autouse=True)
async def settled(server: ServerProcess) -> AsyncIterator[None]:
    """Every test leaves documents that parse."""
    yield
    for path in server.data_dir.glob("*.json"):
        load(path)


@pytest.mark.parametrize("write", WRITERS)
async def test_a_new_channel_appears(server: ServerProcess, ann: ChatClient, write: Write) -> None:
    name = f"hand-made-{write.__name__.replace('_', '-')}"
    edit(
        server.data_dir / "channels.json",
        lambda channels: channels.append({"type": "text", "name": name, "permissions": EVERYBODY}),
        write,
    )
    await ann.expect_where(lists(name), "the new channel")
    await ann.say("echo", name)
    async with asyncio.timeout(DEADLINE_S):
        while "id" not in next(c for c in load(server.data_dir / "channels.json") if c["name"] == name):
            await ann.sync()
    edit(server.data_dir / "channels.json", lambda channels: channels.pop(), write)
    await ann.expect_where(lists(name, False), "the list without it")


@pytest.mark.parametrize("write", WRITERS)
async def test_a_role_removed_by_hand_takes_the_channel_away(
    server: ServerProcess, visit: Visitors, ann: ChatClient, write: Write
) -> None:
    dora, mod = await visit.login("dora"), await visit.login("mod")
    await mod.say("before", "staff")
    await dora.expect("message_new", channel="staff", message={"content": "before"})
    edit(server.data_dir / "users.json", lambda users: users[user_id("dora")].update(roles=["user"]), write)
    await dora.expect_where(lists("staff", False), "the list without staff")
    await dora.expect("user_roles_get", user=user_id("dora"), roles=["user"])
    await ann.expect("user_roles_get", user=user_id("dora"), roles=["user"])
    await mod.say("after", "staff")
    await dora.refused("messages_get", channel="staff")
    assert "after" not in [p["message"]["content"] for p in dora.received("message_new", channel="staff")]
    edit(
        server.data_dir / "users.json", lambda users: users[user_id("dora")].update(roles=["moderator", "user"]), write
    )
    await dora.expect_where(lists("staff"), "staff again")
    assert len((await dora.request("messages_get", channel="staff"))["messages"]) >= 2


async def test_a_ban_by_hand_disconnects(server: ServerProcess, visit: Visitors, ann: ChatClient) -> None:
    emil = await visit.login("emil")
    edit(server.data_dir / "users.json", lambda users: users[user_id("emil")]["roles"].insert(0, "banned"))
    await emil.expect("disconnect")
    await emil.closed()
    await ann.expect("user_leave", username=user_id("emil"))
    edit(server.data_dir / "users.json", lambda users: users[user_id("emil")].update(roles=["user"]))
    async with asyncio.timeout(DEADLINE_S):
        while user_id("emil") not in str(await ann.request("users_list")):
            await ann.sync()
    await visit.login("emil")


async def test_nicknames_and_roles_by_hand(server: ServerProcess, ann: ChatClient) -> None:
    edit(server.data_dir / "users.json", lambda users: users[user_id("ben")].update(nickname="Benjamin"))
    await ann.expect("nickname_update", username=user_id("ben"), nickname="Benjamin")
    edit(server.data_dir / "users.json", lambda users: users[user_id("ben")].pop("nickname"))
    await ann.expect("nickname_remove", username=user_id("ben"))
    edit(server.data_dir / "roles.json", lambda roles: roles["moderator"].update(color="#010203"))
    event = await ann.expect("roles_list")
    assert event["roles"]["moderator"]["color"] == "#010203"


async def test_a_new_account_by_hand_can_log_in(server: ServerProcess, visit: Visitors, ann: ChatClient) -> None:
    edit(server.data_dir / "users.json", lambda users: users.update({user_id("flora"): account("flora")}))
    async with asyncio.timeout(DEADLINE_S):
        while user_id("flora") not in str(await ann.request("users_list")):
            await ann.sync()
    await visit.login("flora")


async def test_saving_twice_a_second(server: ServerProcess, ann: ChatClient) -> None:
    path = server.data_dir / "channels.json"
    for number in range(6):
        write = (save, save_in_place)[number % 2]
        channels = load(path)
        channels[0]["description"] = f"version {number}"
        write(path, channels)
        await asyncio.sleep(0.25)  # the rhythm is what is tested
    await ann.expect_where(
        lambda packet: packet["cmd"] == "channels_get" and packet["val"][0].get("description") == "version 5",
        "the last version",
    )  # fmt: skip
    assert load(path)[0]["description"] == "version 5"


async def test_a_broken_file_changes_nothing_and_is_reported(
    server: ServerProcess, ann: ChatClient, host: ChatClient
) -> None:
    path = server.data_dir / "users.json"
    good = path.read_text()
    broken = good.replace('"roles"', '"roles', 1)
    path.write_text(broken)
    line = await server.wait_for_log("users.json")
    assert "line" in line or ":" in line
    await ann.say("life goes on")
    await host.request("user_update", user=user_id("ben"), updates={"nickname": "While broken"})
    assert path.read_text() == broken, "the server does not write over it"
    fixed = json.loads(good)
    fixed[user_id("cleo")]["nickname"] = "By hand"
    save(path, fixed)
    await ann.expect("nickname_update", username=user_id("cleo"), nickname="By hand")
    async with asyncio.timeout(DEADLINE_S):
        while True:
            users = load(path)
            if users[user_id("ben")].get("nickname") == "While broken":
                break
            await ann.sync()
    assert users[user_id("cleo")]["nickname"] == "By hand", "the repair and the command both survive"


async def test_changes_made_while_a_file_is_broken_survive_kill(server: ServerProcess, visit: Visitors) -> None:
    host = await visit.login("host")
    path = server.data_dir / "users.json"
    good = path.read_text()
    path.write_text(good[: len(good) // 2])
    await server.wait_for_log("users.json")
    await host.request("user_update", user=user_id("ann"), updates={"nickname": "Kept"})
    await server.kill()
    path.write_text(good)
    await server.start()
    again = await visit.login("host")
    users = (await again.request("users_list"))["users"]
    assert next(user for user in users if user["username"] == user_id("ann"))["nickname"] == "Kept"
    async with asyncio.timeout(DEADLINE_S):
        while load(path)[user_id("ann")].get("nickname") != "Kept":
            await again.sync()


async def test_hand_edit_and_command_on_different_records_both_survive(
    server: ServerProcess, ann: ChatClient, host: ChatClient
) -> None:
    path = server.data_dir / "users.json"
    for number in range(30):
        answer = asyncio.create_task(
            host.request("user_update", user=user_id("ben"), updates={"nickname": f"command {number}"})
        )
        await asyncio.sleep(0.001 * (number % 6))  # before, while, and after the server writes the file
        edit_with_care(path, partial(name_cleo, f"hand {number}"))
        await answer
        await ann.expect("nickname_update", username=user_id("cleo"), nickname=f"hand {number}")
        users = {user["username"]: user["nickname"] for user in (await ann.request("users_list"))["users"]}
        assert (users[user_id("ben")], users[user_id("cleo")]) == (f"command {number}", f"hand {number}")
    async with asyncio.timeout(DEADLINE_S):
        while {load(path)[user_id(name)]["nickname"] for name in ("ben", "cleo")} != {"command 29", "hand 29"}:
            await ann.sync()


async def test_config_takes_effect_and_restart_only_keys_are_named(server: ServerProcess, ann: ChatClient) -> None:
    path = server.config_path
    edit(path, lambda config: config.setdefault("limits", {}).update(post_content=10))
    async with asyncio.timeout(DEADLINE_S):
        while (await ann.ask("message_new", channel="general", content="twelve chars"))["cmd"] != "error":
            pass
    edit(path, lambda config: config.setdefault("websocket", {}).update(compression=True))
    line = await server.wait_for_log("websocket.compression")
    assert "restart" in line.lower()
    await ann.sync()
    edit(path, lambda config: config["limits"].update(post_contend=10))
    line = await server.wait_for_log("post_contend")
    assert "post_content" in server.text(), "the nearest known key is suggested"
    await ann.sync()
    edit(path, lambda config: (config.pop("limits"), config.pop("websocket")))
    async with asyncio.timeout(DEADLINE_S):
        while (await ann.ask("message_new", channel="general", content="twelve chars"))["cmd"] == "error":
            pass


async def test_an_edit_made_while_the_server_was_down_is_an_event(server: ServerProcess, visit: Visitors) -> None:
    ann = await visit.login("ann")
    await ann.sync()
    session, seq = ann.session, ann.seq
    await server.stop()
    edit(
        server.data_dir / "channels.json",
        lambda channels: channels.append({"type": "text", "name": "overnight", "permissions": EVERYBODY}),
    )
    await server.start()
    ann = await visit.login("ann")
    resumed = await ann.resume(session, seq)
    assert resumed["recovered"] is True
    await ann.expect_where(lists("overnight"), "the channel made overnight")
