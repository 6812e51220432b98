"""Which function carries out which command."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

from protocol.base import COMMANDS, Command, Packet, wire_name

if TYPE_CHECKING:
    from config.schema import Config
    from db.users import User
    from handlers.context import Context, World
    from handlers.outcome import Answer

HANDLERS: dict[type[Command], Callable[[Any, Any], Any]] = {}
VIEWS: dict[str, Callable[[Any, Any], Packet]] = {}
VIEWER_KEYS: dict[str, Callable[[Any, Any], Hashable]] = {}
"""Name of a view -> function of the world and a user; users for whom it gives the same see the same."""

HTTP_CAPABILITIES: dict[str, Callable[[Config], bool]] = {}
"""What `capabilities` of the handshake lists besides commands, because it is HTTP -> whether it is switched on."""

C = TypeVar("C", bound=Command)
Handler = Callable[["Context", C], "Answer"]


def handles(command: type[C]) -> Callable[[Handler[C]], Handler[C]]:
    """Register a function as the handler of a command; its name is the command's wire name."""

    def enter(function: Handler[C]) -> Handler[C]:
        name = wire_name(command.__name__)
        if function.__name__ != name or name not in COMMANDS or command in HANDLERS:
            raise ValueError(f"{function.__name__} cannot be the handler of {name}")
        HANDLERS[command] = function
        return function

    return enter


def http_capability(name: str, offered: Callable[[Config], bool]) -> None:
    """Register something that clients find in the list of capabilities, although it is no command."""
    HTTP_CAPABILITIES[name] = offered


def view(
    name: str, viewer_key: Callable[[World, User], Hashable]
) -> Callable[[Callable[[World, User], Packet]], Callable[[World, User], Packet]]:
    """Register the function that makes the packet of a `ViewChanged` event for one user, and what it depends on of the
    user: it is made once for all users with the same key."""

    def enter(function: Callable[[World, User], Packet]) -> Callable[[World, User], Packet]:
        VIEWS[name] = function
        VIEWER_KEYS[name] = viewer_key
        return function

    return enter
