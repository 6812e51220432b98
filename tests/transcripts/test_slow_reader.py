"""A reader that is too slow is told, then left behind or closed; nobody else notices."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.client import ChatClient, Visitors

pytestmark = pytest.mark.anyio
CONFIG = {"limits": {"outbox_bytes": 65_536, "post_content": 20_000}}


async def flood(ann: ChatClient, messages: int) -> list[str]:
    """More than the kernel's buffers and the outbox hold together."""
    ids = []
    for start in range(0, messages, 20):
        posted = await asyncio.gather(*(ann.say("x" * 16_000 + str(start + number)) for number in range(20)))
        ids += [message["id"] for message in posted]
    return ids


async def test_a_slow_reader_that_knows_gap_fetches_what_it_missed(visit: Visitors) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    slow = await visit.connect()
    await slow.login("cleo", gap=True)
    slow.pause_reading()
    ids = await flood(ann, 800)
    await ben.expect("message_new", message={"id": ids[-1]})
    slow.resume_reading()
    gap = await slow.expect("gap")
    got = [packet["message"]["id"] for packet in slow.received("message_new")]
    assert got == ids[: len(got)], "what came before the gap is complete"
    assert gap["after"] == slow.seq, "the gap begins where the events end"
    resumed = await slow.resume(slow.session, slow.seq)
    assert resumed["recovered"] is True
    got = [packet["message"]["id"] for packet in slow.received("message_new")]
    assert got == ids
    live = await ann.say("live again")
    await slow.expect("message_new", message={"id": live["id"]})


async def test_a_slow_reader_that_does_not_is_closed_and_may_resume(visit: Visitors) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    slow = await visit.login("cleo")
    slow.pause_reading()
    ids = await flood(ann, 800)
    await ben.expect("message_new", message={"id": ids[-1]})
    slow.resume_reading()
    assert await slow.closed() == 1013
    assert slow.close_reason
    got = [packet["message"]["id"] for packet in slow.received("message_new")]
    assert got == ids[: len(got)]
    again = await visit.login("cleo")
    assert (await again.resume(slow.session, slow.seq))["recovered"] is True
    got += [packet["message"]["id"] for packet in again.received("message_new")]
    assert got == ids
