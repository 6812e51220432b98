"""Finding messages in many places: the same as looking at each of them, whatever way is taken."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import message_find, message_search
from db.message_find import Wanted
from db.messages import Message
from db.store import Store
from tests.db.conftest import group, message

IMAGE = {"attachments": [{"id": "a", "mime_type": "image/png"}]}
TEXT_FILE = {"attachments": [{"id": "b", "mime_type": "text/plain"}]}
POLL = {"embeds": [{"type": "poll"}]}
EMBED = {"embeds": [{"type": "rich", "title": '"mime_type":"image/'}]}

contents = st.sampled_from(["tea time", "Tea", "coffee https://x.example", "te", "milk 100% \\ _"])
extras = st.sampled_from([{}, {}, IMAGE, TEXT_FILE, POLL, EMBED])
written = st.tuples(st.sampled_from("abc"), st.sampled_from(["ann", "ben"]), contents, extras, st.booleans())
times = st.none() | st.integers(0, 40).map(float)
wishes = st.builds(
    Wanted,
    text=st.sampled_from(["", "t", "tea", "TEA", "coffee", "100%", "nothing"]),
    author=st.sampled_from([None, "ann", "nobody"]),
    has=st.frozensets(st.sampled_from(["link", "image", "file", "embed", "poll"]), max_size=2),
    pinned=st.sampled_from([None, True, False]),
    before=times,
    after=times,
)


def fits(wanted: Wanted, found: Message) -> bool:
    embeds, files = found.extra.get("embeds", []), found.extra.get("attachments", [])
    carried = {
        "link": "https://" in found.content,
        "image": any(each["mime_type"].startswith("image/") for each in files),
        "file": bool(files),
        "embed": any(each["type"] != "poll" for each in embeds),
        "poll": any(each["type"] == "poll" for each in embeds),
    }
    return (
        wanted.text.lower() in found.content.lower()
        and wanted.author in (None, found.user_id)
        and all(carried[kind] for kind in wanted.has)
        and wanted.pinned in (None, found.pinned)
        and (wanted.before is None or found.timestamp < wanted.before)
        and (wanted.after is None or found.timestamp >= wanted.after)
    )


@pytest.mark.parametrize(("rare", "small", "chunk"), [(1000, 256, 200), (0, 1, 3)])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(many=st.lists(written, max_size=40), wanted=wishes, places=st.sets(st.sampled_from("abcd")))
def test_pages_of_a_search_are_what_looking_at_each_message_finds(
    store: Store, rare: int, small: int, chunk: int, many: list[Any], wanted: Wanted, places: set[str]
) -> None:
    before = message_find.RARE, message_find.SMALL, message_find.CHUNK
    message_find.RARE, message_find.SMALL, message_find.CHUNK = rare, small, chunk
    tx = store.begin()
    try:
        expected = []
        for number, (place, author, content, extra, pinned) in enumerate(many):
            each = message(
                f"m{number:03}", user_id=author, content=content, timestamp=float(number // 2), extra=extra,
                pinned=pinned,
            )  # fmt: skip
            tx.messages.add(place, each)
            if place in places and fits(wanted, each):
                expected.append((each.timestamp, each.id, place))
        pages: list[tuple[float, str, str]] = []
        page, complete = tx.messages.find(places, wanted, 3)
        while page:
            pages += [(each.timestamp, each.id, place) for place, each in page]
            last = page[-1][1]
            on = {name: getattr(wanted, name) for name in wanted.__struct_fields__}
            page, complete = tx.messages.find(
                places, Wanted(**on | {"before": last.timestamp, "before_id": last.id}), 3
            )
        assert complete
        assert pages == sorted(expected, reverse=True)
    finally:
        tx.rollback()
        message_find.RARE, message_find.SMALL, message_find.CHUNK = before


def test_reactions_can_be_searched_for(store: Store) -> None:
    with group(store) as tx:
        for id_ in ("m1", "m2"):
            tx.messages.add("a", message(id_))
        tx.messages.add_reaction("a", "m2", "x", "ann")
        found, complete = tx.messages.find(["a"], Wanted(has=frozenset({"reaction"})), 5)
    assert ([each.id for _, each in found], complete) == (["m2"], True)


def test_a_search_looks_at_a_bounded_number_of_messages(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_search, "MAX_SCANNED", 60)
    monkeypatch.setattr(message_find, "CHUNK", 1)
    with group(store) as tx:
        tx.messages.add("a", message("old", content="the needle", user_id="ben"))
        for number in range(100):
            tx.messages.add("a", message(f"m{number}", timestamp=float(number + 2)))
        assert tx.messages.find(["a"], Wanted(author="ben"), 5) == ([], False)
        found, complete = tx.messages.find(["a"], Wanted(text="needle"), 5)
    assert ([each.id for _, each in found], complete) == (["old"], True), "what is rare is in the index"
