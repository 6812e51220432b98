"""Writing messages: message_new, message_edit, message_delete, typing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from db.messages import Message
from handlers import wire
from handlers.attachments import own_uploads
from handlers.blocks import has_blocked
from handlers.content import Called, called_by, checked_text
from handlers.message_marks import message_note
from handlers.outcome import Change, Event, Outcome
from handlers.places import Place, find_open_message, find_place, require, require_joined
from handlers.poll_standing import poll_embed
from handlers.posting import new_event, post
from handlers.registry import handles
from protocol.embeds import check_embeds
from protocol.errors import Code, Refused
from protocol.messages import (
    MessageDelete,
    MessageDeleteEvent,
    MessageEdit,
    MessageEditEvent,
    MessageNew,
    Typing,
    TypingEvent,
)
from protocol.objects_messages import Pings

if TYPE_CHECKING:
    from db.channels import Channel
    from db.directs import Direct
    from db.transaction import Transaction
    from handlers.context import Context, World


@handles(MessageNew)
def message_new(ctx: Context, cmd: MessageNew) -> Change:
    place = find_place(ctx, cmd, "text")
    require(ctx, place, "send", "send messages in this channel")
    require_joined(ctx, place.channel)
    write = writing(ctx, cmd, place.channel)
    return lambda tx: write(tx, place)


def writing(ctx: Context, cmd: MessageNew, channel: Channel | Direct) -> Callable[[Transaction, Place], Outcome]:
    """Check what is to be posted; gives the function that posts it to the channel, or to one of its threads. It writes
    nothing when it raises Refused."""
    world, user = ctx.world, ctx.user
    if cmd.attachments and not world.config.attachments.enabled:
        raise Refused(Code.ATTACHMENTS_DISABLED)
    content = checked_text(world, cmd.content, may_be_empty=bool(cmd.attachments))
    if cmd.embeds:
        check_embeds(cmd.embeds)
    extra = _extra(world, cmd)
    called = called_by(ctx, content, channel)
    id_, timestamp = world.new_id(), world.timestamp()

    def write(tx: Transaction, place: Place) -> Outcome:
        if cmd.nonce is not None:
            known = tx.messages.by_nonce(user.id, cmd.nonce)
            if known is not None:
                return _sent_before(world, tx, place, known, called, cmd.nonce)
        target = None
        if cmd.reply_to is not None:
            target = tx.messages.get(place.id, cmd.reply_to)
            if target is None:
                raise Refused(Code.REPLY_NOT_FOUND)
        shown = own_uploads(tx, user, cmd.attachments or (), world.clock())
        if shown:
            extra["attachments"] = [wire.attachment_snapshot(each) for each in shown]
        unwanted = target is not None and has_blocked(world, target.user_id, user.id)
        message = Message(
            id=id_,
            user_id=user.id,
            content=content,
            timestamp=timestamp,
            reply_to=cmd.reply_to,
            reply_user=target.user_id if target is not None else None,
            ping=False if unwanted else cmd.ping,
            extra=extra,
        )
        outcome = post(world, tx, place, message, called, cmd.nonce)
        tx.attachments.show([each.id for each in shown])
        return outcome

    return write


def _extra(world: World, cmd: MessageNew) -> dict[str, Any]:
    """What is stored of a message beside its text. Raises Refused when `meta` is too large."""
    most = world.config.limits.meta_bytes
    if cmd.meta is not None and len(msgspec.json.encode(cmd.meta)) > most:
        raise Refused(Code.BAD_VALUE, field="meta", reason=f"more than {most} bytes")
    extra: dict[str, Any] = {}
    if cmd.embeds:
        extra["embeds"] = cmd.embeds
    if cmd.type != "message":
        extra["type"] = cmd.type
    if cmd.meta is not None:
        extra["meta"] = cmd.meta
    return extra


def _sent_before(world: World, tx: Transaction, place: Place, id_: str, called: Called, nonce: str) -> Outcome:
    """The answer to a message that was sent again because its answer got lost."""
    message = tx.messages.get(place.id, id_)
    if message is None:
        where = tx.messages.place_of(id_)
        reason = "the message was deleted meanwhile" if where is None else "was used in another channel or thread"
        raise Refused(Code.BAD_VALUE, field="nonce", reason=reason)
    return Outcome(reply=new_event(world, place, message, called, nonce))


@handles(MessageEdit)
def message_edit(ctx: Context, cmd: MessageEdit) -> Change:
    world, user = ctx.world, ctx.user
    named = find_place(ctx, cmd)
    require(ctx, named, "edit_own", "edit messages in this channel")
    content = checked_text(world, cmd.content, may_be_empty=True)
    if cmd.embeds:
        check_embeds(cmd.embeds)
    called = called_by(ctx, content, named.channel)

    def change(tx: Transaction) -> Outcome:
        place, message = find_open_message(tx, named, cmd.id)
        if message.user_id != user.id:
            raise Refused(Code.NOT_AUTHOR)
        if not content and not message.extra.get("attachments"):
            raise Refused(Code.MESSAGE_EMPTY)
        if poll_embed(message) is not None:
            raise Refused(Code.NOT_PERMITTED, action="edit a poll")
        embeds = UNSET if cmd.embeds is None else cmd.embeds
        edited = tx.messages.edit(place.id, cmd.id, content, embeds, called.user_ids, called.roles) or message
        names = called.names
        pings = Pings(list(names.users), list(names.roles)) if names.users or names.roles else UNSET
        packet = MessageEditEvent(
            id=edited.id,
            content=edited.content,
            message=wire.message(world, edited, pings=pings),
            channel=place.channel.name,
            thread_id=place.thread_id or UNSET,
        )
        return Outcome(events=[Event(place.audience, packet)])

    return change


@handles(MessageDelete)
def message_delete(ctx: Context, cmd: MessageDelete) -> Change:
    user = ctx.user
    named = find_place(ctx, cmd)
    may = ctx.world.access.may
    any_message, own_message = may(user, named.channel, "delete"), may(user, named.channel, "delete_own")

    def change(tx: Transaction) -> Outcome:
        place, message = find_open_message(tx, named, cmd.id)
        if not any_message and not (own_message and message.user_id == user.id):
            raise Refused(Code.NOT_PERMITTED, action="delete this message")
        tx.messages.delete(place.id, cmd.id)
        packet = MessageDeleteEvent(id=cmd.id, channel=place.channel.name, thread_id=place.thread_id or UNSET)
        audit = [] if message.user_id == user.id else message_note(ctx, "message_delete", place, message)
        return Outcome(events=[Event(place.audience, packet)], audit=audit)

    return change


@handles(Typing)
def typing(ctx: Context, cmd: Typing) -> Outcome:
    place = find_place(ctx, cmd, "text")
    if place.thread is not None or place.channel.members:
        require(ctx, place, "send", "send messages in this channel")
    packet = TypingEvent(channel=place.channel.name, user=ctx.user.username, thread_id=place.thread_id)
    pace, key = ctx.world.paces["broadcasts_per_minute"], f"{ctx.user.id} typing"
    if pace.wait_s(key):  # not worth an error: others have just been told
        return Outcome(reply=packet)
    pace.count(key)
    return Outcome(events=[Event(place.audience, packet)])
