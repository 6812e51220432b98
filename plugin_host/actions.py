"""What plugins do, as the server does it. Everything here runs on the event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from db.messages import Message
from db.permissions import OWNER
from db.users import User
from handlers import wire
from handlers.content import called_by, checked_text
from handlers.context import Context
from handlers.outcome import Answer, Change, Event, Outcome
from handlers.places import Place, find_open_message
from handlers.posting import SERVER_AUTHOR, post
from handlers.registry import HANDLERS
from protocol.decode import decode
from protocol.embeds import check_embeds
from protocol.errors import Code, Refused
from protocol.messages import MessageEditEvent

if TYPE_CHECKING:
    from db.transaction import Transaction
    from fanout import Session, Sink
    from handlers.context import World

COMMANDS = frozenset({
    "channel_create", "channel_delete", "channel_move", "channel_update", "message_delete", "message_pin",
    "message_unpin", "poll_end", "role_create", "role_delete", "role_permissions_set", "role_reorder", "role_set",
    "role_update", "server_update", "thread_delete", "thread_update", "user_ban", "user_roles_add", "user_roles_remove",
    "user_roles_set", "user_timeout", "user_unban", "user_update", "users_banned_list", "webhook_create",
    "webhook_delete", "webhook_update",
})  # fmt: skip
"""The commands that are not about the caller itself, and not limited to a connection."""
AGAINST_MEMBERS = frozenset({"user_ban", "user_timeout", "user_roles_remove", "user_roles_set", "user_update"})
MAX_NAME = 100
MAX_URL = 2048


class Agent:
    """A plugin as somebody who gives commands. It is no member, and has no connection."""

    validator_key = address = network = agent = ""
    gateway = "plugin"
    present = True

    def __init__(self, plugin: str) -> None:
        self.user = User(id=f"plugin:{plugin}", username=f"plugin:{plugin}", roles=(OWNER,))

    @property
    def sink(self) -> Sink:
        raise Refused(Code.AUTH_REQUIRED)

    def log_in(self, session: Session) -> None:
        raise Refused(Code.AUTH_REQUIRED)


class AgentContext(Context):
    """One command of a plugin, which has the rights of an owner."""

    __slots__ = ("_agent",)

    def __init__(self, world: World, agent: Agent) -> None:
        super().__init__(world, agent, None, world.clock())
        self._agent = agent

    @property
    def user(self) -> User:
        return self._agent.user


def command(world: World, agent: Agent, name: str, fields: dict[str, Any]) -> Answer:
    """Carry out a command of the protocol. Raises Refused."""
    if name not in COMMANDS:
        raise Refused(Code.UNKNOWN_COMMAND, cmd=name)
    packet = decode(msgspec.json.encode({**fields, "cmd": name}))
    if name in AGAINST_MEMBERS:
        target = world.users.find(str(fields.get("user", "")))
        if target is not None and world.access.is_owner(target):
            raise Refused(Code.MEMBER_ABOVE)
    answer: Answer = HANDLERS[type(packet)](AgentContext(world, agent), packet)
    return answer


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a plugin. author: user id; anything that is none is shown as it is. id: None for a new one."""

    channel: str | None
    content: str
    thread_id: str | None = None
    embeds: list[dict[str, Any]] | None = None
    reply_to: str | None = None
    name: str | None = None
    avatar: str | None = None
    author: str = SERVER_AUTHOR
    id: str | None = None
    interaction: dict[str, Any] | None = None


def write(world: World, agent: Agent, posting: Posting) -> Change:
    """Raises Refused."""
    place = _place(world, posting)
    content = checked_text(world, posting.content) if posting.content.strip() or not posting.embeds else ""
    extra: dict[str, Any] = {}
    if posting.embeds:
        check_embeds(posting.embeds)
        extra["embeds"] = posting.embeds
    if posting.name is not None:
        for field, text, most in (("name", posting.name, MAX_NAME), ("avatar", posting.avatar or "", MAX_URL)):
            if len(text) > most:
                raise Refused(Code.BAD_VALUE, field=field, reason=f"at most {most} characters")
        extra["webhook"] = {"id": agent.user.id, "name": posting.name, "avatar": posting.avatar}
    if posting.interaction is not None:
        extra["interaction"] = posting.interaction
    called = called_by(AgentContext(world, agent), content, place.channel)
    id_, timestamp = posting.id or world.new_id(), world.timestamp()

    def change(tx: Transaction) -> Outcome:
        if tx.messages.place_of(id_) is not None:
            raise Refused(Code.BAD_VALUE, field="id", reason="is there already")
        target = tx.messages.get(place.id, posting.reply_to) if posting.reply_to is not None else None
        if posting.reply_to is not None and target is None:
            raise Refused(Code.REPLY_NOT_FOUND)
        message = Message(
            id=id_,
            user_id=posting.author,
            content=content,
            timestamp=timestamp,
            reply_to=posting.reply_to,
            reply_user=target.user_id if target is not None else None,
            extra=extra,
        )
        return post(world, tx, place, message, called)

    return change


def _place(world: World, posting: Posting) -> Place:
    if posting.thread_id:
        thread = world.threads.get(posting.thread_id)
        parent = world.channels.get(thread.parent) if thread is not None else None
        if thread is None or parent is None:
            raise Refused(Code.THREAD_NOT_FOUND)
        return Place(thread.id, parent, thread)
    channel = world.channels.by_name(posting.channel or "")
    if channel is None:
        raise Refused(Code.CHANNEL_NOT_FOUND)
    if channel.type != "text":
        raise Refused(Code.NOT_A_TEXT_CHANNEL)
    return Place(channel.id, channel)


def edit(world: World, agent: Agent, channel: str, id: str, content: str) -> Change:
    """Replace the text of anybody's message. Raises Refused."""
    place = _place(world, Posting(channel=channel, content=""))
    content = checked_text(world, content)
    called = called_by(AgentContext(world, agent), content, place.channel)

    def change(tx: Transaction) -> Outcome:
        found, _ = find_open_message(tx, place, id)
        edited = tx.messages.edit(found.id, id, content, UNSET, called.user_ids, called.roles)
        if edited is None:
            raise Refused(Code.MESSAGE_NOT_FOUND)
        packet = MessageEditEvent(
            id=id, content=content, message=wire.message(world, edited), channel=place.channel.name
        )
        return Outcome(events=[Event(place.audience, packet)])

    return change
