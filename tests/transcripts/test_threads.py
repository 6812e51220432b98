"""A forum: threads are opened, answered, locked, archived, left and deleted; their messages behave like any."""

from __future__ import annotations

import pytest

from tests.support.client import Visitors
from tests.support.community import user_id

pytestmark = pytest.mark.anyio


async def test_thread_create_and_talk(visit: Visitors) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    created = await ann.request("thread_create", channel="ideas", name="  A better kettle ")
    thread = created["thread"]
    assert thread["name"] == "A better kettle"
    assert thread["parent_channel"] == created["channel"] == "ideas"
    assert thread["created_by"] == user_id("ann")
    assert thread["participants"] == [user_id("ann")]
    await ben.expect("thread_create", thread={"id": thread["id"]}, channel="ideas")
    assert len(ann.received("thread_create")) == 1, "exactly once for the creator too"

    joined = await ben.request("thread_join", thread_id=thread["id"])
    assert user_id("ben") in joined["thread"]["participants"]
    posted = await ben.request("message_new", channel="ideas", thread_id=thread["id"], content="whistling")
    assert posted["channel"] == "ideas"
    assert posted["thread_id"] == thread["id"]
    seen = await ann.expect("message_new", thread_id=thread["id"])
    page = await ann.request("messages_get", thread_id=thread["id"])
    assert [message["id"] for message in page["messages"]] == [seen["message"]["id"]]
    assert page["channel"] == "ideas"
    listed = next(c for c in (await ben.request("channels_get"))["val"] if c["name"] == "ideas")
    mine = next(t for t in listed["threads"] if t["id"] == thread["id"])
    assert mine["last_message_id"] == seen["message"]["id"]
    paged = await ann.request("thread_messages", thread_id=thread["id"], start=0, limit=10)
    assert paged["messages"] == page["messages"]


async def test_thread_messages_cannot_be_aimed_at_another_channel(visit: Visitors) -> None:
    ann, mod = await visit.login("ann"), await visit.login("mod")
    thread = (await ann.request("thread_create", channel="ideas", name="Aim"))["thread"]
    posted = await mod.request("message_new", channel="staff", thread_id=thread["id"], content="whose is it")
    assert posted["channel"] == "ideas"
    await ann.expect("message_new", thread_id=thread["id"], channel="ideas")


async def test_thread_update_lock_and_archive(visit: Visitors) -> None:
    ann, ben, mod = await visit.login("ann"), await visit.login("ben"), await visit.login("mod")
    thread = (await ann.request("thread_create", channel="ideas", name="Lock me"))["thread"]["id"]
    await ann.request("message_new", thread_id=thread, content="before")
    await ben.refused("thread_update", thread_id=thread, name="mine now")
    await ann.refused("thread_update", thread_id=thread, locked=True)
    renamed = await ann.request("thread_update", thread_id=thread, name="Still mine")
    assert renamed["channel"] == "ideas"
    await ben.expect("thread_update", thread={"id": thread, "name": "Still mine"})

    await mod.request("thread_update", thread_id=thread, locked=True)
    await ben.expect("thread_update", thread={"id": thread, "locked": True})
    locked = await ben.refused("message_new", thread_id=thread, content="after")
    assert "thread is locked" in locked["val"].lower()
    assert "thread is locked" in (await ben.refused("thread_join", thread_id=thread))["val"].lower()
    assert len((await ben.request("messages_get", thread_id=thread))["messages"]) == 1, "reading a locked thread works"
    await mod.request("thread_update", thread_id=thread, locked=False)

    await ann.request("thread_update", thread_id=thread, archived=True)
    await ben.request("message_new", thread_id=thread, content="wakes it up")
    await ann.expect("thread_update", thread={"id": thread, "archived": False})


async def test_thread_leave_and_delete(visit: Visitors) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    thread = (await ann.request("thread_create", channel="ideas", name="Short"))["thread"]["id"]
    await ben.request("thread_join", thread_id=thread)
    await ben.request("thread_leave", thread_id=thread)
    left = await ann.expect("thread_leave", thread_id=thread)
    assert left["thread"]["participants"] == [user_id("ann")]
    await ann.request("thread_leave", thread_id=thread)
    assert (await ann.request("thread_get", thread_id=thread))["thread"]["participants"] == [user_id("ann")]
    await ben.refused("thread_delete", thread_id=thread)
    await ann.request("thread_delete", thread_id=thread)
    await ben.expect("thread_delete", thread_id=thread, channel="ideas")
    assert "thread not found" in (await ben.refused("thread_get", thread_id=thread))["val"].lower()
    assert "thread not found" in (await ben.refused("messages_get", thread_id=thread))["val"].lower()


async def test_threads_of_a_hidden_forum_stay_hidden(visit: Visitors) -> None:
    host, mod, ann = await visit.login("host"), await visit.login("mod"), await visit.login("ann")
    rules = {key: ["moderator"] for key in ("view", "send", "create_thread")}
    await host.request("channel_create", name="cabal", type="forum", permissions=rules)
    thread = (await mod.request("thread_create", channel="cabal", name="hush"))["thread"]["id"]
    await mod.request("message_new", thread_id=thread, content="the plan")
    await mod.request("thread_update", thread_id=thread, name="hush hush")
    for cmd in (
        "thread_get",
        "thread_join",
        "thread_leave",
        "thread_messages",
        "messages_get",
        "typing",
        "unreads_ack",
    ):
        assert "thread not found" in (await ann.refused(cmd, thread_id=thread))["val"].lower(), cmd
    await ann.refused("message_new", thread_id=thread, content="me too")
    await ann.refused("thread_update", thread_id=thread, name="x")
    await ann.refused("thread_delete", thread_id=thread)
    await ann.sync()
    assert "hush" not in str(ann.events)
    assert "cabal" not in str(ann.events)


async def test_thread_create_refusals(visit: Visitors) -> None:
    ann = await visit.login("ann")
    await ann.refused("thread_create", channel="general", name="not a forum")
    await ann.refused("thread_create", channel="ideas", name="   ")
    await ann.refused("thread_create", channel="ideas", name="x" * 5000)
    assert "channel not found" in (await ann.refused("thread_create", channel="nowhere", name="x"))["val"].lower()
