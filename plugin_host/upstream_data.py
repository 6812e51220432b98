"""Stand-ins for upstream's `db.channels`, `db.users`, `db.roles`, `db.permissions` and `db.threads`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from handlers.outcome import Outcome
from handlers.users import find_user, throw_out
from plugin_api import PluginError
from plugin_host.actions import edit
from plugin_objects import Channel, Role

if TYPE_CHECKING:
    from db.users import User
    from plugin_host.api import HostApi

MAX_PURGE = 1000

Post = Callable[..., bool]


def _named(*functions: Callable[..., Any]) -> dict[str, Any]:
    return {function.__name__: function for function in functions}


def channels(api: HostApi, post: Post) -> dict[str, Any]:
    world = api.line.core.world

    def seen(channel: Channel) -> dict[str, Any]:
        rules = {key: list(rule) for key, rule in channel.permissions.items()}
        return {
            "name": channel.name, "type": channel.type, "description": channel.description, "permissions": rules,
        }  # fmt: skip

    def get_channel(name: str) -> dict[str, Any] | None:
        channel = api.channel(name)
        return None if channel is None else seen(channel)

    def get_channels() -> list[dict[str, Any]]:
        return [seen(channel) for channel in api.channels()]

    def channel_exists(name: str) -> bool:
        return api.channel(name) is not None

    def save_channel_message(channel: str, message: dict[str, Any]) -> bool:
        return post(channel, message)

    def get_channel_messages(channel: str, start: int = 0, limit: int = 100) -> list[dict[str, Any]]:
        """Oldest first; start: how many of the newest to skip."""
        place = api.line.ask(lambda: world.channels.by_name(channel))
        if place is None:
            return []
        most = max(0, min(limit, MAX_PURGE))
        messages = api.line.store(lambda tx: tx.messages.newest(place.id, most, max(0, start)))
        return [
            {"id": m.id, "user": m.user_id, "content": m.content, "timestamp": m.timestamp, "pinned": m.pinned}
            for m in messages
        ]

    def get_channel_message(channel: str, id: str) -> dict[str, Any] | None:
        place = api.line.ask(lambda: world.channels.by_name(channel))
        found = None if place is None else api.line.store(lambda tx: tx.messages.get(place.id, id))
        if found is None:
            return None
        return {"id": found.id, "user": found.user_id, "content": found.content, "timestamp": found.timestamp}

    def edit_channel_message(channel: str, id: str, content: str) -> bool:
        api.line.act(lambda: edit(world, api.agent, channel, id, content))
        return True

    def delete_channel_message(channel: str, id: str) -> bool:
        api.delete_message(channel, id)
        return True

    def purge_messages(channel: str, count: int) -> bool:
        """Delete the newest messages."""
        for message in get_channel_messages(channel, 0, count):
            api.delete_message(channel, message["id"])
        return True

    def create_channel(
        name: str, type: str = "text", description: str | None = None, permissions: Any = None, **other: Any
    ) -> bool:
        fields = {"name": name, "type": type, "description": description, "permissions": permissions}
        api.command("channel_create", **{key: value for key, value in fields.items() if value is not None})
        return True

    def delete_channel(name: str) -> bool:
        api.command("channel_delete", name=name)
        return True

    def reorder_channel(name: str, position: int) -> bool:
        api.command("channel_move", name=name, position=int(position))
        return True

    def set_channel_permissions(name: str, what: Any, key: str | None = None, allow: bool = True) -> bool:
        """All rules as an object, or one role and one key."""
        channel = api.channel(name)
        if channel is None:
            return False
        rules = {rule: list(roles) for rule, roles in channel.permissions.items()}
        if isinstance(what, dict):
            rules |= what
        else:
            left = [role for role in rules.get(str(key), []) if role not in (what, f"!{what}")]
            rules[str(key)] = [*left, what] if allow else left
        api.command("channel_update", current_name=name, updates={"permissions": rules})
        return True

    return _named(
        get_channel,
        get_channels,
        channel_exists,
        save_channel_message,
        get_channel_messages,
        get_channel_message,
        edit_channel_message,
        delete_channel_message,
        purge_messages,
        create_channel,
        delete_channel,
        reorder_channel,
        set_channel_permissions,
    )


def users(api: HostApi) -> dict[str, Any]:
    world = api.line.core.world

    def record(user: User) -> dict[str, Any]:
        """Without what is secret."""
        return {
            "id": user.id, "username": user.username, "nickname": user.nickname, "roles": list(user.roles),
            "status": msgspec.to_builtins(user.status), "banned": user.banned,
        }  # fmt: skip

    def get_user(user_id: str) -> dict[str, Any] | None:
        user = api.line.ask(lambda: world.users.find(user_id))
        return None if user is None else record(user)

    def get_users() -> list[dict[str, Any]]:
        return [record(user) for user in api.line.ask(lambda: list(world.users))]

    def user_exists(user_id: str) -> bool:
        return get_user(user_id) is not None

    def get_user_roles(user_id: str) -> list[str]:
        user = get_user(user_id)
        return [] if user is None else user["roles"]

    def get_id_by_username(username: str) -> str | None:
        user = get_user(username)
        return None if user is None else user["id"]

    def get_username_by_id(user_id: str) -> str | None:
        user = get_user(user_id)
        return None if user is None else user["username"]

    def ban_user(user: str) -> bool:
        api.ban_user(user)
        return True

    def unban_user(user: str) -> bool:
        api.unban_user(user)
        return True

    def is_user_banned(user: str) -> bool:
        found = get_user(user)
        return found is not None and found["banned"]

    def get_banned_users() -> list[str]:
        return [user["username"] for user in get_users() if user["banned"]]

    def give_role(user: str, role: str) -> bool:
        api.add_role(user, role)
        return True

    def remove_role(user: str, role: str) -> bool:
        api.remove_role(user, role)
        return True

    def set_user_roles(user: str, roles: list[str]) -> bool:
        api.command("user_roles_set", user=user, roles=list(roles))
        return True

    def set_nickname(user: str, nickname: str | None) -> bool:
        api.command("user_update", user=user, updates={"nickname": nickname})
        return True

    return _named(
        get_user,
        get_users,
        user_exists,
        get_user_roles,
        get_id_by_username,
        get_username_by_id,
        ban_user,
        unban_user,
        is_user_banned,
        get_banned_users,
        give_role,
        remove_role,
        set_user_roles,
        set_nickname,
    )


def roles(api: HostApi) -> dict[str, Any]:
    def seen(role: Role) -> dict[str, Any]:
        return {"id": role.id, "name": role.name, "color": role.color, "permissions": list(role.permissions)}

    def get_all_roles() -> dict[str, dict[str, Any]]:
        return {role.name: seen(role) for role in api.roles()}

    def get_role(name: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = get_all_roles().get(name)
        return found

    def role_exists(name: str) -> bool:
        return get_role(name) is not None

    def add_role(name: str, data: dict[str, Any] | None = None) -> bool:
        known = {key: (data or {})[key] for key in ("description", "color", "permissions") if key in (data or {})}
        api.command("role_create", name=name, **known)
        return True

    def update_role(name: str, data: dict[str, Any]) -> bool:
        known = {key: data[key] for key in ("description", "color", "permissions", "hoisted") if key in data}
        api.command("role_set", name=name, data=known)
        return True

    def delete_role(name: str) -> bool:
        api.command("role_delete", name=name)
        return True

    found = _named(
        get_all_roles,
        get_role,
        role_exists,
        add_role,
        update_role,
        delete_role,
    )
    return found | {"get_roles": get_all_roles, "create_role": add_role}


def permissions(api: HostApi) -> dict[str, Any]:
    world = api.line.core.world

    def has_permission(user_id: str, permission: str, *_: Any) -> bool:
        def find() -> bool:
            user = world.users.find(user_id)
            return user is not None and world.access.can(user, permission)

        return api.line.ask(find)

    return {"has_permission": has_permission}


def threads(api: HostApi, post: Post) -> dict[str, Any]:
    world = api.line.core.world

    def get_thread(thread_id: str) -> dict[str, Any] | None:
        def find() -> dict[str, Any] | None:
            thread = world.threads.get(thread_id)
            parent = world.channels.get(thread.parent) if thread is not None else None
            if thread is None or parent is None:
                return None
            return {
                "id": thread.id, "name": thread.name, "parent_channel": parent.name, "created_by": thread.created_by,
                "locked": thread.locked, "archived": thread.archived, "participants": list(thread.participants),
            }  # fmt: skip

        return api.line.ask(find)

    def save_thread_message(thread_id: str, message: dict[str, Any]) -> bool:
        return post(None, message, thread_id)

    def delete_thread(thread_id: str) -> bool:
        api.command("thread_delete", thread_id=thread_id)
        return True

    return {"get_thread": get_thread, "save_thread_message": save_thread_message, "delete_thread": delete_thread}


def disconnect(api: HostApi, user: str, reason: str) -> None:
    """Close every connection of a member."""
    world = api.line.core.world

    def work() -> Outcome:
        found = find_user(world, user)
        return Outcome(after=lambda: throw_out(world, found.id, reason[:200] or "Disconnected"))

    try:
        api.line.act(work)
    except PluginError as error:
        if error.code != "user_not_found":
            raise
