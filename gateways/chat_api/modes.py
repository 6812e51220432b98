"""Modes as they are written here, such as `+it-n` and `+o anna`, to commands of the core and back. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import msgspec
from msgspec import UNSET

from gateways.chat_api.types import MAX_CHANGES
from protocol.base import Command
from protocol.channel_members import ChannelMemberSet, ChannelModes, ChannelModesSet
from protocol.objects_community import MAX_CHANNEL_KEY

FLAGS = {
    "i": "invite_only",
    "m": "moderated",
    "n": "members_only",
    "s": "secret",
    "t": "topic_locked",
}
"""In the order in which they are written; the names are those of the core."""
KEY = "k"
MARKS = {"o": "operator", "v": "voice"}


class Change(msgspec.Struct, frozen=True):
    """One letter with its sign. argument: the key of `+k`, the nick of `o` and `v`."""

    on: bool
    letter: str
    argument: str | None = None


class BadModes(ValueError):
    """The text is no list of changes; says why."""

    def __init__(self, field: str, reason: str) -> None:
        """field: `modes`, or `args` where the letters and their arguments do not fit."""
        super().__init__(reason)
        self.field = field


class Modes(Protocol):
    """A channel, or the reply of a command."""

    @property
    def invite_only(self) -> Any: ...
    @property
    def moderated(self) -> Any: ...
    @property
    def members_only(self) -> Any: ...
    @property
    def secret(self) -> Any: ...
    @property
    def topic_locked(self) -> Any: ...
    @property
    def key(self) -> Any: ...


def parse(text: str, arguments: Sequence[str] = ()) -> list[Change]:
    """The changes of `+it-n` or `+o anna`, in order. arguments: those that are not in the text. Raises BadModes."""
    letters, *inline = text.split() or [""]
    waiting = [*inline, *arguments]
    changes: list[Change] = []
    on: bool | None = None
    for letter in letters:
        if letter in "+-":
            on = letter == "+"
            continue
        if on is None:
            raise BadModes("modes", "begins with + or -")
        if letter not in FLAGS and letter not in MARKS and letter != KEY:
            raise BadModes("modes", f"there is no mode {letter!r}")
        argument = None
        if letter in MARKS or (letter == KEY and on):
            if not waiting:
                raise BadModes("args", f"mode {letter!r} needs an argument")
            argument = waiting.pop(0)
            if letter == KEY and len(argument) > MAX_CHANNEL_KEY:
                raise BadModes("args", f"a key has at most {MAX_CHANNEL_KEY} characters")
        changes.append(Change(on, letter, argument))
    if not changes:
        raise BadModes("modes", "names no mode")
    if waiting:
        raise BadModes("args", "holds more than the letters need")
    if len(changes) > MAX_CHANGES:
        raise BadModes("modes", f"holds more than {MAX_CHANGES} changes")
    return changes


def text_of(changes: Iterable[Change]) -> str:
    """The reverse of `parse`, of changes whose arguments hold no white space."""
    letters, arguments = "", []
    sign = ""
    for change in changes:
        wanted = "+" if change.on else "-"
        if wanted != sign:
            letters += wanted
            sign = wanted
        letters += change.letter
        if change.argument is not None:
            arguments.append(change.argument)
    return " ".join([letters, *arguments])


def commands_of(channel: str, changes: Iterable[Change], user: Callable[[str], str]) -> list[Command]:
    """One command for the modes of the channel, if any of them change, then one for each user.

    channel: its name in the core. user: from a nick to what the core calls the user. Of two changes of the same, the
    later one counts.
    """
    modes: dict[str, Any] = {}
    marks: dict[str, dict[str, bool]] = {}
    for change in changes:
        if change.letter in FLAGS:
            modes[FLAGS[change.letter]] = change.on
        elif change.letter == KEY:
            modes["key"] = change.argument if change.on else None
        else:
            assert change.argument is not None
            marks.setdefault(user(change.argument), {})[MARKS[change.letter]] = change.on
    commands: list[Command] = [ChannelModesSet(channel=channel, **modes)] if modes else []
    commands += [ChannelMemberSet(channel=channel, user=name, **set_) for name, set_ in marks.items()]
    return commands


def modes_of(channel: Modes) -> str:
    """The modes that are set, such as `+ik`; a key is not told."""
    letters = [letter for letter, name in FLAGS.items() if getattr(channel, name)]
    if channel.key is not None and channel.key is not False and channel.key is not UNSET:
        letters.append(KEY)
    return "+" + "".join(letters) if letters else ""


def changes_of(modes: ChannelModes) -> list[Change]:
    """What an event tells of modes that changed."""
    names = {**FLAGS, KEY: "key"}
    told = [(letter, getattr(modes, name)) for letter, name in names.items()]
    changes = [Change(value, letter) for letter, value in told if value is not UNSET]
    return sorted(changes, key=lambda change: not change.on)
