"""A manager makes a webhook, programs post through it, the channel hears them, and a leaked token is worth nothing."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from typing import Any

import pytest
import requests

from tests.support.client import Visitors
from tests.support.community import user_id
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio

CONFIG = {"webhooks": {"messages_per_minute": 10}}
EVERYBODY = {"view": ["user"], "send": ["user"]}
CHANNELS = [
    {"name": "general", "type": "text", "permissions": EVERYBODY},
    {"name": "staff", "type": "text", "permissions": {"view": ["moderator"], "send": ["moderator"]}},
]


async def post(server: ServerProcess, token: str, body: Any, **headers: str) -> requests.Response:
    """headers: names with `_` for `-`."""
    raw = json.dumps(body).encode()
    given = {"Content-Type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
    url = f"http://127.0.0.1:{server.port}/webhooks?token={token}"
    return await asyncio.to_thread(requests.post, url, data=raw, headers=given, timeout=30)


async def test_webhook_create_and_what_comes_through_it(server: ServerProcess, visit: Visitors) -> None:
    host, ann, mod = await visit.login("host"), await visit.login("ann"), await visit.login("mod")
    webhook = (await host.request("webhook_create", channel="staff", name="Build", avatar=None))["webhook"]
    embed = {"title": "Build 7", "color": 255, "fields": [{"name": "took", "value": "3 s"}]}
    answer = await post(
        server, webhook["token"],
        {"content": "All is well", "username": "Builder", "avatar_url": "https://a.example/b.png", "embeds": [embed]},
    )  # fmt: skip
    assert (answer.status_code, answer.content) == (204, b"")
    heard = await mod.expect("message_new", channel="staff")
    message = heard["message"]
    assert {key: message[key] for key in ("user", "content", "type", "pinned", "interaction", "embeds")} == {
        "user": "originChats", "content": "All is well", "type": "message", "pinned": False, "interaction": None,
        "embeds": [embed],
    }  # fmt: skip
    assert message["webhook"] == {"id": webhook["id"], "name": "Builder", "avatar": "https://a.example/b.png"}
    assert (heard["thread_id"], heard["global"]) == (None, True)
    await ann.sync()
    assert ann.received("message_new") == []
    page = await mod.request("messages_get", channel="staff")
    assert page["messages"][-1]["webhook"] == message["webhook"]


async def test_webhook_get_webhook_list_and_webhook_update_as_the_client_reads_them(visit: Visitors) -> None:
    host, mod, ann = await visit.login("host"), await visit.login("mod"), await visit.login("ann")
    made = (await host.request("webhook_create", channel="staff", name=" Night ", avatar=None))["webhook"]
    assert made == {
        "id": made["id"], "channel": "staff", "name": "Night", "avatar": None, "created_by": user_id("host"),
        "created_at": made["created_at"], "token": made["token"],
    }  # fmt: skip
    assert len(made["token"]) == 68
    shown = {key: value for key, value in made.items() if key != "token"}
    assert (await host.request("webhook_get", id=made["id"]))["webhook"] == shown
    changed = (await host.request("webhook_update", id=made["id"], avatar="https://a.example/n.png"))["webhook"]
    assert changed == {**made, "avatar": "https://a.example/n.png"}, "with its token, which the client keeps"
    renewed = (await host.request("webhook_regenerate", id=made["id"]))["webhook"]
    assert renewed == {**changed, "token": renewed["token"]} != changed
    assert renewed in (await host.request("webhook_list"))["webhooks"]
    assert (await host.request("webhook_list", channel="general"))["webhooks"] == []
    for client in (mod, ann):
        assert (await client.refused("webhook_get", id=made["id"]))["code"] == "permission_required"
        assert [packet for packet in client.events if "webhook" in packet["cmd"]] == []
    await host.request("webhook_delete", id=made["id"])


async def test_a_signed_push_is_one_embed_and_a_forged_one_is_refused(server: ServerProcess, visit: Visitors) -> None:
    host, ann = await visit.login("host"), await visit.login("ann")
    token = (await host.request("webhook_create", channel="general", name="Repository"))["webhook"]["token"]
    body = {
        "ref": "refs/heads/main", "repository": {"full_name": "ann/tea", "html_url": "https://github.com/ann/tea"},
        "sender": {"login": "ann"}, "commits": [{"id": "0" * 40, "message": "Boil", "url": "https://github.com/x"}],
    }  # fmt: skip
    proof = hmac.new(token.encode(), json.dumps(body).encode(), hashlib.sha256).hexdigest()
    headers = {"X_GitHub_Event": "push", "X_GitHub_Delivery": "d1"}
    assert (await post(server, token, body, **headers, X_Hub_Signature_256="sha256=0")).status_code == 401
    for _ in range(2):
        answer = await post(server, token, body, **headers, X_Hub_Signature_256=f"sha256={proof}")
        assert answer.status_code == 204
    assert (await post(server, token, {"zen": "x"}, X_GitHub_Event="ping")).status_code == 204
    heard = await ann.expect("message_new", channel="general")
    assert heard["message"]["webhook"]["name"] == "GitHub"
    assert heard["message"]["embeds"][0]["title"] == "main: 1 commit"
    await ann.sync()
    assert len(ann.received("message_new")) == 1, "the same delivery is posted once"


async def test_webhook_regenerate_webhook_delete_and_a_restart(server: ServerProcess, visit: Visitors) -> None:
    host, ann = await visit.login("host"), await visit.login("ann")
    webhook = (await host.request("webhook_create", channel="general", name="Leaky"))["webhook"]
    renewed = (await host.request("webhook_regenerate", id=webhook["id"]))["webhook"]
    answer = await post(server, webhook["token"], {"content": "I have the old token"})
    assert (answer.status_code, list(answer.json())) == (401, ["error"])
    changed = (await host.request("webhook_update", id=webhook["id"], name="Tight"))["webhook"]
    assert (changed["token"], changed["name"]) == (renewed["token"], "Tight")
    await server.restart()

    host, ann = await visit.login("host"), await visit.login("ann")
    listed = (await host.request("webhook_list", channel="general"))["webhooks"]
    assert changed in listed
    assert (await post(server, renewed["token"], {"content": "I have the new one"})).status_code == 204
    await ann.expect("message_new", channel="general", message={"content": "I have the new one"})
    gone = await host.request("webhook_delete", id=webhook["id"])
    assert (gone["cmd"], gone["id"], gone["deleted"]) == ("webhook_delete", webhook["id"], True)
    assert (await post(server, renewed["token"], {"content": "too late"})).status_code == 401
    for text in (webhook["token"], renewed["token"]):
        assert text not in server.text(), "no token in the log"


async def test_webhooks_are_not_for_members_and_not_without_measure(server: ServerProcess, visit: Visitors) -> None:
    host, ann = await visit.login("host"), await visit.login("ann")
    webhook = (await host.request("webhook_create", channel="general", name="Chatty"))["webhook"]
    for cmd in ("webhook_get", "webhook_update", "webhook_delete", "webhook_regenerate"):
        assert (await ann.refused(cmd, id=webhook["id"], name="x"))["code"] == "permission_required"
    assert (await ann.refused("webhook_list"))["code"] == "permission_required"
    answers = [await post(server, webhook["token"], {"content": str(number)}) for number in range(11)]
    assert [answer.status_code for answer in answers] == [204] * 10 + [429]
    assert 0 < float(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].json()["retry_after"] > 0
    await ann.expect("message_new", message={"content": "9"})


async def test_push_get_vapid_push_subscribe_push_unsubscribe(server: ServerProcess, visit: Visitors) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    vapid = await ann.request("push_get_vapid")
    key = vapid["key"]
    assert (vapid["cmd"], len(key)) == ("push_vapid", 87)
    assert (await ben.request("push_get_vapid"))["key"] == key
    subscription = {
        "endpoint": "https://push.example.org/send/1",
        "keys": {"p256dh": key, "auth": "tBHItJI5svbpez7KI4CCXg"},
        "expirationTime": None,
    }
    told = await ann.request("push_subscribe", subscription=subscription, vapid_public_key=key)
    assert (told["cmd"], told["success"]) == ("push_subscribed", True)
    inside = {**subscription, "endpoint": "https://169.254.169.254/latest/meta-data"}
    assert (await ann.refused("push_subscribe", subscription=inside))["code"] == "bad_value"
    assert (await ben.request("push_unsubscribe", endpoint=subscription["endpoint"]))["success"] is True
    told = await ann.request("push_unsubscribe", endpoint=subscription["endpoint"])
    assert (told["cmd"], told["success"]) == ("push_unsubscribed", True)
    assert (await ben.request("message_new", channel="general", content=f"@{user_id('ann')}"))["cmd"] == "message_new"
