"""What members write for others to read, before it is stored: plugins may change or refuse it.

Every command passes `carry_out`, and the table `WRITES` says which of its fields are looked at; what comes by other
ways than commands (webhooks) asks `look`. Without a filter nothing waits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from db.channels import Channel
from db.directs import Direct
from db.users import User
from handlers.channel_members import find_named
from handlers.muting import MUTED, require_unmuted
from handlers.places import find_channel, find_thread
from handlers.registry import HANDLERS
from protocol.base import COMMANDS, Command, Spec
from protocol.channel_members import ChannelKick, ChannelLeave, ChannelTopicSet
from protocol.directs import DirectMessage
from protocol.errors import Code, Refused
from protocol.messages import MessageEdit, MessageNew
from protocol.polls import PollCreate
from protocol.slash_commands import SlashCall, SlashResponse
from protocol.threads import ThreadCreate, ThreadUpdate
from protocol.users import NicknameUpdate, StatusSet, UserUpdate

if TYPE_CHECKING:
    from handlers.context import Context, World
    from handlers.outcome import Answer, Change, Outcome

Kind = Literal["message", "embed", "poll", "thread", "name", "topic", "status", "reason", "slash", "webhook"]


class Draft(msgspec.Struct, frozen=True):
    """One text that is to be stored. author: of a webhook, a user with the webhook's id and the name that is shown.
    channel: None for what belongs to no channel, and for a direct channel that does not exist yet. direct: in a direct
    channel. edited: the id of the message that is edited."""

    kind: Kind
    author: User
    content: str
    channel: Channel | Direct | None = None
    thread_id: str | None = None
    direct: bool = False
    edited: str | None = None


Filter = Callable[[Sequence[Draft]], Awaitable[list[str]]]
"""Gives the texts to be stored instead, as many, in bounded time for all. Raises Refused; then nothing is stored."""


class Writes(msgspec.Struct, frozen=True):
    """fields: which hold texts, at any depth, and of which kind. twice: whether its handler changes nothing by itself,
    so that it can be asked first: what is refused anyway is no plugin's business."""

    fields: dict[str, Kind]
    twice: bool = False


WRITES: Mapping[type[Command], Writes] = {
    MessageNew: Writes({"content": "message", "embeds": "embed"}, twice=True),
    MessageEdit: Writes({"content": "message", "embeds": "embed"}, twice=True),
    DirectMessage: Writes({"content": "message"}, twice=True),
    SlashResponse: Writes({"response": "message", "embeds": "embed"}),
    SlashCall: Writes({"args": "slash"}),
    PollCreate: Writes({"question": "poll", "options": "poll"}, twice=True),
    ThreadCreate: Writes({"name": "thread"}, twice=True),
    ThreadUpdate: Writes({"name": "thread"}, twice=True),
    NicknameUpdate: Writes({"nickname": "name"}),
    UserUpdate: Writes({"updates": "name"}),
    ChannelTopicSet: Writes({"topic": "topic"}),
    StatusSet: Writes({"text": "status"}),
    ChannelLeave: Writes({"reason": "reason"}),
    ChannelKick: Writes({"reason": "reason"}),
}
MAX_TEXTS = 1000
"""In one command; embeds may carry keys that nobody knows."""


def carry_out(ctx: Context, cmd: Command) -> Answer:
    """The answer of the command's handler, which sees what the filters have left of its texts. The guards of the
    dispatcher hold already."""
    writes = WRITES.get(type(cmd))
    if writes is None or not ctx.world.filters:
        answer: Answer = HANDLERS[type(cmd)](ctx, cmd)
        return answer
    return _filtered(ctx, cmd, writes)


