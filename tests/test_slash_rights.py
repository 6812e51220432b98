"""Slash commands of bots in the whole server: they last as long as the right to offer them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.community import user_id
from tests.support.house import Guest, House, open_house


async def removed(guest: Guest) -> list[list[str]]:
    await guest.house.quiet()
    guest.read()
    return [packet["commands"] for packet in guest.packets if packet["cmd"] == "slash_remove"]


@pytest.mark.parametrize("how", ["role", "permission", "setting", "ban", "delete"])
def test_commands_go_at_once_with_the_right_or_the_bot(tmp_path: Path, how: str) -> None:
    async def run() -> None:
        async with open_house(tmp_path) as house:
            host, ann, ben = await house.enter("host"), await house.enter("ann"), await house.enter("ben")
            await host.ask("role_update", name="user", permissions=["send_messages"])
            await host.ask("role_create", name="bot", permissions=["use_slash_commands"])
            await host.ask("user_roles_add", user=user_id("ben"), roles=["bot"])
            await ben.ask("slash_register", commands=[{"name": "roll", "description": "Roll"}])
            ann.packets.clear()
            match how:
                case "role":
                    await host.ask("user_roles_remove", user=user_id("ben"), roles=["bot"])
                case "permission":
                    await host.ask("role_update", name="bot", permissions=[])
                case "setting":
                    house.hashes = True
                    changes = {"slash_commands.register_permission": "manage_server"}
                    await host.ask("settings_update", changes=changes)
                case "ban":
                    await host.ask("user_ban", user=user_id("ben"))
                case "delete":
                    await host.ask("user_delete", user=user_id("ben"))
            assert await removed(ann) == [["roll"]]
            (listed,) = await ann.ask("slash_list")
            assert "roll" not in [command["name"] for command in listed["commands"]]

    asyncio.run(run())


def test_commands_stay_with_another_change_of_the_bot(tmp_path: Path) -> None:
    async def run() -> None:
        async with open_house(tmp_path) as house:
            await house_with_bot(house)

    async def house_with_bot(house: House) -> None:
        host, ann, ben = await house.enter("host"), await house.enter("ann"), await house.enter("ben")
        await host.ask("role_create", name="bot", permissions=["use_slash_commands"])
        await host.ask("user_roles_add", user=user_id("ben"), roles=["bot"])
        await ben.ask("slash_register", commands=[{"name": "roll", "description": "Roll"}])
        ann.packets.clear()
        await host.ask("channel_create", name="more", type="text")
        await ben.ask("nickname_update", nickname="Robot")
        assert await removed(ann) == []

    asyncio.run(run())
