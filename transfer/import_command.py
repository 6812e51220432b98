"""`python setup.py import PATH`: a community moves in with its old data folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.prompt import Prompt
from rich.table import Table
from rich.text import Text

from config.problems import ConfigError
from db.database import DatabaseError
from transfer.importing import Told, Wish, run_import
from transfer.model import ImportStopped
from transfer.places import Places, add_flags, told
from transfer.report import KINDS, TEXT, Report


def main(arguments: list[str], folder: Path) -> int:
    """Returns the exit code: 0 imported, or a dry run without a fault; 1 nothing changed."""
    options = _flags(folder).parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    try:
        import_into(options, console)
    except (ImportStopped, ConfigError, DatabaseError) as error:
        return told(f"Nothing was changed: {error}")
    except EOFError:
        return told("The input ended before the answer; nothing was changed.")
    except OSError as error:
        return told(f"Nothing was changed: {error.filename or 'the disk'}: {error.strerror}")
    return 0


def import_into(options: argparse.Namespace, console: Console) -> None:
    """What `main` does, for the flags that `_flags` has. Raises what `run_import` raises."""
    places = Places(options)
    wish = Wish(
        source=options.path,
        dry_run=options.dry_run,
        stranded=options.stranded,
        into_existing=options.into_existing,
        owner=options.owner,
        with_config=options.yes,
    )

    def ask_owner() -> str:
        if options.yes or not console.is_terminal:
            return ""
        bar.stop()
        question = "Nobody is owner. Name of the member who becomes one (empty: by claim code)"
        return Prompt.ask(Text(question), console=console, default="", show_default=False)

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        report = run_import(wish, places, options.config, ask_owner, _OnBar(bar))
    written = report.write(options.report or _free_report(places.paths.folder.parent, options.dry_run))
    _show(console, report, written, options.dry_run)


class _OnBar(Told):
    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("reading", total=None)

    def step(self, text: str) -> None:
        self._bar.update(self._task, description=text.replace("[", r"\[")[:30])

    def size(self, total: int) -> None:
        self._bar.start()
        self._bar.update(self._task, total=total)

    def progress(self, count: int) -> None:
        self._bar.advance(self._task, count)


def _free_report(folder: Path, dry_run: bool) -> Path:
    """Beside the data folder; never over the report of another import."""
    path = folder / (TEXT.replace(".txt", "-dry-run.txt") if dry_run else TEXT)
    number = 1
    while path.exists() and not dry_run:
        number += 1
        path = folder / TEXT.replace(".txt", f"-{number}.txt")
    return path


def _show(console: Console, report: Report, written: list[Path], dry_run: bool) -> None:
    table = Table(
        "Taken over", "", title="Dry run: nothing was changed" if dry_run else "Imported", title_justify="left"
    )
    table.columns[1].justify = "right"
    for kind, count in report.counts.items():
        if count:
            table.add_row(kind, f"{count:,}")
    console.print(table)
    if any(report.notes.values()):
        notes = Table("Skipped or changed", "", "")
        notes.columns[1].justify = "right"
        for kind, (action, text) in KINDS.items():
            if report.notes[kind]:
                notes.add_row(action, f"{report.notes[kind]:,}", Text(text))
        console.print(notes)
    for name, value in report.facts.items():
        console.print(Text(f"{name}: {value}"))
    console.print(Text(f"Report: {', '.join(map(str, written))}"))


def _flags(folder: Path) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python setup.py import",
        description="Takes over the data of an OriginChats server: its folder, or the folder db in it. The old folder "
        "is only read. The server must not run.",
        allow_abbrev=False,
    )
    parser.add_argument("path", type=Path, metavar="PATH")
    add_flags(parser, folder)
    parser.add_argument("--dry-run", action="store_true", help="do everything but the last step, and write the report")
    parser.add_argument(
        "--yes", action="store_true", help="ask nothing; replace settings in config.json by the old ones"
    )
    parser.add_argument("--owner", metavar="NAME", help="a member of the old community who becomes owner")
    parser.add_argument("--report", type=Path, metavar="FILE", help=f"instead of {TEXT} beside the data folder")
    parser.add_argument("--stranded", action="store_true", help="keep messages and threads whose channel is gone")
    parser.add_argument(
        "--into-existing", action="store_true", help="add to a community that has messages of its own already"
    )
    return parser
