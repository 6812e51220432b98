"""Slash commands. Bots register commands of their own; the server has some built in.

What is registered lives as long as the connection that registered it: like presence it is of the moment, has no `seq`,
and is not replayed. A client asks for `slash_list` after every login and `resume`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from protocol.base import Command, Packet, spec
from protocol.channels import ChannelsGetEvent, ChannelTopicEvent
from protocol.errors import Code
from protocol.messages import PLACE, Embeds, MessageNewEvent
from protocol.notices import DisconnectEvent, RateLimitEvent
from protocol.objects_messages import MAX_INTEGER, ChannelName, ChannelOrThread, Message, ThreadRef
from protocol.roles import UserRolesGetEvent
from protocol.threads import ThreadUpdateEvent
from protocol.users import NicknameRemoveEvent, NicknameUpdateEvent, UserJoinEvent, UserLeaveEvent

WORD = r"^[\w-]{1,32}(?!\n)$"
MAX_COMMANDS = 100
MAX_OPTIONS = 25
MAX_CHOICES = 100
MAX_ARGUMENT = 2000

SlashName = Annotated[
    str,
    Meta(
        pattern=WORD,
        description="1 to 32 letters, digits, `-` and `_`, without the slash. Upper and lower case are the same.",
    ),
]
RoleList = Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=100)]


# ---------------------------------------------------------------- objects


class SlashOption(Struct, frozen=True, kw_only=True):
    """An argument of a slash command."""

    name: Annotated[str, Meta(pattern=WORD, description="Key in `args`.")]
    description: Annotated[str, Meta(max_length=500)] = ""
    type: Literal["str", "int", "float", "bool", "enum"]
    required: bool = True
    choices: (
        Annotated[
            list[Annotated[str, Meta(min_length=1, max_length=200)]],
            Meta(max_length=MAX_CHOICES, description="What an `enum` may be; other types have none."),
        ]
        | None
    ) = None


class SlashCommand(Struct, frozen=True, kw_only=True):
    """A command as a bot registers it. Role lists that are null or empty restrict nobody."""

    name: SlashName
    description: Annotated[str, Meta(max_length=1000)] = ""
    options: Annotated[list[SlashOption], Meta(max_length=MAX_OPTIONS)] = []
    whitelist_roles: Annotated[RoleList | None, Meta(description="Names of roles; one of them is needed.")] = field(
        name="whitelistRoles", default=None
    )
    blacklist_roles: Annotated[RoleList | None, Meta(description="Names of roles; nobody with one of them may.")] = (
        field(name="blacklistRoles", default=None)
    )
    ephemeral: Annotated[bool, Meta(description="Whether only the caller gets the answers.")] = False


class ListedSlashCommand(SlashCommand, frozen=True, kw_only=True):
    """A command as clients see it."""

    registered_by: Annotated[str, Meta(description="Username; `originChats` for what is built in.")] = field(
        name="registeredBy"
    )


class SlashCallValue(Struct, frozen=True, kw_only=True):
    """What was called."""

    command: str
    args: Annotated[dict[str, Any], Meta(description="By name of the option, checked against its type.")]
    commander: Annotated[str, Meta(description="Username of the command's owner.")]


# ---------------------------------------------------------------- events


class SlashAddEvent(Packet, kw_only=True, frozen=True, tag="slash_add"):
    """Commands appeared, or were replaced."""

    commands: list[ListedSlashCommand]


class SlashRemoveEvent(Packet, kw_only=True, frozen=True, tag="slash_remove"):
    """Commands that nobody provides any more."""

    commands: Annotated[list[str], Meta(description="Names.")]


class SlashCallEvent(Packet, kw_only=True, frozen=True, tag="slash_call"):
    """A registered command was called. Goes to the connection that registered it, and answers the caller."""

    val: SlashCallValue
    invoker: Annotated[str, Meta(description="User id of the caller.")]
    invoker_username: str = field(name="invokerUsername")
    channel: str
    thread_id: str | UnsetType = UNSET
    call_id: Annotated[str, Meta(description="Names this call in `slash_response`.")]


class EphemeralMessageEvent(Packet, kw_only=True, frozen=True, tag="message_new"):
    """An answer for the eyes of the caller alone, on the connection that called. It is stored nowhere: not in the
    history, not in searches, and no `resume` repeats it."""

    message: Message
    channel: str
    thread_id: str | None = None
    ephemeral: Literal[True] = True


# ---------------------------------------------------------------- commands


class SlashRegisterReply(Packet, kw_only=True, frozen=True, tag="slash_register"):
    """The commands are registered."""

    val: Annotated[str, Meta(description="For people.")]


@spec(
    does="Register the slash commands of this connection, in place of those it registered before.",
    allowed="members with the permission that `slash_commands.register_permission` names, by default "
    "`use_slash_commands`; not guests",
    limited=True,
    reply=SlashRegisterReply,
    events=(SlashAddEvent, SlashRemoveEvent),
    errors=(Code.PERMISSION_REQUIRED, Code.ACCOUNT_REQUIRED, Code.SLASH_TAKEN, Code.BAD_VALUE),
    example={
        "commands": [
            {
                "name": "roll",
                "description": "Roll a die",
                "options": [{"name": "sides", "description": "How many sides", "type": "int", "required": False}],
            }
        ]
    },
)
class SlashRegister(Command, kw_only=True, frozen=True):
    commands: Annotated[
        list[SlashCommand],
        Meta(
            max_length=MAX_COMMANDS,
            description="All commands of this connection; an empty list removes them. As JSON at most 64 KiB.",
        ),
    ]


class SlashListReply(Packet, kw_only=True, frozen=True, tag="slash_list"):
    """All commands, the built-in ones first; also those that the caller may not call."""

    commands: list[ListedSlashCommand]


@spec(does="List all slash commands.", allowed="everybody after login", reply=SlashListReply)
class SlashList(Command, kw_only=True, frozen=True):
    pass


Argument = (
    Annotated[str, Meta(max_length=MAX_ARGUMENT)]
    | Annotated[int, Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)]
    | float
    | bool
    | None
)


@spec(
    does="Call a slash command. What is built in is answered with the message it posts, or with an ephemeral one; a "
    "registered command with the packet that goes to its owner, whose answer follows as a message. If the owner does "
    "not answer in time, an `error` without `listener` says so.",
    allowed="who may view and send in the place, and is let in by the command's role lists; what is built in needs the "
    "permissions of the commands that it stands for",
    limited=True,
    events=(
        SlashCallEvent, MessageNewEvent, EphemeralMessageEvent, ThreadUpdateEvent, ChannelsGetEvent, ChannelTopicEvent,
        NicknameUpdateEvent, NicknameRemoveEvent, UserJoinEvent, UserLeaveEvent, UserRolesGetEvent, RateLimitEvent,
        DisconnectEvent,
    ),
    errors=(
        *PLACE, Code.NOT_PERMITTED, Code.NOT_A_TEXT_CHANNEL, Code.NOT_A_MEMBER, Code.BLOCKED, Code.THREAD_LOCKED,
        Code.SLASH_NOT_FOUND, Code.SLASH_NOT_ALLOWED, Code.SLASH_NOT_HERE, Code.SLASH_NO_ANSWER, Code.BAD_VALUE,
        Code.PERMISSION_REQUIRED, Code.USER_NOT_FOUND, Code.MEMBER_ABOVE, Code.NOT_YOURSELF, Code.LAST_OWNER,
        Code.ALREADY_BANNED, Code.NOT_BANNED, Code.ROLE_NOT_FOUND, Code.ROLE_ABOVE, Code.PERMISSION_ABOVE,
        Code.NO_ROLE_LEFT, Code.CHANNEL_EXISTS, Code.BAD_CHANNEL_NAME, Code.RATE_LIMIT, Code.PLUGIN_FAILED,
        Code.PLUGIN_REFUSED,
    ),
    example={"channel": "general", "command": "roll", "args": {"sides": 20}},
)  # fmt: skip
class SlashCall(Command, kw_only=True, frozen=True):
    channel: ChannelOrThread = None
    thread_id: ThreadRef = None
    command: Annotated[str, Meta(min_length=1, max_length=64, description="Name of the command.")]
    args: Annotated[
        dict[Annotated[str, Meta(max_length=64)], Argument],
        Meta(
            max_length=MAX_OPTIONS,
            description="Option to value, of the option's type: text (at most 2000 characters), whole number, number, "
            "true or false, one of the choices. null counts as absent.",
        ),
    ] = field(default_factory=dict)


class SlashResponseReply(Packet, kw_only=True, frozen=True, tag="slash_response"):
    """An ephemeral answer went to the caller, if its connection is still there."""

    channel: ChannelName
    thread_id: str | UnsetType = UNSET
    command: str
    call_id: str
    ephemeral: Literal[True] = True


@spec(
    does="Answer a call of an own slash command with a message, in the place of the call. The newest call that fits is "
    "the one that is answered; a call takes ten answers, within a day.",
    allowed="the user whose command was called, with channel permission `send`",
    reply=SlashResponseReply,
    events=(MessageNewEvent, EphemeralMessageEvent, ThreadUpdateEvent),
    errors=(
        *PLACE, Code.NOT_PERMITTED, Code.NOT_A_MEMBER, Code.BLOCKED, Code.THREAD_LOCKED, Code.SLASH_NOT_CALLED,
        Code.MESSAGE_EMPTY, Code.MESSAGE_TOO_LONG, Code.BAD_EMBED, Code.RATE_LIMIT,
    ),
    example={"channel": "general", "command": "roll", "invoker": "USR:alice", "response": "You rolled 17"},
)  # fmt: skip
class SlashResponse(Command, kw_only=True, frozen=True):
    channel: ChannelOrThread = None
    thread_id: ThreadRef = None
    command: Annotated[str, Meta(max_length=64, description="The command that was called; any if left out.")] | None = (
        None
    )
    response: Annotated[str | None, Meta(description="The text; required unless there are embeds.")] = None
    embeds: Embeds | None = None
    invoker: (
        Annotated[str, Meta(max_length=200, description="User id or username of the caller; anybody if left out.")]
        | None
    ) = None
    ephemeral: Annotated[
        bool, Meta(description="Whether only the caller gets it. Answers to a command that is ephemeral always are.")
    ] = False
    call_id: Annotated[str, Meta(max_length=128, description="As in `slash_call`; the surest way.")] | None = None
