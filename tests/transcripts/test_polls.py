"""A question for everybody: who may see it votes, nobody learns who chose what until the end, and who was away knows
the counts when it comes back."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.support.client import Visitors
from tests.support.community import user_id
from tests.support.mirror import fetch
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio

OPTIONS = [{"text": "Pizza", "emoji": "🍕"}, {"text": "Pasta"}]


def votes(poll: dict[str, Any]) -> list[int]:
    return [option["votes"] for option in poll["results"]]


async def test_poll_create_poll_vote_and_poll_end_as_everybody_sees_them(visit: Visitors) -> None:
    host, mod, ben = await visit.login("host"), await visit.login("mod"), await visit.login("ben")
    tablet = await visit.login("mod")
    created = await mod.request(
        "poll_create", channel="staff", question="What do we eat?", options=OPTIONS, duration_hours=24
    )
    assert created["options"] == [{"id": "0", **OPTIONS[0]}, {"id": "1", **OPTIONS[1]}]
    assert 86_000 < created["expires_at"] - time.time() < 86_500
    id_, poll_id = created["message_id"], created["poll_id"]
    new = await host.expect("message_new", channel="staff", message={"id": id_})
    message = new["message"]
    assert (message["user"], message["content"], new["thread_id"]) == (user_id("mod"), "", None)
    (embed,) = message["embeds"]
    assert (embed["type"], embed["title"]) == ("poll", "What do we eat?")
    poll = embed["poll"]
    assert (poll["id"], poll["question"], poll["options"]) == (poll_id, "What do we eat?", created["options"])
    assert (poll["allow_multiselect"], poll["expires_at"]) == (False, created["expires_at"])
    assert (votes(poll), poll["total_votes"], poll["ended"], poll["ended_at"]) == ([0, 0], 0, False, None)
    assert poll["user_votes"] == []

    answer = await host.request("poll_vote", message_id=id_, option_ids=["0"])
    assert (answer["option_ids"], votes(answer["results"])) == (["0"], [1, 0])
    told = await mod.expect("poll_vote_update", message_id=id_, poll_id=poll_id, channel="staff")
    assert {key: told["results"][key] for key in ("total_votes", "ended", "ended_at")} == {
        "total_votes": 1, "ended": False, "ended_at": None,
    }  # fmt: skip
    assert [option["voters"] for option in told["results"]["results"]] == [[], []]
    assert user_id("host") not in str(told)
    await mod.request("poll_vote", message_id=id_, option_ids=["1"])
    await tablet.expect("poll_vote", message_id=id_, option_ids=["1"])
    await host.expect_where(lambda packet: packet["cmd"] == "poll_vote_update" and votes(packet["results"]) == [1, 1])
    own = [page["messages"][-1]["embeds"][0]["poll"]["user_votes"]
           for page in (await host.request("messages_get", channel="staff"),
                        await tablet.request("messages_get", channel="staff"))]  # fmt: skip
    assert own == [["0"], ["1"]]
    assert (await mod.request("poll_get", poll_id=poll_id))["poll"]["created_by"] == user_id("mod")
    assert [each["voted"] for each in (await mod.request("poll_results", poll_id=poll_id))["results"]["results"]] == [
        False, True,
    ]  # fmt: skip

    ended = await mod.request("poll_end", message_id=id_)
    heard = await host.expect("poll_end", message_id=id_, poll_id=poll_id)
    assert heard["results"] == ended["results"]
    assert (ended["results"]["ended"], ended["results"]["total_votes"]) == (True, 2)
    assert [each["voters"] for each in ended["results"]["results"]] == [[user_id("host")], [user_id("mod")]]
    assert (await host.refused("poll_vote", message_id=id_, option_ids=[]))["code"] == "poll_ended"

    for cmd, fields in (
        ("poll_vote", {"option_ids": ["0"]}), ("poll_end", {}), ("poll_results", {}), ("poll_get", {}),
    ):  # fmt: skip
        assert (await ben.refused(cmd, message_id=id_, **fields))["code"] == "poll_not_found"
    await ben.sync()
    for trace in (id_, poll_id, "What do we eat?"):
        assert trace not in str([packet for packet in ben.events if packet["cmd"] != "error"])


async def test_polls_after_a_restart_and_for_who_was_away(server: ServerProcess, visit: Visitors) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    where = {"channel": "general", "options": ["yes", "no"]}
    short = await ann.request("poll_create", question="Quick?", expires_at=time.time() + 6, **where)
    open_ = await ann.request("poll_create", question="Slow?", allow_multiselect=True, **where)
    await ben.expect("message_new", message={"id": open_["message_id"]})
    mirror = await fetch(ben)
    session, position = ben.session, ben.seq
    await ben.drop()
    for poll, chosen in ((short, ["0"]), (open_, ["0", "1"])):
        await ann.request("poll_vote", message_id=poll["message_id"], option_ids=chosen)
    await server.kill()
    await server.start()

    ann, ben = await visit.login("ann"), await visit.login("ben")
    assert (await ben.resume(session, position))["recovered"] is True
    ended = await ben.expect("poll_end", message_id=short["message_id"])
    assert ended["results"]["ended_at"] == short["expires_at"], "its time is over, with or without the server"
    assert ended["results"]["results"][0]["voters"] == [user_id("ann")]
    assert (await ann.refused("poll_end", message_id=short["message_id"]))["code"] == "poll_ended"
    await ben.sync()
    for packet in ben.events:
        mirror.apply(packet)
    fresh = await fetch(ben)
    assert mirror.state()["messages"] == fresh.state()["messages"]
    slow = fresh.messages["general"][open_["message_id"]]["embeds"][0]["poll"]
    assert (slow["total_votes"], slow["ended"], slow["user_votes"]) == (2, False, [])


async def test_polls_in_a_thread_name_its_forum(visit: Visitors) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    thread = (await ann.request("thread_create", channel="ideas", name="lunch"))["thread"]["id"]
    poll = await ann.request("poll_create", thread_id=thread, question="Where?", options=["in", "out"])
    new = await ben.expect("message_new", thread_id=thread)
    assert (new["channel"], new["message"]["embeds"][0]["poll"]["id"]) == ("ideas", poll["poll_id"])
    await ann.request("poll_vote", message_id=poll["message_id"], option_id="0")
    update = await ben.expect("poll_vote_update", message_id=poll["message_id"])
    assert (update["channel"], update["thread_id"]) == ("ideas", thread)
    await ann.request("thread_delete", thread_id=thread)
    assert (await ben.refused("poll_get", poll_id=poll["poll_id"]))["code"] == "poll_not_found"
