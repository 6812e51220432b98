"""What a muted member cannot do, in the whole server: nothing that others would read."""

from __future__ import annotations

import asyncio
from pathlib import Path

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
