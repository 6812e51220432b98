"""Is a document a usable config.json? The answer names key, what was found and what is expected."""

from __future__ import annotations

import difflib
import functools
import ipaddress
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from config.description import expected, json_schema, settings
from config.problems import shown
from config.schema import Config
from config.strict_json import Step, dotted

Fault = tuple[tuple[Step, ...], str]
"""Path of the wrong value, and what is wrong."""
WITH_PASSWORDS = ("voice", "ice_servers")
"""What is found here is not told."""


def faults(document: Any) -> list[Fault]:
    """What the schema refuses in a whole document, in the order of the document."""
    return [fault for error in _validator().iter_errors(document) for fault in _explained(error)]


def faults_between(config: Config) -> list[Fault]:
    """What no schema can say: settings that do not fit each other, or are of no use as they are."""
    found: list[Fault] = []
    for index, text in enumerate(config.websocket.trusted_proxies):
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            place = ("websocket", "trusted_proxies", index)
            found.append((place, f"found {shown(text)}, expected an address or a network such as 192.0.2.0/24"))
    if config.sessions.event_log_days * 86_400 < config.sessions.timeout_s:
        path = ("sessions", "event_log_days")
        found.append((path, f"is shorter than sessions.timeout_s ({config.sessions.timeout_s} seconds)"))
    return found


def fault_of(name: str, value: Any) -> str | None:
    """What is wrong with one value of the setting `name` (`websocket.port`); None: nothing."""
    document: Any = value
    for key in reversed(name.split(".")):
        document = {key: document}
    return next((text for _, text in faults(document)), None)


def nearest(key: str, known: list[str]) -> str | None:
    """The known name that was probably meant."""
    lowered = {name.lower(): name for name in known}
    found = difflib.get_close_matches(key.lower(), lowered, n=1, cutoff=0.6)
    return lowered[found[0]] if found else None


@functools.cache
def _validator() -> Any:
    # JSON Schema takes 2.0 for a whole number; the types do not.
    whole = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _checker, value: isinstance(value, int) and not isinstance(value, bool)
    )
    extend: Any = validators.extend  # has no types
    return extend(Draft202012Validator, type_checker=whole)(json_schema())


def _explained(error: ValidationError) -> Iterator[Fault]:
    path = tuple(error.absolute_path)
    schema = error.schema
    if not isinstance(schema, dict):
        yield path, error.message
    elif error.validator == "additionalProperties":
        found: Any = error.instance
        for key in found:
            if key not in schema["properties"]:
                yield (*path, key), "unknown key" + _suggestion(path, key, list(schema["properties"]))
    elif path[:2] == WITH_PASSWORDS:
        yield path, f"expected {expected(schema)}"
    else:
        yield path, f"found {shown(error.instance)}, expected {expected(schema)}"


def _suggestion(path: tuple[Step, ...], key: str, siblings: list[str]) -> str:
    meant = nearest(key, siblings)
    if meant is not None:
        return f'; did you mean "{dotted((*path, meant))}"?'
    elsewhere = {row.path[-1]: row.name for row in reversed(settings())}  # of equal names the first in the file
    meant = nearest(key, list(elsewhere))
    return f'; did you mean "{elsewhere[meant]}"?' if meant is not None else ""
