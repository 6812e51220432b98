"""A channel with a door: invited, let in, heard, put out; and the same after lost connections and restarts."""

from __future__ import annotations

import pytest

from tests.support.client import ChatClient, Visitors
from tests.support.community import EVERYBODY, edit, user_id
from tests.support.server import ServerProcess
from tests.transcripts.test_roles_and_channels import has, lacks, names

pytestmark = pytest.mark.anyio

CONFIG = {"chat_api": {"create_channels": True}}


def outside(client: ChatClient, since: int = 0) -> bool:
    """Whether nothing that was received says a word of the cellar."""
    return "cellar" not in str(client.events[since:])


async def open_cellar(host: ChatClient) -> None:
    await host.request("channel_create", name="cellar", type="text", permissions=EVERYBODY)
    await host.request("channel_modes_set", channel="cellar", invite_only=True)


async def test_channel_invite_join_kick(visit: Visitors) -> None:
    host, ann, ben = await visit.login("host"), await visit.login("ann"), await visit.login("ben")
    await host.request("channel_create", name="cellar", type="text", permissions=EVERYBODY)
    await ben.expect_where(has("cellar"), "the channel that is open to all at first")
    await host.request("channel_modes_set", channel="cellar", invite_only=True, topic_locked=True)
    await ben.expect_where(lacks("cellar"), "the list without it")
    await ann.expect_where(lacks("cellar"), "the list without it")
    start = await ben.sync()
    assert (await ann.refused("channel_join", channel="cellar"))["code"] == "invite_needed"
    assert (await ann.refused("messages_get", channel="cellar"))["code"] == "channel_not_found"

    await host.request("channel_invite", channel="cellar", user=user_id("ann"))
    await ann.expect("channel_invite", channel="cellar", by=user_id("host"))
    joined = await ann.request("channel_join", channel="cellar")
    assert joined["channel"]["invite_only"] is True
    await host.expect("member_join", channel="cellar", user=user_id("ann"))
    await ann.expect_where(has("cellar"), "the list with it")
    heard = await ann.say("so this is the cellar", "cellar")
    await host.expect("message_new", message={"id": heard["id"]})

    await ann.refused("channel_topic_set", channel="cellar", topic="mine")
    await host.request("channel_member_set", channel="cellar", user=user_id("ann"), operator=True)
    await ann.expect("channel_member", user=user_id("ann"), operator=True)
    await ann.request("channel_topic_set", channel="cellar", topic="wine")
    await host.expect("channel_topic", topic="wine", by=user_id("ann"))
    found = (await ann.request("channel_members", channel="cellar"))["members"]
    assert [(member["user"], member["operator"]) for member in found] == [(user_id("ann"), True)]

    await host.request("channel_kick", channel="cellar", user=user_id("ann"), reason="closing time")
    await ann.expect("member_leave", user=user_id("ann"), reason="closing time", by=user_id("host"))
    await ann.expect_where(lacks("cellar"), "the list without it again")
    position = await ann.sync()
    await host.say("she is gone", "cellar")
    await ann.sync()
    assert outside(ann, position)
    assert (await ann.refused("message_new", channel="cellar", content="hello?"))["code"] == "channel_not_found"
    assert (await ann.refused("channel_join", channel="cellar"))["code"] == "invite_needed"
    await ben.sync()
    assert outside(ben, start)
    await host.request("channel_delete", name="cellar")


async def test_resume_after_a_kick_replays_nothing_of_the_channel(visit: Visitors) -> None:
    host, ann, ben = await visit.login("host"), await visit.login("ann"), await visit.login("ben")
    await open_cellar(host)
    for client in (ann, ben):
        await host.request("channel_invite", channel="cellar", user=user_id(client.name))
        await client.request("channel_join", channel="cellar")
    kept = {client.name: (client.session, await client.sync() and client.seq) for client in (ann, ben)}
    for client in (ann, ben):
        await client.drop()
    await host.say("while both are away", "cellar")
    await host.request("channel_topic_set", channel="cellar", topic="secrets")
    await host.request("channel_kick", channel="cellar", user=user_id("ann"))
    await host.say("only for who stayed", "cellar")

    ann, ben = await visit.login("ann"), await visit.login("ben")
    assert (await ann.resume(*kept["ann"]))["recovered"] is True
    assert (await ben.resume(*kept["ben"]))["recovered"] is True
    told = [packet for packet in ann.events if "cellar" in str(packet)]
    assert [(packet["cmd"], packet["user"]) for packet in told] == [("member_leave", user_id("ann"))]
    replayed = [packet["message"]["content"] for packet in ben.received("message_new", channel="cellar")]
    assert replayed == ["while both are away", "only for who stayed"]
    assert "cellar" not in await names(ann)
    await host.request("channel_delete", name="cellar")


