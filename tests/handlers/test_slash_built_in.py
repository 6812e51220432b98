"""The slash commands of the server: they do what the ordinary commands do, under the same rules, and say so."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.outcome import Outcome
from handlers.posting import SERVER_AUTHOR
from handlers.slash_built_in import BUILT_INS, MAX_REASON
from protocol.audience import OneSession, Viewers
from protocol.errors import Code
from tests.handlers.community import closed, empower, told
from tests.handlers.conftest import Clock, Stage, as_json


def call(stage: Stage, name: str, command: str, /, **args: Any) -> Outcome:
    return stage.do(name, "slash_call", channel="general", command=command, args=args)


def refused(stage: Stage, name: str, command: str, /, **args: Any) -> Code:
    return stage.refused(name, "slash_call", channel="general", command=command, args=args).code


def said(outcome: Outcome) -> str:
    """The text of the message that answers, which is the first event."""
    packet = told(outcome)[0]
    assert packet["cmd"] == "message_new"
    text: str = packet["message"]["content"]
    return text


def entries(outcome: Outcome) -> list[tuple[str, str | None, dict[str, Any]]]:
    """What the moderation log says: action, name of the target, details."""
    return [(entry.action, entry.target_name, entry.details) for entry in outcome.audit]


@pytest.fixture
def staff(stage: Stage) -> Stage:
    """`mod` manages members, roles and channels."""
    empower(stage, "manage_users", "manage_roles", "manage_channels")
    return stage


def test_slash_call_of_a_built_in_is_answered_by_a_public_message_of_the_server(stage: Stage) -> None:
    outcome = call(stage, "ann", "nick", nickname="Ännchen")
    message = told(outcome)[0]
    assert outcome.reply is None
    assert outcome.events[0].audience == Viewers("c-general")
    assert (message["cmd"], message["channel"], message["global"]) == ("message_new", "general", True)
    assert message["message"]["user"] == SERVER_AUTHOR
    assert message["message"]["interaction"] == {"command": "nick", "username": stage.id("ann")}
    assert told(outcome)[1] == {
        "cmd": "nickname_update", "user": stage.id("ann"), "username": stage.id("ann"), "nickname": "Ännchen",
    }  # fmt: skip
    (stored,) = stage.answer("ben", "messages_get", channel="general")["messages"]
    assert (stored["content"], stored["user"]) == (f"{stage.id('ann')} is now known as Ännchen", SERVER_AUTHOR)


def test_nick_without_a_name_removes_it_and_a_long_one_is_refused(stage: Stage) -> None:
    stage.change_user("ann", nickname="A")
    assert told(call(stage, "ann", "nick"))[1]["cmd"] == "nickname_remove"
    assert stage.user("ann").nickname is None
    assert refused(stage, "ann", "nick", nickname="x" * 21) is Code.BAD_VALUE
    assert refused(stage, "ann", "nick", name="x") is Code.BAD_VALUE


def test_ban_bans_closes_connections_and_is_logged_with_its_reason(staff: Stage) -> None:
    staff.connect("ann")
    outcome = call(staff, "mod", "ban", username="@" + staff.id("ann"), reason=" spam ")
    assert said(outcome) == f"{staff.id('ann')} has been banned\nReason: spam"
    assert told(outcome)[1] == {"cmd": "user_leave", "username": staff.id("ann")}
    assert (staff.user("ann").banned, closed(staff, "ann")) == (True, True)
    assert entries(outcome) == [("user_ban", staff.id("ann"), {"reason": "spam"})]
    assert refused(staff, "mod", "ban", username=staff.id("ann")) is Code.ALREADY_BANNED
    assert (
        len(call(staff, "mod", "ban", username=staff.id("ben"), reason="x" * 2000).audit[0].details["reason"])
        == MAX_REASON
    )


def test_unban_lifts_a_ban(staff: Stage) -> None:
    staff.change_user("ann", banned=True)
    outcome = call(staff, "mod", "unban", username=staff.id("ann"))
    assert said(outcome) == f"{staff.id('ann')} has been unbanned"
    assert (staff.user("ann").banned, entries(outcome)) == (False, [("user_unban", staff.id("ann"), {})])
    assert refused(staff, "mod", "unban", username=staff.id("ann")) is Code.NOT_BANNED


def test_mute_lasts_and_unmute_lifts_it(staff: Stage, clock: Clock) -> None:
    outcome = call(staff, "mod", "mute", username=staff.id("ann"), duration=60, reason="loud")
    assert said(outcome) == f"{staff.id('ann')} has been muted for 60 seconds\nReason: loud"
    assert staff.user("ann").muted_until == clock.now + 60
    assert told(outcome)[1]["length"] == 60_000
    assert entries(outcome) == [("user_timeout", staff.id("ann"), {"timeout": 60, "reason": "loud"})]
    assert said(call(staff, "mod", "unmute", username=staff.id("ann"))) == f"{staff.id('ann')} is no longer muted"
    assert staff.user("ann").muted_until is None


@pytest.mark.parametrize("duration", [0, -5, 10**10])
def test_mute_takes_a_duration_that_makes_sense(staff: Stage, duration: int) -> None:
    assert refused(staff, "mod", "mute", username=staff.id("ann"), duration=duration) is Code.BAD_VALUE
    assert refused(staff, "mod", "mute", username=staff.id("ann")) is Code.BAD_VALUE
    assert staff.user("ann").muted_until is None


MODERATION = [("ban", {}), ("unban", {}), ("mute", {"duration": 60}), ("unmute", {})]


@pytest.mark.parametrize(("command", "args"), MODERATION)
def test_moderation_asks_for_permission_and_rank(staff: Stage, command: str, args: dict[str, Any]) -> None:
    staff.change_user("host", banned=command == "unban")
    assert refused(staff, "ann", command, username=staff.id("ben"), **args) is Code.PERMISSION_REQUIRED
    assert refused(staff, "mod", command, username=staff.id("host"), **args) is Code.MEMBER_ABOVE
    assert refused(staff, "mod", command, username="nobody", **args) is Code.USER_NOT_FOUND
    if command != "unban":
        assert refused(staff, "mod", command, username=staff.id("mod"), **args) is Code.NOT_YOURSELF
    assert staff.answer("ann", "messages_get", channel="general")["messages"] == []


def test_a_refusal_leaves_documents_as_they_were(staff: Stage) -> None:
    """The message cannot be stored in a thread that is locked at this very moment; then nobody is banned."""
    thread = staff.answer("ann", "thread_create", channel="ideas", name="x")["thread"]["id"]
    tx = staff.world.store.begin()
    tx.threads.update(thread, locked=True)
    tx.commit()
    assert staff.world.threads.get(thread).locked is False  # type: ignore[union-attr]
    args = {"username": staff.id("ben")}
    refusal = staff.refused("mod", "slash_call", thread_id=thread, command="ban", args=args)
    assert refusal.code is Code.THREAD_LOCKED
    staff.world.documents.undo(staff.world.documents.take_changes())  # as the dispatcher does
    assert staff.user("ben").banned is False


def test_channel_creates_renames_describes_and_deletes(staff: Stage) -> None:
    outcome = call(staff, "mod", "channel", action="create", name="#music", text="Songs")
    assert (said(outcome), told(outcome)[1]) == ("Channel music was created", {"view": "channels_get"})
    channel = staff.world.channels.by_name("music")
    assert channel is not None
    assert (channel.type, channel.description) == ("text", "Songs")
    assert said(call(staff, "mod", "channel", action="topic", name="music", text="More songs"))
    assert staff.world.channels.by_name("music").description == "More songs"  # type: ignore[union-attr]
    assert said(call(staff, "mod", "channel", action="rename", name="music", text="sound")) == (
        "Channel music is now called sound"
    )
    assert said(call(staff, "mod", "channel", action="delete", name="sound")) == "Channel sound was deleted"
    assert staff.world.channels.by_name("sound") is None
    assert entries(call(staff, "mod", "channel", action="create", name="loud"))[0][0] == "channel_create"


def test_channel_is_for_those_who_manage_channels(staff: Stage) -> None:
    for action in ("create", "rename", "delete"):
        code = refused(staff, "ann", "channel", action=action, name="news", text="x")
        assert code is Code.PERMISSION_REQUIRED, action
    assert refused(staff, "ann", "channel", action="topic", name="news", text="x") is Code.NOT_PERMITTED
    assert refused(staff, "mod", "channel", action="delete", name="GENERAL") is Code.BAD_VALUE
    assert refused(staff, "mod", "channel", action="delete", name="nowhere") is Code.CHANNEL_NOT_FOUND
    assert refused(staff, "mod", "channel", action="create", name="a b") is Code.BAD_CHANNEL_NAME
    assert refused(staff, "mod", "channel", action="create", name="news") is Code.CHANNEL_EXISTS
    assert refused(staff, "mod", "channel", action="burn", name="news") is Code.BAD_VALUE


def test_channel_renamed_where_the_command_is_called_keeps_the_message(staff: Stage) -> None:
    outcome = call(staff, "mod", "channel", action="rename", name="general", text="lobby")
    assert [each.get("cmd", "view") for each in told(outcome)] == ["message_new", "view"]
    assert told(outcome)[0]["channel"] == "general", "clients learn the new name behind it"
    assert len(staff.answer("ann", "messages_get", channel="lobby")["messages"]) == 1


def test_role_gives_takes_and_lists(staff: Stage) -> None:
    staff.do("mod", "role_create", name="helper")
    outcome = call(staff, "mod", "role", action="give", username=staff.id("ann"), role="helper")
    assert said(outcome) == f"Roles of {staff.id('ann')}: user, helper"
    assert staff.user("ann").roles == ("user", "helper")
    assert entries(outcome)[0][0] == "user_roles_set"
    assert said(call(staff, "mod", "role", action="take", username=staff.id("ann"), role="helper"))
    assert staff.user("ann").roles == ("user",)
    assert said(call(staff, "ann", "role", action="list")) == "Roles: owner, admin, moderator, user, helper"
    assert said(call(staff, "ann", "role", action="list", username=staff.id("mod"))) == (
        f"Roles of {staff.id('mod')}: moderator, user"
    )


def test_role_keeps_the_ranks(staff: Stage) -> None:
    ann = staff.id("ann")
    assert refused(staff, "ann", "role", action="give", username=ann, role="user") is Code.PERMISSION_REQUIRED
    assert refused(staff, "mod", "role", action="give", username=ann, role="admin") is Code.ROLE_ABOVE
    assert refused(staff, "mod", "role", action="give", username=staff.id("host"), role="user") is Code.MEMBER_ABOVE
    assert refused(staff, "mod", "role", action="give", username=ann, role="nothing") is Code.ROLE_NOT_FOUND
    assert refused(staff, "mod", "role", action="give", username=ann) is Code.BAD_VALUE
    assert refused(staff, "mod", "role", action="take", username=ann, role="user") is Code.NO_ROLE_LEFT


def test_help_lists_to_the_caller_alone_what_its_roles_allow(staff: Stage) -> None:
    empower(staff, "use_slash_commands", role="user")
    staff.connect("ben")
    hidden = {"name": "secret", "whitelistRoles": ["moderator"]}
    staff.do("ben", "slash_register", commands=[{"name": "wave", "description": "Wave a hand"}, hidden])
    outcome = call(staff, "ann", "help")
    assert (outcome.events, outcome.reply is not None) == ([], True)
    packet = as_json(outcome.reply)
    assert (packet["cmd"], packet["ephemeral"], packet["message"]["user"]) == ("message_new", True, SERVER_AUTHOR)
    assert packet["message"]["content"].splitlines() == [
        "- `/help` List the commands that you may use",
        "- `/nick [nickname]` Set your nickname; without one, remove it",
        "- `/wave` Wave a hand",
    ]
    lines = as_json(call(staff, "mod", "help").reply)["message"]["content"].splitlines()
    assert [line.split("`")[1].split()[0] for line in lines] == [
        "/ban", "/channel", "/help", "/mute", "/nick", "/role", "/secret", "/unban", "/unmute", "/wave",
    ]  # fmt: skip
    assert staff.answer("ann", "messages_get", channel="general")["messages"] == []
    assert refused(staff, "ann", "help", topic="ban") is Code.BAD_VALUE


def test_every_built_in_asks_for_what_its_list_says(stage: Stage) -> None:
    """A caller without a permission is refused wherever the list says that one is needed."""
    args: dict[str, dict[str, Any]] = {
        "mute": {"username": "x", "duration": 1},
        "channel": {"action": "create", "name": "x"},
        "role": {"action": "give", "username": stage.id("ben"), "role": "user"},
    }
    for name, built_in in BUILT_INS.items():
        if built_in.needs is not None:
            given = args.get(name, {"username": stage.id("ben")})
            if name == "mute":
                given = {**given, "username": stage.id("ben")}
            refusal = stage.refused("ann", "slash_call", channel="general", command=name, args=given)
            assert (refusal.code, built_in.needs in refusal.text) == (Code.PERMISSION_REQUIRED, True), name


def test_the_caller_of_a_built_in_needs_no_session_audience(stage: Stage) -> None:
    """Only `help` is ephemeral; everything else is for the viewers of the channel."""
    outcome = call(stage, "ann", "role", action="list")
    assert not any(isinstance(event.audience, OneSession) for event in outcome.events)
