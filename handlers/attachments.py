"""Uploads in messages and commands: attachment_get, attachment_delete, the attachments of message_new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers import wire
from handlers.outcome import Change, Outcome
from handlers.registry import handles, http_capability
from protocol.attachments import AttachmentDelete, AttachmentDeletedReply, AttachmentGet, AttachmentInfoReply
from protocol.errors import Code, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.attachments import StoredAttachment
    from db.transaction import Transaction
    from db.users import User
    from handlers.context import Context
    from protocol.objects_messages import AttachmentRef

http_capability("attachment_upload", lambda config: config.attachments.enabled)


def own_uploads(tx: Transaction, user: User, wanted: Sequence[AttachmentRef], now: float) -> list[StoredAttachment]:
    """What the user wants a message to show, each once. Raises Refused unless all are the user's own and not past their
    time."""
    ids = list(dict.fromkeys(each.id.strip() for each in wanted))
    found = tx.attachments.get_all(ids, now) if ids else {}
    for id_ in ids:
        if id_ not in found:
            raise Refused(Code.ATTACHMENT_NOT_FOUND)
        if found[id_].uploader_id != user.id:
            raise Refused(Code.NOT_PERMITTED, action="attach uploads of others")
    return [found[id_] for id_ in ids]


@handles(AttachmentGet)
def attachment_get(ctx: Context, cmd: AttachmentGet) -> Change:
    config = ctx.world.config

    def change(tx: Transaction) -> Outcome:
        found = _find(tx, cmd.attachment_id, ctx.now)
        return Outcome(reply=AttachmentInfoReply(attachment=wire.attachment(config, found)))

    return change


@handles(AttachmentDelete)
def attachment_delete(ctx: Context, cmd: AttachmentDelete) -> Change:
    world, user = ctx.world, ctx.user
    manages = world.access.can(user, "manage_messages")

    def change(tx: Transaction) -> Outcome:
        found = _find(tx, cmd.attachment_id, ctx.now)
        own = found.uploader_id == user.id
        if not own and (not manages or tx.directs.get(found.channel) is not None):
            raise Refused(Code.NOT_PERMITTED, action="delete uploads of others")
        tx.attachments.end([found.id])
        entry = ctx.audit("attachment_delete", found.id, found.name, uploader=found.uploader_id)
        reply = AttachmentDeletedReply(attachment_id=found.id)
        return Outcome(reply=reply, audit=[] if own else [entry])

    return change


def _find(tx: Transaction, id: str, now: float) -> StoredAttachment:
    found = tx.attachments.get(id.strip(), now)
    if found is None:
        raise Refused(Code.ATTACHMENT_NOT_FOUND)
    return found
