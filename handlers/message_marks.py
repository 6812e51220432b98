"""What is put on messages: pins and reactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from handlers.outcome import Change, Event, Outcome
from handlers.places import Place, find_open_message, find_place, require
from handlers.registry import handles
from protocol.errors import Code, Refused
from protocol.messages import (
    MessagePin,
    MessagePinEvent,
    MessageReactAdd,
    MessageReactAddEvent,
    MessageReactRemove,
    MessageReactRemoveEvent,
    MessageUnpin,
    MessageUnpinEvent,
)

if TYPE_CHECKING:
    from db.audit import AuditEntry
    from db.messages import Message
    from db.transaction import Transaction
    from handlers.context import Context

MAX_EMOJI_PER_MESSAGE = 50
MAX_PINNED = 250
"""In one channel or thread: they are read all at once."""


@handles(MessagePin)
def message_pin(ctx: Context, cmd: MessagePin) -> Change:
    return _set_pinned(ctx, cmd, cmd.pinned is not False)


@handles(MessageUnpin)
def message_unpin(ctx: Context, cmd: MessageUnpin) -> Change:
    return _set_pinned(ctx, cmd, False)


def _set_pinned(ctx: Context, cmd: MessagePin | MessageUnpin, pinned: bool) -> Change:
    named = find_place(ctx, cmd)
    require(ctx, named, "pin", "pin messages in this channel")

    def change(tx: Transaction) -> Outcome:
        place, message = find_open_message(tx, named, cmd.id)
        kind = MessagePinEvent if pinned else MessageUnpinEvent
        packet = kind(id=cmd.id, channel=place.channel.name, thread_id=place.thread_id or UNSET)
        if message.pinned == pinned:
            return Outcome(reply=packet)
        if pinned and tx.messages.count_pinned(place.id) >= MAX_PINNED:
            raise Refused(Code.TOO_MANY_PINS, max=MAX_PINNED)
        tx.messages.set_pinned(place.id, cmd.id, pinned)
        action = "message_pin" if pinned else "message_unpin"
        return Outcome(events=[Event(place.audience, packet)], audit=message_note(ctx, action, place, message))

    return change


def message_note(ctx: Context, action: str, place: Place, message: Message) -> list[AuditEntry]:
    """What the moderation log says of an act on a message; nothing of what two people do among themselves."""
    if place.channel.members:
        return []
    thread = {"thread_id": place.id} if place.thread is not None else {}
    author = ctx.world.users.username_of(message.user_id)
    where = {"channel": place.channel.name, **thread}
    return [ctx.audit(action, message.id, author, **where, author=message.user_id)]


@handles(MessageReactAdd)
def message_react_add(ctx: Context, cmd: MessageReactAdd) -> Change:
    user = ctx.user
    named = find_place(ctx, cmd)
    require(ctx, named, "react", "react to messages in this channel")

    def change(tx: Transaction) -> Outcome:
        place, message = find_open_message(tx, named, cmd.id)
        if cmd.emoji not in message.reactions and len(message.reactions) >= MAX_EMOJI_PER_MESSAGE:
            raise Refused(Code.TOO_MANY_REACTIONS, max=MAX_EMOJI_PER_MESSAGE)
        if not tx.messages.add_reaction(place.id, cmd.id, cmd.emoji, user.id):
            raise Refused(Code.ALREADY_REACTED)
        packet = MessageReactAddEvent(
            id=cmd.id,
            emoji=cmd.emoji,
            channel=place.channel.name,
            thread_id=place.thread_id or UNSET,
            from_=user.username,
        )
        return Outcome(events=[Event(place.audience, packet)])

    return change


@handles(MessageReactRemove)
def message_react_remove(ctx: Context, cmd: MessageReactRemove) -> Change:
    user = ctx.user
    named = find_place(ctx, cmd)
    require(ctx, named, "react", "react to messages in this channel")

    def change(tx: Transaction) -> Outcome:
        place, _ = find_open_message(tx, named, cmd.id)
        if not tx.messages.remove_reaction(place.id, cmd.id, cmd.emoji, user.id):
            raise Refused(Code.NOT_REACTED)
        packet = MessageReactRemoveEvent(
            id=cmd.id,
            emoji=cmd.emoji,
            channel=place.channel.name,
            thread_id=place.thread_id or UNSET,
            from_=user.username,
        )
        return Outcome(events=[Event(place.audience, packet)])

    return change
