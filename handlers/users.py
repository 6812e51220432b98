"""Members: renaming, leaving, and what their roles are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import UNSET, UnsetType

from db.permissions import OWNER
from db.users import User
from handlers.frames import frame_of
from handlers.names import checked_nickname, checked_username
from handlers.outcome import Event, Outcome, ViewChanged
from handlers.presence import color_of, name_changed
from handlers.registry import handles
from protocol.audience import Everyone, SessionsOf
from protocol.errors import Code, Refused
from protocol.notices import DisconnectEvent
from protocol.roles import UserRolesGetEvent
from protocol.users import (
    UserUpdate,
    UserUpdatedEvent,
    UserUpdateEvent,
    UserUpdateReply,
)

if TYPE_CHECKING:
    from handlers.context import Context, World

CHANNEL_LIST = ViewChanged("channels_get")


def user_roles(world: World, user: User, *, global_: Literal[True] | UnsetType = UNSET) -> UserRolesGetEvent:
    return UserRolesGetEvent(user=user.username, roles=list(user.roles), color=color_of(world, user), global_=global_)


def roles_changed(world: World, user: User, *, global_: Literal[True] | UnsetType = UNSET) -> list[Event]:
    """What is told when a member's roles have changed: the roles to everybody, to itself the channels it may see."""
    return [
        Event(Everyone(), user_roles(world, user, global_=global_)),
        Event(SessionsOf(user.id), CHANNEL_LIST),
    ]


def renamed(world: World, old: User, new: User) -> list[Event]:
    """What is told when a member has another username, or a moderator has changed its nickname."""
    update = UserUpdateEvent(user=old.username, username=new.username, nickname=new.nickname)
    updated = UserUpdatedEvent(user_id=new.id, username=new.username, nickname=new.nickname)
    return [Event(Everyone(), update), Event(Everyone(), updated), *name_changed(world, new.id)]


def find_user(world: World, text: str) -> User:
    user = world.users.find(text)
    if user is None:
        raise Refused(Code.USER_NOT_FOUND)
    return user


def require_above(ctx: Context, target: User) -> None:
    """Raise Refused unless the caller may act on the member, which is not itself."""
    if target.id == ctx.user.id:
        raise Refused(Code.NOT_YOURSELF)
    if not ctx.world.access.outranks(ctx.user, target):
        raise Refused(Code.MEMBER_ABOVE)


def require_another_owner(world: World, target: User) -> None:
    """Raise Refused when the member is the only owner that can log in."""
    if not world.access.is_owner(target):
        return
    if not any(owner.id != target.id and not owner.banned for owner in world.users.with_role(OWNER)):
        raise Refused(Code.LAST_OWNER)


def throw_out(world: World, user_id: str, reason: str) -> None:
    """Close every connection of a user. Only from `Outcome.after`."""
    world.fanout.close_user(user_id, reason, frame_of(DisconnectEvent(reason=reason)))


@handles(UserUpdate)
def user_update(ctx: Context, cmd: UserUpdate) -> Outcome:
    world, old = ctx.world, find_user(ctx.world, cmd.user)
    if old.id != ctx.user.id:
        require_above(ctx, old)
    new = old
    if cmd.updates.username is UNSET and cmd.updates.nickname is UNSET:
        raise Refused(Code.NO_UPDATES)
    if cmd.updates.username is not UNSET and cmd.updates.username != old.username:
        new = msgspec.structs.replace(new, username=_new_username(world, old, cmd.updates.username))
    if cmd.updates.nickname is not UNSET:
        text = (cmd.updates.nickname or "").strip()
        nickname = checked_nickname(text, "user_update.updates.nickname") if text else None
        new = msgspec.structs.replace(new, nickname=nickname)
    reply = UserUpdateReply(user=new.username, nickname=new.nickname)
    if new == old:
        return Outcome(reply=reply)
    world.users.put(new)
    audit = []
    if old.id != ctx.user.id:
        audit = [ctx.audit("user_update", old.id, old.username, name_changes(new, old), **name_changes(old, new))]
    return Outcome(reply=reply, events=renamed(world, old, new), audit=audit)


def name_changes(old: User, new: User) -> dict[str, str | None]:
    """The names of a member that differ, as they are in `new`."""
    fields = ("username", "nickname")
    return {field: getattr(new, field) for field in fields if getattr(old, field) != getattr(new, field)}


def _new_username(world: World, user: User, text: str) -> str:
    if user.is_local:
        raise Refused(Code.NAME_FIXED)
    name = checked_username(text, "user_update.updates.username")
    other = world.users.find(name) or (world.users.by_mention(name) if user.guest else None)
    if other is not None and other.id != user.id:
        raise Refused(Code.NAME_TAKEN)
    return name
