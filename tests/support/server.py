"""The real server as a process: started by its front door, reached by its printed address, killed without mercy."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType, TracebackType

from tests.support.community import write_community

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = re.compile(r"(?:http|ws)s?://127\.0\.0\.1:(\d+)")
CLAIM_CODE = re.compile(r"claim code\W+([A-Za-z0-9-]{6,})", re.IGNORECASE)
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 60.0


class ServerProcess:
    """`python init.py` on a folder that holds `config.json` and `db/`.

    Entering starts it, leaving kills it if it still runs. The folder survives, so a stopped or killed server can be
    started again on the same data, each time on a new port.
    """

    def __init__(
        self,
        folder: Path,
        *,
        command_prefix: Sequence[str] = (),
        arguments: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.config_path = folder / "config.json"
        self.data_dir = folder / "db"
        self.command_prefix = tuple(command_prefix)
        self.arguments = tuple(arguments)
        self.env = dict(env or {})
        self.port = 0
        self.log: list[str] = []
        """Every line the process printed, over all starts."""
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._address: asyncio.Future[int] | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/"

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def claim_code(self) -> str:
        """The code on the start screen. Raises LookupError when none was shown."""
        for line in reversed(self.log):
            found = CLAIM_CODE.search(line)
            if found:
                return found.group(1)
        raise LookupError("no claim code was printed:\n" + self.text())

    def text(self) -> str:
        return "".join(self.log)

    def tracebacks(self) -> list[str]:
        """What went wrong unexpectedly: the log from each traceback on, shortened."""
        text = self.text()
        return ["Traceback" + part[:3000] for part in text.split("Traceback")[1:]]

    def command(self) -> list[str]:
        """What Python is given."""
        return [
            str(ROOT / "init.py"), "--config", str(self.config_path), "--host", "127.0.0.1", "--port", "0",
            "--data-dir", str(self.data_dir),
        ]  # fmt: skip

    async def __aenter__(self) -> ServerProcess:
        if not self.running:
            await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.running:
            await self.kill()

    async def start(self) -> None:
        """Start and wait for the address on the start screen. Raises RuntimeError with the log if it ends first."""
        assert not self.running
        self._address = asyncio.get_running_loop().create_future()
        self._process = await asyncio.create_subprocess_exec(
            *self.command_prefix, sys.executable, "-u", *self.command(), *self.arguments,
            cwd=ROOT, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1", **self.env},
        )  # fmt: skip
        self._reader = asyncio.create_task(self._read_log(self._process))
        try:
            self.port = await asyncio.wait_for(self._address, START_TIMEOUT_S)
        except RuntimeError:
            await self.wait()
            raise
        except BaseException:
            if self.running:
                await self.kill()
            raise

    async def kill(self) -> None:
        """SIGKILL, as a power cut would. Returns when the process is gone."""
        await self.end(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM, as a service manager would. Returns the exit code; raises TimeoutError after 60 s."""
        return await self.end(signal.SIGTERM)

    async def wait(self) -> int:
        """Wait for its own end; the exit code."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT_S)

    async def restart(self) -> None:
        """Stop gracefully, unless it is gone already, and start again on the same data."""
        if self.running:
            assert await self.stop() == 0, self.text()
        await self.start()

    async def wait_for_log(self, text: str, timeout_s: float = 30.0) -> str:
        """The first line, old or new, that contains the text."""

        async def look() -> str:
            seen = 0
            while True:
                for line in self.log[seen:]:
                    if text in line:
                        return line
                seen = len(self.log)
                await asyncio.sleep(0.01)

        try:
            return await asyncio.wait_for(look(), timeout_s)
        except TimeoutError:
            raise AssertionError(f"the log never said {text!r}:\n{self.text()}") from None

    async def end(self, how: signal.Signals) -> int:
        """Send a signal and wait; the exit code."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(how)
        code = await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT_S)
        if self._reader is not None:
            await self._reader
        return code

    async def _read_log(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        assert self._address is not None
        async for raw in process.stdout:
            line = raw.decode(errors="replace")
            self.log.append(line)
            found = ADDRESS.search(line)
            if found and not self._address.done():
                self._address.set_result(int(found.group(1)))
        if not self._address.done():
            self._address.set_exception(RuntimeError("the server ended before it printed its address:\n" + self.text()))


@asynccontextmanager
async def server_of(
    tests: ModuleType, folder: Path, users: Mapping[str, Iterable[str]]
) -> AsyncIterator[ServerProcess]:
    """With the `USERS`, `CONFIG` and `CHANNELS` that a file of tests sets. users: where it sets none."""
    write_community(
        folder,
        users=getattr(tests, "USERS", users),
        config=getattr(tests, "CONFIG", None),
        channels=getattr(tests, "CHANNELS", None),
    )
    async with ServerProcess(folder) as running:
        yield running
