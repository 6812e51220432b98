"""What tests of the community's handlers share."""

from __future__ import annotations

from typing import Any

import msgspec

from db.users import User
from handlers.outcome import Event, Outcome, ViewChanged
from protocol.audience import Everyone
from tests.handlers.conftest import Stage, as_json


def empower(stage: Stage, *permissions: str, role: str = "moderator") -> None:
    """Give a role (of `mod`, if not said otherwise) further permissions."""
    old = stage.world.roles.get(role)
    assert old is not None
    stage.world.roles.put(msgspec.structs.replace(old, permissions=(*old.permissions, *permissions)))


def add_user(stage: Stage, name: str, *roles: str, **fields: Any) -> User:
    """A member of an identity service, whose id is not its username."""
    user = User(id=f"id-of-{name}", username=name, roles=roles, **fields)
    stage.world.users.put(user)
    return user


def told(outcome: Outcome) -> list[dict[str, Any]]:
    """The events as JSON, views as their name."""
    return [told_one(event) for event in outcome.events]


def told_one(event: Event) -> dict[str, Any]:
    if isinstance(event.packet, ViewChanged):
        return {"view": event.packet.view}
    return as_json(event.packet)


def to_everyone(outcome: Outcome) -> list[str]:
    """`cmd`, or name of the view, of the events that go to everybody."""
    events = [event for event in outcome.events if event.audience == Everyone()]
    return [told_one(event).get("cmd", "view") for event in events]


def closed(stage: Stage, name: str) -> bool:
    """Whether the person's connection was closed."""
    return stage.sessions[name].sink.closed is not None  # type: ignore[attr-defined]
