"""Running `python setup.py`, and reading what it wrote."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ANSWERS_AFTER_OWNER = 9
"""Questions after those about the owner, the one for confirmation not counted."""


def command(folder: Path, *flags: str) -> list[str]:
    return [sys.executable, str(ROOT / "setup.py"), "--config", str(folder / "config.json"), *flags]


def interview(folder: Path, *flags: str, answers: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """The interview through a pipe."""
    typed = "".join(f"{answer}\n" for answer in answers)
    return subprocess.run(command(folder, *flags), input=typed, capture_output=True, text=True, timeout=60, check=False)


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])


def config_of(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    return document


def users_of(folder: Path) -> dict[str, Any]:
    users: dict[str, Any] = json.loads((folder / "db" / "users.json").read_text("utf-8"))
    return users


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]
