"""Backups. Those that lie on the server, and making one now; docs/backup.md says how one is restored."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from protocol.base import Command, Packet, spec
from protocol.errors import Code

ADMINISTRATOR = "administrator"


class BackupEntry(Struct, frozen=True, kw_only=True):
    """One backup of everything."""

    name: Annotated[str, Meta(description="Name of its file.")]
    created_at: Annotated[float, Meta(description="Unix seconds.")]
    size_bytes: Annotated[int, Meta(description="Without the uploads that lie beside it.")]
    messages: Annotated[int | None, Meta(description="How many it holds; null: it cannot be read.")]
    ok: Annotated[bool, Meta(description="Whether it can be opened. Each was read back when it was made.")]


class BackupsListReply(Packet, kw_only=True, frozen=True, tag="backups_list"):
    """The backups that are kept, newest first."""

    backups: list[BackupEntry]
    running: Annotated[bool, Meta(description="Whether one is made right now.")]


@spec(
    does="List the backups that the server has made.",
    allowed="owners, and server permission `administrator`",
    needs=ADMINISTRATOR,
    reply=BackupsListReply,
    errors=(Code.BACKUP_FAILED,),
)
class BackupsList(Command, kw_only=True, frozen=True):
    pass


class BackupCreateReply(Packet, kw_only=True, frozen=True, tag="backup_create"):
    """It was made, and read back in order."""

    backup: BackupEntry


@spec(
    does="Make a backup now, and read it back; the answer comes when it is done. It counts as an automatic one: when "
    "there are more than `backup.keep`, the oldest goes.",
    allowed="owners, and server permission `administrator`",
    needs=ADMINISTRATOR,
    aside=True,
    reply=BackupCreateReply,
    errors=(Code.BACKUP_RUNNING, Code.BACKUP_FAILED),
)
class BackupCreate(Command, kw_only=True, frozen=True):
    pass
