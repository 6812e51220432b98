"""How a wrong setting is told to the person who wrote it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

_SHOWN_CHARACTERS = 60


class Problem(Struct, frozen=True):
    """One thing that is wrong, and where."""

    source: str
    """Path of the file, name of the environment variable, or the command line flag."""
    message: str
    """What was found and what is expected, or how to mend it."""
    path: str = ""
    """The setting, e.g. `websocket.port`; empty: the file as a whole."""
    line: int | None = None
    """Counted from 1."""
    column: int | None = None
    """Counted from 1; known where the file is not JSON."""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.source, self.line, self.column) if part is not None)
        return ": ".join(part for part in (place, self.path, self.message) if part)


class ConfigError(Exception):
    """Settings that cannot be used. `problems` holds at least one; the text has one line for each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def reason_of(error: OSError) -> str:
    """Which file, where it is known, and why: "/srv/chat: No space left on device"."""
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason


def shown(value: Any) -> str:
    """A value as it stands in the file, cut to a readable length, without the password of a URL."""
    text = re.sub(r"(://[^/@:]*):[^/]*@", r"\1:***@", json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."
