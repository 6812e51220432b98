"""One evening of a community, from the first start to a power cut: the parts work together.

Two real clients on a server started by its front door log in, get roles and channels, talk, correct and delete while
the host edits files by hand; then the server is killed in the middle of traffic, started again, and both go on where
they were: every message that any of them saw is there exactly once.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.support.client import DEADLINE_S, ChatClient, Packet, Refusal, Visitors
from tests.support.community import EVERYBODY, edit, load, save_in_place, user_id, write_community
from tests.support.mirror import differences, fetch
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio


async def test_an_evening(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = write_community(tmp_path_factory.mktemp("evening"), channels=None)
    async with ServerProcess(folder) as server:
        visitors = Visitors(lambda: server.url)
        try:
            await evening(server, visitors)
        finally:
            await visitors.close()
        assert not server.tracebacks()


async def evening(server: ServerProcess, visitors: Visitors) -> None:
    # The host registers, claims the server with the code on its screen; a guest registers, too.
    mona = await visitors.connect("mona")
    await mona.register("mona", claim=server.claim_code)
    assert "owner" in mona.ready["user"]["roles"]
    rudi = await visitors.connect("rudi")
    await rudi.register("rudi")
    await mona.expect("user_join", user={"username": user_id("rudi")})
    with pytest.raises(Refusal):
        await (await visitors.connect()).login("rudi", password="a guess")
    await rudi.request("status_set", status="idle", text="curious")
    await mona.expect("status_get", username=user_id("rudi"), status={"status": "idle"})

    # Roles and channels.
    await mona.request("role_create", name="cook", color="#884400", self_assignable=True)
    await mona.request("channel_create", name="kitchen", type="text", permissions={**EVERYBODY, "view": ["cook"]})
    assert "kitchen" not in [channel["name"] for channel in (await rudi.request("channels_get"))["val"]]
    await rudi.request("self_role_add", role="cook")
    await rudi.expect_where(lambda p: p["cmd"] == "channels_get" and sees(p, "kitchen"), "the kitchen")
    await rudi.refused("channel_delete", name="kitchen")
    assert "permission" in (await rudi.refused("user_ban", user=user_id("mona")))["val"]

    # They talk, answer, correct, react, pin, search, and read.
    question = await mona.say("Who brings the soup, @" + user_id("rudi") + "?", "kitchen")
    assert question["pings"]["users"] == [user_id("rudi")]
    answer = await rudi.say("I do.", "kitchen", reply_to=question["id"])
    await mona.request("message_react_add", channel="kitchen", id=answer["id"], emoji="🍲")
    await rudi.request("message_edit", channel="kitchen", id=answer["id"], content="I do, leek soup.")
    slip = await rudi.say("wrong window", "kitchen")
    await rudi.request("message_delete", channel="kitchen", id=slip["id"])
    await mona.expect("message_delete", id=slip["id"])
    await mona.request("message_pin", channel="kitchen", id=question["id"], pinned=True)
    found = await mona.request("messages_search", channel="kitchen", query="LEEK")
    assert [message["id"] for message in found["results"]] == [answer["id"]]
    assert [m["id"] for m in (await rudi.request("pings_get"))["messages"]] == [question["id"]]
    thread = (await rudi.request("thread_create", channel="ideas", name="Dessert"))["thread"]["id"]
    await mona.request("message_new", thread_id=thread, content="Plum cake")
    assert (await rudi.request("unreads_get"))["unreads"][f"thread/{thread}"]["unread_count"] == 1
    await rudi.request("unreads_ack", thread_id=thread)

    # The host edits files with an editor meanwhile.
    position = await rudi.sync()
    edit(server.data_dir / "users.json", lambda users: users[user_id("rudi")].update(roles=["user"]), save_in_place)
    await rudi.expect_where(
        lambda p: p["cmd"] == "channels_get" and not sees(p, "kitchen"), "no kitchen any more", 1.5, since=position
    )
    await mona.say("He is out.", "kitchen")
    await rudi.refused("messages_get", channel="kitchen")
    edit(server.data_dir / "users.json", lambda users: users[user_id("rudi")].update(roles=["user", "cook"]))
    await rudi.expect_where(
        lambda p: p["cmd"] == "channels_get" and sees(p, "kitchen"), "the kitchen again", 1.5, since=position
    )
    edit(server.config_path, lambda config: config["rate_limiting"].update(enabled=True, burst_limit=3))
    async with asyncio.timeout(DEADLINE_S):
        refusal: Packet = {}
        while refusal.get("cmd") != "rate_limit":
            refusal = await rudi.ask("message_new", channel="general", content="too fast")
    assert refusal["length"] > 0
    edit(server.config_path, lambda config: config["rate_limiting"].update(enabled=False))
    async with asyncio.timeout(DEADLINE_S):
        while (await rudi.ask("message_new", channel="general", content="slower"))["cmd"] == "rate_limit":
            pass

    # Power cut in the middle of traffic.
    seen: dict[str, str] = {}
    talking = [asyncio.create_task(chatter(client, seen)) for client in (mona, rudi)]
    for _ in range(200):
        await rudi.expect("message_new", channel="kitchen")
    await server.kill()
    await asyncio.gather(*talking)
    for client in (mona, rudi):
        await client.closed()
        seen.update({p["message"]["id"]: p["message"]["content"] for p in client.received("message_new")})
    for name in ("users", "roles", "channels"):
        load(server.data_dir / f"{name}.json")
    await server.start()

    back = {}
    for old in (mona, rudi):
        client = await visitors.connect(old.name)
        await client.login(old.name)
        assert (await client.resume(old.session, old.seq))["recovered"] is True
        got = [p["message"]["id"] for p in (*old.received("message_new"), *client.received("message_new"))]
        assert len(got) == len(set(got)), "nothing came twice"
        back[old.name] = client
    await back["rudi"].refused("message_new", channel="nowhere", content="still the same rules")
    for client in back.values():
        state = (await fetch(client)).state()
        stored = [message for place in state["messages"].values() for message in place]
        assert set(stored) >= seen.keys() - {slip["id"]}, "nothing is missing"
        assert slip["id"] not in stored
        kitchen = state["messages"]["kitchen"]
        assert kitchen[answer["id"]]["content"] == "I do, leek soup."
        assert kitchen[answer["id"]]["reactions"] == {"🍲": [user_id("mona")]}
        assert kitchen[question["id"]]["pinned"] is True
        contents = [message["content"] for message in kitchen.values()]
        assert len(contents) == len(set(contents))
    first, second = [(await fetch(client)).state() for client in back.values()]
    assert not differences(first["messages"], {**second["messages"], "staff": first["messages"]["staff"]})
    await back["mona"].say("Good night", "kitchen")
    await back["rudi"].expect("message_new", message={"content": "Good night"})
    assert await server.stop() == 0


def sees(packet: Packet, name: str) -> bool:
    return name in [channel["name"] for channel in packet["val"]]


async def chatter(client: ChatClient, acknowledged: dict[str, str]) -> None:
    """Post until the connection is gone."""
    number = 0
    try:
        while True:
            number += 1
            message = await client.say(f"{client.name} {number}", "kitchen")
            acknowledged[message["id"]] = message["content"]
    except Exception:
        return