async def test_channel_join_by_key_and_leave(visit: Visitors) -> None:
    host, ann, ben = await visit.login("host"), await visit.login("ann"), await visit.login("ben")
    await host.request("channel_create", name="cellar", type="text", permissions=EVERYBODY)
    modes = (await host.request("channel_modes_set", channel="cellar", key="lemon tree"))["modes"]
    assert modes["key"] is True
    assert (await ann.refused("channel_join", channel="cellar"))["code"] == "wrong_channel_key"
    assert (await ann.refused("channel_join", channel="cellar", key="olive"))["code"] == "wrong_channel_key"
    await ann.request("channel_join", channel="cellar", key="lemon tree")
    await ann.say("in", "cellar")
    await ann.request("channel_leave", channel="cellar", reason="home")
    await host.expect("member_leave", user=user_id("ann"), reason="home")
    await ann.expect("member_leave", user=user_id("ann"), reason="home")
    await ann.expect_where(lacks("cellar"), "the list without it")
    await host.request("channel_modes_set", channel="cellar", key=None, secret=True)
    await ben.refused("messages_get", channel="cellar")
    await ben.request("channel_join", channel="cellar")
    await host.request("channel_modes_set", channel="cellar", secret=False)
    await ann.expect_where(has("cellar"), "the channel that is open again")
    for client in (host, ann, ben):
        await client.sync()
        assert "lemon" not in str(client.events)
    await host.request("channel_delete", name="cellar")


async def test_a_channel_made_by_joining_lasts(server: ServerProcess, visit: Visitors) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    made = await ann.request("channel_join", channel="tea-room", create=True)
    assert made["created"] is True
    await ben.expect_where(has("tea-room"), "the new channel")
    await ann.request("channel_modes_set", channel="tea-room", secret=True, moderated=True)
    await ben.request("channel_join", channel="tea-room")
    await server.kill()
    await server.start()
    ann, ben = await visit.login("ann"), await visit.login("ben")
    found = (await ben.request("channel_members", channel="tea-room"))["members"]
    assert [member["user"] for member in found] == [user_id("ann"), user_id("ben")]
    assert (await ben.refused("message_new", channel="tea-room", content="x"))["code"] == "not_permitted"
    await ann.request("channel_member_set", channel="tea-room", user=user_id("ben"), voice=True)
    await ben.say("thank you", "tea-room")

    def open_to_all(channels: list[dict[str, object]]) -> None:
        tea_room = next(channel for channel in channels if channel["name"] == "tea-room")
        assert tea_room.pop("secret") is True
        tea_room["operators"] = []

    cleo = await visit.login("cleo")
    assert "tea-room" not in await names(cleo)
    edit(server.data_dir / "channels.json", open_to_all)
    await cleo.expect_where(has("tea-room"), "the channel that a hand edit opened")
    await ann.expect("channel_modes", channel="tea-room", set={"secret": False}, by=None)
    await ann.expect("channel_member", user=user_id("ann"), operator=False, by=None)
    await ann.refused("channel_modes_set", channel="tea-room", secret=True)


async def test_nobody_is_shown_the_list_of_another(visit: Visitors) -> None:
    """Lists are made once for all who see the same; members of a restricted channel are not taken for others."""
    host, ann, ben = await visit.login("host"), await visit.login("ann"), await visit.login("ben")
    await open_cellar(host)
    start = await ben.sync()
    await host.request("channel_invite", channel="cellar", user=user_id("ann"))
    await ann.request("channel_join", channel="cellar")
    await host.request("channel_move", name="cellar", position=0)
    await ann.expect_where(lambda p: p["cmd"] == "channels_get" and p["val"][0]["name"] == "cellar", "the cellar first")
    await host.request("channel_move", name="general", position=0)
    await ben.sync()
    assert outside(ben, start)
    assert "cellar" in await names(ann)
    assert "cellar" not in await names(ben)
    await host.request("channel_delete", name="cellar")
