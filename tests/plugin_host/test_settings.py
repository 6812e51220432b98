"""plugin_settings_get and plugin_settings_update: settings of plugins as forms, and changes that are whole or none."""

from __future__ import annotations

import json
from typing import Any

import hypothesis
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_api import Settings
from plugin_host import settings_form
from tests.plugin_host.conftest import Workshop
from tests.plugin_host.test_switching import ask
from tests.support.house import Guest, House

pytestmark = pytest.mark.anyio

PLUGIN = """
from typing import Annotated, Literal
from msgspec import Meta, Struct

class Limit(Struct, frozen=True, forbid_unknown_fields=True):
    joins: Annotated[int, Meta(ge=0, le=100), about("Joins", "So many.", unit="people")] = 20
    window_s: float = 60

class Mine(Settings, frozen=True, kw_only=True):
    greeting: Annotated[str, Meta(min_length=1, max_length=20)] = "hello"
    channel: Annotated[str | None, about("Where", suggest="channel")] = "general"
    tone: Literal["warm", "cold"] = "warm"
    loud: bool = False
    words: Annotated[tuple[Annotated[str, Meta(max_length=5)], ...], Meta(max_length=3)] = ()
    hooks: Annotated[dict[str, Annotated[str, Meta(pattern="^https://"), about(secret=True)]], Meta(max_length=2)] = {}
    token: Annotated[str, about("Token", secret=True)] = ""
    limit: Annotated[Limit, about("Limits", "Of joins.")] = Limit()
    odd: dict[str, list[int]] = {}

plugin = Plugin(name="Greeter", settings=Mine)

@plugin.slash("greet", "Greet")
def greet(call):
    return plugin.settings.greeting
"""


@pytest.fixture
async def host(house: House, shop: Workshop) -> Guest:
    await shop.run("greeter", PLUGIN)
    return await house.enter("host")


async def update(shop: Workshop, guest: Guest, **changes: Any) -> dict[str, Any]:
    named = {key.replace("__", "."): value for key, value in changes.items()}
    return await ask(shop, guest, "plugin_settings_update", plugin="greeter", changes=named)


async def fields(shop: Workshop, guest: Guest) -> dict[str, dict[str, Any]]:
    answer = await ask(shop, guest, "plugin_settings_get", plugin="greeter")
    return {entry["key"]: entry for entry in answer["settings"]}


async def test_plugin_settings_get_tells_all_that_a_form_needs(shop: Workshop, host: Guest) -> None:
    answer = await ask(shop, host, "plugin_settings_get", plugin="greeter")
    assert answer["sections"] == {"limit": ["Limits", "Of joins."]}
    found = {entry.pop("key"): entry for entry in answer["settings"]}
    common = {"description": "", "nullable": False, "secret": False}
    assert found == {
        "greeting": common
        | {"title": "Greeting", "type": "text", "min_length": 1, "max_length": 20, "default": "hello",
           "value": "hello"},
        "channel": common
        | {"title": "Where", "type": "text", "nullable": True, "suggest": "channel", "default": "general",
           "value": "general"},
        "tone": common
        | {"title": "Tone", "type": "choice", "choices": ["cold", "warm"], "default": "warm", "value": "warm"},
        "loud": common | {"title": "Loud", "type": "boolean", "default": False, "value": False},
        "words": common
        | {"title": "Words", "type": "list", "max_length": 5, "max_items": 3, "default": [], "value": []},
        "hooks": common
        | {"title": "Hooks", "type": "table", "pattern": "^https://", "max_items": 2, "secret": True, "default": None,
           "value": {}, "is_set": False},
        "token": common
        | {"title": "Token", "type": "text", "secret": True, "default": None, "value": None, "is_set": False},
        "limit.joins": common
        | {"title": "Joins", "description": "So many.", "type": "integer", "minimum": 0, "maximum": 100,
           "unit": "people", "default": 20, "value": 20},
        "limit.window_s": common | {"title": "Window s", "type": "number", "default": 60, "value": 60},
        "odd": common | {"title": "Odd", "type": "other", "default": {}, "value": {}},
    }  # fmt: skip


