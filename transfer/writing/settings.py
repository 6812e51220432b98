"""The settings of an old config.json, as far as they exist here and mean the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from config.check import fault_of
from config.description import OPEN_SECTION, default_document, settings
from config.load import checked
from transfer.report import Report

ABSENT: dict[str, Any] = {
    "rate_limiting.enabled": False,
    "rate_limiting.messages_per_minute": 30,
    "rate_limiting.burst_limit": 5,
    "rate_limiting.cooldown_seconds": 60,
    "auth_mode": "rotur",
}
"""What upstream does without a key, where that differs from what is done here. Source: storage.yaml, config.json."""
RETENTION = "modlog.retention."
NOT_TAKEN = {
    "DB.channels": "paths are those of this server",
    "DB.users.file": "paths are those of this server",
    "DB.users": "paths are those of this server",
    "DB.roles": "paths are those of this server",
    "DB.url": "paths are those of this server",
    "rotur.validate_key": "not used any more",
    "rotur.validate_url": "not used any more",
    "cracked.default_roles": "upstream did not read it; new members get DB.users.default.roles",
    "$schema": "",
}
MOVED = {"max_lengths.post_content": "limits.post_content"}


def taken_over(old: dict[str, Any], report: Report, own: bool = False) -> dict[str, Any]:
    """A whole document for config.json: the defaults, with what the old one says. own: it is one of this server."""
    known = {row.name: row for row in settings()}
    document = default_document()
    defaults = dict(_leaves(document, ()))
    given: dict[str, Any] = {}
    for name, value in _leaves(old, ()):
        name = MOVED.get(name, name)
        if name == "server.url" and isinstance(value, str) and value.startswith("ws"):
            value = "http" + value.removeprefix("ws")
        if name in NOT_TAKEN:
            if NOT_TAKEN[name] and value != defaults.get(name):
                report.note("setting", f"{name}: {NOT_TAKEN[name]}")
        elif name in known:
            fault = fault_of(name, value)
            if fault is None:
                given[name] = value
            else:
                report.note("setting", f"{name}: {fault}")
        elif tuple(name.split("."))[: len(OPEN_SECTION)] == OPEN_SECTION:
            given[name] = value
        elif value not in ({}, []):
            report.note("setting", f"{name}: unknown here")
    absent = {} if own else dict(ABSENT)
    if RETENTION + "default" in given and not own:
        absent |= {name: given[RETENTION + "default"] for name in known if name.startswith(RETENTION)}
    for name, value in absent.items():
        if name in known and name not in given:
            given[name] = value
            report.note("setting_written_out", f"{name}: {value}")
    for name, value in given.items():
        _put(document, name.split("."), value)
    _, faults = checked(document)
    while faults:  # settings that do not fit each other
        path = [str(step) for step in faults[0][0]]
        report.note("setting", f"{'.'.join(path)}: {faults[0][1]}")
        _put(document, path[:2], _value(default_document(), path[:2]))
        if checked(document)[1] == faults:
            return default_document()
        _, faults = checked(document)
    report.counts["settings"] = len(given)
    return document


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """(dotted name, value) of everything that is no section."""
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from _leaves(part, (*path, key))
    elif path:
        yield ".".join(path), value


def _put(document: dict[str, Any], path: list[str], value: Any) -> None:
    section = document
    for key in path[:-1]:
        section = section.setdefault(key, {})
    section[path[-1]] = value


def _value(document: dict[str, Any], path: list[str]) -> Any:
    for key in path:
        document = document[key]
    return document
