"""`python setup.py restore FILE`: go back to a backup. The server must not run."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from rich.console import Console
from rich.prompt import Confirm
from rich.text import Text

from config.problems import ConfigError
from db.backup import FOLDER, BackupError, manifest_of, stamp_of
from db.database import DatabaseError
from db.restore import restore
from transfer.backup_command import summary
from transfer.places import Places, add_flags, told


def main(arguments: list[str], folder: Path) -> int:
    """Returns the exit code: 0 restored, 1 nothing changed."""
    parser = argparse.ArgumentParser(
        prog="python setup.py restore",
        description="Checks a backup and puts it in the place of the data folder, which stays beside it.",
        allow_abbrev=False,
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--with-config", action="store_true", help="take config.json from the backup, too (a default one is replaced)"
    )
    add_flags(parser, folder)
    options = parser.parse_args(arguments)
    try:
        places = Places(options)
        manifest = manifest_of(options.file)
        console = Console(highlight=False, soft_wrap=True)
        console.print(Text(f"{options.file}: made {stamp_of(manifest.created_at)} by version {manifest.version}"))
        console.print(Text(f"holds {summary(manifest)}"))
        console.print(Text(f"It takes the place of {places.paths.folder}, which stays beside it under another name."))
        if not options.yes and not Confirm.ask("Restore it?", default=False, console=console):
            return told("Nothing was changed.")
        restored = restore(
            options.file,
            places.paths,
            options.config,
            replace_config=options.with_config or places.config_is_default,
            now=time.time(),
        )
    except (BackupError, ConfigError, DatabaseError) as error:
        return told(f"Nothing was changed: {error}")
    except EOFError:
        return told("The input ended before the answer; nothing was changed.")
    except OSError as error:
        return told(f"Nothing was changed: {error}")
    console.print(Text(f"restored; what was there lies in {restored.former}"))
    if restored.config == "kept":
        console.print(Text(f"{options.config} differs from the backup's and was kept; --with-config replaces it."))
    if not (places.paths.folder / FOLDER).exists():
        console.print("Start the server now; it makes a backup of what it starts with.")
    return 0
