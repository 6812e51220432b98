"""One conversation in three protocols at once; and a ban, a mute, a closed channel hold in all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.api_client import ApiClient, ApiRefusal
from tests.support.client import Visitors
from tests.support.community import EVERYBODY
from tests.support.rooms_client import Frame, RoomsClient
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio
CONFIG = {"limits": {"registrations_per_minute": 100}}
CHANNELS = [
    {"type": "text", "name": "general", "permissions": EVERYBODY},
    {"type": "text", "name": "staff", "permissions": {key: ["moderator"] for key in EVERYBODY}},
    {"type": "text", "name": "den", "permissions": EVERYBODY},
]


@pytest.fixture
async def rooms(server: ServerProcess) -> AsyncIterator[RoomsClient]:
    async with RoomsClient(f"{server.url}rooms", "zoe") as client:
        yield client


@pytest.fixture
async def api(server: ServerProcess) -> ApiClient:
    return ApiClient(server.http_url)


async def refused(api: ApiClient, to: str, text: str) -> str:
    """The code of the problem with which a message is refused."""
    with pytest.raises(ApiRefusal) as problem:
        await api.say(to, text)
    return str(problem.value.problem["code"])


async def say(rooms: RoomsClient, text: str) -> Frame:
    await rooms.send("GroupChat", sender_username=rooms.name, content=text)
    return await rooms.awaits("GroupChat", sender_username=rooms.name, content=text)


async def next_message(rooms: RoomsClient) -> Frame:
    return await rooms.awaits("GroupChat")


async def refused_there(rooms: RoomsClient, code: str, message_type: str, **body: str) -> None:
    await rooms.send(message_type, **body)
    await rooms.awaits("Error", code=code)


async def test_one_conversation_in_three_protocols(visit: Visitors, rooms: RoomsClient, api: ApiClient) -> None:
    ann = await visit.login("ann")
    await rooms.enter()
    await api.register("walt")
    await api.join("#general")

    # Everybody is seen coming in.
    await ann.expect("member_join", channel="general", user="zoe")
    await ann.expect("member_join", channel="general", user="walt")
    await rooms.awaits("Enter", sender_username="walt", room="general")
    await api.expect(type="join", **{"from": "walt"})

    # Each of them says something, and the two others hear it, with the same id.
    hello = await ann.say("Hello from a web client")
    assert (await rooms.awaits("GroupChat", content="Hello from a web client"))["id"] == hello["id"]
    assert (await api.expect(body="Hello from a web client"))["id"] == hello["id"]

    reply = await say(rooms, "Hello from a terminal")
    assert (await api.expect(body="Hello from a terminal"))["id"] == reply["id"]
    await ann.expect("message_new", channel="general", message={"id": reply["id"], "user": "zoe"})

    poem = await api.say("#general", "waves", type="action", meta={"client": "curl", "n": [1, 2]})
    assert (poem["from"], poem["to"], poem["type"], poem["meta"]) == (
        "walt", "#general", "action", {"client": "curl", "n": [1, 2]},
    )  # fmt: skip
    await rooms.awaits("GroupChat", sender_username="walt", content="waves", id=poem["id"], type="action")
    seen = await ann.expect("message_new", message={"id": poem["id"], "type": "action"})
    assert seen["message"]["meta"] == {"client": "curl", "n": [1, 2]}

    # An edit and a topic reach all.
    await ann.request("message_edit", channel="general", id=hello["id"], content="Hello, everybody")
    await rooms.awaits("GroupChat", id=hello["id"], content="Hello, everybody", edited=True)

    # Private messages go through between any two of them, and nobody else hears them.
    await rooms.send("PrivateChat", sender_username="zoe", target_username="walt", content="Between us")
    await api.expect(to="walt", body="Between us", **{"from": "zoe"})
    await api.say("ann", "And between us")
    private = await ann.expect("message_new", message={"content": "And between us", "user": "walt"})
    await ann.say("Thanks", private["channel"])
    await api.expect(to="walt", body="Thanks", **{"from": "ann"})
    await say(rooms, "the end of the private part")
    await ann.expect("message_new", message={"content": "the end of the private part"})
    assert not [event for event in ann.received("message_new") if event["message"]["content"] == "Between us"]

    # The history is one.
    texts = [message["content"] for message in (await ann.request("messages_get", channel="general"))["messages"]]
    history = await api.call("GET", "/history", target="#general", limit=50)
    assert [item["body"] for item in history if item["type"] in ("message", "action")] == texts


async def test_a_ban_holds_in_all_three(
    server: ServerProcess, visit: Visitors, rooms: RoomsClient, api: ApiClient
) -> None:
    mod, ben = await visit.login("host"), await visit.login("ben")
    rooms.name = "troll"
    await rooms.enter()
    await api.register("troll2")
    await api.join("#general")

    for name in ("USR:local_ben", "troll", "troll2"):
        await mod.request("user_ban", user=name)
    assert await ben.closed() == 1000
    assert await rooms.closed() == 1000
    with pytest.raises(ApiRefusal) as gone:
        await api.say("#general", "still here?")
    assert gone.value.problem["status"] in (401, 403)

    # Nobody of them comes back under the name.
    with pytest.raises(ApiRefusal) as taken:
        await ApiClient(server.http_url).register("troll2")
    assert taken.value.problem["code"] in ("banned", "name_taken")
    async with RoomsClient(f"{server.url}rooms", "troll") as again:
        await again.refused("name_taken", "Enter", sender_username="troll")
    refused_login = await visit.connect()
    await refused_login.send("login", username="ben", password="correct horse")
    await refused_login.expect("auth_error")


async def test_a_mute_holds_in_all_three(visit: Visitors, rooms: RoomsClient, api: ApiClient) -> None:
    mod, cleo = await visit.login("host"), await visit.login("cleo")
    rooms.name = "parrot"
    await rooms.enter()
    await api.register("parrot2")
    await api.join("#general")

    for name in ("USR:local_cleo", "parrot", "parrot2"):
        await mod.request("user_timeout", user=name, timeout=60)
    assert (await cleo.ask("message_new", channel="general", content="hm"))["cmd"] == "rate_limit"
    await refused_there(rooms, "rate_limit", "GroupChat", content="hm")
    assert await refused(api, "#general", "hm") == "rate_limit"


async def test_a_closed_channel_holds_in_all_three(visit: Visitors, rooms: RoomsClient, api: ApiClient) -> None:
    host, ann = await visit.login("host"), await visit.login("ann")
    rooms.name = "outsider"
    await rooms.enter()
    await api.register("outsider2")

    # By role: it does not even exist for them.
    await refused_there(rooms, "channel_not_found", "Enter", sender_username="outsider", room="staff")
    assert await refused(api, "#staff", "let me in") == "channel_not_found"
    await ann.refused("messages_get", channel="staff")

    # By mode: the host closes a channel, in the words of one protocol, and it is closed in all.
    await host.request("channel_join", channel="den")
    await host.request("channel_modes_set", channel="den", invite_only=True)
    await refused_there(rooms, "invite_needed", "Enter", sender_username="outsider", room="den")
    with pytest.raises(ApiRefusal):
        await api.join("#den")
    await ann.refused("message_new", channel="den", content="knock knock")
    assert "#den" not in [each["name"] for each in await api.call("GET", "/channels/all")]
    secret = await host.say("only for members", "den")

    # Invited, they come in, and read.
    await host.request("channel_invite", channel="den", user="outsider2")
    await api.join("#den")
    await api.say("#den", "thank you")
    await host.expect("message_new", channel="den", message={"content": "thank you", "user": "outsider2"})
    await rooms.send("GroupChat", sender_username="outsider", content="the next message I hear is my own")
    assert (await next_message(rooms))["content"] == "the next message I hear is my own", secret
