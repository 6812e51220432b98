"""Kill the server at random moments under load, start it again, and look for anything that was lost or doubled.

    python -m tests.torture.torture --rounds 200 --seed 7

A round: several people write, edit, delete, react and change users, roles and channels as fast as they can; SIGKILL;
then the documents must parse, everybody resumes completely, every packet that anybody saw is in the log once and
unchanged, what was acknowledged is so, a resend with a nonce makes no double, and the state built from events equals
the state fetched afresh.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed

from tests.support.client import ChatClient, Packet
from tests.support.community import EVERYBODY, user_id, write_community
from tests.support.mirror import Mirror, ask_for_missing, differences, fetch
from tests.support.server import ServerProcess

WRITERS = ("ann", "ben", "cleo")
TASKS_EACH = 3
USERS = {"host": ("owner", "user"), **dict.fromkeys(WRITERS, ("user",)), "dora": ("user",)}
MADE_ANEW = ("channels_get",)
"""Events whose content is made for the viewer at the time of sending, so a replay may say it in other words."""


class Person:
    """Somebody with one session, who remembers what was acknowledged and what was not."""

    def __init__(self, name: str, client: ChatClient) -> None:
        self.name = name
        self.client = client
        self.mirror = Mirror()
        self.fed = 0
        self.numbered: dict[int, Packet] = {}
        """Every durable event by `seq`, over both connections."""
        self.own: list[str] = []
        self.unanswered: list[dict[str, Any]] = []
        """message_new commands without an answer yet."""
        self.wanted: dict[str, list[Any]] = {}
        """What a document may say after the kill: the acknowledged value, and the one that was under way."""

    def feed(self) -> None:
        for packet in self.client.events[self.fed :]:
            self.mirror.apply(packet)
            if "seq" in packet and packet["cmd"] not in ("ready", "resumed", "ping"):
                seq = packet["seq"]
                assert seq not in self.numbered, f"{self.name} got {seq} twice"
                self.numbered[seq] = {key: value for key, value in packet.items() if key != "listener"}
        self.fed = len(self.client.events)


class Round:
    def __init__(self, server: ServerProcess, number: int, rng: random.Random) -> None:
        self.server = server
        self.rng = rng
        self.number = number
        self.channel = f"round-{number}"
        self.people: dict[str, Person] = {}
        self.counter = 0

    async def run(self) -> int:
        """Raises AssertionError with what is wrong. The number of events that were under way."""
        for name in ("host", "watcher", *WRITERS):
            client = await ChatClient(self.server.url, name).connect()
            await client.login("host" if name == "watcher" else name)
            self.people[name] = Person(name, client)
        host = self.people["host"].client
        await host.request("channel_create", name=self.channel, type="text", permissions=EVERYBODY)
        for person in self.people.values():
            person.mirror = await fetch(person.client)
            person.fed = len(person.client.events)
        self.people["host"].wanted = {key: [value] for key, value in self._documents(person.mirror).items()}

        tasks = [asyncio.create_task(self._until_killed(self._write, name)) for name in WRITERS * TASKS_EACH]
        tasks.append(asyncio.create_task(self._until_killed(self._govern, "host")))
        await asyncio.sleep(self.rng.uniform(0.0, 0.4))
        await self.server.kill()
        await asyncio.gather(*tasks)
        for person in self.people.values():
            await person.client.close()
            person.feed()
        self._documents_parse()
        await self._start_again()
        await self._compare()
        return len(self.people["watcher"].numbered)

    def _documents(self, known: Mirror) -> dict[str, Any]:
        """What `_govern` changes."""
        return {
            "nickname": known.users[user_id("dora")]["nickname"],
            "roles": known.users[user_id("dora")]["roles"],
            "role": known.roles["moderator"]["description"],
            "channel": next(c for c in known.channels if c["name"] == self.channel).get("description"),
        }

    async def _until_killed(self, work: Callable[[Person], Awaitable[None]], name: str) -> None:
        with contextlib.suppress(AssertionError, ConnectionClosed, OSError):
            while True:
                await work(self.people[name])

    # ------------------------------------------------------------- load

    async def _write(self, person: Person) -> None:
        choice = self.rng.random()
        id = self.rng.choice(person.own) if person.own else None
        here = {"channel": self.channel, "id": id}
        if choice < 0.6 or id is None:
            self.counter += 1
            command = {
                "channel": self.channel, "content": f"{person.name} {self.number}.{self.counter}",
                "nonce": f"{self.number}.{self.counter}",
            }  # fmt: skip
            person.unanswered.append(command)
            reply = await person.client.request("message_new", **command)
            person.unanswered.remove(command)
            person.own.append(reply["message"]["id"])
        elif choice < 0.75:
            await person.client.ask("message_edit", content=f"edited {self.rng.random()}", **here)
        elif choice < 0.9:
            await person.client.ask(self.rng.choice(("message_react_add", "message_react_remove")), emoji="👍", **here)
        else:
            person.own.remove(id)
            await person.client.ask("message_delete", **here)

    async def _govern(self, host: Person) -> None:
        self.counter += 1
        value = f"{self.number}.{self.counter}"
        roles = self.rng.choice((["user"], ["user", "moderator"], ["moderator", "user"]))
        choices: list[tuple[str, str, Any, dict[str, Any]]] = [
            ("nickname", "user_update", value, {"user": user_id("dora"), "updates": {"nickname": value}}),
            ("roles", "user_roles_set", roles, {"user": user_id("dora"), "roles": roles}),
            ("role", "role_update", value, {"name": "moderator", "description": value}),
            ("channel", "channel_update", value, {"current_name": self.channel, "updates": {"description": value}}),
        ]
        key, cmd, wanted, fields = self.rng.choice(choices)
        host.wanted[key].append(wanted)
        await host.client.request(cmd, **fields)
        host.wanted[key] = [wanted]

    # ------------------------------------------------------------- after the kill

    def _documents_parse(self) -> None:
        for path in sorted(self.server.data_dir.glob("*.json")):
            try:
                json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise AssertionError(f"{path.name} is broken after the kill: {error}") from None

    async def _start_again(self) -> None:
        if self.rng.random() < 0.1:  # and now and then it dies while it starts
            starting = asyncio.create_task(self.server.start())
            await asyncio.sleep(self.rng.uniform(0.0, 0.8))
            with contextlib.suppress(ProcessLookupError, AssertionError):
                await self.server.kill()
            with contextlib.suppress(RuntimeError):
                await starting
            self._documents_parse()
        await self.server.start()
        for person in self.people.values():
            session, seq = person.client.session, person.client.seq
            client = await ChatClient(self.server.url, person.name).connect()
            await client.login("host" if person.name == "watcher" else person.name)
            resumed = await client.resume(session, seq)
            assert resumed["recovered"] is True, f"{person.name} after {seq}: {resumed}"
            person.client, person.fed = client, 0
            person.feed()
            for command in person.unanswered:
                await client.request("message_new", **command)
        for person in self.people.values():
            await person.client.sync()
            person.feed()
            await ask_for_missing(person.client, person.mirror)
            person.feed()

    async def _compare(self) -> None:
        watcher = self.people["watcher"]
        for person in self.people.values():
            for seq, packet in person.numbered.items():
                if packet["cmd"] == "unreads_update":
                    continue  # of one user only
                assert seq in watcher.numbered, f"{person.name} saw {packet}, and the log has forgotten it"
                if packet["cmd"] not in MADE_ANEW:
                    assert packet == watcher.numbered[seq], (
                        f"{seq} reads differently:\n{packet}\n{watcher.numbered[seq]}"
                    )
        for person in self.people.values():
            fresh = await fetch(person.client)
            lines = differences(person.mirror.state(), fresh.state())
            assert not lines, f"{person.name} knows something else:\n" + "\n".join(lines[:20])
        contents = [message["content"] for message in fresh.messages[self.channel].values() if not message["edited"]]
        assert len(contents) == len(set(contents)), "a message was stored twice"
        said = self._documents(fresh)
        for key, wanted in self.people["host"].wanted.items():
            assert said[key] in wanted, f"{key} is {said[key]!r}, acknowledged or under way were {wanted}"
        await self.people["host"].client.request("channel_delete", name=self.channel)
        for person in self.people.values():
            await person.client.close()


async def torture(folder: Path, *, rounds: int, seed: int, say: Callable[[str], None] = lambda line: None) -> int:
    """Run so many rounds on one community. The number of events that the kills met. Raises AssertionError."""
    rng = random.Random(seed)
    server = ServerProcess(write_community(folder, users=USERS))
    await server.start()
    events = 0
    try:
        for number in range(rounds):
            start = time.monotonic()
            try:
                met = await Round(server, number, rng).run()
            except Exception as error:
                raise AssertionError(f"round {number} of seed {seed}: {error}\n{server.text()[-4000:]}") from error
            assert not server.tracebacks(), server.tracebacks()
            events += met
            say(f"round {number}: {met} events, {time.monotonic() - start:.1f} s")
        assert await server.stop() == 0, server.text()
        for path in server.data_dir.glob("*.sqlite3"):
            with contextlib.closing(sqlite3.connect(path)) as database:
                assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        if server.running:
            await server.kill()
    return events


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        events = asyncio.run(torture(Path(folder), rounds=arguments.rounds, seed=arguments.seed, say=print))
    print(f"{arguments.rounds} kills under {events} events: nothing lost, nothing doubled")
    return 0


if __name__ == "__main__":
    sys.exit(main())
