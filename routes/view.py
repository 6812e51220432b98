"""What the HTTP routes know of the community: public facts, asked for at each request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

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
    registration: str = "open"
    """Who may become a member: `open`, `invite` or `closed`."""
    rotur: bool = False
    """Whether accounts of the Rotur service may log in."""
    claimable: bool = False
    """Whether there is no owner yet."""
    description: str = ""
    """What the community is about."""


class InviteCard(msgspec.Struct, frozen=True, kw_only=True):
    """valid: somebody may come by it now. inviter: as people call the one who made it. expires_at: unix seconds, None
    for never."""

    valid: bool
    inviter: str | None
    expires_at: float | None


class TooMany(Exception):
    """Asked too often. wait_s: seconds after which it may be asked again."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"wait {wait_s:.0f} seconds")
        self.wait_s = wait_s


class Undeliverable(Exception):
    """A message that was sent through a webhook is not posted. status: of HTTP. wait_s: seconds after which it may be
    sent again, 0 where that would not help."""

    def __init__(self, status: int, text: str, wait_s: float = 0.0) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.wait_s = wait_s


class Download(msgspec.Struct, frozen=True):
    """chunks: of the file, made while they are sent. file_name: letters, digits and `-`, with its ending. asker: id of
    the user who asked for it."""

    file_name: str
    asker: str
    chunks: AsyncIterator[bytes]


class WorldView(Protocol):
    """The little that routes need of the server. All are called on the event loop and must not block."""

    def facts(self) -> Facts: ...

    def metrics(self) -> bytes:
        """What is measured, in the text format of Prometheus."""
        ...

    def metrics_for(self) -> str:
        """Who may read it: `loopback`, `everybody`, or `off` for nobody."""
        ...

    def emoji_file(self, name: str) -> Path | None:
        """The picture of an emoji by its file name, or by the emoji's id; None when there is no such emoji."""
        ...

    def asset_file(self, name: str) -> Path | None:
        """The file that is the server's icon or banner, by its name or as `icon` or `banner`; None for any other."""
        ...

    def export(self, token: str, *, use: bool) -> Download | None:
        """The archive of a user behind a link, while that is valid; use: it is not valid any more from now on."""
        ...

    def invite_card(self, code: str, network: str) -> InviteCard | None:
        """What a visitor is told of an invitation; None when there is no such one. network: whom the question counts
        for. Raises TooMany."""
        ...

    def journal_works(self) -> bool:
        """Whether changes can be stored now: the journal's thread is alive and its last commit did not fail."""
        ...

    def webhook_wait_s(self, token: str) -> float | None:
        """Begin a delivery: seconds that it has to wait, 0 when it may go on; None when no webhook has this token."""
        ...

    async def deliver(
        self, token: str, content: str, embeds: list[dict[str, Any]], author: dict[str, Any] | None = None
    ) -> None:
        """Post through a webhook; returns when the message is on disk. author: `id`, `name`, `avatar` that are shown
        instead of the webhook's own, as far as they are there. Raises Undeliverable."""
        ...
