"""Two people talk where nobody else hears them, not even the owner; one blocks the other; a restart forgets nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.client import ChatClient, Visitors
from tests.support.community import user_id
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio

CONFIG = {"limits": {"registrations_per_minute": 1000}}


def lists(name: str):  # type: ignore[no-untyped-def]  # a small predicate
    return lambda packet: packet["cmd"] == "channels_get" and name in [channel["name"] for channel in packet["val"]]


async def direct_channel(client: ChatClient, other: str) -> dict[str, Any]:
    """As the client finds it in its list."""
    channels = (await client.request("channels_get"))["val"]
    return next(channel for channel in channels if user_id(other) in channel.get("members", ()))


async def test_direct_message_between_two_is_heard_by_the_two(visit: Visitors) -> None:
    ann, ben, phone = await visit.login("ann"), await visit.login("ben"), await visit.login("ben")
    sent = await ann.request("direct_message", user=user_id("ben"), content="Have you got a minute?")
    name = sent["channel"]
    for client in (ann, ben, phone):
        shown = await client.expect_where(lists(name), "the new channel")
        await client.sync()
        (heard,) = client.received("message_new", channel=name)
        assert heard["message"]["content"] == "Have you got a minute?"
        assert client.events.index(shown) < client.events.index(heard), "the channel is known before its first message"
    assert (await direct_channel(ben, "ann"))["display_name"] == "ann"
    assert (await direct_channel(ann, "ben"))["display_name"] == "ben"

    await ben.send("typing", channel=name)
    await ann.expect("typing", channel=name, user=user_id("ben"))
    answer = await phone.request("message_new", channel=name, content="Two, @ann", reply_to=sent["message"]["id"])
    await ben.expect("message_new", message={"id": answer["message"]["id"]})
    heard = await ann.expect("message_new", message={"id": answer["message"]["id"]})
    assert heard["message"]["pings"] == {"users": [user_id("ann")], "roles": [], "replies": [user_id("ann")]}
    await ann.request("message_react_add", channel=name, id=answer["message"]["id"], emoji="👍")
    await ben.expect("message_react_add", channel=name, emoji="👍")
    assert (await ann.request("pings_get"))["messages"][0]["channel"] == name
    assert (await ben.request("directs_list"))["channels"][0]["name"] == name


async def test_direct_open_and_an_owner_who_sees_nothing_of_it(visit: Visitors) -> None:
    host, ann, ben = await visit.login("host"), await visit.login("ann"), await visit.login("ben")
    name = (await ann.request("direct_open", user=user_id("ben")))["channel"]["name"]
    assert (await ben.request("direct_open", user=user_id("ann")))["channel"]["name"] == name
    before = host.seq
    secret = await ann.request("message_new", channel=name, content="the surprise for @host is a cake")
    id_ = secret["message"]["id"]
    await ben.expect("message_new", message={"id": id_})

    for cmd, fields in (
        ("messages_get", {}), ("messages_search", {"query": "cake"}), ("message_get", {"id": id_}),
        ("messages_around", {"around": id_}), ("messages_pinned", {}), ("message_replies", {"id": id_}),
        ("embeds_list", {"id": id_}), ("unreads_count", {}), ("unreads_ack", {}), ("typing", {}),
        ("message_new", {"content": "hello?"}), ("message_delete", {"id": id_}), ("message_pin", {"id": id_}),
    ):  # fmt: skip
        assert (await host.refused(cmd, channel=name, **fields))["code"] == "channel_not_found", cmd
    assert (await host.refused("message_get", channel="general", id=id_))["code"] == "message_not_found"
    assert (await host.refused("channel_delete", name=name))["code"] == "channel_not_found"
    assert (await host.request("pings_get"))["messages"] == []
    assert (await host.request("directs_list"))["channels"] == []
    for cmd in ("channels_get", "unreads_get"):
        assert name not in str(await host.request(cmd))
    host.forget()
    resumed = await host.resume(host.session, before)
    assert resumed["recovered"] is True
    for trace in ("cake", name, id_):
        assert trace not in str(host.events)


async def test_user_block_ends_it_and_user_unblock_lets_it_go_on(visit: Visitors) -> None:
    ann, ben, phone = await visit.login("ann"), await visit.login("ben"), await visit.login("ben")
    name = (await ann.request("direct_message", user=user_id("ben"), content="Buy my book!"))["channel"]
    await ben.request("user_block", user=user_id("ann"))
    await phone.expect("user_block", user=user_id("ann"))
    assert (await phone.request("users_blocked_list"))["users"] == [user_id("ann")]
    for client, other in ((ann, "ben"), (ben, "ann")):
        refusals = [
            await client.refused("message_new", channel=name, content="x"),
            await client.refused("direct_message", user=user_id(other), content="x"),
        ]
        assert {(refusal["code"], refusal["val"]) for refusal in refusals} == {
            ("blocked", "One of you has blocked the other")
        }
    public = await ann.request("message_new", channel="general", content="@ben, buy it!")
    assert public["message"]["pings"]["users"] == []
    assert ann.received("user_block") == [], "nobody else is told"

    await phone.request("user_unblock", user=user_id("ann"))
    await ben.expect("user_unblock", user=user_id("ann"))
    await ann.request("message_new", channel=name, content="Sorry.")
    await ben.expect("message_new", channel=name, message={"content": "Sorry."})


async def test_direct_channels_and_blocks_outlive_a_restart(server: ServerProcess, visit: Visitors) -> None:
    ann, cleo = await visit.login("ann"), await visit.login("cleo")
    sent = await ann.request("direct_message", user=user_id("cleo"), content="Remember this.")
    name = sent["channel"]
    await cleo.request("user_block", user=user_id("ben"))
    session, position = cleo.session, cleo.seq
    await cleo.drop()
    missed = await ann.request("message_new", channel=name, content="And this.")
    await server.kill()
    await server.start()

    cleo, ann, ben = await visit.login("cleo"), await visit.login("ann"), await visit.login("ben")
    assert (await cleo.resume(session, position))["recovered"] is True
    await cleo.expect("message_new", channel=name, message={"id": missed["message"]["id"]})
    page = await cleo.request("messages_get", channel=name)
    assert [message["content"] for message in page["messages"]] == ["Remember this.", "And this."]
    assert (await ann.request("direct_open", user=user_id("cleo")))["channel"]["name"] == name
    assert (await ben.refused("direct_open", user=user_id("cleo")))["code"] == "blocked"


async def test_whoever_registers_a_freed_name_reads_nothing_of_the_former_owner(visit: Visitors) -> None:
    dora = await (await visit.connect()).register("dora")
    ann = await visit.login("ann")
    name = (await dora.request("direct_message", user=user_id("ann"), content="I am moving out."))["channel"]
    await dora.send("user_leave")
    await dora.closed()

    newcomer = await (await visit.connect()).register("dora")
    assert (await newcomer.request("directs_list"))["channels"] == []
    assert (await newcomer.refused("messages_get", channel=name))["code"] == "channel_not_found"
    page = await ann.request("messages_get", channel=name)
    assert [message["content"] for message in page["messages"]] == ["I am moving out."]
    assert (await direct_channel(ann, "dora"))["display_name"] == "dora"
    other = (await newcomer.request("direct_message", user=user_id("ann"), content="Hello, I am new."))["channel"]
    assert other != name
    await ann.expect("message_new", channel=other)
