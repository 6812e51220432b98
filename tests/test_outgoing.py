"""From an outcome to frames: numbers, answers, views, order."""

from __future__ import annotations

import json
from typing import Any, cast

import msgspec
import pytest

import handlers.all  # noqa: F401  (fills the table of views)
from client import Client
from connection import Frame
from fanout import Session
from handlers.context import World
from handlers.frames import encode, numbered_frame, with_listener, without_number
from handlers.outcome import Event, Outcome, ViewChanged
from outgoing import Outgoing, Prepared, is_durable, prepare
from protocol.audience import Audience, Everyone, SessionsOf, Viewers
from protocol.login import AuthSuccessEvent, ErrorEvent, PongReply
from protocol.users import NicknameRemoveEvent, UserConnectEvent, UserLeaveEvent
from tests.handlers.conftest import RecordingSink, Stage, clock, stage, world

__all__ = ["clock", "stage", "world"]

CHANNELS = ViewChanged("channels_get")


def news(name: str, audience: Audience | None = None) -> Event:
    """Some durable event."""
    return Event(audience or Everyone(), NicknameRemoveEvent(user=name, username=name))


def moment(name: str) -> Event:
    return Event(Everyone(), ErrorEvent(val=name, code="x"))


class FakeClient:
    hears_itself = False

    def __init__(self, session: Session | None) -> None:
        self.session = session
        self.sink = RecordingSink() if session is None else cast("RecordingSink", session.sink)

    def send(self, frame: Frame) -> None:
        self.sink.send(frame)


