"""The end of the own membership."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from handlers.erasure import begin, forget_in_documents
from handlers.invites import gone as gone_invites
from handlers.outcome import Change, Event, Outcome
from handlers.presence import name_changed
from handlers.registry import handles
from handlers.users import require_another_owner, throw_out
from protocol.audience import Everyone
from protocol.users import UserLeave, UserLeaveEvent, UserLeaveReply

if TYPE_CHECKING:
    from db.transaction import Transaction
    from handlers.context import Context


@handles(UserLeave)
def user_leave(ctx: Context, cmd: UserLeave) -> Change:
    """A ban outlives the membership; a member that is banned at this very moment keeps its record."""
    world, user = ctx.world, ctx.user
    require_another_owner(world, user)
    erasing = cmd.erase and not user.banned
    news = forget_in_documents(world, user) if erasing else []
    if not user.banned:
        world.users.remove(user.id)
        world.channels.forget_user(user.id)
    reply = UserLeaveReply(user=user.username, erasing=erasing or UNSET)
    requested_at = world.timestamp()

    def gone() -> None:
        throw_out(world, user.id, "You left this server")
        if not user.banned:
            world.asset_pictures.discard(user.pfp_url)

    def change(tx: Transaction) -> Outcome:
        tx.sessions.end_all(user.id)
        tx.reads.forget_user(user.id)
        tx.push.forget_user(user.id)
        if not user.banned:
            tx.memberships.forget_user(user.id)
        invited = [] if user.banned else tx.invites.forget_user(user.id)
        events = [] if user.banned else [Event(Everyone(), UserLeaveEvent(username=user.username))]
        events += name_changed(world, user.id)
        told, erase = begin(world, tx, user, requested_at) if erasing else ([], None)

        def forget() -> None:
            world.push_subscriptions.forget_user(user.id)
            world.invites.remove(invited)
            if not user.banned:
                world.memberships.forget_user(user.id)
            if erase is not None:
                erase()

        events += [*news, *told, *gone_invites(world, invited)]
        return Outcome(reply=reply, events=events, then=forget, after=gone)

    return change
