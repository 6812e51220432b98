"""A bot, who calls it, who looks on, and who sees neither: slash commands from registering to the answer."""

from __future__ import annotations

import asyncio
import contextlib
import re
from pathlib import Path
from typing import Any

import pytest

from protocol.export import ROOT
from tests.support.client import ChatClient, Visitors
from tests.support.community import PASSWORD, user_id
from tests.support.mirror import Mirror
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio

USERS = {
    "host": ("owner", "user"),
    "bot": ("user",),
    "ann": ("user",),
    "ben": ("user",),
    "outsider": ("visitor",),
}
CONFIG = {"slash_commands": {"answer_timeout_s": 1}, "rate_limiting": {"enabled": False}}

ADD = {
    "name": "add",
    "description": "Add two numbers",
    "options": [
        {"name": "a", "type": "int", "description": "First", "required": True, "choices": []},
        {"name": "b", "type": "float", "description": "Second", "required": True, "choices": []},
        {"name": "as", "type": "enum", "description": "Form", "required": False, "choices": ["plain", "loud"]},
    ],
    "whitelistRoles": [],
    "blacklistRoles": [],
    "ephemeral": False,
}
WHISPER = {**ADD, "name": "whisper", "description": "For you alone", "options": [], "ephemeral": True}


async def bot_of(visit: Visitors, *commands: dict[str, Any]) -> ChatClient:
    """A bot as the OriginChats library makes it: it registers right behind `ready`, and reads few fields."""
    bot = await visit.login("bot")
    await bot.send("slash_register", commands=list(commands))
    await bot.expect("slash_register")
    return bot


async def respond(bot: ChatClient, call: dict[str, Any], content: str, *, ephemeral: bool) -> None:
    """As the library does: no `command`, no `call_id`."""
    await bot.send(
        "slash_response", response=content, invoker=call["invoker"], channel=call["channel"], ephemeral=ephemeral
    )


async def test_slash_call_and_slash_response_of_a_library_bot(visit: Visitors) -> None:
    ann, ben, outsider = await visit.login("ann"), await visit.login("ben"), await visit.login("outsider")
    bot = await bot_of(visit, ADD)
    added = await ann.expect("slash_add")
    assert added["commands"] == [{**ADD, "registeredBy": user_id("bot")}]
    listed = (await ann.request("slash_list"))["commands"]
    assert listed[-1] == added["commands"][0]
    for command in listed:
        assert {"name", "description", "options", "whitelistRoles", "blacklistRoles", "ephemeral"} <= command.keys()

    reply = await ann.request("slash_call", channel="general", command="add", args={"a": 1, "b": 2.5, "as": "loud"})
    called = await bot.expect("slash_call")
    assert called["val"] == {
        "command": "add", "args": {"a": 1, "b": 2.5, "as": "loud"}, "commander": user_id("bot"),
    }  # fmt: skip
    assert (called["invoker"], called["invokerUsername"], called["channel"]) == (
        user_id("ann"), user_id("ann"), "general",
    )  # fmt: skip
    assert {key: value for key, value in reply.items() if key != "listener"} == called

    await respond(bot, called, "3.5!", ephemeral=False)
    for client in (ann, ben, bot):
        heard = await client.expect("message_new", channel="general")
        assert heard["global"] is True
        assert (heard["message"]["user"], heard["message"]["content"]) == (user_id("bot"), "3.5!")
        assert heard["message"]["interaction"] == {"command": "add", "username": user_id("ann")}
    for client in (ben, outsider):
        await client.sync()
        assert client.received("slash_call") == []
    assert outsider.received("message_new") == []
    assert (await outsider.refused("slash_call", channel="general", command="add"))["code"] == "channel_not_found"
    refusal = await ann.refused("slash_call", channel="general", command="add", args={"a": "one", "b": 2})
    assert (refusal["code"], refusal["field"]) == ("bad_value", "slash_call.args.a")


async def test_slash_response_for_the_caller_alone_is_nowhere_else(visit: Visitors) -> None:
    host, ann, phone, ben = [await visit.login(name) for name in ("host", "ann", "ann", "ben")]
    bot = await bot_of(visit, ADD, WHISPER)
    before = {client: client.seq for client in (host, ann, phone, ben, bot)}
    newest = (await ann.say("before"))["id"]
    for command, ephemeral in (("whisper", False), ("add", True)):
        args = {} if command == "whisper" else {"a": 1, "b": 1}
        await ann.request("slash_call", channel="general", command=command, args=args)
        await respond(bot, await bot.expect("slash_call"), "xyzzy", ephemeral=ephemeral)
        answered = await bot.expect("slash_response")
        assert (answered["ephemeral"], answered["command"]) == (True, command)
        told = await ann.expect("message_new", ephemeral=True)
        assert (told["channel"], told["thread_id"], told["message"]["content"]) == ("general", None, "xyzzy")
        assert told["message"]["user"] == user_id("bot")
        assert told["message"]["interaction"] == {"command": command, "username": user_id("ann")}
        assert "seq" not in told
        read = await ann.request("unreads_ack", channel="general", message_id=told["message"]["id"])
        assert read["last_read"] == newest, "clients mark what they show as read"

    for client in (host, ann, phone, ben, bot):
        for cmd, fields in (
            ("messages_get", {"channel": "general"}), ("messages_search", {"channel": "general", "query": "xyzzy"}),
            ("pings_get", {}), ("messages_pinned", {"channel": "general"}), ("unreads_get", {}), ("channels_get", {}),
        ):  # fmt: skip
            answer = await client.request(cmd, **fields)
            assert "xyzzy" not in str({key: value for key, value in answer.items() if key != "query"}), cmd
        if client is not ann:
            assert "xyzzy" not in str(client.received("message_new"))
        session = client.session
        client.forget()
        assert (await client.resume(session, before[client]))["recovered"] is True
        assert "xyzzy" not in str(client.events)


