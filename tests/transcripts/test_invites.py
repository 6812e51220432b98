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
    info = await asyncio.to_thread(requests.get, f"{server.http_url}/info", timeout=10)
    assert info.json()["registration"] == "invite"
    made = (await host.request("invite_create", max_uses=1, expires_in_s=3600, roles=["moderator"]))["invite"]
    assert len(made["code"]) >= 10
    url = f"{server.http_url}/invites/{made['code']}"
    card = (await asyncio.to_thread(requests.get, url, timeout=10)).json()
    assert (card["valid"], card["inviter"], card["server"]["name"]) == (True, "host", "Test community")

    with pytest.raises(Refusal) as refused:
        await (await visit.connect()).register("zoe")
    assert refused.value.packet["code"] == "invite_required"
    zoe = await (await visit.connect()).register("zoe", invite=made["code"])
    assert zoe.ready["user"]["roles"] == ["moderator", "user"]
    await ann.expect("user_join", user={"username": user_id("zoe")})
    with pytest.raises(Refusal) as refused:
        await (await visit.connect()).register("yann", invite=made["code"])
    assert refused.value.packet["code"] == "invite_expired"

    (listed,) = (await host.request("invites_list"))["invites"]
    assert (listed["uses"], listed["valid"]) == (1, False)
    await host.request("invite_delete", code=made["code"])
    assert (await asyncio.to_thread(requests.get, url, timeout=10)).status_code == 404
