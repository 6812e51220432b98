"""The stream of a session of the HTTP chat API: a cursor into the log, with rights of the moment."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.gateways import ChatApi
from config.limits import Sessions as SessionLimits
from db.memberships import Membership
from db.sessions import StoredSession
from fanout import Session
from gate import Peer
from gateways.chat_api import polls as polls_module
from gateways.chat_api.items import Translator
from gateways.chat_api.polls import Poll, Polls
from gateways.chat_api.problems import Problem
from gateways.chat_api.sessions import GATEWAY, QUIET_S, ApiSession, Sessions
from gateways.chat_api.stream import Stream
from gateways.chat_api.tail import KEEP_EVENTS
from handlers.login import token_hash
from tests.support.house import Guest, House, open_house

pytestmark = pytest.mark.anyio
PEER = Peer("203.0.113.9", "203.0.113.9", "tests")


class Api:
    """The part of the gateway that follows the log, in a house."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.world = house.world
        self.sessions = Sessions(house.server, Session)
        self.polls = Polls(house.server, self.sessions, Translator(house.world))
        house.world.journal.on_logged = self.polls.logged

    async def enter(self, name: str, *channels: str) -> ApiSession:
        """A session of this user, which begins now, and has joined these channels."""
        token, seq = f"token of {name}", self.world.fanout.position
        stored = StoredSession(
            id=f"api {name}", token_hash=token_hash(token), user_id=self.house.user_id(name), created_at=0.0,
            last_seen=0.0, disconnected_at=self.house.clock.now, position=seq, gateway=GATEWAY,
        )  # fmt: skip
        self.world.journal.submit(lambda tx: tx.sessions.add(stored), (), lambda operation: None)
        for channel in channels:
            self.join(name, channel)
        return await self.sessions.authenticate(f"Bearer {token}", PEER)

    def join(self, name: str, channel: str) -> None:
        found = self.world.channels.by_name(channel)
        assert found is not None
        self.world.memberships.put(Membership(found.id, self.house.user_id(name), self.house.clock.now))

    def ask(self, owner: ApiSession, after: str | None = None, timeout_s: float = 30, limit: int = 100) -> Asked:
        return Asked(self, owner, after, timeout_s, limit)


class Asked:
    """A poll and what it was answered."""

    def __init__(self, api: Api, owner: ApiSession, after: str | None, timeout_s: float, limit: int) -> None:
        self.answers: list[bytes | Problem] = []
        self.poll: Poll = api.polls.begin(owner, after, timeout_s, limit, self.answers.append)

    @property
    def waits(self) -> bool:
        return not self.answers

    @property
    def items(self) -> list[dict[str, Any]]:
        (answer,) = self.answers
        assert isinstance(answer, bytes), answer
        items: list[dict[str, Any]] = json.loads(answer)
        return items

    @property
    def bodies(self) -> list[str]:
        return [item["body"] for item in self.items if item["type"] == "message"]

    @property
    def problem(self) -> Problem:
        (answer,) = self.answers
        assert isinstance(answer, Problem)
        return answer


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


@pytest.fixture
async def api(house: House) -> Api:
    return Api(house)


async def say(ann: Guest, text: str, channel: str = "general") -> str:
    """The id of the message."""
    packets = await ann.ask("message_new", channel=channel, content=text)
    (id,) = [packet["message"]["id"] for packet in packets if packet["cmd"] == "message_new"]
    return str(id)


async def test_a_poll_waits_for_the_next_message(house: House, api: Api) -> None:
    ann = await house.enter("ann")
    ben = await api.enter("ben", "general")
    asked = api.ask(ben)
    assert asked.waits
    id = await say(ann, "hello")
    (item,) = asked.items
    assert (item["id"], item["from"], item["to"], item["body"]) == (id, "ann", "#general", "hello")
    assert api.polls.count == 0


async def test_after_is_exclusive_and_each_item_comes_once(house: House, api: Api) -> None:
    ann = await house.enter("ann")
    ben = await api.enter("ben", "general")
    ids = [await say(ann, f"message {number}") for number in range(5)]
    first = api.ask(ben)
    await house.quiet()
    assert [item["id"] for item in first.items] == ids
    middle = api.ask(ben, after=ids[2])
    await house.quiet()
    assert [item["id"] for item in middle.items] == ids[3:]
    last = api.ask(ben, after=ids[4])
    await house.quiet()
    assert last.waits


async def test_pages_of_the_wanted_length_lead_through_all(house: House, api: Api) -> None:
    ann = await house.enter("ann")
    ben = await api.enter("ben", "general")
    ids = [await say(ann, f"message {number}") for number in range(7)]
    got: list[str] = []
    after = None
    while len(got) < len(ids):
        asked = api.ask(ben, after=after, limit=3, timeout_s=0)
        await house.quiet()
        assert 0 < len(asked.items) <= 3
        got += [item["id"] for item in asked.items]
        after = got[-1]
    assert got == ids


