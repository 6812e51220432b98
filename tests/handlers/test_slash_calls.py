"""Calls of slash commands: what travels to the bot, and what a caller learns when no answer comes."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.outcome import Event
from handlers.slash_commands import revoked, unanswered
from handlers.slash_registry import CALLS_OF_OWNER
from protocol.audience import Everyone, OneSession
from protocol.errors import Code
from protocol.slash_commands import SlashRemoveEvent
from tests.handlers.bots import ROLL, another_session, call, history, leave, with_bot
from tests.handlers.community import told, told_one
from tests.handlers.conftest import Clock, Stage


@pytest.fixture
def bot(stage: Stage) -> Stage:
    return with_bot(stage)


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


def test_slash_call_keeps_so_many_calls_of_one_owner(bot: Stage) -> None:
    first = call(bot)["call_id"]
    for _ in range(CALLS_OF_OWNER):
        call(bot)
    assert len(bot.world.slash.calls_of(bot.id("ben"), bot.world.clock())) == CALLS_OF_OWNER
    assert bot.refused("ben", "slash_response", channel="general", call_id=first, response="x")


def test_slash_call_of_a_bot_that_may_not_offer_commands_any_more(bot: Stage) -> None:
    bot.change_user("ben", roles=())
    assert bot.refused("ann", "slash_call", channel="general", command="roll").code is Code.SLASH_NOT_FOUND
    (event,) = revoked(bot.world)
    assert event == Event(Everyone(), SlashRemoveEvent(commands=["roll"]))
    assert "roll" not in [command["name"] for command in bot.answer("ann", "slash_list")["commands"]]
    assert revoked(bot.world) == []
