"""Settings from environment variables, and from the file `.env` beside config.json, where the real ones win.

A setting has a name of its own, `ORIGINCHATS_<SECTION>_<KEY>`, and some also a short one, such as `PORT`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream
from msgspec import Struct

from config import strict_json
from config.check import fault_of, nearest
from config.description import ENVIRONMENT_PREFIX, Setting, environment_names, short_environment_names
from config.problems import ConfigError, Problem, shown

FILE_NAME = ".env"
SWITCHES = {"DEBUG": {True: "debug", False: None}}
"""Short names that are true or false, whatever the setting takes; None: the setting is left alone."""
TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class Given(Struct, frozen=True):
    """The value of one setting, and the variable that gives it."""

    row: Setting
    value: Any
    variable: str
    source: str
    """For people: where the variable stands."""


def given(config_file: Path, environ: Mapping[str, str]) -> tuple[list[Given], list[Problem]]:
    """What variables give, the weaker before the stronger: `.env`, then `environ`; in each the short names first."""
    in_file, problems = _read(config_file.absolute().parent / FILE_NAME)
    found: list[Given] = []
    for layer in (in_file, {name: (text, f"environment {name}") for name, text in environ.items()}):
        for variable, row in short_environment_names().items():
            if layer.get(variable, ("", ""))[0] == "":
                continue  # as scripts write it for `not set`
            text, source = layer[variable]
            if variable not in SWITCHES:
                found.append(Given(row, _value(row, text), variable, source))
            elif text.lower() not in TRUE + FALSE:
                problems.append(Problem(source, f"found {shown(text)}, expected true or false", row.name))
            elif (value := SWITCHES[variable][text.lower() in TRUE]) is not None:
                found.append(Given(row, value, variable, source))
        for variable in sorted(name for name in layer if name.startswith(ENVIRONMENT_PREFIX)):
            text, source = layer[variable]
            named = environment_names().get(variable)
            if named is None:
                problems.append(Problem(source, "no such setting" + _suggestion(variable)))
            else:
                found.append(Given(named, _value(named, text), variable, source))
    return found, problems


def _read(file: Path) -> tuple[dict[str, tuple[str, str]], list[Problem]]:
    """Text and place of each variable of a `.env` file; of two with one name the last counts. No file: none."""
    try:
        text = file.read_text("utf-8-sig")
    except FileNotFoundError:
        return {}, []
    except OSError as error:
        return {}, [Problem(str(file), f"cannot be read: {error.strerror}")]
    except UnicodeDecodeError:
        return {}, [Problem(str(file), "is not UTF-8 text")]
    found: dict[str, tuple[str, str]] = {}
    problems = []
    for key, value, line, broken in _statements(text):
        if broken:
            problems.append(Problem(str(file), "expected NAME=value", line=line))
        elif key is not None:
            found[key] = (value or "", f"{file}:{line}: {key}")
    return found, problems


def _statements(text: str) -> Iterator[tuple[str | None, str | None, int, bool]]:
    """Name, value, line of the name, and whether it cannot be read. Comments and empty lines have no name."""
    for binding in parse_stream(io.StringIO(text)):
        statement = binding.original.string
        blank = statement[: len(statement) - len(statement.lstrip())]
        yield binding.key, binding.value, binding.original.line + blank.count("\n"), binding.error


def _suggestion(variable: str) -> str:
    bare = [name.removeprefix(ENVIRONMENT_PREFIX) for name in environment_names()]
    meant = nearest(variable.removeprefix(ENVIRONMENT_PREFIX), bare)
    return f"; did you mean {ENVIRONMENT_PREFIX}{meant}?" if meant else ""


def _value(row: Setting, text: str) -> Any:
    """JSON where that fits the setting, else the text itself: a server may be called `123` without quotes."""
    try:
        value, _ = strict_json.parse(text.encode(errors="surrogatepass"), row.environment_name)
    except ConfigError:
        return text
    return text if fault_of(row.name, value) and not fault_of(row.name, text) else value
