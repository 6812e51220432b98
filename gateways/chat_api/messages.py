"""Messages: posting, the stream, history."""

from __future__ import annotations

from msgspec import UNSET
from starlette.responses import Response

from gateways.chat_api import types
from gateways.chat_api.endpoint import Call, Row, bare
from gateways.chat_api.problems import Problem
from protocol.directs import DirectMessage
from protocol.errors import Code, Refused
from protocol.message_reads import MessagesGet, MessagesGetReply
from protocol.messages import MessageNew, MessageNewEvent


async def post(call: Call) -> types.Item:
    body: types.PostBody = call.body
    content = _content(call, body)
    meta = None if body.meta is UNSET else body.meta
    nonce = None if body.nonce is UNSET else body.nonce
    command: MessageNew | DirectMessage
    if body.to.startswith("#"):
        command = MessageNew(channel=bare(body.to), content=content, type=body.type, meta=meta, nonce=nonce)
    else:
        user = call.user_named(body.to)
        command = DirectMessage(user=user, content=content, type=body.type, meta=meta, nonce=nonce)
    event = await call.ask(command, MessageNewEvent)
    return call.api.translator.message_item(event.channel, event.message)


def _content(call: Call, body: types.PostBody) -> str:
    if (body.content is UNSET) == (body.body is UNSET):
        raise Problem(422, "bad_value", "One of `content` and `body` is required, not both.", "content")
    field, content = ("content", body.content) if body.content is not UNSET else ("body", body.body)
    assert content is not UNSET
    most = call.world.config.chat_api.max_message_bytes
    if len(content.encode()) > most:
        text = f"The text has more than {most} bytes (chat_api.max_message_bytes)."
        raise Problem(413, Code.MESSAGE_TOO_LONG.wire, text, field)
    return content


async def stream(call: Call) -> Response:
    return await call.api.stream.route(call.request)


async def history(call: Call) -> list[types.Item]:
    query: types.HistoryQuery = call.query
    channel = bare(query.target) if query.target.startswith("#") else _direct(call, query.target)
    if channel is None:
        return []
    before = None if query.before is UNSET else query.before.lower()
    reply = await call.ask(MessagesGet(channel=channel, start=before, limit=query.limit), MessagesGetReply)
    return [call.api.translator.message_item(reply.channel, message) for message in reply.messages]


def _direct(call: Call, nick: str) -> str | None:
    """Name of the direct channel with a user; None when the two have not written to each other."""
    other = call.world.users.by_mention(nick)
    if other is None:
        refused = Refused(Code.USER_NOT_FOUND)
        raise Problem(404, refused.code.wire, refused.text, "target")
    direct = call.world.directs.between(call.owner.user_id, other.id)
    return direct.name if direct is not None else None


ROWS = (
    Row(
        method="POST", path="/messages", handler=post, name="post", status=201,
        does="Post a message to a channel or a user; the answer is the message as it is stored.",
        body=types.PostBody, reply=types.Item, problems=(404, 409, 429),
    ),
    Row(
        method="GET", path="/messages", handler=stream, name="stream",
        does="Wait for what is new in the joined channels and for oneself: the items after `after`, each once, in the "
        "one order of the server. With nothing new the answer is empty after `timeout`.",
        query=types.StreamQuery, reply=list[types.Item], problems=(410, 429), whole=True,
    ),
    Row(
        method="GET", path="/history", handler=history, name="history",
        does="Read the messages of a channel, or with a user: the newest, or those right before `before`; oldest "
        "first.",
        query=types.HistoryQuery, reply=list[types.Item], problems=(404, 400),
    ),
)  # fmt: skip
