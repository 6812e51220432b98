"""Who a text calls: `@name` for users, `@&name` for roles. Pure: the known names come in as functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import msgspec

MAX_NAME = 64
"""Longest name that is looked for, in code points."""

_AT = re.compile(rf"@(&?)([^@\n]{{1,{MAX_NAME}}})")
_WORD = re.compile(r"[A-Za-z0-9_]+")
_WORD_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")


class Mentions(msgspec.Struct, frozen=True):
    """Names in the order of their first mention, each once. Unknown names are as typed."""

    users: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


NOBODY = Mentions()

Canonical = Callable[[str], str | None]
"""Gives the proper form of a name, None when nobody has it."""


def find_mentions(text: str, user: Canonical, role: Canonical) -> Mentions:
    """The longest known name after an `@` counts, if no letter, digit or underscore of ASCII follows it.

    Without a known one the letters, digits and underscores after the `@` count, as typed. `&@name` is no mention.
    """
    if "@" not in text:
        return NOBODY
    users: dict[str, None] = {}
    roles: dict[str, None] = {}
    for match in _AT.finditer(text):
        is_role = match[1] == "&"
        if not is_role and match.start() > 0 and text[match.start() - 1] == "&":
            continue
        name = _longest(match[2], text[match.end() : match.end() + 1], role if is_role else user)
        if name is not None:
            (roles if is_role else users)[name] = None
    return Mentions(tuple(users), tuple(roles))


def rename_mentions(text: str, user: Canonical, role: Canonical) -> str:
    """The text with `@` and another name for each that it calls; one that nobody has stays as it is."""

    def renamed(match: re.Match[str]) -> str:
        is_role = match[1] == "&"
        if is_role or text[max(match.start() - 1, 0)] != "&":
            for candidate in _candidates(match[2], text[match.end() : match.end() + 1]):
                name = (role if is_role else user)(candidate)
                if name is not None:
                    return f"@{name}{match[2][len(candidate) :]}"
        return match[0]

    return _AT.sub(renamed, text)


def _longest(run: str, following: str, known: Canonical) -> str | None:
    for candidate in _candidates(run, following):
        name = known(candidate)
        if name is not None:
            return name
    word = _WORD.match(run)
    return word[0] if word else None


def _candidates(run: str, following: str) -> Iterator[str]:
    """The beginnings of the run after which no word character follows, longest first."""
    after = following
    for end in range(len(run), 0, -1):
        if after not in _WORD_CHARACTERS and not run[end - 1].isspace():
            yield run[:end]
        after = run[end - 1]