async def test_plugin_settings_update_is_written_told_logged_and_used_at_once(shop: Workshop, host: Guest) -> None:
    file = shop.settings_file("greeter")
    file.write_text(json.dumps({"enabled": True, "loud": True}))
    answer = await update(shop, host, greeting="hi", limit__joins=5, words=["a", "b"], channel=None)
    assert sorted(answer["changed"]) == ["channel", "greeting", "limit.joins", "words"]
    assert {entry["key"]: entry["value"] for entry in answer["settings"]}["limit.joins"] == 5
    assert json.loads(file.read_text()) == {
        "enabled": True, "loud": True, "greeting": "hi", "limit": {"joins": 5}, "words": ["a", "b"], "channel": None,
    }  # fmt: skip
    assert shop.plugin("greeter").settings.greeting == "hi"
    assert shop.host.runners["greeter"].running

    back = await update(shop, host, greeting=None)  # the default
    assert back["changed"] == ["greeting"]
    assert "greeting" not in json.loads(file.read_text())
    entries = (await host.one("modlog_get", action="plugin_settings_update"))["entries"]
    assert entries[0]["details"] == {"plugin": "greeter", "changes": {"greeting": "hello"}}
    assert entries[0]["before"] == {"changes": {"greeting": "hi"}}
    assert entries[1]["before"]["changes"] == {
        "words": [], "greeting": "hello", "limit.joins": 20, "channel": "general",
    }  # fmt: skip
    assert (await update(shop, host, greeting="hello"))["changed"] == []
    assert (await host.one("modlog_get", action="plugin_settings_update"))["total"] == 2


async def test_plugin_settings_update_never_tells_secrets(shop: Workshop, host: Guest) -> None:
    secret = "https://example.org/very-secret"
    answer = await update(shop, host, hooks={"a": secret, "b": f"{secret}/b"}, token="s3cret")
    assert sorted(answer["changed"]) == ["hooks", "token"]
    found = await fields(shop, host)
    assert (found["hooks"]["value"], found["hooks"]["is_set"]) == ({"a": None, "b": None}, True)
    assert (found["token"]["value"], found["token"]["is_set"]) == (None, True)
    log = await host.one("modlog_get", action="plugin_settings_update")
    listed = await host.one("plugins_list")
    for told in (answer, found, log, listed):
        assert "very-secret" not in json.dumps(told)
        assert "s3cret" not in json.dumps(told)
    assert log["entries"][0]["details"]["secrets"] == ["hooks", "token"]

    # an entry that is not told can be kept, and the one beside it removed
    await update(shop, host, hooks={"a": None})
    assert shop.plugin("greeter").settings.hooks == {"a": secret}
    broken = await update(shop, host, hooks={"a": None, "new": None})
    assert (broken["code"], broken["field"]) == ("bad_value", "changes.hooks[new]")
    assert (await update(shop, host, token=None))["changed"] == ["token"]
    assert (await fields(shop, host))["token"]["is_set"] is False


@pytest.mark.parametrize(
    ("changes", "field", "wanted"),
    [
        ({"greeting": "x" * 21}, "changes.greeting", "text of 1 to 20 characters"),
        ({"greeting": 7}, "changes.greeting", "text of 1 to 20 characters"),
        ({"limit.joins": 101}, "changes.limit.joins", "a whole number from 0 to 100 (people)"),
        ({"words": ["a", "toolong"]}, "changes.words[1]", "text of at most 5 characters"),
        ({"words": list("abcd")}, "changes.words", "at most 3 entries"),
        ({"hooks": {"a": "https://x", "b": "http://x"}}, "changes.hooks[b]", "^https://"),
        ({"tone": "shrill"}, "changes.tone", 'one of "cold", "warm"'),
        ({"greetings": "x"}, "changes.greetings", "did you mean greeting?"),
        ({"enabled": False}, "changes.enabled", "no such setting"),
        ({"odd": {"a": ["x"]}}, "changes.odd[...][0]", "Expected `int`"),
        ({"loud": "x" * 65_600}, "changes.loud", "at most 65536 bytes"),
    ],
)
async def test_plugin_settings_update_refuses_all_when_one_is_wrong(
    shop: Workshop, host: Guest, changes: dict[str, Any], field: str, wanted: str
) -> None:
    before = shop.settings_file("greeter").read_text()
    answer = await update(shop, host, **{"limit.window_s": 5, **changes})
    assert (answer["code"], answer["field"]) == ("bad_value", field)
    assert wanted in answer["val"]
    assert shop.settings_file("greeter").read_text() == before
    assert (await fields(shop, host))["limit.window_s"]["value"] == 60


