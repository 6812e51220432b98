"""Everything that the server holds of one user, as a download."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from protocol.base import Command, Packet, spec
from protocol.errors import Code
from protocol.objects_community import UserRef


class UserExportReply(Packet, kw_only=True, frozen=True, tag="user_export"):
    """Where the archive can be fetched, once."""

    user: str
    url: Annotated[str, Meta(description="Path on this server. Whoever has it can fetch the archive: keep it secret.")]
    expires_at: Annotated[float, Meta(description="Unix seconds after which the link is not valid any more.")]


@spec(
    does="Make a link under which everything that the server holds of a user can be fetched once, as a ZIP archive.",
    allowed="everybody, of oneself; server permission `manage_users`, of members below, without what the caller may "
    "not view; owners, of everybody",
    reply=UserExportReply,
    errors=(Code.PERMISSION_REQUIRED, Code.USER_NOT_FOUND, Code.MEMBER_ABOVE),
    example={"user": "alice"},
)
class UserExport(Command, kw_only=True, frozen=True):
    user: UserRef | None = None
