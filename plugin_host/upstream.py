"""Plugins written for upstream's interface: `getInfo()` and `on_<event>(ws, data[, server_data])`.

They import modules of upstream's server, which are stand-ins here (`plugin_host.upstream_modules`), seen by them alone.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from plugin_host import upstream_modules
from plugin_host.api import HostApi
from plugin_host.events import Told
from plugin_host.loading import LoadError
from plugin_host.upstream_ws import Crowd, Ws, ws_of
from plugin_objects import Event

EVENTS = frozenset({
    "server_start", "user_join", "user_connect", "user_leave", "user_ban", "user_unban", "user_timeout",
    "user_roles_set", "new_message", "message_edit", "message_delete", "message_pin", "message_unpin", "channel_create",
    "channel_update", "channel_move", "channel_delete", "role_create", "role_update", "role_delete", "self_role_add",
    "self_role_remove", "auto_moderate", "typing", "slash_call", "user_disconnect",
})  # fmt: skip
"""What a plugin may say it handles. The last three are in upstream's documents, and raised nowhere."""
MAX_TEXT = 1000

Handler = Callable[..., Any]


class Raised(Event, frozen=True, kw_only=True):
    """What an upstream plugin raises; plugins of the typed interface hear nothing of it."""


class Shim:
    """What one upstream plugin finds instead of upstream's server."""

    def __init__(self, path: Path, api: HostApi, log: logging.Logger, tell: Callable[[Told], None]) -> None:
        """tell: called on the server's loop with the events that the plugin raises."""
        self.path = path
        self.api = api
        self.log = log
        self.tell = tell
        self.modules: dict[str, ModuleType] = upstream_modules.build(self.path.parent, api, log)

    def server_data(self) -> dict[str, Any]:
        """The third argument of handlers."""
        line = self.api.line
        config = line.ask(lambda: msgspec.to_builtins(line.core.world.config))
        return {
            "connected_clients": Crowd(self.api),
            "connected_usernames": Usernames(self.api),
            "config": config,
            "plugin_manager": Manager(self),
            "rate_limiter": Limiter(self.api),
            "send_to_client": self.modules["handlers.websocket_utils"].__dict__["send_to_client"],
            "slash_commands": {},
            "voice_channels": {},
            "_ws_data": {},
        }


class Usernames(Mapping[str, int]):
    """Username -> number of connections."""

    def __init__(self, api: HostApi) -> None:
        self._api = api

    def _now(self) -> dict[str, int]:
        world = self._api.line.core.world
        return self._api.line.ask(
            lambda: {world.users.username_of(id_): len(world.fanout.sessions_of(id_))
                     for id_ in world.fanout.online_users()}
        )  # fmt: skip

    def __getitem__(self, name: str) -> int:
        return self._now()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())


class Limiter:
    def __init__(self, api: HostApi) -> None:
        self._api = api

    def set_user_timeout(self, user_id: str, seconds: float) -> None:
        self._api.timeout_user(user_id, max(0, round(seconds)))


class Manager:
    """`server_data["plugin_manager"]`."""

    def __init__(self, shim: Shim) -> None:
        self._shim = shim

    async def trigger_event(self, event: str, ws: Any = None, data: Any = None, server_data: Any = None) -> None:
        """Raise an event for the other plugins that are written so."""
        told = Told(f"upstream {event}", Raised(), getattr(ws, "user_id", None), (event, dict(data or {})))
        self._shim.api.line.ask(lambda: self._shim.tell(told))


class Upstream:
    """A loaded file."""

    def __init__(self, name: str, description: str, roles: frozenset[str], handlers: dict[str, Handler], shim: Shim):
        self.name = name
        self.description = description
        self.handlers = handlers
        self.shim = shim
        self._roles = roles
        self._wants = {event: _wants_server_data(function) for event, function in handlers.items()}

    def handle(self, event: str, data: dict[str, Any], actor: str | None) -> Any:
        """Call the handler of an event. In the plugin's thread."""
        handler = self.handlers.get(event)
        ws: Ws | None = ws_of(self.shim.api, actor) if actor is not None else None
        if handler is None or (self._roles and (ws is None or not self._roles & set(ws.user_roles))):
            return None
        return handler(ws, data, self.shim.server_data()) if self._wants[event] else handler(ws, data)


def read(module: ModuleType, shim: Shim) -> Upstream:
    """Raises LoadError when the module is no such plugin."""
    info_of = getattr(module, "getInfo", None)
    if not callable(info_of):
        raise LoadError("neither `plugin = Plugin(...)` nor `getInfo()` is there; see docs/plugins.md")
    info = info_of()
    names = info.get("handles") if isinstance(info, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise LoadError("getInfo() must give {name, description, handles: [event names]}")
    handlers: dict[str, Handler] = {}
    for name in names:
        function = getattr(module, f"on_{name}", None)
        if not callable(function):
            raise LoadError(f"getInfo() names {name!r}, and there is no function on_{name}")
        if name not in EVENTS:
            shim.log.warning("there is no event %s", name)
        handlers[name] = function
    required = getattr(module, "required_permission", None) or []
    roles = frozenset([required] if isinstance(required, str) else required)
    text = {key: str(info.get(key, ""))[:MAX_TEXT] for key in ("name", "description")}
    return Upstream(text["name"] or shim.path.stem, text["description"], roles, handlers, shim)


def _wants_server_data(function: Handler) -> bool:
    """Whether it takes three arguments."""
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return True
    return sum(parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
               for parameter in parameters) >= 3  # fmt: skip
