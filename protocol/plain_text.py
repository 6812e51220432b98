"""Messages as plain text, for whoever cannot show more: gateways, notifications."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from protocol.objects_messages import Message

WEBHOOK_MARK = " (webhook)"
"""Ends the name of what is no member, so that none can be taken for one; no member has such a name."""
MAX_CARDS = 4000
"""Most characters of all that stands below the text of a message."""


def author_of(message: Message) -> str:
    """Username of the member; of a webhook, its name with the mark."""
    if isinstance(message.webhook, msgspec.UnsetType):
        return message.user
    webhook: Mapping[str, Any] = msgspec.to_builtins(message.webhook)
    return f"{webhook['name']}{WEBHOOK_MARK}"


def plain_text(message: Message) -> str:
    """The text; below it a line for everything else: question and options of a poll, what a card says, names and
    addresses of files."""
    below = "\n".join(line for line in _below(message) if line)
    if len(below) > MAX_CARDS:
        below = below[: MAX_CARDS - 1] + "…"
    return "\n".join(part for part in (message.content, below) if part)


def _below(message: Message) -> Iterator[str]:
    # embeds and attachments are plain JSON in packets that were made here, and typed ones in those that were decoded
    if not isinstance(message.embeds, msgspec.UnsetType):
        for embed in msgspec.to_builtins(message.embeds):
            yield from _poll(embed["poll"]) if embed.get("poll") else _card(embed, message.content)
    if not isinstance(message.attachments, msgspec.UnsetType):
        for file in msgspec.to_builtins(message.attachments):
            yield f"{file['name']}: {file['url']}"


def _poll(poll: Mapping[str, Any]) -> Iterator[str]:
    yield f"Poll: {poll['question']}"
    for number, option in enumerate(poll["options"], 1):
        yield f"{number}. {' '.join(part for part in (option.get('emoji'), option['text']) if part)}"


def _card(embed: Mapping[str, Any], content: str) -> Iterator[str]:
    """What is in the text already, such as the address of a preview, is not said again."""
    yield str(embed.get("title") or "")
    yield str(embed.get("description") or "")
    for field in embed.get("fields") or ():
        yield f"{field['name']}: {field['value']}"
    for url in (embed.get("url"), (embed.get("image") or {}).get("url")):
        yield url if url and url not in content else ""
