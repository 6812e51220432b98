"""Channels that are not in the list: by an invitation, by their password, or not at all."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.support.chromium import Visits, assert_accessible, log_in
from tests.support.client import ChatClient
from tests.support.community import EVERYBODY, user_id
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio


async def test_an_invitation_to_a_closed_channel_is_offered_and_taken(server: ServerProcess, visit: Visits) -> None:
    ann = await visit(server.http_url)
    await log_in(ann, "ann")
    host = await ChatClient(server.url, "host").connect()
    await host.login("host")
    await host.request("channel_create", name="cellar", type="text", permissions=EVERYBODY)
    await host.request("channel_modes_set", channel="cellar", invite_only=True)
    await expect(ann.get_by_role("link", name=re.compile("^cellar"))).to_have_count(0)
    await host.request("channel_invite", channel="cellar", user=user_id("ann"))
    await expect(ann.get_by_text("host invites you to #cellar").first).to_be_visible()
    await ann.get_by_role("button", name="Join", exact=True).click()
    await expect(ann.get_by_role("heading", name="cellar", exact=True)).to_be_visible()
    await host.close()


async def test_a_channel_with_a_password_is_joined_by_its_address(server: ServerProcess, visit: Visits) -> None:
    host = await ChatClient(server.url, "host").connect()
    await host.login("host")
    await host.request("channel_create", name="attic", type="text", permissions=EVERYBODY)
    await host.request("channel_modes_set", channel="attic", key="lemon tree")
    ben = await visit(f"{server.http_url}/#/c/attic")
    await log_in(ben, "ben")
    await ben.get_by_role("button", name="Join #attic").click()
    await expect(ben.get_by_role("alert").get_by_text("This channel has a password.")).to_be_visible()
    await assert_accessible(ben)
    await ben.get_by_label("Password of the channel").fill("lemon tree")
    await ben.get_by_role("button", name="Join #attic").click()
    await expect(ben.get_by_role("heading", name="attic", exact=True)).to_be_visible()
    await host.close()
