"""From a file, the environment and the command line to a `Config`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from config import strict_json
from config.check import Fault, faults, faults_between
from config.description import from_document, settings
from config.environment import given
from config.problems import ConfigError, Problem
from config.schema import Config
from config.strict_json import Places, Step, dotted

logger = logging.getLogger(__name__)


def load(path: Path, environ: Mapping[str, str], overrides: Mapping[str, Any] | None = None) -> Config:
    """Settings of the file, overridden by variables (see config/environment.py), overridden by `overrides`.

    A missing file means the defaults. `overrides` maps names (`websocket.port`) to values and is what the command
    line asks for. Raises ConfigError with every problem there is.
    """
    document, places = read_document(path)
    sources: dict[tuple[Step, ...], str] = {}
    variables, problems = given(path, environ)
    for variable in variables:
        _put(document, variable.row.path, variable.value)
        sources[variable.row.path] = variable.source
    rows = {row.name: row for row in settings()}
    for name, value in (overrides or {}).items():
        _put(document, rows[name].path, value)
        sources[rows[name].path] = "command line"
    config, found = checked(document)
    problems += [_problem(path, places, sources, fault) for fault in found]
    if problems or config is None:
        raise ConfigError(sorted(problems, key=lambda problem: problem.line or 0))
    return config


def read_document(path: Path) -> tuple[dict[str, Any], Places]:
    """What the file says, in the current form, unchecked; `{}` when there is no file. Raises ConfigError."""
    try:
        document, places = strict_json.read(path)
    except FileNotFoundError:
        return {}, Places("")
    if not isinstance(document, dict):
        raise ConfigError([Problem(str(path), "expected an object, the settings in braces", line=1)])
    return _upgraded(document, path), places


def checked(document: dict[str, Any]) -> tuple[Config | None, list[Fault]]:
    """The `Config` of a document, or all that is wrong with it."""
    found = faults(document)
    if found:
        return None, found
    try:
        config = from_document(document)
    except msgspec.ValidationError as error:  # a bound the schema does not know; the two come from the same types
        return None, [((), str(error))]
    found = faults_between(config)
    return (None if found else config), found


def _problem(path: Path, places: Places, sources: dict[tuple[Step, ...], str], fault: Fault) -> Problem:
    at, message = fault
    for end in range(len(at), 0, -1):
        if at[:end] in sources:
            return Problem(sources[at[:end]], message, dotted(at))
    return Problem(str(path), message, dotted(at), places.line(at))


def _put(document: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Sets one value. Where the file holds something else than a section on the way, that is left to the check."""
    section: Any = document
    for key in path[:-1]:
        section = section.setdefault(key, {})
        if not isinstance(section, dict):
            return
    section[path[-1]] = value


def _upgraded(document: dict[str, Any], path: Path) -> dict[str, Any]:
    """Keys of the first upstream servers, moved to where they are now or dropped where they mean nothing any more."""
    old = dict(document)
    lengths = old.get("max_lengths")
    if isinstance(lengths, dict) and set(lengths) <= {"post_content"}:
        del old["max_lengths"]
        limits = old.get("limits", {})
        if isinstance(limits, dict) and lengths:
            old["limits"] = lengths | limits
        logger.warning("%s: max_lengths.post_content is called limits.post_content now", path)
    rotur = old.get("rotur")
    if isinstance(rotur, dict) and "validate_key" in rotur:
        old["rotur"] = {key: value for key, value in rotur.items() if key not in ("validate_key", "validate_url")}
        logger.warning(
            "%s: rotur.validate_key and the rotur.validate_url that goes with it are not used any more", path
        )
    data = old.get("DB")
    if isinstance(data, dict) and isinstance(data.get("users"), str):
        # Those servers named a folder in DB.channels and read neither of the two.
        old["DB"] = {key: value for key, value in data.items() if key not in ("users", "channels")}
        logger.warning("%s: DB.users and DB.channels of the first servers are not used any more", path)
    return old
