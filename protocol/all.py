"""Every family of packets. Importing this module fills `protocol.base.COMMANDS`: what is listed here exists."""

from __future__ import annotations

from importlib import import_module

FAMILIES = (
    "notices",
    "login",
    "accounts",
    "server_info",
    "users",
    "modlog",
    "exports",
    "roles",
    "channels",
    "channel_audience",
    "channel_members",
    "messages",
    "directs",
    "guests",
    "invites",
    "message_reads",
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
    import_module(f"protocol.{_family}")
