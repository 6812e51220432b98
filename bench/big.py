"""Large communities: 10 000 users in users.json, 1 000 000 messages in one channel. Times as a client sees them."""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bench.hosts import CONFIG
from bench.scenarios import Numbers, Options
from tests.support.client import ChatClient
from tests.support.community import CHANNELS, load, save, user_id, write_community
from tests.support.server import ServerProcess

USERS = 10_000
MESSAGES = 1_000_000
CHANNEL_ID = "0190a5c0-0000-7000-8000-0000000000aa"
BATCH = 20_000
TRIES = 15
WORDS = [
    "".join(random.Random(number).choices("abcdefghijklmnopqrstuvwxyz", k=3 + number % 7)) for number in range(4000)
]


async def timed_start(server: ServerProcess) -> float:
    start = time.monotonic()
    await server.start()
    return round(time.monotonic() - start, 3)


async def median_ms(action: Callable[[], Awaitable[Any]], tries: int = TRIES) -> float:
    times = []
    for _ in range(tries):
        start = time.monotonic()
        await action()
        times.append((time.monotonic() - start) * 1000)
    return round(statistics.median(times), 2)


async def many_users(target: str, options: Options) -> Numbers:
    """10 000 accounts: start, a hand edit, a registration."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = write_community(Path(name), users={f"u{number}": ("user",) for number in range(USERS)}, config=CONFIG)
        server = ServerProcess(folder)
        first_start_s = await timed_start(server)
        await server.stop()
        start_s = await timed_start(server)
        async with server, ChatClient(server.url) as watcher:
            await watcher.connect()
            await watcher.login("u1")
            edits = []
            for number in range(5):
                users = load(server.data_dir / "users.json")
                users[user_id("u7")]["nickname"] = f"n{number}"
                save(server.data_dir / "users.json", users)
                saved = time.monotonic()
                await watcher.expect("nickname_update", nickname=f"n{number}")
                edits.append((time.monotonic() - saved) * 1000)

            numbers = iter(range(TRIES))

            async def register() -> None:
                # the connection is not part of what is measured, but costs little
                async with ChatClient(server.url) as newcomer:
                    await newcomer.connect()
                    await newcomer.register(f"new{next(numbers)}", password="secret words")

            register_ms = await median_ms(register)
    return {
        "start_s": start_s,
        "first_start_s": first_start_s,
        "hand_edit_ms": round(max(edits), 1),
        "registration_ms": register_ms,
    }


def insert_messages(data_dir: Path, count: int) -> list[str]:
    """Write messages through the database layer. Gives every 1000th id."""
    from db.database import migrate, open_database
    from db.ids import uuid7
    from db.message_rows import Message
    from db.store import Store

    engine = open_database(f"sqlite:///{data_dir / 'messages.sqlite3'}")
    migrate(engine)
    store = Store(engine)
    rng = random.Random(1)
    began = time.time() - count
    kept = []
    for start in range(0, count, BATCH):
        tx = store.begin()
        for number in range(start, min(start + BATCH, count)):
            content = " ".join(rng.choices(WORDS, k=rng.randint(3, 20)))
            if number == count // 3:
                content += " needle-in-haystack"
            message = Message(id=uuid7(), user_id=user_id("ann"), content=content, timestamp=began + number)
            tx.messages.add(CHANNEL_ID, message)
            if number % 1000 == 0:
                kept.append(message.id)
        tx.commit()
    store.close()
    engine.dispose()
    return kept


async def many_messages(target: str, options: Options) -> Numbers:
    """1 000 000 messages in one channel: start, the newest page, a page in the middle, search."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        channels = [{**CHANNELS[0], "id": CHANNEL_ID}]
        folder = write_community(Path(name), users={"ann": ("user",)}, channels=channels, config=CONFIG)
        inserting = time.monotonic()
        ids = await asyncio.to_thread(insert_messages, folder / "db", MESSAGES)
        inserted_s = time.monotonic() - inserting
        server = ServerProcess(folder)
        start_s = await timed_start(server)
        async with server, ChatClient(server.url) as ann:
            await ann.connect()
            await ann.login("ann")

            async def page(**fields: Any) -> None:
                reply = await ann.request("messages_get", channel="general", limit=100, **fields)
                assert len(reply["messages"]) == 100
                ann.forget()

            async def search(query: str, least: int) -> None:
                reply = await ann.request("messages_search", channel="general", query=query)
                assert len(reply["results"]) >= least, (query, len(reply["results"]))
                ann.forget()

            return {
                "start_s": start_s,
                "ping_ms": await median_ms(ann.sync),
                "newest_100_ms": await median_ms(page),
                "middle_100_by_number_ms": await median_ms(lambda: page(start=MESSAGES // 2)),
                "middle_100_by_id_ms": await median_ms(lambda: page(start=ids[len(ids) // 2])),
                "search_rare_ms": await median_ms(lambda: search("needle-in-hay", 1)),
                "search_common_ms": await median_ms(lambda: search(WORDS[5], 1)),
                "search_two_words_ms": await median_ms(lambda: search(f"{WORDS[7]} {WORDS[9]}", 0)),
                "search_nothing_ms": await median_ms(lambda: search("no such words anywhere", 0)),
                "inserted_per_s": round(MESSAGES / inserted_s),
            }
