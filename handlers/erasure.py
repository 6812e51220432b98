"""Erasing a user: what is done at once, and the steps that follow by the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from db.erasure import DELETED_USER, Erasure
from db.store import Head
from handlers import wire
from handlers.blocks import blocks_changed
from handlers.outcome import Event, Outcome
from handlers.poll_standing import standing, tally_of
from protocol.audience import Viewers
from protocol.messages import MessageDeleteEvent, MessageReactRemoveEvent
from protocol.polls import PollVoteUpdateEvent
from protocol.threads import ThreadUpdateEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from db.channels import Channel
    from db.directs import Direct
    from db.transaction import Transaction
    from db.users import User
    from handlers.context import World

Home = tuple["Channel | Direct", "str | None"]
"""A channel, and the id of the thread in it."""


def forget_in_documents(world: World, user: User) -> list[Event]:
    """Take the user out of the records of others; while its own is still there. Gives what they are told."""
    events: list[Event] = []
    for other in list(world.users):
        if user.id in other.blocked:
            left = msgspec.structs.replace(other, blocked=tuple(id_ for id_ in other.blocked if id_ != user.id))
            world.users.put(left)
            events += blocks_changed(world, other, left)
    for channel in list(world.channels):
        if channel.created_by == user.id:
            world.channels.put(msgspec.structs.replace(channel, created_by=None))
    return events


def begin(world: World, tx: Transaction, user: User, requested_at: float) -> tuple[list[Event], Callable[[], None]]:
    """In the transaction that deletes the user. requested_at: later than each of its messages. Gives what is told of
    its threads and votes, and what is to be done in memory, for `Outcome.then`."""
    joined, voted = tx.threads.of_user(user.id), tx.polls.voted_by(user.id)
    tx.erasures.begin(user.id, user.username, user.nickname, requested_at)
    directs = tx.directs.retire(user.id, DELETED_USER)

    def forget() -> None:
        world.erasing = True
        for direct in directs:
            world.directs.put(direct)
        for webhook in list(world.webhooks):
            if webhook.created_by == user.id:
                world.webhooks.put(msgspec.structs.replace(webhook, created_by=DELETED_USER))
        for thread in list(world.threads):
            made = thread.created_by == user.id
            if made or user.id in thread.participants:
                creator = DELETED_USER if made else thread.created_by
                left = tuple(id_ for id_ in thread.participants if id_ != user.id)
                world.threads.put(msgspec.structs.replace(thread, created_by=creator, participants=left))

    return [*_threads_now(world, tx, joined), *_polls_now(world, tx, voted)], forget


def _threads_now(world: World, tx: Transaction, ids: list[str]) -> Iterator[Event]:
    """Threads whose creator or participant is gone."""
    for id_ in ids:
        thread = tx.threads.get(id_)
        channel = None if thread is None else world.channels.get(thread.parent)
        if thread is not None and channel is not None:
            newest = tx.messages.newest(id_, 1)
            head = Head(newest[0].timestamp, newest[0].id) if newest else None
            packet = ThreadUpdateEvent(thread=wire.thread(world, thread, channel, head), channel=channel.name)
            yield Event(Viewers(channel.id), packet)


def _polls_now(world: World, tx: Transaction, ids: list[str]) -> Iterator[Event]:
    """Polls that have lost votes."""
    homes: dict[str, Home | None] = {}
    for id_ in ids:
        poll = tx.polls.get(id_)
        home = None if poll is None else _home(world, tx, poll.place, homes)
        if poll is not None and home is not None:
            channel, thread = home
            packet = PollVoteUpdateEvent(
                poll_id=poll.id,
                message_id=poll.message_id,
                channel=channel.name,
                thread_id=thread,
                results=standing(world, tally_of(tx, poll)),
            )
            yield Event(Viewers(channel.id), packet)


def step(world: World, tx: Transaction) -> Outcome:
    """Erase a little of who is being erased; clients see messages and reactions vanish. For upkeep."""
    erasure = tx.erasures.next()
    if erasure is None:
        return Outcome(then=world.erasures_done)
    erased = tx.erasures.step(erasure)
    homes: dict[str, Home | None] = {}
    events: list[Event] = []
    for place, id_ in erased.messages:
        home = _home(world, tx, place, homes)
        if home is not None:
            channel, thread = home
            gone = MessageDeleteEvent(id=id_, channel=channel.name, thread_id=thread or UNSET)
            events.append(Event(Viewers(channel.id), gone))
    for place, id_, emoji in erased.reactions:
        home = _home(world, tx, place, homes)
        if home is not None:
            events.append(_unreacted(home, id_, emoji, erasure))
    return Outcome(events=events)


def _unreacted(home: Home, id_: str, emoji: str, erasure: Erasure) -> Event:
    channel, thread = home
    packet = MessageReactRemoveEvent(
        id=id_, emoji=emoji, channel=channel.name, thread_id=thread or UNSET, from_=erasure.username
    )
    return Event(Viewers(channel.id), packet)


def _home(world: World, tx: Transaction, place: str, known: dict[str, Home | None]) -> Home | None:
    """None when the channel is gone."""
    if place not in known:
        thread = None if place in world.channels else tx.threads.get(place)
        channel = world.channels.get(place if thread is None else thread.parent) or tx.directs.get(place)
        known[place] = None if channel is None else (channel, None if thread is None else thread.id)
    return known[place]
