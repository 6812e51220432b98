"""Slash commands: registering, listing, calling, answering."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from db.messages import Message
from handlers.content import checked_text
from handlers.filters import require_still
from handlers.outcome import Answer, Change, Event, Outcome
from handlers.places import Place, find_place, find_thread, require, require_joined
from handlers.posting import SERVER_AUTHOR, post
from handlers.registry import handles
from handlers.slash_arguments import checked_arguments
from handlers.slash_built_in import BUILT_INS, carry_out, listed_built_in
from handlers.slash_registry import Difference, Registered
from handlers.slash_registry import SlashCall as Called
from protocol import objects_messages as objects
from protocol.audience import Everyone, OneSession
from protocol.base import COMMANDS
from protocol.embeds import check_embeds
from protocol.errors import Code, Refused
from protocol.login import ErrorEvent
from protocol.slash_commands import (
    EphemeralMessageEvent,
    ListedSlashCommand,
    SlashAddEvent,
    SlashCall,
    SlashCallEvent,
    SlashCallValue,
    SlashCommand,
    SlashList,
    SlashListReply,
    SlashRegister,
    SlashRegisterReply,
    SlashRemoveEvent,
    SlashResponse,
    SlashResponseReply,
)

if TYPE_CHECKING:
    from db.transaction import Transaction
    from db.users import User
    from handlers.context import Context, World

MAX_BYTES = 65_536
"""All commands of one connection as JSON: everybody is told of them."""
HELP = ListedSlashCommand(
    name="help", description="List the commands that you may use", ephemeral=True, registered_by=SERVER_AUTHOR
)


# --- registering and listing


@handles(SlashRegister)
def slash_register(ctx: Context, cmd: SlashRegister) -> Outcome:
    world, user = ctx.world, ctx.user
    if user.guest:
        raise Refused(Code.ACCOUNT_REQUIRED)
    needs = world.config.slash_commands.register_permission
    if needs and not world.access.can(user, needs):
        raise Refused(Code.PERMISSION_REQUIRED, permission=needs)
    _check_commands(world, user, cmd.commands)
    difference = world.slash.register(ctx.session, cmd.commands)
    reply = SlashRegisterReply(val=f"{len(cmd.commands)} slash commands registered")
    return Outcome(reply=reply, events=list_changed(world, difference))


def may_register(world: World, user: User) -> bool:
    needs = world.config.slash_commands.register_permission
    return not user.guest and not user.banned and (not needs or world.access.can(user, needs))


def revoked(world: World) -> list[Event]:
    """Take away the commands of those who may not register any any more; what everybody is told of it."""
    gone = [
        session
        for session in world.slash.providers()
        if (user := world.users.get(session.user_id)) is None or not may_register(world, user)
    ]
    return [event for session in gone for event in list_changed(world, world.slash.leave(session))]


def _check_commands(world: World, user: User, commands: list[SlashCommand]) -> None:
    names = [command.name.casefold() for command in commands]
    for at, command in enumerate(commands):
        where = f"slash_register.commands[{at}]"
        if names.index(names[at]) != at:
            raise Refused(Code.BAD_VALUE, field=f"{where}.name", reason="is there twice")
        of_plugins = world.plugins.slash_commands() if world.plugins is not None else {}
        if names[at] in BUILT_INS or names[at] == HELP.name or names[at] in of_plugins:
            raise Refused(Code.SLASH_TAKEN, command=command.name, by="the server")
        holder = world.slash.find(command.name)
        if holder is not None and holder.user_id != user.id:
            raise Refused(Code.SLASH_TAKEN, command=command.name, by=world.users.username_of(holder.user_id))
        options = [option.name for option in command.options]
        if len(set(options)) != len(options):
            raise Refused(Code.BAD_VALUE, field=f"{where}.options", reason="an option is there twice")
        for number, option in enumerate(command.options):
            if option.type == "enum" and not option.choices:
                raise Refused(
                    Code.BAD_VALUE, field=f"{where}.options[{number}].choices", reason="an enum needs choices"
                )
    if len(msgspec.json.encode(commands)) > MAX_BYTES:
        raise Refused(Code.BAD_VALUE, field="slash_register.commands", reason=f"more than {MAX_BYTES} bytes")


def list_changed(world: World, difference: Difference) -> list[Event]:
    """What everybody is told when commands come and go."""
    events: list[Event] = []
    if difference.removed:
        events.append(Event(Everyone(), SlashRemoveEvent(commands=difference.removed)))
    if difference.added:
        added = [_listed(world, registered) for registered in difference.added]
        events.append(Event(Everyone(), SlashAddEvent(commands=added)))
    return events


def _listed(world: World, registered: Registered) -> ListedSlashCommand:
    name = world.users.username_of(registered.user_id)
    return ListedSlashCommand(**msgspec.structs.asdict(registered.command), registered_by=name)


def _all(world: World) -> list[ListedSlashCommand]:
    built_in = [HELP, *(listed_built_in(world, each) for each in BUILT_INS.values())]
    of_plugins = world.plugins.slash_commands() if world.plugins is not None else {}
    registered = (each for each in world.slash.all() if each.command.name.casefold() not in of_plugins)
    return [*built_in, *of_plugins.values(), *(_listed(world, each) for each in registered)]


@handles(SlashList)
def slash_list(ctx: Context, cmd: SlashList) -> Outcome:
    return Outcome(reply=SlashListReply(commands=_all(ctx.world)))


# --- calling


@handles(SlashCall)
def slash_call(ctx: Context, cmd: SlashCall) -> Answer:
    place = find_place(ctx, cmd, "text")
    _require_writing(ctx, place)
    name = cmd.command.removeprefix("/").casefold()
    if name == HELP.name:
        checked_arguments((), cmd.args)
        return Outcome(reply=_ephemeral(ctx.world, place, SERVER_AUTHOR, HELP.name, ctx.user.id, _help(ctx)))
    built_in = BUILT_INS.get(name)
    if built_in is not None:
        return carry_out(ctx, place, built_in, checked_arguments(built_in.options, cmd.args))
    of_plugin = ctx.world.plugins.slash_commands().get(name) if ctx.world.plugins is not None else None
    if of_plugin is not None:
        return _call_plugin(ctx, place, of_plugin, cmd)
    return _call_registered(ctx, place, name, cmd)


def _require_writing(ctx: Context, place: Place) -> None:
    require(ctx, place, "send", "send messages in this channel")
    require_joined(ctx, place.channel)
    if place.thread is not None and place.thread.locked:
        raise Refused(Code.THREAD_LOCKED)


async def _call_plugin(ctx: Context, place: Place, command: ListedSlashCommand, cmd: SlashCall) -> Outcome | Change:
    """The plugin is asked first; then all is checked anew, and its answer posted, in one step. Who gets no answer is
    told that it is done."""
    world, plugins, name = ctx.world, ctx.world.plugins, command.name
    assert plugins is not None
    _require_role(ctx.user, command)
    text = await plugins.slash(ctx.user, name, place.channel.name, checked_arguments(command.options, cmd.args))
    require_still(ctx, COMMANDS["slash_call"])
    place = find_place(ctx, cmd, "text")
    _require_writing(ctx, place)
    if command.ephemeral or not text:
        return Outcome(reply=_ephemeral(world, place, SERVER_AUTHOR, name, ctx.user.id, text or "Done"))
    message = Message(
        id=world.new_id(),
        user_id=SERVER_AUTHOR,
        content=text,
        timestamp=world.timestamp(),
        extra={"interaction": {"command": name, "username": ctx.user.username}},
    )
    return lambda tx: post(world, tx, place, message)


def _call_registered(ctx: Context, place: Place, name: str, cmd: SlashCall) -> Outcome:
    world, caller = ctx.world, ctx.user
    registered = world.slash.find(name)
    if registered is None:
        raise Refused(Code.SLASH_NOT_FOUND, command=cmd.command)
    command = registered.command
    _require_role(caller, command)
    owner = world.users.get(registered.user_id)
    if owner is not None and not may_register(world, owner):
        raise Refused(Code.SLASH_NOT_FOUND, command=cmd.command)
    if owner is None or not world.access.may(owner, place.channel, "view"):  # it must not learn of the channel
        raise Refused(Code.SLASH_NOT_HERE, command=command.name)
    args = checked_arguments(command.options, cmd.args)
    call = Called(
        id=world.new_id(),
        command=command,
        owner=owner.id,
        provider=registered.session,
        invoker=caller.id,
        session_id=ctx.session.id,
        channel_id=place.channel.id,
        thread_id=place.thread_id,
        at=ctx.now,
        due=ctx.now + world.config.slash_commands.answer_timeout_s,
    )
    world.slash.called(call)
    packet = SlashCallEvent(
        val=SlashCallValue(command=command.name, args=args, commander=owner.username),
        invoker=caller.id,
        invoker_username=caller.username,
        channel=place.channel.name,
        thread_id=place.thread_id or UNSET,
        call_id=call.id,
    )
    return Outcome(events=[Event(OneSession(registered.session.id), packet)])


def _require_role(user: User, command: SlashCommand) -> None:
    """Raise Refused unless the role lists of the command let the user in."""
    if not {*user.roles}.isdisjoint(command.blacklist_roles or ()):
        raise Refused(Code.NOT_PERMITTED, action="use this command")
    if command.whitelist_roles and {*user.roles}.isdisjoint(command.whitelist_roles):
        raise Refused(Code.SLASH_NOT_ALLOWED, role=" or ".join(command.whitelist_roles[:10]))


def _may_use(ctx: Context, command: ListedSlashCommand) -> bool:
    if command.registered_by == SERVER_AUTHOR and command.name in BUILT_INS:
        needs = BUILT_INS[command.name].needs
        return needs is None or ctx.world.access.can(ctx.user, needs)
    try:
        _require_role(ctx.user, command)
    except Refused:
        return False
    return True


def _help(ctx: Context) -> str:
    """One line for each command that the caller may use, by name; cut where a message ends."""
    lines = []
    for command in sorted(_all(ctx.world), key=lambda command: command.name.casefold()):
        if _may_use(ctx, command):
            options = "".join(f" <{each.name}>" if each.required else f" [{each.name}]" for each in command.options)
            lines.append(f"- `/{command.name}{options}` {command.description}".rstrip())
    return "\n".join(lines)[: ctx.world.config.limits.post_content]


def unanswered(world: World, now: float) -> list[Event]:
    """What callers are told whose commands were not answered in time. Once a second."""
    return [
        Event(
            OneSession(call.session_id),
            ErrorEvent(src="slash_call", val=refusal.text, code=refusal.code.wire),
        )
        for call in world.slash.overdue(now)
        for refusal in [Refused(Code.SLASH_NO_ANSWER, command=call.command.name)]
    ]


# --- answering


class Response(msgspec.Struct, frozen=True):
    """An answer that was checked."""

    call: Called
    place: Place
    content: str
    embeds: list[dict[str, object]]
    ephemeral: bool


@handles(SlashResponse)
def slash_response(ctx: Context, cmd: SlashResponse) -> Outcome | Change:
    return _respond(ctx, _checked_response(ctx, cmd))


def _checked_response(ctx: Context, cmd: SlashResponse) -> Response:
    world = ctx.world
    named = find_place(ctx, cmd)
    call = _find_call(ctx, cmd, named)
    place = named if call.thread_id is None else find_thread(ctx, call.thread_id)
    _require_writing(ctx, place)
    embeds, text = cmd.embeds or [], (cmd.response or "").strip()
    check_embeds(embeds)
    content = checked_text(world, text) if text or not embeds else ""
    ephemeral = cmd.ephemeral or call.command.ephemeral
    invoker = world.users.get(call.invoker)
    if ephemeral and (invoker is None or not world.access.may(invoker, place.channel, "view")):
        raise Refused(Code.SLASH_NOT_CALLED)
    return Response(call, place, content, embeds, ephemeral)


def _respond(ctx: Context, response: Response) -> Outcome | Change:
    world, user, call, place = ctx.world, ctx.user, response.call, response.place
    command, embeds = call.command.name, response.embeds
    world.slash.answered(call)
    if response.ephemeral:
        packet = _ephemeral(world, place, user.id, command, call.invoker, response.content, embeds)
        reply = SlashResponseReply(
            channel=place.channel.name, thread_id=place.thread_id or UNSET, command=command, call_id=call.id
        )
        return Outcome(reply=reply, events=[Event(OneSession(call.session_id), packet)])
    interaction = {"command": command, "username": world.users.username_of(call.invoker)}
    message = Message(
        id=world.new_id(),
        user_id=user.id,
        content=response.content,
        timestamp=world.timestamp(),
        extra={"interaction": interaction, **({"embeds": embeds} if embeds else {})},
    )

    def change(tx: Transaction) -> Outcome:
        return post(world, tx, place, message)

    return change


def _find_call(ctx: Context, cmd: SlashResponse, named: Place) -> Called:
    """The newest call of an own command that fits all that the answer says. Raises Refused. A call in a thread may be
    answered by the name of its forum alone: the OriginChats library knows no threads."""
    invoker = ctx.world.users.find(cmd.invoker) if cmd.invoker else None
    for call in ctx.world.slash.calls_of(ctx.user.id, ctx.now):
        fits = (
            call.channel_id == named.channel.id
            and (named.thread is None or call.thread_id == named.thread_id)
            and (cmd.command is None or cmd.command.casefold() == call.command.name.casefold())
            and (not cmd.invoker or (invoker is not None and invoker.id == call.invoker))
            and (cmd.call_id is None or cmd.call_id == call.id)
        )
        if fits:
            return call
    raise Refused(Code.SLASH_NOT_CALLED)


def _ephemeral(
    world: World,
    place: Place,
    author: str,
    command: str,
    invoker: str,
    content: str,
    embeds: list[dict[str, object]] | None = None,
) -> EphemeralMessageEvent:
    """author, invoker: user ids. It has an id and a time like any message, and is stored nowhere."""
    name = world.users.username_of
    message = objects.Message(
        id=world.new_id(),
        user=name(author),
        content=content,
        timestamp=world.timestamp(),
        interaction=objects.Interaction(command, name(invoker)),
        embeds=embeds or UNSET,  # type: ignore[arg-type]  # they were checked, and travel as they were given
        pings=objects.Pings(),
    )
    newest = world.store.heads.get(place.id)
    world.slash.shown(message.id, None if newest is None else newest.id)
    return EphemeralMessageEvent(message=message, channel=place.channel.name, thread_id=place.thread_id)
