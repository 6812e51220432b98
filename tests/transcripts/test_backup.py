"""A host backs up while members talk, goes back a step, and nobody is told half of it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from db.backup import automatic_backups, verify
from tests.support.client import Visitors
from tests.support.community import user_id
from tests.support.server import ROOT, ServerProcess

pytestmark = pytest.mark.anyio


async def setup(server: ServerProcess, *words: str, typed: str = "") -> tuple[int, str]:
    """`python setup.py` for this server: exit code and everything it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "setup.py"), *words, "--config", str(server.config_path),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate(typed.encode())
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_backup_while_people_talk_then_restore(server: ServerProcess, visit: Visitors, tmp_path: Path) -> None:
    ann, ben = await visit.login("ann"), await visit.login("ben")
    first = [(await ann.say(f"before {number}"))["id"] for number in range(5)]
    stop = False

    async def chatter() -> list[str]:
        ids: list[str] = []
        while not stop and len(ids) < 150:
            ids.append((await ben.say(f"steady {len(ids)}"))["id"])
        return ids

    talking = asyncio.create_task(chatter())
    file = tmp_path / "kept" / "chat.zip"
    code, said = await setup(server, "backup", str(file))
    stop = True
    steady = await talking
    assert code == 0, said
    assert "read back in order" in said
    code, said = await setup(server, "backup", str(file))
    assert (code, "exists" in said) == (1, True)

    await ann.say("after the backup")
    await ann.request("nickname_update", nickname="Newer")
    await ann.sync()
    session, seq = ann.session, ann.seq
    code, said = await setup(server, "restore", str(file), "--yes")
    assert code == 1
    assert "another server" in said
    await server.kill()
    code, said = await setup(server, "restore", str(file), typed="n\n")
    assert (code, "Nothing was changed." in said) == (1, True)
    code, said = await setup(server, "restore", str(file), typed="y\n")
    assert code == 0, said
    (former,) = server.folder.glob("db.before-*")
    assert json.loads((former / "users.json").read_text())[user_id("ann")]["nickname"] == "Newer"

    await server.start()
    ann = await visit.login("ann")
    resumed = await ann.resume(session, seq)
    assert (resumed["recovered"], resumed["reason"]) == (False, "unknown_session")
    page = (await ann.request("messages_get", channel="general", limit=200))["messages"]
    contents = [message["content"] for message in page]
    assert [message["id"] for message in page if message["content"].startswith("before")] == first
    kept = [message["id"] for message in page if message["content"].startswith("steady")]
    assert kept == steady[: len(kept)]
    assert "after the backup" not in contents
    entries = (await ann.request("users_list"))["users"]
    assert not any(entry["nickname"] == "Newer" for entry in entries)
    await ann.say("goes on")
    assert ann.seq > seq
    assert server.tracebacks() == []


async def test_the_server_backs_itself_up_when_it_starts(server: ServerProcess, visit: Visitors) -> None:
    await visit.login("ann")

    async def made() -> Path:
        while not (found := automatic_backups(server.data_dir / "backup")):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return found[0]

    assert verify(await asyncio.wait_for(made(), 30)).counts["users"] >= 1
    code, said = await setup(server, "backup")
    assert (code, "messages" in said) == (0, True), said


@pytest.mark.parametrize("command", ["backup", "restore", "export"])
async def test_commands_say_what_is_wrong_in_one_line(server: ServerProcess, tmp_path: Path, command: str) -> None:
    await server.kill()
    broken = tmp_path / "config.json"
    broken.write_text("{")
    for words in (
        [command, "x.zip", "--config", str(broken)],
        [command, "no/such/file", "--data-dir", str(tmp_path / "x")],
    ):
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(ROOT / "setup.py"), *words, cwd=tmp_path, stderr=asyncio.subprocess.PIPE
        )
        _, said = await process.communicate()
        assert process.returncode == 1
        assert len(said.decode().splitlines()) == 1
        assert b"Traceback" not in said
