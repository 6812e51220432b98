"""Asking a person, on a terminal or through a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TextIO

from rich.console import Console
from rich.prompt import InvalidResponse, PromptBase
from rich.text import Text

from interview.questions import as_text


class Ask(PromptBase[Any]):
    """One question, repeated until the answer passes `check`; nothing typed means the default."""

    response_type = object

    def __init__(self, prompt: str, console: Console, check: Callable[[str], Any], *, password: bool = False) -> None:
        super().__init__(Text(prompt, "prompt"), console=console, password=password)
        self._check = check

    @classmethod
    def get_input(cls, console: Console, prompt: Any, password: bool, stream: TextIO | None = None) -> str:
        """Raises EOFError when the input has ended."""
        on_terminal = sys.stdin.isatty()
        answer = console.input(prompt, password=password and on_terminal, markup=False)
        if not on_terminal:  # what comes through a pipe is not shown by anyone else
            console.print("" if password else Text(answer))
        return answer

    def render_default(self, default: Any) -> Text:
        return Text(f"({as_text(default) or 'none'})", "prompt.default")

    def process_response(self, value: str) -> Any:
        try:
            return self._check(value)
        except ValueError as error:
            raise InvalidResponse(Text(str(error), "prompt.invalid")) from None

    def on_validate_error(self, value: str, error: InvalidResponse) -> None:
        self.console.print(error.message)


def ask(
    console: Console, prompt: str, check: Callable[[str], Any], *, default: Any = ..., password: bool = False
) -> Any:
    """The checked answer. `check` makes a value of the text or raises ValueError with what to tell the person."""
    return Ask(prompt, console, check, password=password)(default=default)


def confirm(console: Console, prompt: str, default: bool) -> bool:
    return bool(ask(console, f"{prompt} (y/n)", _yes_or_no, default=default))


def _yes_or_no(text: str) -> bool:
    answer = text.strip().lower()
    if answer not in ("y", "yes", "n", "no"):
        raise ValueError("please answer y or n")
    return answer.startswith("y")
