"""Two people write, answer, correct, react, pin, page and search."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.client import ChatClient, Visitors
from tests.support.community import user_id

pytestmark = pytest.mark.anyio


async def test_message_new_reaches_everybody_once(visit: Visitors) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    reply = await ann.request("message_new", channel="general", content="  good morning  ")
    message = reply["message"]
    assert message["user"] == user_id("ann")
    assert message["content"] == "good morning"
    assert message["pinned"] is False
    assert message["interaction"] is None
    assert message["pings"] == {"users": [], "roles": [], "replies": []}
    assert reply["channel"] == "general"
    assert reply["thread_id"] is None
    assert reply["global"] is True
    seen = await ben.expect("message_new", message={"id": message["id"]})
    assert "listener" not in seen
    assert {**seen, "listener": reply["listener"]} == reply
    assert isinstance(seen["seq"], int)
    await ann.sync()
    assert len(ann.received("message_new", message={"id": message["id"]})) == 1


async def test_message_new_order_is_the_same_for_everybody(visit: Visitors) -> None:
    people = [await visit.login(name) for name in ("ann", "ben", "cleo")]
    for number in range(20):
        for person in people:
            await person.send("message_new", channel="general", content=f"order {person.name} {number}")
    sequences = []
    for person in people:
        for number in range(20):
            for other in people:
                await person.expect("message_new", message={"content": f"order {other.name} {number}"})
        events = [p for p in person.received("message_new") if p["message"]["content"].startswith("order ")]
        assert [event["seq"] for event in events] == sorted(event["seq"] for event in events)
        sequences.append([event["message"]["id"] for event in events])
        times = [event["message"]["timestamp"] for event in events]
        assert times == sorted(set(times)), "timestamps rise strictly"
    assert sequences[0] == sequences[1] == sequences[2]


async def test_message_new_mentions_and_replies(visit: Visitors) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    first = await ann.say(f"hello @{user_id('ben').lower()} and @&moderator")
    assert first["pings"]["users"] == [user_id("ben")]
    assert first["pings"]["roles"] == ["moderator"]
    answer = await ben.say("hello back", reply_to=first["id"])
    assert answer["reply_to"] == {"id": first["id"], "user": user_id("ann")}
    assert answer["pings"]["replies"] == [user_id("ann")]
    quiet = await ben.say("and no bell", reply_to=first["id"], ping=False)
    assert quiet["pings"]["replies"] == []
    assert quiet["ping"] is False
    mine = await ben.request("pings_get")
    assert first["id"] in [message["id"] for message in mine["messages"]]
    assert all(message["channel"] == "general" for message in mine["messages"])
    hers = await ann.request("pings_get", limit=5)
    assert answer["id"] in [message["id"] for message in hers["messages"]]
    assert quiet["id"] not in [message["id"] for message in hers["messages"]]
    replies = await ann.request("message_replies", channel="general", id=first["id"])
    assert [message["id"] for message in replies["replies"]] == [answer["id"], quiet["id"]]


async def test_message_edit_and_delete(visit: Visitors) -> None:
    ann, ben, mod = await visit.login("ann"), await visit.login("ben"), await visit.login("mod")
    message = await ann.say("teh first")
    edited = await ann.request("message_edit", channel="general", id=message["id"], content="the first")
    assert edited["content"] == "the first"
    assert edited["message"]["edited"] is True
    await ben.expect("message_edit", id=message["id"], content="the first", channel="general")
    assert (
        "permission"
        in (await ben.refused("message_edit", channel="general", id=message["id"], content="mine"))["val"].lower()
    )
    assert "permission" in (await ben.refused("message_delete", channel="general", id=message["id"]))["val"].lower()
    assert (await ann.request("message_get", channel="general", id=message["id"]))["message"]["content"] == "the first"
    await mod.request("message_delete", channel="general", id=message["id"])
    await ann.expect("message_delete", id=message["id"], channel="general")
    await ben.expect("message_delete", id=message["id"], channel="general")
    gone = await ann.refused("message_get", channel="general", id=message["id"])
    assert "message not found" in gone["val"].lower()


async def test_message_refusals_keep_their_words(visit: Visitors) -> None:
    ann = await visit.login("ann")
    cases = [
        ({"channel": "general", "content": "   "}, "content"),
        ({"channel": "general", "content": "x" * 2001}, "message too long"),
        ({"channel": "nowhere", "content": "x"}, "channel not found"),
        ({"channel": "staff", "content": "x"}, "channel not found"),
        ({"thread_id": "nowhere", "content": "x"}, "thread not found"),
        ({"content": "x"}, "channel"),
        ({"channel": "general", "content": "x", "reply_to": "nothing"}, "message not found"),
    ]
    for fields, text in cases:
        assert text in (await ann.refused("message_new", **fields))["val"].lower(), fields
    for cmd in ("message_edit", "message_delete", "message_pin", "message_react_add"):
        extra = {"content": "x"} if cmd == "message_edit" else {"emoji": "👍"} if cmd == "message_react_add" else {}
        await ann.refused(cmd, channel="general", id="nothing", **extra)


async def test_message_react_add_and_remove(visit: Visitors) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    message = await ann.say("react to me")
    await ben.request("message_react_add", channel="general", id=message["id"], emoji="👍")
    sender: dict[str, Any] = {"from": user_id("ben")}
    await ann.expect("message_react_add", id=message["id"], emoji="👍", **sender)
    await ann.request("message_react_add", channel="general", id=message["id"], emoji="👍")
    await ben.refused("message_react_add", channel="general", id=message["id"], emoji="👍")
    stored = await ann.request("message_get", channel="general", id=message["id"])
    assert stored["message"]["reactions"] == {"👍": [user_id("ben"), user_id("ann")]}
    await ben.request("message_react_remove", channel="general", id=message["id"], emoji="👍")
    await ben.refused("message_react_remove", channel="general", id=message["id"], emoji="👍")
    await ann.request("message_react_remove", channel="general", id=message["id"], emoji="👍")
    stored = await ann.request("message_get", channel="general", id=message["id"])
    assert not stored["message"].get("reactions")


async def test_message_pin_as_the_web_client_does(visit: Visitors) -> None:
    mod, ann = await visit.login("mod"), await visit.login("ann")
    message = await ann.say("pin me")
    await ann.refused("message_pin", channel="general", id=message["id"], pinned=True)
    await mod.request("message_pin", channel="general", id=message["id"], pinned=True)
    await ann.expect("message_pin", id=message["id"], pinned=True)
    pinned = await ann.request("messages_pinned", channel="general")
    assert [m["id"] for m in pinned["messages"]] == [message["id"]]
    await mod.request("message_pin", channel="general", id=message["id"], pinned=False)
    assert (await ann.request("messages_pinned", channel="general"))["messages"] == []
    await mod.request("message_pin", channel="general", id=message["id"])
    await mod.request("message_unpin", channel="general", id=message["id"])
    assert (await ann.request("messages_pinned", channel="general"))["messages"] == []


async def test_messages_get_pages_by_number_and_by_id(visit: Visitors) -> None:
    host = await visit.login("host")
    await host.request("channel_create", name="paging", type="text", permissions={"view": ["user"], "send": ["user"]})
    ids = [(await host.say(f"page {number}", "paging"))["id"] for number in range(30)]

    async def page(**fields: object) -> list[str]:
        reply = await host.request("messages_get", channel="paging", **fields)
        return [message["id"] for message in reply["messages"]]

    assert await page() == ids
    assert await page(limit=5) == ids[-5:]
    assert await page(start=5, limit=5) == ids[-10:-5]
    assert await page(start=0, limit=0) == ids
    assert await page(start=28, limit=5) == ids[:2]
    assert await page(start=99, limit=5) == []
    assert await page(start=ids[10], limit=4) == ids[6:10]
    assert await page(start="unknown", limit=4) == []
    assert await page(start=None) == ids

    async def around(middle: str, above: int, below: int) -> tuple[list[str], int, int]:
        reply = await host.request(
            "messages_around", channel="paging", around=middle, bounds={"above": above, "below": below}
        )
        return [message["id"] for message in reply["messages"]], reply["range"]["start"], reply["range"]["end"]

    assert await around(ids[10], 2, 3) == (ids[7:13], 7, 13)
    assert await around(ids[-1], 5, 0) == (ids[-1:], 29, 30)
    assert await around(ids[0], 0, 5) == (ids[:1], 0, 1)
    await host.refused("messages_around", channel="paging", around="nothing")


async def test_messages_search_finds_substrings(visit: Visitors) -> None:
    ann = await visit.login("ann")
    wanted = await ann.say("The Quick Brown Fox ünd mehr")
    await ann.say("something else")
    for query in ("quick brown", "UICK", "fox", "ÜND", "q"):
        found = await ann.request("messages_search", channel="general", query=query)
        assert wanted["id"] in [message["id"] for message in found["results"]], query
    for query in ("quick%brown", "qu_ck", '"fox"', "fox OR else", "zzzz"):
        assert (await ann.request("messages_search", channel="general", query=query))["results"] == [], query
    await ann.request("message_edit", channel="general", id=wanted["id"], content="now it says badger")
    assert (await ann.request("messages_search", channel="general", query="quick brown fox"))["results"] == []
    assert len((await ann.request("messages_search", channel="general", query="badger"))["results"]) == 1
    (everywhere,) = (await ann.request("messages_search", query="badger", **{"from": "ann"}))["results"]
    window = await ann.request("messages_around", channel=everywhere["channel"], around=everywhere["id"])
    assert wanted["id"] in [message["id"] for message in window["messages"]]


async def test_messages_search_with_filters_finds_what_the_caller_sees(visit: Visitors) -> None:
    mod, ann = await visit.login("mod"), await visit.login("ann")
    thread = (await ann.request("thread_create", channel="ideas", name="wombats"))["thread"]["id"]
    first = await ann.say("a wombat at https://example.org/")
    second = await mod.say("another wombat")
    third = (await ann.request("message_new", thread_id=thread, content="a wombat here"))["message"]
    hidden = await mod.say("the secret wombat", "staff")
    await mod.request("message_react_add", channel="general", id=second["id"], emoji="👍")
    await mod.request("message_pin", channel="general", id=second["id"])

    async def found(client: ChatClient, **fields: Any) -> list[str]:
        return [message["id"] for message in (await client.request("messages_search", **fields))["results"]]

    ids = [hidden["id"], third["id"], second["id"], first["id"]]
    assert await found(mod, query="WOMBAT") == ids
    assert await found(ann, query="WOMBAT") == ids[1:], "in every place that the caller sees"
    assert await found(ann, query="wombat", channels=["general"]) == ids[2:]
    assert await found(ann, query="wombat", channels=["ideas"]) == await found(ann, query="w", thread_id=thread)
    assert await found(ann, query="wombat", **{"from": user_id("mod")}) == [second["id"]]
    assert await found(ann, query="wombat", has=["link"]) == [first["id"]]
    assert await found(ann, query="wombat", has=["reaction"], pinned=True) == [second["id"]]
    assert await found(ann, query="wombat", pinned=False, before=third["timestamp"]) == [first["id"]]
    assert await found(ann, query="wombat", after=second["timestamp"]) == ids[1:3]
    for name in ("staff", "nowhere"):
        refusal = await ann.refused("messages_search", query="wombat", channels=["general", name])
        assert refusal["code"] == "channel_not_found"

    page = await ann.request("messages_search", query="wombat", limit=2)
    assert (page["query"], page["complete"], page["cursor"] is not None) == ("wombat", True, True)
    newest, older = page["results"]
    assert (newest["channel"], newest["thread_id"]) == ("ideas", thread)
    assert (older["channel"], older["pinned"], older["reactions"]) == ("general", True, {"👍": [user_id("mod")]})
    rest = await ann.request("messages_search", query="wombat", limit=2, cursor=page["cursor"])
    assert ([message["id"] for message in rest["results"]], rest["cursor"]) == ([first["id"]], None)
    assert hidden["id"] not in str(ann.events)


async def test_typing_is_of_the_moment(visit: Visitors) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    await ann.request("typing", channel="general")
    event = await ben.expect("typing", channel="general", user=user_id("ann"))
    assert "seq" not in event


async def test_messages_of_a_hidden_channel_stay_hidden(visit: Visitors) -> None:
    mod, ann = await visit.login("mod"), await visit.login("ann")
    secret = await mod.say("for moderators only @&user", "staff")
    await mod.request("message_react_add", channel="staff", id=secret["id"], emoji="👍")
    reads = {
        "messages_get": {}, "messages_around": {"around": secret["id"]}, "message_get": {"id": secret["id"]},
        "message_replies": {"id": secret["id"]}, "messages_search": {"query": "moderators"}, "messages_pinned": {},
        "embeds_list": {"id": secret["id"]}, "unreads_count": {}, "unreads_ack": {}, "typing": {},
        "unreads_mark": {"message_id": secret["id"]},
        "message_edit": {"id": secret["id"], "content": "x"}, "message_delete": {"id": secret["id"]},
        "message_react_add": {"id": secret["id"], "emoji": "x"},
    }  # fmt: skip
    for cmd, fields in reads.items():
        refusal = await ann.refused(cmd, channel="staff", **fields)
        nowhere = await ann.refused(cmd, channel="nowhere", **fields)
        assert {**refusal, "listener": ""} == {**nowhere, "listener": ""}, "hidden and missing look the same"
    await ann.refused("message_new", channel="general", content="quoting", reply_to=secret["id"])
    await ann.refused("message_get", channel="general", id=secret["id"])
    assert "staff" not in [channel["name"] for channel in (await ann.request("channels_get"))["val"]]
    assert (await ann.request("pings_get"))["messages"] == [] or all(
        message["channel"] != "staff" for message in (await ann.request("pings_get"))["messages"]
    )
    assert "moderators only" not in str(ann.events)


async def test_message_new_embeds_and_listener_on_errors(visit: Visitors) -> None:
    ann = await visit.login("ann")
    embed = {"title": "A card", "description": "with text", "x-own": 1}
    message = await ann.say("see below", embeds=[embed])
    assert message["embeds"][0]["title"] == "A card"
    listed = await ann.request("embeds_list", channel="general", id=message["id"])
    assert listed["embeds"][0]["x-own"] == 1
    error = await ann.refused("message_new", channel="general", content="x", embeds=[{"color": -1}])
    assert error["listener"].startswith("ann-")
    await ann.refused("message_new", channel="general", content="x", embeds=[embed] * 11)
