"""Two people call each other; who looks on sees them without learning how to call them, who cannot see the channel
nothing at all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.client import ChatClient, Visitors
from tests.support.community import EVERYBODY, MODERATORS, user_id
from tests.support.mirror import Mirror, fetch

pytestmark = pytest.mark.anyio

CHANNELS: list[dict[str, Any]] = [
    {"type": "text", "name": "general", "permissions": EVERYBODY},
    {"type": "voice", "name": "lounge", "permissions": MODERATORS},
    {"type": "voice", "name": "stage", "permissions": EVERYBODY},
]


async def listed(client: ChatClient, channel: str) -> list[dict[str, Any]]:
    found = (await client.request("channels_get"))["val"]
    state: list[dict[str, Any]] = next(each["voice_state"] for each in found if each["name"] == channel)
    return state


async def caught_up(client: ChatClient, mirror: Mirror) -> Mirror:
    """With all that the client has heard, which is forgotten."""
    await client.sync()
    for packet in client.events:
        mirror.apply(packet)
    client.forget()
    return mirror


async def test_voice_between_two_with_somebody_who_looks_on_and_somebody_outside(visit: Visitors) -> None:
    host, mod, ann = await visit.login("host"), await visit.login("mod"), await visit.login("ann")
    watching = await visit.login("host")
    mirror = await fetch(watching)
    watching.forget()
    first = await host.request("voice_join", channel="lounge", peer_id="peer-host")
    assert (first["channel"], first["participants"]) == ("lounge", [])
    second = await mod.request("voice_join", channel="lounge", peer_id="peer-mod")
    assert second["participants"] == [{"username": user_id("host"), "peer_id": "peer-host", "muted": False}]
    called = await host.expect("voice_user_joined", channel="lounge", user={"username": user_id("mod")})
    assert called["user"] == {
        "id": user_id("mod"), "username": user_id("mod"), "muted": False, "peer_id": "peer-mod",
    }  # fmt: skip
    own = await mod.expect("voice_user_joined", user={"username": user_id("mod"), "peer_id": "peer-mod"})
    assert mod.events.index(own) < mod.events.index(second), "the joiner hears of itself before its answer"

    await mod.request("voice_mute")
    muted = await host.expect("voice_user_updated", channel="lounge", user={"username": user_id("mod")})
    assert (muted["user"]["muted"], muted["user"]["peer_id"]) == (True, "peer-mod")
    both = [{"username": user_id("host"), "muted": False}, {"username": user_id("mod"), "muted": True}]
    assert await listed(watching, "lounge") == both
    state = await watching.request("voice_state", channel="lounge")
    assert [sorted(each) for each in state["participants"]] == [["id", "muted", "username"]] * 2
    inside = await host.request("voice_state", channel="lounge")
    assert [each["peer_id"] for each in inside["participants"]] == ["peer-host", "peer-mod"]
    assert (await caught_up(watching, mirror)).voice == (await fetch(watching)).voice == {"lounge": both, "stage": []}
    assert "peer-" not in str(watching.events)

    await mod.request("voice_unmute")
    await mod.drop()
    left = await host.expect("voice_user_left", channel="lounge")
    assert left["username"] == user_id("mod")
    await host.request("voice_leave")
    await watching.expect("voice_user_left", username=user_id("host"))
    assert (await caught_up(watching, mirror)).voice == {"lounge": [], "stage": []}

    assert (await ann.refused("voice_join", channel="lounge", peer_id="p"))["code"] == "channel_not_found"
    await ann.sync()
    assert [packet for packet in ann.events if packet["cmd"].startswith("voice_")] == []
    assert "lounge" not in str(ann.events)


async def test_voice_signal_reaches_one_peer_and_pictures_every_viewer(visit: Visitors) -> None:
    ann, ben, mod, host = [await visit.login(name) for name in ("ann", "ben", "mod", "host")]
    url = "https://example.org/ann.png"
    await ann.request("pfp_set", url=url)
    await ben.request("voice_join", channel="stage", peer_id="peer-ben")
    await mod.request("voice_join", channel="stage", peer_id="peer-mod")
    await ann.request("voice_join", channel="stage", peer_id="peer-ann")
    for client, shown in ((ben, {"peer_id": "peer-ann"}), (host, {})):
        joined = await client.expect("voice_user_joined", user={"username": user_id("ann")})
        assert joined["user"] == {
            "id": user_id("ann"), "username": user_id("ann"), "muted": False, "pfp": url, **shown,
        }  # fmt: skip
    assert (await listed(host, "stage"))[-1] == {"username": user_id("ann"), "muted": False, "pfp": url}
    phone = await visit.login("ben")
    moved = await phone.request("voice_join", channel="stage", peer_id="peer-phone")
    assert moved["participants"][-1] == {
        "username": user_id("ann"), "peer_id": "peer-ann", "muted": False, "pfp": url,
    }  # fmt: skip

    offer = '{"type": "offer", "sdp": "xyzzy"}'
    sent = await phone.request("voice_signal", peer_id="peer-ann", data=offer)
    assert (sent["channel"], sent["sent"]) == ("stage", True)
    heard = await ann.expect("voice_signal")
    assert {key: value for key, value in heard.items() if key != "cmd"} == {
        "channel": "stage", "username": user_id("ben"), "peer_id": "peer-phone", "data": offer,
    }  # fmt: skip
    assert (await host.refused("voice_signal", peer_id="peer-ann", data=offer))["code"] == "not_in_voice"
    assert (await ann.refused("voice_signal", peer_id="peer-ben", data=offer))["code"] == "peer_not_found"
    for client in (ben, mod, host):
        await client.sync()
        assert "xyzzy" not in str(client.events), "only who is called is told"
    await ann.request("pfp_set", url="")


async def test_voice_moves_with_the_user_and_ends_with_the_right(visit: Visitors) -> None:
    host, ann, ben = await visit.login("host"), await visit.login("ann"), await visit.login("ben")
    phone = await visit.login("ann")
    for client, peer_id in ((ben, "peer-ben"), (ann, "peer-ann"), (phone, "peer-phone")):
        await client.request("voice_join", channel="stage", peer_id=peer_id)
    await ben.expect("voice_user_joined", user={"peer_id": "peer-ann"})
    await ben.expect("voice_user_left", username=user_id("ann"))
    await ben.expect("voice_user_joined", user={"peer_id": "peer-phone"})
    await ann.close()
    assert (await ben.request("voice_state", channel="stage"))["participants"][1]["peer_id"] == "peer-phone"
    await host.request("user_roles_set", user=user_id("ann"), roles=["moderator"])
    await phone.expect("voice_user_left", channel="stage", username=user_id("ann"))
    await ben.expect("voice_user_left", username=user_id("ann"))
    assert (await phone.refused("voice_mute"))["code"] == "not_in_voice"