async def test_several_clients_of_one_session_each_see_all(house: House, api: Api) -> None:
    ann = await house.enter("ann")
    ben = await api.enter("ben", "general")
    one, two = api.ask(ben), api.ask(ben)
    await say(ann, "for both")
    assert one.bodies == two.bodies == ["for both"]


async def test_what_happens_between_two_polls_is_not_missed(house: House, api: Api) -> None:
    ann = await house.enter("ann")
    ben = await api.enter("ben", "general")
    first = api.ask(ben)
    id = await say(ann, "one")
    assert first.bodies == ["one"]
    await say(ann, "two")
    await say(ann, "three")
    second = api.ask(ben, after=id)
    assert second.bodies == ["two", "three"], "from the tail, without asking the database"


async def test_with_nothing_new_the_answer_is_empty_after_the_timeout(house: House, api: Api) -> None:
    ben = await api.enter("ben", "general")
    asked = api.ask(ben, timeout_s=0)
    await house.quiet()
    assert asked.items == []
    waiting = api.ask(ben, timeout_s=30)
    assert waiting.waits
    assert waiting.poll.timer is not None
    api.polls._expire(waiting.poll)
    assert waiting.items == []
    assert api.polls.count == 0


async def test_channels_that_were_not_joined_are_not_told(house: House, api: Api) -> None:
    ann = await house.enter("ann")
    ben = await api.enter("ben")
    asked = api.ask(ben)
    await say(ann, "not for ben yet")
    assert asked.waits
    api.join("ben", "general")
    house.clock.now += 1
    await say(ann, "now for ben")
    assert asked.bodies == ["now for ben"]


async def test_a_right_that_is_lost_ends_the_stream_of_the_channel(house: House, api: Api) -> None:
    host, ann = await house.enter("host"), await house.enter("ann")
    ben = await api.enter("ben", "general")
    id = await say(ann, "seen")
    await host.ask("channel_update", current_name="general", updates={"permissions": {"view": ["moderator"]}})
    await host.ask("message_new", channel="general", content="not for ben")
    asked = api.ask(ben, after=id, timeout_s=0)
    await house.quiet()
    assert asked.bodies == []


async def test_a_ban_answers_the_polls_that_wait(house: House, api: Api) -> None:
    host = await house.enter("host")
    ben = await api.enter("ben", "general")
    asked = api.ask(ben)
    await host.ask("user_ban", user="USR:local_ben")
    assert asked.problem.status == 401
    assert api.polls.count == 0
    with pytest.raises(Problem) as refused:
        await api.sessions.authenticate("Bearer token of ben", PEER)
    assert refused.value.status in (401, 403)


async def test_a_position_that_never_was_is_told_so(house: House, api: Api) -> None:
    ben = await api.enter("ben", "general")
    for unknown in ("00000000-0000-8000-8000-0000ffffffff", "01890a5d-ac96-774b-bcce-b302099a8057"):
        asked = api.ask(ben, after=unknown)
        await house.quiet()
        assert (asked.problem.status, asked.problem.code) == (410, "unknown_position")


async def test_a_position_that_was_pruned_is_told_so(house: House, api: Api) -> None:
    ann = await house.enter("ann")
    ben = await api.enter("ben", "general")
    ids = [await say(ann, f"message {number}") for number in range(3)]
    house.world.journal.submit(lambda tx: tx.log.prune(tx.now + 1), (), lambda operation: None)
    await house.quiet()
    api.polls.tail.forget(house.world.fanout.position)
    asked = api.ask(ben, after=ids[0])
    await house.quiet()
    assert asked.problem.code == "unknown_position"


async def test_a_position_too_far_back_is_told_so(house: House, api: Api) -> None:
    ann = await house.enter("ann")
    ben = await api.enter("ben", "general")
    ids = [await say(ann, f"message {number}") for number in range(4)]
    live = house.world.live
    live.current = msgspec.structs.replace(live.current, sessions=SessionLimits(replay_events=2))
    api.polls.tail.forget(house.world.fanout.position)
    asked, near = api.ask(ben, after=ids[0]), api.ask(ben, after=ids[1])
    await house.quiet()
    assert (asked.problem.status, asked.problem.code) == (410, "unknown_position")
    assert near.bodies == ["message 2", "message 3"]


async def test_allowed_origins_count_at_once_for_polls(house: House, api: Api) -> None:
    stream = Stream(house.server, api.sessions, api.polls, lambda scope: PEER)
    empty, origin = b"[]", "https://chat.example"
    assert b"access-control-allow-origin: *\r\n" in stream.response(empty, origin, keep_alive=True)
    live = house.world.live
    live.current = msgspec.structs.replace(live.current, chat_api=ChatApi(allowed_origins=("https://other.example",)))
    assert b"access-control-allow-origin" not in stream.response(empty, origin, keep_alive=True)


