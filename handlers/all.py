"""Every family of handlers. Importing this module fills `handlers.registry.HANDLERS`; what is served is listed here."""

from __future__ import annotations

from importlib import import_module

FAMILIES = (
    "login",
    "accounts",
    "guests",
    "invites",
    "handshake",
    "sessions",
    "server_info",
    "presence",
    "users",
    "moderation",
    "modlog",
    "exports",
    "leaving",
    "roles",
    "user_roles",
    "self_roles",
    "channels",
    "channel_audience",
    "channel_members",
    "channel_modes",
    "messages",
    "directs",
    "blocks",
    "message_marks",
    "message_reads",
    "searching",
    "threads",
    "unreads",
    "emojis",
    "profile_pictures",
    "slash_commands",
    "attachments",
    "webhooks",
    "push",
    "polls",
    "voice",
    "plugins",
    "status",
    "settings",
    "backups",
)

for _family in FAMILIES:
    import_module(f"handlers.{_family}")
