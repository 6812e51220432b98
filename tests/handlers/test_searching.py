"""messages_search: everywhere, with filters, page by page, and only where the caller may look."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.errors import Code
from tests.handlers.conftest import Clock, Stage


def say(stage: Stage, name: str, content: str, **place: Any) -> str:
    return str(stage.answer(name, "message_new", content=content, **place)["message"]["id"])


def search(stage: Stage, name: str, **fields: Any) -> list[tuple[str, str | None, str]]:
    """(channel, thread, content) of the results."""
    answer = stage.answer(name, "messages_search", **fields)
    return [(each["channel"], each.get("thread_id"), each["content"]) for each in answer["results"]]


@pytest.fixture
def talk(stage: Stage) -> Stage:
    """Tea is talked of in two channels, a hidden one, a thread, and between ann and ben."""
    say(stage, "ann", "tea for two", channel="general")
    say(stage, "mod", "tea for the staff", channel="staff")
    say(stage, "mod", "tea is served https://tea.example", channel="news")
    thread = stage.answer("ann", "thread_create", channel="ideas", name="drinks")["thread"]["id"]
    say(stage, "ben", "tea or coffee", thread_id=thread)
    stage.do("ann", "direct_message", user=stage.id("ben"), content="tea at five")
    return stage


def test_messages_search_looks_everywhere_the_caller_may(talk: Stage) -> None:
    found = [content for _, _, content in search(talk, "ann", query="TEA")]
    assert found == ["tea at five", "tea or coffee", "tea is served https://tea.example", "tea for two"]
    assert "tea at five" not in [content for _, _, content in search(talk, "mod", query="tea")]
    assert "tea for the staff" in [content for _, _, content in search(talk, "mod", query="tea")]
    (_, thread, _) = search(talk, "ann", query="coffee")[0]
    assert thread is not None
    (id_,) = (each["id"] for each in talk.answer("ann", "messages_search", query="coffee")["results"])
    assert talk.answer("ann", "messages_around", thread_id=thread, around=id_)["messages"][-1]["id"] == id_


def test_messages_search_filters(talk: Stage, clock: Clock) -> None:
    assert [where for where, _, _ in search(talk, "ann", query="tea", channels=["news", "ideas"])] == ["ideas", "news"]
    assert [text for _, _, text in search(talk, "ann", **{"from": "ben"})] == ["tea or coffee"]
    assert [where for where, _, _ in search(talk, "ann", has=["link"])] == ["news"]
    assert search(talk, "ann", pinned=True) == []
    assert search(talk, "ann", query="tea", before="2001-01-31") == []
    assert len(search(talk, "ann", query="tea", after="2001-01-31T10:00+02:00", before=clock.now + 60)) == 4


def test_messages_search_goes_on_where_the_page_ended(talk: Stage) -> None:
    pages, cursor = [], None
    while True:
        answer = talk.answer("ann", "messages_search", query="tea", limit=1, cursor=cursor)
        pages += [each["content"] for each in answer["results"]]
        assert answer["complete"]
        cursor = answer["cursor"]
        if cursor is None:
            break
    assert pages == ["tea at five", "tea or coffee", "tea is served https://tea.example", "tea for two"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, Code.BAD_VALUE),
        ({"query": "x", "before": "soon"}, Code.BAD_VALUE),
        ({"query": "x", "cursor": "here it goes"}, Code.BAD_VALUE),
        ({"query": "x", "cursor": "nan m1"}, Code.BAD_VALUE),
        ({"query": "x", "channels": ["staff"]}, Code.CHANNEL_NOT_FOUND),
        ({"query": "x", "channels": ["call"]}, Code.NOT_A_TEXT_CHANNEL),
        ({"query": "x", "from": "stranger"}, Code.USER_NOT_FOUND),
    ],
)
def test_messages_search_refuses_what_makes_no_sense(stage: Stage, fields: dict[str, Any], code: Code) -> None:
    assert stage.refused("ann", "messages_search", **fields).code is code
