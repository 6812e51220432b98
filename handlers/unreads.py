"""Read markers: unreads_ack, unreads_get, unreads_count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from handlers.outcome import Change, Event, Outcome
from handlers.places import Place, find_place, visible_places
from handlers.registry import handles
from protocol.audience import SessionsOf
from protocol.errors import Code, Refused
from protocol.objects_messages import UnreadEntry
from protocol.unreads import (
    UnreadsAck,
    UnreadsAckReply,
    UnreadsCount,
    UnreadsCountReply,
    UnreadsGet,
    UnreadsGetReply,
    UnreadsMark,
    UnreadsMarkReply,
    UnreadsUpdateEvent,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.reads import Unread
    from db.transaction import Transaction
    from db.users import User
    from handlers.context import Context


def move_marker(tx: Transaction, user_id: str, place: Place, message_id: str) -> list[Event]:
    """Mark the place as read up to this message, its newest. Gives the event for the user's sessions, nothing if it is
    read that far already."""
    return [_moved(user_id, place, message_id)] if tx.reads.set(user_id, place.id, message_id) else []


def _moved(user_id: str, place: Place, last_read: str | None, unread: int = 0, mentions: int = 0) -> Event:
    packet = UnreadsUpdateEvent(
        last_read=last_read,
        channel=place.channel.name if place.thread is None else UNSET,
        thread_id=place.thread_id or UNSET,
        unread_count=unread or UNSET,
        mentions=mentions or UNSET,
    )
    return Event(SessionsOf(user_id), packet)


def _mentions(tx: Transaction, user: User, unread: Mapping[str, Unread]) -> dict[str, int]:
    """Place -> how many of the unread messages call the user. The own ones do not, nor those of who is blocked."""
    places = [id_ for id_, state in unread.items() if state.unread]
    return tx.reads.mentions(user.id, user.roles, (user.id, *user.blocked), places) if places else {}


@handles(UnreadsAck)
def unreads_ack(ctx: Context, cmd: UnreadsAck) -> Change:
    user = ctx.user
    place = find_place(ctx, cmd)
    asked = cmd.message_id and ctx.world.slash.stored_before(cmd.message_id)

    def change(tx: Transaction) -> Outcome:
        message_id = asked or tx.messages.newest_id(place.id)
        if asked is not None and tx.messages.get(place.id, asked) is None:
            raise Refused(Code.MESSAGE_NOT_FOUND)
        events = []
        if message_id is not None and tx.reads.set(user.id, place.id, message_id):
            found = tx.reads.unreads(user.id, [place.id])
            mentions = _mentions(tx, user, found).get(place.id, 0)
            events = [_moved(user.id, place, message_id, found[place.id].unread, mentions)]
        reply = UnreadsAckReply(
            last_read=tx.reads.get(user.id, place.id),
            channel=place.channel.name if place.thread is None else UNSET,
            thread_id=place.thread_id or UNSET,
        )
        return Outcome(reply=reply, events=events)

    return change


@handles(UnreadsMark)
def unreads_mark(ctx: Context, cmd: UnreadsMark) -> Change:
    user = ctx.user
    place = find_place(ctx, cmd)

    def change(tx: Transaction) -> Outcome:
        if tx.messages.get(place.id, cmd.message_id) is None:
            raise Refused(Code.MESSAGE_NOT_FOUND)
        before = tx.messages.before(place.id, cmd.message_id, 1)
        moved = tx.reads.set_back(user.id, place.id, before[0].id if before else None)
        found = tx.reads.unreads(user.id, [place.id])
        state, mentions = found[place.id], _mentions(tx, user, found).get(place.id, 0)
        reply = UnreadsMarkReply(
            last_read=state.last_read,
            unread_count=state.unread,
            mentions=mentions or UNSET,
            channel=place.channel.name if place.thread is None else UNSET,
            thread_id=place.thread_id or UNSET,
        )
        events = [_moved(user.id, place, state.last_read, state.unread, mentions)] if moved else []
        return Outcome(reply=reply, events=events)

    return change


@handles(UnreadsGet)
def unreads_get(ctx: Context, cmd: UnreadsGet) -> Change:
    user = ctx.user
    places = visible_places(ctx)

    def change(tx: Transaction) -> Outcome:
        found = tx.reads.unreads(user.id, [place.id for place in places])
        mentions = _mentions(tx, user, found)
        unreads = {}
        for place in places:
            state = found[place.id]
            in_thread = place.thread is not None
            unreads[f"thread/{place.id}" if in_thread else place.channel.name] = UnreadEntry(
                last_read=state.last_read,
                unread_count=state.unread,
                total_messages=state.total,
                mentions=mentions.get(place.id, UNSET),
                parent_channel=place.channel.name if in_thread else UNSET,
            )
        return Outcome(reply=UnreadsGetReply(unreads=unreads))

    return change


@handles(UnreadsCount)
def unreads_count(ctx: Context, cmd: UnreadsCount) -> Change:
    user = ctx.user
    place = find_place(ctx, cmd, "text")

    def change(tx: Transaction) -> Outcome:
        state = tx.reads.unreads(user.id, [place.id])[place.id]
        reply = UnreadsCountReply(
            unread_count=state.unread,
            last_read=state.last_read,
            total_messages=state.total,
            channel=place.channel.name if place.thread is None else UNSET,
            thread_id=place.thread_id or UNSET,
        )
        return Outcome(reply=reply)

    return change
