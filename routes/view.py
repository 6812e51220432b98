"""What the HTTP routes know of the community: public facts, asked for at each request."""

from __future__ import annotations

from typing import Protocol

import msgspec


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers and names that anybody may see. They hold nothing that a new member with the default roles may not."""

    name: str
    icon: str = ""
    """Absolute URL, empty when unset."""
    banner: str = ""
    """Absolute URL, empty when unset."""
    owner_name: str = ""
    service_name: str = "OriginChats"
    service_version: str = ""
    users: int
    """Members that are not banned."""
    channels: int
    """Channels that a new member may view."""
    roles: int
    connected: int
    """Open WebSockets, those not logged in included."""
    online: int
    """Members with a live connection that are not invisible."""
    started_at: float
    """Unix seconds."""


class WorldView(Protocol):
    """The little that routes need of the server. All are called on the event loop and must not block."""

    def facts(self) -> Facts: ...

    def metrics(self) -> bytes:
        """What is measured, in the text format of Prometheus."""
        ...

    def metrics_for(self) -> str:
        """Who may read it: `loopback`, `everybody`, or `off` for nobody."""
        ...

    def journal_works(self) -> bool:
        """Whether changes can be stored now: the journal's thread is alive and its last commit did not fail."""
        ...
