"""What tests of slash commands share: a bot, those who call it, and how it goes."""

from __future__ import annotations

from typing import Any

from fanout import Session
from handlers.slash_commands import list_changed
from tests.handlers.community import empower, told_one
from tests.handlers.conftest import RecordingSink, Stage

ROLL = {
    "name": "roll",
    "description": "Roll a die",
    "options": [
        {"name": "sides", "description": "How many sides", "type": "int", "required": True},
        {"name": "why", "description": "What for", "type": "str", "required": False},
    ],
}


def with_bot(stage: Stage) -> Stage:
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


def history(stage: Stage, channel: str = "general") -> list[str]:
    return [message["content"] for message in stage.answer("host", "messages_get", channel=channel)["messages"]]
