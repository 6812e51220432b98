"""Which settings may be changed by members through the server, and which are never shown.

What could take over the machine or lead the server to other data, and what holds passwords of other services, is for
the host, who edits the file. What gives power over members, over logins and who gets as far as one, over the address
that links to archives and invitations begin with, or over the record of what moderators did, is for owners.
"""

from __future__ import annotations

from typing import Literal

HOST = frozenset({
    "websocket.host", "websocket.port", "rooms.port", "plugins.folder", "backup.folder", "DB.channels",
    "DB.users.file", "DB.roles", "DB.url", "DB.poll_files", "voice.ice_servers",
})  # fmt: skip
OWNERS = (
    "auth_mode", "cracked.default_roles", "guests.roles", "DB.users.default.roles", "rotur.", "modlog.", "backup.",
    "websocket.allowed_origins", "websocket.trusted_proxies", "chat_api.allowed_origins", "plugins.enabled",
    "limits.login_tries_per_minute", "limits.registrations_per_minute", "log.level", "service.metrics",
    "server.url", "rooms.token_days", "websocket.ping_", "limits.max_", "limits.connections_per_address",
    "limits.login_timeout_s", "limits.outbox_bytes",
)  # fmt: skip
"""Names of settings, and of sections with a dot behind them."""
SECRET = frozenset({"DB.url", "voice.ice_servers"})
"""Their values are not sent."""


def changed_by(name: str) -> Literal["managers", "owners", "host"]:
    """Who may change a setting."""
    if name in HOST:
        return "host"
    return "owners" if name.startswith(OWNERS) else "managers"