async def test_the_log_is_read_where_the_tail_does_not_reach(
    house: House, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polls_module, "PAGE_EVENTS", 2)
    ann = await house.enter("ann")
    ben = await api.enter("ben", "general")
    hidden = [await say(ann, f"before {number}") for number in range(3)]
    await ann.ask("message_new", channel="ideas", content="refused, as it is a forum")
    seen = await say(ann, "the last one")
    api.polls.tail.forget(house.world.fanout.position)
    asked = api.ask(ben, after=hidden[-1])
    await house.quiet()
    assert [item["id"] for item in asked.items] == [seen]
    waiting = api.ask(ben, after=seen)
    await house.quiet()
    assert waiting.waits
    await say(ann, "live again")
    assert waiting.bodies == ["live again"]


async def test_nothing_is_kept_while_nobody_follows(house: House, api: Api) -> None:
    ann = await house.enter("ann")
    await say(ann, "unheard")
    assert len(api.polls.tail._entries) == 0
    assert api.polls.tail.position == house.world.fanout.position


async def test_a_quiet_session_leaves_and_comes_back_where_it_was(house: House, api: Api) -> None:
    ann = await house.enter("ann")
    ben = await api.enter("ben", "general")
    id = await say(ann, "one")
    ben.used_at -= QUIET_S + 1
    api.sessions.sweep()
    await house.quiet()
    assert not house.world.fanout.is_online(house.user_id("ben"))
    await say(ann, "two")
    again = await api.sessions.authenticate("Bearer token of ben", PEER)
    assert again is not ben
    asked = api.ask(again, after=id)
    await house.quiet()
    assert asked.bodies == ["two"]
    from_the_start = api.ask(again)
    await house.quiet()
    assert from_the_start.bodies == ["one", "two"]


async def test_a_waiting_poll_keeps_its_session_here(house: House, api: Api) -> None:
    ben = await api.enter("ben", "general")
    asked = api.ask(ben)
    ben.used_at -= QUIET_S + 1
    api.sessions.sweep()
    assert house.world.fanout.is_online(house.user_id("ben"))
    api.polls.abandon(asked.poll)
    assert (api.polls.count, ben.polls) == (0, 0)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer wrong"])
async def test_without_a_known_token_nobody_is_let_in(house: House, api: Api, header: str | None) -> None:
    with pytest.raises(Problem) as refused:
        await api.sessions.authenticate(header, PEER)
    assert (refused.value.status, refused.value.headers["WWW-Authenticate"]) == (401, 'Bearer realm="chat"')


async def test_the_token_of_another_way_in_opens_nothing(house: House, api: Api) -> None:
    ann = await house.enter("ann")
    with pytest.raises(Problem):
        await api.sessions.authenticate(f"Bearer {ann.ready['session']}", PEER)


async def test_too_many_polls_are_refused(house: House, api: Api) -> None:
    ben = await api.enter("ben", "general")
    api.polls.count = house.world.config.chat_api.max_polls
    assert api.ask(ben).problem.status == 503


async def test_polls_count_as_connections(house: House, api: Api) -> None:
    ben = await api.enter("ben", "general")
    most = house.world.config.limits.max_connections
    for _ in range(most - 1):
        house.server.gate.poll_began(Peer("127.0.0.1", "127.0.0.1", ""))
    waiting = api.ask(ben)
    assert waiting.waits
    assert (api.ask(ben).problem.status, api.ask(ben).problem.code) == (503, "too_many_connections")
    api.polls.abandon(waiting.poll)
    assert house.server.gate.polls == most - 1


async def test_nobody_takes_the_places_of_all_others(house: House, api: Api) -> None:
    """One account could hold every poll that the server has, and with them every connection."""
    ann, ben = await api.enter("ann", "general"), await api.enter("ben", "general")
    most = house.world.config.limits.connections_per_address
    waiting = [api.ask(ann) for _ in range(most - 1)]
    assert api.ask(ben).waits
    refused = api.ask(ann).problem
    assert (refused.status, refused.code) == (429, "too_many_connections")
    api.polls.abandon(waiting[0].poll)
    assert api.ask(ann).waits


async def test_at_the_end_everybody_is_answered(house: House, api: Api) -> None:
    ben = await api.enter("ben", "general")
    asked = api.ask(ben)
    api.polls.close()
    assert asked.items == []
    assert api.ask(ben).problem.status == 503


def test_the_tail_is_bounded() -> None:
    assert KEEP_EVENTS <= 10_000
