"""Plugins written for upstream's interface, unchanged: modelled on those that upstream ships."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.plugin_host.conftest import Workshop
from tests.plugin_host.test_typed import contents

pytestmark = pytest.mark.anyio

WELCOME = """
import time
import uuid
from db import channels, users
from handlers.websocket_utils import broadcast_to_all
from logger import Logger
from plugins.plugin_utils import load_plugin_config, save_plugin_config

DEFAULTS = {"enabled": True, "welcome_channel": "general", "welcome_message": "Welcome, {username}!",
            "first_time_only": True}

def getInfo():
    return {"name": "Welcome", "description": "Welcomes new members", "handles": ["server_start", "user_connect"]}

def on_server_start(ws, data, server_data=None):
    assert ws is None and data == {}
    Logger.info("welcome is here")

async def on_user_connect(ws, data, server_data):
    config = load_plugin_config("welcome_config.json", DEFAULTS)
    welcomed = load_plugin_config("welcomed_users.json", [])
    if not config["enabled"] or (config["first_time_only"] and data["user_id"] in welcomed):
        return
    assert "password_hash" not in data["user"]
    message = {
        "user": "OriginChats",
        "content": config["welcome_message"].replace("{username}", data["username"]),
        "timestamp": time.time(),
        "id": str(uuid.uuid4()),
    }
    channels.save_channel_message(config["welcome_channel"], message)
    await broadcast_to_all(server_data["connected_clients"], {
        "cmd": "message_new", "message": message, "channel": config["welcome_channel"], "global": True})
    welcomed.append(data["user_id"])
    save_plugin_config("welcomed_users.json", welcomed)
"""

AUTOMOD = """
import asyncio
import uuid
import db.channels
from db import users
from handlers.websocket_utils import broadcast_to_channel, _get_ws_attr

def getInfo():
    return {"name": "Automod", "description": "Deletes bad words", "handles": ["new_message"]}

async def on_new_message(ws, message_data, server_data):
    content, user_id = message_data["content"], message_data["user_id"]
    if "owner" in users.get_user_roles(user_id) or "badword" not in content.lower():
        return
    channel = message_data["channel"]
    db.channels.delete_channel_message(channel, message_data["message"]["id"])
    clients = server_data["connected_clients"]
    await broadcast_to_channel(clients, {"cmd": "message_delete", "id": message_data["message"]["id"],
                                         "channel": channel, "global": True}, channel)
    server_data["rate_limiter"].set_user_timeout(user_id, 60)
    notice = {"user": "AutoMod", "content": _get_ws_attr(ws, "username", "?") + " was muted", "id": str(uuid.uuid4())}
    # broadcast first, saved later, by a task
    await broadcast_to_channel(clients, {"cmd": "message_new", "message": notice, "channel": channel, "global": True},
                               channel)
    async def save():
        db.channels.save_channel_message(channel, notice)
    asyncio.create_task(save())
    await server_data["plugin_manager"].trigger_event("auto_moderate", ws, {"action": "mute"}, server_data)
"""

CLI = """
import uuid
from db import channels, permissions, roles, users
from handlers import websocket_utils

required_permission = ["owner", "admin"]

def getInfo():
    return {"name": "CLI", "description": "Commands in chat", "handles": ["new_message", "auto_moderate"]}

seen = []

def on_auto_moderate(ws, data):
    seen.append(data)

async def on_new_message(ws, data, server_data):
    words = data["content"].split()
    if not words or not words[0].startswith("!"):
        return
    name, args = words[0][1:], words[1:]
    if name == "ban":
        text = "banned" if users.ban_user(users.get_id_by_username(args[0])) else "failed"
        await websocket_utils.disconnect_user(server_data["connected_clients"], args[0], "You have been banned")
    elif name == "list_banned":
        text = ", ".join(users.get_banned_users())
    elif name == "channel_create":
        text = str(channels.create_channel(args[0], "text"))
    elif name == "channel_getinfo":
        text = str(channels.get_channel(args[0])["type"])
    elif name == "channel_move":
        text = str(channels.reorder_channel(args[0], int(args[1])))
    elif name == "roles_give":
        text = str(users.give_role(args[0], args[1]))
    elif name == "roles_list":
        text = ", ".join(roles.get_all_roles())
    elif name == "purge":
        text = str(channels.purge_messages(data["channel"], int(args[0])))
    elif name == "whoami":
        counts = server_data["connected_usernames"][ws.username], len(server_data["connected_clients"])
        text = f"{ws.username} {counts[0]} {counts[1]}"
    elif name == "may":
        text = str(permissions.has_permission(ws.user_id, args[0]))
    elif name == "custom":
        await websocket_utils.broadcast_to_all(server_data["connected_clients"], {"cmd": "fireworks", "val": 1})
        await server_data["send_to_client"](ws, {"cmd": "only_you"})
        return
    else:
        text = "unknown"
    message = {"user": "OriginChats", "content": text, "id": str(uuid.uuid4())}
    channels.save_channel_message(data["channel"], message)
    await websocket_utils.broadcast_to_all(server_data["connected_clients"], {
        "cmd": "message_new", "message": message, "channel": data["channel"], "global": True})
