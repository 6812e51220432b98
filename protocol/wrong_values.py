"""What would have fitted, for whoever sent a value that does not: msgspec's texts name neither choices nor patterns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from msgspec import inspect

_STEP = re.compile(r"\.([^.\[\]]+)|(\[[^\]]*\])")
_type_info = cache(inspect.type_info)


def in_words(error: Exception, kind: Any) -> tuple[str, str]:
    """The text of a validation error for a value of type `kind`, and the path to what is wrong, such as `.args[0]`."""
    what, _, where = str(error).partition(" - at `$")
    where = where.rstrip("`")
    if what.startswith(("Invalid enum value", "Expected `str` matching regex")):
        found = _at(_type_info(kind), where)
        choices = [repr(value) for node, _ in found if isinstance(node, inspect.LiteralType) for value in node.values]
        words = [
            text for node, text in found if isinstance(node, inspect.StrType) and node.pattern is not None and text
        ]
        if choices and what.startswith("Invalid"):
            what = f"{what}; expected one of {', '.join(choices)}"
        elif words and what.startswith("Expected"):
            what = f"This does not fit: {words[0]}"
    return what, where


def _at(kind: inspect.Type, where: str) -> list[tuple[inspect.Type, str]]:
    """The types that a value at the path may have, and what is said about each."""
    found = list(_flat(kind, ""))
    for name, _ in _STEP.findall(where):
        found = [leaf for node, _ in found for inner in _inside(node, name) for leaf in _flat(inner, "")]
    return found


def _inside(node: inspect.Type, name: str) -> Iterator[inspect.Type]:
    """What stands in a field, or without a name in a list or object."""
    if isinstance(node, inspect.StructType):
        yield from (field.type for field in node.fields if field.encode_name == name)
    elif isinstance(node, inspect.ListType) and not name:
        yield node.item_type
    elif isinstance(node, inspect.DictType) and not name:
        yield node.value_type


def _flat(node: inspect.Type, text: str) -> Iterator[tuple[inspect.Type, str]]:
    """The type without what wraps it, with the innermost description; of a union all members."""
    if isinstance(node, inspect.Metadata):
        yield from _flat(node.type, (node.extra_json_schema or {}).get("description", text))
    elif isinstance(node, inspect.UnionType):
        for member in node.types:
            yield from _flat(member, text)
    else:
        yield node, text
