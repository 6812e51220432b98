"""What somebody has not read yet, and that all devices of a person agree about it."""

from __future__ import annotations

import pytest

from tests.support.client import Visitors

pytestmark = pytest.mark.anyio


async def test_unreads_ack_moves_forward_on_all_devices(visit: Visitors) -> None:
    ann, phone, desk = await visit.login("ann"), await visit.login("ben"), await visit.login("ben")
    await phone.request("messages_get", channel="general")
    ids = [(await ann.say(f"unread {number}"))["id"] for number in range(5)]
    count = await phone.request("unreads_count", channel="general")
    assert count["unread_count"] == 5
    await phone.request("unreads_ack", channel="general", message_id=ids[2])
    await desk.expect("unreads_update", channel="general", last_read=ids[2])
    assert (await desk.request("unreads_get"))["unreads"]["general"]["unread_count"] == 2
    await desk.request("unreads_ack", channel="general", message_id=ids[0])
    assert (await desk.request("unreads_count", channel="general"))["last_read"] == ids[2], "never backwards"
    await desk.request("unreads_ack", channel="general")
    entry = (await phone.request("unreads_get"))["unreads"]["general"]
    assert entry["unread_count"] == 0
    assert entry["last_read"] == ids[-1]
    assert phone.received("unreads_update") == desk.received("unreads_update")
    assert ann.received("unreads_update") == [], "nobody else is told"


async def test_unreads_mark_moves_back_on_all_devices(visit: Visitors) -> None:
    ann, phone, desk = await visit.login("ann"), await visit.login("cleo"), await visit.login("cleo")
    ids = [(await ann.say(f"again {number}"))["id"] for number in range(3)]
    await phone.request("messages_get", channel="general")
    reply = await phone.request("unreads_mark", channel="general", message_id=ids[1])
    assert (reply["last_read"], reply["unread_count"]) == (ids[0], 2)
    await desk.expect("unreads_update", channel="general", last_read=ids[0], unread_count=2)
    assert (await desk.request("unreads_get"))["unreads"]["general"]["unread_count"] == 2
    await desk.request("messages_get", channel="general", mark_read=False)
    assert (await desk.request("unreads_count", channel="general"))["unread_count"] == 2
    await desk.request("unreads_ack", channel="general")
    assert "unread_count" not in await phone.expect("unreads_update", channel="general", last_read=ids[2])


async def test_messages_get_marks_the_newest_page_read(visit: Visitors) -> None:
    ann, cleo = await visit.login("ann"), await visit.login("cleo")
    ids = [(await ann.say(f"page {number}"))["id"] for number in range(4)]
    await cleo.request("messages_get", channel="general", start=ids[2], limit=2)
    before = (await cleo.request("unreads_count", channel="general"))["unread_count"]
    assert before >= 4, "an old page marks nothing"
    reply = await cleo.request("messages_get", channel="general", limit=2)
    update = await cleo.expect("unreads_update", channel="general", last_read=ids[-1])
    assert cleo.events.index(update) < cleo.events.index(reply), "the update comes before the answer"
    assert (await cleo.request("unreads_count", channel="general"))["unread_count"] == 0


async def test_unreads_get_includes_threads(visit: Visitors) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    thread = (await ann.request("thread_create", channel="ideas", name="Unread"))["thread"]["id"]
    message = (await ann.request("message_new", thread_id=thread, content="hello"))["message"]["id"]
    entry = (await ben.request("unreads_get"))["unreads"][f"thread/{thread}"]
    assert entry["unread_count"] == 1
    assert entry["parent_channel"] == "ideas"
    reply = await ben.request("unreads_ack", thread_id=thread)
    assert reply["last_read"] == message
    assert (await ben.request("unreads_get"))["unreads"][f"thread/{thread}"]["unread_count"] == 0


async def test_unreads_survive_deletion_of_the_marked_message(visit: Visitors) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    ids = [(await ann.say(f"gone {number}"))["id"] for number in range(3)]
    await ben.request("unreads_ack", channel="general", message_id=ids[1])
    await ann.request("message_delete", channel="general", id=ids[1])
    assert (await ben.request("unreads_count", channel="general"))["unread_count"] == 1
