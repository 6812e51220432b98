"""The two kinds of packet, and the table of commands.

A `Command` is what a client sends, a `Packet` is what the server sends. Both are JSON objects named by their `cmd`.
The struct is the only description of a packet: decoding, validation, JSON Schema, the documentation page and the
capability list are derived from it and from its `Spec`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from protocol.errors import Code


def wire_name(class_name: str) -> str:
    """`MessageNew` -> `message_new`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()


class Command(msgspec.Struct, kw_only=True, frozen=True, tag_field="cmd", tag=wire_name):
    """A command: `cmd` is the class name in snake case; unknown fields are ignored.

    `listener`, when it is text, comes back on every reply to this command; any other type is ignored.
    """

    listener: Any = None


class Packet(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, tag_field="cmd"):
    """A reply or an event. Every subclass names its `cmd` as `tag="..."`; fields set to UNSET are left out.

    `listener` and `seq` are added when the packet is sent, they are never set by a handler.
    """

    durable: ClassVar[bool] = False
    """True for an event that is part of the community's state: it is logged, numbered, and replayed by `resume`."""

    listener: str | UnsetType = UNSET
    seq: int | UnsetType = UNSET

    @property
    def ref(self) -> str | None:
        """The id of the message that this event brings into being, by which readers of the log find it."""
        return None


Pace = Literal["broadcasts_per_minute", "searches_per_minute", "lists_per_minute"]
"""Settings of `limits` that say how often one user may give certain commands: all together, but each list by itself."""


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a command besides its fields."""

    name: str
    command: type[Command]
    does: str
    allowed: str
    needs: str | None = None
    before_login: bool = False
    limited: bool = False
    pace: Pace | None = None
    aside: bool = False
    reply: type[Packet] | None = None
    events: tuple[type[Packet], ...] = ()
    errors: tuple[Code, ...] = ()
    example: dict[str, Any] = {}


COMMANDS: dict[str, Spec] = {}
"""Every command by its wire name, in the order of definition."""

C = TypeVar("C", bound=Command)


def spec(
    *,
    does: str,
    allowed: str,
    needs: str | None = None,
    before_login: bool = False,
    limited: bool = False,
    pace: Pace | None = None,
    aside: bool = False,
    reply: type[Packet] | None = None,
    events: Sequence[type[Packet]] = (),
    errors: Sequence[Code] = (),
    example: dict[str, Any] | None = None,
) -> Callable[[type[C]], type[C]]:
    """Enter a command type in the table.

    does: one sentence, what it does, starting with a verb.
    allowed: who may use it, in words for the documentation.
    needs: a server permission that the dispatcher checks before the handler runs (owner and administrator pass).
    before_login: usable before login only (the dispatcher refuses it afterwards).
    limited: spends a token of the message limiter.
    pace: the setting that says how often one user may use this one and its like; the dispatcher counts.
    aside: takes long, and the next commands of the caller do not wait for it.
    reply: the packet that answers the caller; None when the event itself is the answer.
    events: packets that others receive because of it.
    errors: the codes that a handler of it may raise (the general ones are not repeated).
    example: a command object without `cmd`; a test decodes it.
    """

    def enter(command: type[C]) -> type[C]:
        name = wire_name(command.__name__)
        if name in COMMANDS:
            raise ValueError(f"command {name} is defined twice")
        COMMANDS[name] = Spec(
            name=name, command=command, does=does, allowed=allowed, needs=needs, before_login=before_login,
            limited=limited, pace=pace, aside=aside, reply=reply, events=tuple(events), errors=tuple(errors),
            example={"cmd": name, **(example or {})},
        )  # fmt: skip
        return command

    return enter
