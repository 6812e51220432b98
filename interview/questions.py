"""What is asked, and how an answer typed by a person becomes the value of a setting."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from msgspec import Struct

from config.check import fault_of
from config.description import settings
from config.problems import shown

_YES, _NO = ("y", "yes", "true", "on", "1"), ("n", "no", "false", "off", "0")


class Question(Struct, frozen=True):
    """One setting that the interview asks for."""

    name: str
    """The setting, e.g. `websocket.port`."""
    text: str
    flag: str
    only_if: str | None = None
    """Name of a yes-or-no setting: when it is off, this one is not asked."""


QUESTIONS = (
    Question("server.name", "Name of the community", "--name"),
    Question("websocket.host", "Address to listen on (127.0.0.1: this machine, 0.0.0.0: every network)", "--host"),
    Question("websocket.port", "Port", "--port"),
    Question("auth_mode", "Accounts (rotur: of the Rotur service, cracked-only: local, cracked: both)", "--auth-mode"),
    Question("limits.post_content", "Longest message, in characters", "--message-length"),
    Question("rate_limiting.messages_per_minute", "Messages per minute and user", "--messages-per-minute"),
    Question("rate_limiting.burst_limit", "Messages in 10 seconds and user", "--burst"),
    Question("rate_limiting.cooldown_seconds", "Pause after a burst, in seconds", "--cooldown"),
    Question("attachments.enabled", "May files be attached (y/n)", "--attachments"),
    Question("attachments.max_size", "Largest file, in bytes", "--max-upload-bytes", only_if="attachments.enabled"),
    Question(
        "attachments.allowed_types",
        "File types (MIME types, type/*, or *)",
        "--upload-types",
        only_if="attachments.enabled",
    ),
    Question("uploads.emoji_allowed_file_types", "Emoji file types", "--emoji-types"),
)


def parsed(name: str, text: str) -> Any:
    """The value of a setting as typed: numbers, y or n, lists separated by commas or spaces.

    Raises ValueError with a message for the person when it does not fit the setting.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("that is not UTF-8 text") from None
    value = _converted(_schema(name).get("type", "string"), text.strip())
    fault = fault_of(name, value)
    if fault is not None:
        raise ValueError(fault)
    return value


def as_text(value: Any) -> str:
    """A value as a person types it; the inverse of `parsed`."""
    if isinstance(value, bool):
        return "y" if value else "n"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    return str(value)


def check_host(host: str) -> None:
    """Raises ValueError when this machine cannot listen there."""
    _listen(host, 0)


def check_port(host: str, port: int) -> None:
    """Raises ValueError when the port is not free."""
    _listen(host, port)


def _schema(name: str) -> dict[str, Any]:
    return next(row.schema for row in settings() if row.name == name)


def _converted(kind: str, text: str) -> Any:
    if kind == "integer":
        with contextlib.suppress(ValueError):
            return int(text)
    if kind == "boolean":
        lowered = text.lower()
        return True if lowered in _YES else False if lowered in _NO else text
    if kind == "array":
        return text.replace(",", " ").split()
    return text


def _listen(host: str, port: int) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise ValueError(f"found {shown(host)}, expected an address or the name of this machine") from None
    family, _, _, _, address = found[0]
    try:
        socket.create_server(address[:2], family=family).close()
    except PermissionError:
        raise ValueError(f"port {port} needs the rights of an administrator; take one from 1024 on") from None
    except OSError as error:
        if port == 0:
            raise ValueError(f"this machine cannot listen on {host}: {error.strerror}") from None
        raise ValueError(f"port {port} is in use by another program; take another") from None
