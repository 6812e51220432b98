"""A picture goes from one client to another over real sockets, and ends with its message."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
import requests

from tests.support.client import ChatClient, Visitors
from tests.support.pictures import picture
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio

CONFIG = {"attachments": {"max_size": 1_000_000}}


async def http(method: str, url: str, **more: Any) -> requests.Response:
    return await asyncio.to_thread(requests.request, method, url, timeout=30, **more)


async def upload(server: ServerProcess, client: ChatClient, data: bytes, **fields: Any) -> requests.Response:
    """As the web client uploads."""
    body = {
        "validator_key": client.handshake["val"]["validator_key"],
        "validator": client.ready["validator"],
        "file": "data:image/png;base64," + base64.b64encode(data).decode(),
        "name": "cat.png",
        "mime_type": "image/png",
        "channel": "general",
        **fields,
    }
    return await http("POST", f"{server.http_url}/attachments/upload", json=body)


def here(server: ServerProcess, url: str) -> str:
    """The same path where the server of this test listens."""
    return server.http_url + url[url.index("/attachments/") :]


async def test_attachment_get_message_new_and_message_delete(server: ServerProcess, visit: Visitors) -> None:
    ann, ben, mod = await visit.login("ann"), await visit.login("ben"), await visit.login("mod")
    told = ann.handshake["val"]
    assert "attachment_upload" in told["capabilities"]
    assert told["attachments"] == {
        "enabled": True, "max_size": 1_000_000, "allowed_types": ["image/*", "video/*", "audio/*", "application/pdf"],
        "max_attachments_per_user": -1, "permanent_tiers": ["pro", "max"],
    }  # fmt: skip

    answer = await upload(server, ann, picture(size=(40, 30)))
    assert answer.status_code == 201
    kept = answer.json()["attachment"]
    assert answer.json()["permanent"] is False
    assert {name: kept[name] for name in ("name", "mime_type", "permanent", "width", "height")} == {
        "name": "cat.png", "mime_type": "image/png", "permanent": False, "width": 40, "height": 30,
    }  # fmt: skip
    assert kept["url"].startswith("http://")
    assert kept["expires_at"] > ann.seq
    assert (await ben.request("attachment_get", attachment_id=kept["id"]))["attachment"] == kept

    sent = await ann.request("message_new", channel="general", content="", attachments=[{"id": kept["id"]}])
    heard = await ben.expect("message_new", message={"id": sent["message"]["id"]})
    assert heard["message"]["attachments"] == [kept]
    fetched = await http("GET", here(server, kept["url"]))
    assert (fetched.status_code, len(fetched.content)) == (200, kept["size"])

    secret = await upload(server, mod, picture("blue"), channel="staff")
    hidden = await mod.request(
        "message_new", channel="staff", content="", attachments=[{"id": secret.json()["attachment"]["id"]}]
    )
    await ben.sync()
    assert ben.received("message_new", message={"id": hidden["message"]["id"]}) == []
    assert (await upload(server, ben, picture(), channel="staff")).status_code == 404
    assert (await ben.refused("attachment_delete", attachment_id=kept["id"]))["code"] == "not_permitted"
    stolen = await ben.refused("message_new", channel="general", content="", attachments=[{"id": kept["id"]}])
    assert "do not have permission" in stolen["val"]

    await ann.request("message_delete", channel="general", id=sent["message"]["id"])
    await ben.expect("message_delete", id=sent["message"]["id"])
    assert (await http("GET", here(server, kept["url"]))).status_code == 404
    gone = await ann.refused("message_new", channel="general", content="", attachments=[{"id": kept["id"]}])
    assert gone["val"] == "Attachment not found or expired"


async def test_attachment_delete_and_refusals_that_clients_read(server: ServerProcess, visit: Visitors) -> None:
    ann = await visit.login("ann")
    kept = (await upload(server, ann, picture("green"))).json()["attachment"]
    deleted = await ann.request("attachment_delete", attachment_id=kept["id"])
    assert (deleted["cmd"], deleted["attachment_id"], deleted["deleted"]) == ("attachment_deleted", kept["id"], True)
    large = await upload(server, ann, bytes(1_000_001))
    assert (large.status_code, large.json()["error"]) == (413, "File too large (max 1000000 bytes)")
    script = await upload(server, ann, b"<script>", name="x.html", mime_type="text/html")
    assert script.status_code == 415
    assert (await upload(server, ann, picture(), validator="nobody", validator_key="of nobody")).status_code == 401


async def test_uploads_outlive_a_restart(server: ServerProcess, visit: Visitors) -> None:
    ann = await visit.login("ann")
    kept = (await upload(server, ann, picture("black"))).json()["attachment"]
    await ann.request("message_new", channel="general", content="look", attachments=[{"id": kept["id"]}])
    await server.kill()
    await server.start()
    answer = await http("GET", here(server, kept["url"]), headers={"Range": "bytes=0-3"})
    assert (answer.status_code, answer.content) == (206, b"\x89PNG")
    ben = await visit.login("ben")
    page = await ben.request("messages_get", channel="general")
    assert page["messages"][-1]["attachments"][0]["id"] == kept["id"]
