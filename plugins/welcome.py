"""Welcomes members. Settings: `<data folder>/plugins/welcome.json`; see docs/plugins.md."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from plugin_api import Plugin, PluginError, Presence, Settings, UserJoin, about


class Welcome(Settings, frozen=True, kw_only=True):
    enabled: bool = False
    channel: Annotated[
        str,
        Meta(min_length=1, max_length=100),
        about("Channel", "Where members are welcomed.", suggest="channel"),
    ] = "general"
    message: Annotated[
        str,
        Meta(min_length=1, max_length=1000),
        about("Text", "What is posted; {username} stands for the name."),
    ] = "Welcome, {username}!"
    first_time_only: Annotated[
        bool, about("New members only", "Off: whoever comes online is welcomed, once a day.")
    ] = True


plugin = Plugin(name="Welcome", description="Welcomes members who are new.", settings=Welcome)
DAY_S = 86_400


@plugin.on("user_join")
def joined(event: UserJoin) -> None:
    greet(event.user.id)


@plugin.on("user_connect")
def connected(event: Presence) -> None:
    if not plugin.settings.first_time_only and event.user_id is not None:
        greet(event.user_id)


def greet(user_id: str) -> None:
    """Once for each member, or once a day. A member that was greeted is remembered before: better none than two."""
    settings, key = plugin.settings, f"greeted:{user_id}"[:200]
    user = plugin.api.user(user_id)
    today = int(plugin.now() // DAY_S)
    greeted = plugin.storage.get(key)
    if user is None or greeted == today or (greeted is not None and settings.first_time_only):
        return
    plugin.storage.set(key, today)
    try:
        plugin.api.send_message(settings.channel, settings.message.replace("{username}", user.name))
    except PluginError as error:
        plugin.log.warning("nobody is welcomed in %s: %s", settings.channel, error)
