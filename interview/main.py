"""The order of the interview, and its flags."""

from __future__ import annotations

import argparse
import functools
import getpass
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from config.problems import ConfigError
from interview.account import GOOD_PASSWORD_LENGTH, checked_name, checked_password, find
from interview.ask import ask, confirm
from interview.plan import Owner, Plan
from interview.questions import QUESTIONS, Question, as_text, check_host, check_port, parsed
from transfer.import_command import main as import_folder

INTERRUPTED = 130


class Stopped(Exception):
    """Nothing is to be written; the text says why."""


def run(arguments: list[str], folder: Path) -> int:
    """The whole interview for the server in `folder`. Returns the exit code; failures are one line on stderr."""
    options = _flags(folder).parse_args(arguments)
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(errors="surrogateescape")  # what is not text is refused by each question
    try:
        interview = Interview(options, Console(highlight=False, soft_wrap=True), folder)
        source = interview.run()
        if source is not None and _import(source, options):
            return 1
        interview.tell_start()
    except KeyboardInterrupt:
        return _told("\nInterrupted; nothing was written.", INTERRUPTED)
    except EOFError:
        return _told("\nThe input ended before the last answer; nothing was written.")
    except (Stopped, ConfigError) as error:
        return _told(str(error))
    except OSError as error:
        return _told(f"Nothing was written: {error.filename or 'the disk'}: {error.strerror}")
    return 0


class Interview:
    def __init__(self, options: argparse.Namespace, console: Console, folder: Path) -> None:
        """`folder`: where init.py lies."""
        self.options = options
        self.console = console
        self.folder = folder
        self.plan = Plan(options.config, options.data_dir, from_scratch=options.force)

    def run(self) -> Path | None:
        """Gives the folder from which a community moves in; None: from none. Raises Stopped, ConfigError, OSError,
        EOFError or KeyboardInterrupt, with nothing written."""
        plan, options = self.plan, self.options
        if options.yes and not plan.is_untouched and not options.force:
            raise Stopped(f"{plan.config_file} exists: add --force to change it (settings not named stay as they are)")
        if not options.yes:
            self.console.print("Enter keeps what stands in parentheses; Ctrl-C leaves everything as it is.\n")
        password = _password_from_stdin() if options.owner_password_stdin else None
        for question in QUESTIONS:
            if question.only_if is None or plan.value(question.only_if):
                plan.set(question.name, self._answer(question))
            if question.name == "auth_mode":
                self._ask_owner(password)
        source = self._ask_source()
        if options.yes:
            self._refuse_taken_owner()
        else:
            self._confirm()
        for path in plan.write():
            self.console.print(Text(f"wrote {path}"))
        return source

    def tell_start(self) -> None:
        self.console.print(Text(f"Start the server with `{self._start_command()}`."))

    def _ask_source(self) -> Path | None:
        source: Path | None = self.options.source
        if source is None and not self.options.yes:
            prompt = "Path of an OriginChats folder to move in from"
            source = ask(self.console, prompt, _folder, default="") or None
        elif source is not None and not source.is_dir():
            raise Stopped(f"--import: {source}: there is no such folder")
        return source

    def _start_command(self) -> str:
        config, data = self.options.config, self.options.data_dir
        if config == self.folder / "config.json" and data is None:
            return "make run"
        return f"python init.py --config {config}" + (f" --data-dir {data}" if data else "")

    def _answer(self, question: Question) -> Any:
        check = functools.partial(self._checked, question.name)
        given = getattr(self.options, _attribute(question.flag))
        before = self.plan.value(question.name)
        if given is not None or self.options.yes:
            try:
                return check(as_text(before) if given is None else given)
            except ValueError as error:
                raise Stopped(f"{question.flag}: {error}") from None
        while True:
            value = ask(self.console, question.text, check, default=before)
            try:
                return check(as_text(value))  # the default is checked too: its port may be taken
            except ValueError as error:
                self.console.print(Text(str(error), "prompt.invalid"))

    def _checked(self, name: str, text: str) -> Any:
        value = parsed(name, text)
        if name == "websocket.host":
            check_host(value)
        elif name == "websocket.port" and not self._is_own_port(value):
            check_port(self.plan.value("websocket.host"), value)
        return value

    def _is_own_port(self, port: int) -> bool:
        """The port this server has been set up with: it may well be running now."""
        return not self.plan.is_untouched and port == self.plan.value("websocket.port")

    def _ask_owner(self, password: str | None) -> None:
        options, plan = self.options, self.plan
        if plan.value("auth_mode") == "rotur":
            if options.owner:
                raise Stopped("--owner: the mode rotur has no local accounts; start the server and use its claim code")
            return
        name = options.owner
        if name is None and not options.yes:
            prompt = "Name of the owner's account (empty: whoever has the claim code of the first start)"
            name = ask(self.console, prompt, checked_name, default="")
        if not name:
            if password is not None:
                raise Stopped("--owner-password-stdin needs --owner")
            return
        try:
            name = checked_name(name)
            password = None if password is None else checked_password(password)
        except ValueError as error:
            raise Stopped(f"--owner: {error}") from None
        if password is None and options.yes:
            raise Stopped("--owner needs --owner-password-stdin")
        plan.owner = Owner(name, password if password is not None else self._ask_password())
        plan.set("server.owner.name", name)

    def _ask_password(self) -> str:
        while True:
            password: str = ask(self.console, "Password of the owner", checked_password, password=True)
            if len(password) < GOOD_PASSWORD_LENGTH:
                self.console.print(f"That is short; {GOOD_PASSWORD_LENGTH} characters or more are better.")
            if ask(self.console, "The same password again", str, password=True) == password:
                return password
            self.console.print(Text("the two differ", "prompt.invalid"))

    def _refuse_taken_owner(self) -> None:
        if not self.options.force and self._owner_exists():
            raise Stopped(
                f"{self.plan.users_file} has that account: add --force to give it a new password and the role"
            )

    def _owner_exists(self) -> bool:
        return self.plan.owner is not None and find(self.plan.users(), self.plan.owner.name) is not None

    def _confirm(self) -> None:
        plan = self.plan
        table = Table("Setting", "Value", title="What will be written", title_justify="left")
        for question in QUESTIONS:
            if question.only_if is None or plan.value(question.only_if):
                table.add_row(question.name, Text(as_text(plan.value(question.name))))
        table.add_row("owner's account", Text(plan.owner.name if plan.owner else "none: by claim code"))
        self.console.print()
        self.console.print(table)
        self.console.print(Text(f"Files: {plan.config_file}{f', {plan.users_file}' if plan.owner else ''}"))
        careful = False
        if not plan.is_untouched:
            self.console.print(Text(f"{plan.config_file} exists and is changed; settings that were not asked stay."))
            careful = True
        if self._owner_exists():
            self.console.print("That account exists: it gets this password and the role owner.")
            careful = True
        if not confirm(self.console, "Write this?", default=not careful or self.options.force):
            raise Stopped("Nothing was written.")


