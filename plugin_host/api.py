"""`plugin.api` and `plugin.storage` as the server offers them. In the plugin's threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

import plugin_objects
from handlers.outcome import ViewChanged
from plugin_api import PluginError
from plugin_host.actions import Agent, Posting, command, write
from protocol.messages import MessageNewEvent

if TYPE_CHECKING:
    from db.channels import Channel
    from db.transaction import Transaction
    from db.users import User
    from handlers.context import World
    from handlers.outcome import Outcome
    from plugin_host.line import Line

MAX_VALUE_BYTES = 65_536
MAX_KEY = 200


def member(world: World, user: User) -> plugin_objects.Member:
    """On the event loop, as everything here that takes a world."""
    return plugin_objects.Member(
        id=user.id,
        username=user.username,
        name=user.nickname or user.username,
        roles=user.roles,
        online=world.fanout.is_online(user.id),
        banned=user.banned,
        joined_at=user.joined_at,
    )


def channel_seen(channel: Channel) -> plugin_objects.Channel:
    return plugin_objects.Channel(
        id=channel.id,
        name=channel.name,
        type=channel.type,
        description=channel.description or "",
        permissions=channel.permissions,
    )


def reply_of(outcome: Outcome) -> dict[str, Any]:
    """What a client would be answered; {} for what is made for each viewer."""
    packet: Any = outcome.reply
    if packet is None:
        packet = next((event.packet for event in outcome.events if not isinstance(event.packet, ViewChanged)), None)
    if packet is None or isinstance(packet, ViewChanged):
        return {}
    answer: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(packet))
    return answer


class HostApi:
    """Implements `plugin_api.Api`."""

    def __init__(self, plugin: str, line: Line) -> None:
        self.line = line
        self.agent = Agent(plugin)
        self._world = line.core.world

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
        return self.post(
            Posting(
                channel=channel,
                content=content,
                thread_id=thread_id,
                embeds=None if embeds is None else [dict(embed) for embed in embeds],
                reply_to=reply_to,
                name=name,
                avatar=avatar,
            )
        )

    def post(self, posting: Posting) -> str:
        outcome = self.line.act(lambda: write(self._world, self.agent, posting))
        return next(e.packet.message.id for e in outcome.events if isinstance(e.packet, MessageNewEvent))

    def delete_message(self, channel: str, id: str, *, thread_id: str | None = None) -> None:
        self.command("message_delete", channel=channel, id=id, thread_id=thread_id)

    def timeout_user(self, user: str, seconds: int) -> None:
        self.command("user_timeout", user=user, timeout=seconds)

    def ban_user(self, user: str) -> None:
        self.command("user_ban", user=user)

    def unban_user(self, user: str) -> None:
        self.command("user_unban", user=user)

    def add_role(self, user: str, role: str) -> None:
        self.command("user_roles_add", user=user, roles=[role])

    def remove_role(self, user: str, role: str) -> None:
        self.command("user_roles_remove", user=user, roles=[role])

    def command(self, name: str, /, **fields: Any) -> dict[str, Any]:
        return reply_of(self.line.act(lambda: command(self._world, self.agent, name, fields)))

    def user(self, user: str) -> plugin_objects.Member | None:
        def find() -> plugin_objects.Member | None:
            found = self._world.users.find(user)
            return None if found is None else member(self._world, found)

        return self.line.ask(find)

    def users(self) -> list[plugin_objects.Member]:
        return self.line.ask(lambda: [member(self._world, user) for user in self._world.users])

    def channel(self, name: str) -> plugin_objects.Channel | None:
        def find() -> plugin_objects.Channel | None:
            found = self._world.channels.by_name(name)
            return None if found is None else channel_seen(found)

        return self.line.ask(find)

    def channels(self) -> list[plugin_objects.Channel]:
        return self.line.ask(lambda: [channel_seen(channel) for channel in self._world.channels.values()])

    def roles(self) -> list[plugin_objects.Role]:
        return self.line.ask(
            lambda: [
                plugin_objects.Role(
                    id=role.id, name=role.name, color=role.color, permissions=role.permissions, position=role.position
                )
                for role in self._world.roles.by_position()
            ]
        )


class HostStorage:
    """Implements `plugin_api.Storage`."""

    def __init__(self, plugin: str, line: Line) -> None:
        self._plugin = plugin
        self._line = line

    def get(self, key: str, default: Any = None) -> Any:
        text = self._line.store(lambda tx: tx.plugin_storage.get(self._plugin, key))
        return default if text is None else msgspec.json.decode(text)

    def set(self, key: str, value: Any) -> None:
        if not 1 <= len(key) <= MAX_KEY:
            raise PluginError(f"a key has 1 to {MAX_KEY} characters", "bad_value")
        try:
            data = msgspec.json.encode(value)
        except (TypeError, ValueError) as error:
            raise PluginError(f"not JSON: {error}", "bad_value") from None
        if len(data) > MAX_VALUE_BYTES:
            raise PluginError(f"{key}: more than {MAX_VALUE_BYTES} bytes", "bad_value")

        def store(tx: Transaction) -> bool:
            return tx.plugin_storage.set(self._plugin, key, data.decode())

        if not self._line.store(store):
            raise PluginError("the plugin keeps too many keys", "bad_value")

    def delete(self, key: str) -> bool:
        return self._line.store(lambda tx: tx.plugin_storage.delete(self._plugin, key))

    def list(self, prefix: str = "") -> dict[str, Any]:
        found = self._line.store(lambda tx: tx.plugin_storage.list(self._plugin, prefix))
        return {key: msgspec.json.decode(text) for key, text in found.items()}
