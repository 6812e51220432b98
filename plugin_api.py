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
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

import msgspec

__all__ = [
    "Action", "Api", "Call", "Channel", "Draft", "Member", "Message", "MessageDelete", "MessageEdit", "MessageNew",
    "MessagePin", "Option", "Plugin", "PluginError", "Presence", "Refuse", "Role", "Settings", "Storage", "UserJoin",
]  # fmt: skip

MAX_HANDLERS = 200
NAME = re.compile(r"[a-z0-9_-]{1,32}")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of a plugin's settings. The file `<data folder>/plugins/<plugin>.json` holds them; it is written with the
    defaults when there is none, and may be edited while the server runs. `enabled`: false switches the plugin off."""

    enabled: bool = True


S = TypeVar("S", bound=Settings)
F = TypeVar("F", bound=Callable[..., Any])


class PluginError(Exception):
    """The server refused a call. `code` is one of the codes of docs/protocol/errors.md, or `plugin_stopped`."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


class Refuse(Exception):
    """Raised by a `before` hook: the message is not stored. The text is what its author is told."""


# --- what plugins see of the community: copies, as it was at the moment of asking ------------------------------------


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """name: nickname, else username. joined_at: unix seconds, None when it is not known."""

    id: str
    username: str
    name: str
    roles: tuple[str, ...] = ()
    online: bool = False
    banned: bool = False
    joined_at: float | None = None


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """type: text, forum, voice or separator. permissions: the rules, as in channels.json."""

    id: str
    name: str
    type: str
    description: str = ""
    permissions: dict[str, tuple[str, ...]] = {}


class Role(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    color: str | None
    permissions: tuple[str, ...]
    position: int


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """author: user id. by_member: False when a webhook, a plugin or the server wrote it. name: as it is shown.
    timestamp: unix seconds. direct: in a direct channel of two members."""

    id: str
    channel: str
    thread_id: str | None = None
    author: str
    name: str
    by_member: bool
    content: str
    timestamp: float = 0.0
    reply_to: str | None = None
    avatar: str | None = None
    embeds: list[dict[str, Any]] = []
    direct: bool = False


# --- events -----------------------------------------------------------------------------------------------------------


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of events. `names`: what `Plugin.on` is given to hear of it."""

    names: ClassVar[tuple[str, ...]] = ()


class ServerStart(Event, frozen=True, kw_only=True):
    """The plugin runs: after the start of the server, after a reload, and when it is switched on."""

    names: ClassVar[tuple[str, ...]] = ("server_start",)


class MessageNew(Event, frozen=True, kw_only=True):
    """A message was stored and is on its way. None from direct channels."""

    names: ClassVar[tuple[str, ...]] = ("message_new",)
    message: Message


class MessageEdit(Event, frozen=True, kw_only=True):
    names: ClassVar[tuple[str, ...]] = ("message_edit",)
    message: Message


class MessageDelete(Event, frozen=True, kw_only=True):
    """by: user id of who deleted it, None when no member did."""

    names: ClassVar[tuple[str, ...]] = ("message_delete",)
    id: str
    channel: str
    thread_id: str | None = None
    by: str | None = None


class MessagePin(Event, frozen=True, kw_only=True):
    names: ClassVar[tuple[str, ...]] = ("message_pin", "message_unpin")
    id: str
    channel: str
    thread_id: str | None = None
    pinned: bool
    by: str | None = None


class UserJoin(Event, frozen=True, kw_only=True):
    """Somebody is a member for the first time (not: logs in again, or is unbanned)."""

    names: ClassVar[tuple[str, ...]] = ("user_join",)
    user: Member


class Presence(Event, frozen=True, kw_only=True):
    """The first connection of a member came, the last one went, or the member left the community."""

    names: ClassVar[tuple[str, ...]] = ("user_connect", "user_disconnect", "user_leave")
    change: Literal["user_connect", "user_disconnect", "user_leave"]
    username: str
    user_id: str | None = None


class Action(Event, frozen=True, kw_only=True):
    """Something that is in the moderation log. action: the command. target_id: a user, role, channel or message."""

    names: ClassVar[tuple[str, ...]] = (
        "user_ban", "user_unban", "user_timeout", "user_delete", "user_roles_set", "user_update", "channel_create",
        "channel_update", "channel_move", "channel_delete", "role_create", "role_update", "role_delete", "role_reorder",
        "role_permissions_set", "self_role_add", "self_role_remove", "server_update",
    )  # fmt: skip
    action: str
    actor_id: str
    actor_name: str
    target_id: str | None = None
    target_name: str | None = None
    details: dict[str, Any] = {}


EVENTS: Mapping[str, type[Event]] = {
    name: type_
    for type_ in (ServerStart, MessageNew, MessageEdit, MessageDelete, MessagePin, UserJoin, Presence, Action)
    for name in type_.names
}


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a member before it is stored. id: of the message that is edited, None for a new one."""

    author: Member
    channel: str
    thread_id: str | None
    content: str
    direct: bool = False
    id: str | None = None


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """An option of a slash command. type: str, int, float, bool or enum (then one of `choices`)."""

    name: str
    description: str = ""
    type: Literal["str", "int", "float", "bool", "enum"] = "str"
    required: bool = True
    choices: list[str] = []


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A slash command or command as somebody called it. channel: None for commands."""

    user: Member
    args: Any
    channel: str | None = None


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

    def __init__(self, *, name: str = "", description: str = "", settings: type[S] | None = None) -> None:
        self.name = name
        self.description = description
        self.settings_type: type[Settings] = Settings if settings is None else settings
        self.handlers: dict[str, list[Callable[[Any], Any]]] = {}
        self.before_hooks: list[Callable[[Draft], Any]] = []
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

    def before(self, event: Literal["message_new"] = "message_new") -> Callable[[F], F]:
        """Call the function with each `Draft`: messages of members, new or edited, before they are stored. It gives
        the text that is stored instead, or None to leave it, or raises `Refuse`. All hooks together have one second;
        then the message passes as it is."""
        if event != "message_new":
            raise ValueError("there is a hook before message_new only")
        return self._enter(lambda function: self.before_hooks.append(function))

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
