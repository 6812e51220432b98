"""channel_audience: whom rules let in, before they are saved."""

from __future__ import annotations

from protocol.errors import Code
from tests.handlers.community import add_user, empower
from tests.handlers.conftest import Stage


def usernames(stage: Stage, *names: str) -> list[str]:
    return [stage.id(name) for name in names]


def test_channel_audience_of_a_channel_as_it_is(stage: Stage) -> None:
    answer = stage.answer("host", "channel_audience", channel="news")
    everybody = usernames(stage, "ann", "ben", "host", "mod")
    assert answer["view"] == {"members": 4, "names": everybody, "roles": ["owner", "admin", "user"]}
    staff = usernames(stage, "host", "mod")
    assert answer["send"]["names"] == staff


def test_channel_audience_of_a_draft_changes_nothing(stage: Stage) -> None:
    before = stage.world.channels.by_name("general")
    rules = {"view": ["moderator"], "send": ["user"]}
    answer = stage.answer("host", "channel_audience", channel="general", permissions=rules)
    assert answer["view"]["names"] == usernames(stage, "host", "mod")
    assert answer["send"]["names"] == usernames(stage, "host", "mod"), "who cannot view cannot send"
    assert answer["send"]["roles"] == ["owner", "admin"]
    assert stage.world.channels.by_name("general") is before
    new = stage.answer("host", "channel_audience", permissions={"view": ["user", "!moderator"]})
    assert new["view"]["names"] == usernames(stage, "ann", "ben", "host")
    assert new["send"]["names"] == usernames(stage, "host")


def test_channel_audience_leaves_banned_members_out_and_names_fifty(stage: Stage) -> None:
    stage.change_user("ann", banned=True)
    for number in range(60):
        add_user(stage, f"member{number:02}", "user")
    view = stage.answer("host", "channel_audience", channel="general")["view"]
    assert (view["members"], len(view["names"])) == (63, 50)
    assert stage.id("ann") not in view["names"]


def test_channel_audience_is_for_those_who_manage_channels(stage: Stage) -> None:
    assert stage.refused("ann", "channel_audience", channel="general").fields["permission"] == "manage_channels"
    empower(stage, "manage_channels")
    assert stage.refused("mod", "channel_audience", channel="nowhere").code is Code.CHANNEL_NOT_FOUND
    assert stage.refused("mod", "channel_audience").code is Code.NO_UPDATES
