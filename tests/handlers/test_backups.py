"""backups_list, backup_create: what lies there, one at a time, for whoever runs the server."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import backups
from tests.support.house import Guest, House

pytestmark = pytest.mark.anyio


async def ask(guest: Guest, cmd: str) -> dict[str, Any]:
    """The answer, once the thread is done as well."""
    packets = await guest.ask(cmd)
    while not any(cmd in (packet["cmd"], packet.get("src")) for packet in packets):
        for task in list(guest.house.server.dispatcher._tasks):
            await task
        await guest.house.quiet()
        packets, guest.packets = guest.packets, []
    return next(packet for packet in packets if cmd in (packet["cmd"], packet.get("src")))


async def test_backup_create_makes_one_that_is_listed_and_noted(house: House) -> None:
    host = await house.enter("host")
    await host.ask("message_new", channel="general", content="keep this")
    assert await ask(host, "backups_list") == {"cmd": "backups_list", "backups": [], "running": False}
    made = (await ask(host, "backup_create"))["backup"]
    assert (made["ok"], made["messages"], made["created_at"]) == (True, 1, house.clock.now)
    assert made["size_bytes"] > 0
    assert (await ask(host, "backups_list"))["backups"] == [made]
    (entry,) = (await host.one("modlog_get", action="backup_create"))["entries"]
    assert entry["target_name"] == made["name"]


async def test_backups_list_tells_which_cannot_be_read(house: House) -> None:
    host = await house.enter("host")
    made = (await ask(host, "backup_create"))["backup"]
    (house.folder / "backup" / made["name"]).write_bytes(b"nothing")
    (listed,) = (await ask(host, "backups_list"))["backups"]
    assert (listed["ok"], listed["messages"]) == (False, None)


async def test_backup_create_makes_one_at_a_time(house: House) -> None:
    host, again = await house.enter("host"), await house.enter("host")
    host.send("backup_create")
    assert (await ask(again, "backup_create"))["code"] == "backup_running"
    for task in list(house.server.dispatcher._tasks):
        await task
    await house.quiet()


async def test_backup_create_holds_no_other_command_of_the_connection_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, really = threading.Event(), backups.back_up

    def slow(*args: Any, **fields: Any) -> Any:
        assert release.wait(30)
        return really(*args, **fields)

    monkeypatch.setattr(backups, "back_up", slow)
    host = await house.enter("host")
    host.send("backup_create", listener="b")
    assert (await host.one("ping"))["cmd"] == "pong"
    assert (await host.one("message_new", channel="general", content="meanwhile"))["cmd"] == "message_new"
    refusal = await host.one("backup_create")
    assert (refusal["code"], refusal["val"]) == ("backup_running", "A backup is made already; wait until it is done")
    release.set()
    for task in list(house.server.dispatcher._tasks):
        await task
    await house.quiet()
    (made,) = (packet for packet in host.packets if packet["cmd"] == "backup_create")
    assert (made["cmd"], made["listener"], made["backup"]["messages"]) == ("backup_create", "b", 1)


async def test_backup_create_says_when_it_failed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **fields: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backups, "back_up", full)
    host = await house.enter("host")
    assert (await ask(host, "backup_create"))["code"] == "backup_failed"


@pytest.mark.parametrize("cmd", ["backups_list", "backup_create"])
async def test_backups_are_for_owners_and_administrators(house: House, cmd: str) -> None:
    mod = await house.enter("mod")
    assert (await ask(mod, cmd))["code"] == "permission_required"
