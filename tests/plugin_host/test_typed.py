"""The typed interface: events, hooks, commands, jobs, storage, settings, and what plugins do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.plugin_host.conftest import Workshop
from tests.support.community import edit
from tests.support.house import Guest

pytestmark = pytest.mark.anyio

GREETER = """
    plugin = Plugin(description="Greets")

    @plugin.on("message_new")
    def greet(event):
        if event.message.by_member and event.message.content == "hello":
            plugin.api.send_message(event.message.channel, f"Hello {event.message.name}!", reply_to=event.message.id)
"""


def contents(packets: list[dict[str, Any]]) -> list[str]:
    return [packet["message"]["content"] for packet in packets if packet["cmd"] == "message_new"]


def refusals(who: Guest, cmd: str) -> list[str]:
    return [packet["code"] for packet in who.packets if packet["cmd"] == "error" and packet["src"] == cmd]


async def test_a_plugin_hears_of_messages_and_answers_viewers_only(shop: Workshop) -> None:
    await shop.run("greeter", GREETER)
    ann, mod = await shop.house.enter("ann"), await shop.house.enter("mod")
    mod.send("message_new", channel="staff", content="hello")
    await shop.quiet()
    assert contents(mod.packets) == ["hello", "Hello mod!"]
    assert "message_new" not in ann.names(), "the answer is for those who see the channel"
    ann.send("message_new", channel="general", content="hello")
    await shop.quiet()
    answer = ann.packets[-1]["message"]
    assert (answer["content"], answer["user"]) == ("Hello ann!", "originChats")
    page = next(p for p in await ann.ask("messages_get", channel="general") if p["cmd"] == "messages_get")
    assert [message["content"] for message in page["messages"]] == ["hello", "Hello ann!"], "it is stored"


async def test_async_handlers_run_in_the_thread_of_the_plugin(shop: Workshop) -> None:
    await shop.run(
        "later",
        """
        import asyncio
        plugin = Plugin()
        threads = []

        @plugin.on("server_start")
        async def go(event):
            threads.append(threading.current_thread().name)
            asyncio.create_task(work())

        async def work():
            threads.append(threading.current_thread().name)
        """,
    )
    module = shop.module("later")
    await shop.until(lambda: module.threads == ["plugin later"] * 2)


async def test_before_hooks_change_and_refuse_messages_in_the_order_of_names(shop: Workshop) -> None:
    shop.write(
        "a",
        'plugin = Plugin()\nplugin.before("message_new")(lambda draft: draft.content + " a")',
        "from plugin_api import *\n",
    )
    shop.write(
        "b",
        """
        plugin = Plugin()

        @plugin.before("message_new")
        async def look(draft):
            if "bad" in draft.content:
                raise Refuse("No bad words, please")
            return draft.content + " b"
        """,
    )  # fmt: skip
    await shop.start()
    ann, ben = await shop.house.enter("ann"), await shop.house.enter("ben")
    ann.together(*({"cmd": "message_new", "channel": "general", "content": text} for text in ("1", "bad", "2", "3")))
    await shop.until(lambda: len(contents(ben.packets)) == 3)
    await shop.quiet()
    assert contents(ben.packets) == ["1 a b", "2 a b", "3 a b"], "the order of one author stays"
    (refused,) = [packet for packet in ann.packets if packet["cmd"] == "error"]
    assert (refused["val"], refused["code"]) == ("No bad words, please", "plugin_refused")
    first = next(packet["message"] for packet in ann.packets if packet["cmd"] == "message_new")
    ann.send("message_edit", channel="general", id=first["id"], content="bad edit")
    await shop.until(lambda: refusals(ann, "message_edit") == ["plugin_refused"])
    ann.send("direct_message", user="USR:local_ben", content="bad")
    await shop.until(lambda: refusals(ann, "direct_message") == ["plugin_refused"])


async def test_a_member_that_is_muted_while_a_hook_looks_does_not_write(shop: Workshop) -> None:
    await shop.run(
        "slow",
        """
        plugin = Plugin()

        @plugin.before("message_new")
        def look(draft):
            plugin.api.timeout_user(draft.author.id, 60)
        """,
    )
    ann = await shop.house.enter("ann")
    ann.send("message_new", channel="general", content="now")
    await shop.until(lambda: "error" in ann.names())
    assert [packet["code"] for packet in ann.packets if packet["cmd"] == "error"] == ["rate_limit"]
    page = await ann.one("messages_get", channel="general")
    assert page["messages"] == []


async def test_without_a_hook_messages_wait_for_nothing(shop: Workshop) -> None:
    await shop.run("greeter", GREETER)
    assert shop.house.world.filters == []


async def test_a_hook_that_does_not_answer_lets_messages_pass(shop: Workshop) -> None:
    await shop.run(
        "stuck",
        """
        plugin = Plugin()
        gate = threading.Event()

        @plugin.before("message_new")
        def look(draft):
            gate.wait(20)
        """,
    )
    edit(shop.house.world.live.path, lambda config: config["plugins"].update(before_s=1))
    shop.house.community.reload_config()
    ann = await shop.house.enter("ann")
    ann.together(*({"cmd": "message_new", "channel": "general", "content": text} for text in ("1", "2", "3")))
    await shop.until(lambda: len(contents(ann.packets)) == 3)
    assert contents(ann.packets) == ["1", "2", "3"]
    assert shop.host.runners["stuck"].failures() == 1, "the others did not wait for it again"
    shop.module("stuck").gate.set()


async def test_plugin_call_converts_arguments_and_answers(shop: Workshop) -> None:
    await shop.run(
        "dice",
        """
        class Roll(msgspec.Struct):
            sides: int

        plugin = Plugin()

        @plugin.command("roll", Roll)
        def roll(call):
            return {"name": call.user.name, "sides": call.args.sides}

        @plugin.command("secret", roles=["moderator"])
        def secret(call):
            return 1

        @plugin.command("broken")
        def broken(call):
            return 1 / 0
        """,
    )
    ann, mod = await shop.house.enter("ann"), await shop.house.enter("mod")

    async def call(who: Any, command: str, **args: Any) -> dict[str, Any]:
        who.packets.clear()
        who.send("plugin_call", plugin="dice", command=command, args=args, listener="x")
        await shop.until(lambda: bool(who.packets))
        answer: dict[str, Any] = who.packets[-1]
        return answer

    answered = await call(ann, "roll", sides=6)
    assert answered["result"] == {"name": "ann", "sides": 6}
    assert (answered["plugin"], answered["command"], answered["listener"]) == ("dice", "roll", "x")
    bad = await call(ann, "roll", sides="six")
    assert (bad["code"], bad["field"]) == ("bad_value", "plugin_call.args.sides")
    assert (await call(ann, "secret"))["code"] == "not_permitted"
    assert (await call(mod, "secret"))["result"] == 1
    assert (await call(ann, "nothing"))["code"] == "plugin_command_not_found"
    assert (await call(ann, "broken"))["code"] == "plugin_failed"


async def test_jobs_run_by_the_clock(shop: Workshop) -> None:
    await shop.run(
        "jobs",
        """
        plugin = Plugin()
        runs = []

        @plugin.every(60)
        def minutely():
            runs.append("minute")

        @plugin.daily("03:00")
        def nightly():
            runs.append("night")
        """,
    )
    runs = shop.module("jobs").runs
    shop.host.tick()
    await shop.quiet()
    assert runs == []
    shop.house.clock.now += 61
    shop.host.tick()
    await shop.quiet()
    assert runs == ["minute"]
    shop.host.tick()
    await shop.quiet()
    assert runs == ["minute"], "not again before the next minute"
    shop.house.clock.now += 86_400
    shop.host.tick()
    await shop.quiet()
    assert sorted(runs) == ["minute", "minute", "night"]


async def test_storage_survives_a_reload_and_is_bounded(shop: Workshop) -> None:
    await shop.run(
        "keeper",
        """
        plugin = Plugin()
        seen = []

        @plugin.on("server_start")
        def go(event):
            count = plugin.storage.get("count", 0)
            plugin.storage.set("count", count + 1)
            seen.append((count, plugin.storage.list(), plugin.storage.delete("nothing")))
            for value in ("x" * 70_000, object()):
                try:
                    plugin.storage.set("big", value)
                except PluginError as error:
                    seen.append(error.code)
        """,
    )
    seen = shop.module("keeper").seen
    assert seen == [(0, {"count": 1}, False), "bad_value", "bad_value"]
    await shop.host.reload("keeper")
    await shop.quiet()
    assert shop.module("keeper").seen[0] == (1, {"count": 2}, False)


async def test_settings_are_written_checked_and_taken_over_while_running(shop: Workshop) -> None:
    await shop.run(
        "greet",
        """
        class Mine(Settings, frozen=True, kw_only=True):
            enabled: bool = False
            text: str = "hi"

        plugin = Plugin(settings=Mine)

        @plugin.on("message_new")
        def answer(event):
            if event.message.by_member:
                plugin.api.send_message("general", plugin.settings.text)
        """,
    )
    host = await shop.house.enter("host")
    assert json.loads(shop.settings_file("greet").read_text()) == {"enabled": False, "text": "hi"}
    assert shop.host.entries()["greet"].running is False
    await host.ask("message_new", channel="general", content="a")
    await shop.configure("greet", enabled=True, text="hey")
    assert shop.host.entries()["greet"].running is True
    host.packets.clear()
    host.send("message_new", channel="general", content="b")
    await shop.quiet()
    assert contents(host.packets) == ["b", "hey"]
    await shop.configure("greet", enabled=True, text=7)
    (notice,) = [packet for packet in host.packets if packet["cmd"] == "error"]
    assert "greet.json: text: Expected `str`, got `int`" in notice["val"]
    assert shop.plugin("greet").settings.text == "hey", "what was good stays"
    assert "text" in (shop.host.entries()["greet"].error or "")
    await shop.configure("greet", enabled=False)
    await shop.until(lambda: not shop.host.runners["greet"].running and shop.host.runners["greet"].loaded is not None)
    host.packets.clear()
    await host.ask("message_new", channel="general", content="c")
    await shop.quiet()
    assert contents(host.packets) == []


async def test_a_plugin_moves_channels_among_all_of_them(shop: Workshop) -> None:
    await shop.run(
        "mover",
        """
        plugin = Plugin()

        @plugin.on("server_start")
        def go(event):
            plugin.api.command("channel_move", name="staff", position=1)
            plugin.api.command("channel_move", name="general", position=1)
        """,
    )
    assert [channel.name for channel in shop.house.world.channels.values()][:2] == ["staff", "general"]


async def test_what_plugins_do_is_in_the_moderation_log_and_never_against_owners(shop: Workshop) -> None:
    await shop.run(
        "cop",
        """
        plugin = Plugin()
        results = []

        @plugin.on("server_start")
        def go(event):
            api = plugin.api
            api.timeout_user("USR:local_ann", 60)
            api.add_role("USR:local_ben", "moderator")
            api.command("channel_create", name="lounge", type="text")
            for act in (lambda: api.ban_user("USR:local_host"), lambda: api.command("nickname_update", nickname="x"),
                        lambda: api.send_message("nowhere", "x"), lambda: api.send_message("general", " ")):
                try:
                    act()
                except PluginError as error:
                    results.append(error.code)
            results.append(sorted(m.name for m in api.users() if "moderator" in m.roles))
            results.append(api.channel("lounge").name)
        """,
    )
    results = shop.module("cop").results
    assert results == [
        "member_above", "unknown_command", "channel_not_found", "message_empty", ["ben", "mod"], "lounge",
    ]  # fmt: skip
    host = await shop.house.enter("host")
    log = await host.one("modlog_get")
    assert {entry["action"] for entry in log["entries"]} >= {"user_timeout", "user_roles_set", "channel_create"}
    assert "plugin:cop" in json.dumps(log["entries"])


async def test_direct_messages_are_no_events(shop: Workshop) -> None:
    await shop.run(
        "spy",
        """
        plugin = Plugin()
        heard = []
        plugin.on("message_new")(lambda event: heard.append(event.message.content))
        """,
    )
    ann = await shop.house.enter("ann")
    await ann.ask("direct_message", user="USR:local_ben", content="secret")
    await ann.ask("message_new", channel="general", content="open")
    await shop.quiet()
    assert shop.module("spy").heard == ["open"]


async def test_slash_call_of_a_plugin_is_listed_answered_and_goes_with_it(shop: Workshop) -> None:
    ann, mod = await shop.house.enter("ann"), await shop.house.enter("mod")
    await shop.run(
        "dice",
        """
        plugin = Plugin(name="Dice")

        @plugin.slash("roll", "Rolls", options=[Option(name="sides", type="int")])
        async def roll(call):
            if call.args["sides"] < 2:
                raise Refuse("A die has two sides at least")
            return f"{call.user.name} rolled {call.args['sides']} in {call.channel}"

        @plugin.slash("whisper", ephemeral=True, roles=["moderator"])
        def whisper(call):
            return "psst"

        plugin.slash("ban")(lambda call: "never")
        """,
    )
    (added,) = [packet for packet in ann.packets if packet["cmd"] == "slash_add"]
    assert [(each["name"], each["registeredBy"]) for each in added["commands"]] == [
        ("roll", "Dice"),
        ("whisper", "Dice"),
    ]
    listed = await ann.one("slash_list")
    assert {"roll", "whisper", "ban"} <= {each["name"] for each in listed["commands"]}

    async def call(who: Guest, command: str, **args: Any) -> dict[str, Any]:
        await shop.quiet()
        ann.packets.clear()
        who.packets.clear()
        who.send("slash_call", channel="general", command=command, args=args)
        await shop.until(lambda: bool(who.packets))
        packet: dict[str, Any] = who.packets[-1]
        return packet

    rolled = (await call(mod, "roll", sides=6))["message"]
    assert rolled["content"] == "mod rolled 6 in general"
    assert rolled["interaction"] == {"command": "roll", "username": "USR:local_mod"}
    await shop.until(lambda: contents(ann.packets) == ["mod rolled 6 in general"])
    assert (await call(ann, "roll", sides=1))["code"] == "plugin_refused"
    assert (await call(ann, "roll", sides="x"))["field"] == "slash_call.args.sides"
    assert (await call(ann, "whisper"))["code"] == "slash_not_allowed"
    assert (await call(mod, "whisper"))["message"]["content"] == "psst"
    await shop.quiet()
    assert ann.packets == [], "others do not see it"
    taken = await call(ann, "nothing")
    assert taken["code"] == "slash_not_found"
    (shop.folder / "dice.py").unlink()
    await shop.host.reload(None)
    await shop.until(lambda: "slash_remove" in ann.names())
    assert "roll" not in {each["name"] for each in (await ann.one("slash_list"))["commands"]}
