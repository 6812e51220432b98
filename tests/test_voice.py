"""Voice in the whole server: a place in a voice channel lasts as long as the connection and the right to be there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.house import Guest, House, open_house

RULES = {"view": ["user"], "send": ["user"]}
CHANNELS: list[dict[str, Any]] = [
    {"type": "voice", "name": "lounge", "permissions": RULES},
    {"type": "text", "name": "general", "permissions": RULES},
]
Story = Callable[[House, Guest, Guest, Guest], Awaitable[None]]


def play(folder: Path, story: Story) -> None:
    """ann and ben are in the lounge; the owner looks on."""

    async def run() -> None:
        async with open_house(folder, channels=CHANNELS) as house:
            host, ann, ben = await house.enter("host"), await house.enter("ann"), await house.enter("ben")
            for guest, peer_id in ((ann, "peer-ann"), (ben, "peer-ben")):
                await guest.ask("voice_join", channel="lounge", peer_id=peer_id)
            await house.quiet()
            for guest in (host, ann, ben):
                guest.packets.clear()
            await story(house, host, ann, ben)

    asyncio.run(run())


def left(guest: Guest) -> list[str]:
    """Who the guest heard leaving."""
    guest.read()
    return [packet["username"] for packet in guest.packets if packet["cmd"] == "voice_user_left"]


async def present(host: Guest) -> list[str]:
    (listed,) = await host.ask("channels_get")
    return [each["username"] for each in listed["val"][0]["voice_state"]]


def test_a_lost_connection_leaves_the_voice_channel(tmp_path: Path) -> None:
    async def story(house: House, host: Guest, ann: Guest, ben: Guest) -> None:
        ann.lose()
        await house.quiet()
        assert left(ben) == left(host) == [house.user_id("ann")]
        again = await house.enter("ann")
        resumed = await again.ask("resume", session=ann.ready["session"], after=ann.ready["seq"])
        assert resumed[-1]["recovered"] is True
        assert await present(host) == [house.user_id("ben")], "a session without its connection is not in voice"

    play(tmp_path, story)


def test_a_session_that_is_resumed_keeps_the_place_of_its_connection(tmp_path: Path) -> None:
    async def story(house: House, host: Guest, ann: Guest, ben: Guest) -> None:
        phone = await house.enter("ann")
        session = phone.ready["session"]
        phone.lose()
        await house.quiet()
        assert left(ben) == []
        await ann.ask("resume", session=session, after=phone.ready["seq"])
        await ann.ask("voice_mute")
        ben.read()
        assert ben.packets[-1]["user"]["muted"] is True

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("cmd", "fields"),
    [
        ("user_ban", {"user": "USR:local_ann"}),
        ("user_delete", {"user": "USR:local_ann"}),
        ("user_roles_set", {"user": "USR:local_ann", "roles": ["moderator"]}),
    ],
)
def test_who_is_taken_out_of_the_community_is_out_of_the_voice_channel(
    tmp_path: Path, cmd: str, fields: dict[str, Any]
) -> None:
    async def story(house: House, host: Guest, ann: Guest, ben: Guest) -> None:
        await host.ask(cmd, **fields)
        assert left(ben) == [house.user_id("ann")]
        assert await present(host) == [house.user_id("ben")]

    play(tmp_path, story)


def test_who_leaves_the_community_leaves_the_voice_channel(tmp_path: Path) -> None:
    async def story(house: House, host: Guest, ann: Guest, ben: Guest) -> None:
        await ann.ask("user_leave")
        assert left(ben) == [house.user_id("ann")]
        assert await present(host) == [house.user_id("ben")]

    play(tmp_path, story)


def test_whoever_is_kicked_out_of_a_closed_channel_is_out_of_its_voice(tmp_path: Path) -> None:
    async def story(house: House, host: Guest, ann: Guest, ben: Guest) -> None:
        for guest in (ann, ben):
            await guest.ask("channel_join", channel="lounge")
        await host.ask("channel_modes_set", channel="lounge", secret=True)
        kicked = await host.ask("channel_kick", channel="lounge", user=house.user_id("ann"))
        assert [packet["cmd"] for packet in kicked if packet["cmd"] == "error"] == []
        assert left(ben) == [house.user_id("ann")]
        assert left(ann) == [house.user_id("ann")]

    play(tmp_path, story)


def test_a_deleted_channel_has_nobody_in_it(tmp_path: Path) -> None:
    async def story(house: House, host: Guest, ann: Guest, ben: Guest) -> None:
        await host.ask("channel_delete", name="lounge")
        assert (left(ann), left(ben)) == ([house.user_id("ann")], [house.user_id("ben")])
        (refusal,) = await ann.ask("voice_leave")
        assert refusal["code"] == "not_in_voice"
        assert len(house.world.voice) == 0

    play(tmp_path, story)


def test_a_hand_edit_of_the_rules_takes_members_out(tmp_path: Path) -> None:
    async def story(house: House, host: Guest, ann: Guest, ben: Guest) -> None:
        path = house.folder / "channels.json"
        channels = json.loads(path.read_text())
        channels[0]["permissions"]["view"] = ["moderator"]
        path.write_text(json.dumps(channels))
        house.world.journal.look(house.community.looked)
        await house.quiet()
        assert sorted(left(host)) == [house.user_id("ann"), house.user_id("ben")]
        assert left(ann) == [house.user_id("ann")], "who cannot see the channel any more hears of itself only"

    play(tmp_path, story)
