"""The files with the settings of plugins: `<data folder>/plugins/<plugin>.json`. Read in the plugins' threads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from plugin_api import Settings

MAX_BYTES = 1 << 20


class SettingsError(Exception):
    """The file cannot be used; the text says where and why."""


def read(path: Path, type_: type[Settings]) -> Settings:
    """The settings; the file is written with the defaults where there is none. Raises SettingsError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return _write_defaults(path, type_)
    except OSError as error:
        raise SettingsError(f"{path.name} cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise SettingsError(f"{path.name}: more than {MAX_BYTES} bytes")
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.ValidationError as error:
        reason, _, where = str(error).partition(" - at `$")
        field = where.rstrip("`").lstrip(".")
        raise SettingsError(": ".join(filter(None, (path.name, field, reason)))) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path.name}: not JSON: {error}") from None


def switch(path: Path, enabled: bool) -> None:
    """Write `enabled` into the file; everything else in it stays. Raises SettingsError."""
    try:
        document = msgspec.json.decode(path.read_bytes(), type=dict[str, Any]) if path.exists() else {}
    except OSError as error:
        raise SettingsError(f"{path.name} cannot be read: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path.name}: {error}") from None
    _write(path, document | {"enabled": enabled})


def _write_defaults(path: Path, type_: type[Settings]) -> Settings:
    try:
        settings = type_()
    except TypeError as error:
        raise SettingsError(f"{path.name}: a setting has no default: {error}") from None
    _write(path, settings)
    return settings


def _write(path: Path, settings: Any) -> None:
    text = msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n"
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.write_bytes(text)
        os.replace(temporary, path)
    except OSError as error:
        raise SettingsError(f"{path.name} cannot be written: {error.strerror}") from None
