"""The plugins that come with the server: welcome, automod, bridge."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbound import Answer, OutboundError, RefusedAddress
from tests.plugin_host.conftest import Workshop
from tests.plugin_host.test_typed import contents, refusals

pytestmark = pytest.mark.anyio
SHIPPED = Path(__file__).resolve().parents[2] / "plugins"


async def ship(shop: Workshop, stem: str, **settings: Any) -> Any:
    """Put one in place, switched on; gives what its file defines."""
    shutil.copy(SHIPPED / f"{stem}.py", shop.folder)
    await shop.start()
    assert shop.host.entries()[stem].running is False, "off until the host says otherwise"
    await shop.configure(stem, enabled=True, **settings)
    assert shop.host.entries()[stem].error is None
    assert shop.host.entries()[stem].running is True
    return shop.module(stem)


async def test_all_are_there_and_off(shop: Workshop) -> None:
    for path in SHIPPED.glob("*.py"):
        shutil.copy(path, shop.folder)
    await shop.start()
    entries = shop.host.entries()
    assert list(entries) == ["automod", "bridge", "welcome"]
    assert [(entry.enabled, entry.running, entry.error) for entry in entries.values()] == [(False, False, None)] * 3
    assert shop.house.world.filters == [], "what is off costs nothing"


async def test_welcome_greets_each_member_once(shop: Workshop) -> None:
    await ship(shop, "welcome", message="Hi {username}, have a look around")
    host = await shop.house.enter("host")
    for name in ("zoe", "yan"):
        guest = shop.house.guest(f"198.51.100.{len(name)}")
        guest.send("register", username=name, password="correct horse")
        await shop.until(lambda name=name: f"Hi {name}, have a look around" in contents(host.packets))  # type: ignore[misc]
        guest.lose()
        await shop.house.enter(name)
    await shop.quiet()
    assert contents(host.packets) == ["Hi zoe, have a look around", "Hi yan, have a look around"]


async def test_welcome_greets_who_comes_online_once_a_day_if_wanted(shop: Workshop) -> None:
    await ship(shop, "welcome", message="Hi {username}", first_time_only=False)
    host = await shop.house.enter("host")
    for _ in range(2):
        ann = await shop.house.enter("ann")
        await shop.until(lambda: "Hi ann" in contents(host.packets))
        ann.lose()
        await shop.quiet()
    assert contents(host.packets).count("Hi ann") == 1
    shop.house.clock.now += 86_400
    await shop.house.enter("ann")
    await shop.until(lambda: contents(host.packets).count("Hi ann") == 2)


async def test_automod_refuses_before_anybody_sees_it(shop: Workshop) -> None:
    await ship(
        shop,
        "automod",
        words=["darn", "foo*bar", "two words"],
        link_hosts=["example.org"],
        max_links=2,
        max_mentions=1,
        log_channel="staff",
    )
    ann, ben, mod = [await shop.house.enter(name) for name in ("ann", "ben", "mod")]
    bad = [
        "oh DARN it", "fooXbar", "Two  Words", "see https://evil.example/x", "https://example.org.evil.net",
        "https://example.org@evil.net/", "https://a.example.org " * 3, "@aa @bb",
    ]  # fmt: skip
    good = ["darning", "foo bar", "see https://www.example.org/x?y", "https://example.org:443/", "@aa"]
    for text in [*bad, *good]:
        ann.send("message_new", channel="general", content=text)
    await shop.until(lambda: len(contents(ben.packets)) == len(good))
    await shop.quiet()
    assert contents(ben.packets) == good
    assert refusals(ann, "message_new") == ["plugin_refused"] * len(bad)
    assert sum(text.startswith("Automod kept a message of ann out of #general") for text in contents(mod.packets)) == 1
    mod.send("message_new", channel="general", content="darn")
    await shop.until(lambda: contents(ben.packets)[-1] == "darn")
    ann.send("direct_message", user="USR:local_ben", content="darn")
    await shop.until(lambda: refusals(ann, "direct_message") == ["plugin_refused"])


async def test_automod_looks_at_everything_that_others_will_read_by_whichever_way(shop: Workshop) -> None:
    await ship(shop, "automod", words=["darn"], log_channel="staff")
    ann, mod = await shop.house.enter("ann"), await shop.house.enter("mod")
    zoe = shop.house.guest(path="/rooms")
    sent: list[dict[str, Any]] = [
        {"cmd": "poll_create", "channel": "general", "question": "q", "options": ["darn", "b"]},
        {"cmd": "nickname_update", "nickname": "darn"},
        {"cmd": "status_set", "status": "dnd", "text": "darn"},
        {"cmd": "channel_topic_set", "channel": "general", "topic": "darn"},
        {"cmd": "slash_call", "channel": "general", "command": "nick", "args": {"nickname": "darn"}},
        {"cmd": "message_new", "channel": "general", "content": "x", "embeds": [{"title": "darn"}]},
    ]
    ann.together(*sent)
    for name in {each["cmd"] for each in sent}:
        await shop.until(lambda name=name: refusals(ann, name) == ["plugin_refused"])  # type: ignore[misc]
    assert [text for text in contents(mod.packets) if "poll" in text] == [
        "Automod kept a poll of ann out of #general: it has a word that is not wanted"
    ]
    body = {"sender_username": "zoe", "room": "general"}
    zoe.send_raw(json.dumps({"message_type": "Enter", "message_body": body}).encode())
    await shop.quiet()
    zoe.send_raw(json.dumps({"message_type": "GroupChat", "message_body": {"content": "darn"}}).encode())
    await shop.until(lambda: zoe.packets[-1]["message_type"] == "Error")
    assert zoe.packets[-1]["message_body"]["code"] == "plugin_refused"
    assert [text for text in contents(ann.packets) if "darn" in text] == []


async def test_automod_mutes_who_is_refused_if_wanted(shop: Workshop) -> None:
    await ship(shop, "automod", words=["darn"], timeout_s=60)
    ann = await shop.house.enter("ann")
    ann.send("message_new", channel="general", content="darn")
    await shop.until(lambda: refusals(ann, "message_new") == ["plugin_refused"])
    ann.send("message_new", channel="general", content="fine")
    await shop.until(lambda: refusals(ann, "message_new") == ["plugin_refused", "rate_limit"])


async def test_automod_brakes_a_raid(shop: Workshop) -> None:
    raid = {"joins": 0, "same_messages": 3, "window_s": 60}
    await ship(shop, "automod", raid=raid, log_channel="staff")
    ben, mod = await shop.house.enter("ben"), await shop.house.enter("mod")
    new = []
    for number in range(4):
        guest = shop.house.guest(f"198.51.100.{number}")
        guest.send("register", username=f"new{number}", password="correct horse")
        await shop.quiet()
        new.append(guest)
    for guest in new:
        guest.send("message_new", channel="general", content="Buy  NOW")
        await shop.quiet()
    await shop.until(lambda: refusals(new[3], "message_new") == ["plugin_refused"])
    assert len(contents(ben.packets)) == 2, "the third starts the brake"
    assert any(text.startswith("This looks like a raid: 3 new members") for text in contents(mod.packets))
    assert "rate_limit" in new[2].names()
    ben.send("message_new", channel="general", content="what is this?")
    await shop.until(lambda: contents(ben.packets)[-1] == "what is this?")


async def test_automod_brakes_a_flood_of_joins(shop: Workshop) -> None:
    await ship(shop, "automod", raid={"joins": 3, "window_s": 60}, log_channel="staff")
    mod = await shop.house.enter("mod")
    new = []
    for number in range(3):
        guest = shop.house.guest(f"198.51.100.{number}")
        guest.send("register", username=f"new{number}", password="correct horse")
        await shop.quiet()
        new.append(guest)
    await shop.until(lambda: any("3 members joined" in text for text in contents(mod.packets)))
    new[0].send("message_new", channel="general", content="hello")
    await shop.until(lambda: refusals(new[0], "message_new") == ["plugin_refused"])


@pytest.fixture(scope="module")
def automod() -> Any:
    from plugin_host import loading

    return loading.load(SHIPPED / "automod.py", "automod_alone", {})


@given(st.text(alphabet="ab", max_size=8), st.lists(st.text(alphabet="ab", max_size=3), min_size=2, max_size=4))
def test_wildcards_fit_as_shell_patterns_do(automod: Any, word: str, parts: list[str]) -> None:
    from fnmatch import fnmatchcase

    assert automod.matches(word, parts) == fnmatchcase(word, "*".join(parts))


def test_a_long_list_and_a_long_text_take_no_time(automod: Any) -> None:
    words = [f"{'ab' * 10}*{number}*z" for number in range(2000)]
    began = time.perf_counter()
    assert not automod.contains_word("ab" * 1000 + " " + "abab " * 400, words)
    assert time.perf_counter() - began < 10, "without the limit it takes hours"


class OtherSide:
    """In place of the client for other addresses."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers)
        self.bodies: list[dict[str, Any]] = []

    def request(self, method: str, url: str, *, body: bytes, **rest: Any) -> Answer:
        self.bodies.append({"url": url, **json.loads(body)})
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, Exception):
            raise answer
        return Answer(answer, {}, b"", url)


