"""Slash commands of bots: who registers what, how calls travel to the owner, and who gets the answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from fanout import Session
from handlers.filters import Draft
from handlers.outcome import Event
from handlers.slash_commands import MAX_BYTES, list_changed, revoked, unanswered
from handlers.slash_registry import ANSWERABLE_S, ANSWERS, CALLS_OF_OWNER, SETS_OF_USER
from protocol.audience import Everyone, OneSession, Viewers
from protocol.errors import Code, Refused
from protocol.slash_commands import SlashRemoveEvent
from tests.handlers.community import empower, told, told_one
from tests.handlers.conftest import Clock, RecordingSink, Stage

ROLL = {
    "name": "roll",
    "description": "Roll a die",
    "options": [
        {"name": "sides", "description": "How many sides", "type": "int", "required": True},
        {"name": "why", "description": "What for", "type": "str", "required": False},
    ],
}
LIBRARY = {
    "name": "remind",
    "description": "Set a reminder",
    "options": [{"name": "seconds", "type": "int", "description": "Time to wait", "required": True, "choices": []}],
    "whitelistRoles": [],
    "blacklistRoles": [],
    "ephemeral": False,
}
"""As the OriginChats bot library sends it."""


@pytest.fixture
def bot(stage: Stage) -> Stage:
    """The community, in which `user` may register, `ben` is a bot with the command `roll`, and `ann` is here."""
    empower(stage, "use_slash_commands", role="user")
    stage.connect("ben")
    stage.connect("ann")
    stage.do("ben", "slash_register", commands=[ROLL])
    return stage


def another_session(stage: Stage, name: str, id_: str) -> Session:
    """A further connection of a person, by which `stage.do` now gives its commands."""
    session = Session(id=id_, user_id=stage.id(name), sink=RecordingSink(), address="192.0.2.1", gap_aware=False)
    stage.sessions[name] = session
    stage.world.fanout.add(session)
    return session


def leave(stage: Stage, session: Session) -> list[dict[str, Any]]:
    """What everybody is told when a connection is gone."""
    return [told_one(event) for event in list_changed(stage.world, stage.world.slash.leave(session))]


def call(stage: Stage, name: str = "ann", command: str = "roll", **fields: Any) -> dict[str, Any]:
    return stage.answer(
        name, "slash_call", **{"channel": "general", "command": command, "args": {"sides": 6}, **fields}
    )


def listed(stage: Stage, name: str = "ann") -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in stage.answer(name, "slash_list")["commands"]}


def history(stage: Stage, channel: str = "general") -> list[str]:
    return [message["content"] for message in stage.answer("host", "messages_get", channel=channel)["messages"]]


# ---------------------------------------------------------------- slash_register, slash_list


def test_slash_register_tells_everybody_and_answers_with_a_text(stage: Stage) -> None:
    empower(stage, "use_slash_commands", role="user")
    outcome = stage.do("ben", "slash_register", commands=[ROLL, LIBRARY])
    assert told_one(outcome.events[0])["commands"] == [
        {
            **ROLL,
            "options": [{**option, "choices": None} for option in ROLL["options"]],  # type: ignore[dict-item]
            "whitelistRoles": None,
            "blacklistRoles": None,
            "ephemeral": False,
            "registeredBy": stage.id("ben"),
        },
        {**LIBRARY, "registeredBy": stage.id("ben")},
    ]
    assert outcome.events[0].audience == Everyone()
    assert msgspec.to_builtins(outcome.reply) == {"cmd": "slash_register", "val": "2 slash commands registered"}


def test_slash_register_replaces_the_set_of_the_connection(bot: Stage) -> None:
    outcome = bot.do("ben", "slash_register", commands=[LIBRARY])
    assert [packet["cmd"] for packet in told(outcome)] == ["slash_remove", "slash_add"]
    assert told(outcome)[0]["commands"] == ["roll"]
    assert told(bot.do("ben", "slash_register", commands=[])) == [{"cmd": "slash_remove", "commands": ["remind"]}]
    assert told(bot.do("ben", "slash_register", commands=[])) == []


def test_slash_register_needs_the_permission_that_the_settings_name(stage: Stage) -> None:
    refusal = stage.refused("ann", "slash_register", commands=[ROLL])
    assert refusal.code is Code.PERMISSION_REQUIRED
    assert "use_slash_commands" in refusal.text
    stage.do("host", "slash_register", commands=[ROLL])
    settings = stage.world.live.current
    everybody = msgspec.structs.replace(settings.slash_commands, register_permission="")
    stage.world.live.current = msgspec.structs.replace(settings, slash_commands=everybody)
    stage.do("ann", "slash_register", commands=[LIBRARY])
    stage.change_user("ann", guest=True)
    assert stage.refused("ann", "slash_register", commands=[LIBRARY]).code is Code.ACCOUNT_REQUIRED


@pytest.mark.parametrize("name", ["help", "BAN", "Roll"])
def test_slash_register_refuses_names_of_the_server_and_of_others(bot: Stage, name: str) -> None:
    refusal = bot.refused("ann", "slash_register", commands=[LIBRARY, {**ROLL, "name": name}])
    assert refusal.code is Code.SLASH_TAKEN
    assert "remind" not in listed(bot), "a set with a bad entry leaves nothing behind"


@pytest.mark.parametrize(
    "entry",
    [
        {**ROLL, "name": ""},
        {**ROLL, "name": "two words"},
        {**ROLL, "name": "roll\n"},
        {**ROLL, "name": "x" * 33},
        {**ROLL, "description": "x" * 1001},
        {**ROLL, "options": [{"name": "a", "type": "string"}]},
        {**ROLL, "options": [{"name": "a", "type": "enum"}]},
        {**ROLL, "options": [{"name": "a", "type": "enum", "choices": []}]},
        {**ROLL, "options": [{"name": "a", "type": "str"}] * 2},
        {**ROLL, "options": [{"name": f"a{number}", "type": "str"} for number in range(26)]},
        {**ROLL, "whitelistRoles": "admin"},
        {"description": "no name"},
        "roll",
    ],
)
def test_slash_register_refuses_what_does_not_fit(bot: Stage, entry: Any) -> None:
    with pytest.raises(Exception, match="slash_register") as caught:
        bot.do("ben", "slash_register", commands=[LIBRARY, entry])
    assert caught.value.code is Code.BAD_VALUE  # type: ignore[attr-defined]
    assert [*listed(bot)][-1] == "roll"


def test_slash_register_bounds_the_size_of_all(bot: Stage) -> None:
    big = [{**ROLL, "name": f"c{number}", "description": "x" * 1000} for number in range(100)]
    refusal = bot.refused("ben", "slash_register", commands=big)
    assert (refusal.code, str(MAX_BYTES) in refusal.text) == (Code.BAD_VALUE, True)
    twice = bot.refused("ben", "slash_register", commands=[ROLL, {**ROLL, "name": "ROLL"}])
    assert twice.code is Code.BAD_VALUE


def test_slash_list_has_what_is_built_in_first_and_is_not_filtered(bot: Stage) -> None:
    bot.do("ben", "slash_register", commands=[{**ROLL, "whitelistRoles": ["admin"]}])
    commands = listed(bot)
    assert [*commands] == ["help", "nick", "ban", "unban", "mute", "unmute", "channel", "role", "roll"]
    assert {each["registeredBy"] for name, each in commands.items() if name != "roll"} == {"originChats"}
    assert commands["roll"]["registeredBy"] == bot.id("ben")
    assert commands["ban"]["options"][0] == {
        "name": "username", "description": "Username of the member", "type": "str", "required": True, "choices": None,
    }  # fmt: skip
    assert commands["ban"]["whitelistRoles"] == ["owner", "admin"]
    empower(bot, "manage_users")
    assert listed(bot)["ban"]["whitelistRoles"] == ["owner", "admin", "moderator"]
    assert commands["nick"]["whitelistRoles"] is None


# ---------------------------------------------------------------- coming and going


def test_commands_go_with_their_connection(bot: Stage) -> None:
    assert leave(bot, bot.sessions["ann"]) == []
    assert leave(bot, bot.sessions["ben"]) == [{"cmd": "slash_remove", "commands": ["roll"]}]
    assert bot.refused("ann", "slash_call", channel="general", command="roll").code is Code.SLASH_NOT_FOUND
    assert leave(bot, bot.sessions["ben"]) == []


def test_a_bot_that_comes_back_takes_its_names_over(bot: Stage) -> None:
    lost = bot.sessions["ben"]
    back = another_session(bot, "ben", "s-ben-2")
    bot.do("ben", "slash_register", commands=[ROLL])
    assert leave(bot, lost) == [], "another connection still provides it"
    outcome = bot.do("ann", "slash_call", channel="general", command="roll", args={"sides": 6})
    assert outcome.events[0].audience == OneSession(back.id)


def test_the_older_connection_serves_again_when_the_newer_is_gone(bot: Stage) -> None:
    first = bot.sessions["ben"]
    second = another_session(bot, "ben", "s-ben-2")
    bot.do("ben", "slash_register", commands=[{**ROLL, "description": "Another one"}, LIBRARY])
    removed, added = leave(bot, second)
    assert removed == {"cmd": "slash_remove", "commands": ["remind"]}
    assert [each["description"] for each in added["commands"]] == ["Roll a die"]
    outcome = bot.do("ann", "slash_call", channel="general", command="roll", args={"sides": 6})
    assert outcome.events[0].audience == OneSession(first.id)


def test_slash_register_keeps_the_sets_of_so_many_connections_of_a_user(bot: Stage) -> None:
    for number in range(SETS_OF_USER):
        another_session(bot, "ben", f"s-ben-{number}")
        bot.do("ben", "slash_register", commands=[{**ROLL, "name": f"roll{number}"}])
    assert [name for name in listed(bot) if name.startswith("roll")] == [f"roll{n}" for n in range(SETS_OF_USER)]


# ---------------------------------------------------------------- slash_call


def test_slash_call_reaches_the_connection_that_registered_and_answers_with_the_same(bot: Stage) -> None:
    other = another_session(bot, "ben", "s-ben-2")
    outcome = bot.do("ann", "slash_call", channel="general", command="roll", args={"sides": 20, "why": None})
    (packet,) = told(outcome)
    assert packet == {
        "cmd": "slash_call",
        "val": {"command": "roll", "args": {"sides": 20}, "commander": bot.id("ben")},
        "invoker": bot.id("ann"),
        "invokerUsername": bot.id("ann"),
        "channel": "general",
        "call_id": packet["call_id"],
    }
    assert outcome.reply is None, "the event is the answer"
    (session,) = bot.world.fanout.targets(outcome.events[0].audience)
    assert (session.id, session is other) == ("s-ben", False)


def test_slash_call_in_a_thread_says_so(bot: Stage) -> None:
    thread = bot.answer("ann", "thread_create", channel="ideas", name="A game")["thread"]["id"]
    packet = call(bot, channel=None, thread_id=thread)
    assert (packet["channel"], packet["thread_id"]) == ("ideas", thread)
    answer = bot.answer("ben", "slash_response", channel="ideas", invoker=bot.id("ann"), response="4")
    assert (answer["channel"], answer["thread_id"]) == ("ideas", thread), "the library names the forum only"
    assert bot.refused("ann", "slash_call", channel="ideas", command="roll").code is Code.NOT_A_TEXT_CHANNEL
    bot.do("host", "thread_update", thread_id=thread, locked=True)
    assert bot.refused("ann", "slash_call", thread_id=thread, command="roll").code is Code.THREAD_LOCKED
    assert bot.refused("ben", "slash_response", thread_id=thread, response="5").code is Code.THREAD_LOCKED


@pytest.mark.parametrize(
    ("channel", "code"),
    [
        ("staff", Code.CHANNEL_NOT_FOUND), ("../users", Code.CHANNEL_NOT_FOUND), ("news", Code.NOT_PERMITTED),
        ("call", Code.NOT_A_TEXT_CHANNEL), ("", Code.PLACE_REQUIRED),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["roll", "nick", "help", "unknown"])
def test_slash_call_needs_a_place_to_write_in(bot: Stage, channel: str, code: Code, command: str) -> None:
    assert bot.refused("ann", "slash_call", channel=channel, command=command).code is code


def test_slash_call_tells_no_bot_of_a_channel_that_it_cannot_see(bot: Stage) -> None:
    refusal = bot.refused("mod", "slash_call", channel="staff", command="roll", args={"sides": 6})
    assert refusal.code is Code.SLASH_NOT_HERE
    name = bot.answer("ann", "direct_open", user=bot.id("mod"))["channel"]["name"]
    assert bot.refused("ann", "slash_call", channel=name, command="roll").code is Code.SLASH_NOT_HERE


def test_slash_call_keeps_the_role_lists(bot: Stage) -> None:
    bot.do("ben", "slash_register", commands=[{**ROLL, "whitelistRoles": ["admin", "moderator"]}])
    refusal = bot.refused("ann", "slash_call", channel="general", command="roll", args={"sides": 6})
    assert (refusal.code, refusal.text) == (
        Code.SLASH_NOT_ALLOWED,
        "Access denied: 'admin or moderator' role required",
    )
    call(bot, "mod")  # one of them is enough
    bot.do("ben", "slash_register", commands=[{**ROLL, "blacklistRoles": ["moderator"]}])
    assert bot.refused("mod", "slash_call", channel="general", command="roll").code is Code.NOT_PERMITTED
    call(bot, "ann")


def test_slash_call_refuses_unknown_commands(bot: Stage) -> None:
    refusal = bot.refused("ann", "slash_call", channel="general", command="rol")
    assert (refusal.code, refusal.text) == (Code.SLASH_NOT_FOUND, "Slash command 'rol' not found")
    assert call(bot, command="/ROLL")["val"]["command"] == "roll", "as people write it"


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ({}, "missing required argument"), ({"sides": None}, "missing required argument"),
        ({"sides": "6"}, "expected a whole number"), ({"sides": True}, "expected a whole number"),
        ({"sides": 6, "color": "red"}, "unknown argument"), ({"sides": 6, "why": 1}, "expected text"),
    ],
)  # fmt: skip
def test_slash_call_checks_arguments(bot: Stage, args: dict[str, Any], reason: str) -> None:
    refusal = bot.refused("ann", "slash_call", channel="general", command="roll", args=args)
    assert (refusal.code, refusal.fields["reason"]) == (Code.BAD_VALUE, reason)


@pytest.mark.parametrize(
    "args", [[], {"why": "x" * 2001, "sides": 6}, {"sides": 2**60}, {"sides": [1]}, {str(n): n for n in range(26)}]
)
def test_slash_call_bounds_arguments(bot: Stage, args: Any) -> None:
    with pytest.raises(Exception, match=r"slash_call\.args"):
        bot.do("ann", "slash_call", channel="general", command="roll", args=args)


# ---------------------------------------------------------------- no answer


def test_slash_call_without_an_answer_is_told_to_the_caller_once(bot: Stage, clock: Clock) -> None:
    call(bot)
    clock.now += 14
    assert unanswered(bot.world, clock.now) == []
    clock.now += 1
    (event,) = unanswered(bot.world, clock.now)
    assert event.audience == OneSession("s-ann")
    assert told_one(event) == {
        "cmd": "error", "src": "slash_call", "val": "roll did not answer", "code": "slash_no_answer",
    }  # fmt: skip
    assert unanswered(bot.world, clock.now) == []
    bot.do("ben", "slash_response", channel="general", invoker=bot.id("ann"), response="better late")
    assert history(bot) == ["better late"]


def test_slash_call_whose_owner_is_lost_is_told_at_once(bot: Stage, clock: Clock) -> None:
    call(bot)
    leave(bot, bot.sessions["ben"])
    assert len(unanswered(bot.world, clock.now)) == 1


def test_slash_call_that_is_answered_is_not_complained_about(bot: Stage, clock: Clock) -> None:
    call(bot)
    bot.do("ben", "slash_response", channel="general", command="roll", invoker=bot.id("ann"), response="4")
    clock.now += 100
    assert unanswered(bot.world, clock.now) == []


# ---------------------------------------------------------------- slash_response


def test_slash_response_of_the_library_posts_a_message_of_the_bot(bot: Stage) -> None:
    call(bot)
    outcome = bot.do(
        "ben", "slash_response", response=" You rolled 4, @ann ", invoker=bot.id("ann"), channel="general",
        ephemeral=False,
    )  # fmt: skip
    (packet,) = told(outcome)
    assert outcome.events[0].audience == Viewers("c-general")
    assert {key: packet[key] for key in ("cmd", "channel", "global")} == {
        "cmd": "message_new", "channel": "general", "global": True,
    }  # fmt: skip
    message = packet["message"]
    assert (message["user"], message["content"]) == (bot.id("ben"), "You rolled 4, @ann")
    assert message["interaction"] == {"command": "roll", "username": bot.id("ann")}
    assert message["pings"] == {"users": [], "roles": [], "replies": []}
    stored = bot.answer("ann", "messages_get", channel="general")["messages"][0]
    assert stored["interaction"] == message["interaction"]


def test_slash_response_with_embeds_needs_no_text(bot: Stage) -> None:
    call(bot)
    embed = {"title": "4", "type": "rich"}
    answer = bot.answer("ben", "slash_response", channel="general", embeds=[embed], response="  ")
    assert (answer["message"]["content"], answer["message"]["embeds"]) == ("", [embed])


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, Code.MESSAGE_EMPTY), ({"response": " "}, Code.MESSAGE_EMPTY),
        ({"response": "x" * 2001}, Code.MESSAGE_TOO_LONG), ({"embeds": [{"type": "poll"}]}, Code.BAD_EMBED),
    ],
)  # fmt: skip
def test_slash_response_keeps_the_limits_of_messages(bot: Stage, fields: dict[str, Any], code: Code) -> None:
    call(bot)
    assert bot.refused("ben", "slash_response", channel="general", **fields).code is code


@pytest.mark.parametrize(
    "fields",
    [
        {"command": "remind"}, {"invoker": "USR:mod"}, {"invoker": "nobody"}, {"call_id": "another"},
        {"channel": "ideas"},
    ],
)  # fmt: skip
def test_slash_response_answers_only_what_was_called(bot: Stage, fields: dict[str, Any]) -> None:
    whole = {"channel": "general", "response": "4", **fields}
    assert bot.refused("ben", "slash_response", **whole).code is Code.SLASH_NOT_CALLED
    call(bot)
    assert bot.refused("ben", "slash_response", **whole).code is Code.SLASH_NOT_CALLED
    assert bot.refused("mod", "slash_response", channel="general", response="4").code is Code.SLASH_NOT_CALLED
    assert bot.refused("ann", "slash_response", channel="general", response="4").code is Code.SLASH_NOT_CALLED


def test_slash_response_by_call_id_answers_the_older_call(bot: Stage) -> None:
    first = call(bot)["call_id"]
    call(bot, "mod")
    answer = bot.answer("ben", "slash_response", channel="general", call_id=first, response="4")
    assert answer["message"]["interaction"]["username"] == bot.id("ann")
    newest = bot.answer("ben", "slash_response", channel="general", response="5")
    assert newest["message"]["interaction"]["username"] == bot.id("mod")


def test_slash_response_needs_the_right_to_send(bot: Stage) -> None:
    call(bot, "host", channel="news")
    assert bot.refused("ben", "slash_response", channel="news", response="4").code is Code.NOT_PERMITTED
    call(bot)
    bot.change_user("ben", roles=())
    assert bot.refused("ben", "slash_response", channel="general", response="4").code is Code.CHANNEL_NOT_FOUND


def test_slash_response_is_taken_so_often_and_so_long(bot: Stage, clock: Clock) -> None:
    call(bot)
    for number in range(ANSWERS):
        bot.do("ben", "slash_response", channel="general", response=str(number))
    assert bot.refused("ben", "slash_response", channel="general", response="x").code is Code.SLASH_NOT_CALLED
    call(bot)
    clock.now += ANSWERABLE_S + 1
    assert bot.refused("ben", "slash_response", channel="general", response="x").code is Code.SLASH_NOT_CALLED
    bot.world.slash.sweep(clock.now)
    assert bot.world.slash.calls_of(bot.id("ben"), 0.0) == []


def test_slash_call_keeps_so_many_calls_of_one_owner(bot: Stage) -> None:
    first = call(bot)["call_id"]
    for _ in range(CALLS_OF_OWNER):
        call(bot)
    assert len(bot.world.slash.calls_of(bot.id("ben"), bot.world.clock())) == CALLS_OF_OWNER
    assert bot.refused("ben", "slash_response", channel="general", call_id=first, response="x")


def test_slash_response_survives_the_bot_coming_back(bot: Stage) -> None:
    call(bot)
    leave(bot, bot.sessions["ben"])
    another_session(bot, "ben", "s-ben-2")
    bot.do("ben", "slash_response", channel="general", response="4")
    assert history(bot) == ["4"]


def test_slash_response_passes_the_filters_of_messages(bot: Stage) -> None:
    async def look(drafts: Sequence[Draft]) -> list[str]:
        (draft,) = drafts
        if "spam" in draft.content:
            raise Refused(Code.NOT_PERMITTED, action="write spam")
        assert (draft.kind, draft.author.id, draft.thread_id, draft.edited) == ("message", bot.id("ben"), None, None)
        return [draft.content.replace("darn", "****")]

    call(bot)
    bot.world.filters.append(look)
    answer = bot.answer("ben", "slash_response", channel="general", response="darn, a 1")
    assert answer["message"]["content"] == "****, a 1"
    assert bot.refused("ben", "slash_response", channel="general", response="spam").code is Code.NOT_PERMITTED
    assert history(bot) == ["****, a 1"]


def test_slash_call_of_a_bot_that_may_not_offer_commands_any_more(bot: Stage) -> None:
    bot.change_user("ben", roles=())
    assert bot.refused("ann", "slash_call", channel="general", command="roll").code is Code.SLASH_NOT_FOUND
    (event,) = revoked(bot.world)
    assert event == Event(Everyone(), SlashRemoveEvent(commands=["roll"]))
    assert "roll" not in [command["name"] for command in bot.answer("ann", "slash_list")["commands"]]
    assert revoked(bot.world) == []


# ---------------------------------------------------------------- ephemeral answers


@pytest.mark.parametrize("by", ["command", "response"])
def test_slash_response_that_is_ephemeral_reaches_the_calling_connection_alone(bot: Stage, by: str) -> None:
    bot.do("ben", "slash_register", commands=[{**ROLL, "ephemeral": by == "command"}])
    phone = bot.sessions["ann"]
    call(bot)
    another_session(bot, "ann", "s-ann-2")
    outcome = bot.do("ben", "slash_response", channel="general", response="a secret", ephemeral=by == "response")
    (event,) = outcome.events
    assert [*bot.world.fanout.targets(event.audience)] == [phone]
    assert all(not bot.world.fanout.may_see(bot.user(name), event.audience) for name in ("ann", "ben", "host"))
    packet = told_one(event)
    assert (packet["cmd"], packet["channel"], packet["thread_id"]) == ("message_new", "general", None)
    assert packet["ephemeral"] is True
    assert packet["message"]["content"] == "a secret"
    assert packet["message"]["interaction"] == {"command": "roll", "username": bot.id("ann")}
    assert "a secret" not in str(outcome.reply)
    assert msgspec.to_builtins(outcome.reply)["ephemeral"] is True


def test_slash_response_that_is_ephemeral_leaves_no_trace(bot: Stage) -> None:
    call(bot)
    outcome = bot.do("ben", "slash_response", channel="general", response="xyzzy", ephemeral=True)
    id_ = told_one(outcome.events[0])["message"]["id"]
    tx = bot.world.store.begin()
    logged = [event for event in tx.log.after(0, 1000) if b"xyzzy" in event.payload]
    tx.rollback()
    assert (logged, history(bot)) == ([], [])
    for name in ("ann", "ben", "host"):
        assert bot.answer(name, "messages_search", channel="general", query="xyzzy")["results"] == []
        assert bot.answer(name, "pings_get")["messages"] == []
        for cmd in ("message_get", "message_delete", "embeds_list"):
            assert bot.refused(name, cmd, channel="general", id=id_).code is Code.MESSAGE_NOT_FOUND
        unread = bot.answer(name, "unreads_get")["unreads"]["general"]
        assert (unread["unread_count"], unread["total_messages"]) == (0, 0)
    general = bot.answer("ann", "channels_get")["val"][0]
    assert general["last_message_id"] is None


def test_unreads_ack_of_an_ephemeral_answer_reads_what_was_there_before(bot: Stage) -> None:
    before = bot.answer("mod", "message_new", channel="general", content="hello")["message"]["id"]
    call(bot)
    outcome = bot.do("ben", "slash_response", channel="general", response="x", ephemeral=True)
    id_ = told_one(outcome.events[0])["message"]["id"]
    bot.do("mod", "message_new", channel="general", content="news")
    assert bot.answer("ann", "unreads_ack", channel="general", message_id=id_)["last_read"] == before


def test_slash_response_that_is_ephemeral_does_not_follow_who_lost_sight(bot: Stage) -> None:
    call(bot)
    bot.change_user("ann", roles=())
    refusal = bot.refused("ben", "slash_response", channel="general", response="x", ephemeral=True)
    assert refusal.code is Code.SLASH_NOT_CALLED
