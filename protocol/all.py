"""Every family of packets. Importing this module fills `protocol.base.COMMANDS`: what is listed here exists."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

FAMILIES = (
    "login",
    "server_info",
    "users",
    "roles",
    "channels",
    "messages",
    "message_reads",
    "threads",
    "unreads",
)

for _family in FAMILIES:
    if find_spec(f"protocol.{_family}") is not None:
        import_module(f"protocol.{_family}")