async def _filtered(ctx: Context, cmd: Command, writes: Writes) -> Outcome | Change:
    """The filters first; then every check anew, and the change, in one step."""
    if writes.twice:
        HANDLERS[type(cmd)](ctx, cmd)
    channel, thread_id, direct = _place(ctx, cmd)
    fields: dict[str, Any] = msgspec.to_builtins(cmd)
    name: str = fields["cmd"]
    edited = cmd.id if isinstance(cmd, MessageEdit) else None
    drafts = [
        Draft(kind, ctx.user, text, channel, thread_id, direct, edited)
        for field, kind in writes.fields.items()
        for text in texts_in(fields.get(field))
    ]
    if len(drafts) > MAX_TEXTS:
        raise Refused(Code.BAD_VALUE, field=name, reason=f"more than {MAX_TEXTS} texts")
    texts = await look(ctx.world, drafts)
    require_still(ctx, COMMANDS[name])
    if texts != [draft.content for draft in drafts]:
        left = iter(texts)
        cmd = _checked(name, fields | {f: with_texts(fields[f], left) for f in writes.fields if f in fields})
    answer: Answer = HANDLERS[type(cmd)](ctx, cmd)
    return await answer if isawaitable(answer) else answer


async def look(world: World, drafts: Sequence[Draft]) -> list[str]:
    """What the filters leave of texts that belong together. Raises Refused."""
    for each in list(world.filters):
        if not drafts:
            break
        texts = await each(drafts)
        drafts = [msgspec.structs.replace(draft, content=text) for draft, text in zip(drafts, texts, strict=True)]
    return [draft.content for draft in drafts]


def texts_in(value: Any) -> Iterator[str]:
    """Every text that is not empty in plain JSON, keys of objects aside, in order."""
    if isinstance(value, str):
        if value.strip():
            yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from texts_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts_in(part)


def with_texts(value: Any, texts: Iterator[str]) -> Any:
    """The same with other texts, in the order in which `texts_in` gives them."""
    if isinstance(value, str):
        return next(texts) if value.strip() else value
    if isinstance(value, dict):
        return {key: with_texts(part, texts) for key, part in value.items()}
    if isinstance(value, list):
        return [with_texts(part, texts) for part in value]
    return value


def _checked(name: str, fields: dict[str, Any]) -> Command:
    """The command with what the filters made of it, which has to fit like any other. Raises Refused."""
    try:
        return msgspec.convert(fields, COMMANDS[name].command)
    except msgspec.ValidationError as error:
        reason, _, where = str(error).partition(" - at `$")
        raise Refused(Code.BAD_VALUE, field=f"{name}{where.rstrip('`')}", reason=reason) from None


def _place(ctx: Context, cmd: Command) -> tuple[Channel | Direct | None, str | None, bool]:
    """Channel, thread, and whether the channel is a direct one. Raises Refused for what the caller cannot view."""
    if isinstance(cmd, DirectMessage):
        other = ctx.world.users.find(cmd.user)
        return (None if other is None else ctx.world.directs.between(ctx.user.id, other.id)), None, True
    if thread_id := getattr(cmd, "thread_id", None):
        return find_thread(ctx, thread_id).channel, thread_id, False
    name = getattr(cmd, "channel", None)
    if not name:
        return None, None, False
    if isinstance(cmd, ChannelLeave):  # a member may leave what it cannot view any more
        left = ctx.world.channels.by_name(name)
        if left is not None and ctx.world.memberships.has(left.id, ctx.user.id):
            return left, None, False
    named = isinstance(cmd, ChannelTopicSet | ChannelKick)
    channel = find_named(ctx, name) if named else find_channel(ctx, name)
    return channel, None, isinstance(channel, Direct)


def require_still(ctx: Context, spec: Spec) -> None:
    """The guards that the dispatcher held before the wait. Raises Refused."""
    if ctx.user.banned or not ctx.visitor.present:
        raise Refused(Code.AUTH_REQUIRED)
    if spec.limited or spec.name in MUTED:
        require_unmuted(ctx)
    if spec.needs is not None and not ctx.world.access.can(ctx.user, spec.needs):
        raise Refused(Code.PERMISSION_REQUIRED, permission=spec.needs)
