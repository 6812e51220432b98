"""Stand-ins for the modules of upstream's server that its plugins import. In the plugins' threads.

Each carries out what upstream's would, by the server's own commands: rights, events, log and storage are the usual.
What the server refuses gives False or None, and a line in the log.
"""

from __future__ import annotations

import json
import logging
import os
import uuid
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec

from plugin_api import PluginError
from plugin_host import upstream_data, upstream_polls
from plugin_host.actions import Posting
from plugin_host.upstream_ws import everyone, send_raw, user_named, viewers_of
from protocol.base import Packet

if TYPE_CHECKING:
    from plugin_host.api import HostApi

MAX_CONFIG_BYTES = 1 << 20
REMEMBERED = 1000

Function = Callable[..., Any]


class Posts:
    """Messages that a plugin both saves and broadcasts, in any order: each is stored and told once."""

    def __init__(self, api: HostApi) -> None:
        self._api = api
        self._known: OrderedDict[str, None] = OrderedDict()

    def post(self, channel: str | None, message: Any, thread_id: str | None = None) -> bool:
        """False when the server refuses it. message: upstream's stored form."""
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            raise PluginError("a message is an object with `content`", "bad_value")
        id_ = str(message.get("id") or uuid.uuid4())[:128]
        if id_ in self._known:
            return True
        webhook = message.get("webhook")
        shown = webhook if isinstance(webhook, dict) else {}
        reply = message.get("reply_to")
        self._api.post(
            Posting(
                channel=channel,
                thread_id=thread_id,
                content=message["content"],
                author=str(message.get("user") or "originChats")[:100],
                embeds=message.get("embeds") or None,
                reply_to=reply.get("id") if isinstance(reply, dict) else None,
                name=shown.get("name"),
                avatar=shown.get("avatar"),
                id=id_,
            )
        )
        self._known[id_] = None
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return True


def _told_by_the_server() -> frozenset[str]:
    """The events that the server sends of everything it stores. When plugins send them too, they are doubles."""
    names: set[str] = set()
    types: list[type[Packet]] = [Packet]
    while types:
        type_ = types.pop()
        types += type_.__subclasses__()
        if type_ is not Packet and type_.durable:
            names.add(str(type_.__struct_config__.tag))
    return frozenset(names | {"channels_get"}) - {"message_new"}


def build(folder: Path, api: HostApi, log: logging.Logger) -> dict[str, ModuleType]:
    """By full name, packages included. folder: where the plugin lies."""
    posts = Posts(api)
    functions: dict[str, dict[str, Any]] = {
        "db.channels": upstream_data.channels(api, posts.post),
        "db.users": upstream_data.users(api),
        "db.roles": upstream_data.roles(api),
        "db.permissions": upstream_data.permissions(api),
        "db.polls": upstream_polls.polls(api),
        "db.webhooks": upstream_polls.webhooks(api),
        "db.threads": upstream_data.threads(api, posts.post),
        "handlers.websocket_utils": _sending(api, posts),
        "logger": {"Logger": _logger(log)},
        "plugins.plugin_utils": _files(folder),
    }
    modules: dict[str, ModuleType] = {}
    for name, content in functions.items():
        package, _, rest = name.partition(".")
        module = modules[name] = ModuleType(name)
        module.__dict__.update({key: _softly(value, log) for key, value in content.items()})
        if rest:
            parent = modules.setdefault(package, ModuleType(package))
            parent.__dict__.update({rest: module, "__path__": []})
    return modules


def _softly(value: Any, log: logging.Logger) -> Any:
    """A function that gives False for what the server refuses, as upstream's do."""
    if isinstance(value, type) or not callable(value) or getattr(value, "is_async", False):
        return value

    @wraps(value)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return value(*args, **kwargs)
        except PluginError as error:
            if error.code == "plugin_stopped":
                raise
            log.warning("%s: %s", value.__name__, error)
            return False

    return call


def _sending(api: HostApi, posts: Posts) -> dict[str, Any]:
    ours = _told_by_the_server()

    def doubles(packet: Any) -> bool:
        """Whether the server tells, or has told, this by itself. A message is stored, if it was not."""
        if not isinstance(packet, dict):
            return False
        message = packet.get("message")
        if packet.get("cmd") == "message_new" and isinstance(message, dict):
            posts.post(packet.get("channel"), message, packet.get("thread_id"))
            return True
        return packet.get("cmd") in ours

    async def send_to_client(ws: Any, packet: Any) -> bool:
        audience = user_named(api, ws.user_id) if ws is not None else None
        if audience is not None:
            send_raw(api, packet, audience)
        return audience is not None

    async def broadcast_to_all(clients: Any, packet: Any) -> None:
        if not doubles(packet):
            send_raw(api, packet, everyone())

    async def broadcast_to_all_except(clients: Any, packet: Any, ws: Any) -> None:
        if not doubles(packet):
            send_raw(api, packet, everyone(), but=getattr(ws, "user_id", None))

    async def broadcast_to_channel(clients: Any, packet: Any, channel: str) -> None:
        if doubles(packet):
            return
        audience = viewers_of(api, channel)
        if audience is not None:
            send_raw(api, packet, audience)

    async def broadcast_to_user(clients: Any, username: str, packet: Any) -> None:
        audience = user_named(api, username)
        if audience is not None:
            send_raw(api, packet, audience)

    async def disconnect_user(clients: Any, user: str, reason: str = "") -> None:
        upstream_data.disconnect(api, user, reason)

    def _get_ws_attr(ws: Any, name: str, default: Any = None) -> Any:
        return getattr(ws, name, default)

    found: list[Function] = [send_to_client, broadcast_to_all, broadcast_to_all_except, broadcast_to_channel,
                             broadcast_to_user, disconnect_user]  # fmt: skip
    for function in found:
        function.__dict__["is_async"] = True
    return {function.__name__: function for function in (*found, _get_ws_attr)}


def _logger(log: logging.Logger) -> type:
    levels = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR, "success": logging.INFO,
              "add": logging.INFO, "edit": logging.INFO, "delete": logging.INFO, "debug": logging.DEBUG}  # fmt: skip

    def writer(level: int) -> Any:
        return staticmethod(lambda message="", *args: log.log(level, "%s", " ".join(map(str, (message, *args)))[:2000]))

    return type("Logger", (), {name: writer(level) for name, level in levels.items()})


def _files(folder: Path) -> dict[str, Any]:
    def place(name: Any) -> Path:
        path = folder / Path(str(name)).name
        return path if path.suffix else path.with_suffix(".json")

    def load_plugin_config(name: Any, defaults: Any = None) -> Any:
        """The file beside the plugin, with what is missing taken from the defaults; it is made where there is none."""
        try:
            data = place(name).read_bytes()[:MAX_CONFIG_BYTES]
        except FileNotFoundError:
            if defaults is not None:
                save_plugin_config(name, defaults)
            return {} if defaults is None else msgspec.to_builtins(defaults)
        found = json.loads(data)
        return {**defaults, **found} if isinstance(defaults, dict) and isinstance(found, dict) else found

    def save_plugin_config(name: Any, config: Any) -> bool:
        path = place(name)
        if path.suffix != ".json":
            raise ValueError("a plugin keeps its settings in a .json file")
        temporary = path.with_name(f".{path.name}.new")
        temporary.write_text(json.dumps(config, indent=2, ensure_ascii=False), encoding="utf-8")
        os.replace(temporary, path)
        return True

    return {"load_plugin_config": load_plugin_config, "save_plugin_config": save_plugin_config}
