"""Who one is: /register, /nick, /session, /state; and where: /server."""

from __future__ import annotations

from msgspec import UNSET

from gateways.chat_api import types
from gateways.chat_api.endpoint import Call, Row
from gateways.chat_api.items import nick_of
from gateways.chat_api.modes import modes_of
from gateways.chat_api.problems import Problem
from gateways.chat_api.sessions import GATEWAY
from gateways.core import Ask, GatewayRefused
from protocol.base import Command, Packet
from protocol.errors import Code
from protocol.guests import GuestLogin, UsernameUpdate, UsernameUpdateReply
from protocol.login import Login, ReadyEvent, Register, SessionEnd, SessionEndReply

NO_NEW_ACCOUNT = (Code.NAME_TAKEN.wire, Code.REGISTRATION_DISABLED.wire, Code.INVITE_REQUIRED.wire)


async def register(call: Call) -> types.Registered:
    body: types.RegisterBody = call.body
    invite = None if body.invite is UNSET else body.invite
    if body.password is UNSET:
        packets = await _enter(call, GuestLogin(username=body.nick, invite=invite))
    else:
        packets = await _enter_account(call, body.nick, body.password, invite)
    ready = next(packet for packet in packets if isinstance(packet, ReadyEvent))
    user = call.world.users.by_username(ready.user.username)
    assert user is not None
    return types.Registered(id=user.id, nick=nick_of(user.username), token=ready.session)


async def _enter_account(call: Call, nick: str, password: str, invite: str | None) -> list[Packet]:
    """A new account; where the name belongs to one already, the session begins if the password is right."""
    try:
        return await _enter(call, Register(username=nick, password=password, invite=invite))
    except GatewayRefused as refused:
        if refused.code not in NO_NEW_ACCOUNT:
            raise
        taken = refused
    try:
        return await _enter(call, Login(username=nick, password=password))
    except GatewayRefused as refused:
        if refused.code == Code.INVALID_PASSWORD.wire:
            raise taken from None
        raise


async def _enter(call: Call, command: Command) -> list[Packet]:
    sessions = call.api.sessions
    ask = Ask(
        call.api.core, call.peer, GATEWAY, entered=lambda session: sessions.remember_start(session, session.since)
    )
    try:
        return await ask.of(command)
    except GatewayRefused as refused:
        if refused.code == Code.AUTH_REQUIRED.wire:
            text = "Here only the identity service says who somebody is, which this API does not ask."
            raise Problem(403, Code.REGISTRATION_DISABLED.wire, text) from None
        raise


async def nick(call: Call) -> types.Account:
    body: types.NickBody = call.body
    reply = await call.ask(UsernameUpdate(username=body.nick), UsernameUpdateReply)
    return types.Account(id=call.owner.user_id, nick=nick_of(reply.username))


async def quit_(call: Call) -> None:
    await call.ask(SessionEnd(id=call.owner.session.id), SessionEndReply)


async def state(call: Call) -> types.State:
    world, user = call.world, call.user
    channels = []
    for channel_id in world.memberships.of_user(user.id):
        channel = world.channels.get(channel_id)
        if channel is None or not world.access.may(user, channel, "view"):
            continue
        channels.append(
            types.JoinedChannel(
                name=f"#{channel.name}",
                modes=modes_of(channel),
                topic=channel.description or "",
                operator=user.id in channel.operators,
                voice=user.id in channel.voices,
            )
        )
    return types.State(id=user.id, nick=nick_of(user.username), channels=channels)


async def server(call: Call) -> types.ServerCard:
    config, facts = call.world.config, call.api.facts()
    return types.ServerCard(
        name=facts.name,
        motd=config.chat_api.motd,
        version=facts.service_version,
        users=facts.users,
        online=facts.online,
        channels=facts.channels,
        limits=types.Limits(
            message_bytes=config.chat_api.max_message_bytes,
            meta_bytes=config.limits.meta_bytes,
            history=config.chat_api.max_history,
            session_timeout_s=config.chat_api.session_timeout_s,
        ),
    )


_NICK = Row(
    method="PATCH", path="/nick", handler=nick, name="changeNick",
    does="Take another nick, as a guest; the old one is free at once.",
    body=types.NickBody, reply=types.Account, problems=(409, 429),
)  # fmt: skip

ROWS = (
    Row(
        method="POST", path="/register", handler=register, name="register", auth=False, status=201,
        does="Begin a session: as a guest, or with a password as the local account of this name.",
        body=types.RegisterBody, reply=types.Registered, problems=(401, 403, 404, 409, 429),
    ),
    _NICK,
    Row(
        method="POST", path="/nick", handler=nick, name="setNick", does="The same as PATCH.",
        body=types.NickBody, reply=types.Account, problems=_NICK.problems,
    ),
    Row(
        method="DELETE", path="/session", handler=quit_, name="quit", does="End the session and its token.",
        reply=None, status=204, problems=(404,),
    ),
    Row(
        method="GET", path="/state", handler=state, name="state", does="Tell who the caller is, and in which channels.",
        reply=types.State,
    ),
    Row(
        method="GET", path="/server", handler=server, name="server", does="Tell what this server is, and its limits.",
        reply=types.ServerCard, auth=False,
    ),
)  # fmt: skip
