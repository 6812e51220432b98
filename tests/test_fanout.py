"""Who gets what: audiences by live rights, order, slow readers. No network, no database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import fanout
from connection import Frame
from db.channels import Channel, Channels
from db.directs import Direct, Directs
from db.documents import Change, Documents
from db.emojis import Emojis
from db.permissions import Access
from db.roles import Role, Roles
from db.users import User, Users
from fanout import Delivery, Fanout, Session
from protocol.audience import Audience, Everyone, SessionsOf, Viewers, ViewersPart, to_text

pytestmark = pytest.mark.anyio

OPEN: dict[str, tuple[str, ...]] = {"view": ("user",)}
HIDDEN: dict[str, tuple[str, ...]] = {"view": ("moderator",)}


class FakeSink:
    """`room`: how many more frames fit; None for any number. A slow one takes every frame by `send`."""

    def __init__(self, *, fast: bool = False, room: int | None = None) -> None:
        self.fast = fast
        self.room = room
        self.outbox: list[bytes] = []
        self.closed: list[tuple[int, str]] = []
        self.drained: list[Callable[[], None]] = []
        self.arrived = asyncio.Event()

    def send(self, frame: Frame, *, ephemeral: bool = False) -> bool:
        if self.closed:
            return True
        if self.room is not None:
            if self.room == 0:
                return ephemeral
            self.room -= 1
        self.outbox.append(frame.plain)
        self.arrived.set()
        return True

    def flush(self) -> None: ...

    def when_drained(self, callback: Callable[[], None]) -> None:
        if self.room == 0:
            self.drained.append(callback)
        else:
            callback()

    def close(self, code: int, reason: str = "") -> None:
        self.closed.append((code, reason))

    def drain(self) -> None:
        self.room = None
        callbacks, self.drained = self.drained, []
        for callback in callbacks:
            callback()

    def texts(self) -> list[str]:
        outbox, self.outbox = list(self.outbox), []
        return [data[2:].decode() for data in outbox]


class Hall:
    def __init__(self) -> None:
        self.documents = Documents(
            Users(
                [
                    User(id="mod", username="mod", roles=("moderator", "user")),
                    User(id="ann", username="ann", roles=("user",)),
                    User(id="ben", username="ben", roles=("user",)),
                ]
            ),
            Roles([Role(name="moderator", id="r2", position=2), Role(name="user", id="r3", position=3)]),
            Channels(
                [
                    Channel(id="general", name="general", permissions=OPEN),
                    Channel(id="staff", name="staff", permissions=HIDDEN),
                ]
            ),
            Emojis(),
        )
        self.directs = Directs()
        self.fanout = Fanout(
            self.documents.users,
            self.documents.channels,
            self.directs,
            Access(self.documents.roles),
            lambda after, newest: Frame(b"gap %d %d" % (after, newest)),
        )
        self.documents.on_change = self.fanout.document_changed
        self.gone: list[str] = []
        self.fanout.on_gone = self.gone.append
        self.seq = 0

    def session(self, user_id: str, *, id: str | None = None, gap: bool = False, **sink: Any) -> Session:
        session = Session(id=id or user_id, user_id=user_id, sink=FakeSink(**sink), address="", gap_aware=gap)
        session.since = self.fanout.position
        self.fanout.add(session)
        return session

    def tell(self, audience: Audience, text: str, *, durable: bool = True) -> None:
        self.seq += durable
        self.fanout.gather(Delivery(audience, Frame(text.encode()), self.seq if durable else None))

    def channel(self, id: str) -> Channel:
        channel = self.documents.channels.get(id)
        assert channel is not None
        return channel

    def change_user(self, user_id: str, **fields: Any) -> None:
        user = self.documents.users.get(user_id)
        assert user is not None
        self.documents.users.put(msgspec.structs.replace(user, **fields))


def texts(session: Session) -> list[str]:
    assert isinstance(session.sink, FakeSink)
    return session.sink.texts()


def sink_of(session: Session) -> FakeSink:
    assert isinstance(session.sink, FakeSink)
    return session.sink


@pytest.fixture
async def hall() -> Hall:
    return Hall()


@pytest.mark.parametrize("fast", [True, False])
async def test_each_audience_gets_its_own_in_one_order(hall: Hall, fast: bool) -> None:
    mod, ann, ben = (hall.session(name, fast=fast) for name in ("mod", "ann", "ben"))
    ann2 = hall.session("ann", id="ann2", fast=fast)
    hall.tell(Everyone(), "1")
    hall.tell(Viewers("general"), "2")
    hall.tell(Viewers("staff"), "3")
    hall.tell(SessionsOf("ann"), "4")
    hall.tell(Viewers("no such channel"), "5")
    hall.tell(SessionsOf("nobody"), "6")
    hall.tell(Viewers("general"), "7", durable=False)
    assert texts(mod) == [], "nothing leaves before the flush"
    hall.fanout.flush()
    assert texts(mod) == ["1", "2", "3", "7"]
    assert texts(ann) == texts(ann2) == ["1", "2", "4", "7"]
    assert texts(ben) == ["1", "2", "7"]
    assert hall.fanout.position == 6


async def test_a_part_of_the_viewers_and_the_other_ones(hall: Hall) -> None:
    mod, ann, phone = hall.session("mod"), hall.session("ann"), hall.session("ann", id="phone")
    some = frozenset({"ann", "mod", "gone"})
    for channel in ("general", "staff"):
        hall.tell(ViewersPart(channel, some, True), f"{channel} in", durable=False)
        hall.tell(ViewersPart(channel, some, False), f"{channel} out", durable=False)
    hall.fanout.flush()
    assert texts(mod) == ["general in", "staff in"]
    assert texts(ann) == ["general in"], "whoever cannot view the channel belongs to neither part"
    assert texts(phone) == ["general out"]
    for among in (True, False):
        part = ViewersPart("general", some, among)
        assert hall.fanout.reaches(part, ann) is among
        assert hall.fanout.reaches(part, phone) is not among
    with pytest.raises(ValueError, match="not logged"):
        to_text(ViewersPart("general", some, True))


async def test_the_same_bytes_go_to_everybody(hall: Hall) -> None:
    ann, ben = hall.session("ann", fast=True), hall.session("ben", fast=True)
    hall.tell(Everyone(), "x" * 200)
    hall.fanout.flush()
    assert sink_of(ann).outbox[0] is sink_of(ben).outbox[0]


async def test_a_moment_behind_a_durable_event_does_not_hide_its_position(hall: Hall) -> None:
    hall.session("ann")
    hall.tell(Viewers("general"), "said")
    hall.tell(Viewers("general"), "typing", durable=False)
    hall.fanout.flush()
    assert hall.fanout.position == 1


async def test_the_position_moves_on_when_nobody_is_there(hall: Hall) -> None:
    hall.tell(Viewers("general"), "said")
    hall.fanout.flush()
    assert hall.fanout.position == 1


async def test_a_newcomer_gets_nothing_that_was_before(hall: Hall) -> None:
    hall.session("ben")
    hall.tell(Everyone(), "before")
    ann = hall.session("ann")
    hall.tell(Everyone(), "after")
    hall.fanout.flush()
    assert texts(ann) == ["after"]


async def test_who_leaves_got_everything_that_was_before(hall: Hall) -> None:
    ann = hall.session("ann")
    hall.tell(Everyone(), "before")
    hall.fanout.remove(ann)
    hall.tell(Everyone(), "after")
    hall.fanout.flush()
    assert texts(ann) == ["before"]


# --- rights


async def test_rights_that_change_are_in_force_with_the_next_event(hall: Hall) -> None:
    ann = hall.session("ann")

    def hears(channel: str) -> bool:
        hall.tell(Viewers(channel), "said")
        hall.fanout.flush()
        return texts(ann) == ["said"]

    assert hears("general")
    assert not hears("staff")
    hall.change_user("ann", roles=("moderator", "user"))
    assert hears("staff")
    hall.change_user("ann", nickname="Ann")
    assert hears("staff")
    hall.change_user("ann", roles=("user",))
    assert not hears("staff")
    staff = hall.channel("staff")
    hall.documents.channels.put(msgspec.structs.replace(staff, permissions=OPEN))
    assert hears("staff")
    hall.documents.channels.put(msgspec.structs.replace(staff, permissions={"view": ("!user", "moderator")}))
    assert not hears("staff")
    hall.documents.roles.put(Role(name="user", id="r3", position=3, permissions=("administrator",)))
    assert hears("staff")
    hall.documents.roles.remove("user")
    assert not hears("staff")
    assert hears("general")
    hall.documents.channels.remove("general")
    assert not hears("general")


async def test_a_banned_or_deleted_member_hears_no_channel(hall: Hall) -> None:
    ann, ben = hall.session("ann"), hall.session("ben")
    hall.tell(Viewers("general"), "1")
    hall.fanout.flush()
    hall.change_user("ann", banned=True)
    hall.documents.users.remove("ben")
    hall.tell(Viewers("general"), "2")
    hall.fanout.flush()
    assert texts(ann) == texts(ben) == ["1"]


async def test_a_change_that_is_taken_back_is_noticed(hall: Hall) -> None:
    ann = hall.session("ann")
    hall.change_user("ann", roles=("moderator",))
    hall.tell(Viewers("staff"), "1")
    hall.fanout.flush()
    hall.documents.undo(hall.documents.take_changes())
    hall.tell(Viewers("staff"), "2")
    hall.fanout.flush()
    assert texts(ann) == ["1"]


async def test_hand_edits_change_audiences(hall: Hall) -> None:
    ann = hall.session("ann")
    hall.tell(Viewers("general"), "1")
    hall.fanout.flush()
    old = hall.channel("general")
    hall.documents.apply_external(
        [Change("channels", "general", old, msgspec.structs.replace(old, permissions=HIDDEN), 1)]
    )
    hall.tell(Viewers("general"), "2")
    hall.fanout.flush()
    assert texts(ann) == ["1"]


async def test_a_newcomer_joins_the_audiences_that_are_kept_already(hall: Hall) -> None:
    hall.session("mod")
    hall.tell(Viewers("general"), "0")
    hall.tell(Viewers("staff"), "0")
    hall.fanout.flush()
    ann, mod2 = hall.session("ann"), hall.session("mod", id="mod2")
    hall.tell(Viewers("general"), "1")
    hall.tell(Viewers("staff"), "2")
    hall.fanout.flush()
    assert texts(ann) == ["1"]
    assert texts(mod2) == ["1", "2"]


@pytest.mark.parametrize(
    "audience", [Everyone(), Viewers("general"), Viewers("staff"), Viewers("x"), SessionsOf("ann")]
)
async def test_asking_about_one_agrees_with_who_gets_it(hall: Hall, audience: Audience) -> None:
    here = [hall.session(name) for name in ("mod", "ann", "ben")]
    gone = Session(id="old", user_id="ann", sink=FakeSink(), address="", gap_aware=False)
    for session in (*here, gone):
        reached = hall.fanout.reaches(audience, session)
        assert reached == (session in hall.fanout.targets(audience))
        user = hall.documents.users.get(session.user_id)
        assert user is not None
        if session is not gone:
            assert hall.fanout.may_see(user, audience) == reached


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
    async with asyncio.timeout(5):
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


# --- direct channels


async def test_a_direct_channel_reaches_its_members_by_their_rights_now_and_nobody_else(hall: Hall) -> None:
    mod, ann, ben = (hall.session(name) for name in ("mod", "ann", "ben"))
    hall.change_user("mod", roles=("owner",))
    hall.tell(Viewers("d1"), "not there yet")
    hall.fanout.flush()
    hall.directs.put(Direct(id="d1", members=("ann", "ben"), created_at=1.0))
    phone = hall.session("ann", id="phone")
    hall.tell(Viewers("d1"), "psst")
    hall.fanout.flush()
    assert texts(ann) == texts(phone) == texts(ben) == ["psst"]
    assert texts(mod) == []
    assert hall.fanout.reaches(Viewers("d1"), ann)
    assert not hall.fanout.reaches(Viewers("d1"), mod)
    seen = {user.id for user in hall.documents.users if hall.fanout.may_see(user, Viewers("d1"))}
    assert seen == {"ann", "ben"}
    hall.change_user("ann", banned=True)
    hall.tell(Viewers("d1"), "gone")
    hall.fanout.flush()
    assert texts(ann) == []
    assert texts(ben) == ["gone"]
