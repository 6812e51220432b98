"""The files with the settings of plugins: `<data folder>/plugins/<plugin>.json`. Read in the plugins' threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from plugin_api import Settings

MAX_BYTES = 1 << 20


class SettingsError(Exception):
    """The file cannot be used; the text says where and why. where: path of the setting, such as `words[3]`, or ""."""

    def __init__(self, text: str, where: str = "", reason: str = "") -> None:
        super().__init__(text)
        self.where = where
        self.reason = reason


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
    return _decoded(path, data, type_)


def change(
    path: Path, type_: type[Settings], edit: Callable[[dict[str, Any]], dict[str, Any]]
) -> tuple[Settings | None, Settings]:
    """Write what `edit` makes of the file's document, if it is right: the settings before, None where the file had a
    mistake, and after. Raises SettingsError, or what `edit` raises; then nothing was written."""
    document = _document(path)
    after = edit(document)
    data = msgspec.json.encode(after)
    new = _decoded(path, data, type_)
    if len(msgspec.json.format(data, indent=2)) >= MAX_BYTES:
        raise SettingsError(f"{path.name}: it would have more than {MAX_BYTES} bytes")
    try:
        old = _decoded(path, msgspec.json.encode(document), type_)
    except SettingsError:
        old = None
    if after != document:
        _write(path, after)
    return old, new


def switch(path: Path, enabled: bool) -> None:
    """Write `enabled` into the file; everything else in it stays. Raises SettingsError."""
    _write(path, _document(path) | {"enabled": enabled})


def _document(path: Path) -> dict[str, Any]:
    """What the file holds; {} when there is none. Raises SettingsError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any]) if path.exists() else {}
    except OSError as error:
        raise SettingsError(f"{path.name} cannot be read: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path.name}: {error}") from None


def _decoded(path: Path, data: bytes, type_: type[Settings]) -> Settings:
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `")
        where = place.rstrip("`").removeprefix("key in ").removeprefix("$").lstrip(".")
        raise SettingsError(": ".join(filter(None, (path.name, where, reason))), where, reason) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path.name}: not JSON: {error}") from None


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
