"""The front door: flags, configuration, and the server until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from config.live import LiveConfig
from config.load import load
from config.paths import DataPaths, data_paths
from config.problems import ConfigError, reason_of
from config.schema import Config
from config.version import VERSION

ROOT = Path(__file__).resolve().parent
LOG_LEVELS = ("debug", "info", "warning", "error")

log = logging.getLogger("originchats")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 after a clean end or a clean check, 1 when something is wrong; one line says what."""
    options = parse(arguments)
    try:
        config = load(options.config, os.environ, overrides(options))
    except ConfigError as error:
        print(error, file=sys.stderr)
        if options.check:  # the data is looked at where it lies by default
            check(data_paths(Config(), options.config, options.data_dir))
        return 1
    live = LiveConfig(options.config, config, os.environ, overrides(options))
    paths = data_paths(config, options.config, options.data_dir)
    if options.check:
        found = check(paths)
        if not found:
            print(f"{options.config} and {paths.folder} are in order.")
        return 1 if found else 0
    logging.basicConfig(level=config.log.level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for library in ("uvicorn", "alembic", "asyncio", "watchdog"):
        logging.getLogger(library).setLevel(logging.WARNING)
    os.umask(0o077)  # what a community says is for its host's eyes
    return serve(live, paths)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="init.py", description="Run the OriginChats server.")
    parser.add_argument("--config", type=Path, default=ROOT / "config.json", help="settings (default: %(default)s)")
    parser.add_argument("--host", help="address to listen on (setting websocket.host)")
    parser.add_argument("--port", type=int, help="port to listen on, 0 for any free one (setting websocket.port)")
    parser.add_argument("--max-connections", type=int, help="most open connections (setting limits.max_connections)")
    parser.add_argument(
        "--require-token",
        action="store_true",
        default=None,
        help="let nobody into /rooms without a token (setting rooms.require_token)",
    )
    parser.add_argument("--data-dir", type=Path, help="stands for the folder db/ beside the settings")
    parser.add_argument("--log-level", choices=LOG_LEVELS, help="least important lines to log (setting log.level)")
    parser.add_argument("--check", action="store_true", help="check settings and data, change nothing, and exit")
    parser.add_argument("--version", action="version", version=f"OriginChats server {VERSION}")
    return parser.parse_args(arguments)


def overrides(options: argparse.Namespace) -> dict[str, Any]:
    """Settings given as flags, by their names."""
    given = {
        "websocket.host": options.host,
        "websocket.port": options.port,
        "limits.max_connections": options.max_connections,
        "rooms.require_token": options.require_token,
        "log.level": options.log_level,
    }
    return {name: value for name, value in given.items() if value is not None}


def check(paths: DataPaths) -> int:
    """Print what is wrong with the documents and the database; gives how much it is."""
    from db.database import check_database
    from db.document_file import check_documents

    problems: list[object] = [*check_documents(paths), *check_folders(paths)]
    database = check_database(paths.database_url)
    if database is not None:
        problems.append(database)
    for problem in problems:
        print(problem, file=sys.stderr)
    return len(problems)


def check_folders(paths: DataPaths) -> list[str]:
    """What is wrong with the folders that the server writes to; one that is missing is made at the start."""
    folders = {paths.folder, paths.users.parent, paths.roles.parent, paths.channels.parent}
    found = {next(parent for parent in (folder, *folder.parents) if parent.is_dir()) for folder in folders}
    return [f"{folder}: is read-only for this user" for folder in sorted(found) if not os.access(folder, os.W_OK)]


def serve(live: LiveConfig, paths: DataPaths) -> int:
    from db.database import DatabaseError
    from db.document_format import DataError
    from http_server import PortInUse, allow_connections, listen
    from startup import Opened

    config, bound = live.current, []
    allowed = allow_connections(config.limits.max_connections)
    if allowed is not None:
        log.warning(
            "the system allows %d open files, fewer than limits.max_connections (%d): see ulimit -n, or LimitNOFILE",
            allowed, config.limits.max_connections,
        )  # fmt: skip
    try:
        try:
            bound.append(listen(config.websocket.host, config.websocket.port))
            if config.rooms.enabled and config.rooms.port is not None:
                bound.append(listen(config.websocket.host, config.rooms.port, "rooms.port"))
            opened = Opened(live, paths)
        except BaseException:
            for each in bound:
                each.close()
            raise
    except (PortInUse, DataError, DatabaseError) as error:
        print(f"The server did not start: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The server did not start: {reason_of(error)}", file=sys.stderr)
        return 1
    try:
        new_loop().run(run(opened, *bound))
    finally:
        opened.close()
    return 0


async def run(opened: Any, bound: Any, rooms: Any = None) -> None:
    """rooms: the socket of `rooms.port`."""
    from screen import print_start_screen
    from startup import Community

    host, port = opened.live.current.websocket.host, bound.getsockname()[1]
    rooms_port = None if rooms is None else rooms.getsockname()[1]
    community = Community(
        opened, ready=lambda community: print_start_screen(community, host, port, VERSION, rooms_port)
    )
    await community.run(bound, rooms)


def new_loop() -> asyncio.Runner:
    """uvloop where it exists (not on Windows)."""
    if sys.platform == "win32":
        return asyncio.Runner()
    import uvloop

    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


if __name__ == "__main__":
    sys.exit(main())