async def test_plugins_list_tells_no_default_of_what_is_secret(house: House, shop: Workshop) -> None:
    source = PLUGIN.replace('about("Token", secret=True)] = ""', 'about("Token", secret=True)] = "s3cret"')
    await shop.run("greeter", source)
    host = await house.enter("host")
    listed = (await host.one("plugins_list"))["plugins"]["greeter"]["settings"]["$defs"]["Mine"]["properties"]
    assert "s3cret" not in json.dumps(listed)
    assert (listed["token"]["writeOnly"], listed["greeting"]["default"]) == (True, "hello")


async def test_plugin_settings_update_refuses_what_it_cannot_change(house: House, shop: Workshop, host: Guest) -> None:
    mod = await house.enter("mod")
    assert (await update(shop, mod, greeting="x"))["code"] == "permission_required"
    assert (await ask(shop, mod, "plugin_settings_get", plugin="greeter"))["code"] == "permission_required"
    assert (await update(shop, host))["code"] == "no_updates"
    for cmd in ("plugin_settings_get", "plugin_settings_update"):
        assert (await ask(shop, host, cmd, plugin="nothing", changes={"a": 1}))["code"] == "plugin_not_found"
    file = shop.settings_file("greeter")
    file.write_text("{ broken")
    broken = await update(shop, host, greeting="x")
    assert broken["code"] == "plugin_settings_not_changed"
    assert file.read_text() == "{ broken"


async def test_a_mistake_in_the_file_is_named_and_a_change_of_that_setting_mends_it(
    shop: Workshop, host: Guest
) -> None:
    file = shop.settings_file("greeter")
    file.write_text(json.dumps({"loud": "yes", "tone": "warm"}))
    other = await update(shop, host, greeting="hey")
    assert other["code"] == "plugin_settings_not_changed"
    assert "greeter.json: loud: Expected `bool`" in other["val"]
    assert (await update(shop, host, loud=True))["changed"] == ["loud"]
    assert json.loads(file.read_text()) == {"loud": True, "tone": "warm"}


async def test_a_hand_edit_is_what_plugin_settings_get_tells_next(shop: Workshop, host: Guest) -> None:
    await shop.configure("greeter", greeting="by hand")
    assert (await fields(shop, host))["greeting"]["value"] == "by hand"


async def test_whoever_may_change_settings_hears_of_each_change_of_them(
    house: House, shop: Workshop, host: Guest
) -> None:
    other, ann = await house.enter("host"), await house.enter("ann")
    await update(shop, host, greeting="by command")
    await shop.configure("greeter", greeting="by hand")
    await shop.configure("greeter", greeting="by hand")
    for guest, times in ((other, 2), (ann, 0)):
        told = [packet for packet in guest.packets if packet["cmd"] == "plugin_settings_changed"]
        assert told == [{"cmd": "plugin_settings_changed", "plugin": "greeter"}] * times


async def test_settings_of_a_plugin_that_is_off_are_kept_for_when_it_is_on(shop: Workshop, host: Guest) -> None:
    await ask(shop, host, "plugin_set_enabled", plugin="greeter", enabled=False)
    await update(shop, host, greeting="later")
    assert not shop.host.runners["greeter"].running
    on = await ask(shop, host, "plugin_set_enabled", plugin="greeter", enabled=True)
    assert on["entry"]["running"]
    assert shop.plugin("greeter").settings.greeting == "later"


async def test_a_plugin_for_upstreams_interface_has_no_settings_here(house: House, shop: Workshop) -> None:
    code = "def getInfo():\n    return {'name': 'Old', 'description': '', 'handles': []}\n"
    await shop.run("old", code, head="")
    host = await house.enter("host")
    assert (await ask(shop, host, "plugin_settings_get", plugin="old"))["settings"] == []
    answer = await ask(shop, host, "plugin_settings_update", plugin="old", changes={"a": 1})
    assert answer["code"] == "plugin_settings_not_changed"


class Plain(Settings, frozen=True, kw_only=True):
    number: int = 1
    names: tuple[str, ...] = ()
    more: dict[str, str] = msgspec.field(default_factory=dict)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@hypothesis.settings(deadline=None)
@given(document=st.dictionaries(st.sampled_from(["number", "names", "more", "x"]), JSON, max_size=4),
       changes=st.dictionaries(st.sampled_from(["number", "names", "more"]), JSON, min_size=1, max_size=3))  # fmt: skip
def test_changes_touch_nothing_but_their_settings(document: dict[str, Any], changes: dict[str, Any]) -> None:
    after = settings_form.changed(settings_form.form(Plain), document, changes)
    assert {key: after[key] for key in after if key not in changes} == {
        key: document[key] for key in document if key not in changes
    }
    assert {key: after.get(key) for key in changes} == changes
