"""Lost connections, restarts and kills: what was missed comes back in order, once, and only what may be seen now."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.client import DEADLINE_S, ChatClient, Packet, Visitors
from tests.support.community import EVERYBODY, user_id
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio


def durable(client: ChatClient) -> list[Packet]:
    return [packet for packet in client.events if "seq" in packet and packet["cmd"] not in ("ready", "resumed", "ping")]


async def test_resume_after_a_dropped_connection(visit: Visitors) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    kept = await ann.say("seen by both")
    await ben.expect("message_new", message={"id": kept["id"]})
    await ben.sync()
    session, seq = ben.session, ben.seq
    await ben.drop()

    missed = await ann.say("missed")
    await ann.request("message_react_add", channel="general", id=missed["id"], emoji="👀")
    await ann.request("message_edit", channel="general", id=missed["id"], content="missed, edited")
    gone = await ann.say("missed and gone")
    await ann.request("message_delete", channel="general", id=gone["id"])
    await ann.request("typing", channel="general")

    ben = await visit.login("ben")
    resumed = await ben.resume(session, seq)
    assert resumed["recovered"] is True
    replayed = [packet for packet in durable(ben) if packet["seq"] > seq and packet["cmd"].startswith("message")]
    assert [packet["cmd"] for packet in replayed] == [
        "message_new", "message_react_add", "message_edit", "message_new", "message_delete",
    ]  # fmt: skip
    sequence = [packet["seq"] for packet in durable(ben)]
    assert sequence == sorted(set(sequence)), "in order, once"
    assert resumed["seq"] >= sequence[-1]
    assert ben.received("typing") == []
    live = await ann.say("live again")
    await ben.expect("message_new", message={"id": live["id"]})


async def test_resume_without_loss_between_login_and_resume(visit: Visitors) -> None:
    """Messages flow all the time; none may fall between `ready`, the replay, and what is live."""
    ann, ben = await visit.login("ann"), await visit.login("ben")
    stop = False

    async def chatter() -> list[str]:
        ids: list[str] = []
        while not stop:
            ids.append((await ann.say(f"steady {len(ids)}"))["id"])
        return ids

    talking = asyncio.create_task(chatter())
    seen: list[Packet] = []
    for _ in range(10):
        await ben.expect("message_new")
        await ben.drop()
        session, seq = ben.session, ben.seq
        seen += [packet for packet in durable(ben) if packet["cmd"] == "message_new"]
        ben = await visit.login("ben")
        assert (await ben.resume(session, seq))["recovered"] is True
        ben.session = session
    stop = True
    ids = await talking
    await ben.sync()
    seen += [packet for packet in durable(ben) if packet["cmd"] == "message_new"]
    got = [packet["message"]["id"] for packet in sorted(seen, key=lambda packet: packet["seq"])]
    assert [id for id in got if id in set(ids)] == ids


async def test_resume_right_behind_a_login_with_a_token(visit: Visitors) -> None:
    """Without waiting for the answer, as docs/clients.md allows."""
    ann = await visit.login("ann")
    token = (await ann.request("access_token_create", username="ann"))["token"]
    session, seq = ann.session, ann.seq
    await ann.drop()
    again = await visit.connect("ann")
    await again.send("guest_login", username="ann", token=token)
    await again.send("resume", session=session, after=seq)
    assert (await again.expect("resumed"))["recovered"] is True


async def test_resume_after_kill_in_the_middle_of_traffic(server: ServerProcess, visit: Visitors) -> None:
    people = {name: await visit.login(name) for name in ("ann", "ben", "cleo")}
    acknowledged: dict[str, str] = {}
    seen: dict[str, str] = {}

    async def chatter(name: str) -> None:
        number = 0
        try:
            while True:
                number += 1
                message = await people[name].say(f"{name} {number}", nonce=f"{name}-{number}")
                acknowledged[message["id"]] = message["content"]
        except Exception:
            return

    talkers = [asyncio.create_task(chatter(name)) for name in people]
    while len(acknowledged) < 300:
        await people["ann"].expect("message_new")
    await server.kill()
    for talker in talkers:
        await talker
    for client in people.values():
        await client.closed()
        for packet in client.received("message_new"):
            seen[packet["message"]["id"]] = packet["message"]["content"]
    await server.start()

    for name, old in people.items():
        client = await visit.login(name)
        assert (await client.resume(old.session, old.seq))["recovered"] is True
        got = [p["message"]["id"] for p in (*old.received("message_new"), *client.received("message_new"))]
        assert len(got) == len(set(got)), "nothing twice"
        assert set(got) >= set(seen) | set(acknowledged), "nothing missing"
        for number in (1, 2):  # a resend with a nonce is harmless
            again = await client.request(
                "message_new", channel="general", content=f"{name} {number}", nonce=f"{name}-{number}"
            )
            assert again["message"]["id"] in acknowledged
        stored: list[str] = []
        start: int | str = 0
        while page := (await client.request("messages_get", channel="general", start=start, limit=200))["messages"]:
            stored = [message["id"] for message in page] + stored
            start = page[0]["id"]
        assert len(stored) == len(set(stored))
        assert set(stored) >= set(seen) | set(acknowledged)
        contents = [packet["message"]["content"] for packet in client.received("message_new")]
        assert len(contents) == len(set(contents))


async def test_resume_checks_rights_anew(visit: Visitors) -> None:
    host, mod = await visit.login("host"), await visit.login("mod")
    guest = await visit.connect()
    await guest.register("trusted", password="secret words")
    await host.request("user_roles_set", user=user_id("trusted"), roles=["moderator", "user"])
    await mod.say("hello staff", "staff")
    await guest.expect("message_new", channel="staff")
    await guest.sync()
    session, seq = guest.session, guest.seq
    await guest.drop()
    await mod.say("while trusted", "staff")
    await host.request("user_roles_set", user=user_id("trusted"), roles=["user"])
    await mod.say("no longer trusted", "staff")
    await mod.say("for everybody")
    guest = await visit.connect()
    await guest.login("trusted", password="secret words")
    assert (await guest.resume(session, seq))["recovered"] is True
    await guest.expect("message_new", message={"content": "for everybody"})
    await guest.sync()
    assert 'trusted"' not in str(guest.received("message_new"))
    assert guest.received("message_new", channel="staff") == []
    lists = guest.received("channels_get")
    assert lists, "the channel list changed for it"
    assert all("staff" not in [channel["name"] for channel in packet["val"]] for packet in lists)


async def test_resume_that_cannot_be_complete_says_so(server: ServerProcess, visit: Visitors) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    for session, after in (("made up", ann.seq), (ben.session, ben.seq), (ann.session, 10**15)):
        other = await visit.login("ann")
        before = len(other.events)
        resumed = await other.resume(session, after)
        assert resumed["recovered"] is False
        assert resumed["reason"]
        assert isinstance(resumed["seq"], int)
        between = [packet for packet in durable(other) if other.events.index(packet) >= before]
        assert between == [], "all or nothing"
        await other.say("and it works all the same")


async def test_resume_twice_and_on_a_live_session(visit: Visitors) -> None:
    ann, phone = await visit.login("ann"), await visit.login("ben")
    session, seq = phone.session, phone.seq
    other = await visit.login("ben")
    assert (await other.resume(session, seq))["recovered"] is True
    await phone.closed()
    message = await ann.say("to the one that is left")
    await other.expect("message_new", message={"id": message["id"]})
    assert (await other.resume(session, other.seq))["recovered"] is True
    await other.sync()
    assert len(other.received("message_new", message={"id": message["id"]})) == 1


async def test_sessions_list_and_session_end(visit: Visitors) -> None:
    phone, desk = await visit.login("cleo"), await visit.login("cleo")
    listed = (await desk.request("sessions_list"))["sessions"]
    assert len([entry for entry in listed if entry["connected"]]) == 2
    assert [entry["current"] for entry in listed].count(True) == 1
    assert phone.session not in str(listed), "the secret is not listed"
    assert desk.session not in str(listed)
    other = next(entry for entry in listed if entry["connected"] and not entry["current"])
    await desk.request("session_end", id=other["id"])
    async with asyncio.timeout(DEADLINE_S):
        await phone.expect("disconnect")
        await phone.closed()
    again = await visit.login("cleo")
    assert (await again.resume(phone.session, phone.seq))["recovered"] is False
    await desk.refused("session_end", id=other["id"])
    stranger = await visit.login("ben")
    mine = next(e for e in (await desk.request("sessions_list"))["sessions"] if e["current"])
    await stranger.refused("session_end", id=mine["id"])


async def test_session_end_of_a_token_and_access_token_end(visit: Visitors) -> None:
    """A lost phone is logged out from the desk; a tablet that was offline when its user logged out does it later."""
    desk = await visit.login("ann")
    phone, tablet = await visit.connect("phone"), await visit.connect("tablet")
    tokens = [
        await desk.request("access_token_create", username="ann", device=device) for device in ("phone", "tablet")
    ]
    for device, made in zip((phone, tablet), tokens, strict=True):
        await device.request("guest_login", username="ann", token=made["token"])
    await desk.request("session_end", id=tokens[0]["id"])
    assert (await phone.expect("disconnect"))["reason"] == "Session ended"
    stranger = await visit.connect("stranger")
    assert (await stranger.ask("access_token_end", token=tokens[1]["token"]))["ended"] is True
    assert (await tablet.expect("disconnect"))["reason"] == "Session ended"
    for made in tokens:
        assert (await stranger.ask("guest_login", username="ann", token=made["token"]))["code"] == "invalid_token"
    assert (await desk.request("ping"))["cmd"] == "pong"


async def test_resume_replays_channel_and_role_changes(visit: Visitors) -> None:
    host, ann = await visit.login("host"), await visit.login("ann")
    await ann.sync()
    session, seq = ann.session, ann.seq
    await ann.drop()
    await host.request("channel_create", name="while-away", type="text", permissions=EVERYBODY)
    await host.request("role_create", name="newrole")
    await host.request("user_roles_add", user=user_id("ben"), roles=["newrole"])
    thread = (await host.request("thread_create", channel="ideas", name="while away"))["thread"]
    ann = await visit.login("ann")
    assert (await ann.resume(session, seq))["recovered"] is True
    channels = ann.received("channels_get")[-1]["val"]
    assert "while-away" in [channel["name"] for channel in channels]
    assert "newrole" in ann.received("roles_list")[-1]["roles"]
    assert ann.received("user_roles_get", user=user_id("ben"))[-1]["roles"] == ["user", "newrole"]
    assert ann.received("thread_create", thread={"id": thread["id"]})
    await host.request("channel_delete", name="while-away")
    await host.request("role_delete", name="newrole")


async def test_nonce_makes_a_resend_harmless(visit: Visitors) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    first = await ann.request("message_new", channel="general", content="once", nonce="n1")
    assert first["nonce"] == "n1"
    again = await ann.request("message_new", channel="general", content="once", nonce="n1")
    assert again["message"]["id"] == first["message"]["id"]
    await ben.expect("message_new", message={"id": first["message"]["id"]})
    await ben.sync()
    assert len(ben.received("message_new", message={"content": "once"})) == 1
    other = await ben.request("message_new", channel="general", content="another person's", nonce="n1")
    assert other["message"]["id"] != first["message"]["id"]
