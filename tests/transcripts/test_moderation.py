"""Bans, mutes, removals and limits: what they stop, how fast, and that they outlive a restart."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.client import DEADLINE_S, Refusal, Visitors
from tests.support.community import edit, user_id
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio


async def test_user_ban_ends_everything_at_once(visit: Visitors) -> None:
    host, ann = await visit.login("host"), await visit.login("ann")
    rowdy = await visit.connect()
    await rowdy.register("rowdy", password="secret words")
    second = await visit.connect()
    await second.login("rowdy", password="secret words")
    session, seq = rowdy.session, rowdy.seq
    await ann.refused("user_ban", user=user_id("rowdy"))
    reply = await host.request("user_ban", user="usr:LOCAL_rowdy")
    assert reply["banned"] is True
    async with asyncio.timeout(DEADLINE_S):
        await rowdy.expect("disconnect")
        await rowdy.closed()
        await second.closed()
    await ann.expect("user_leave", username=user_id("rowdy"))
    await host.say("what the banned must not hear")
    stranger = await visit.connect()
    with pytest.raises(Refusal, match=r"(?i)you are banned from this server"):
        await stranger.login("rowdy", password="secret words")
    with pytest.raises((Refusal, AssertionError)):
        await stranger.resume(session, seq)
    assert "must not hear" not in str(stranger.events)
    assert (await host.request("users_banned_list"))["users"] == [user_id("rowdy")]
    assert user_id("rowdy") not in str(await ann.request("users_list"))
    assert (await host.request("user_ban", user=user_id("rowdy")))["banned"] is False
    assert (await host.request("user_unban", user=user_id("rowdy")))["unbanned"] is True
    await (await visit.connect()).login("rowdy", password="secret words")
    await host.refused("user_ban", user=user_id("host"))


async def test_user_timeout_mutes_and_survives_a_restart(server: ServerProcess, visit: Visitors) -> None:
    host, ben = await visit.login("host"), await visit.login("ben")
    reply = await host.request("user_timeout", user=user_id("ben"), timeout=300)
    assert reply["timeout"] == 300
    await ben.expect("rate_limit")
    answer = await ben.ask("message_new", channel="general", content="mmpf")
    assert answer["cmd"] == "rate_limit"
    assert 290_000 < answer["length"] <= 300_000
    await server.restart()
    host, ben = await visit.login("host"), await visit.login("ben")
    assert (await ben.ask("message_new", channel="general", content="mmpf"))["cmd"] == "rate_limit"
    await host.request("rate_limit_reset", user=user_id("ben"))
    await host.request("user_timeout", user=user_id("ben"), timeout=0)
    await ben.say("free again")
    await host.refused("user_timeout", user=user_id("ben"), timeout=-1)
    await host.refused("user_timeout", user="nobody", timeout=60)
    await ben.refused("user_timeout", user=user_id("host"), timeout=60)


async def test_user_delete(visit: Visitors) -> None:
    host, ann = await visit.login("host"), await visit.login("ann")
    ghost = await visit.connect()
    await ghost.register("ghost", password="secret words")
    message = await ghost.say("I was here")
    await ann.refused("user_delete", user=user_id("ghost"))
    await host.request("user_delete", user=user_id("ghost"))
    await ann.expect("user_leave", username=user_id("ghost"))
    await ghost.closed()
    assert (await ann.request("message_get", channel="general", id=message["id"]))["message"]["content"] == "I was here"
    with pytest.raises(Refusal):
        await (await visit.connect()).login("ghost", password="secret words")
    await host.refused("user_delete", user=user_id("host"))


async def test_rate_limit_burst_and_reset(server: ServerProcess, visit: Visitors) -> None:
    host, ann = await visit.login("host"), await visit.login("ann")
    edit(
        server.config_path,
        lambda config: config["rate_limiting"].update(
            enabled=True, burst_limit=4, messages_per_minute=6, cooldown_seconds=20
        ),
    )
    async with asyncio.timeout(DEADLINE_S):
        while (await host.request("rate_limit_status"))["status"]["burst_limit"] != 4:
            pass
    try:
        message = await ann.say("one")
        await ann.request("message_edit", channel="general", id=message["id"], content="two")
        second = await ann.say("three")
        await ann.request("message_delete", channel="general", id=second["id"])
        refusal = await ann.ask("message_new", channel="general", content="five")
        assert refusal["cmd"] == "rate_limit"
        assert 0 < refusal["length"] <= 20_000
        await ann.sync()
        shown = ann.received("error", src="message_new")[-1]
        assert "rate limit" in shown["val"].lower(), "a text that people see"
        await ann.request("typing", channel="general")
        await ann.request("messages_get", channel="general")
        await host.say("others are not touched")
        await ann.refused("rate_limit_reset", user=user_id("ann"))
        await host.request("rate_limit_reset", user=user_id("ann"))
        await ann.say("again")
    finally:
        edit(server.config_path, lambda config: config["rate_limiting"].update(enabled=False))
    async with asyncio.timeout(DEADLINE_S):
        for _ in range(20):
            while (await ann.ask("message_new", channel="general", content="free"))["cmd"] == "rate_limit":
                pass


async def test_what_is_malformed_costs_nothing(visit: Visitors) -> None:
    ann = await visit.login("cleo")
    await ann.refused("message_new", channel="general", content=7)
    await ann.say("no limit while the limiter is off")
