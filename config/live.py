"""The settings a running server uses, and how they change without a restart."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from config.description import Setting, default_document, from_document, settings, to_document
from config.environment import FILE_NAME, given
from config.files import json_bytes, write_file
from config.load import checked, load, read_document
from config.problems import ConfigError, Problem
from config.schema import Config
from config.strict_json import dotted


class Reloaded(Struct, frozen=True):
    """What came of reading config.json again. With problems, nothing changed."""

    changed: tuple[str, ...] = ()
    """Live settings that have their new value now, in the order of the file."""
    restart_only: tuple[str, ...] = ()
    """Settings whose value in the file waits for a restart."""
    problems: tuple[Problem, ...] = ()


class LiveConfig:
    """`current` is replaced as a whole: read it anew each time, keep no part of it."""

    def __init__(
        self, path: Path, config: Config, environ: Mapping[str, str], overrides: Mapping[str, Any] | None = None
    ) -> None:
        """`config` is what `load` made of the other three."""
        self.path = path
        self.current = config
        self.env_path = path.absolute().parent / FILE_NAME
        self._environ = dict(environ)
        self._overrides = dict(overrides or {})
        self._file = default_document()
        """What stood in the file when it was read last."""
        self._remember()
        self.on_change: Callable[[], None] = lambda: None
        """Called by `reload` when other settings are in force."""

    def fixed_by(self, name: str) -> str | None:
        """What gives the setting `name` its value whatever the file says; None: the file decides."""
        if name in self._overrides:
            return "the command line"
        variables, _ = given(self.path, self._environ)
        winner = next((found for found in reversed(variables) if found.row.name == name), None)
        if winner is None:
            return None
        in_file = "" if winner.variable in self._environ else f" in {FILE_NAME}"
        return f"the environment variable {winner.variable}{in_file}"

    def reload(self) -> Reloaded:
        """Take what changed in the file. A broken or missing file changes nothing. Never raises ConfigError."""
        if not self.path.exists():
            return Reloaded(problems=(Problem(str(self.path), "is missing; the running settings stay"),))
        try:
            wanted = load(self.path, self._environ, self._overrides)
        except ConfigError as error:
            return Reloaded(problems=error.problems)
        self._remember()
        running, document = to_document(self.current), to_document(wanted)
        differing = [row for row in settings() if _at(running, row) != _at(document, row)]
        waiting = [row for row in differing if row.needs_restart]
        changed = [row.name for row in differing if not row.needs_restart]
        if self.current.DB.users.default.extra != wanted.DB.users.default.extra:
            changed.append("DB.users.default")
        for row in waiting:
            _section(document, row)[row.path[-1]] = _at(running, row)
        self.current = from_document(document)
        if changed:
            self.on_change()
        return Reloaded(tuple(changed), tuple(row.name for row in waiting))

    def update_file(self, changes: Mapping[str, Any]) -> None:
        """Write some settings (`server.name`) into the file; every other key and the order of keys stay.

        A missing file is made from what it said before, or from the defaults. Call `reload` to use the new values.
        Blocks while it writes. Raises ConfigError, with the file untouched, when it is broken or would be; OSError
        when it cannot be written.
        """
        document, problems = self._with(changes)
        if problems:
            raise ConfigError(problems)
        write_file(self.path, json_bytes(document))

    def try_changes(self, changes: Mapping[str, Any]) -> list[Problem]:
        """What would be wrong with the file after `update_file`. Raises ConfigError when it cannot be read."""
        return self._with(changes)[1]

    def read(self) -> Config:
        """What would count after a restart. Raises ConfigError."""
        return load(self.path, self._environ, self._overrides)

    def _remember(self) -> None:
        with contextlib.suppress(ConfigError):
            if self.path.exists():
                self._file = read_document(self.path)[0]

    def _with(self, changes: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
        """The document of the file with these changes, and what is wrong with it, or with the file before them."""
        exists = self.path.exists()
        document, places = read_document(self.path) if exists else (copy.deepcopy(self._file), None)
        rows = {row.name: row for row in settings()}
        _, found = checked(document)
        if not found:
            for name, value in changes.items():
                _section(document, rows[name])[rows[name].path[-1]] = value
            _, found = checked(document)
        source = str(self.path)
        return document, [Problem(source, text, dotted(at), places.line(at) if places else None) for at, text in found]


def _section(document: dict[str, Any], row: Setting) -> dict[str, Any]:
    for key in row.path[:-1]:
        document = document.setdefault(key, {})
    return document


def _at(document: dict[str, Any], row: Setting) -> Any:
    return _section(document, row)[row.path[-1]]
