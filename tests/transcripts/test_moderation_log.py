"""Moderators look up what was done; a file edited by hand is in it once; an owner fetches and erases a member."""

from __future__ import annotations

import asyncio
import io
import json
import urllib.error
import urllib.request
import zipfile

import pytest

from tests.support.client import Visitors
from tests.support.community import edit, user_id
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio


async def get(url: str) -> tuple[int, bytes]:
    def ask() -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    return await asyncio.to_thread(ask)


async def test_the_log_of_a_day(visit: Visitors, server: ServerProcess) -> None:
    host, ben = await visit.login("host"), await visit.login("ben")
    await host.request("user_timeout", user=user_id("ben"), timeout=60)
    await host.request("user_timeout", user=user_id("ben"), timeout=0)
    message = await ben.say("rude words")
    await host.request("message_delete", id=message["id"], channel="general")
    told = await host.expect("modlog_new", count=1)
    assert [entry["action"] for entry in told["entries"]] == ["user_timeout"]
    while told["entries"][0]["action"] != "message_delete":
        told = await host.expect("modlog_new")
    assert "seq" not in told
    assert told["entries"][0] == (await host.request("modlog_get", limit=1))["entries"][0]
    await ben.sync()
    assert ben.received("modlog_new") == []
    page = await host.request("modlog_get", limit=2)
    assert (page["offset"], page["limit"]) == (0, 2)
    assert page["total"] >= 3
    deleted, lifted = page["entries"]
    assert deleted["id"] != lifted["id"]
    assert deleted["timestamp"] >= lifted["timestamp"]
    assert (deleted["action"], deleted["category"]) == ("message_delete", "message_moderation")
    assert (deleted["actor_id"], deleted["actor_name"]) == (user_id("host"), user_id("host"))
    assert (deleted["target_id"], deleted["target_name"]) == (message["id"], user_id("ben"))
    assert deleted["details"] == {"channel": "general", "author": user_id("ben")}
    assert (lifted["action"], lifted["target_id"], lifted["details"], lifted["before"]) == (
        "user_timeout",
        user_id("ben"),
        {"timeout": 0},
        {"timeout": 60},
    )
    summary = await host.request("modlog_summary")
    assert summary["action_counts"]["user_moderation.user_timeout"] == 2
    assert summary["category_totals"]["message_moderation"] == 1
    assert summary["total"] == page["total"]
    refused = await ben.refused("modlog_get")
    assert refused["val"] == "Access denied: 'view_audit_log' or 'manage_users' permission required"
    assert (await ben.refused("modlog_summary"))["code"] == refused["code"]

    edit(server.folder / "db" / "users.json", lambda users: users[user_id("ben")].update(roles=["moderator", "user"]))
    await ben.expect("user_roles_get", user=user_id("ben"))
    (entry,) = (await host.request("modlog_get", target=user_id("ben"), action="user_roles_set"))["entries"]
    assert (entry["actor_id"], entry["actor_name"]) == ("", "on disk")
    assert (entry["details"], entry["before"]) == ({"roles": ["moderator", "user"]}, {"roles": ["user"]})


async def test_a_member_is_fetched_and_erased(visit: Visitors, server: ServerProcess) -> None:
    host, cleo, ann = await visit.login("host"), await visit.login("cleo"), await visit.login("ann")
    await ann.say("the words of ann")
    link = await ann.request("user_export")
    assert link["user"] == user_id("ann")
    assert link["expires_at"] > 0
    status, body = await get(server.http_url + link["url"])
    assert status == 200
    status, refusal = await get(server.http_url + link["url"])
    assert (status, json.loads(refusal)) == (404, {"error": "Not found"})
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        lines = archive.read("messages.jsonl").splitlines()
        assert "the words of ann" in [json.loads(line)["content"] for line in lines]

    private = await ann.request("direct_message", user=user_id("cleo"), content="between us")
    gone = await host.request("user_delete", user=user_id("ann"), erase=True)
    assert (gone["user"], gone["deleted"], gone["erasing"]) == (user_id("ann"), True, True)
    await cleo.expect("user_leave", username=user_id("ann"))
    await cleo.expect("message_delete", channel=private["channel"], id=private["message"]["id"])
    await host.expect("message_delete", channel="general")
    await host.sync()
    assert not host.received("message_delete", channel=private["channel"])
    shown = (await host.request("messages_get", channel="general"))["messages"]
    assert user_id("ann") not in {message["user"] for message in shown}
