"""The arguments of a slash call against the options of its command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from protocol.errors import Code, Refused
from protocol.objects_messages import MAX_INTEGER
from protocol.slash_commands import SlashOption

EXPECTED = {
    "str": "expected text",
    "int": "expected a whole number",
    "float": "expected a number",
    "bool": "expected true or false",
}


def checked_arguments(options: Sequence[SlashOption], args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments in the order of the options, each of its option's type; what is absent or null is left out. Raises
    Refused for an argument that is unknown, missing or of another type."""
    known = {option.name for option in options}
    for name in args:
        if name not in known:
            raise _refusal(name, "unknown argument")
    checked: dict[str, Any] = {}
    for option in options:
        value = args.get(option.name)
        if value is not None:
            checked[option.name] = _typed(option, value)
        elif option.required:
            raise _refusal(option.name, "missing required argument")
    return checked


def _typed(option: SlashOption, value: Any) -> Any:
    if option.type == "enum":
        if value not in (option.choices or ()):
            raise _refusal(option.name, f"expected one of: {', '.join(option.choices or ())}")
        return value
    if option.type == "int" and isinstance(value, float) and value.is_integer() and abs(value) <= MAX_INTEGER:
        return int(value)
    fits = {
        "str": isinstance(value, str),
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, int | float) and not isinstance(value, bool),
        "bool": isinstance(value, bool),
    }
    if not fits[option.type]:
        raise _refusal(option.name, EXPECTED[option.type])
    return value


def _refusal(name: str, reason: str) -> Refused:
    return Refused(Code.BAD_VALUE, field=f"slash_call.args.{name}", reason=reason)
