"""Searching messages, in one place or in all that the caller can view."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import UNSET

from db.message_find import Wanted
from handlers import wire
from handlers.outcome import Change, Outcome
from handlers.places import Place, find_channel, find_place, visible_places
from handlers.poll_standing import with_polls
from handlers.registry import handles
from protocol.errors import Code, Refused
from protocol.message_reads import MessagesSearch, MessagesSearchReply

if TYPE_CHECKING:
    from db.messages import Message
    from db.transaction import Transaction
    from handlers.context import Context


@handles(MessagesSearch)
def messages_search(ctx: Context, cmd: MessagesSearch) -> Change:
    world, user = ctx.world, ctx.user
    named = find_place(ctx, cmd, "text") if cmd.channel or cmd.thread_id else None
    places = {place.id: place for place in ([named] if named is not None else _places(ctx, cmd))}
    wanted = _wanted(ctx, cmd)
    most = world.config.limits.search_results
    limit = min(cmd.limit or most, most)

    def change(tx: Transaction) -> Outcome:
        found, complete = tx.messages.find(places, wanted, limit + 1)
        shown = found[:limit]
        read = with_polls(world, tx, (message for _, message in shown), user.id)
        homes = [places[where] for where, _ in shown]
        results = [
            wire.message(world, message, channel=home.channel.name, thread_id=home.thread_id or UNSET)
            for home, message in zip(homes, read, strict=True)
        ]
        more = len(found) > limit
        reply = MessagesSearchReply(
            channel=UNSET if named is None else named.channel.name,
            thread_id=UNSET if named is None else named.thread_id or UNSET,
            query=cmd.query,
            results=results,
            cursor=_cursor(shown[-1][1]) if more and shown else None,
            complete=complete or more,
        )
        return Outcome(reply=reply)

    return change


def _places(ctx: Context, cmd: MessagesSearch) -> list[Place]:
    """Those of the named channels, or all."""
    places = visible_places(ctx)
    if not cmd.channels:
        return places
    channels = [find_channel(ctx, name) for name in cmd.channels]
    if any(channel.type not in ("text", "forum") for channel in channels):
        raise Refused(Code.NOT_A_TEXT_CHANNEL)
    wanted = {channel.id for channel in channels}
    return [place for place in places if place.channel.id in wanted]


def _wanted(ctx: Context, cmd: MessagesSearch) -> Wanted:
    before, before_id = _moment("before", cmd.before), None
    if cmd.cursor is not None:
        text, _, before_id = cmd.cursor.partition(" ")
        at = _number("cursor", text)
        before, before_id = (at, before_id) if before is None or at < before else (before, None)
    wanted = Wanted(
        text=cmd.query,
        author=None if cmd.from_ is None else _author(ctx, cmd.from_),
        has=cmd.has,
        pinned=cmd.pinned,
        before=before,
        before_id=before_id,
        after=_moment("after", cmd.after),
    )
    if wanted == Wanted(before=before, before_id=before_id) and cmd.before is None:
        raise Refused(Code.BAD_VALUE, field="query", reason="a text or a filter is needed")
    return wanted


def _author(ctx: Context, text: str) -> str:
    user = ctx.world.users.find(text) or ctx.world.users.by_mention(text)
    if user is None:
        raise Refused(Code.USER_NOT_FOUND)
    return user.id


def _cursor(message: Message) -> str:
    return f"{message.timestamp!r} {message.id}"


def _number(field: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 <= value < 1e12:
        raise Refused(Code.BAD_VALUE, field=field, reason="not one that the server gave")
    return value


def _moment(field: str, value: float | str | None) -> float | None:
    """Unix seconds."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise Refused(Code.BAD_VALUE, field=field, reason="unix seconds, or a date such as 2026-01-31") from None
