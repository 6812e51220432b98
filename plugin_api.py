"""What plugins are written against: the whole interface, in signatures. See docs/plugins.md.

    plugin = Plugin(description="Says hello")

    @plugin.on("user_join")
    def greet(event: UserJoin) -> None:
        plugin.api.send_message("general", f"Hello, {event.user.name}!")

Everything a plugin registers runs in a thread of its own, one thing after the other; `async def` functions run in the
event loop of that thread. The calls of `plugin.api` and `plugin.storage` may be made from that thread, and from threads
the plugin starts; each waits until the server has done it, and raises `PluginError` when it refuses.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Literal, Protocol, TypeVar

import msgspec

from plugin_objects import (
    EVENTS,
    Action,
    Call,
    Channel,
    Draft,
    Member,
    Message,
    MessageDelete,
    MessageEdit,
    MessageNew,
    MessagePin,
    Option,
    Presence,
    Role,
    ServerStart,
    UserJoin,
)

__all__ = [
    "Action", "Api", "Call", "Channel", "Draft", "Member", "Message", "MessageDelete", "MessageEdit", "MessageNew",
    "MessagePin", "Option", "Plugin", "PluginError", "Presence", "Refuse", "Role", "ServerStart", "Settings", "Storage",
    "UserJoin", "about",
]  # fmt: skip

MAX_HANDLERS = 200
NAME = re.compile(r"[a-z0-9_-]{1,32}")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of a plugin's settings. The file `<data folder>/plugins/<plugin>.json` holds them; it is written with the
    defaults when there is none, and may be edited while the server runs. `enabled`: false switches the plugin off."""

    enabled: bool = True


def about(
    title: str = "",
    description: str = "",
    *,
    unit: str | None = None,
    secret: bool = False,
    suggest: Literal["channel", "role"] | None = None,
) -> msgspec.Meta:
    """What forms say of a setting: `joins: Annotated[int, Meta(ge=0), about("Joins", "0: any")] = 20`. Without it
    the title is made of the name. secret: the value (for a table, each value) is never sent to clients. suggest: names
    of what its texts, or the keys of a table, are."""
    notes = {"x-unit": unit, "writeOnly": secret or None, "x-suggest": suggest}
    return msgspec.Meta(
        title=title or None,
        description=description or None,
        extra_json_schema={name: note for name, note in notes.items() if note is not None},
    )


S = TypeVar("S", bound=Settings)
F = TypeVar("F", bound=Callable[..., Any])


