"""Slash commands of bots: who registers what, and what is left when bots come and go."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from handlers.slash_commands import MAX_BYTES
from handlers.slash_registry import SETS_OF_USER
from protocol.audience import Everyone, OneSession
from protocol.errors import Code
from tests.handlers.bots import ROLL, another_session, leave, with_bot
from tests.handlers.community import empower, told, told_one
from tests.handlers.conftest import Stage

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
    return with_bot(stage)


def listed(stage: Stage, name: str = "ann") -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in stage.answer(name, "slash_list")["commands"]}


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