def _flags(folder: Path) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python setup.py",
        description="Asks a few questions, then writes config.json and the account of the first owner.",
        epilog="A question whose flag is given is not asked.",
        allow_abbrev=False,
    )
    parser.add_argument("--yes", action="store_true", help="ask nothing: flags, what stands in config.json, defaults")
    parser.add_argument("--force", action="store_true", help="with --yes: change files that exist; replace broken ones")
    parser.add_argument("--config", type=Path, default=folder / "config.json", metavar="PATH")
    parser.add_argument("--data-dir", type=Path, metavar="D", help="stands for the folder db/ beside config.json")
    parser.add_argument("--owner", metavar="NAME", help="local account that becomes owner")
    parser.add_argument("--owner-password-stdin", action="store_true", help="first line of the input is its password")
    parser.add_argument("--import", type=Path, dest="source", metavar="PATH", help="OriginChats folder to move in from")
    for question in QUESTIONS:
        parser.add_argument(question.flag, metavar="VALUE", help=question.text)
    return parser


def _import(source: Path, options: argparse.Namespace) -> int:
    """The exit code."""
    flags = ["--config", str(options.config), *(["--data-dir", str(options.data_dir)] if options.data_dir else [])]
    return import_folder([str(source), *flags], options.config.parent)


def _folder(text: str) -> Path | None:
    """Raises ValueError."""
    if not text.strip():
        return None
    path = Path(text.strip()).expanduser()
    if not path.is_dir():
        raise ValueError("there is no such folder")
    return path


def _attribute(flag: str) -> str:
    return flag.removeprefix("--").replace("-", "_")


def _password_from_stdin() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Password of the owner: ")
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.removesuffix("\n").removesuffix("\r")


def _told(text: str, code: int = 1) -> int:
    print(text, file=sys.stderr)
    return code
