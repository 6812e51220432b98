"""From the bytes of a frame to a typed command."""

from __future__ import annotations

import re
from functools import cache
from itertools import accumulate
from typing import Any, Union

import msgspec

from protocol.base import COMMANDS, Command
from protocol.errors import Code, Refused
from protocol.wrong_values import in_words

MAX_DEPTH = 64
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""Matches what has no end as well, and never looks back: a search through hostile text takes one pass."""
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")


class _Envelope(msgspec.Struct):
    cmd: Any = None
    listener: Any = None


class BadPacket(Refused):
    """A frame that is not a valid command. Carries what an answer needs: `cmd` and `listener`, where they are text."""

    def __init__(self, code: Code, cmd: str | None, listener: str | None, /, **fields: Any) -> None:
        super().__init__(code, **fields)
        self.cmd = cmd
        self.listener = listener


@cache
def _decoder() -> msgspec.json.Decoder[Command]:
    import protocol.all  # noqa: F401  (defines the commands)

    return msgspec.json.Decoder(Union[tuple(spec.command for spec in COMMANDS.values())])  # noqa: UP007  # type: ignore[return-value]


_envelope = msgspec.json.Decoder(_Envelope)


def decode(text: bytes) -> Command:
    """Decode and validate one command. Raises BadPacket, which names the field that is wrong.

    Refused as malformed: anything but one JSON object, NaN, lone surrogates, nesting deeper than `MAX_DEPTH`.
    """
    if is_too_deep(text):
        raise BadPacket(Code.MALFORMED, None, None, reason=f"nested deeper than {MAX_DEPTH} levels")
    try:
        return _decoder().decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _explain(text, error) from None


def _explain(text: bytes, error: Exception) -> BadPacket:
    try:
        envelope = _envelope.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        reason = "expected one JSON object" if isinstance(error, msgspec.ValidationError) else str(error)
        return BadPacket(Code.MALFORMED, None, None, reason=reason)
    cmd = envelope.cmd if isinstance(envelope.cmd, str) else None
    listener = envelope.listener if isinstance(envelope.listener, str) else None
    if cmd is None:
        return BadPacket(Code.MALFORMED, None, listener, reason="`cmd`, the name of the command as text, is missing")
    if cmd not in COMMANDS:
        return BadPacket(Code.UNKNOWN_COMMAND, cmd[:64], listener, cmd=cmd[:64])
    if isinstance(error, UnicodeDecodeError):
        return BadPacket(Code.MALFORMED, cmd, listener, reason="a text is not valid UTF-8")
    what, where = in_words(error, COMMANDS[cmd].command)
    field = where.lstrip(".") or "packet"
    return BadPacket(Code.BAD_VALUE, cmd, listener, field=f"{cmd}.{field}" if field != "packet" else cmd, reason=what)


def is_too_deep(text: bytes) -> bool:
    """Whether the JSON is nested deeper than `MAX_DEPTH`."""
    return text.count(b"[") + text.count(b"{") > MAX_DEPTH and _deeper_than(text, MAX_DEPTH)


def _deeper_than(text: bytes, depth: int) -> bool:
    """Sum up brackets as +1 and -1; all of it runs in C, as the frame may be large."""
    steps = _STRING.sub(b"", text).translate(_STEPS, _NO_BRACKET)
    return max(accumulate(memoryview(steps).cast("b")), default=0) > depth
