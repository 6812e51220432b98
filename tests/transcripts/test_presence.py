"""Who is here, in which mood, under which name, and who is told."""

from __future__ import annotations

import pytest

from tests.support.client import Packet, Visitors
from tests.support.community import user_id

pytestmark = pytest.mark.anyio


def entry(packet: Packet, name: str) -> Packet:
    found: Packet = next(user for user in packet["users"] if user["username"] == user_id(name))
    return found


async def test_status_set_reaches_the_others(visit: Visitors) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    reply = await ann.request("status_set", status="dnd", text="baking")
    assert reply["cmd"] == "status_get"
    assert reply["status"] == {"status": "dnd", "text": "baking"}
    await ben.expect("status_get", username=user_id("ann"), status={"status": "dnd", "text": "baking"})
    assert entry(await ben.request("users_list"), "ann")["status"]["status"] == "dnd"
    asked = await ben.request("status_get", user=user_id("ann"))
    assert asked["status"] == {"status": "dnd", "text": "baking"}
    await ann.request("status_set", status="online")
    for bad in ({"status": "sleeping"}, {}, {"status": "idle", "text": "x" * 101}):
        await ann.refused("status_set", **bad)


async def test_status_invisible_looks_like_being_away(visit: Visitors) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    await ann.request("status_set", status="invisible", text="shh")
    await ben.expect("user_disconnect", username=user_id("ann"))
    assert entry(await ben.request("users_list"), "ann")["status"]["status"] == "offline"
    assert user_id("ann") not in [user["username"] for user in (await ben.request("users_online"))["users"]]
    assert (await ben.request("status_get", user=user_id("ann")))["status"]["status"] == "offline"

    second = await visit.login("ann")
    await second.close()
    await ann.sync()
    await ben.sync()
    assert len(ben.received("user_connect", user={"username": user_id("ann")})) <= 1, "not announced while invisible"
    assert len(ben.received("user_disconnect", username=user_id("ann"))) == 1
    assert "invisible" not in str(ben.events)

    ben.forget()
    await ann.request("status_set", status="online", text="")
    await ben.expect("user_connect", user={"username": user_id("ann")})
    await ben.expect("status_get", username=user_id("ann"), status={"status": "online"})


async def test_status_survives_reconnecting(visit: Visitors) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    await ann.request("status_set", status="idle", text="")
    await ann.close()
    await ben.expect("user_disconnect", username=user_id("ann"))
    assert entry(await ben.request("users_list"), "ann")["status"]["status"] == "offline"
    ben.forget()
    again = await visit.login("ann")
    assert again.ready["user"]["status"]["status"] == "idle"
    await ben.expect("user_connect", user={"username": user_id("ann")})
    await ben.expect("status_get", username=user_id("ann"), status={"status": "idle"})
    await again.request("status_set", status="online")


async def test_users_online_names_a_user_once(visit: Visitors) -> None:
    devices = [await visit.login("cleo") for _ in range(3)]
    online = (await devices[0].request("users_online"))["users"]
    assert [user["username"] for user in online].count(user_id("cleo")) == 1


async def test_user_update_renames_and_nicknames(visit: Visitors) -> None:
    host, ben, cleo = await visit.login("host"), await visit.login("ben"), await visit.login("cleo")
    await ben.refused("user_update", user=user_id("cleo"), updates={"nickname": "Ha"})
    reply = await host.request("user_update", user=user_id("cleo"), updates={"nickname": "Cleopatra"})
    assert reply["nickname"] == "Cleopatra"
    await ben.expect("user_updated", username=user_id("cleo"), nickname="Cleopatra")
    await ben.expect("user_update", user=user_id("cleo"), nickname="Cleopatra")
    assert entry(await ben.request("users_list"), "cleo")["nickname"] == "Cleopatra"
    taken = await host.refused("user_update", user=user_id("cleo"), updates={"username": user_id("ben")})
    assert taken["val"]
    await host.refused("user_update", user=user_id("cleo"), updates={"roles": ["owner"]})
    await host.refused("user_update", user=user_id("cleo"), updates={})
    await host.request("user_update", user=user_id("cleo"), updates={"nickname": None})
    assert entry(await ben.request("users_list"), "cleo")["nickname"] is None
    await cleo.sync()


async def test_server_info_and_update(visit: Visitors) -> None:
    host, ann = await visit.login("host"), await visit.login("ann")
    assert (await ann.request("server_info"))["name"] == "Test community"
    await ann.refused("server_update", name="Mine")
    await host.request("server_update", name="Renamed")
    await ann.expect("server_update", name="Renamed")
    fresh = await visit.connect()
    assert fresh.handshake["val"]["server"]["name"] == "Renamed"
    await host.request("server_update", name="Test community")


async def test_ping(visit: Visitors) -> None:
    ann = await visit.login("ann")
    assert (await ann.request("ping"))["val"] == "pong"


async def test_user_leave_ends_it(visit: Visitors) -> None:
    ann = await visit.login("ann")
    guest, other = await visit.connect(), await visit.connect()
    await guest.register("leaver", password="secret words")
    await other.login("leaver", password="secret words")
    await guest.request("user_leave")
    await ann.expect("user_leave", username=user_id("leaver"))
    await guest.closed()
    await other.closed()
    assert user_id("leaver") not in str(await ann.request("users_list"))
