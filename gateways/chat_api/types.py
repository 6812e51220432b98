"""Requests and answers of the HTTP chat API. Fields that are not known are ignored in requests.

Channels carry `#` before their name, users appear by their nick. Lengths count code points unless they say bytes.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

MAX_NICK = 32
MAX_TARGET = 200
MAX_CHANGES = 20
"""Changes of modes in one request."""
MAX_PAGE = 200
DEFAULT_PAGE = 50
UUID_PATTERN = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"

Nick = Annotated[
    str,
    Meta(
        min_length=2, max_length=MAX_NICK, pattern=r"^[\w-]+$",
        description="Letters, digits, hyphens and underscores of any script; unique, upper and lower case alike.",
        examples=["wanda"],
    ),
]  # fmt: skip
NickRef = Annotated[str, Meta(min_length=1, max_length=MAX_TARGET, description="Nick of a user.", examples=["anna"])]
ChannelRef = Annotated[
    str,
    Meta(
        min_length=1, max_length=MAX_TARGET, description="Name of a channel, with or without its `#`.",
        examples=["general"],
    ),
]  # fmt: skip
Target = Annotated[
    str,
    Meta(
        min_length=1, max_length=MAX_TARGET, description="`#channel`, or the nick of a user.", examples=["#general"]
    ),
]  # fmt: skip
ItemId = Annotated[str, Meta(pattern=UUID_PATTERN, description="`id` of an item.")]
ItemType = Literal["message", "action", "notice", "join", "part", "quit", "topic", "mode", "nick", "system"]
Text = Annotated[
    str,
    Meta(
        pattern=r"\S", description="Not blank; at most as many bytes of UTF-8 as `limits.message_bytes` of /server.",
        examples=["Hello!"],
    ),
]  # fmt: skip
Name = Annotated[str, Meta(description="With its `#`.")]
Modes = Annotated[
    str, Meta(description="The modes that are set, such as `+nt`; `+k` of a channel with a key. Empty: none.")
]
Topic = Annotated[str, Meta(description="May be empty.")]
MetaObject = Annotated[
    dict[str, Any], Meta(description="Any object, kept as it is; `limits.meta_bytes` of /server limits its JSON.")
]


class Item(Struct, frozen=True, kw_only=True):
    """A message, or what happened."""

    id: Annotated[str, Meta(description="UUID.")]
    ts: Annotated[str, Meta(description="ISO 8601, UTC, in milliseconds: `2026-01-31T12:00:00.000Z`.")]
    from_: Annotated[str | None, Meta(description="Nick; null: nobody in particular.")] = field(name="from")
    to: Annotated[str, Meta(description="`#channel`, a nick, or `*`: everybody.")]
    type: ItemType
    body: str
    meta: dict[str, Any] = {}


# ---------------------------------------------------------------- accounts


class RegisterBody(Struct, frozen=True, kw_only=True):
    nick: Nick
    password: (
        Annotated[
            str,
            Meta(
                min_length=4, max_length=128,
                description="Of a local account, which is made if there is none of this name yet. Without one you are "
                "a guest, whose nick is free again when the session ends.",
            ),
        ]
        | UnsetType
    ) = UNSET  # fmt: skip
    invite: (
        Annotated[
            str, Meta(min_length=1, max_length=64, description="Code of an invitation, where newcomers need one.")
        ]
        | UnsetType
    ) = UNSET  # fmt: skip


class Registered(Struct, frozen=True):
    """A session has begun. `token` is its secret: `Authorization: Bearer <token>`."""

    id: Annotated[str, Meta(description="Id of the user.")]
    nick: str
    token: str


class NickBody(Struct, frozen=True):
    nick: Nick


class Account(Struct, frozen=True):
    id: Annotated[str, Meta(description="Id of the user.")]
    nick: str


class JoinedChannel(Struct, frozen=True, kw_only=True):
    """A channel that the caller has joined."""

    name: Name
    modes: Modes
    topic: Topic
    operator: bool
    voice: bool


class State(Struct, frozen=True, kw_only=True):
    """Who the caller is, and where."""

    id: Annotated[str, Meta(description="Id of the user.")]
    nick: str
    channels: list[JoinedChannel]


class Limits(Struct, frozen=True, kw_only=True):
    nick: Annotated[int, Meta(description="Characters.")] = MAX_NICK
    message_bytes: Annotated[int, Meta(description="Text of a message, as UTF-8.")]
    meta_bytes: Annotated[int, Meta(description="`meta` of a message, as JSON.")]
    history: Annotated[int | None, Meta(description="Messages that a channel made here keeps; null: all.")]
    page: Annotated[int, Meta(description="Messages in one answer of /history.")] = MAX_PAGE
    session_timeout_s: Annotated[int, Meta(description="A session without any request for so long ends.")]


class ServerCard(Struct, frozen=True, kw_only=True):
    name: str
    motd: Annotated[str, Meta(description="Message of the day; may be empty.")]
    version: Annotated[str, Meta(description="As the host calls it (`service.version`).")]
    users: int
    online: int
    channels: Annotated[int, Meta(description="That a new user may see.")]
    limits: Limits


# ---------------------------------------------------------------- messages


class PostBody(Struct, frozen=True, kw_only=True):
    """`content` and `body` are the same; one of them is required."""

    to: Target
    content: Text | UnsetType = UNSET
    body: Text | UnsetType = UNSET
    type: Annotated[Literal["message", "action", "notice"], Meta(description="Kind of the message.")] = "message"
    meta: MetaObject | UnsetType = UNSET
    nonce: (
        Annotated[
            str,
            Meta(
                min_length=1, max_length=64,
                description="Any text; posting again with the same one is answered with the message it made.",
            ),
        ]
        | UnsetType
    ) = UNSET  # fmt: skip


class StreamQuery(Struct, frozen=True, kw_only=True):
    after: (
        Annotated[
            str, Meta(pattern=UUID_PATTERN, description="The last item you have; without it, from the session's start.")
        ]
        | UnsetType
    ) = UNSET
    timeout: Annotated[int, Meta(ge=0, le=60, description="Seconds to wait when there is nothing new.")] = 30
    limit: Annotated[int, Meta(ge=1, le=500, description="Most items of the answer.")] = 100


class HistoryQuery(Struct, frozen=True, kw_only=True):
    target: Target
    before: ItemId | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE, description="Most messages of the answer.")] = DEFAULT_PAGE


# ---------------------------------------------------------------- channels


class ListedChannel(Struct, frozen=True, kw_only=True):
    name: Name
    modes: Modes
    topic: Topic
    members: Annotated[int, Meta(description="How many have joined.")]


class JoinBody(Struct, frozen=True, kw_only=True):
    channel: ChannelRef
    key: Annotated[str, Meta(min_length=1, max_length=64, description="Of a channel with mode `k`.")] | UnsetType = (
        UNSET
    )


class Member(Struct, frozen=True, kw_only=True):
    nick: str
    operator: bool
    voice: bool
    joined_at: Annotated[str | None, Meta(description="ISO 8601, UTC; null: operator or voice without having joined.")]


class TopicBody(Struct, frozen=True):
    topic: Annotated[str, Meta(max_length=1000, description="Empty removes it.")]


class ModeBody(Struct, frozen=True, kw_only=True):
    modes: Annotated[
        str,
        Meta(
            min_length=2, max_length=500, pattern=r"^[+-][imnstkov+-]*[imnstkov](\s+\S+)*\s*$", examples=["+it-n"],
            description="Signs and letters: `+` sets and `-` removes those that follow. i: who joins needs an "
            "invitation; m: only operators and voices write; s: secret; t: only operators set the topic; n: only "
            "members write; k: the key for joining; o: operator; v: voice. +k, o and v take an argument each, after a "
            "space or in `args`.",
        ),
    ]  # fmt: skip
    args: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=MAX_TARGET)]],
        Meta(max_length=MAX_CHANGES, description="Arguments of the letters, in their order."),
    ] = []
    nick: Annotated[NickRef, Meta(description="The same as one element of `args`, before all others.")] | UnsetType = (
        UNSET
    )


class InviteBody(Struct, frozen=True):
    nick: NickRef


class KickBody(Struct, frozen=True):
    nick: NickRef
    reason: Annotated[str, Meta(max_length=300, description="For people.")] = ""


class LeaveQuery(Struct, frozen=True):
    reason: Annotated[str, Meta(max_length=300, description="For people.")] = ""


# ---------------------------------------------------------------- problems


class ProblemDetails(Struct, frozen=True, kw_only=True):
    """What went wrong (RFC 9457)."""

    type: Literal["about:blank"] = "about:blank"
    title: Annotated[str, Meta(description="The status in words.")]
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: Annotated[str, Meta(description="For people.")]
    code: Annotated[str, Meta(description="For programs.")]
    field: Annotated[str, Meta(description="The part of the request that is wrong.")] | UnsetType = UNSET
