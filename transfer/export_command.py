"""`python setup.py export DIR`: the community as a data folder of upstream, also while the server runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.text import Text

from config.problems import ConfigError, reason_of
from transfer.export import export
from transfer.model import ExportError
from transfer.places import Places, add_flags, told


def main(arguments: list[str], folder: Path) -> int:
    """Returns the exit code: 0 written, 1 not."""
    parser = argparse.ArgumentParser(
        prog="python setup.py export",
        description="Writes everything into DIR in the format of OriginChats' own server, which this one imports, too.",
        allow_abbrev=False,
    )
    parser.add_argument("target", type=Path, metavar="DIR", help="a folder that does not exist yet, or is empty")
    add_flags(parser, folder)
    options = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    columns = (SpinnerColumn(), TextColumn("{task.completed:,} messages"))
    try:
        places = Places(options)
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("messages", total=None)
            server = places.config.server
            exported = export(
                places.paths, options.config, options.target, server.url or "", lambda count: bar.advance(task, count)
            )
    except OSError as error:
        return told(f"Not exported: {reason_of(error)}")
    except (ConfigError, ExportError) as error:
        return told(f"Not exported: {error}")
    console.print(Text(f"wrote {options.target}: {exported.messages} messages"))
    for sentence in exported.left_out:
        console.print(Text(f"not as it was: {sentence}"))
    return 0
