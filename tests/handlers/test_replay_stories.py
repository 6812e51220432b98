"""Replays: whatever happens meanwhile, a client that follows the rules gets every event it may see, once, in order."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from db.journal import Operation
from handlers import replay
from handlers.channels import channels_get as _channels_get  # noqa: F401  (registers the view)
from handlers.outcome import Event, Outcome
from handlers.registry import VIEWS
from handlers.users import CHANNEL_LIST, roles_changed
from outgoing import prepare
from protocol.audience import Audience, Everyone, SessionsOf, Viewers
from protocol.messages import TypingEvent
from tests.handlers.replays import ANN, BEN, CONFIG, LARGE, back, channel_id, login, lost, outline, tell
from tests.support.house import Guest, House, Packet, open_house

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, config=CONFIG) as house:
        yield house


class Reader:
    """Ann's client, as docs/clients.md tells how to write one."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.guest: Guest | None = None
        self.session: str | None = None
        self.position = 0
        self.received: list[tuple[int, Packet]] = []
        """(step at which it was read, packet)"""
        self.recovering = False
        self._seen = 0

    def come(self) -> None:
        self.guest, self._seen = self.house.guest(), 0
        if self.session is None:
            self.guest.together(login())
        else:
            self.recovering = True
            self.guest.together(login(), {"cmd": "resume", "session": self.session, "after": self.position})

    def lose(self) -> None:
        assert self.guest is not None
        self.guest.lose()
        self.guest = None

    def read(self, step: int) -> None:
        if self.guest is None:
            return
        self.guest.read()
        packets, self._seen = self.guest.packets[self._seen :], len(self.guest.packets)
        for packet in packets:
            self._take(step, packet)
        if self.guest.close_code is not None:
            assert self.guest.close_code == 1013, self.guest.close_reason
            self.lose()

    def _take(self, step: int, packet: Packet) -> None:
        match packet["cmd"]:
            case "ready":
                if self.session is None:
                    self.session, self.position = packet["session"], packet["seq"]
            case "resumed":
                assert packet["recovered"], packet
                assert packet["seq"] >= self.position
                self.position, self.recovering = packet["seq"], False
            case "gap":
                assert packet["after"] == self.position, "the gap begins where the events end"
                assert self.guest is not None
                self.recovering = True
                self.guest.send("resume", session=self.session, after=packet["after"])
            case "error" | "auth_error":
                raise AssertionError(packet)
            case _:
                self.received.append((step, packet))
                self.position = max(self.position, packet.get("seq", 0))