class Post:
    """Prepares in a transaction and releases, as the server does."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.world: World = stage.world
        self.outgoing = Outgoing(stage.world)

    def prepare(self, outcome: Outcome, *, called: bool = True, listener: str | None = None) -> Prepared:
        tx = self.world.store.begin()
        prepared = prepare(outcome, tx, called=called, listener=listener)
        tx.commit()
        return prepared

    def deliver(self, outcome: Outcome, client: FakeClient | None = None, listener: str | None = None) -> None:
        prepared = self.prepare(outcome, called=client is not None, listener=listener)
        self.release(prepared, client)

    def release(self, prepared: Prepared, client: FakeClient | None = None) -> None:
        self.outgoing.release(prepared, cast("Client | None", client))
        self.world.fanout.flush()

    def person(self, name: str) -> FakeClient:
        return FakeClient(self.stage.connect(name))


def heard(client: FakeClient) -> list[dict[str, Any]]:
    frames, client.sink.frames = client.sink.frames, []
    return [json.loads(frame.payload) for frame in frames]


def told(client: FakeClient) -> list[str]:
    return [packet["cmd"] for packet in heard(client)]


@pytest.fixture
def post(stage: Stage) -> Post:
    return Post(stage)


def test_what_is_durable() -> None:
    assert is_durable(news("ann"))
    assert is_durable(Event(Everyone(), CHANNELS))
    assert not is_durable(moment("typing"))
    assert not UserConnectEvent.durable
    assert UserLeaveEvent.durable


def test_durable_events_are_numbered_and_logged_as_they_are_sent(post: Post) -> None:
    ann = post.person("ann")
    post.deliver(Outcome(events=[news("a"), moment("m"), news("b", SessionsOf(post.stage.id("ann")))]))
    packets = heard(ann)
    assert [packet.get("seq") for packet in packets] == [1, None, 2]
    tx = post.world.store.begin()
    logged = tx.log.after(0, 10)
    tx.rollback()
    assert [event.audience for event in logged] == ["all", f"user:{post.stage.id('ann')}"]
    assert [event.kind for event in logged] == [packets[0]["cmd"], packets[2]["cmd"]]
    assert json.loads(logged[0].payload) == {key: value for key, value in packets[0].items() if key != "seq"}
    assert post.world.fanout.position == 2


def test_a_reply_carries_the_listener_and_comes_behind_the_events(post: Post) -> None:
    ann, ben = post.person("ann"), post.person("ben")
    post.deliver(Outcome(reply=PongReply(), events=[news("a")]), ann, 'l"1')
    first, second = heard(ann)
    assert (first["cmd"], "listener" in first) == ("nickname_remove", False)
    assert (second["cmd"], second["listener"]) == ("pong", 'l"1')
    assert told(ben) == ["nickname_remove"]


def test_without_a_listener_nothing_is_added(post: Post) -> None:
    ann = post.person("ann")
    post.deliver(Outcome(reply=PongReply()), ann)
    assert heard(ann) == [{"cmd": "pong", "val": "pong"}]


@pytest.mark.parametrize("listener", [None, "l1"])
def test_the_first_event_answers_where_there_is_no_reply(post: Post, listener: str | None) -> None:
    ann, ben = post.person("ann"), post.person("ben")
    post.deliver(Outcome(events=[news("a"), news("b")]), ann, listener)
    mine, theirs = heard(ann), heard(ben)
    assert [packet["user"] for packet in mine] == ["a", "b"]
    assert mine[0].get("listener") == listener
    assert [{key: value for key, value in packet.items() if key != "listener"} for packet in mine] == theirs
    assert all("listener" not in packet for packet in theirs)


@pytest.mark.parametrize("listener", [None, "l1"])
def test_the_first_event_that_is_no_view_answers_in_its_place(post: Post, listener: str | None) -> None:
    ann, ben = post.person("ann"), post.person("ben")
    post.deliver(Outcome(events=[Event(Everyone(), CHANNELS), news("a"), news("b")]), ann, listener)
    mine, theirs = heard(ann), heard(ben)
    assert [packet["seq"] for packet in mine] == [packet["seq"] for packet in theirs] == [1, 2, 3]
    assert [packet.get("listener") for packet in mine] == [None, listener, None]
    assert all("listener" not in packet for packet in theirs)


@pytest.mark.parametrize("listener", [None, "l1"])
def test_who_is_not_in_the_audience_is_answered_too(post: Post, listener: str | None) -> None:
    ann, mod = post.person("ann"), post.person("mod")
    post.deliver(Outcome(events=[news("a", Viewers("c-staff"))]), ann, listener)
    assert [packet.get("listener") for packet in heard(ann)] == [listener]
    assert told(mod) == ["nickname_remove"]


def test_the_other_connections_of_the_caller_get_the_event_without_listener(post: Post) -> None:
    ann = post.person("ann")
    other = FakeClient(
        Session(id="s-2", user_id=post.stage.id("ann"), sink=RecordingSink(), address="", gap_aware=False)
    )
    assert other.session is not None
    post.world.fanout.add(other.session)
    post.deliver(Outcome(events=[news("a")]), ann, "l1")
    assert [packet.get("listener") for packet in heard(ann)] == ["l1"]
    assert [packet.get("listener") for packet in heard(other)] == [None]


def test_what_comes_first_comes_before_the_events_and_what_was_gathered_before_that(post: Post) -> None:
    ann = post.person("ann")
    seen: list[str] = []
    one = post.prepare(Outcome(events=[news("a")]), called=False)
    two = post.prepare(Outcome(first=[AuthSuccessEvent()], events=[news("b")], then=lambda: seen.extend(told(ann))))
    post.outgoing.release(one, None)
    post.release(two, ann)
    assert seen == ["nickname_remove"], "`then` sees everything older delivered"
    packets = heard(ann)
    assert [packet["cmd"] for packet in packets] == ["auth_success", "nickname_remove"]
    assert packets[1]["user"] == "b"


def test_after_runs_when_everything_has_left(post: Post) -> None:
    ann = post.person("ann")
    seen: list[str] = []
    post.deliver(Outcome(reply=PongReply(), events=[news("a")], after=lambda: seen.extend(told(ann))), ann)
    assert seen == ["nickname_remove", "pong"]


def test_what_is_committed_leaves_although_its_effect_in_memory_fails(post: Post) -> None:
    ann = post.person("ann")

    def fail() -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        post.deliver(Outcome(events=[news("a")], then=fail))
    post.world.fanout.flush()
    assert told(ann) == ["nickname_remove"]


# --- views


def test_a_view_is_made_for_each_viewer_at_the_moment_it_leaves(post: Post) -> None:
    ann, mod, ben = post.person("ann"), post.person("mod"), post.person("ben")
    prepared = post.prepare(Outcome(events=[Event(Everyone(), CHANNELS)]), called=False)
    post.stage.change_user("ben", roles=("moderator", "user"))
    post.release(prepared)

    def channels(client: FakeClient) -> set[str]:
        (packet,) = heard(client)
        assert (packet["cmd"], packet["seq"]) == ("channels_get", 1)
        return {channel["name"] for channel in packet["val"]}

    assert "staff" not in channels(ann)
    assert "staff" in channels(mod)
    assert "staff" in channels(ben), "rights of now"


def test_users_with_the_same_roles_share_the_frame_of_a_view(post: Post) -> None:
    ann, ben = post.person("ann"), post.person("ben")
    post.deliver(Outcome(events=[Event(Everyone(), CHANNELS)]))
    assert ann.sink.frames[0] is ben.sink.frames[0]


def test_users_with_direct_channels_get_a_frame_of_their_own(post: Post) -> None:
    ann, ben, mod = post.person("ann"), post.person("ben"), post.person("mod")
    post.stage.do("ann", "direct_open", user=post.stage.id("ben"))
    post.deliver(Outcome(events=[Event(Everyone(), CHANNELS)]))
    names = [heard(client)[0]["val"][-1].get("display_name") for client in (ann, ben, mod)]
    assert names == ["ben", "ann", None]


def test_a_view_keeps_its_place_among_the_events(post: Post) -> None:
    ann = post.person("ann")
    post.deliver(Outcome(events=[news("a"), Event(Everyone(), CHANNELS), news("b")]))
    assert [(packet["cmd"], packet["seq"]) for packet in heard(ann)] == [
        ("nickname_remove", 1),
        ("channels_get", 2),
        ("nickname_remove", 3),
    ]


def test_a_view_as_a_reply_is_made_for_the_caller(post: Post) -> None:
    ann = post.person("ann")
    post.deliver(Outcome(reply=CHANNELS, events=[news("a")]), ann, "l1")
    event, reply = heard(ann)
    assert event["cmd"] == "nickname_remove"
    assert (reply["cmd"], reply["listener"], "seq" in reply) == ("channels_get", "l1", False)
    assert "staff" not in {channel["name"] for channel in reply["val"]}


def test_who_was_deleted_meanwhile_gets_no_view(post: Post) -> None:
    ann, ben = post.person("ann"), post.person("ben")
    prepared = post.prepare(Outcome(reply=CHANNELS, events=[Event(Everyone(), CHANNELS)]))
    post.world.users.remove(post.stage.id("ann"))
    post.release(prepared, ann)
    assert told(ann) == []
    assert told(ben) == ["channels_get"]


# --- answers that overtake what the session has yet to be sent


def overtaken(client: FakeClient, how: str) -> None:
    assert client.session is not None
    if how == "gap":
        client.session.gap_from = 0
    else:
        client.session.held = True


@pytest.mark.parametrize("how", ["gap", "replay"])
def test_an_answer_during_a_gap_or_a_replay_has_no_number(post: Post, how: str) -> None:
    ann, ben = post.person("ann"), post.person("ben")
    overtaken(ann, how)
    post.deliver(Outcome(events=[news("a"), news("b")]), ann, "l1")
    assert heard(ann) == [{"cmd": "nickname_remove", "user": "a", "username": "a", "listener": "l1"}]
    assert ann.session is not None
    assert ann.session.told == {1}
    assert [packet["seq"] for packet in heard(ben)] == [1, 2]


@pytest.mark.parametrize("how", ["gap", "replay"])
def test_without_a_listener_the_replay_brings_the_answer(post: Post, how: str) -> None:
    ann = post.person("ann")
    overtaken(ann, how)
    post.deliver(Outcome(events=[news("a")]), ann)
    assert heard(ann) == []
    assert ann.session is not None
    assert ann.session.told == set()


def test_every_packet_can_be_numbered_and_can_carry_a_listener() -> None:
    payload = encode(PongReply())
    numbered = numbered_frame(payload, 12)
    assert json.loads(numbered.payload) == {"cmd": "pong", "val": "pong", "seq": 12}
    assert json.loads(with_listener(numbered.payload, 'a"b\\')) == {
        "cmd": "pong", "val": "pong", "seq": 12, "listener": 'a"b\\',
    }  # fmt: skip
    assert without_number(numbered.payload, 12) == payload
    assert msgspec.json.decode(without_number(numbered.payload, 12), type=PongReply) == PongReply()
