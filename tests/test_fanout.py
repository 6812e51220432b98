"""Who gets what: audiences by live rights, in one order. No network, no database."""

from __future__ import annotations

import msgspec
import pytest

from db.directs import Direct
from db.documents import Change
from db.roles import Role
from fanout import Session
from protocol.audience import Audience, Everyone, Holders, SessionsOf, Viewers, ViewersPart, to_text
from tests.support.hall import HIDDEN, OPEN, FakeSink, Hall, sink_of, texts

pytestmark = pytest.mark.anyio


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


async def test_holders_of_a_permission_by_the_rights_of_this_moment(hall: Hall) -> None:
    mod, ann, ben = hall.session("mod"), hall.session("ann"), hall.session("ben")
    hall.documents.roles.put(Role(name="moderator", id="r2", permissions=("manage_users",)))
    readers = ("view_audit_log", "manage_users")

    def tell(name: str) -> None:
        hall.tell(Holders(readers), name, durable=False)
        hall.tell(Holders(readers, user="ann"), f"{name} or ann", durable=False)
        hall.tell(Holders(readers, channel="staff"), f"{name} staff", durable=False)
        hall.tell(Holders(readers, channel="no such channel"), f"{name} gone", durable=False)
        hall.fanout.flush()

    tell("1")
    assert (texts(mod), texts(ann), texts(ben)) == (["1", "1 or ann", "1 staff"], ["1 or ann"], [])
    assert hall.fanout.reaches(Holders(readers), mod)
    assert not hall.fanout.reaches(Holders(readers), ben)
    hall.change_user("ben", roles=("moderator", "user"))
    hall.change_user("mod", roles=("user",))
    tell("2")
    late = hall.session("ben", id="late")
    hall.fanout.remove(ben)
    tell("3")
    assert texts(mod)[3:] == []
    assert texts(ben) == ["2", "2 or ann", "2 staff"]
    assert texts(late) == ["3", "3 or ann", "3 staff"]
    with pytest.raises(ValueError, match="not logged"):
        to_text(Holders(readers))


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
