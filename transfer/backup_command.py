"""`python setup.py backup [FILE]`: copy everything, also while the server runs."""

from __future__ import annotations

import argparse
import sqlite3
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

from backups import back_up
from config.problems import ConfigError, reason_of
from config.version import VERSION
from db.backup import BackupError, Manifest, create, database_file, verify
from transfer.places import Places, add_flags, told


def main(arguments: list[str], folder: Path) -> int:
    """Returns the exit code: 0 made and read back, 1 not."""
    parser = argparse.ArgumentParser(
        prog="python setup.py backup",
        description="Copies everything that the server remembers, consistently, while it runs or not. Without FILE the "
        "copy lies with the automatic backups and counts as one of them.",
        allow_abbrev=False,
    )
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a ZIP file that holds uploads, too")
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    add_flags(parser, folder)
    options = parser.parse_args(arguments)
    try:
        places, now = Places(options), time.time()
    except ConfigError as error:
        return told(f"No backup was made: {error}")
    if not places.paths.folder.is_dir():
        return told(f"Nothing to back up: there is no folder {places.paths.folder}.")
    try:
        if options.file is None:
            file, manifest = back_up(places.config.backup, options.config, places.paths, version=VERSION, now=now)
        else:
            file = options.file
            if file.exists() and not options.force:
                return told(f"{file} exists: give another name, or --force.")
            manifest = create(places.paths, options.config, file, version=VERSION, now=now, uploads_inside=True)
            verify(file)
    except OSError as error:
        return told(f"No backup was made: {reason_of(error)}")
    except (BackupError, sqlite3.Error) as error:
        return told(f"No backup was made: {error}")
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(f"wrote {file}: {summary(manifest)}; read back in order"))
    if database_file(places.paths) is None:
        console.print("The database is no file, and not in it: back it up with pg_dump.")
    return 0


def summary(manifest: Manifest) -> str:
    """What a backup holds, for people."""
    parts = [f"{number} {what}" for what, number in sorted(manifest.counts.items())]
    return ", ".join([*parts, f"{len(manifest.uploads)} uploads"])
