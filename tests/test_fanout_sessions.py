"""Who is here: coming and going, slow readers, and how presence is told where many are."""

from __future__ import annotations

import asyncio

import pytest

import fanout
from connection import Frame
from protocol.audience import Everyone, Viewers
from tests.support.hall import Hall, sink_of, texts

pytestmark = pytest.mark.anyio


@pytest.fixture
async def hall() -> Hall:
    return Hall()


# --- who is here


async def test_coming_and_going(hall: Hall) -> None:
    first, second = hall.session("ann"), hall.session("ann", id="ann2")
    assert hall.fanout.is_online("ann")
    assert list(hall.fanout.online_users()) == ["ann"]
    assert set(hall.fanout.sessions_of("ann")) == {first, second}
    hall.fanout.remove(first)
    hall.fanout.remove(first)
    assert hall.fanout.is_online("ann")
    assert hall.gone == []
    hall.fanout.remove(second)
    assert not hall.fanout.is_online("ann")
    assert hall.gone == ["ann"], "told once"
    assert list(hall.fanout.sessions_of("ann")) == []


async def test_closing_a_user_tells_and_closes_every_connection(hall: Hall) -> None:
    first, second, ben = hall.session("ann"), hall.session("ann", id="ann2"), hall.session("ben")
    hall.tell(Everyone(), "before")
    hall.fanout.close_user("ann", "r" * 200, Frame(b"bye"))
    hall.tell(Everyone(), "after")
    hall.fanout.flush()
    for session in (first, second):
        assert texts(session) == ["before", "bye"]
        ((code, reason),) = sink_of(session).closed
        assert code == 1000
        assert len(reason.encode()) <= 123, "what fits into a close frame"
    assert texts(ben) == ["before", "after"]
    assert hall.gone == ["ann"]


async def test_a_resumed_session_takes_the_place_of_its_ghost(hall: Hall) -> None:
    ghost, session = hall.session("ann", id="old"), hall.session("ann", id="new")
    hall.tell(Viewers("general"), "1")
    hall.fanout.rename(session, "old")
    hall.tell(Viewers("general"), "2")
    hall.fanout.flush()
    assert texts(session) == ["1", "2"]
    assert texts(ghost) == ["1"], "the ghost gets nothing more"
    assert hall.fanout.is_live(session)
    assert not hall.fanout.is_live(ghost)
    assert hall.gone == []
    hall.fanout.remove(ghost)
    assert hall.fanout.is_online("ann")
    assert list(hall.fanout.sessions) == ["old"]


# --- slow readers, replays


async def test_a_held_session_gets_nothing_and_counts_as_present(hall: Hall) -> None:
    ann, ben = hall.session("ann"), hall.session("ben")
    ann.held = True
    hall.tell(Everyone(), "1")
    hall.tell(Everyone(), "typing", durable=False)
    hall.fanout.flush()
    assert texts(ann) == []
    assert texts(ben) == ["1", "typing"]
    assert hall.fanout.is_online("ann")


async def test_a_slow_reader_that_knows_gap_is_told_once_it_has_read(hall: Hall) -> None:
    ann, ben = hall.session("ann", gap=True, room=2), hall.session("ben")
    for number in range(1, 6):
        hall.tell(Everyone(), str(number))
    hall.fanout.flush()
    hall.tell(Everyone(), "6")
    hall.fanout.flush()
    assert ann.gap_from == 2
    assert texts(ann) == ["1", "2"]
    sink_of(ann).drain()
    assert texts(ann) == ["gap 2 6"]
    hall.tell(Everyone(), "7")
    hall.fanout.flush()
    assert texts(ann) == [], "nothing durable until it resumes"
    assert texts(ben) == [str(number) for number in range(1, 8)]
    assert sink_of(ann).closed == []


async def test_a_slow_reader_that_does_not_know_gap_is_closed(hall: Hall) -> None:
    ann = hall.session("ann", room=1)
    hall.tell(Everyone(), "1")
    hall.tell(Everyone(), "2")
    hall.tell(Everyone(), "3")
    hall.fanout.flush()
    assert texts(ann) == ["1"]
    assert {code for code, _ in sink_of(ann).closed} == {1013}


async def test_a_slow_reader_first_loses_what_is_of_the_moment(hall: Hall) -> None:
    ann = hall.session("ann", room=0)
    hall.tell(Viewers("general"), "typing", durable=False)
    hall.fanout.flush()
    assert texts(ann) == []
    assert sink_of(ann).closed == []
    assert ann.gap_from is None


async def test_a_gap_that_was_resumed_before_it_was_told_is_not_told(hall: Hall) -> None:
    ann = hall.session("ann", gap=True, room=0)
    hall.tell(Everyone(), "1")
    hall.fanout.flush()
    ann.gap_from = None
    sink_of(ann).drain()
    assert texts(ann) == []


# --- presence in a large community


async def test_presence_waits_a_moment_where_many_are(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fanout, "PRESENCE_DELAY_S", 0.002)
    ann = hall.session("ann")
    hall.tell(Everyone(), "ben is here", durable=False)
    hall.tell(Everyone(), "ben left", durable=False)
    hall.fanout.flush()
    assert texts(ann) == []
    sink_of(ann).arrived.clear()
    async with asyncio.timeout(20):
        await sink_of(ann).arrived.wait()
    assert texts(ann) == ["ben is here", "ben left"]


async def test_what_everybody_is_told_for_good_does_not_overtake_presence(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member that is banned right after coming must not seem to have come after leaving."""
    monkeypatch.setattr(fanout, "PRESENCE_DELAY_S", 0.002)
    ann = hall.session("ann")
    hall.tell(Everyone(), "ben is here", durable=False)
    hall.tell(Everyone(), "ben was banned")
    hall.fanout.flush()
    assert texts(ann) == ["ben is here", "ben was banned"]


async def test_in_a_small_community_presence_keeps_its_place(hall: Hall) -> None:
    ann = hall.session("ann")
    hall.tell(Everyone(), "1", durable=False)
    hall.tell(Everyone(), "2")
    hall.fanout.flush()
    assert texts(ann) == ["1", "2"]