async def test_bridge_mirrors_in_order_what_members_write_and_nothing_else(shop: Workshop) -> None:
    url = "https://example.org/hook"
    module = await ship(shop, "bridge", channels={"general": url})
    module.FIRST_PAUSE_S = 0.001
    other = module.outbound = OtherSide(500, OutboundError("down"), 204, 429)
    ann, mod = await shop.house.enter("ann"), await shop.house.enter("mod")
    ann.send("message_new", channel="general", content="one @everyone")
    await shop.until(lambda: len(other.bodies) == 3)
    await ann.ask("message_new", channel="general", content="two")
    await shop.until(lambda: len(other.bodies) == 5)
    assert [body["content"] for body in other.bodies] == ["one @everyone"] * 3 + ["two"] * 2
    assert other.bodies[0] == {
        "url": url, "content": "one @everyone", "username": "ann", "allowed_mentions": {"parse": []},
    }  # fmt: skip
    await mod.ask("message_new", channel="staff", content="not this")
    shop.write(
        "echo",
        """
        plugin = Plugin()
        plugin.on("server_start")(lambda event: plugin.api.send_message("general", "from a plugin", name="Elsewhere"))
        """,
    )
    await shop.host.reload("echo")
    await shop.quiet()
    await shop.until(lambda: "from a plugin" in contents(ann.packets))
    await ann.ask("message_new", channel="general", content="three")
    await shop.until(lambda: other.bodies[-1]["content"] == "three")
    assert len(other.bodies) == 6, "what comes from a webhook or a plugin does not go back"


async def test_bridge_gives_up_in_the_end_and_goes_on_with_the_next(shop: Workshop) -> None:
    module = await ship(shop, "bridge", channels={"general": "https://example.org/hook"}, tries=2)
    module.FIRST_PAUSE_S = 0.001
    other = module.outbound = OtherSide(500, 500, RefusedAddress("not public"), 204)
    ann = await shop.house.enter("ann")
    for text in ("one", "two", "three"):
        await ann.ask("message_new", channel="general", content=text)
    await shop.until(lambda: len(other.bodies) == 4)
    assert [body["content"] for body in other.bodies] == ["one", "one", "two", "three"]


async def test_bridge_settings_name_a_wrong_url(shop: Workshop) -> None:
    await ship(shop, "bridge", channels={"general": "https://example.org/hook"})
    await shop.configure("bridge", enabled=True, channels={"general": "ftp://x"})
    assert "bridge.json: channels" in (shop.host.entries()["bridge"].error or "")
    assert msgspec.to_builtins(shop.plugin("bridge").settings)["channels"] == {"general": "https://example.org/hook"}
