"""What stands in the files already, and what will: nothing is written before all of it is known."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from config import strict_json
from config.description import default_document, settings
from config.files import json_bytes, write_files
from config.load import checked, read_document
from config.paths import data_paths
from config.problems import ConfigError, Problem
from config.schema import Config
from config.strict_json import dotted
from interview import account

PRIVATE = 0o600
"""Mode of a new users.json: it holds password hashes."""


class Owner(Struct, frozen=True):
    name: str
    password: str


class Plan:
    """The files of one server, as they are and as they shall be."""

    def __init__(self, config_file: Path, data_folder: Path | None, from_scratch: bool) -> None:
        """`from_scratch`: a broken config.json counts as none. Raises ConfigError."""
        self.config_file = config_file
        self.data_folder = data_folder
        self.exists = config_file.exists()
        self.document = self._existing(from_scratch) if self.exists else default_document()
        self.is_untouched = not self.exists or self.document == default_document()
        """There is no file, or it says what ours says: nothing of the host's is in it."""
        self.owner: Owner | None = None

    def value(self, name: str) -> Any:
        """Value of a setting: that of the file, else the default."""
        path = name.split(".")
        found: Any = self.document
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
            if found is None:
                return next(row.schema["default"] for row in settings() if row.name == name)
        return found

    def set(self, name: str, value: Any) -> None:
        section = self.document
        *parents, last = name.split(".")
        for key in parents:
            section = section.setdefault(key, {})
        section[last] = value

    @property
    def config(self) -> Config:
        """Raises ConfigError when settings do not fit each other."""
        config, found = checked(self.document)
        if config is None:
            raise ConfigError(Problem(str(self.config_file), text, dotted(at)) for at, text in found)
        return config

    @property
    def users_file(self) -> Path:
        return data_paths(self.config, self.config_file, self.data_folder).users

    def users(self) -> dict[str, Any]:
        """What users.json holds; `{}` when there is none. Raises ConfigError when it is broken."""
        path = self.users_file
        try:
            users, _ = strict_json.read(path)
        except FileNotFoundError:
            return {}
        if not isinstance(users, dict) or not all(isinstance(record, dict) for record in users.values()):
            raise ConfigError([Problem(str(path), "expected an object of user id -> record")])
        return users

    def write(self) -> list[Path]:
        """All files, or none; Ctrl-C has no effect meanwhile. Raises ConfigError, OSError."""
        contents = {self.config_file: json_bytes(self.document)}
        private = {}
        if self.owner is not None:
            users = self.users()
            config = self.config
            member_roles = config.cracked.default_roles or config.DB.users.default.roles
            account.with_owner(users, self.owner.name, self.owner.password, member_roles, time.time())
            private = {self.users_file: json_bytes(users)}
        with _uninterrupted():
            write_files(private | contents, modes=dict.fromkeys(private, PRIVATE))
        return [*contents, *private]

    def _existing(self, from_scratch: bool) -> dict[str, Any]:
        try:
            document, places = read_document(self.config_file)
            _, found = checked(document)
            if found:
                source = str(self.config_file)
                raise ConfigError(Problem(source, text, dotted(at), places.line(at)) for at, text in found)
        except ConfigError:
            if not from_scratch:
                raise
            return default_document()
        return document


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C has no effect inside."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
