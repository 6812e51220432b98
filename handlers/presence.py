"""Who is here, and how they appear: lists of members, presence, own nickname."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from db.users import Status, User
from handlers.asset_pictures import picture_url
from handlers.muting import require_unmuted
from handlers.names import checked_nickname
from handlers.outcome import Event, Outcome, ViewChanged
from handlers.registry import handles
from protocol.audience import Everyone, SessionsOf
from protocol.errors import Code, Refused
from protocol.objects_community import ReadyUser, StatusObject, UserEntry
from protocol.users import (
    NicknameRemove,
    NicknameRemoveEvent,
    NicknameUpdate,
    NicknameUpdateEvent,
    StatusGet,
    StatusGetEvent,
    StatusSet,
    StatusSetReply,
    UserConnectEvent,
    UserDisconnectEvent,
    UsersList,
    UsersListReply,
    UsersOnline,
    UsersOnlineReply,
)

if TYPE_CHECKING:
    from handlers.context import Context, World

INVISIBLE = "invisible"


# --- how a member appears


def color_of(world: World, user: User) -> str | None:
    """The color of the first of the member's roles."""
    role = world.roles.get(user.roles[0]) if user.roles else None
    return role.color if role is not None else None


def status_seen(user: User, *, online: bool, own: bool = False) -> StatusObject:
    """The presence that others are told; `own`: the member itself, who sees that it is invisible."""
    if own or (online and user.status.status != INVISIBLE):
        return StatusObject(user.status.status, user.status.text)
    return StatusObject("offline", user.status.text)


def user_entry(world: World, user: User, *, online: bool | None = None, own: bool = False) -> UserEntry:
    """A member as others see it. online: None takes what is so now. own: as it sees itself."""
    if online is None:
        online = world.fanout.is_online(user.id)
    return UserEntry(
        username=user.username,
        nickname=user.nickname,
        roles=list(user.roles),
        color=color_of(world, user),
        status=status_seen(user, online=online, own=own),
        cracked=user.is_local,
        pfp=picture_url(world.config, user),
    )


def ready_user(world: World, user: User) -> ReadyUser:
    picture = picture_url(world.config, user)
    return ReadyUser(
        username=user.username,
        roles=list(user.roles),
        status=StatusObject(user.status.status, user.status.text),
        nickname=UNSET if user.nickname is None else user.nickname,
        cracked=user.is_local,
        pfp_url=picture,
        pfp=picture,
    )


# --- coming and going


def appears(world: World, user: User) -> list[Event]:
    """What others are told when a member that is online becomes visible. Clients take it for `online`, so any other
    status has to follow."""
    events = [Event(Everyone(), UserConnectEvent(user=user_entry(world, user, online=True)))]
    if user.status.status != "online":
        events.append(_status_event(user))
    return events


def came_online(world: World, user: User) -> list[Event]:
    """What others are told when a member's first connection has logged in."""
    return [] if user.status.status == INVISIBLE else appears(world, user)


def went_offline(world: World, user_id: str, now: float) -> list[Event]:
    """What others are told when a member's last connection is gone. Remembers when that was."""
    user = world.users.get(user_id)
    if user is None:
        return []
    world.users.put_lazily(msgspec.structs.replace(user, last_seen=now))
    if user.banned or user.status.status == INVISIBLE:
        return []
    return [Event(Everyone(), UserDisconnectEvent(username=user.username))]


def status_changed(world: World, old: User, new: User) -> list[Event]:
    """What others are told when the status of a member that is online changes."""
    was_visible, is_visible = old.status.status != INVISIBLE, new.status.status != INVISIBLE
    if not is_visible:
        return [Event(Everyone(), UserDisconnectEvent(username=new.username))] if was_visible else []
    if was_visible:
        return [_status_event(new)]
    connect = Event(Everyone(), UserConnectEvent(user=user_entry(world, new, online=True)))
    return [connect, _status_event(new)]


def _status_event(user: User) -> Event:
    status = StatusObject(user.status.status, user.status.text)
    return Event(Everyone(), StatusGetEvent(username=user.username, status=status, global_=True))


def nickname_event(user: User) -> Event:
    if user.nickname is None:
        return Event(Everyone(), NicknameRemoveEvent(user=user.id, username=user.username))
    return Event(Everyone(), NicknameUpdateEvent(user=user.id, username=user.username, nickname=user.nickname))


def name_changed(world: World, user_id: str) -> list[Event]:
    """What those are told who have a direct channel with a member: it is called by the member's name."""
    others = [direct.other(user_id) for direct in world.directs.of_user(user_id)]
    return [Event(SessionsOf(other), ViewChanged("channels_get")) for other in others if other in world.users]


# --- commands


@handles(UsersList)
def users_list(ctx: Context, cmd: UsersList) -> Outcome:
    me = ctx.user.id
    entries = [user_entry(ctx.world, user, own=user.id == me) for user in ctx.world.users if not user.banned]
    return Outcome(reply=UsersListReply(users=entries))


@handles(UsersOnline)
def users_online(ctx: Context, cmd: UsersOnline) -> Outcome:
    found = (ctx.world.users.get(user_id) for user_id in ctx.world.fanout.online_users())
    entries = [
        user_entry(ctx.world, user, online=True)
        for user in found
        if user is not None and not user.banned and user.status.status != INVISIBLE
    ]
    return Outcome(reply=UsersOnlineReply(users=entries))


@handles(StatusSet)
def status_set(ctx: Context, cmd: StatusSet) -> Outcome:
    old = ctx.user
    if cmd.text and cmd.text != old.status.text:
        require_unmuted(ctx)
    ctx.world.profile_changes.spend(old.id)
    new = msgspec.structs.replace(old, status=Status(cmd.status, cmd.text))
    ctx.world.users.put_lazily(new)
    events = status_changed(ctx.world, old, new)
    status = StatusObject(cmd.status, cmd.text)
    if cmd.status == INVISIBLE:
        return Outcome(reply=StatusSetReply(status=status), events=events)
    if len(events) == 1:
        return Outcome(events=events)
    return Outcome(reply=StatusGetEvent(username=new.username, status=status, global_=True), events=events)


@handles(StatusGet)
def status_get(ctx: Context, cmd: StatusGet) -> Outcome:
    user = ctx.world.users.find(cmd.user)
    if user is None:
        raise Refused(Code.USER_NOT_FOUND)
    seen = status_seen(user, online=ctx.world.fanout.is_online(user.id), own=user.id == ctx.user.id)
    return Outcome(reply=StatusGetEvent(username=user.username, status=seen))


@handles(NicknameUpdate)
def nickname_update(ctx: Context, cmd: NicknameUpdate) -> Outcome:
    return _set_nickname(ctx, checked_nickname(cmd.nickname, "nickname_update.nickname"))


@handles(NicknameRemove)
def nickname_remove(ctx: Context, cmd: NicknameRemove) -> Outcome:
    if ctx.user.nickname is not None:
        ctx.world.profile_changes.spend(ctx.user.id)
    return _set_nickname(ctx, None)


def _set_nickname(ctx: Context, nickname: str | None) -> Outcome:
    old = ctx.user
    new = msgspec.structs.replace(old, nickname=nickname)
    event = nickname_event(new)
    if new == old:
        return Outcome(reply=event.packet)
    ctx.world.users.put(new)
    return Outcome(events=[event, *name_changed(ctx.world, new.id)])
