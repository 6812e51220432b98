"""How polls stand, as packets tell it: results for everybody, and the polls in the messages that somebody reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from protocol.objects_polls import MAX_VOTERS, OptionResult, PollCard, PollOption, PollStanding

if TYPE_CHECKING:
    from db.messages import Message
    from db.polls import Poll, Tally
    from db.transaction import Transaction
    from handlers.context import World


def tally_of(tx: Transaction, poll: Poll, reader: str | None = None) -> Tally:
    return tx.polls.tallies([poll], reader, MAX_VOTERS)[poll.id]


def options_of(poll: Poll) -> list[PollOption]:
    return [PollOption(option.id, option.text, option.emoji or UNSET) for option in poll.options]


def standing(world: World, tally: Tally, *, voted: bool = False) -> PollStanding:
    """voted: tell the reader which options it chose."""
    poll = tally.poll
    return PollStanding(
        poll_id=poll.id,
        question=poll.question,
        allow_multiselect=poll.allow_multiselect,
        ended=poll.ended_at is not None,
        ended_at=poll.ended_at,
        total_votes=sum(tally.votes.values()),
        results=_results(world, tally, voted=voted),
    )


def card(world: World, tally: Tally) -> PollCard:
    poll = tally.poll
    return PollCard(
        id=poll.id,
        question=poll.question,
        options=options_of(poll),
        allow_multiselect=poll.allow_multiselect,
        expires_at=poll.expires_at,
        results=_results(world, tally),
        total_votes=sum(tally.votes.values()),
        ended=poll.ended_at is not None,
        ended_at=poll.ended_at,
        user_votes=tally.chosen,
    )


def _results(world: World, tally: Tally, *, voted: bool = False) -> list[OptionResult]:
    def names(user_ids: Iterable[str]) -> list[str]:
        """Of those who are still members."""
        return [user.username for id_ in user_ids if (user := world.users.get(id_)) is not None]

    return [
        OptionResult(
            id=option.id,
            text=option.text,
            emoji=option.emoji,
            votes=tally.votes.get(option.id, 0),
            voters=names(tally.voters.get(option.id, ())),
            voted=option.id in tally.chosen if voted else UNSET,
        )
        for option in tally.poll.options
    ]


def with_polls(world: World, tx: Transaction, messages: Iterable[Message], reader: str) -> list[Message]:
    """The messages, and in those that are polls how these stand. reader: user id. Asks the database nothing when there
    is no poll among them."""
    page = list(messages)
    asking = [message.id for message in page if poll_embed(message) is not None]
    if not asking:
        return page
    found = tx.polls.of_messages(asking)
    tallies = tx.polls.tallies(found.values(), reader, MAX_VOTERS)

    def filled(message: Message) -> Message:
        poll, at = found.get(message.id), poll_embed(message)
        if at is None:
            return message
        embeds = list(message.extra["embeds"])
        if poll is None:  # an old one, written by hand, that nobody can vote on
            embeds[at] = {key: value for key, value in embeds[at].items() if key != "poll"} | {"type": "rich"}
        else:
            embeds[at] = {**embeds[at], "poll": msgspec.to_builtins(card(world, tallies[poll.id]))}
        return msgspec.structs.replace(message, extra={**message.extra, "embeds": embeds})

    return [filled(message) for message in page]


def poll_embed(message: Message) -> int | None:
    """Which of the embeds is a poll; None when none is."""
    embeds: list[Any] = message.extra.get("embeds") or []
    for index, embed in enumerate(embeds):
        if isinstance(embed, dict) and embed.get("type") == "poll":
            return index
    return None