class PluginError(Exception):
    """The server refused a call. `code` is one of the codes of docs/protocol/errors.md, or `plugin_stopped`."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


class Refuse(Exception):
    """Raised by a `before` hook: what it saw is not stored. The text is what its author is told."""


# --- what plugins call ------------------------------------------------------------------------------------------------


class Api(Protocol):
    """Every call may raise PluginError. Members are named by id or username, roles by name. What a plugin does is in
    the moderation log as `plugin:<plugin>`; it has the rights of an owner, except over owners."""

    def send_message(
        self,
        channel: str,
        content: str,
        *,
        thread_id: str | None = None,
        embeds: Sequence[Mapping[str, Any]] | None = None,
        reply_to: str | None = None,
        name: str | None = None,
        avatar: str | None = None,
    ) -> str:
        """Give the id of the message. name: shown as author, beside a mark that it is no member; None: the server."""

    def delete_message(self, channel: str, id: str, *, thread_id: str | None = None) -> None: ...

    def timeout_user(self, user: str, seconds: int) -> None:
        """0 lifts it."""

    def ban_user(self, user: str) -> None: ...

    def unban_user(self, user: str) -> None: ...

    def add_role(self, user: str, role: str) -> None: ...

    def remove_role(self, user: str, role: str) -> None: ...

    def command(self, name: str, /, **fields: Any) -> dict[str, Any]:
        """Any command of the protocol that is not about the caller itself, such as `channel_create`; its reply."""

    def user(self, user: str) -> Member | None: ...

    def users(self) -> list[Member]: ...

    def channel(self, name: str) -> Channel | None: ...

    def channels(self) -> list[Channel]: ...

    def roles(self) -> list[Role]: ...


class Storage(Protocol):
    """What the plugin keeps: JSON values of up to 64 KiB each, at most 10 000 keys of up to 200 characters."""

    def get(self, key: str, default: Any = None) -> Any: ...

    def set(self, key: str, value: Any) -> None: ...

    def delete(self, key: str) -> bool:
        """False when there was none."""

    def list(self, prefix: str = "") -> dict[str, Any]:
        """Up to 1000 keys that begin so, in order, and their values."""


# --- what plugins register --------------------------------------------------------------------------------------------


class Slash(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    description: str
    options: list[Option]
    roles: tuple[str, ...]
    ephemeral: bool
    handler: Callable[[Call], Any]


class PluginCommand(msgspec.Struct, frozen=True, kw_only=True):
    args: Any
    roles: tuple[str, ...]
    handler: Callable[[Call], Any]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """every_s: seconds between two runs. at: minutes after midnight, by the clock of the machine."""

    handler: Callable[[], Any]
    every_s: float | None = None
    at: int | None = None


class Plugin(Generic[S]):
    """A plugin file has exactly one, called `plugin`. Everything is registered while the file is loaded."""

    def __init__(
        self, *, name: str = "", description: str = "", version: str = "", settings: type[S] | None = None
    ) -> None:
        self.name = name
        self.description = description
        self.version = version
        self.settings_type: type[Settings] = Settings if settings is None else settings
        self.handlers: dict[str, list[Callable[[Any], Any]]] = {}
        self.before_hooks: list[tuple[str, Callable[[Draft], Any]]] = []
        self.slashes: dict[str, Slash] = {}
        self.commands: dict[str, PluginCommand] = {}
        self.jobs: list[Job] = []
        self.log = logging.getLogger("originchats.plugins")
        self.now: Callable[[], float] = time.time
        """Unix seconds, by the server's clock."""
        self._settings: Settings | None = None
        self._api: Api | None = None
        self._storage: Storage | None = None

    def on(self, event: str) -> Callable[[F], F]:
        """Call the function with each event of this name (see the `names` above)."""
        if event not in EVENTS:
            raise ValueError(f"there is no event {event!r}")
        handlers = self.handlers.setdefault(event, [])
        return self._enter(lambda function: handlers.append(function))

    def before(self, event: Literal["message_new", "text"] = "message_new") -> Callable[[F], F]:
        """Call the function with each `Draft` before it is stored: the texts of members' messages, new or edited; with
        "text", everything that others will read. It gives the text that is stored instead, or None to leave it, or
        raises `Refuse`. All hooks together have one second; then all passes as it is."""
        if event not in ("message_new", "text"):
            raise ValueError("there are hooks before message_new and before text")
        return self._enter(lambda function: self.before_hooks.append((event, function)))

    def slash(
        self,
        name: str,
        description: str = "",
        *,
        options: Sequence[Option] = (),
        roles: Sequence[str] = (),
        ephemeral: bool = False,
    ) -> Callable[[F], F]:
        """Offer a slash command; the text that the function gives is posted as answer, None posts nothing. roles: who
        may call it, everybody when empty. ephemeral: only the caller sees the answer."""
        self._check_name(name, self.slashes)

        def enter(function: F) -> None:
            self.slashes[name] = Slash(
                name=name, description=description, options=list(options), roles=tuple(roles), ephemeral=ephemeral,
                handler=function,
            )  # fmt: skip

        return self._enter(enter)

    def command(self, name: str, args: Any = dict[str, Any], *, roles: Sequence[str] = ()) -> Callable[[F], F]:
        """Answer `plugin_call` with this name. args: the type that `Call.args` is converted to. What the function gives
        must be JSON; it is the reply's `result`."""
        self._check_name(name, self.commands)

        def enter(function: F) -> None:
            self.commands[name] = PluginCommand(args=args, roles=tuple(roles), handler=function)

        return self._enter(enter)

    def every(self, seconds: float) -> Callable[[F], F]:
        """Call the function again and again, for the first time after so long (at least a second)."""
        if not 1 <= seconds <= 31_536_000:
            raise ValueError("between 1 and 31536000 seconds")
        return self._enter(lambda function: self.jobs.append(Job(handler=function, every_s=seconds)))

    def daily(self, time: str) -> Callable[[F], F]:
        """Call the function every day at "HH:MM", by the clock of the machine."""
        found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", time)
        if found is None:
            raise ValueError("a time of day is HH:MM")
        at = int(found[1]) * 60 + int(found[2])
        return self._enter(lambda function: self.jobs.append(Job(handler=function, at=at)))

    @property
    def settings(self) -> S:
        """As the file says now."""
        if self._settings is None:
            raise RuntimeError("settings are there once the plugin is loaded")
        return self._settings  # type: ignore[return-value]  # made from settings_type

    @property
    def api(self) -> Api:
        if self._api is None:
            raise RuntimeError("the server can be called once the plugin runs")
        return self._api

    @property
    def storage(self) -> Storage:
        if self._storage is None:
            raise RuntimeError("the storage can be used once the plugin runs")
        return self._storage

    def attach(self, api: Api, storage: Storage, log: logging.Logger, clock: Callable[[], float] = time.time) -> None:
        """The server, or a test, gives what the plugin needs to run."""
        self._api, self._storage, self.log, self.now = api, storage, log, clock

    def configure(self, settings: Settings) -> None:
        """The server, or a test, gives the settings."""
        self._settings = settings

    def _enter(self, put: Callable[[F], Any]) -> Callable[[F], F]:
        def decorate(function: F) -> F:
            if len(self.jobs) + sum(map(len, self.handlers.values())) >= MAX_HANDLERS:
                raise ValueError(f"at most {MAX_HANDLERS} handlers")
            put(function)
            return function

        return decorate

    def _check_name(self, name: str, taken: Mapping[str, object]) -> None:
        if not NAME.fullmatch(name) or name in taken:
            raise ValueError(f"{name!r}: expected 1-32 of a-z, 0-9, _ and -, and each name once")
