"""Messages as text alone."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from protocol.objects_messages import Message
from protocol.plain_text import MAX_CARDS, author_of, plain_text

POLL = {
    "type": "poll",
    "title": "Pizza?",
    "poll": {
        "id": "p", "question": "Pizza?",
        "options": [{"id": "0", "text": "Yes", "emoji": "🍕"}, {"id": "1", "text": "No"}],
        "allow_multiselect": False, "expires_at": None, "results": [], "total_votes": 0, "ended": False,
        "ended_at": None, "user_votes": [],
    },
}  # fmt: skip
FILE = {"id": "a", "name": "cat.png", "mime_type": "image/png", "size": 1, "url": "https://chat.example/attachments/a"}
CARD = {
    "title": "News",
    "description": "All of it",
    "url": "https://a.example/",
    "fields": [{"name": "n", "value": "v"}],
}


def message(**fields: Any) -> list[Message]:
    """As it is where it was made, with plain JSON inside, and as others decode it."""
    made = Message(**{"id": "m", "user": "ann", "content": "", "timestamp": 1.0, **fields})
    return [made, msgspec.json.decode(msgspec.json.encode(made), type=Message)]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"content": "hello"}, "hello"),
        ({"embeds": [POLL]}, "Poll: Pizza?\n1. 🍕 Yes\n2. No"),
        ({"attachments": [FILE]}, "cat.png: https://chat.example/attachments/a"),
        ({"content": "look", "attachments": [FILE]}, "look\ncat.png: https://chat.example/attachments/a"),
        ({"embeds": [CARD]}, "News\nAll of it\nn: v\nhttps://a.example/"),
        ({"content": "see https://a.example/", "embeds": [{"url": "https://a.example/"}]}, "see https://a.example/"),
        ({"embeds": [{"type": "image", "image": {"url": "/x.png"}}]}, "/x.png"),
        ({"embeds": [{"color": 7}]}, ""),
    ],
)
def test_everything_has_its_line(fields: dict[str, Any], text: str) -> None:
    assert [plain_text(each) for each in message(**fields)] == [text, text]


def test_it_does_not_grow_without_bound() -> None:
    embeds = [{"description": "x" * 4096}] * 10
    (text, _) = (plain_text(each) for each in message(content="y", embeds=embeds))
    assert len(text) == len("y\n") + MAX_CARDS
    assert text.endswith("x…")


def test_a_webhook_has_its_name_and_a_mark() -> None:
    assert [author_of(each) for each in message(webhook={"id": "w", "name": "News", "avatar": None})] == [
        "News (webhook)"
    ] * 2
    assert author_of(message()[0]) == "ann"