"""


def cmds(who: Any, *names: str) -> list[str]:
    return [packet["cmd"] for packet in who.packets if packet["cmd"] in names]


async def test_welcome_posts_once_to_viewers_and_keeps_its_files_beside_it(shop: Workshop) -> None:
    await shop.run("welcome", WELCOME, "")
    host = await shop.house.enter("host")
    await shop.until(lambda: contents(host.packets) == ["Welcome, USR:local_host!"])
    await shop.house.enter("ann")
    await shop.until(lambda: contents(host.packets) == ["Welcome, USR:local_host!", "Welcome, USR:local_ann!"])
    await shop.quiet()
    assert len(contents(host.packets)) == 2, "saved and broadcast is one message"
    assert json.loads((shop.folder / "welcome_config.json").read_text())["welcome_channel"] == "general"
    assert len(json.loads((shop.folder / "welcomed_users.json").read_text())) == 2
    page = next(p for p in await host.ask("messages_get", channel="general") if p["cmd"] == "messages_get")
    assert [message["content"] for message in page["messages"]] == contents(host.packets) or len(page["messages"]) == 2
    assert page["messages"][0]["user"] == "OriginChats"


async def test_a_broadcast_message_is_seen_by_viewers_of_its_channel_only(shop: Workshop) -> None:
    await shop.run("cli", CLI, "")
    host, ann, mod = [await shop.house.enter(name) for name in ("host", "ann", "mod")]
    host.send("message_new", channel="staff", content="!nothing")
    await shop.until(lambda: contents(mod.packets) == ["!nothing", "unknown"])
    await shop.quiet()
    assert contents(ann.packets) == []


async def test_automod_deletes_mutes_and_tells_in_order(shop: Workshop) -> None:
    shop.write("automod", AUTOMOD, "")
    shop.write("cli", CLI.replace('required_permission = ["owner", "admin"]', ""), "")
    await shop.start()
    ann, ben = await shop.house.enter("ann"), await shop.house.enter("ben")
    ann.send("message_new", channel="general", content="a BADWORD here")
    await shop.until(lambda: len(contents(ben.packets)) == 2)
    await shop.quiet()
    assert cmds(ben, "message_new", "message_delete") == ["message_new", "message_delete", "message_new"]
    assert contents(ben.packets) == ["a BADWORD here", "USR:local_ann was muted"]
    assert "rate_limit" in ann.names()
    assert (await ann.ask("message_new", channel="general", content="x"))[0]["cmd"] == "rate_limit"
    page = next(p for p in await ben.ask("messages_get", channel="general") if p["cmd"] == "messages_get")
    assert [message["content"] for message in page["messages"]] == ["USR:local_ann was muted"]
    await shop.until(lambda: shop.module("cli").seen == [{"action": "mute"}])


async def test_cli_commands_are_for_the_roles_it_names(shop: Workshop) -> None:
    await shop.run("cli", CLI, "")
    host, ann = await shop.house.enter("host"), await shop.house.enter("ann")

    async def say(text: str) -> str:
        host.packets.clear()
        host.send("message_new", channel="general", content=text)
        await shop.until(lambda: len(contents(host.packets)) == 2)
        return contents(host.packets)[1]

    ann.send("message_new", channel="general", content="!roles_list")
    await shop.quiet()
    assert contents(ann.packets) == ["!roles_list"], "no answer without the role"
    assert "owner" in await say("!roles_list")
    assert await say("!whoami") == "USR:local_host 1 2"
    assert await say("!may manage_server") == "True"
    assert await say("!channel_create lounge") == "True"
    assert await say("!channel_getinfo lounge") == "text"
    assert await say("!channel_create lounge") == "False", "a refusal is False"
    assert await say("!channel_move lounge 0") == "True"
    assert await say("!roles_give USR:local_ann moderator") == "True"
    assert await say("!ban USR:local_ann") == "banned"
    assert ann.close_code == 1000
    assert await say("!list_banned") == "USR:local_ann"
    host.packets.clear()
    host.send("message_new", channel="general", content="!custom")
    await shop.until(lambda: cmds(host, "fireworks", "only_you") == ["fireworks", "only_you"])


async def test_purge_deletes_the_newest(shop: Workshop) -> None:
    await shop.run("cli", CLI, "")
    host = await shop.house.enter("host")
    for text in ("1", "2", "3"):
        await host.ask("message_new", channel="general", content=text)
    host.send("message_new", channel="general", content="!purge 2")
    await shop.until(lambda: "True" in contents(host.packets))
    page = next(p for p in await host.ask("messages_get", channel="general") if p["cmd"] == "messages_get")
    assert [message["content"] for message in page["messages"]] == ["1", "2", "True"]


async def test_polls_and_webhooks_can_be_used(shop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    ann = await shop.house.enter("ann")
    poll = (await ann.ask("poll_create", channel="general", question="Tea?", options=["Yes", "No"]))[-1]
    await shop.run(
        "programs",
        f"""
        from db import polls, webhooks
        from db.polls import create_poll

        found = {{}}

        def getInfo():
            return {{"name": "Programs", "description": "", "handles": ["server_start"]}}

        def on_server_start(ws, data):
            found["poll"] = polls.get_poll({poll["poll_id"]!r})
            found["by message"] = polls.get_poll_by_message({poll["message_id"]!r})["id"]
            found["ended"] = polls.end_poll(found["poll"]["id"]), polls.end_poll(found["poll"]["id"])
            found["results"] = polls.get_poll_results(found["poll"]["id"])
            found["made"] = create_poll("m", "q", [])
            hook = webhooks.create_webhook("general", "News", "somebody")
            found["hook"] = webhooks.get_webhook_by_token(hook["token"])
            found["same"] = webhooks.get_webhooks_for_channel("general") == [found["hook"]] == [hook]
            found["renamed"] = webhooks.update_webhook(hook["id"], {{"name": "Old"}})["name"]
            found["gone"] = webhooks.delete_webhook(hook["id"]), webhooks.get_webhook(hook["id"])
            found["done"] = True
        """,
    )
    found = shop.module("programs").found
    await shop.until(lambda: "done" in found)
    assert (found["poll"]["question"], found["poll"]["ended"]) == ("Tea?", False)
    assert found["by message"] == poll["poll_id"]
    assert found["ended"] == (True, False), "a second time it is refused"
    assert found["results"]["ended"] is True
    assert found["made"] is False
    assert "db.polls.create_poll is not offered here: members make polls" in caplog.text
    assert (found["hook"]["name"], found["same"], found["renamed"]) == ("News", True, "Old")
    assert found["gone"] == (True, None)


async def test_the_stand_ins_are_seen_by_plugins_only(shop: Workshop) -> None:
    await shop.run(
        "peek",
        """
        import db, handlers.websocket_utils, logger
        real = []
        def getInfo():
            return {"name": "p", "description": "", "handles": []}
        try:
            import db.schema
        except ImportError as error:
            real.append(str(error))
        """,
        "",
    )
    assert shop.module("peek").real == ["plugins find no module 'db.schema' here"]
    import db
    import handlers

    assert not hasattr(db, "users") or db.users.__name__ == "db.users"
    assert not hasattr(handlers, "websocket_utils")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def getInfo(): return 1", "getInfo() must give"),
        ('def getInfo(): return {"handles": ["new_message"]}', "no function on_new_message"),
    ],
)
async def test_a_broken_upstream_plugin_says_why(shop: Workshop, code: str, reason: str) -> None:
    await shop.run("bad", code, "")
    assert reason in (shop.host.entries()["bad"].error or "")
