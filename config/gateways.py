"""Sections of the settings table for the ways in beside the OriginChats protocol, for guests, plugins and bots."""

from __future__ import annotations

from typing import Annotated

from config.setting import ORIGIN, Section, formed, setting


class Guests(Section, frozen=True):
    roles: Annotated[
        tuple[str, ...] | None,
        setting("Roles of a guest", "Role names, the first decides the colour; null: those of DB.users.default.roles."),
    ] = None


class Rooms(Section, frozen=True):
    enabled: Annotated[bool, setting("Enabled", "Whether clients of the rooms dialect are served.", restart=True)] = (
        True
    )
    require_token: Annotated[
        bool, setting("Tokens only", "Whether a token is needed to enter; otherwise anyone may enter as a guest.")
    ] = False
    default_room: Annotated[
        str,
        setting(
            "Default room", "Channel that is entered and written to when none is named.", min_length=1, max_length=100
        ),
    ] = "general"
    port: Annotated[
        int | None,
        setting(
            "Own port",
            "TCP port at which the rooms dialect is served at / as well, on the address websocket.host; 0: any free "
            "one; null: /rooms of the common port only.",
            restart=True,
            at_least=0,
            at_most=65535,
        ),
    ] = None
    bad_frames: Annotated[
        int,
        setting(
            "Malformed messages",
            "A connection that sends so many without a good one between is closed (1008).",
            unit="messages",
            at_least=1,
            at_most=1_000_000,
        ),
    ] = 20
    token_days: Annotated[
        float,
        setting(
            "Lifetime of a token",
            "A token with which nobody was connected for so long is forgotten.",
            unit="days",
            at_least=0.01,
            at_most=36_500,
        ),
    ] = 365


class Plugins(Section, frozen=True):
    enabled: Annotated[bool, setting("Enabled", "Whether plugins are loaded.", restart=True)] = True
    folder: Annotated[
        str,
        setting(
            "Folder",
            "Where plugin files lie; a relative path starts at the folder of config.json.",
            restart=True,
            min_length=1,
        ),
    ] = "plugins"
    timeout_s: Annotated[
        float,
        setting(
            "Longest pause",
            "A plugin that keeps its thread busy for longer is switched off.",
            unit="seconds",
            at_least=0.1,
            at_most=600,
        ),
    ] = 5
    before_s: Annotated[
        float,
        setting(
            "Wait before a message",
            "How long a message waits for all plugins that look at it before it is stored; then it passes.",
            unit="seconds",
            at_least=0.05,
            at_most=10,
        ),
    ] = 1


class ChatApi(Section, frozen=True):
    enabled: Annotated[bool, setting("Enabled", "Whether the HTTP chat API is served.", restart=True)] = True
    session_timeout_s: Annotated[
        int,
        setting(
            "Idle lifetime of a session",
            "A session without any request for so long is forgotten, and its token with it.",
            unit="seconds",
            variable="SESSION_TIMEOUT",
            at_least=1,
            at_most=31_536_000,
        ),
    ] = 86_400
    max_message_bytes: Annotated[
        int,
        setting(
            "Message size",
            "Longest text of a message that comes by this way, as UTF-8; limits.post_content holds besides.",
            unit="bytes",
            variable="MAX_MESSAGE_SIZE",
            at_least=1,
            at_most=400_000,
        ),
    ] = 4096
    max_history: Annotated[
        int | None,
        setting(
            "History of a channel",
            "Messages that a channel made by this way keeps; older ones go. null: all.",
            unit="messages",
            variable="MAX_HISTORY",
            at_least=1,
            at_most=1_000_000_000,
        ),
    ] = 10_000
    motd: Annotated[
        str,
        setting(
            "Message of the day", "Shown to who asks about the server; empty: none.", max_length=2000, variable="MOTD"
        ),
    ] = ""
    create_channels: Annotated[
        bool,
        setting("New channels", "Whether joining a channel that does not exist makes it, with who joined as operator."),
    ] = False
    channels_per_user: Annotated[
        int,
        setting(
            "New channels per user",
            "Channels that one user may have made by joining them.",
            unit="channels",
            at_least=1,
            at_most=100_000,
        ),
    ] = 10
    allowed_origins: Annotated[
        tuple[Annotated[str, formed("^(\\*|[a-z][a-z0-9+.-]*://[^/\\s]+)$", f"{ORIGIN}, or *", max_length=300)], ...],
        setting("Allowed origins", "Web pages that may use it (CORS), compared exactly; `*`: any."),
    ] = ("*",)
    max_polls: Annotated[
        int,
        setting(
            "Waiting polls",
            "Requests that wait for news at one time; the next one does not wait.",
            unit="requests",
            at_least=1,
            at_most=1_000_000,
        ),
    ] = 10_000


class SlashCommands(Section, frozen=True):
    register_permission: Annotated[
        str,
        setting(
            "Who registers",
            "Server permission that a bot needs in order to register slash commands; empty: every member may.",
            max_length=64,
        ),
    ] = "use_slash_commands"
    answer_timeout_s: Annotated[
        float,
        setting(
            "Answer",
            "The caller is told when a bot has not answered a slash command in this time; the bot may answer still.",
            unit="seconds",
            at_least=1,
            at_most=3600,
        ),
    ] = 15
