"""Polls: poll_create, poll_vote, poll_end, poll_results, poll_get; and polls whose time is over."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from db.directs import Direct
from db.messages import Message
from db.polls import Option, Poll, Tally
from handlers.blocks import require_unblocked
from handlers.names import is_visible
from handlers.outcome import Change, Event, Outcome
from handlers.places import Place, find_place, require, require_joined
from handlers.poll_standing import card, options_of, standing, tally_of
from handlers.posting import post
from handlers.registry import handles
from handlers.replay import may_see
from protocol import objects_polls as objects
from protocol.audience import SessionsOf, Viewers
from protocol.errors import Code, Refused
from protocol.polls import (
    PollCreate,
    PollCreateReply,
    PollEnd,
    PollEndEvent,
    PollGet,
    PollGetReply,
    PollResults,
    PollResultsReply,
    PollVote,
    PollVoteEvent,
    PollVoteUpdateEvent,
)

if TYPE_CHECKING:
    from db.channels import Channel
    from db.transaction import Transaction
    from handlers.context import Context, World

MAX_TITLE = 256
"""Of any embed."""
HOUR_S = 3600


@handles(PollCreate)
def poll_create(ctx: Context, cmd: PollCreate) -> Change:
    world, user = ctx.world, ctx.user
    place = find_place(ctx, cmd, "text")
    require(ctx, place, "send", "send messages in this channel")
    require_joined(ctx, place.channel)
    poll = Poll(
        id=world.new_id(),
        message_id=world.new_id(),
        place=place.id,
        channel=place.channel.id,
        question=_visible(cmd.question, "question"),
        options=_options(cmd.options),
        allow_multiselect=cmd.allow_multiselect,
        created_by=user.id,
        created_at=world.timestamp(),
        expires_at=_expiry(cmd, ctx.now),
    )
    embed = {
        "type": "poll",
        "title": poll.question[:MAX_TITLE],
        "poll": msgspec.to_builtins(card(world, Tally(poll, {}, {}, []))),
    }
    message = Message(
        id=poll.message_id, user_id=user.id, content="", timestamp=poll.created_at, extra={"embeds": [embed]}
    )
    reply = PollCreateReply(
        poll_id=poll.id,
        message_id=poll.message_id,
        channel=place.channel.name,
        thread_id=place.thread_id,
        question=poll.question,
        options=options_of(poll),
        allow_multiselect=poll.allow_multiselect,
        expires_at=poll.expires_at,
    )

    def change(tx: Transaction) -> Outcome:
        posted = post(world, tx, place, message)
        tx.polls.add(poll)

        def then() -> None:
            if posted.then is not None:
                posted.then()
            if poll.expires_at is not None:
                world.next_poll_end = min(world.next_poll_end, poll.expires_at)

        return Outcome(reply=reply, events=posted.events, then=then)

    return change


def _visible(text: str, field: str) -> str:
    if not is_visible(text):
        raise Refused(Code.BAD_VALUE, field=field, reason="expected visible characters only")
    return text.strip()


def _options(given: list[objects.NewOption | str]) -> tuple[Option, ...]:
    found: dict[str, Option] = {}
    for index, each in enumerate(given):
        new = objects.NewOption(each) if isinstance(each, str) else each
        field = f"options[{index}]"
        id_ = str(index) if new.id is None else _visible(new.id, f"{field}.id")
        if id_ in found:
            raise Refused(Code.BAD_VALUE, field=field, reason=f"there is another option with the id {id_!r}")
        found[id_] = Option(id_, _visible(new.text, f"{field}.text"), new.emoji or None)
    return tuple(found.values())


def _expiry(cmd: PollCreate, now: float) -> float | None:
    if cmd.expires_at is not None:
        if not now < cmd.expires_at <= now + objects.MAX_DAYS * 24 * HOUR_S:
            reason = f"expected a time in the future, at most {objects.MAX_DAYS} days ahead"
            raise Refused(Code.BAD_VALUE, field="expires_at", reason=reason)
        return cmd.expires_at
    return None if cmd.duration_hours is None else round(now + cmd.duration_hours * HOUR_S, 6)


# --- votes


@handles(PollVote)
def poll_vote(ctx: Context, cmd: PollVote) -> Change:
    world, user = ctx.world, ctx.user
    chosen = _chosen(cmd)

    def change(tx: Transaction) -> Outcome:
        poll, place = _find(ctx, tx, cmd)
        if poll.ended_at is not None or (poll.expires_at is not None and poll.expires_at <= ctx.now):
            raise Refused(Code.POLL_ENDED)
        if place.thread is not None and place.thread.locked:
            raise Refused(Code.THREAD_LOCKED)
        if place.thread is not None and place.thread.archived:
            raise Refused(Code.THREAD_ARCHIVED)
        _require_unblocked(ctx, place.channel)
        for id_ in chosen:
            if not any(option.id == id_ for option in poll.options):
                raise Refused(Code.BAD_VALUE, field="option_ids", reason=f"the poll has no option {id_!r}")
        if len(chosen) > 1 and not poll.allow_multiselect:
            raise Refused(Code.BAD_VALUE, field="option_ids", reason="only one option may be chosen")
        changed = tx.polls.vote(poll.id, user.id, chosen, ctx.now)
        tally = tally_of(tx, poll, user.id)
        results = standing(world, tally)
        reply = PollVoteEvent(
            poll_id=poll.id, message_id=poll.message_id, option_ids=tally.chosen, results=results
        )  # fmt: skip
        if not changed:
            return Outcome(reply=reply)
        # the results are for who may see the poll, also when this is replayed later
        own = msgspec.structs.replace(reply, results=UNSET)
        update = PollVoteUpdateEvent(
            poll_id=poll.id,
            message_id=poll.message_id,
            channel=place.channel.name,
            thread_id=place.thread_id,
            results=results,
        )
        return Outcome(reply=reply, events=[Event(SessionsOf(user.id), own), Event(place.audience, update)])

    return change


def _chosen(cmd: PollVote) -> set[str]:
    if cmd.option_ids is None:
        if cmd.option_id is None:
            raise Refused(Code.BAD_VALUE, field="option_ids", reason="option_ids or option_id is required")
        return {cmd.option_id}
    return {cmd.option_ids} if isinstance(cmd.option_ids, str) else set(cmd.option_ids)


# --- the end


@handles(PollEnd)
def poll_end(ctx: Context, cmd: PollEnd) -> Change:
    world, user = ctx.world, ctx.user
    moderates = world.access.can(user, "manage_messages")

    def change(tx: Transaction) -> Outcome:
        poll, place = _find(ctx, tx, cmd)
        by_moderator = poll.created_by != user.id
        if by_moderator and (not moderates or isinstance(place.channel, Direct)):
            raise Refused(Code.NOT_PERMITTED, action="end this poll")
        if poll.ended_at is not None:
            raise Refused(Code.POLL_ENDED)
        _require_unblocked(ctx, place.channel)
        audit = []
        if by_moderator:
            where = {"channel": place.channel.name, "author": poll.created_by}
            audit = [ctx.audit("poll_end", poll.id, poll.question, **where)]
        return Outcome(events=[_ended(world, tx, poll, place.channel, ctx.now)], audit=audit)

    return change


def _ended(world: World, tx: Transaction, poll: Poll, channel: Channel | Direct, at: float) -> Event:
    tx.polls.end(poll.id, at)
    packet = PollEndEvent(
        poll_id=poll.id,
        message_id=poll.message_id,
        channel=channel.name,
        thread_id=poll.thread_id,
        results=standing(world, tally_of(tx, msgspec.structs.replace(poll, ended_at=at))),
    )
    return Event(Viewers(channel.id), packet)


def end_expired(world: World, now: float) -> Change:
    """End polls whose time is over, a hundred at most; then memory knows when to look again."""

    def change(tx: Transaction) -> Outcome:
        events: list[Event] = []
        for poll in tx.polls.expired(now):
            assert poll.expires_at is not None
            channel = _channel(world, tx, poll)
            if channel is None:  # it was deleted by hand
                tx.polls.end(poll.id, poll.expires_at)
            else:
                events.append(_ended(world, tx, poll, channel, poll.expires_at))
        following = tx.polls.next_end()

        def then() -> None:
            world.next_poll_end = math.inf if following is None else following

        return Outcome(events=events, then=then)

    return change


# --- reading


@handles(PollResults)
def poll_results(ctx: Context, cmd: PollResults) -> Change:
    world, user = ctx.world, ctx.user

    def change(tx: Transaction) -> Outcome:
        poll, _ = _find(ctx, tx, cmd)
        results = standing(world, tally_of(tx, poll, user.id), voted=True)
        return Outcome(reply=PollResultsReply(poll_id=poll.id, message_id=poll.message_id, results=results))

    return change


@handles(PollGet)
def poll_get(ctx: Context, cmd: PollGet) -> Change:
    world, user = ctx.world, ctx.user

    def change(tx: Transaction) -> Outcome:
        poll, place = _find(ctx, tx, cmd)
        packet = objects.Poll(
            id=poll.id,
            message_id=poll.message_id,
            channel=place.channel.name,
            thread_id=place.thread_id,
            question=poll.question,
            options=options_of(poll),
            allow_multiselect=poll.allow_multiselect,
            expires_at=poll.expires_at,
            created_by=world.users.username_of(poll.created_by),
            created_at=poll.created_at,
            ended=poll.ended_at is not None,
            ended_at=poll.ended_at,
            user_votes=tally_of(tx, poll, user.id).chosen,
        )
        return Outcome(reply=PollGetReply(poll=packet))

    return change


# --- which poll


def _find(ctx: Context, tx: Transaction, cmd: PollVote | PollEnd | PollResults | PollGet) -> tuple[Poll, Place]:
    """The poll that a command names, and where it is; a poll that the caller cannot view is none."""
    if cmd.poll_id:
        poll = tx.polls.get(cmd.poll_id)
    elif cmd.message_id:
        poll = tx.polls.of_message(cmd.message_id)
    else:
        raise Refused(Code.BAD_VALUE, field="poll_id", reason="poll_id or message_id is required")
    if poll is None or not may_see(ctx.world, tx, ctx.user, Viewers(poll.channel)):
        raise Refused(Code.POLL_NOT_FOUND)
    channel = _channel(ctx.world, tx, poll)
    thread = tx.threads.get(poll.place) if poll.thread_id is not None else None
    if channel is None or (poll.thread_id is not None and thread is None):
        raise Refused(Code.POLL_NOT_FOUND)
    return poll, Place(poll.place, channel, thread)


def _channel(world: World, tx: Transaction, poll: Poll) -> Channel | Direct | None:
    return world.channels.get(poll.channel) or tx.directs.get(poll.channel)


def _require_unblocked(ctx: Context, channel: Channel | Direct) -> None:
    if isinstance(channel, Direct):
        require_unblocked(ctx.world, ctx.user, channel.other(ctx.user.id))
