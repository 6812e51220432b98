"""Who an event is for. The answer is worked out live, never cached at login."""

from __future__ import annotations

import msgspec


class Everyone(msgspec.Struct, frozen=True, tag="all"):
    """Every logged-in session."""


class Viewers(msgspec.Struct, frozen=True, tag="channel"):
    """Every session whose user may view the channel now. `channel` is the channel's id, not its name."""

    channel: str


class SessionsOf(msgspec.Struct, frozen=True, tag="user"):
    """Every session of one user, by user id."""

    user: str


class OneSession(msgspec.Struct, frozen=True, tag="session"):
    """One session, by its id. Only for events of the moment: the log has no such audience."""

    session: str


class ViewersPart(msgspec.Struct, frozen=True, tag="part"):
    """The sessions that may view the channel now and are among `sessions` (ids); with `among` false, the other viewers.
    Only for events of the moment: the log has no such audience."""

    channel: str
    sessions: frozenset[str]
    among: bool


class Holders(msgspec.Struct, frozen=True, tag="holders"):
    """Every session whose user holds one of the server permissions now, or is `user` (id). With `channel` (id), of
    these only who may view it; of one that is gone, only who passes every check. Only for events of the moment: the log
    has no such audience."""

    permissions: tuple[str, ...]
    user: str | None = None
    channel: str | None = None


Audience = Everyone | Viewers | SessionsOf | OneSession | ViewersPart | Holders


def to_text(audience: Audience) -> str:
    """The form in the event log: `all`, `channel:<id>`, `user:<id>`. Raises ValueError for what is not logged."""
    match audience:
        case Everyone():
            return "all"
        case Viewers(channel):
            return f"channel:{channel}"
        case SessionsOf(user):
            return f"user:{user}"
        case OneSession():
            raise ValueError("events for one session are not logged")
        case ViewersPart():
            raise ValueError("events for a part of the viewers are not logged")
        case Holders():
            raise ValueError("events for holders of a permission are not logged")


def from_text(text: str) -> Audience:
    """The reverse of `to_text`. Raises ValueError for anything else."""
    kind, _, ref = text.partition(":")
    if kind == "all":
        return Everyone()
    if kind == "channel" and ref:
        return Viewers(ref)
    if kind == "user" and ref:
        return SessionsOf(ref)
    raise ValueError(f"not an audience: {text!r}")
