"""How fast a community moves in: `setup.py import` of a folder with a million messages, as a host runs it."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import tempfile
import time
import uuid
from pathlib import Path

from bench.scenarios import Numbers, Options
from tests.support.server import ROOT

MESSAGES = 1_000_000
CHANNELS = 4
USERS = 1_000
VOCABULARY = 5_000
LETTERS = "etaoinshrdlucmfwypvbgkjqxz"
COMMONNESS = (
    12,
    9,
    8,
    7.5,
    7,
    6.7,
    6.3,
    6,
    6,
    4.2,
    4,
    2.7,
    2.7,
    2.4,
    2.2,
    2.3,
    2,
    2,
    1,
    1.5,
    2,
    0.8,
    0.1,
    0.1,
    0.1,
    0.1,
)
PADDING = b" " * 512


async def moving_in(target: str, options: Options) -> Numbers:
    return await asyncio.to_thread(_moving_in)


def _moving_in() -> Numbers:
    with tempfile.TemporaryDirectory(prefix="bench-import-") as folder:
        old, new = Path(folder, "old"), Path(folder, "new")
        _write(old)
        command = [sys.executable, str(ROOT / "setup.py"), "import", str(old), "--config", str(new / "config.json")]
        os.sched_setaffinity(0, range(os.cpu_count() or 1))  # the child's, too: a host's import has every core
        start = time.perf_counter()
        quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
        pid = os.posix_spawn(sys.executable, command, os.environ, file_actions=quiet)
        _, status, used = os.wait4(pid, 0)
        seconds = time.perf_counter() - start
        assert status == 0, "the import failed"
        report = json.loads((new / "import-report.json").read_text())
        assert report["taken_over"]["messages"] == MESSAGES
        size = (new / "db" / "messages.sqlite3").stat().st_size
        return {
            "messages_per_s": round(MESSAGES / seconds),
            "seconds": round(seconds, 1),
            "cpu_s": round(used.ru_utime + used.ru_stime, 1),
            "peak_mib": used.ru_maxrss >> 10,
            "database_mib": size >> 20,
        }


def _write(old: Path) -> None:
    dice = random.Random(1)
    words = ["".join(dice.choices(LETTERS, COMMONNESS, k=dice.randint(2, 9))) for _ in range(VOCABULARY)]
    (old / "db" / "channels").mkdir(parents=True)
    users = {f"USR:{n}": {"username": f"user{n}", "roles": ["user"]} for n in range(USERS)}
    (old / "db" / "users.json").write_text(json.dumps(users))
    channels = [{"type": "text", "name": f"c{n}", "permissions": {"view": ["user"]}} for n in range(CHANNELS)]
    (old / "db" / "channels.json").write_text(json.dumps(channels))
    for channel in range(CHANNELS):
        with (old / "db" / "channels" / f"c{channel}.json").open("wb") as file:
            for number in range(MESSAGES // CHANNELS):
                record = {
                    "user": f"USR:{dice.randrange(USERS)}",
                    "content": " ".join(dice.choices(words, k=dice.randint(1, 15))),
                    "timestamp": 1_700_000_000 + number * 3.5,
                    "id": str(uuid.UUID(int=dice.getrandbits(128), version=4)),
                }
                if number % 20 == 0:
                    record["reactions"] = {"👍": ["USR:1", "USR:2"]}
                file.write(json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode() + PADDING + b"\n")
