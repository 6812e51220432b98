"""backups_list, backup_create. What makes backups stands beside handlers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from handlers.outcome import Outcome
from handlers.registry import handles
from protocol.backups import BackupCreate, BackupCreateReply, BackupEntry, BackupsList, BackupsListReply
from protocol.errors import Code, Refused

if TYPE_CHECKING:
    from handlers.context import Context


class BackupKeeper(Protocol):
    """Who makes backups. What it raises is Refused."""

    @property
    def running(self) -> bool: ...

    async def kept(self) -> Sequence[BackupEntry]:
        """Newest first."""

    async def make(self) -> BackupEntry:
        """Back when it was made and read back."""


@handles(BackupsList)
async def backups_list(ctx: Context, cmd: BackupsList) -> Outcome:
    keeper = _keeper(ctx)
    return Outcome(reply=BackupsListReply(backups=list(await keeper.kept()), running=keeper.running))


@handles(BackupCreate)
async def backup_create(ctx: Context, cmd: BackupCreate) -> Outcome:
    entry = await _keeper(ctx).make()
    return Outcome(reply=BackupCreateReply(backup=entry), audit=[ctx.audit("backup_create", None, entry.name)])


def _keeper(ctx: Context) -> BackupKeeper:
    if ctx.world.backups is None:
        raise Refused(Code.BACKUP_FAILED, reason="this server makes none")
    return ctx.world.backups
