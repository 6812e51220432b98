"""JSON written by hand: read strictly, and with the line of every value.

Refused besides what is not JSON: duplicate keys, NaN and infinities (also as 1e999), lone surrogates, deep nesting.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from config.problems import ConfigError, Problem

Step = str | int
"""One step down into a document: a key or an index."""


def dotted(path: Sequence[Step]) -> str:
    """`("a", "b", 0)` -> `a.b[0]`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


class Places:
    """Where each value of a JSON text stands."""

    def __init__(self, text: str) -> None:
        self._lines: dict[tuple[Step, ...], int] = {}
        self._duplicates: list[tuple[tuple[Step, ...], int]] = []
        self._text = text
        self._walked = False

    def line(self, path: Sequence[Step]) -> int | None:
        """Line, counted from 1, of the value at `path`, or of the nearest value around it that exists."""
        self._walk()
        for end in range(len(path), -1, -1):
            found = self._lines.get(tuple(path[:end]))
            if found is not None:
                return found
        return None

    def duplicates(self) -> list[tuple[tuple[Step, ...], int]]:
        """Path and line of each key that stands in its object a second time."""
        self._walk()
        return self._duplicates

    def _walk(self) -> None:
        if self._walked:
            return
        self._walked = True
        try:
            # JSON is YAML, except that YAML refuses tabs between tokens; inside a JSON string there is none.
            node = yaml.compose(self._text.replace("\t", " "), Loader=yaml.SafeLoader)
        except (yaml.YAMLError, RecursionError):
            return
        if node is not None:
            for path, line in self._values(node, ()):
                self._lines.setdefault(path, line)

    def _values(self, node: yaml.Node, path: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], int]]:
        yield path, node.start_mark.line + 1
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                yield from self._values(item, (*path, index))
        elif isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                if key.value in seen:
                    self._duplicates.append(((*path, key.value), key.start_mark.line + 1))
                seen.add(key.value)
                yield from self._values(value, (*path, key.value))


def parse(data: bytes, source: str) -> tuple[Any, Places]:
    """The value a file holds, and the place of each part. Raises ConfigError; `source` names the file in it."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(source, "is not UTF-8 text", line=line)]) from None
    places = Places(text)
    repeated: list[str] = []
    try:
        value = json.loads(
            text,
            object_pairs_hook=lambda pairs: _object(pairs, repeated),
            parse_constant=_no_constant,
            parse_float=_finite,
        )
        text.encode()
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        reason = f"is not JSON: {_reason(text, error)}"
        raise ConfigError([Problem(source, reason, line=error.lineno, column=error.colno)]) from None
    except UnicodeEncodeError:
        raise ConfigError([Problem(source, "holds half of a surrogate pair (\\ud800 to \\udfff)")]) from None
    except _NotFiniteError as error:
        where = _line_of_token(text, str(error))
        raise ConfigError([Problem(source, f"is not JSON: {error} is not a number", line=where)]) from None
    except RecursionError:
        raise ConfigError([Problem(source, "is nested too deeply")]) from None
    except ValueError:  # an integer of more digits than Python converts
        raise ConfigError([Problem(source, "holds a number of thousands of digits")]) from None
    if repeated:
        found = places.duplicates()
        raise ConfigError(
            [Problem(source, "stands here a second time", dotted(path), line) for path, line in found]
            or [Problem(source, f"the key {key!r} stands twice in one object") for key in repeated]
        )
    return value, places


def _reason(text: str, error: json.JSONDecodeError) -> str:
    """In words of the habits of other formats, where it is one of those."""
    found, before = text[error.pos : error.pos + 1], text[: error.pos].rstrip()[-1:]
    if not text.strip():
        return "it is empty; {} holds nothing"
    if found in ("/", "#"):
        return "there is a comment, and JSON knows none"
    if found == "'":
        return "keys and texts stand in double quotes"
    if before == "," and found in ("}", "]"):
        return f"there is a comma before {found}, where nothing follows"
    if found == "," and text[error.pos + 1 :].lstrip()[:1] in ("}", "]"):  # Python 3.13 points at the comma
        return f"there is a comma before {text[error.pos + 1 :].lstrip()[:1]}, where nothing follows"
    return error.msg


def read(path: Path) -> tuple[Any, Places]:
    """As `parse`, from a file. Raises ConfigError, and FileNotFoundError when there is none."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        if path.is_symlink():  # a disk that is not there, say; the host has settings, and no file is not them
            raise ConfigError([Problem(str(path), f"is a link to {path.readlink()}, where nothing is")]) from None
        raise
    except OSError as error:
        raise ConfigError([Problem(str(path), f"cannot be read: {error.strerror}")]) from None
    return parse(data, str(path))


class _NotFiniteError(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]], repeated: list[str]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated.extend(key for key in made if keys.count(key) > 1)
    return made


def _no_constant(token: str) -> float:
    raise _NotFiniteError(token)


def _finite(token: str) -> float:
    number = float(token)
    if not math.isfinite(number):
        raise _NotFiniteError(token)
    return number


def _line_of_token(text: str, token: str) -> int | None:
    """Line of the first `token` outside a string."""
    inside = False
    position = 0
    while position < len(text):
        character = text[position]
        if inside and character == "\\":
            position += 1
        elif character == '"':
            inside = not inside
        elif not inside and text.startswith(token, position):
            return text.count("\n", 0, position) + 1
        position += 1
    return None
