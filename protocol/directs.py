"""Direct messages: text channels of two members, and blocking."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from protocol.base import Command, Packet, spec
from protocol.channels import ChannelsGetEvent
from protocol.errors import Code
from protocol.messages import ID_A, TEXT, MessageMeta, MessageNewEvent, Nonce
from protocol.objects_community import Channel, UserRef
from protocol.objects_messages import MessageId, MessageType


class DirectOpenReply(Packet, kw_only=True, frozen=True, tag="direct_open"):
    """The direct channel of the caller and the other, which may have been there before. Both know it by their
    `channels_get`."""

    channel: Channel


@spec(
    does="Open the direct channel with another member: a text channel that only the two see, one for each pair.",
    allowed="everybody after login, unless one of the two has blocked the other",
    limited=True,
    reply=DirectOpenReply,
    events=(ChannelsGetEvent,),
    errors=(Code.USER_NOT_FOUND, Code.NOT_YOURSELF, Code.BLOCKED),
    example={"user": "alice"},
)
class DirectOpen(Command, kw_only=True, frozen=True):
    user: UserRef


@spec(
    does="Post a message to the direct channel with another member, which is opened if it is not there yet. "
    "In a channel that is there, `message_new` does the same.",
    allowed="everybody after login, unless one of the two has blocked the other",
    limited=True,
    events=(MessageNewEvent, ChannelsGetEvent),
    errors=(Code.USER_NOT_FOUND, Code.NOT_YOURSELF, Code.BLOCKED, *TEXT, Code.REPLY_NOT_FOUND, Code.BAD_VALUE),
    example={"user": "alice", "content": "Have you got a minute?", "nonce": "7f3b", "reply_to": ID_A},
)
class DirectMessage(Command, kw_only=True, frozen=True):
    user: UserRef
    content: Annotated[str, Meta(description="Text; both ends are trimmed.")]
    reply_to: Annotated[MessageId | None, Meta(description="A message of the same direct channel.")] = None
    nonce: Nonce | None = None
    type: MessageType = "message"
    meta: MessageMeta | None = None


class DirectsListReply(Packet, kw_only=True, frozen=True, tag="directs_list"):
    """The direct channels of the caller, oldest first."""

    channels: list[Channel]


@spec(does="List the own direct channels.", allowed="everybody after login", reply=DirectsListReply)
class DirectsList(Command, kw_only=True, frozen=True):
    pass


class UserBlockEvent(Packet, kw_only=True, frozen=True, tag="user_block"):
    """The receiver has blocked somebody. Told to all its sessions, and to nobody else."""

    durable: ClassVar[bool] = True

    user: Annotated[str, Meta(description="Username of who is blocked.")]


class UserUnblockEvent(Packet, kw_only=True, frozen=True, tag="user_unblock"):
    """The receiver blocks somebody no longer. Told to all its sessions, and to nobody else."""

    durable: ClassVar[bool] = True

    user: Annotated[str, Meta(description="Username of who is not blocked any more.")]


@spec(
    does="Block a member: neither of the two can write to the other in their direct channel, nor open one, and the "
    "mentions and replies of the blocked one ping no more. Blocking twice changes nothing.",
    allowed="everybody after login",
    pace="broadcasts_per_minute",
    events=(UserBlockEvent,),
    errors=(Code.USER_NOT_FOUND, Code.NOT_YOURSELF, Code.TOO_MANY_BLOCKED),
    example={"user": "mallory"},
)
class UserBlock(Command, kw_only=True, frozen=True):
    user: UserRef


@spec(
    does="Block a member no longer; whoever is not blocked stays so.",
    allowed="everybody after login",
    pace="broadcasts_per_minute",
    events=(UserUnblockEvent,),
    errors=(Code.USER_NOT_FOUND,),
    example={"user": "mallory"},
)
class UserUnblock(Command, kw_only=True, frozen=True):
    user: UserRef


class UsersBlockedListReply(Packet, kw_only=True, frozen=True, tag="users_blocked_list"):
    """Usernames of those that the caller has blocked, in the order of blocking."""

    users: list[str]


@spec(does="List whom the caller has blocked.", allowed="everybody after login", reply=UsersBlockedListReply)
class UsersBlockedList(Command, kw_only=True, frozen=True):
    pass
