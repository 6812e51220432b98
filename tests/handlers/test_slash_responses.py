"""Answers of bots to slash commands: messages, and what only the caller sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from handlers.filters import Draft
from handlers.slash_registry import ANSWERABLE_S, ANSWERS
from protocol.audience import Viewers
from protocol.errors import Code, Refused
from tests.handlers.bots import ROLL, another_session, call, history, leave, with_bot
from tests.handlers.community import told, told_one
from tests.handlers.conftest import Clock, Stage


@pytest.fixture
def bot(stage: Stage) -> Stage:
    return with_bot(stage)


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
