"""Who may have whose data, what is in the archive, and what is erased: in the whole server without sockets."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from db import erasure, personal
from db.schema import metadata
from handlers.export_links import LIFETIME_S, MAX_LINKS, ExportLinks
from protocol.errors import Code
from routes.app import build
from routes.exports import MAX_RUNNING, Exports
from tests.handlers.community import empower
from tests.handlers.conftest import Clock, Stage
from tests.permissions.town import PUSH_KEYS
from tests.support.community import user_id
from tests.support.house import Guest, House, open_house
from upkeep import Upkeep

anyio = pytest.mark.anyio
EVERYBODY = {"view": ["user"], "send": ["user"], "react": ["user"], "delete_own": ["user"]}
CHANNELS = [
    {"id": "c-general", "name": "general", "type": "text", "permissions": EVERYBODY},
    {"id": "c-hideout", "name": "hideout", "type": "text", "permissions": EVERYBODY | {"view": ["owner"]}},
]
USERS = {"host": ("owner", "user"), "boss": ("boss", "user"), "ann": ("user",), "ben": ("user",)}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, users=USERS, channels=CHANNELS) as house:
        yield house


# --- links


def test_a_link_is_valid_once_and_for_ten_minutes_and_there_are_few(clock: Clock) -> None:
    links = ExportLinks(clock)
    for token in ("a", "b", "c", "d"):
        assert links.add(token, "ann", "ann").expires_at == clock.now + LIFETIME_S
    assert links.get("a") is None, f"{MAX_LINKS} at most"
    links.add("e", "ben", "ann")
    assert links.get("b") is not None
    links.use("b")
    assert links.get("b") is None
    clock.now += LIFETIME_S
    assert links.get("c") is None
    links.sweep()
    assert not links._links
    assert "ben" not in str(links._links.keys())


def test_user_export_gives_a_link_and_is_for_oneself(stage: Stage) -> None:
    reply = stage.answer("ann", "user_export")
    assert reply == {
        "cmd": "user_export",
        "user": stage.id("ann"),
        "url": reply["url"],
        "expires_at": stage.world.clock() + LIFETIME_S,
    }
    link = stage.world.exports.get(reply["url"].removeprefix("/exports/"))
    assert link is not None
    assert (link.by, link.of) == (stage.id("ann"), stage.id("ann"))
    for target in (stage.id("ben"), "nobody"):
        assert stage.refused("ann", "user_export", user=target).code is Code.PERMISSION_REQUIRED


def test_user_export_of_others_is_for_those_above_them(stage: Stage) -> None:
    empower(stage, "manage_users")
    assert stage.answer("mod", "user_export", user=stage.id("ann"))["user"] == stage.id("ann")
    assert stage.refused("mod", "user_export", user=stage.id("host")).code is Code.MEMBER_ABOVE
    assert stage.refused("mod", "user_export", user="nobody").code is Code.USER_NOT_FOUND


# --- the archive


async def fetch(house: House, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": [], "query_string": b"", "root_path": ""}
    await build(house.community)({**scope, "client": ("203.0.113.9", 1)}, receive, send)
    head = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], head, b"".join(message.get("body", b"") for message in sent[1:])


async def archive(house: House, guest: Guest, **fields: Any) -> dict[str, Any]:
    """The files of an archive: lines of JSON decoded."""
    url = (await guest.one("user_export", **fields))["url"]
    status, _, body = await fetch(house, url)
    assert status == 200
    with zipfile.ZipFile(io.BytesIO(body)) as zipped:
        assert zipped.testzip() is None
        texts = {name: zipped.read(name).decode() for name in zipped.namelist()}
    return {
        name: [json.loads(line) for line in text.splitlines()]
        if name.endswith(".jsonl")
        else json.loads(text)
        if name.endswith(".json")
        else text
        for name, text in texts.items()
    }


async def live_a_little(house: House) -> tuple[Guest, Guest]:
    """Ann writes where all hear, to Ben alone, and in the hideout, as long as she may."""
    ann, ben = await house.enter("ann"), await house.enter("ben")
    first = (await ann.ask("message_new", channel="general", content="public words"))[0]["message"]["id"]
    await ben.ask("message_new", channel="general", content="words of ben", reply_to=first)
    await ben.ask("message_react_add", channel="general", id=first, emoji="x")
    await ann.ask("message_react_add", channel="general", id=first, emoji="y")
    direct = next(
        p for p in await ann.ask("direct_message", user=user_id("ben"), content="private words") if "channel" in p
    )
    await ben.ask("message_new", channel=direct["channel"], content="private words of ben")
    old = house.world.users.get(user_id("ann"))
    assert old is not None
    house.world.users.put(msgspec.structs.replace(old, roles=("owner", "user")))
    await ann.ask("message_new", channel="hideout", content="hidden words")
    house.world.users.put(old)
    return ann, ben


@anyio
async def test_ones_own_archive_has_everything_but_secrets_and_hidden_names(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(personal, "PAGE", 2)
    monkeypatch.setattr(personal, "SCANNED", 2)
    ann, _ = await live_a_little(house)
    found = await archive(house, ann)
    assert list(found) == [
        "README.txt", "account.json", "messages.jsonl", "reactions.jsonl", "calls.jsonl", "read_markers.jsonl",
        "votes.jsonl", "uploads.jsonl", "sessions.jsonl", "push_subscriptions.jsonl", "moderation.jsonl",
    ]  # fmt: skip
    for name in found:
        assert name == "README.txt" or name in found["README.txt"]
    assert found["account.json"]["username"] == user_id("ann")
    assert "password_hash" not in found["account.json"]
    where = {each["content"]: each["channel"] for each in found["messages.jsonl"]}
    assert list(where) == ["public words", "private words", "hidden words"]
    assert where["public words"] == "general"
    assert where["hidden words"] is None
    (private,) = [each for each in found["messages.jsonl"] if each["content"] == "private words"]
    assert private["with"] == user_id("ben")
    assert [(each["channel"], each["emoji"]) for each in found["reactions.jsonl"]] == [("general", "y")]
    assert [each["channel"] for each in found["calls.jsonl"]] == ["general"]
    assert found["sessions.jsonl"][0]["address"]
    assert "token_hash" not in found["sessions.jsonl"][0]
    assert "hideout" not in str(found)
    assert "words of ben" not in str(found)
    assert "argon2" not in str(found)


@anyio
async def test_a_manager_gets_only_what_it_may_view_and_an_owner_all(house: House) -> None:
    ann, _ = await live_a_little(house)
    subscription = {"endpoint": "https://push.example.org/send/abc", "keys": PUSH_KEYS}
    assert (await ann.one("push_subscribe", subscription=subscription))["cmd"] == "push_subscribed"
    boss, host = await house.enter("boss"), await house.enter("host")
    await host.ask("role_create", name="boss", permissions=["manage_users"])
    await host.ask("role_reorder", roles=["boss", "user"])
    found = await archive(house, boss, user=user_id("ann"))
    assert [each["content"] for each in found["messages.jsonl"]] == ["public words"]
    assert "sessions.jsonl" not in found
    assert "push.example.org" not in str(found)
    assert not found["account.json"]["direct_channels"]
    assert "hideout" not in str(found)
    everything = await archive(house, host, user=user_id("ann"))
    where = {each["content"]: each["channel"] for each in everything["messages.jsonl"]}
    assert where["hidden words"] == "hideout"
    assert where["private words"].startswith("dm-")
    assert everything["push_subscriptions.jsonl"][0]["endpoint"] == subscription["endpoint"]


@anyio
async def test_the_link_works_once_and_as_long_as_the_right_lasts(house: House) -> None:
    ann, host = await house.enter("ann"), await house.enter("host")
    url = (await ann.one("user_export"))["url"]
    status, head, body = await fetch(house, url, "HEAD")
    assert (status, body, head["content-type"]) == (200, b"", "application/zip")
    assert head["content-disposition"] == 'attachment; filename="USR-local-ann.zip"'
    assert head["cache-control"] == "no-store"
    assert (await fetch(house, url))[0] == 200
    assert (await fetch(house, url))[0] == 404
    assert (await fetch(house, "/exports/guess"))[0] == 404
    late = (await ann.one("user_export"))["url"]
    house.clock.now += LIFETIME_S
    assert (await fetch(house, late))[0] == 404
    lost = (await ann.one("user_export"))["url"]
    await host.ask("user_ban", user=user_id("ann"))
    assert (await fetch(house, lost))[0] == 404
    gone = (await host.one("user_export", user=user_id("ben")))["url"]
    await host.ask("user_delete", user=user_id("ben"))
    assert (await fetch(house, gone))[0] == 404


@anyio
async def test_a_right_lost_in_the_middle_ends_the_archive(house: House) -> None:
    ann, _ = await live_a_little(house)
    token = (await ann.one("user_export"))["url"].removeprefix("/exports/")
    download = house.community.export(token, use=True)
    assert download is not None
    await anext(download.chunks)
    house.world.users.remove(user_id("ann"))
    with pytest.raises(Exception, match="Authentication required"):
        async for _ in download.chunks:
            pass


@anyio
async def test_only_so_many_archives_are_made_at_once_and_the_link_stays_valid(tmp_path: Path) -> None:
    names = [f"user{number}" for number in range(MAX_RUNNING + 1)]
    async with open_house(tmp_path, users=USERS | dict.fromkeys(names, ("user",)), channels=CHANNELS) as house:
        route, running = Exports(house.community), []
        for name in names[:-1]:
            running.append(await route(asked(await link_of(await house.enter(name)))))
        token = await link_of(await house.enter(names[-1]))
        with pytest.raises(HTTPException, match="503"):
            await route(asked(token))
        assert house.community.export(token, use=False) is not None


@anyio
async def test_one_member_fetches_one_archive_at_a_time(house: House) -> None:
    ann, ben, route = await house.enter("ann"), await house.enter("ben"), Exports(house.community)
    first = await route(asked(await link_of(ann)))
    second = await link_of(ann)
    with pytest.raises(HTTPException) as caught:
        await route(asked(second))
    assert (caught.value.status_code, caught.value.headers) == (429, {"Retry-After": "60"})
    others = await route(asked(await link_of(ben)))
    for answer in (first, others):
        await answer(asked("").scope, hang_up, hang_up)
    assert (await route(asked(second))).status_code == 200


async def link_of(guest: Guest) -> str:
    url: str = (await guest.one("user_export"))["url"]
    return url.removeprefix("/exports/")


def asked(token: str) -> Request:
    return Request({"type": "http", "method": "GET", "path_params": {"token": token}, "headers": []})


async def hang_up(*args: Any) -> Any:
    """Both ends of a connection that the client has closed."""
    return {"type": "http.disconnect"}


# --- erasing


async def erased(house: House, guest: Guest, *, ticks: int = 60) -> list[dict[str, Any]]:
    """Let the clock run until everybody is erased; what the guest is told meanwhile."""
    upkeep = Upkeep(house.server, house.community.looked)
    guest.packets.clear()
    for _ in range(ticks):
        upkeep.tick()
        await house.quiet()
        if not house.world.erasing:
            return guest.packets
    raise AssertionError("it never ends")


def tables(house: House) -> dict[str, str]:
    tx = house.world.store.begin()
    found = {
        table.name: "\n".join(str(tuple(row)) for row in tx.connection.execute(select(table)))
        for table in metadata.sorted_tables
    }
    tx.rollback()
    return found


def check_nothing_left(house: House) -> None:
    for table, rows in tables(house).items():
        for words in ("public words'", "private words'", "hidden words'"):
            assert words not in rows, table
        if table != "events":  # farewells, until the log forgets them
            assert user_id("ann") not in rows, table
    documents = list(house.folder.glob("*.json"))
    assert documents
    for document in documents:
        assert user_id("ann") not in document.read_text(), document
    assert "words of ben" in tables(house)["messages"]


@anyio
@pytest.mark.parametrize("by_oneself", [True, False])
async def test_erasing_takes_everything_and_others_see_it_vanish(
    house: House, monkeypatch: pytest.MonkeyPatch, by_oneself: bool
) -> None:
    monkeypatch.setattr(erasure, "SCANNED_MESSAGES", 3)
    monkeypatch.setattr(erasure, "BATCH", 1)
    ann, ben = await live_a_little(house)
    host = await house.enter("host")
    await ben.ask("user_block", user=user_id("ann"))
    ben_message = (await ben.ask("message_new", channel="general", content="words of ben, too"))[0]["message"]["id"]
    await ann.ask("message_react_add", channel="general", id=ben_message, emoji="z")
    position = house.world.fanout.position
    if by_oneself:
        packets = await ann.ask("user_leave", erase=True)
        assert {"cmd": "user_leave", "user": user_id("ann"), "val": "User left server", "erasing": True} in packets
    else:
        reply = (await host.ask("user_delete", user=user_id("ann"), erase=True))[-1]
        assert reply["erasing"] is True
    ben.read()
    assert "user_unblock" in ben.names()
    told = await erased(house, ben)
    vanished = [packet for packet in told if packet["cmd"] == "message_delete"]
    assert [packet["channel"][:3] for packet in vanished] == ["gen", "dm-"], "nothing of the hideout"
    (reaction,) = [packet for packet in told if packet["cmd"] == "message_react_remove" and packet["emoji"] == "z"]
    assert (reaction["id"], reaction["from"]) == (ben_message, user_id("ann"))
    check_nothing_left(house)
    assert house.world.fanout.position > position
    again = await house.enter("ben")
    shown = (await again.ask("messages_get", channel="general"))[-1]["messages"]
    assert [message["content"] for message in shown] == ["words of ben", "words of ben, too"]


@anyio
@pytest.mark.parametrize("by_oneself", [True, False])
async def test_erasing_tells_what_became_of_threads_and_votes(tmp_path: Path, by_oneself: bool) -> None:
    """Only those who may see them; and what is told is what is fetched afterwards."""
    open_forum = {**EVERYBODY, "create_thread": ["user"]}
    forum = {"id": "c-ideas", "name": "ideas", "type": "forum", "permissions": open_forum}
    async with open_house(tmp_path, users={**USERS, "eve": ("boss",)}, channels=[*CHANNELS, forum]) as house:
        host, ann, ben, eve = [await house.enter(name) for name in ("host", "ann", "ben", "eve")]
        made = (await ann.ask("thread_create", channel="ideas", name="Mine"))[0]["thread"]["id"]
        joined = (await ben.ask("thread_create", channel="ideas", name="His"))[0]["thread"]["id"]
        await ann.ask("thread_join", thread_id=joined)
        poll = (await ben.ask("poll_create", channel="general", question="Tea?", options=["yes", "no"]))[-1]
        await ann.ask("poll_vote", message_id=poll["message_id"], option_ids=["0"])
        for guest in (host, ann, ben, eve):
            guest.read()
            guest.packets.clear()
        if by_oneself:
            await ann.ask("user_leave", erase=True)
        else:
            await host.ask("user_delete", user=user_id("ann"), erase=True)
        ben.read()
        eve.read()
        told = {each["thread"]["id"]: each["thread"] for each in ben.packets if each["cmd"] == "thread_update"}
        assert (told[made]["created_by"], told[made]["participants"]) == ("deleted user", [])
        assert told[joined]["participants"] == [user_id("ben")]
        (votes,) = [each["results"] for each in ben.packets if each["cmd"] == "poll_vote_update"]
        assert votes["total_votes"] == 0
        for id_, thread in told.items():
            assert (await ben.ask("thread_get", thread_id=id_))[0]["thread"] == thread
        assert (await ben.ask("poll_results", poll_id=poll["poll_id"]))[0]["results"]["total_votes"] == 0
        assert not {"thread_update", "poll_vote_update"} & {*eve.names()}


@anyio
async def test_a_restart_in_the_middle_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure, "SCANNED_MESSAGES", 2)
    monkeypatch.setattr(erasure, "BATCH", 1)
    async with open_house(tmp_path, users=USERS, channels=CHANNELS) as house:
        await live_a_little(house)
        host = await house.enter("host")
        await host.ask("user_delete", user=user_id("ann"), erase=True)
        Upkeep(house.server, house.community.looked).tick()
        await house.quiet()
        assert house.world.erasing
        assert "private words'" in tables(house)["messages"]
    restarted: Callable[..., Any] = open_house
    monkeypatch.setattr("tests.support.house.write_community", lambda folder, **rest: folder)
    async with restarted(tmp_path) as house:
        ben = await house.enter("ben")
        await erased(house, ben)
        check_nothing_left(house)


@anyio
async def test_who_resumes_sees_nothing_of_what_was_erased(house: House) -> None:
    _, ben = await live_a_little(house)
    host = await house.enter("host")
    session, seq = ben.ready["session"], ben.ready["seq"]
    ben.lose()
    await host.ask("user_delete", user=user_id("ann"), erase=True)
    await erased(house, host)
    back = await house.enter("ben")
    back.packets.clear()
    packets = await back.ask("resume", session=session, after=seq)
    assert packets[-1]["cmd"] == "resumed"
    assert packets[-1]["recovered"] is True
    assert "public words" not in str(packets)
    assert "private words'" not in str(packets)
