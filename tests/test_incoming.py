"""Deliveries through webhooks in the whole server: order with other messages, limits, refusals."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from routes.view import Undeliverable
from tests.support.house import House, open_house

pytestmark = pytest.mark.anyio

CHANNELS = [{"name": "general", "type": "text", "permissions": {"view": ["user"], "send": ["user"]}}]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    config = {"webhooks": {"messages_per_minute": 3}}
    async with open_house(tmp_path, channels=CHANNELS, config=config) as house:
        yield house


async def token(house: House) -> str:
    host = await house.enter("host")
    made = await host.one("webhook_create", channel="general", name="x")
    return str(made["webhook"]["token"])


async def refusal(house: House, given: str, text: str = "x") -> int:
    with pytest.raises(Undeliverable) as caught:
        await house.community.deliver(given, text, [])
    return caught.value.status


async def test_a_delivery_is_answered_when_it_is_stored_and_told(house: House) -> None:
    given, ann = await token(house), await house.enter("ann")
    await house.community.deliver(given, "hello", [])
    await asyncio.sleep(0)
    ann.read()
    assert [packet["message"]["content"] for packet in ann.packets if packet["cmd"] == "message_new"] == ["hello"]


async def test_each_webhook_has_its_own_limit(house: House) -> None:
    one, other = await token(house), await token(house)
    waits = [house.community.webhook_wait_s(one) for _ in range(4)]
    assert waits == [0, 0, 0, 60]
    assert house.community.webhook_wait_s(other) == 0
    assert house.community.webhook_wait_s("unknown") is None
    house.clock.now += 60
    assert house.community.webhook_wait_s(one) == 0


async def test_what_is_forgotten_by_the_clock(house: House) -> None:
    house.community.webhook_wait_s(await token(house))
    house.clock.now += 120
    for _ in range(60):
        house.community.incoming.tick()
    assert house.community.incoming._throttle._tries == {}


async def test_the_status_of_a_refusal(house: House) -> None:
    given, host = await token(house), await house.enter("host")
    assert await refusal(house, given, "x" * 2001) == 400
    assert await refusal(house, "unknown") == 401
    await host.ask("channel_update", current_name="general", updates={"type": "forum"})
    assert await refusal(house, given) == 404
    await host.ask("channel_delete", name="general")
    assert await refusal(house, given) == 401


async def test_a_sender_that_hangs_up_does_no_harm(house: House) -> None:
    given, ann = await token(house), await house.enter("ann")
    with house.held():
        delivery = asyncio.ensure_future(house.community.deliver(given, "hello", []))
        await house.turns()
        delivery.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await delivery
    await house.quiet()
    assert "message_new" in ann.names(), "what was taken up is posted"
