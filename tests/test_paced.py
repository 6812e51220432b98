"""What many are told of, and what reads much, comes only so often from one member, in the whole server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.support.community import EVERYBODY, user_id
from tests.support.house import Guest, House, open_house

CHANNELS = [
    {"type": "text", "name": "general", "permissions": EVERYBODY | {"pin": ["user"]}},
    {"type": "forum", "name": "ideas", "permissions": EVERYBODY},
    {"type": "voice", "name": "call", "permissions": EVERYBODY},
]
MOST = 3
LIMITS = dict.fromkeys(("broadcasts_per_minute", "searches_per_minute", "lists_per_minute"), MOST)


async def scene(house: House) -> tuple[Guest, Guest, dict[str, dict[str, Any]]]:
    """Ann, Ben who watches, and for each command the fields with which Ann may give it."""
    ann, ben = await house.enter("ann"), await house.enter("ben")
    [message] = await ann.ask("message_new", channel="general", content="hello")
    [thread] = await ann.ask("thread_create", channel="ideas", name="tea")
    [other] = await ben.ask("thread_create", channel="ideas", name="milk")
    await ann.ask("poll_create", channel="general", question="Tea?", options=["yes", "no"])
    message_of = {"channel": "general", "id": message["message"]["id"]}
    thread_of = {"thread_id": thread["thread"]["id"]}
    fields: dict[str, dict[str, Any]] = {
        "thread_update": {**thread_of, "name": "more tea"},
        "thread_delete": thread_of,
        "thread_join": {"thread_id": other["thread"]["id"]},
        "message_pin": message_of,
        "message_unpin": message_of,
        "message_react_add": {**message_of, "emoji": "x"},
        "message_react_remove": {**message_of, "emoji": "x"},
        "poll_end": {"poll_id": "unknown"},
        "user_block": {"user": user_id("cleo")},
        "user_unblock": {"user": user_id("cleo")},
        "unreads_mark": {"channel": "general", "message_id": message_of["id"]},
        "messages_search": {"query": "hello"},
        "resume": {"session": "unknown", "after": 0},
    }
    return ann, ben, fields


@pytest.mark.parametrize(
    "command",
    [
        "thread_update", "thread_delete", "thread_join", "message_pin", "message_unpin", "message_react_add",
        "message_react_remove", "poll_end", "user_block", "user_unblock", "unreads_mark", "messages_search",
        "users_list", "users_online", "channels_get", "unreads_get", "pings_get", "resume",
    ],
)  # fmt: skip
def test_a_command_waits_once_its_tokens_are_used_up(tmp_path: Path, command: str) -> None:
    async def run() -> None:
        async with open_house(tmp_path, channels=CHANNELS, config={"limits": LIMITS}) as house:
            ann, ben, fields = await scene(house)
            for _ in range(MOST):
                answers = await ann.ask(command, **fields.get(command, {}))
                assert [packet.get("code") for packet in answers] != ["too_many_tries"]
            ben.packets.clear()
            refusal = await ann.one(command, **fields.get(command, {}))
            assert (refusal["cmd"], refusal["src"], refusal["code"]) == ("error", command, "too_many_tries")
            assert refusal["val"] == "Rate limit: too many tries. Wait 61 seconds"
            assert ben.packets == []
            house.clock.now += 61
            answers = await ann.ask(command, **fields.get(command, {}))
            assert "too_many_tries" not in [packet.get("code") for packet in answers]

    asyncio.run(run())


def test_searching_and_telling_are_counted_apart_and_for_each_member(tmp_path: Path) -> None:
    async def run() -> None:
        async with open_house(tmp_path, channels=CHANNELS, config={"limits": LIMITS}) as house:
            ann, ben, fields = await scene(house)
            for _ in range(MOST + 1):
                found = await ann.one("messages_search", query="hello")
            assert found["code"] == "too_many_tries"
            for name in ("message_pin", "message_unpin"):
                assert "error" not in [packet["cmd"] for packet in await ann.ask(name, **fields[name])]
            assert (await ben.one("messages_search", query="hello"))["cmd"] == "messages_search"

    asyncio.run(run())


def test_each_long_list_is_counted_by_itself(tmp_path: Path) -> None:
    async def run() -> None:
        async with open_house(tmp_path, channels=CHANNELS, config={"limits": LIMITS}) as house:
            ann = await house.enter("ann")
            for _ in range(MOST):
                for name in ("users_list", "users_online", "channels_get"):
                    assert (await ann.one(name))["cmd"] == name
            assert (await ann.one("users_list"))["code"] == "too_many_tries"

    asyncio.run(run())


def test_typing_is_never_refused_but_told_only_so_often(tmp_path: Path) -> None:
    async def run() -> None:
        async with open_house(tmp_path, channels=CHANNELS, config={"limits": LIMITS}) as house:
            ann, ben, _ = await scene(house)
            ben.packets.clear()
            for _ in range(MOST + 4):
                assert (await ann.one("typing", channel="general"))["cmd"] == "typing"
            assert ben.names() == ["typing"] * MOST

    asyncio.run(run())


def test_who_has_no_token_left_can_still_leave(tmp_path: Path) -> None:
    """Each leaving needs a joining, which is counted; so leaving needs no bound of its own, and is never refused."""

    async def run() -> None:
        limits = {**LIMITS, "voice_signals_per_minute": 1, "joins_per_minute": 1}
        async with open_house(tmp_path, channels=CHANNELS, config={"limits": limits}) as house:
            ann, ben, fields = await scene(house)
            await ann.ask("voice_join", channel="call", peer_id="peer")
            await ann.ask("channel_join", channel="general")
            await ann.ask("thread_join", **fields["thread_join"])
            for _ in range(MOST):
                await ann.ask("thread_join", **fields["thread_join"])
            for name, leave in (
                ("voice_leave", {}),
                ("channel_leave", {"channel": "general"}),
                ("thread_leave", fields["thread_join"]),
            ):
                ben.packets.clear()
                assert "error" not in [packet["cmd"] for packet in await ann.ask(name, **leave)]
                assert ben.packets, name
                ben.packets.clear()
                await ann.ask(name, **leave)  # nothing is left to leave
                assert ben.packets == [], name

    asyncio.run(run())
