"""Roles and channels change while people are connected, and everybody sees at once what the change means for them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.client import ChatClient, Visitors
from tests.support.community import EVERYBODY, user_id

pytestmark = pytest.mark.anyio


async def names(client: ChatClient) -> list[str]:
    return [channel["name"] for channel in (await client.request("channels_get"))["val"]]


def has(name: str):  # type: ignore[no-untyped-def]  # a small predicate
    return lambda packet: packet["cmd"] == "channels_get" and name in [channel["name"] for channel in packet["val"]]


def lacks(name: str):  # type: ignore[no-untyped-def]
    return lambda packet: packet["cmd"] == "channels_get" and name not in [channel["name"] for channel in packet["val"]]


async def test_channel_create_move_update_delete(visit: Visitors) -> None:
    host, ann = await visit.login("host"), await visit.login("ann")
    await ann.refused("channel_create", name="mine", type="text")
    created = await host.request("channel_create", name="plans", type="text", permissions=EVERYBODY, description="soon")
    assert created["created"] is True
    assert created["channel"]["name"] == "plans"
    await ann.expect_where(has("plans"), "the new channel")
    await host.expect_where(has("plans"), "the new channel")
    first = await ann.say("first!", "plans")

    moved = await host.request("channel_move", name="plans", position=0)
    assert moved["moved"] is True
    assert (await names(ann))[0] == "plans"

    updated = await host.request("channel_update", current_name="plans", updates={"name": "ideas2", "icon": None})
    assert updated["updated"] is True
    await ann.expect_where(has("ideas2"), "the renamed channel")
    page = await ann.request("messages_get", channel="ideas2")
    assert [message["id"] for message in page["messages"]] == [first["id"]], "history follows a rename"
    await ann.refused("messages_get", channel="plans")
    for bad in ({"name": "general"}, {"type": "cinema"}, {}, {"name": "../../x"}):
        await host.refused("channel_update", current_name="ideas2", updates=bad)

    await host.request("channel_delete", name="ideas2")
    await ann.expect_where(lacks("ideas2"), "the list without it")
    await host.request("channel_create", name="ideas2", type="text", permissions=EVERYBODY)
    assert (await ann.request("messages_get", channel="ideas2"))["messages"] == [], "a new channel inherits nothing"
    await host.request("channel_delete", name="ideas2")


@pytest.mark.parametrize("name", ["general", "../../x", "a/b", "", "x" * 300, " ", "a\nb"])
async def test_channel_create_refuses_bad_names(visit: Visitors, name: str) -> None:
    host = await visit.login("host")
    await host.refused("channel_create", name=name, type="text")


async def test_channel_rights_decide_live(visit: Visitors) -> None:
    host, ann, ben = await visit.login("host"), await visit.login("ann"), await visit.login("ben")
    await host.request("role_create", name="vip", color="#112233")
    rules = {**EVERYBODY, "view": ["vip"], "send": ["vip"]}
    await host.request("channel_create", name="lounge", type="text", permissions=rules)
    assert "lounge" not in await names(ann)
    await host.request("user_roles_add", user=user_id("ann"), roles=["vip"])
    await ann.expect_where(has("lounge"), "the channel that a new role opens")
    await ann.expect("user_roles_get", user=user_id("ann"))
    await ben.expect("user_roles_get", user=user_id("ann"))
    secret = await ann.say("only for vips", "lounge")
    await host.expect("message_new", message={"id": secret["id"]})

    await host.request("user_roles_remove", user=user_id("ann"), roles=["vip"])
    await ann.expect_where(lacks("lounge"), "the list without the channel")
    position = len(ann.events)
    await host.say("she is gone", "lounge")
    await ann.sync()
    assert "she is gone" not in str(ann.events[position:])
    await ann.refused("message_new", channel="lounge", content="still here?")
    await ben.sync()
    assert "lounge" not in str(ben.events)
    assert "vips" not in str(ben.events)
    await host.request("channel_delete", name="lounge")
    await host.request("role_delete", name="vip")


async def test_channel_denials_follow_role_order(visit: Visitors) -> None:
    host, ben = await visit.login("host"), await visit.login("ben")
    await host.request("role_create", name="guest")
    rules = {**EVERYBODY, "send": ["!guest", "user"]}
    await host.request("channel_create", name="porch", type="text", permissions=rules)
    await ben.say("may I?", "porch")
    await host.request("user_roles_set", user=user_id("ben"), roles=["guest", "user"])
    refusal = await ben.refused("message_new", channel="porch", content="and now?")
    assert "permission" in refusal["val"].lower()
    await host.request("user_roles_set", user=user_id("ben"), roles=["user", "guest"])
    await ben.say("the first role that is listed decides", "porch")
    await host.request("user_roles_set", user=user_id("ben"), roles=["user"])
    await host.request("channel_delete", name="porch")
    await host.request("role_delete", name="guest")


async def test_role_create_update_reorder_delete(visit: Visitors) -> None:
    host, ann = await visit.login("host"), await visit.login("ann")
    await ann.refused("role_create", name="boss", permissions=["administrator"])
    created = await host.request("role_create", name="baker", color="#aa5500", hoisted=True)
    assert created["name"] == "baker"
    event = await ann.expect("roles_list")
    assert event["roles"]["baker"]["color"] == "#aa5500"
    assert event["roles"]["baker"]["id"] == created["id"]
    await host.refused("role_create", name="baker")
    await host.request("role_update", name="baker", color=None)
    assert (await ann.request("roles_list"))["roles"]["baker"]["color"] is None

    await host.request("user_roles_add", user=user_id("ann"), roles=["baker"])
    await host.request("role_update", id=created["id"], name="pastry chef")
    roles = (await ann.request("user_roles_get", user=user_id("ann")))["roles"]
    assert roles == ["user", "pastry chef"], "a rename follows into the users"

    await host.request("role_permissions_set", name="pastry chef", permissions=["manage_channels"])
    reply = await ann.request("role_permissions_get", name="pastry chef")
    assert reply["permissions"] == ["manage_channels"]
    await ann.request("channel_create", name="kitchen", type="text", permissions=EVERYBODY)
    await ann.request("channel_delete", name="kitchen")

    order = list((await host.request("roles_list"))["roles"])
    await host.request("role_reorder", roles=order)
    await host.refused("role_reorder", roles=[*order, "nobody"])
    await host.request("role_delete", name="pastry chef")
    assert (await ann.request("user_roles_get", user=user_id("ann")))["roles"] == ["user"]
    for system in ("owner", "admin", "user"):
        await host.refused("role_delete", name=system)


async def test_roles_cannot_be_used_to_climb(visit: Visitors) -> None:
    host, ann, ben = await visit.login("host"), await visit.login("ann"), await visit.login("ben")
    await host.request("role_create", name="warden", permissions=["manage_roles", "manage_users"])
    order = [name for name in (await host.request("roles_list"))["roles"] if name not in ("warden", "user")]
    await host.request("role_reorder", roles=[*order, "warden", "user"])
    await host.request("user_roles_set", user=user_id("ann"), roles=["warden", "user"])
    climbs: list[tuple[str, dict[str, Any]]] = [
        ("user_roles_set", {"user": user_id("ann"), "roles": ["owner"]}),
        ("user_roles_add", {"user": user_id("ann"), "roles": ["admin"]}),
        ("user_roles_set", {"user": user_id("host"), "roles": ["user"]}),
        ("user_roles_remove", {"user": user_id("host"), "roles": ["owner"]}),
        ("role_create", {"name": "backdoor", "permissions": ["administrator"]}),
        ("role_permissions_set", {"name": "warden", "permissions": ["administrator"]}),
        ("role_permissions_set", {"name": "user", "permissions": ["administrator"]}),
        ("role_update", {"name": "owner", "color": "#000000"}),
        ("role_set", {"name": "warden", "data": {"position": 0}}),
        ("role_reorder", {"roles": ["warden", *order, "user"]}),
        ("role_delete", {"name": "moderator"}),
        ("user_ban", {"user": user_id("host")}),
        ("user_timeout", {"user": user_id("host"), "timeout": 60}),
        ("user_update", {"user": user_id("host"), "updates": {"nickname": "clown"}}),
        ("user_delete", {"user": user_id("host")}),
    ]
    for cmd, fields in climbs:
        await ann.refused(cmd, **fields)
    await ben.refused("user_roles_set", user=user_id("ben"), roles=["user", "moderator"])
    await host.refused("user_roles_set", user=user_id("host"), roles=["user"])
    await host.request("user_roles_set", user=user_id("ann"), roles=["user"])
    await host.request("role_delete", name="warden")


async def test_self_role_add_and_remove(visit: Visitors) -> None:
    host, ann, ben = await visit.login("host"), await visit.login("ann"), await visit.login("ben")
    await host.request("role_create", name="early bird", self_assignable=True, color="#ffcc00")
    listed = (await ann.request("self_roles_list"))["roles"]
    assert [(role["name"], role["assigned"]) for role in listed] == [("early bird", False)]
    added = await ann.request("self_role_add", role="early bird")
    assert added["roles"] == ["user", "early bird"]
    await ben.expect("user_roles_get", user=user_id("ann"), roles=["user", "early bird"])
    await ann.refused("self_role_add", role="early bird")
    await ann.refused("self_role_add", role="moderator")
    await ann.request("self_role_remove", role="early bird")
    await ann.refused("self_role_remove", role="early bird")
    for protected in ("owner", "admin", "moderator"):
        await host.refused("role_update", name=protected, self_assignable=True)
    await host.request("role_delete", name="early bird")
