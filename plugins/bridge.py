"""Mirrors channels to addresses that take webhooks. Settings: `<data folder>/plugins/bridge.json`; see docs/plugins.md.

The other direction is an ordinary webhook of this server, to which the other side posts. Messages of webhooks and
plugins are not mirrored, so nothing goes round in a circle.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from msgspec import Meta

from outbound import Outbound, OutboundError, RefusedAddress
from plugin_api import Message, MessageNew, Plugin, Settings, about

Url = Annotated[str, Meta(pattern="^https://", max_length=2048), about(secret=True)]
Channel = Annotated[str, Meta(min_length=1, max_length=100)]


class Bridge(Settings, frozen=True, kw_only=True):
    """Addresses are sent {content, username, avatar_url}."""

    enabled: bool = False
    channels: Annotated[
        dict[Channel, Url],
        Meta(max_length=100),
        about("Channels", "Channel, and the https address of the webhook that its messages go to.", suggest="channel"),
    ] = msgspec.field(default_factory=dict)
    tries: Annotated[int, Meta(ge=1, le=10), about("Tries", "For each message.")] = 4
    timeout_s: Annotated[
        float, Meta(ge=1, le=60), about("Wait", "For an answer of the other side.", unit="seconds")
    ] = 10


plugin = Plugin(name="Bridge", description="Mirrors channels to other places.", settings=Bridge)

MAX_CONTENT = 2000
MAX_WAITING = 200
"""Messages of one channel; when the other side is away for longer, the oldest are left out."""
FIRST_PAUSE_S = 1.0
NO_PINGS: dict[str, list[str]] = {"parse": []}

outbound = Outbound()
queues: dict[str, asyncio.Queue[bytes]] = {}
senders: set[asyncio.Task[None]] = set()


@plugin.on("message_new")
async def mirror(event: MessageNew) -> None:
    message = event.message
    if message.by_member and message.thread_id is None and message.channel in plugin.settings.channels:
        queue = queue_of(message.channel)
        if queue.full():
            queue.get_nowait()
            plugin.log.warning("a message of %s is not mirrored: too many wait", message.channel)
        queue.put_nowait(body_of(message))


def queue_of(channel: str) -> asyncio.Queue[bytes]:
    """One sender a channel keeps the order."""
    if channel not in queues:
        queues[channel] = asyncio.Queue(MAX_WAITING)
        senders.add(asyncio.get_running_loop().create_task(send_all(channel, queues[channel])))
    return queues[channel]


def body_of(message: Message) -> bytes:
    """`allowed_mentions`: nobody is called over there because of what somebody writes here."""
    body = {"content": message.content[:MAX_CONTENT], "username": message.name[:80], "allowed_mentions": NO_PINGS}
    if message.avatar:
        body["avatar_url"] = message.avatar
    return msgspec.json.encode(body)


async def send_all(channel: str, queue: asyncio.Queue[bytes]) -> None:
    while True:
        body = await queue.get()
        for attempt in range(plugin.settings.tries):
            url = plugin.settings.channels.get(channel)
            pause_s = None if url is None else await asyncio.to_thread(deliver, url, body, attempt)
            if pause_s is None:
                break
            await asyncio.sleep(pause_s)
        else:
            plugin.log.warning("a message of %s was not mirrored", channel)


def deliver(url: str, body: bytes, attempt: int) -> float | None:
    """None when there is nothing to be done any more; else how many seconds to wait before the next try."""
    try:
        answer = outbound.request(
            "POST",
            url,
            body=body,
            headers={"Content-Type": "application/json"},
            timeout_s=plugin.settings.timeout_s,
            max_bytes=65_536,
        )
    except RefusedAddress as error:
        plugin.log.error("the bridge cannot be used: %s", error)
        return None
    except OutboundError as error:
        plugin.log.warning("mirroring failed: %s", error)
        return float(FIRST_PAUSE_S * 2**attempt)
    if answer.status == 429 or answer.status >= 500:
        text = answer.headers.get("retry-after", "")
        return min(float(text), 300.0) if text.isdecimal() else float(FIRST_PAUSE_S * 2**attempt)
    if answer.status >= 300:
        plugin.log.error("the other side refuses a message with status %s", answer.status)
    return None
