"""The objects that polls are made of: options, results, the poll in an embed, the poll itself.

Users appear here by username. Times are unix seconds, lengths count code points.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

MAX_QUESTION = 300
MIN_OPTIONS, MAX_OPTIONS = 2, 10
MAX_OPTION_TEXT = 100
MAX_OPTION_ID = 50
MAX_DAYS = 366
"""How far ahead the end of a poll may lie."""
MAX_VOTERS = 100
"""Names that the results list for one option; `votes` counts all."""

OptionId = Annotated[str, Meta(min_length=1, max_length=MAX_OPTION_ID, description="Id of an option of the poll.")]
OptionIds = Annotated[list[OptionId], Meta(max_length=MAX_OPTIONS, description="Ids of options.")]
Ended = Annotated[bool, Meta(description="Whether nobody can vote any more.")]
EndedAt = Annotated[float | None, Meta(description="When it ended.")]
UserVotes = Annotated[list[str], Meta(description="Ids of the options that the reader has chosen.")]
TotalVotes = Annotated[int, Meta(description="Votes for all options together; one user may have several.")]


class NewOption(Struct, frozen=True):
    """An option of a poll to be made. Without `id` it is called by its place in the list, from 0."""

    text: Annotated[str, Meta(min_length=1, max_length=MAX_OPTION_TEXT)]
    id: OptionId | None = None
    emoji: Annotated[str, Meta(max_length=200)] | None = None


class PollOption(Struct, frozen=True):
    """Something to vote for."""

    id: str
    text: str
    emoji: str | UnsetType = UNSET


class OptionResult(Struct, frozen=True, kw_only=True):
    """How an option stands."""

    id: str
    text: str
    emoji: str | None
    votes: int
    voters: Annotated[
        list[str],
        Meta(
            description=f"Empty while the poll runs; then the first {MAX_VOTERS} who chose it, as far as still there."
        ),
    ]
    voted: Annotated[bool, Meta(description="Whether the caller chose it; only in `poll_results`.")] | UnsetType = UNSET


class PollStanding(Struct, frozen=True, kw_only=True):
    """How a poll stands. `results` are in the order of the options."""

    poll_id: str
    question: str
    allow_multiselect: bool
    ended: Ended
    ended_at: EndedAt
    total_votes: TotalVotes
    results: list[OptionResult]


class PollCard(Struct, frozen=True, kw_only=True):
    """The poll in an embed, as it stood when the packet was made. In `message_new`, which is the same for everybody,
    `user_votes` is always empty, as nobody has voted yet."""

    id: str
    question: str
    options: list[PollOption]
    allow_multiselect: bool
    expires_at: float | None
    results: list[OptionResult]
    total_votes: TotalVotes
    ended: Ended
    ended_at: EndedAt
    user_votes: UserVotes


class Poll(Struct, frozen=True, kw_only=True):
    """A poll. `channel` is the name of the channel, for polls in threads that of the thread's parent."""

    id: str
    message_id: str
    channel: str
    thread_id: str | None
    question: str
    options: list[PollOption]
    allow_multiselect: bool
    expires_at: float | None
    created_by: str
    created_at: float
    ended: Ended
    ended_at: EndedAt
    user_votes: UserVotes