async def test_slash_call_that_nobody_answers(visit: Visitors) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    bot = await bot_of(visit, ADD)
    await ann.request("slash_call", channel="general", command="add", args={"a": 1, "b": 1})
    told = await ann.expect("error")
    assert (told["src"], told["code"], told["val"]) == ("slash_call", "slash_no_answer", "add did not answer")
    await respond(bot, await bot.expect("slash_call"), "better late than never", ephemeral=False)
    await ben.expect("message_new", message={"content": "better late than never"})
    assert ben.received("error") == []


async def test_slash_remove_when_a_bot_is_lost_and_the_list_from_events(visit: Visitors) -> None:
    ann = await visit.login("ann")
    mirror = Mirror()
    bot = await bot_of(visit, ADD)
    mirror.apply(await ann.request("slash_list"))
    start = await ann.sync()
    assert "add" in mirror.slash
    again = await bot_of(visit, WHISPER, ADD)
    await bot.drop()
    await again.request("slash_register", commands=[WHISPER])
    await ann.expect("slash_remove", commands=["add"])
    for packet in ann.events[start:]:
        mirror.apply(packet)
    fresh = Mirror()
    fresh.apply(await ann.request("slash_list"))
    assert mirror.slash == fresh.slash
    await again.close()
    assert (await ann.expect("slash_remove"))["commands"] == ["whisper"]
    refusal = await ann.refused("slash_call", channel="general", command="whisper")
    assert refusal["code"] == "slash_not_found"


async def test_slash_register_refuses_the_name_of_another(visit: Visitors) -> None:
    await bot_of(visit, ADD)
    ann = await visit.login("ann")
    for name, by in (("add", user_id("bot")), ("ban", "the server")):
        refusal = await ann.refused("slash_register", commands=[{**ADD, "name": name}])
        assert (refusal["code"], by in refusal["val"]) == ("slash_taken", True)
    outsider = await visit.login("outsider")
    assert (await outsider.refused("slash_register", commands=[]))["code"] == "permission_required"


async def test_slash_call_of_what_is_built_in(visit: Visitors) -> None:
    host, ann, ben, outsider = [await visit.login(name) for name in ("host", "ann", "ben", "outsider")]
    answer = await ann.request("slash_call", channel="general", command="nick", args={"nickname": "Annie"})
    assert (answer["cmd"], answer["message"]["user"]) == ("message_new", "originChats")
    assert answer["message"]["interaction"] == {"command": "nick", "username": user_id("ann")}
    assert (await ben.expect("message_new", channel="general"))["message"]["id"] == answer["message"]["id"]
    for client in (ben, outsider):
        await client.expect("nickname_update", username=user_id("ann"), nickname="Annie")
    assert outsider.received("message_new") == []

    helped = await ann.request("slash_call", channel="general", command="help")
    assert (helped["ephemeral"], "/nick" in helped["message"]["content"]) == (True, True)
    assert "/ban" not in helped["message"]["content"]

    ban = {"channel": "general", "command": "ban", "args": {"username": user_id("ben"), "reason": "rude"}}
    assert (await ann.refused("slash_call", **ban))["code"] == "permission_required"
    assert (await host.request("slash_call", **ban))["message"][
        "content"
    ] == f"{user_id('ben')} has been banned\nReason: rude"
    await ben.expect("disconnect")
    assert await ben.closed() == 1000
    await ann.expect("user_leave", username=user_id("ben"))
    entry = (await host.request("modlog_get"))["entries"][0]
    assert (entry["action"], entry["details"]["reason"]) == ("user_ban", "rude")


async def test_slash_response_of_a_muted_bot_is_refused(visit: Visitors) -> None:
    host, ann = await visit.login("host"), await visit.login("ann")
    bot = await bot_of(visit, ADD)
    await ann.request("slash_call", channel="general", command="add", args={"a": 1, "b": 1})
    mute = {"username": user_id("bot"), "duration": 600}
    await host.request("slash_call", channel="general", command="mute", args=mute)
    assert (await bot.expect("rate_limit"))["length"] == 600_000
    assert (await bot.ask("slash_response", channel="general", response="2"))["cmd"] == "rate_limit"
    await host.request("slash_call", channel="general", command="unmute", args={"username": user_id("bot")})
    assert (await bot.request("slash_response", channel="general", response="2"))["message"]["content"] == "2"


async def test_the_bot_of_the_page_for_bots_answers(server: ServerProcess, visit: Visitors, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "bots.md").read_text("utf-8")
    (source,) = re.findall(r"```python\n(.+?)```", page, re.DOTALL)
    program: dict[str, Any] = {"__name__": "example"}
    exec(compile(source, "docs/bots.md", "exec"), program)  # noqa: S102
    ann = await visit.login("ann")
    running = asyncio.create_task(program["Bot"](server.url, "bot", PASSWORD, tmp_path / "bot.json").run())
    try:
        await ann.expect("slash_add")
        await ann.request("slash_call", channel="general", command="roll", args={"sides": 1})
        answer = await ann.expect("message_new", message={"content": "You rolled 1"})
        assert answer["message"]["interaction"] == {"command": "roll", "username": user_id("ann")}
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
