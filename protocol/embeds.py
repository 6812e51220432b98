"""The rules for embeds that people and bots send. What passes is stored and sent exactly as it was given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from protocol.errors import Code, Refused
from protocol.objects_messages import Embed
from protocol.wrong_values import in_words

MAX_EMBEDS = 10
MAX_TEXT = 6000
"""Code points of all texts of one embed together."""
MAX_BYTES = 256 * 1024
"""All embeds of one message as JSON. The texts alone cannot reach it; it is for the keys that nobody checks."""


def check_embeds(embeds: Sequence[dict[str, Any]]) -> None:
    """Raise Refused(BAD_EMBED) unless every embed keeps the limits. null counts as absent, "7" as 7."""
    if len(embeds) > MAX_EMBEDS:
        raise Refused(Code.BAD_EMBED, number=MAX_EMBEDS + 1, reason=f"at most {MAX_EMBEDS} embeds in a message")
    for number, raw in enumerate(embeds, 1):
        reason = _fault(raw)
        if reason is not None:
            raise Refused(Code.BAD_EMBED, number=number, reason=reason)
    if len(msgspec.json.encode(embeds)) > MAX_BYTES:
        raise Refused(Code.BAD_EMBED, number=len(embeds), reason=f"all embeds together exceed {MAX_BYTES} bytes")


def _fault(raw: dict[str, Any]) -> str | None:
    if raw.get("type") == "poll" or raw.get("poll"):
        return "polls are made by poll_create"
    try:
        embed = msgspec.convert(_without_nulls(raw), Embed, strict=False)
    except msgspec.ValidationError as error:
        what, where = in_words(error, Embed)
        return f"{where[1:]}: {what}" if where else what
    if embed.type == "link" and not embed.url:
        return "a link needs a url"
    if embed.type == "image" and not embed.image:
        return "an image needs an image"
    if sum(map(len, _texts(embed))) > MAX_TEXT:
        return f"its texts together exceed {MAX_TEXT} characters"
    return None


def _texts(embed: Embed) -> Iterator[str]:
    yield embed.title or ""
    yield embed.description or ""
    if embed.author:
        yield embed.author.name
    if embed.footer:
        yield embed.footer.text
    for field in embed.fields or ():
        yield field.name
        yield field.value


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_without_nulls(part) for part in value]
    return value
