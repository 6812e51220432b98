"""user_export: who may have whose data, and the link to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.outcome import Outcome
from handlers.registry import handles
from protocol.errors import Code, Refused
from protocol.exports import UserExport, UserExportReply

if TYPE_CHECKING:
    from db.users import User
    from handlers.context import Context, World


@handles(UserExport)
def user_export(ctx: Context, cmd: UserExport) -> Outcome:
    world, user = ctx.world, ctx.user
    target = user if cmd.user is None else world.users.find(cmd.user)
    check_may_export(world, user, target)
    assert target is not None
    token = world.new_secret()
    link = world.exports.add(token, user.id, target.id)
    reply = UserExportReply(user=target.username, url=f"/exports/{token}", expires_at=link.expires_at)
    audit = [] if target.id == user.id else [ctx.audit("user_export", target.id, target.username)]
    return Outcome(reply=reply, audit=audit)


def check_may_export(world: World, user: User, target: User | None) -> None:
    """Raise Refused unless the user may have the other's data now."""
    if target is not None and target.id == user.id and not user.banned:
        return
    if not world.access.can(user, "manage_users"):
        raise Refused(Code.PERMISSION_REQUIRED, permission="manage_users")
    if target is None:
        raise Refused(Code.USER_NOT_FOUND)
    if not world.access.outranks(user, target):
        raise Refused(Code.MEMBER_ABOVE)
