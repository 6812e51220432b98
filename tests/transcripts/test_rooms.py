"""Clients of the rooms dialect and an OriginChats client in one community, over real sockets."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from websockets.exceptions import InvalidStatus

from tests.support.client import ChatClient, Visitors
from tests.support.community import CHANNELS as OPEN_CHANNELS
from tests.support.community import EVERYBODY, user_id, write_community
from tests.support.rooms_client import RoomsClient
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio
CONFIG = {"rooms": {"bad_frames": 5}, "limits": {"registrations_per_minute": 100}}
CHANNELS = [*OPEN_CHANNELS, {"type": "text", "name": "lounge", "permissions": EVERYBODY}]
OWN_PORT = re.compile(r"/rooms and ws://127\.0\.0\.1:(\d+)/")


def rooms_client(server: ServerProcess, name: str) -> RoomsClient:
    return RoomsClient(f"{server.url}rooms", name)


@pytest.fixture
async def zoe(server: ServerProcess) -> AsyncIterator[RoomsClient]:
    async with rooms_client(server, "zoe") as client:
        yield client


@pytest.fixture
async def yan(server: ServerProcess) -> AsyncIterator[RoomsClient]:
    async with rooms_client(server, "yan") as client:
        yield client


async def test_an_evening_in_two_rooms(
    server: ServerProcess, visit: Visitors, zoe: RoomsClient, yan: RoomsClient
) -> None:
    ann = await visit.login("ann")

    # Two guests come in; whoever is in the room hears of it.
    assert (await zoe.enter())["members"] == ["zoe"]
    assert (await yan.enter())["members"] == ["zoe", "yan"]
    await zoe.hears("Enter", sender_username="yan", room="general")
    await ann.expect("member_join", channel="general", user="yan")

    # They talk, and it is one conversation with who writes in the channel by another way.
    hello = await zoe.say("Hello!")
    assert await yan.hears("GroupChat", sender_username="zoe", content="Hello!") == hello
    await ann.expect("message_new", message={"id": hello["id"], "user": "zoe", "content": "Hello!"})
    await ann.say("Good evening, @zoe")
    for guest in (zoe, yan):
        await guest.hears("GroupChat", sender_username="ann", content="Good evening, @zoe", room="general")

    # A second room, which the other one is not in.
    await yan.enter("lounge")
    await yan.say("Anybody here?", room="lounge")
    await zoe.refused("not_a_member", "GroupChat", content="Yes", room="lounge")

    # Private messages, to a guest and to an account; they are kept.
    await zoe.send("PrivateChat", sender_username="zoe", target_username="yan", content="Psst")
    for guest in (zoe, yan):
        await guest.hears("PrivateChat", sender_username="zoe", target_username="yan", content="Psst")
    await yan.send("PrivateChat", sender_username="yan", target_username="ann", content="Are you there?")
    await yan.hears("PrivateChat", sender_username="yan", target_username="ann")
    asked = await ann.expect("message_new", message={"content": "Are you there?", "user": "yan"})
    assert (await ann.request("messages_get", channel=asked["channel"]))["messages"][0]["content"] == "Are you there?"
    await ann.say("Yes", asked["channel"])
    await yan.hears("PrivateChat", sender_username="ann", target_username="yan", content="Yes")

    # Nobody speaks for somebody else, or takes a name that is somebody's.
    await zoe.refused("bad_value", "GroupChat", sender_username="yan", content="I, yan, ...")
    async with rooms_client(server, "ann") as impostor:
        await impostor.refused("name_taken", "Enter", sender_username="ann")
        await impostor.refused("name_taken", "Enter", sender_username="Yan")
        await impostor.refused("invalid_token", "Enter", yan.token, sender_username="zoe")

    # One leaves, one's connection is lost; the token brings it back under its name.
    await zoe.send("Leave", room="general")
    await zoe.hears("Leave", sender_username="zoe", room="general")
    await yan.hears("Leave", sender_username="zoe", room="general")
    await zoe.enter()
    await yan.hears("Enter", sender_username="zoe")
    await yan.leave()
    await zoe.hears("Leave", sender_username="yan", room="general")
    async with rooms_client(server, "yan") as again:
        assert (await again.enter(token=yan.token))["members"] == ["zoe", "yan"]
        await zoe.hears("Enter", sender_username="yan")
    await zoe.hears("Leave", sender_username="yan")


async def test_an_account_enters_with_a_token_of_its_own(server: ServerProcess, visit: Visitors) -> None:
    ben = await visit.login("ben")
    token = (await ben.request("access_token_create", username="ben"))["token"]
    async with rooms_client(server, "ben") as client:
        await client.enter(token=token)
        said = await client.say("From the train")
    message = (await ben.expect("message_new", message={"id": said["id"]}))["message"]
    assert message["user"] == user_id("ben")


async def test_bans_mutes_and_closed_channels_hold(server: ServerProcess, visit: Visitors, zoe: RoomsClient) -> None:
    zoe.name = "walt"
    host = await visit.login("host")
    await zoe.refused("channel_not_found", "Enter", sender_username="walt", room="staff")
    await zoe.enter()

    await host.request("user_timeout", user="walt", timeout=60)
    await zoe.hears("Error", code="rate_limit")
    muted = await zoe.refused("rate_limit", "GroupChat", content="mmf")
    assert 0 < muted["retry_after_ms"] <= 60_000
    await host.request("user_timeout", user="walt", timeout=0)
    await zoe.say("Thank you")

    await host.request("channel_modes_set", channel="lounge", invite_only=True)
    await zoe.refused("invite_needed", "Enter", sender_username="walt", room="lounge")
    await host.request("channel_invite", channel="lounge", user="walt")
    await zoe.enter("lounge")
    await zoe.say("In", room="lounge")
    await host.request("channel_modes_set", channel="lounge", invite_only=False, key="lemon tree")
    async with rooms_client(server, "vic") as vic:
        await vic.refused("wrong_channel_key", "Enter", sender_username="vic", room="lounge", key="apple tree")
        await vic.send("Enter", sender_username="vic", room="lounge", key="lemon tree")
        await vic.hears("Enter", sender_username="vic", room="lounge")
        await zoe.hears("Enter", sender_username="vic")
        await host.request("channel_modes_set", channel="lounge", key=None)
    await zoe.hears("Leave", sender_username="vic")

    await host.request("user_ban", user="walt")
    await zoe.hears("Leave", sender_username="walt")
    await zoe.hears("Error", code="disconnected")
    assert await zoe.closed() == 1000
    async with rooms_client(server, "walt") as back:
        await back.refused("invalid_token", "Enter", zoe.token, sender_username="walt")
        await back.refused("name_taken", "Enter", sender_username="walt")


async def test_malformed_messages_are_answered_and_then_closed(server: ServerProcess, zoe: RoomsClient) -> None:
    for text in ("rubbish", "[]", '{"message_type": "Shout"}', b"binary"):
        await zoe.send_raw(text)
        await zoe.hears("Error")
    await server.wait_for_log("malformed frame from 127.0.0.1")
    await zoe.send_raw("rubbish")
    assert await zoe.closed() == 1008


async def test_the_own_port_serves_the_dialect_at_its_root(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = write_community(tmp_path_factory.mktemp("ports"), users={"ann": ("user",)}, config={"rooms": {"port": 0}})
    async with ServerProcess(folder) as server:
        found = OWN_PORT.search(server.text())
        assert found, server.text()
        own = f"ws://127.0.0.1:{found.group(1)}"
        async with await ChatClient(server.url).connect() as ann, RoomsClient(f"{own}/", "vera") as vera:
            await ann.login("ann")
            await vera.enter()
            await vera.say("Through the other door")
            await ann.expect("message_new", message={"user": "vera"})
            async with RoomsClient(f"{own}/rooms", "wim") as wim, rooms_client(server, "xia") as xia:
                await wim.enter()
                await xia.enter()
                await wim.hears("Enter", sender_username="xia")
        with pytest.raises(InvalidStatus) as refused:
            await RoomsClient(f"{own}/elsewhere", "wim").connect()
        assert refused.value.response.status_code == 404
        assert await server.stop() == 0


async def test_a_full_server_refuses_before_the_upgrade(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = write_community(tmp_path_factory.mktemp("full"), users={"ann": ("user",)})
    async with ServerProcess(folder, arguments=("--max-connections", "2")) as server:
        async with await ChatClient(server.url).connect() as ann, rooms_client(server, "zoe") as zoe:
            await ann.login("ann")
            await zoe.enter()
            with pytest.raises(InvalidStatus) as refused:
                await rooms_client(server, "yan").connect()
            assert refused.value.response.status_code == 503
            assert b"at most 2 connections" in (refused.value.response.body or b"")
            await zoe.leave()
            async with rooms_client(server, "yan") as yan:
                await yan.enter()
        assert await server.stop() == 0


async def test_with_require_token_only_tokens_let_in(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = write_community(tmp_path_factory.mktemp("tokens"), users={"host": ("owner", "user")})
    async with ServerProcess(folder, arguments=("--require-token",)) as server:
        async with await ChatClient(server.url).connect() as host, rooms_client(server, "vera") as vera:
            await host.login("host")
            await vera.refused("token_required", "Enter", sender_username="vera")
            token = (await host.request("access_token_create", username="vera"))["token"]
            await vera.enter(token=token)
            assert await server.stop() == 0
            await vera.hears("Error", code="shutdown")
            assert await vera.closed() == 1001
        await server.start()
        async with rooms_client(server, "vera") as again:
            assert (await again.enter(token=token))["members"] == ["vera"]
