"""Polls: messages to vote on. Who chose what is nobody's business until the poll has ended."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, UnsetType

from protocol.base import Command, Packet, spec
from protocol.errors import Code
from protocol.messages import PLACE, MessageNewEvent
from protocol.objects_messages import ChannelOrThread, MessageId, ThreadRef
from protocol.objects_polls import (
    MAX_DAYS,
    MAX_OPTION_TEXT,
    MAX_OPTIONS,
    MAX_QUESTION,
    MIN_OPTIONS,
    NewOption,
    OptionId,
    OptionIds,
    Poll,
    PollOption,
    PollStanding,
)
from protocol.threads import ThreadUpdateEvent

PollId = Annotated[
    Annotated[str, Meta(max_length=128)] | None,
    Meta(description="Id of the poll; required unless `message_id` is given."),
]
PollMessage = Annotated[
    MessageId | None, Meta(description="Id of the message that is the poll; required unless `poll_id` is given.")
]
Channel = Annotated[str, Meta(description="Name of the channel; of a thread's poll that of the thread's parent.")]
WHICH = (Code.POLL_NOT_FOUND, Code.BAD_VALUE)
OPEN = (Code.POLL_ENDED, Code.BLOCKED)
ID = "0190a5c0-0000-7000-8000-000000000001"


class PollCreateReply(Packet, kw_only=True, frozen=True, tag="poll_create"):
    """The poll is posted; `message_new` has told everybody."""

    poll_id: str
    message_id: str
    channel: Channel
    thread_id: str | None
    question: str
    options: list[PollOption]
    allow_multiselect: bool
    expires_at: float | None


class PollVoteEvent(Packet, kw_only=True, frozen=True, tag="poll_vote"):
    """What the caller has chosen from now on. Its devices are told as well, without the results; nobody else is."""

    durable: ClassVar[bool] = True

    poll_id: str
    message_id: str
    option_ids: list[str]
    results: Annotated[PollStanding, Meta(description="In the answer.")] | UnsetType = UNSET


class PollVoteUpdateEvent(Packet, kw_only=True, frozen=True, tag="poll_vote_update"):
    """Somebody has voted; who, and for what, is not told."""

    durable: ClassVar[bool] = True

    poll_id: str
    message_id: str
    channel: Channel
    thread_id: str | None
    results: PollStanding


class PollEndEvent(Packet, kw_only=True, frozen=True, tag="poll_end"):
    """A poll has ended, by command or because its time was over. The results name the voters now."""

    durable: ClassVar[bool] = True

    poll_id: str
    message_id: str
    channel: Channel
    thread_id: str | None
    results: PollStanding


class PollResultsReply(Packet, kw_only=True, frozen=True, tag="poll_results"):
    """How the poll stands, and what the caller chose (`voted`)."""

    poll_id: str
    message_id: str
    results: PollStanding


class PollGetReply(Packet, kw_only=True, frozen=True, tag="poll_get"):
    """The poll."""

    poll: Poll


@spec(
    does="Post a poll to a text channel or to a thread.",
    allowed="server permission `send_messages`, and channel permission `send` on the channel or the thread's parent",
    needs="send_messages",
    limited=True,
    reply=PollCreateReply,
    events=(MessageNewEvent, ThreadUpdateEvent),
    errors=(
        *PLACE, Code.THREAD_LOCKED, Code.NOT_PERMITTED, Code.NOT_A_TEXT_CHANNEL, Code.NOT_A_MEMBER, Code.BLOCKED,
        Code.BAD_VALUE, Code.PLUGIN_REFUSED,
    ),
    example={
        "channel": "general",
        "question": "Pizza or pasta?",
        "options": [{"text": "Pizza", "emoji": "🍕"}, "Pasta"],
        "duration_hours": 24,
    },
)  # fmt: skip
class PollCreate(Command, kw_only=True, frozen=True):
    channel: ChannelOrThread = None
    thread_id: ThreadRef = None
    question: Annotated[
        str, Meta(min_length=1, max_length=MAX_QUESTION, description="Both ends are trimmed; not blank.")
    ]
    options: Annotated[
        list[NewOption | Annotated[str, Meta(min_length=1, max_length=MAX_OPTION_TEXT)]],
        Meta(
            min_length=MIN_OPTIONS, max_length=MAX_OPTIONS,
            description="Texts, or objects; ids must differ from each other.",
        ),
    ]  # fmt: skip
    allow_multiselect: Annotated[bool, Meta(description="Whether one may choose several options.")] = False
    expires_at: Annotated[
        float | None,
        Meta(description=f"When it ends by itself, at most {MAX_DAYS} days ahead; wins over `duration_hours`."),
    ] = None
    duration_hours: Annotated[
        Annotated[float, Meta(gt=0, le=MAX_DAYS * 24)] | None,
        Meta(description="After how many hours it ends by itself."),
    ] = None


@spec(
    does="Choose options of a poll; they replace all that the caller chose before.",
    allowed="who can view the channel or the thread's parent",
    limited=True,
    events=(PollVoteEvent, PollVoteUpdateEvent),
    errors=(*WHICH, *OPEN, Code.THREAD_LOCKED, Code.THREAD_ARCHIVED),
    example={"message_id": ID, "option_ids": ["0"]},
)
class PollVote(Command, kw_only=True, frozen=True):
    poll_id: PollId = None
    message_id: PollMessage = None
    option_ids: Annotated[
        OptionIds | OptionId | None,
        Meta(description="One, or several where `allow_multiselect`; an empty list withdraws the vote."),
    ] = None
    option_id: Annotated[OptionId | None, Meta(description="The same for one option.")] = None


@spec(
    does="End a poll before its time.",
    allowed="who made the poll; others with the server permission `manage_messages`, except in direct channels",
    pace="broadcasts_per_minute",
    events=(PollEndEvent,),
    errors=(*WHICH, *OPEN, Code.NOT_PERMITTED),
    example={"message_id": ID},
)
class PollEnd(Command, kw_only=True, frozen=True):
    poll_id: PollId = None
    message_id: PollMessage = None


@spec(
    does="Tell how a poll stands.",
    allowed="who can view the channel or the thread's parent",
    reply=PollResultsReply,
    errors=WHICH,
    example={"poll_id": ID},
)
class PollResults(Command, kw_only=True, frozen=True):
    poll_id: PollId = None
    message_id: PollMessage = None


@spec(
    does="Tell what a poll asks, and what the caller chose.",
    allowed="who can view the channel or the thread's parent",
    reply=PollGetReply,
    errors=WHICH,
    example={"poll_id": ID},
)
class PollGet(Command, kw_only=True, frozen=True):
    poll_id: PollId = None
    message_id: PollMessage = None
