"""The slash commands of the server itself.

Each stands for an ordinary command, which is carried out as if the caller had sent it: same permission, same checks,
same events, same entry in the moderation log. What is added is a message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import msgspec

from db.messages import Message
from db.permissions import ADMINISTRATOR, OWNER
from handlers.outcome import Change, Outcome
from handlers.places import Place
from handlers.posting import SERVER_AUTHOR, post
from handlers.registry import HANDLERS
from protocol.base import COMMANDS, Packet
from protocol.errors import Code, Refused
from protocol.roles import RolesListEvent, UserRolesGetEvent
from protocol.slash_commands import ListedSlashCommand, SlashOption
from protocol.users import UserBanReply, UserUnbanReply

if TYPE_CHECKING:
    from db.audit import AuditEntry
    from db.transaction import Transaction
    from handlers.context import Context, World

MAX_REASON = 500
Arguments = dict[str, Any]
Sentence = Callable[[Packet], str]
"""What the message says, made from the reply to the ordinary command. Raises Refused where nothing was done."""


class Step(msgspec.Struct, frozen=True):
    """The ordinary command that does it. reason: for the moderation log."""

    command: str
    fields: dict[str, Any]
    says: Sentence
    reason: str = ""


class BuiltIn(msgspec.Struct, frozen=True):
    """needs: the server permission of the ordinary command, for lists; the command itself asks for it again."""

    name: str
    description: str
    step: Callable[[Context, Place, Arguments], Step]
    options: tuple[SlashOption, ...] = ()
    needs: str | None = None


# --- what they do


def _user(args: Arguments) -> str:
    return str(args["username"]).strip().removeprefix("@")


def _reason(args: Arguments) -> str:
    return str(args.get("reason", "")).strip()[:MAX_REASON]


def _because(sentence: str, args: Arguments) -> str:
    return f"{sentence}\nReason: {_reason(args)}" if _reason(args) else sentence


def _ban(ctx: Context, place: Place, args: Arguments) -> Step:
    if ctx.world.users.find(_user(args)) is None:
        raise Refused(Code.USER_NOT_FOUND)

    def says(reply: Packet) -> str:
        done = cast("UserBanReply", reply)
        if not done.banned:
            raise Refused(Code.ALREADY_BANNED)
        return _because(f"{done.user} has been banned", args)

    return Step("user_ban", {"user": _user(args)}, says, _reason(args))


def _unban(ctx: Context, place: Place, args: Arguments) -> Step:
    if ctx.world.users.find(_user(args)) is None:
        raise Refused(Code.USER_NOT_FOUND)

    def says(reply: Packet) -> str:
        done = cast("UserUnbanReply", reply)
        if not done.unbanned:
            raise Refused(Code.NOT_BANNED)
        return f"{done.user} has been unbanned"

    return Step("user_unban", {"user": _user(args)}, says)


def _mute(ctx: Context, place: Place, args: Arguments) -> Step:
    duration_s = args["duration"]
    if duration_s < 1:
        raise Refused(Code.BAD_VALUE, field="slash_call.args.duration", reason="expected 1 second or more")

    def says(reply: Packet) -> str:
        return _because(f"{reply.user} has been muted for {duration_s} seconds", args)  # type: ignore[attr-defined]

    return Step("user_timeout", {"user": _user(args), "timeout": duration_s}, says, _reason(args))


def _unmute(ctx: Context, place: Place, args: Arguments) -> Step:
    def says(reply: Packet) -> str:
        return f"{reply.user} is no longer muted"  # type: ignore[attr-defined]

    return Step("user_timeout", {"user": _user(args), "timeout": 0}, says)


def _nick(ctx: Context, place: Place, args: Arguments) -> Step:
    nickname, name = args.get("nickname", "").strip(), ctx.user.username
    if not nickname:
        return Step("nickname_remove", {}, lambda reply: f"{name} has no nickname any more")
    return Step("nickname_update", {"nickname": nickname}, lambda reply: f"{name} is now known as {nickname}")


def _channel(ctx: Context, place: Place, args: Arguments) -> Step:
    action, name, text = args["action"], args["name"].strip().removeprefix("#"), args.get("text", "").strip()
    if action == "create":
        fields = {"name": name, "type": "text", **({"description": text} if text else {})}
        return Step("channel_create", fields, lambda reply: f"Channel {name} was created")
    if action == "topic":
        said = f"Topic of {name}: {text}" if text else f"{name} has no topic any more"
        return Step("channel_topic_set", {"channel": name, "topic": text}, lambda reply: said)
    if action == "rename":
        fields = {"current_name": name, "updates": {"name": text.removeprefix("#")}}
        return Step("channel_update", fields, lambda reply: f"Channel {name} is now called {text.removeprefix('#')}")
    if name.casefold() == place.channel.name.casefold():
        reason = "this command was called there; call it in another channel"
        raise Refused(Code.BAD_VALUE, field="slash_call.args.name", reason=reason)
    return Step("channel_delete", {"name": name}, lambda reply: f"Channel {name} was deleted")


def _role(ctx: Context, place: Place, args: Arguments) -> Step:
    action, role = args["action"], args.get("role", "").strip()
    if action == "list":
        if "username" in args:
            return Step("user_roles_get", {"user": _user(args)}, _roles_of)
        return Step("roles_list", {}, lambda reply: "Roles: " + ", ".join(cast("RolesListEvent", reply).roles))
    for name in ("username", "role"):
        if not args.get(name):
            raise Refused(Code.BAD_VALUE, field=f"slash_call.args.{name}", reason="missing required argument")
    command = "user_roles_add" if action == "give" else "user_roles_remove"
    return Step(command, {"user": _user(args), "roles": [role]}, _roles_of)


def _roles_of(reply: Packet) -> str:
    shown = cast("UserRolesGetEvent", reply)
    return f"Roles of {shown.user}: {', '.join(shown.roles) or 'none'}"


def _option(name: str, description: str, type_: str = "str", *choices: str, required: bool = True) -> SlashOption:
    return SlashOption(
        name=name,
        description=description,
        type=cast("Any", type_),
        required=required,
        choices=list(choices) or None,
    )


USERNAME = _option("username", "Username of the member")
REASON = _option("reason", "Why; for everybody here and for the moderation log", required=False)

BUILT_INS: Mapping[str, BuiltIn] = {
    each.name: each
    for each in (
        BuiltIn("nick", "Set your nickname; without one, remove it", _nick, (
            _option("nickname", "At most 20 characters", required=False),
        )),
        BuiltIn("ban", "Ban a member", _ban, (USERNAME, REASON), "manage_users"),
        BuiltIn("unban", "Lift a ban", _unban, (USERNAME,), "manage_users"),
        BuiltIn("mute", "Keep a member from writing for a while", _mute, (
            USERNAME, _option("duration", "Seconds", "int"), REASON,
        ), "manage_users"),
        BuiltIn("unmute", "Let a muted member write again", _unmute, (USERNAME,), "manage_users"),
        BuiltIn("channel", "Create, delete or rename a channel, or set its topic", _channel, (
            _option("action", "What to do", "enum", "create", "delete", "rename", "topic"),
            _option("name", "Name of the channel"),
            _option("text", "create, topic: the topic; rename: the new name", required=False),
        ), "manage_channels"),
        BuiltIn("role", "Give a role to a member, take it away, or list roles", _role, (
            _option("action", "What to do", "enum", "give", "take", "list"),
            _option("username", "Username of the member", required=False),
            _option("role", "Name of the role", required=False),
        ), "manage_users"),
    )
}  # fmt: skip
"""All but `help`, which lists them."""


# --- how they are listed


def listed_built_in(world: World, built_in: BuiltIn) -> ListedSlashCommand:
    """Clients offer a command to those on its list of roles: here the roles that hold the permission at this moment."""
    roles = None
    if built_in.needs is not None:
        holds = {built_in.needs, ADMINISTRATOR}
        roles = [OWNER, *(role.name for role in world.roles if role.name != OWNER and holds & {*role.permissions})]
    return ListedSlashCommand(
        name=built_in.name,
        description=built_in.description,
        options=list(built_in.options),
        whitelist_roles=roles,
        registered_by=SERVER_AUTHOR,
    )


# --- how they are carried out


def carry_out(ctx: Context, place: Place, built_in: BuiltIn, args: Arguments) -> Change:
    """Do what it stands for, and post a message of the server that says so. Raises Refused as that command does."""
    world, step = ctx.world, built_in.step(ctx, place, args)
    spec = COMMANDS[step.command]
    if spec.needs is not None and not world.access.can(ctx.user, spec.needs):
        raise Refused(Code.PERMISSION_REQUIRED, permission=spec.needs)
    try:
        command = msgspec.convert({"cmd": step.command, **step.fields}, spec.command)
    except msgspec.ValidationError as error:
        reason, _, where = str(error).partition(" - at `$")
        field = f"{step.command}{where.rstrip('`')}"
        raise Refused(Code.BAD_VALUE, field=field, reason=reason) from None
    answer = HANDLERS[spec.command](ctx, command)
    interaction = {"command": built_in.name, "username": ctx.user.username}
    id_, timestamp = world.new_id(), world.timestamp()

    def change(tx: Transaction) -> Outcome:
        done = answer if isinstance(answer, Outcome) else answer(tx)
        message = Message(
            id=id_,
            user_id=SERVER_AUTHOR,
            content=step.says(_reply_of(done))[: world.config.limits.post_content],
            timestamp=timestamp,
            extra={"interaction": interaction},
        )
        posted = post(world, tx, place, message)
        return Outcome(
            events=[*posted.events, *done.events],
            audit=[_with_reason(entry, step.reason) for entry in done.audit],
            then=_both(done.then, posted.then),
            after=done.after,
        )

    return change


def _reply_of(done: Outcome) -> Packet:
    """What would have answered the caller."""
    packets = (done.reply, *(event.packet for event in done.events))
    return next(packet for packet in packets if isinstance(packet, Packet))


def _with_reason(entry: AuditEntry, reason: str) -> AuditEntry:
    return msgspec.structs.replace(entry, details={**entry.details, "reason": reason}) if reason else entry


def _both(first: Callable[[], None] | None, second: Callable[[], None] | None) -> Callable[[], None] | None:
    steps = [step for step in (first, second) if step is not None]

    def both() -> None:
        for step in steps:
            step()

    return both if steps else None
