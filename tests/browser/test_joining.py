"""Channels with a door: entered by an invitation or a password; moderated ones, where only some write."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.support.chromium import Visits, assert_accessible, log_in, shot
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


async def test_in_a_moderated_channel_only_who_has_a_voice_gets_a_field(server: ServerProcess, visit: Visits) -> None:
    host = await ChatClient(server.url, "host").connect()
    await host.login("host")
    await host.request("channel_create", name="stage", type="text", permissions=EVERYBODY)
    ann = await visit(f"{server.http_url}/#/c/stage")
    await log_in(ann, "ann")
    field = ann.get_by_role("textbox", name="Message #stage")
    reason = ann.get_by_text("Only operators and people with a voice write here.")
    await expect(field).to_be_visible()
    await host.request("channel_modes_set", channel="stage", moderated=True)
    await expect(reason).to_be_visible()
    await expect(field).to_have_count(0)
    await assert_accessible(ann)
    for mark in ("voice", "operator"):
        await host.request("channel_member_set", channel="stage", user=user_id("ann"), **{mark: True})
        await expect(field).to_be_visible()
        await field.fill(f"with {mark}")
        await field.press("Enter")
        await host.expect("message_new", channel="stage", message={"content": f"with {mark}"})
        await host.request("channel_member_set", channel="stage", user=user_id("ann"), **{mark: False})
        await expect(reason).to_be_visible()
    await host.request("channel_modes_set", channel="stage", moderated=False)
    await expect(field).to_be_visible()
    await host.close()


async def test_an_operator_runs_a_channel_without_managing_others(server: ServerProcess, visit: Visits) -> None:
    host = await ChatClient(server.url, "host").connect()
    await host.login("host")
    await host.request("channel_create", name="theatre", type="text", permissions=EVERYBODY)
    ann, ben = [await visit(f"{server.http_url}/#/c/theatre") for _ in range(2)]
    await log_in(ann, "ann")
    await log_in(ben, "ben")
    await expect(ben.get_by_role("textbox", name="Message #theatre")).to_be_visible()
    await host.request("channel_member_set", channel="theatre", user=user_id("ann"), operator=True)
    await ann.locator(".header").get_by_role("button", name="More").click()
    await ann.get_by_role("menuitem", name="Run this channel").click()
    dialog = ann.get_by_role("dialog", name="Run theatre")
    await dialog.get_by_text("Moderated", exact=True).click()
    await expect(ben.get_by_text("Only operators and people with a voice write here.")).to_be_visible()
    await expect(dialog.get_by_role("switch", name="Moderated")).to_be_checked()
    await expect(dialog.get_by_role("list", name="Members of the channel").get_by_text("Operator")).to_be_visible()
    await dialog.get_by_label("Invite, or give a voice").fill("ben")
    await dialog.get_by_role("button", name="Give a voice").click()
    await expect(ben.get_by_role("textbox", name="Message #theatre")).to_be_visible()
    await expect(dialog.get_by_role("list", name="Members of the channel").get_by_text("Voice")).to_be_visible()
    await assert_accessible(ann)
    await shot(ann, "channel-run")
    await host.request("channel_member_set", channel="theatre", user=user_id("ann"), operator=False)
    await expect(dialog.get_by_text("You are no operator of this channel any more.")).to_be_visible()
    await host.close()
