"""Direct channels: direct_open, direct_message, directs_list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db.directs import Direct, bare_id, ordered
from db.permissions import CHANNEL_KEYS, DIRECT_KEYS
from db.users import LOCAL_PREFIX
from handlers.blocks import require_unblocked
from handlers.messages import writing
from handlers.outcome import Change, Event, Outcome, ViewChanged
from handlers.places import Place
from handlers.registry import handles, view
from handlers.users import CHANNEL_LIST, find_user
from protocol import objects_community as objects
from protocol.audience import SessionsOf
from protocol.directs import DirectMessage, DirectOpen, DirectOpenReply, DirectsList, DirectsListReply
from protocol.errors import Code, Refused
from protocol.messages import MessageNew

if TYPE_CHECKING:
    from db.transaction import Transaction
    from db.users import User
    from handlers.context import Context, World


# --- how they appear


def direct_object(world: World, direct: Direct, viewer: User) -> objects.Channel:
    """A direct channel as one of its members sees it: named after the other, with rules that fit the member's roles."""
    head = world.store.heads.get(direct.id)
    other_id = direct.other(viewer.id)
    other = world.users.get(other_id)
    name = world.users.username_of(bare_id(other_id))
    nickname = other.nickname if other is not None else None
    return objects.Channel(
        id=direct.id,
        name=direct.name,
        type=direct.type,
        display_name=nickname or name.removeprefix(LOCAL_PREFIX),
        permissions={key: list(viewer.roles) for key in CHANNEL_KEYS if key in DIRECT_KEYS and viewer.roles},
        members=[viewer.username, name],
        last_message=head.timestamp if head else None,
        last_message_id=head.id if head else None,
    )


def direct_objects(world: World, viewer: User) -> list[objects.Channel]:
    """Those of the member, oldest first."""
    seen = [direct for direct in world.directs.of_user(viewer.id) if world.access.may(viewer, direct, "view")]
    return [direct_object(world, direct, viewer) for direct in seen]


@view("directs_list", lambda world, user: user.id)
def direct_list(world: World, user: User) -> DirectsListReply:
    return DirectsListReply(channels=direct_objects(world, user))


# --- commands


@handles(DirectsList)
def directs_list(ctx: Context, cmd: DirectsList) -> Outcome:
    return Outcome(reply=ViewChanged("directs_list"))


@handles(DirectOpen)
def direct_open(ctx: Context, cmd: DirectOpen) -> Outcome | Change:
    world, user = ctx.world, ctx.user
    known, direct = _with(ctx, cmd.user)
    if known:
        return Outcome(reply=DirectOpenReply(channel=direct_object(world, direct, user)))
    require_unblocked(world, user, direct.other(user.id))

    def change(tx: Transaction) -> Outcome:
        stored = tx.directs.between(*direct.members)
        if stored is not None:  # opened by a command that came right before
            return Outcome(reply=DirectOpenReply(channel=direct_object(world, stored, user)))
        tx.directs.add(direct)
        reply = DirectOpenReply(channel=direct_object(world, direct, user))
        return Outcome(reply=reply, events=_told(direct), then=lambda: world.directs.put(direct))

    return change


@handles(DirectMessage)
def direct_message(ctx: Context, cmd: DirectMessage) -> Change:
    world, user = ctx.world, ctx.user
    _, direct = _with(ctx, cmd.user)
    require_unblocked(world, user, direct.other(user.id))
    message = MessageNew(content=cmd.content, reply_to=cmd.reply_to, nonce=cmd.nonce, type=cmd.type, meta=cmd.meta)
    write = writing(ctx, message, direct)

    def change(tx: Transaction) -> Outcome:
        stored = tx.directs.between(*direct.members)
        if stored is not None:
            return write(tx, Place(stored.id, stored))
        outcome = write(tx, Place(direct.id, direct))
        tx.directs.add(direct)
        outcome.events = [*_told(direct), *outcome.events]
        outcome.then = lambda: world.directs.put(direct)
        return outcome

    return change


def _with(ctx: Context, name: str) -> tuple[bool, Direct]:
    """(whether it exists, the direct channel of the caller and somebody); a new one is ready to be added."""
    world, user, other = ctx.world, ctx.user, find_user(ctx.world, name)
    if other.id == user.id:
        raise Refused(Code.NOT_YOURSELF)
    known = world.directs.between(user.id, other.id)
    if known is not None:
        return True, known
    if other.banned:
        raise Refused(Code.USER_NOT_FOUND)
    return False, Direct(id=world.new_id(), members=ordered(user.id, other.id), created_at=ctx.now)


def _told(direct: Direct) -> list[Event]:
    return [Event(SessionsOf(member), CHANNEL_LIST) for member in direct.members]
