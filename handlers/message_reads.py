"""Reading messages: pages, windows, single ones, replies, pins, pings, embeds.

Locked and archived threads are readable: clients have no other way to open them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import UNSET

from handlers import wire
from handlers.message_marks import MAX_PINNED
from handlers.outcome import Change, Event, Outcome
from handlers.places import Place, find_message, find_place, find_thread, visible_places
from handlers.poll_standing import with_polls
from handlers.registry import handles
from handlers.unreads import move_marker
from protocol import objects_messages as objects
from protocol.errors import Code, Refused
from protocol.message_reads import (
    EmbedsList,
    EmbedsListReply,
    MessageGet,
    MessageGetReply,
    MessageReplies,
    MessageRepliesReply,
    MessagesAround,
    MessagesAroundReply,
    MessagesGet,
    MessagesGetReply,
    MessagesPinned,
    MessagesPinnedReply,
    PingsGet,
    PingsGetReply,
)
from protocol.threads import ThreadMessages, ThreadMessagesReply

if TYPE_CHECKING:
    from db.messages import Message
    from db.transaction import Transaction
    from handlers.context import Context, World

DEFAULT_LIMIT = 100
MAX_LIMIT = 200
DEFAULT_REPLIES = 50


@handles(MessagesGet)
def messages_get(ctx: Context, cmd: MessagesGet) -> Change:
    world, user = ctx.world, ctx.user
    place = find_place(ctx, cmd, "text")
    start, limit = _page_of(cmd)

    def change(tx: Transaction) -> Outcome:
        page = _page(tx, place, start, limit)
        events: list[Event] = []
        if start == 0 and page and cmd.mark_read:
            events = move_marker(tx, user.id, place, page[-1].id)
        end = start + limit if isinstance(start, int) else (page[0].id if page else None)
        reply = MessagesGetReply(
            channel=place.channel.name,
            thread_id=place.thread_id or UNSET,
            messages=_on_wire(world, tx, page, user.id),
            range=objects.PageRange(start, end),
        )
        return Outcome(reply=reply, events=events)

    return change


@handles(ThreadMessages)
def thread_messages(ctx: Context, cmd: ThreadMessages) -> Change:
    world, user = ctx.world, ctx.user
    place = find_thread(ctx, cmd.thread_id)
    start, limit = _page_of(cmd)

    def change(tx: Transaction) -> Outcome:
        page = _page(tx, place, start, limit)
        return Outcome(reply=ThreadMessagesReply(thread_id=place.id, messages=_on_wire(world, tx, page, user.id)))

    return change


def _page_of(cmd: MessagesGet | ThreadMessages) -> tuple[int | str, int]:
    """(where to start, how many). Raises Refused for negative numbers."""
    start = 0 if cmd.start is None else cmd.start
    if isinstance(start, int) and not 0 <= start <= objects.MAX_INTEGER:
        raise Refused(Code.BAD_VALUE, field="start", reason="a message id, or how many of the newest to skip")
    if cmd.limit is not None and cmd.limit < 0:
        raise Refused(Code.BAD_VALUE, field="limit", reason="must not be negative")
    return start, min(cmd.limit or DEFAULT_LIMIT, MAX_LIMIT)


def _page(tx: Transaction, place: Place, start: int | str, limit: int) -> list[Message]:
    if isinstance(start, str):
        return tx.messages.before(place.id, start, limit)
    return tx.messages.newest(place.id, limit, start)


@handles(MessagesAround)
def messages_around(ctx: Context, cmd: MessagesAround) -> Change:
    world, user = ctx.world, ctx.user
    place = find_place(ctx, cmd, "text")
    bounds = cmd.bounds or objects.Bounds()

    def change(tx: Transaction) -> Outcome:
        found = tx.messages.around(place.id, cmd.around, min(bounds.above, MAX_LIMIT), min(bounds.below, MAX_LIMIT))
        if found is None:
            raise Refused(Code.MESSAGE_NOT_FOUND)
        window, first = found
        reply = MessagesAroundReply(
            channel=place.channel.name,
            thread_id=place.thread_id,
            messages=_on_wire(world, tx, window, user.id),
            range=objects.WindowRange(first, first + len(window)),
        )
        return Outcome(reply=reply)

    return change


@handles(MessageGet)
def message_get(ctx: Context, cmd: MessageGet) -> Change:
    world, user = ctx.world, ctx.user
    named = find_place(ctx, cmd, "text", "forum")

    def change(tx: Transaction) -> Outcome:
        place, message = find_message(tx, named, cmd.id)
        reply = MessageGetReply(
            channel=place.channel.name,
            thread_id=place.thread_id or UNSET,
            message=_on_wire(world, tx, [message], user.id)[0],
        )
        return Outcome(reply=reply)

    return change


@handles(MessageReplies)
def message_replies(ctx: Context, cmd: MessageReplies) -> Change:
    world, user = ctx.world, ctx.user
    place = find_place(ctx, cmd, "text")
    limit = min(cmd.limit or DEFAULT_REPLIES, MAX_LIMIT)

    def change(tx: Transaction) -> Outcome:
        reply = MessageRepliesReply(
            channel=place.channel.name,
            thread_id=place.thread_id or UNSET,
            message_id=cmd.id,
            replies=_on_wire(world, tx, tx.messages.replies(place.id, cmd.id, limit), user.id),
        )
        return Outcome(reply=reply)

    return change


@handles(MessagesPinned)
def messages_pinned(ctx: Context, cmd: MessagesPinned) -> Change:
    world, user = ctx.world, ctx.user
    place = find_place(ctx, cmd, "text")

    def change(tx: Transaction) -> Outcome:
        reply = MessagesPinnedReply(
            channel=place.channel.name,
            thread_id=place.thread_id or UNSET,
            messages=_on_wire(world, tx, tx.messages.pinned(place.id, MAX_PINNED), user.id),
        )
        return Outcome(reply=reply)

    return change


@handles(PingsGet)
def pings_get(ctx: Context, cmd: PingsGet) -> Change:
    world, user = ctx.world, ctx.user
    places = {place.id: place for place in visible_places(ctx)}

    def change(tx: Transaction) -> Outcome:
        found, total = tx.messages.pings(user.id, user.roles, places, cmd.limit, cmd.offset)
        page = with_polls(world, tx, (message for _, message in found), user.id)
        homes = [places[where] for where, _ in found]
        messages = [
            wire.message(world, message, channel=home.channel.name, thread_id=home.thread_id or UNSET)
            for home, message in zip(homes, page, strict=True)
        ]
        return Outcome(reply=PingsGetReply(messages=messages, offset=cmd.offset, limit=cmd.limit, total=total))

    return change


@handles(EmbedsList)
def embeds_list(ctx: Context, cmd: EmbedsList) -> Change:
    world, user = ctx.world, ctx.user
    named = find_place(ctx, cmd, "text", "forum")

    def change(tx: Transaction) -> Outcome:
        _, message = find_message(tx, named, cmd.id)
        (read,) = with_polls(world, tx, [message], user.id)
        return Outcome(reply=EmbedsListReply(id=cmd.id, embeds=read.extra.get("embeds", [])))

    return change


def _on_wire(world: World, tx: Transaction, messages: Iterable[Message], reader: str) -> list[objects.Message]:
    """reader: id of the user who asks."""
    return [wire.message(world, message) for message in with_polls(world, tx, messages, reader)]
