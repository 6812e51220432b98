"""A plugin that raises, blocks, floods or does not load harms nobody else."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from plugin_host import runner as runner_module
from plugin_host import worker as worker_module
from tests.plugin_host.conftest import Workshop
from tests.plugin_host.test_typed import contents

pytestmark = pytest.mark.anyio


async def notices(who: Any) -> list[str]:
    who.read()
    return [packet["val"] for packet in who.packets if packet["cmd"] == "error"]


async def test_a_plugin_that_raises_is_named_in_the_log_and_switched_off(
    shop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    await shop.run("bad", 'plugin = Plugin()\nplugin.on("message_new")(lambda event: 1 / 0)')
    host, ann = await shop.house.enter("host"), await shop.house.enter("ann")
    for number in range(5):
        assert shop.host.runners["bad"].running
        ann.send("message_new", channel="general", content=str(number))
        await shop.quiet()
    entry = shop.host.entries()["bad"]
    assert (entry.running, entry.failures, entry.enabled) == (False, 5, True)
    assert "plugin bad failed in message_new" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    (notice,) = await notices(host)
    assert "The plugin 'bad' was switched off: it failed 5 times within 10 minutes" in notice
    assert await notices(ann) == [], "a member is told nothing"
    assert contents(ann.packets) == list("01234")


async def test_failures_that_are_long_past_do_not_count(shop: Workshop) -> None:
    await shop.run("bad", 'plugin = Plugin()\nplugin.on("message_new")(lambda event: 1 / 0)')
    ann = await shop.house.enter("ann")
    for number in range(8):
        ann.send("message_new", channel="general", content=str(number))
        await shop.quiet()
        shop.house.clock.now += 200
    assert shop.host.runners["bad"].running


@pytest.mark.parametrize("how", ["gate.wait(30)", "while not gate.is_set(): pass"])
async def test_a_plugin_that_blocks_is_switched_off_and_its_thread_abandoned(
    shop: Workshop, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    await shop.run(
        "stuck",
        f"""
        plugin = Plugin()
        gate, began = threading.Event(), threading.Event()
        after = []

        @plugin.on("message_new")
        def work(event):
            began.set()
            {how}
            after.append(plugin.api.send_message("general", "late"))
        """,
    )
    module = shop.module("stuck")
    host, ann = await shop.house.enter("host"), await shop.house.enter("ann")
    await ann.ask("message_new", channel="general", content="go")
    await shop.until(module.began.is_set)
    shop.host.tick()
    shop.house.clock.now += 6
    assert await ann.ask("message_new", channel="general", content="still quick")
    shop.host.tick()
    await shop.house.quiet()
    assert not shop.host.runners["stuck"].running
    assert "plugin stuck blocks; it is at" in caplog.text
    assert "in work" in caplog.text, "the log says where"
    assert any("it blocked for more than 5 s" in text for text in await notices(host))
    module.gate.set()
    worker = shop.host.runners["stuck"].worker
    assert worker is not None
    worker.join(60)
    assert not any(thread.name == "plugin stuck" for thread in threading.enumerate()), "it has ended"
    await shop.house.quiet()
    assert module.after == [], "what comes too late is not done"


async def test_who_calls_a_slash_command_that_blocks_is_told_that_it_took_too_long(shop: Workshop) -> None:
    await shop.run(
        "stuck",
        """
        plugin = Plugin()
        gate, began = threading.Event(), threading.Event()

        @plugin.slash("wait", "Wait")
        def wait(call):
            began.set()
            gate.wait(30)
            return "awake"
        """,
    )
    module, ann = shop.module("stuck"), await shop.house.enter("ann")
    ann.send("slash_call", channel="general", command="wait")
    await shop.until(module.began.is_set)
    shop.host.tick()
    shop.house.clock.now += 6
    shop.host.tick()
    module.gate.set()
    await shop.until(lambda: any(packet["cmd"] == "error" for packet in ann.packets))
    assert await notices(ann) == ["The plugin 'stuck' failed: it took too long, and was switched off"]


async def test_a_flood_leaves_events_out_and_the_server_alone(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker_module, "MAX_PENDING", 3)
    await shop.run(
        "slow",
        """
        plugin = Plugin()
        gate = threading.Event()
        heard = []

        @plugin.on("message_new")
        def work(event):
            gate.wait(30)
            heard.append(event.message.content)
        """,
    )
    ann = await shop.house.enter("ann")
    for number in range(10):
        await ann.ask("message_new", channel="general", content=str(number))
    module = shop.module("slow")
    module.gate.set()
    await shop.until(lambda: len(module.heard) == 3)
    assert module.heard == ["0", "1", "2"]
    assert caplog.text.count("plugin slow does not keep up") == 1


async def test_plugins_list_says_why_a_file_does_not_load_and_the_others_run(shop: Workshop) -> None:
    shop.write("a_syntax", "def (:")
    shop.write("b_raises", "import nothing_of_this_name")
    shop.write("c_exits", "import sys\nsys.exit(1)")
    shop.write("d_neither", "x = 1")
    shop.write("e_good", "plugin = Plugin()")
    shop.write("_hidden", "raise RuntimeError")
    await shop.start()
    entries = shop.host.entries()
    assert list(entries) == ["a_syntax", "b_raises", "c_exits", "d_neither", "e_good"]
    assert entries["e_good"].running
    assert "SyntaxError" in (entries["a_syntax"].error or "")
    assert "nothing_of_this_name" in (entries["b_raises"].error or "")
    assert "SystemExit" in (entries["c_exits"].error or "")
    assert "neither" in (entries["d_neither"].error or "")
    assert [entry.running for entry in entries.values()] == [False] * 4 + [True]


async def test_a_file_that_never_ends_is_given_up(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "LOAD_S", 0.2)
    await shop.run("endless", "while True: pass")
    assert "longer than" in (shop.host.entries()["endless"].error or "")


async def test_a_plugin_that_exits_in_a_handler_only_fails(shop: Workshop) -> None:
    await shop.run(
        "quitter",
        """
        import sys
        plugin = Plugin()
        heard = []

        @plugin.on("message_new")
        async def work(event):
            heard.append(event.message.content)
            sys.exit(3)
        """,
    )
    ann = await shop.house.enter("ann")
    for text in "ab":
        ann.send("message_new", channel="general", content=text)
        await shop.quiet()
    await shop.until(lambda: shop.module("quitter").heard == ["a", "b"])
    await shop.until(lambda: shop.host.runners["quitter"].failures() == 2)


async def test_plugins_reload_takes_the_new_file_and_keeps_the_old_one_if_it_is_broken(shop: Workshop) -> None:
    one = """
        import asyncio
        plugin = Plugin(description="{text}")
        ends = []

        @plugin.on("server_start")
        async def go(event):
            try:
                await asyncio.Event().wait()
            finally:
                ends.append(1)

        @plugin.on("message_new")
        def answer(event):
            if event.message.by_member:
                plugin.api.send_message("general", "{text}")
        """
    await shop.run("p", one.format(text="one"))
    host, ann = await shop.house.enter("host"), await shop.house.enter("ann")
    old = shop.module("p")

    async def reload(who: Any, **fields: Any) -> dict[str, Any]:
        who.packets.clear()
        who.send("plugins_reload", **fields)
        await shop.until(lambda: bool(who.packets))
        packet: dict[str, Any] = who.packets[-1]
        return packet

    shop.write("p", one.format(text="two"))
    assert (await reload(host, plugin="p"))["val"] == "Plugin 'p' reloaded successfully"
    await shop.until(lambda: old.ends == [1])
    ann.send("message_new", channel="general", content="x")
    await shop.until(lambda: contents(ann.packets) == ["x", "two"])

    shop.write("p", "def (:")
    failed = await reload(host, plugin="p")
    assert failed["val"].startswith("Failed to reload plugin 'p'")
    listed = await host.one("plugins_list")
    assert listed["plugins"]["p"]["running"] is True
    assert listed["plugins"]["p"]["description"] == "two"
    assert "SyntaxError" in listed["plugins"]["p"]["error"]
    assert listed["plugins"]["p"]["handles"] == ["message_new", "server_start"]

    assert (await reload(host, plugin="nothing"))["val"].startswith("Failed to reload plugin 'nothing'")
    shop.write("q", "plugin = Plugin()")
    shop.write("p", one.format(text="three"))
    assert (await reload(host))["val"] == "All plugins reloaded successfully"
    assert set(shop.host.entries()) == {"p", "q"}
    (shop.folder / "p.py").unlink()
    await reload(host)
    assert set(shop.host.entries()) == {"q"}
    assert (await reload(ann))["code"] == "permission_required"
    assert (await ann.one("plugins_list"))["code"] == "permission_required"
    log = next(p for p in await host.ask("modlog_get", action="plugins_reload") if p["cmd"] == "modlog_get")
    assert {entry["details"]["plugin"] for entry in log["entries"]} == {"p", "all"}
