"""Threads: thread_create, thread_get, thread_update, thread_delete, thread_join, thread_leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from db.store import Head
from db.threads import Thread
from handlers import wire
from handlers.muting import require_unmuted
from handlers.outcome import Change, Event, Outcome
from handlers.places import Place, find_channel, find_thread, require, thread_now
from handlers.registry import handles
from protocol import objects_messages as objects
from protocol.errors import Code, Refused
from protocol.threads import (
    ThreadCreate,
    ThreadCreateEvent,
    ThreadDelete,
    ThreadDeleteEvent,
    ThreadGet,
    ThreadGetReply,
    ThreadJoin,
    ThreadJoinEvent,
    ThreadLeave,
    ThreadLeaveEvent,
    ThreadUpdate,
    ThreadUpdateEvent,
)

if TYPE_CHECKING:
    from db.transaction import Transaction
    from handlers.context import Context, World

MAX_NAME = 100


@handles(ThreadCreate)
def thread_create(ctx: Context, cmd: ThreadCreate) -> Change:
    world, user = ctx.world, ctx.user
    channel = find_channel(ctx, cmd.channel)
    if channel.type != "forum":
        raise Refused(Code.NOT_A_FORUM)
    most = world.config.limits.threads_per_forum
    thread = Thread(
        id=world.new_id(),
        name=_checked_name(cmd.name),
        parent=channel.id,
        created_by=user.id,
        created_at=world.timestamp(),
        participants=(user.id,),
    )
    place = Place(thread.id, channel, thread)
    require(ctx, place, "create_thread", "create threads in this channel")
    if len(world.threads.of_channel(channel.id)) >= most:
        raise Refused(Code.TOO_MANY_THREADS, max=most)

    def change(tx: Transaction) -> Outcome:
        tx.threads.add(thread)
        packet = ThreadCreateEvent(thread=wire.thread(world, thread, channel), channel=channel.name)
        return Outcome(events=[Event(place.audience, packet)], then=lambda: world.threads.put(thread))

    return change


@handles(ThreadGet)
def thread_get(ctx: Context, cmd: ThreadGet) -> Change:
    world = ctx.world
    place = find_thread(ctx, cmd.thread_id)
    return lambda tx: Outcome(reply=ThreadGetReply(thread=_on_wire(world, tx, place, thread_now(tx, place))))


@handles(ThreadUpdate)
def thread_update(ctx: Context, cmd: ThreadUpdate) -> Change:
    world = ctx.world
    place = find_thread(ctx, cmd.thread_id)
    _require_charge(ctx, place, "change this thread")
    if cmd.locked is not None and not world.access.can(ctx.user, "manage_threads"):
        raise Refused(Code.PERMISSION_REQUIRED, permission="manage_threads")
    name = UNSET if cmd.name is None else _checked_name(cmd.name)
    if name is not UNSET:
        require_unmuted(ctx)
    locked = UNSET if cmd.locked is None else cmd.locked
    archived = UNSET if cmd.archived is None else cmd.archived

    def change(tx: Transaction) -> Outcome:
        before = thread_now(tx, place)
        after = tx.threads.update(place.id, name=name, locked=locked, archived=archived) or before
        packet = ThreadUpdateEvent(thread=_on_wire(world, tx, place, after), channel=place.channel.name)
        if after == before:
            return Outcome(reply=packet)
        return Outcome(events=[Event(place.audience, packet)], then=lambda: world.threads.put(after))

    return change


@handles(ThreadDelete)
def thread_delete(ctx: Context, cmd: ThreadDelete) -> Change:
    world = ctx.world
    place = find_thread(ctx, cmd.thread_id)
    _require_charge(ctx, place, "delete this thread")

    def change(tx: Transaction) -> Outcome:
        if not tx.threads.delete(place.id):
            raise Refused(Code.THREAD_NOT_FOUND)
        packet = ThreadDeleteEvent(thread_id=place.id, channel=place.channel.name)
        return Outcome(events=[Event(place.audience, packet)], then=lambda: world.threads.remove(place.id))

    return change


@handles(ThreadJoin)
def thread_join(ctx: Context, cmd: ThreadJoin) -> Change:
    user = ctx.user
    place = find_thread(ctx, cmd.thread_id)

    def change(tx: Transaction) -> Outcome:
        before = thread_now(tx, place)
        if before.locked:
            raise Refused(Code.THREAD_LOCKED)
        return _took_part(ctx, tx, place, before, tx.threads.add_participant(place.id, user.id), ThreadJoinEvent)

    return change


@handles(ThreadLeave)
def thread_leave(ctx: Context, cmd: ThreadLeave) -> Change:
    user = ctx.user
    place = find_thread(ctx, cmd.thread_id)

    def change(tx: Transaction) -> Outcome:
        before = thread_now(tx, place)
        is_creator = user.id == before.created_by  # who stays
        after = None if is_creator else tx.threads.remove_participant(place.id, user.id)
        return _took_part(ctx, tx, place, before, after, ThreadLeaveEvent)

    return change


def _took_part(
    ctx: Context,
    tx: Transaction,
    place: Place,
    before: Thread,
    after: Thread | None,
    event: type[ThreadJoinEvent | ThreadLeaveEvent],
) -> Outcome:
    """after: None when nothing changed; then only the caller is told."""
    world, thread = ctx.world, after or before
    packet = event(
        thread=_on_wire(world, tx, place, thread),
        thread_id=place.id,
        channel=place.channel.name,
        user=ctx.user.username,
    )
    if thread == before:
        return Outcome(reply=packet)
    return Outcome(events=[Event(place.audience, packet)], then=lambda: world.threads.put(thread))


def _require_charge(ctx: Context, place: Place, action: str) -> None:
    """Raise Refused unless the caller made the thread or manages threads."""
    assert place.thread is not None
    user = ctx.user
    if place.thread.created_by != user.id and not ctx.world.access.can(user, "manage_threads"):
        raise Refused(Code.NOT_PERMITTED, action=action)


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name:
        raise Refused(Code.BAD_VALUE, field="name", reason="must not be empty")
    if len(name) > MAX_NAME:
        raise Refused(Code.BAD_VALUE, field="name", reason=f"at most {MAX_NAME} characters")
    return name


def _on_wire(world: World, tx: Transaction, place: Place, thread: Thread) -> objects.Thread:
    """With the newest message as this transaction sees it."""
    newest = tx.messages.newest(place.id, 1)
    head = Head(newest[0].timestamp, newest[0].id) if newest else None
    return wire.thread(world, thread, place.channel, head)
