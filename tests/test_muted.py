"""What a muted member cannot do, in the whole server: nothing that others would read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from handlers.filters import Draft
from tests.support.community import user_id
from tests.support.house import open_house

FORUM = {
    "type": "forum",
    "name": "ideas",
    "permissions": {"view": ["user"], "send": ["user"], "create_thread": ["user"]},
}


def test_neither_a_thread_nor_a_nickname_speaks_for_a_muted_member(tmp_path: Path) -> None:
    async def run() -> None:
        async with open_house(tmp_path, channels=[FORUM]) as house:
            host, ann = await house.enter("host"), await house.enter("ann")
            await host.ask("user_timeout", user=user_id("ann"), timeout=60)
            for cmd, fields in (
                ("thread_create", {"channel": "ideas", "name": "x"}),
                ("nickname_update", {"nickname": "x"}),
            ):
                ann.packets.clear()
                answer = await ann.ask(cmd, **fields)
                assert [packet["code"] for packet in answer if packet["cmd"] == "error"] == ["rate_limit"]

    asyncio.run(run())


def test_neither_a_reaction_nor_a_picture_nor_a_status_nor_the_name_of_a_thread_speaks_either(tmp_path: Path) -> None:
    async def run() -> None:
        async with open_house(tmp_path, channels=[FORUM]) as house:
            host, ann, ben = await house.enter("host"), await house.enter("ann"), await house.enter("ben")
            thread = (await ann.one("thread_create", channel="ideas", name="Tea"))["thread"]["id"]
            said = (await ann.one("message_new", thread_id=thread, content="green"))["message"]["id"]
            await ann.ask("status_set", status="online", text="at home")
            await host.ask("user_timeout", user=user_id("ann"), timeout=60)
            ben.packets.clear()
            for cmd, fields in (
                ("message_react_add", {"thread_id": thread, "id": said, "emoji": "read this"}),
                ("pfp_set", {"url": "https://example.org/words.png"}),
                ("status_set", {"status": "online", "text": "read this"}),
                ("thread_update", {"thread_id": thread, "name": "read this"}),
            ):
                answer = await ann.ask(cmd, **fields)
                assert [packet["code"] for packet in answer if packet["cmd"] == "error"] == ["rate_limit"], cmd
            assert ben.packets == []
            for cmd, fields in (
                ("status_set", {"status": "idle", "text": "at home"}),
                ("status_set", {"status": "idle"}),
                ("thread_update", {"thread_id": thread, "archived": True}),
            ):
                assert "error" not in [packet["cmd"] for packet in await ann.ask(cmd, **fields)], cmd
            house.clock.now += 60
            assert (await ann.one("status_set", status="idle", text="again"))["status"]["text"] == "again"

    asyncio.run(run())


@pytest.mark.parametrize("filtered", [False, True])
def test_who_is_muted_leaves_without_a_word(tmp_path: Path, filtered: bool) -> None:
    async def unchanged(drafts: Sequence[Draft]) -> list[str]:
        return [draft.content for draft in drafts]

    async def run() -> None:
        async with open_house(tmp_path) as house:
            if filtered:  # what waits for a plugin is checked once more afterwards
                house.world.filters.append(unchanged)
            host, ann = await house.enter("host"), await house.enter("ann")
            await ann.ask("channel_join", channel="general")
            await host.ask("user_timeout", user=user_id("ann"), timeout=60)
            host.packets.clear()
            await ann.ask("channel_leave", channel="general", reason="read this")
            (left,) = [packet for packet in host.packets if packet["cmd"] == "member_leave"]
            assert (left["user"], left.get("reason", "")) == (user_id("ann"), "")

    asyncio.run(run())
