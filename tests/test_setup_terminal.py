"""`python setup.py` on a terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.interview import ANSWERS_AFTER_OWNER, command, config_of, users_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "community"


class Terminal:
    """The interview as a person sees it."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid = pid
        self.descriptor = descriptor
        self.seen = ""

    def wait_for(self, text: str) -> None:
        """Read until `text` appears after what was waited for before."""
        self._read_until(lambda: text in self.seen)
        self.seen = self.seen.partition(text)[2]

    def type(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    def exit_code(self) -> int:
        self._read_until(lambda: False)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def wait_for_silence(self) -> None:
        """Until what is typed is not echoed any more: a password is asked for."""
        deadline = time.monotonic() + 30
        while termios.tcgetattr(self.descriptor)[3] & termios.ECHO:
            assert time.monotonic() < deadline, "the password is echoed"

    def _read_until(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not done():
            ready, _, _ = select.select([self.descriptor], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"nothing more came after: {self.seen}"
            try:
                data = os.read(self.descriptor, 65536)
            except OSError:  # Linux: the other end is closed
                return
            if not data:
                return
            self.seen += data.decode(errors="replace")


@contextlib.contextmanager
def on_a_terminal(folder: Path, *flags: str) -> Iterator[Terminal]:
    pid, descriptor = pty.fork()
    if pid == 0:
        os.execve(sys.executable, command(folder, *flags), {**os.environ, "TERM": "xterm", "COLUMNS": "200"})
    try:
        yield Terminal(pid, descriptor)
    finally:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.close(descriptor)


def test_the_interview_on_a_terminal(folder: Path) -> None:
    with on_a_terminal(folder, "--port", "0") as terminal:
        terminal.wait_for("Name of the community")
        terminal.type("Tërminal\n")
        terminal.wait_for("Address")
        terminal.type("\n")
        terminal.wait_for("Accounts")
        terminal.type("\n")
        terminal.wait_for("owner's account")
        terminal.type("Zoë\n")
        for prompt in ("Password of the owner", "The same password again"):
            terminal.wait_for(f"{prompt}")
            terminal.wait_for(": ")
            terminal.wait_for_silence()
            terminal.type("hidden secret\n")
        terminal.wait_for("Longest message")
        assert "hidden" not in terminal.seen
        for _ in range(ANSWERS_AFTER_OWNER):
            terminal.type("\n")
        terminal.wait_for("Write this?")
        terminal.type("y\n")
        assert terminal.exit_code() == 0, terminal.seen
        assert "wrote" in terminal.seen
    assert config_of(folder)["server"]["name"] == "Tërminal"
    assert users_of(folder)["USR:local_zoë"]["nickname"] == "Zoë"


def test_ctrl_c_on_a_terminal_leaves_nothing(folder: Path) -> None:
    with on_a_terminal(folder, "--port", "0") as terminal:
        terminal.wait_for("Name of the community")
        terminal.type("x\n")
        terminal.wait_for("Address")
        terminal.type("\x03")
        assert terminal.exit_code() == 130
        assert "Interrupted; nothing was written." in terminal.seen
        assert "Traceback" not in terminal.seen
    assert not folder.exists()


def test_ctrl_d_on_a_terminal_leaves_nothing(folder: Path) -> None:
    with on_a_terminal(folder, "--port", "0") as terminal:
        terminal.wait_for("Name of the community")
        terminal.type("\x04")
        assert terminal.exit_code() == 1
        assert "nothing was written" in terminal.seen
    assert not folder.exists()
