"""An owner closes the door, hands out an invitation, and somebody comes in by it, with the role that it brings."""

from __future__ import annotations

import asyncio

import pytest
import requests

from tests.support.client import Refusal, Visitors
from tests.support.community import user_id
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio
CONFIG = {"registration": "invite"}


async def test_invite_create_to_coming_in(server: ServerProcess, visit: Visitors) -> None:
    host, ann = await visit.login("host"), await visit.login("ann")
    info = await asyncio.to_thread(requests.get, f"{server.http_url}/info", timeout=30)
    assert info.json()["registration"] == "invite"
    made = (await host.request("invite_create", max_uses=1, expires_in_s=3600, roles=["moderator"]))["invite"]
    assert len(made["code"]) >= 10
    assert made == {
        "code": made["code"], "created_by": user_id("host"), "created_at": made["created_at"],
        "expires_at": made["created_at"] + 3600, "max_uses": 1, "uses": 0, "note": "", "roles": ["moderator"],
        "valid": True,
    }  # fmt: skip
    url = f"{server.http_url}/invites/{made['code']}"
    card = (await asyncio.to_thread(requests.get, url, timeout=30)).json()
    assert (card["valid"], card["inviter"], card["server"]["name"]) == (True, "host", "Test community")
    assert card["expires_at"] == made["expires_at"]
    own = (await ann.request("invite_create", note="for a friend"))["invite"]
    assert (await ann.request("invites_list"))["invites"] == [own], "not that of the host"
    assert (await ann.refused("invite_delete", code=made["code"]))["code"] == "invite_not_found"
    assert (await host.request("invites_list"))["invites"] == [made, own]
    # who lists it is told of it; of that of the host, ann is not
    assert (await host.expect("invite_create", invite={"code": own["code"]}))["invite"] == own
    assert [packet["invite"] for packet in ann.received("invite_create")] == [own]

    with pytest.raises(Refusal) as refused:
        await (await visit.connect()).register("zoe")
    assert refused.value.packet["code"] == "invite_required"
    zoe = await (await visit.connect()).register("zoe", invite=made["code"])
    assert zoe.ready["user"]["roles"] == ["moderator", "user"]
    await ann.expect("user_join", user={"username": user_id("zoe")})
    used = await host.expect("invite_update", invite={"code": made["code"]})
    assert (used["invite"]["uses"], used["invite"]["valid"], "seq" in used) == (1, False, False)
    with pytest.raises(Refusal) as refused:
        await (await visit.connect()).register("yann", invite=made["code"])
    assert refused.value.packet["code"] == "invite_expired"

    listed = (await host.request("invites_list"))["invites"][0]
    assert listed == {**made, "uses": 1, "valid": False}
    gone = await host.request("invite_delete", code=made["code"])
    assert (gone["code"], gone["deleted"]) == (made["code"], True)
    assert made["code"] not in str(ann.events), "nobody else is told of a code"
    await host.request("invite_delete", code=own["code"])
    assert (await ann.expect("invite_delete"))["code"] == own["code"]
    assert (await asyncio.to_thread(requests.get, url, timeout=30)).status_code == 404