class Story:
    """Does what it is told, and knows what Ann must, may and must not have seen in the end."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.reader = Reader(house)
        self.step = 0
        self.may = False
        self.moderator = [False]
        """At each step, whether Ann has the right to see the hidden channel."""
        self.told: dict[int, tuple[str, int]] = {}
        """number -> (audience, step)"""
        self.said = 0
        self.release: threading.Event | None = None
        self.audiences: dict[str, Audience] = {
            "all": Everyone(),
            "general": Viewers(channel_id(house, "general")),
            "staff": Viewers(channel_id(house, "staff")),
            "ann": SessionsOf(ANN),
            "ben": SessionsOf(BEN),
        }

    async def play(self, steps: list[Any]) -> None:
        self.reader.come()
        await self.house.quiet()
        self.reader.read(0)
        for step in steps:
            name, *arguments = step if isinstance(step, tuple) else (step,)
            self.step += 1
            await getattr(self, f"do_{name}")(*arguments)
            self.moderator.append(self.may)
            await self.house.turns(1)
            self.reader.read(self.step)
        self.step += 1
        self.moderator.append(self.may)
        await self.do_release()
        await self.do_drain()
        for _ in range(10):
            if self.reader.guest is None:
                self.reader.come()
            await self.house.quiet()
            self.reader.read(self.step)
            if self.reader.guest is not None and not self.reader.recovering:
                break
        self.check()

    # --- what may happen

    async def do_tell(self, audience: str, size: int = 1) -> None:
        number = len(self.told)
        self.told[number] = (audience, self.step)
        tell(self.house, number, self.audiences[audience], size)

    async def do_moment(self) -> None:
        event = TypingEvent(user="ben", channel="general")
        self.house.server.emit([Event(self.audiences["general"], event)])

    async def do_role(self, moderator: bool) -> None:
        world = self.house.world
        user = world.users.get(ANN)
        assert user is not None
        changed = msgspec.structs.replace(user, roles=("moderator", "user") if moderator else ("user",))
        world.users.put(changed)
        self._store(roles_changed(world, changed))
        self.may = moderator

    async def do_channels(self) -> None:
        channels = self.house.world.channels
        general = channels.by_name("general")
        assert general is not None
        channels.put(msgspec.structs.replace(general, description=f"changed at {self.step}"))
        self._store([Event(Everyone(), CHANNEL_LIST)])

    def _store(self, events: list[Event]) -> None:
        """Changes of documents and what is told of them, in one operation."""

        def settled(operation: Operation) -> None:
            assert operation.error is None
            self.house.server.dispatcher.outgoing.release(operation.result, None)

        outcome = Outcome(events=events)
        self.house.world.journal.submit(
            lambda tx: prepare(outcome, tx, called=False, listener=None),
            self.house.world.documents.take_changes(),
            settled,
        )

    async def do_say(self) -> None:
        if self.reader.guest is not None:
            self.said += 1
            self.reader.guest.send("message_new", channel="general", content=f"m{self.said}", listener=f"l{self.said}")

    async def do_lose(self) -> None:
        if self.reader.guest is not None:
            self.reader.lose()

    async def do_come(self) -> None:
        if self.reader.guest is None:
            self.reader.come()

    async def do_stall(self) -> None:
        if self.reader.guest is not None:
            self.reader.guest.transport.full = True

    async def do_drain(self) -> None:
        if self.reader.guest is not None:
            self.reader.guest.transport.drain()

    async def do_hold(self) -> None:
        if self.release is None:
            release, began = threading.Event(), threading.Event()

            def stand(tx: object) -> None:
                began.set()
                assert release.wait(30)

            self.house.world.journal.submit(stand, (), lambda operation: None)
            assert began.wait(30)
            self.release = release

    async def do_release(self) -> None:
        if self.release is not None:
            self.release.set()
            self.release = None

    async def do_quiet(self) -> None:
        await self.do_release()
        await self.house.quiet()

    async def do_turns(self) -> None:
        await self.house.turns()

    # --- what must be true in the end

    def check(self) -> None:
        received = self.reader.received
        seqs = [packet["seq"] for _, packet in received if "seq" in packet]
        assert seqs == sorted(set(seqs)), "in order, and nothing twice"
        got = {int(p["user"][1:]): step for step, p in received if p["cmd"] == "nickname_remove"}
        for number, (audience, step) in self.told.items():
            if audience in ("all", "general", "ann"):
                assert number in got, f"event {number} for {audience} was lost"
            elif audience == "ben":
                assert number not in got, "she must not see this"
            elif number in got:
                assert any(self.moderator[step - 1 : got[number] + 1]), "she never had the right meanwhile"
            else:
                assert not all(self.moderator[step - 1 :]), f"event {number} for {audience} was lost"
        lists = [packet for _, packet in received if packet["cmd"] == "channels_get"]
        if lists:
            user = self.house.world.users.get(ANN)
            assert user is not None
            now = msgspec.to_builtins(VIEWS["channels_get"](self.house.world, user))
            assert outline(lists[-1]) == outline(now), "the last list is the one of now"
        mine = [packet for _, packet in received if packet["cmd"] == "message_new"]
        assert all("seq" in packet or "listener" in packet for packet in mine)


STEPS = st.one_of(
    st.tuples(
        st.just("tell"),
        st.sampled_from(["all", "general", "staff", "staff", "ann", "ben"]),
        st.sampled_from([1, 1, LARGE]),
    ),
    st.tuples(st.just("role"), st.booleans()),
    st.sampled_from(
        ["channels", "say", "lose", "come", "stall", "drain", "hold", "release", "quiet", "turns", "moment"]
    ),
)


@given(st.lists(STEPS, max_size=40), st.integers(1, 5))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(["lose", *[("tell", "all", 1)] * 9, "channels", ("tell", "all", 1), "come", "turns", "channels"], 2)
@example(["stall", *[("tell", "all", LARGE)] * 5, "say", ("tell", "all", 1), "drain"], 2)
@example([("tell", "all", 1), "lose", ("role", True), "quiet", "come", "quiet", "lose"], 2)
@example(["say", "hold", "lose", "come", "say", ("tell", "all", 1), "lose", "come", "release"], 1)
async def test_resume_gives_every_event_once_and_in_order(steps: list[Any], page_events: int) -> None:
    with tempfile.TemporaryDirectory() as folder, patch.object(replay, "PAGE_EVENTS", page_events):
        async with open_house(Path(folder), config=CONFIG) as house:
            await Story(house).play(steps)


async def test_resume_sends_the_channel_list_again_when_it_changed_between_two_pages(house: House) -> None:
    before = await lost(house)
    story = Story(house)
    await story.do_channels()
    for number in range(5):
        tell(house, number)
    await house.quiet()
    with patch.object(replay, "PAGE_EVENTS", 3), house.held():
        ann = await back(house, before)
        story.step = 77
        await story.do_channels()
    await house.quiet()
    lists = [packet for packet in ann.packets if packet["cmd"] == "channels_get"]
    assert [list_["val"][0]["description"] for list_ in lists][-1] == "changed at 77"


async def test_resume_sends_a_channel_list_that_changed_often_once(house: House) -> None:
    before = await lost(house)
    story = Story(house)
    for _ in range(5):
        await story.do_channels()
    await house.quiet()
    ann = await back(house, before)
    await house.quiet()
    assert ann.names().count("channels_get") == 1
