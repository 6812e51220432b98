"""Channels: what each member sees, and creating, changing, moving, deleting."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from db.channels import Channel
from db.permissions import CHANNEL_KEYS
from handlers.registry import VIEWS
from tests.handlers.community import empower, to_everyone, told
from tests.handlers.conftest import CHANNELS, EVERYBODY, MODERATORS, Stage, as_json
from tests.support.pictures import PNG, data_uri, picture


@pytest.fixture
def stage(stage: Stage) -> Stage:
    empower(stage, "manage_channels")
    return stage


def names(stage: Stage, person: str) -> list[str]:
    return [channel["name"] for channel in stage.answer(person, "channels_get")["val"]]


def seen(stage: Stage, person: str, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = stage.answer(person, "channels_get")["val"]
    return next(channel for channel in found if channel["name"] == name)


# --- what each sees


def test_channels_get_lists_what_the_caller_may_view_in_order(stage: Stage) -> None:
    assert names(stage, "ann") == ["general", "news", "ideas", "call"]
    assert names(stage, "mod") == ["general", "news", "staff", "ideas", "cabal", "call"]
    assert names(stage, "host") == names(stage, "mod")
    assert names(stage, "guest") == []
    stage.change_user("mod", banned=True)
    assert VIEWS["channels_get"](stage.world, stage.user("mod")) == VIEWS["channels_get"](
        stage.world, stage.user("guest")
    )


def test_channels_get_gives_each_type_what_belongs_to_it(stage: Stage) -> None:
    stage.do("ann", "message_new", channel="general", content="hello")
    newest = stage.answer("ann", "messages_get", channel="general")["messages"][-1]
    stage.do("ann", "thread_create", channel="ideas", name="A thread")
    general, ideas, call = (seen(stage, "ben", name) for name in ("general", "ideas", "call"))
    assert (general["last_message"], general["last_message_id"]) == (newest["timestamp"], newest["id"])
    assert seen(stage, "ben", "news")["last_message"] is None
    assert [thread["name"] for thread in ideas["threads"]] == ["A thread"]
    assert call["voice_state"] == []
    assert "threads" not in general
    assert "last_message" not in ideas
    assert "description" not in general
    assert general["id"] == "c-general"


def test_channels_get_sends_the_further_keys_of_the_admin(stage: Stage) -> None:
    general = stage.world.channels.by_name("general")
    assert general is not None
    stage.world.channels.put(msgspec.structs.replace(general, extra={"mood": ["calm"], "name": "evil"}))
    assert seen(stage, "ann", "general")["mood"] == ["calm"]


def test_channels_get_view_follows_only_roles(stage: Stage) -> None:
    stage.change_user("ben", nickname="B")
    assert VIEWS["channels_get"](stage.world, stage.user("ann")) == VIEWS["channels_get"](
        stage.world, stage.user("ben")
    )


# --- who may


@pytest.mark.parametrize(
    ("cmd", "fields"),
    [
        ("channel_create", {"name": "x", "type": "text"}),
        ("channel_update", {"current_name": "general", "updates": {"display_name": "x"}}),
        ("channel_move", {"name": "general", "position": 1}),
        ("channel_delete", {"name": "general"}),
    ],
)
def test_changes_need_manage_channels_and_are_told_to_everybody(stage: Stage, cmd: str, fields: dict[str, Any]) -> None:
    before = list(stage.world.channels.values())
    assert stage.refused("ann", cmd, **fields).text == "Access denied: 'manage_channels' permission required"
    assert list(stage.world.channels.values()) == before
    outcome = stage.do("mod", cmd, **fields)
    assert to_everyone(outcome) == ["view"]
    assert told(outcome) == [{"view": "channels_get"}]


# --- creating


@pytest.mark.parametrize("type_", ["text", "voice", "forum", "separator"])
def test_channel_create_without_rules_gets_the_default_set(stage: Stage, type_: str) -> None:
    answer = stage.answer("mod", "channel_create", name="new-one", type=type_, description="About")
    assert answer["created"] is True
    assert answer["channel"]["type"] == type_
    assert set(answer["channel"]["permissions"]) == set(CHANNEL_KEYS)
    assert answer["channel"]["permissions"]["view"] == ["owner"]
    assert names(stage, "host")[-1] == "new-one"
    assert "new-one" not in names(stage, "mod")


def test_channel_create_drops_empty_lists_and_keeps_other_keys(stage: Stage) -> None:
    rules = {"view": ["user", "user"], "send": [], "connect": ["user"]}
    stage.do("mod", "channel_create", name="music", type="voice", permissions=rules)
    assert seen(stage, "ann", "music")["permissions"] == {"view": ["user"], "connect": ["user"]}


@pytest.mark.parametrize("name", ["plaudern", "Café_2", "日本語", "हिन्दी", "📢-news", "a", "x" * 64])
def test_channel_create_takes_names_of_any_script(stage: Stage, name: str) -> None:
    assert stage.answer("mod", "channel_create", name=name, type="text")["channel"]["name"] == name


@pytest.mark.parametrize(
    "name",
    ["", " ", "../../x", "a/b", "a\\b", ".", "..", "a.json", "a b", "a\nb", "a\x00", "x" * 65, "a\u202eb", "\u200d"],
)
def test_channel_create_refuses_other_names(stage: Stage, name: str) -> None:
    assert stage.refused("mod", "channel_create", name=name, type="text").code.wire == "bad_channel_name"


def test_channel_create_lets_separators_be_headings(stage: Stage) -> None:
    channel = stage.answer("mod", "channel_create", name="Voice channels", type="separator", size=12)["channel"]
    assert (channel["name"], channel["size"]) == ("Voice channels", 12)
    assert stage.refused("mod", "channel_create", name="b", type="text", size=12).code.wire == "bad_value"


def test_channel_create_refuses_taken_names_and_unknown_types(stage: Stage) -> None:
    assert stage.refused("mod", "channel_create", name="staff", type="text").text == "Channel already exists"
    assert stage.refused("mod", "channel_create", name="x", type="chat").code.wire == "bad_value"


# --- changing


def test_channel_update_renames_and_keeps_history(stage: Stage) -> None:
    stage.do("ann", "message_new", channel="general", content="hello")
    stage.do("ann", "thread_create", channel="ideas", name="A thread")
    answer = stage.answer("mod", "channel_update", current_name="general", updates={"name": "lobby"})
    assert (answer["current_name"], answer["updated"], answer["channel"]["name"]) == ("general", True, "lobby")
    assert answer["channel"]["id"] == "c-general"
    assert [m["content"] for m in stage.answer("ann", "messages_get", channel="lobby")["messages"]] == ["hello"]
    stage.do("mod", "channel_create", name="general", type="text", permissions={"view": ["user"]})
    assert stage.answer("ann", "messages_get", channel="general")["messages"] == []
    stage.do("mod", "channel_update", current_name="ideas", updates={"name": "plans"})
    assert seen(stage, "ann", "plans")["threads"][0]["parent_channel"] == "plans"


def test_channel_update_replaces_rules_whole(stage: Stage) -> None:
    updates = {"permissions": {"view": ["user", "!guest"], "send": [], "x": ["user"]}}
    channel = stage.answer("mod", "channel_update", current_name="general", updates=updates)["channel"]
    assert channel["permissions"] == {"view": ["user", "!guest"], "x": ["user"]}


def test_channel_update_takes_a_channel_away(stage: Stage) -> None:
    stage.do("mod", "channel_update", current_name="general", updates={"permissions": {"view": ["moderator"]}})
    assert "general" not in names(stage, "ann")
    assert "general" in names(stage, "mod")


def test_channel_update_sets_and_clears_what_is_optional(stage: Stage) -> None:
    updates: dict[str, Any] = {
        "display_name": "The lobby", "description": "x", "icon": "https://example.org/i.png", "wallpaper": "",
        "size": 3, "type": "separator",
    }  # fmt: skip
    channel = stage.answer("mod", "channel_update", current_name="GENERAL", updates=updates)["channel"]
    assert {key: channel[key] for key in updates} == updates
    cleared = {key: None for key in updates if key != "type"}
    channel = stage.answer("mod", "channel_update", current_name="general", updates=cleared)["channel"]
    assert not set(cleared) & set(channel)


def test_channel_update_stores_other_keys_as_they_are(stage: Stage) -> None:
    update = {"current_name": "general", "updates": {"mood": {"a": [1, None]}, "topic": "x"}}
    channel = stage.answer("mod", "channel_update", **update)["channel"]
    assert (channel["mood"], channel["topic"]) == ({"a": [1, None]}, "x")
    channel = stage.answer("mod", "channel_update", current_name="general", updates={"mood": None})["channel"]
    assert "mood" not in channel
    assert channel["topic"] == "x"


def test_channel_update_tells_the_viewers_of_another_description_as_the_topic(stage: Stage) -> None:
    update = {"current_name": "general", "updates": {"description": "x", "display_name": "General"}}
    topic, _ = (outcome := stage.do("mod", "channel_update", **update)).events
    assert stage.seen_by(topic) == {"host", "mod", "ann", "ben"}
    by = stage.id("mod")
    assert told(outcome)[0] == {"cmd": "channel_topic", "channel": "general", "topic": "x", "by": by}
    assert to_everyone(outcome) == ["view"]


def test_channel_update_sets_how_much_is_kept(stage: Stage) -> None:
    def update(value: Any) -> dict[str, Any]:
        updates = {"max_history": value}
        return dict(stage.answer("mod", "channel_update", current_name="general", updates=updates)["channel"])

    assert update(100)["max_history"] == 100
    assert "max_history" not in update(None)


@pytest.mark.parametrize(
    ("updates", "code"),
    [
        ({}, "no_updates"),
        ({"name": "staff"}, "channel_exists"),
        ({"name": "a/b"}, "bad_channel_name"),
        ({"name": 5}, "bad_value"),
        ({"name": None}, "bad_value"),
        ({"type": "chat"}, "bad_value"),
        ({"permissions": {"view": "user"}}, "bad_value"),
        ({"permissions": None}, "bad_value"),
        ({"icon": "javascript:alert(1)"}, "bad_value"),
        ({"id": "c-staff"}, "bad_value"),
        ({"key": "sesame"}, "bad_value"),
        ({"secret": True}, "bad_value"),
        ({"operators": []}, "bad_value"),
        ({"max_history": 0}, "bad_value"),
        ({"threads": []}, "bad_value"),
        ({"last_message": 1}, "bad_value"),
        ({"big": "x" * 20_000}, "bad_value"),
    ],
)
def test_channel_update_refuses(stage: Stage, updates: dict[str, Any], code: str) -> None:
    before = list(stage.world.channels.values())
    assert stage.refused("mod", "channel_update", current_name="general", updates=updates).code.wire == code
    assert list(stage.world.channels.values()) == before


def test_channel_update_names_the_wrong_field(stage: Stage) -> None:
    refusal = stage.refused("mod", "channel_update", current_name="general", updates={"permissions": {"view": [5]}})
    assert refusal.text.startswith("channel_update.updates.permissions")
    assert stage.refused("mod", "channel_update", current_name="x", updates={"size": 1}).text == "Channel not found"


# --- moving and deleting


@pytest.mark.parametrize(("position", "place"), [(0, 0), (2, 2), (5, 5), (99, 5)])
def test_channel_move_counts_without_the_channel(stage: Stage, position: int, place: int) -> None:
    answer = stage.answer("mod", "channel_move", name="news", position=position)
    assert answer == {"cmd": "channel_move", "name": "news", "position": place, "moved": True}
    assert names(stage, "mod").index("news") == place


@pytest.mark.parametrize(("name", "position"), [("news", 1), ("call", 5), ("call", 99)])
def test_channel_move_to_its_own_place_is_told_to_nobody(stage: Stage, name: str, position: int) -> None:
    outcome = stage.do("mod", "channel_move", name=name, position=position)
    assert outcome.events == []
    answer = stage.answer("mod", "channel_move", name=name, position=position)
    assert answer == {"cmd": "channel_move", "name": name, "position": min(position, 5), "moved": True}


def test_channel_update_that_changes_nothing_is_told_to_nobody(stage: Stage) -> None:
    stage.do("mod", "channel_update", current_name="general", updates={"mood": 1, "description": "x"})
    general = stage.world.channels.by_name("general")
    assert general is not None
    rules = {key: list(general.permissions[key]) for key in sorted(general.permissions)}
    updates = {"name": "general", "description": "x", "icon": None, "mood": 1, "nothing": None, "permissions": rules}
    outcome = stage.do("mod", "channel_update", current_name="general", updates=updates)
    assert outcome.events == []
    assert stage.answer("mod", "channel_update", current_name="general", updates=updates)["updated"] is True
    assert to_everyone(stage.do("mod", "channel_update", current_name="general", updates={"mood": True})) == ["view"]


@given(
    viewed=st.sets(st.sampled_from([channel.id for channel in CHANNELS])),
    moved=st.sampled_from(CHANNELS),
    position=st.integers(0, 8),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_channel_move_counts_the_channels_that_the_mover_sees(
    stage: Stage, viewed: set[str], moved: Channel, position: int
) -> None:
    world = stage.world
    for channel in CHANNELS:
        world.channels.put(
            msgspec.structs.replace(channel, permissions=EVERYBODY if channel.id in viewed else MODERATORS)
        )
    empower(stage, "manage_channels", role="user")
    mine = {*viewed, moved.id}
    before = [channel.id for channel in world.channels.values()]
    others = [id_ for id_ in before if id_ in viewed and id_ != moved.id]
    place, before_place = min(position, len(others)), [id_ for id_ in before if id_ in mine].index(moved.id)
    answer = stage.answer("ann", "channel_move", name=moved.name, position=position)
    after = [channel.id for channel in world.channels.values()]
    assert answer["position"] == place
    assert [id_ for id_ in after if id_ in mine] == [*others[:place], moved.id, *others[place:]]
    if before_place == place:
        assert after == before
    assert [id_ for id_ in after if id_ != moved.id] == [id_ for id_ in before if id_ != moved.id]


def test_channel_move_refuses(stage: Stage) -> None:
    assert stage.refused("mod", "channel_move", name="nothing", position=0).code.wire == "channel_not_found"
    assert stage.refused("mod", "channel_move", name="news", position=-1).code.wire == "bad_value"
    assert stage.refused("mod", "channel_move", name="news", position=True).code.wire == "bad_value"


def test_channel_delete_takes_messages_and_threads_along(stage: Stage) -> None:
    stage.do("ann", "message_new", channel="general", content="hello")
    thread = stage.answer("ann", "thread_create", channel="ideas", name="A thread")["thread"]
    assert stage.answer("mod", "channel_delete", name="General") == {
        "cmd": "channel_delete", "name": "general", "deleted": True,
    }  # fmt: skip
    stage.do("mod", "channel_delete", name="ideas")
    assert names(stage, "ann") == ["news", "call"]
    assert stage.world.threads.get(thread["id"]) is None
    assert stage.refused("ann", "thread_get", thread_id=thread["id"]).code.wire == "thread_not_found"
    tx = stage.world.store.begin()
    assert tx.messages.count("c-general") == 0
    assert tx.threads.all() == []
    tx.rollback()
    assert stage.refused("mod", "channel_delete", name="general").text == "Channel not found"


def test_channel_delete_leaves_nothing_to_a_channel_of_the_same_name(stage: Stage) -> None:
    stage.do("ann", "message_new", channel="general", content="hello")
    stage.do("mod", "channel_delete", name="general")
    stage.do("mod", "channel_create", name="general", type="text", permissions={"view": ["user"]})
    channel = seen(stage, "ann", "general")
    assert channel["last_message"] is None
    assert channel["id"] != "c-general"
    assert as_json(VIEWS["channels_get"](stage.world, stage.user("ann")))["val"][-1] == channel


# --- icons


def icon_file(stage: Stage) -> str | None:
    channel = stage.world.channels.by_name("general")
    assert channel is not None
    return channel.icon


def test_channel_icon_upload_keeps_a_square_and_tells_its_address(stage: Stage) -> None:
    outcome = stage.do(
        "host", "channel_icon_upload", channel="general", image=data_uri(picture("blue", size=(700, 400)))
    )
    name = icon_file(stage)
    url = f"http://127.0.0.1:5613/server-assets/{name}"
    assert as_json(outcome.reply) == {"cmd": "channel_icon_upload", "channel": "general", "icon": url}
    assert told(outcome) == [{"view": "channels_get"}]
    assert [entry.details for entry in outcome.audit] == [{"icon": name}]
    assert seen(stage, "ben", "general")["icon"] == url
    with Image.open(stage.world.asset_pictures.folder / str(name)) as kept:
        assert kept.size == (256, 256)


def test_channel_icon_upload_replaces_the_earlier_picture(stage: Stage) -> None:
    pictures = stage.world.asset_pictures
    for _ in range(2):
        url = stage.answer("host", "channel_icon_upload", channel="general", image=PNG)["icon"]
    pictures.wait()
    name = icon_file(stage)
    assert [file.name for file in pictures.folder.iterdir()] == [name]
    stage.do("host", "channel_update", current_name="general", updates={"icon": url, "description": "x"})
    assert icon_file(stage) == name, "what was told is taken back for what it is"
    stage.do("host", "channel_update", current_name="general", updates={"icon": None})
    pictures.wait()
    assert list(pictures.folder.iterdir()) == []


def test_the_icon_of_a_channel_goes_with_it(stage: Stage) -> None:
    stage.do("host", "channel_icon_upload", channel="general", image=PNG)
    stage.do("host", "channel_delete", name="general")
    stage.world.asset_pictures.wait()
    assert list(stage.world.asset_pictures.folder.iterdir()) == []


def test_channel_icon_upload_refusals(stage: Stage) -> None:
    assert stage.refused("ann", "channel_icon_upload", channel="general", image=PNG).code.wire == "permission_required"
    assert stage.refused("host", "channel_icon_upload", channel="nowhere", image=PNG).code.wire == "channel_not_found"
    assert stage.refused("host", "channel_icon_upload", channel="general", image=PNG[:-40]).code.wire == "bad_value"
    assert icon_file(stage) is None
