"""Putting a message into its place: for whoever writes one, member, webhook, poll or slash command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from db.store import Head
from handlers import wire
from handlers.content import Called
from handlers.outcome import Event, Outcome
from handlers.places import Place, thread_now
from protocol.errors import Code, Refused
from protocol.messages import MessageNewEvent
from protocol.objects_messages import Pings
from protocol.threads import ThreadUpdateEvent

if TYPE_CHECKING:
    from db.messages import Message
    from db.threads import Thread
    from db.transaction import Transaction
    from handlers.context import World

SERVER_AUTHOR = "originChats"
"""User id, and name, of messages that no member wrote: webhooks, built-in slash commands."""
NOBODY_CALLED = Called()


def post(
    world: World,
    tx: Transaction,
    place: Place,
    message: Message,
    called: Called = NOBODY_CALLED,
    nonce: str | None = None,
) -> Outcome:
    """Store a message that was checked already; the event is the answer. A thread in the archive comes back. Raises
    Refused when the thread is gone or locked."""
    thread = thread_now(tx, place) if place.thread is not None else None
    if thread is not None and thread.locked:
        raise Refused(Code.THREAD_LOCKED)
    tx.messages.add(place.id, message, called.user_ids, called.roles, nonce)
    event = Event(place.audience, new_event(world, place, message, called, nonce))
    if thread is not None and thread.archived:
        return _reopened(world, tx, place, message, event)
    return Outcome(events=[event])


def new_event(world: World, place: Place, message: Message, called: Called, nonce: str | None) -> MessageNewEvent:
    """What everybody is told of a new message."""
    replied = message.reply_user is not None and message.ping is not False
    pings = Pings(
        list(called.names.users),
        list(called.names.roles),
        [world.users.username_of(message.reply_user)] if replied and message.reply_user is not None else [],
    )
    return MessageNewEvent(
        message=wire.message(world, message, pings=pings),
        channel=place.channel.name,
        thread_id=place.thread_id,
        nonce=UNSET if nonce is None else nonce,
    )


def _reopened(world: World, tx: Transaction, place: Place, message: Message, event: Event) -> Outcome:
    """A message brings its thread back from the archive."""
    thread: Thread | None = tx.threads.update(place.id, archived=False)
    if thread is None:
        raise Refused(Code.THREAD_NOT_FOUND)
    head = Head(message.timestamp, message.id)
    update = ThreadUpdateEvent(thread=wire.thread(world, thread, place.channel, head), channel=place.channel.name)
    return Outcome(events=[event, Event(place.audience, update)], then=lambda: world.threads.put(thread))
