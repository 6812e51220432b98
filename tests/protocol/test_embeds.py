from __future__ import annotations

from typing import Any

import pytest

from protocol.embeds import MAX_BYTES, check_embeds
from protocol.errors import Code, Refused

PICTURE = {"url": "https://example.org/a.png", "width": 10}
FULL: dict[str, Any] = {
    "type": "rich", "title": "t" * 256, "description": "d" * 4000, "url": "https://example.org", "color": 0xFFFFFF,
    "timestamp": "2026-01-01T00:00:00Z", "author": {"name": "a", "url": "http://example.org", "icon_url": "/a.png"},
    "footer": {"text": "f"}, "image": PICTURE, "thumbnail": PICTURE,
    "fields": [{"name": "n", "value": "v", "inline": True}] * 25,
}  # fmt: skip


@pytest.mark.parametrize(
    "embed",
    [
        {},
        FULL,
        {"type": "link", "url": "https://example.org/"},
        {"type": "image", "image": PICTURE},
        {"title": None, "footer": None, "author": {"name": "a", "url": None}},
        {"color": "255", "image": {"url": "/x", "height": "7"}},
        {"unknown": {"deep": [{"keys": 1}]}, "author": {"name": "a", "own": 1}},
    ],
)
def test_good_embeds(embed: dict[str, Any]) -> None:
    check_embeds([embed])


@pytest.mark.parametrize(
    ("embed", "words"),
    [
        ({"title": "x" * 257}, "title"),
        ({"description": "x" * 4097}, "description"),
        ({"color": -1}, "color"),
        ({"color": 0x1000000}, "color"),
        ({"color": "red"}, "color"),
        ({"type": "card"}, "type"),
        ({"type": "link"}, "url"),
        ({"type": "image"}, "image"),
        ({"image": "https://example.org/a.png"}, "image"),
        ({"author": {}}, "author"),
        ({"author": {"name": "x" * 257}}, "author.name"),
        ({"footer": {"text": "x" * 2049}}, "footer.text"),
        ({"fields": [{"name": "n", "value": "v"}] * 26}, "fields"),
        ({"fields": [{"name": "n" * 257, "value": "v"}]}, "fields[0].name"),
        ({"fields": [{"name": "n", "value": "v" * 1025}]}, "fields[0].value"),
        ({"fields": [{"name": "n", "value": "v" * 1000}] * 6}, "6000"),
        ({"type": "poll", "poll": {"question": "?"}}, "poll_create"),
        ({"poll": {"question": "?"}}, "poll_create"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": " java\nscript:alert(1)"}, "url"),
        ({"image": {"url": "data:text/html,x"}}, "image.url"),
    ],
)
def test_bad_embeds_are_refused_by_number_and_reason(embed: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as caught:
        check_embeds([{}, embed])
    assert caught.value.code is Code.BAD_EMBED
    assert caught.value.text.startswith("Embed 2: ")
    assert words in caught.value.text


def test_embeds_have_a_number_and_a_size() -> None:
    check_embeds([FULL] * 10)
    with pytest.raises(Refused):
        check_embeds([{}] * 11)
    with pytest.raises(Refused, match="bytes"):
        check_embeds([{"own": "x" * MAX_BYTES}])
