"""Write the files of a small community by hand, as a host would, before or while the server runs."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from handlers.passwords import hash_password

PASSWORD = "correct horse"

CONFIG: dict[str, Any] = {
    "server": {"name": "Test community", "owner": {"name": "host"}},
    "auth_mode": "cracked",
    "rate_limiting": {"enabled": False},
    "plugins": {"before_s": 10},  # a busy machine takes longer than a message should wait
    "limits": dict.fromkeys(
        ("profile_changes_per_minute", "broadcasts_per_minute", "searches_per_minute", "lists_per_minute"), 1_000_000
    ),
}

EVERYBODY: dict[str, list[str]] = {
    "view": ["user"],
    "send": ["user"],
    "delete": ["moderator"],
    "delete_own": ["user"],
    "edit_own": ["user"],
    "react": ["user"],
    "pin": ["moderator"],
    "create_thread": ["user"],
}
MODERATORS: dict[str, list[str]] = {key: ["moderator"] for key in EVERYBODY}

CHANNELS: list[dict[str, Any]] = [
    {"type": "text", "name": "general", "description": "For everybody", "permissions": EVERYBODY},
    {"type": "text", "name": "staff", "permissions": MODERATORS},
    {"type": "forum", "name": "ideas", "permissions": EVERYBODY},
]


@cache
def password_hash() -> str:
    """Argon2id of `PASSWORD` with today's parameters: a weaker hash would be replaced at the first login."""
    return hash_password(PASSWORD)


def account(name: str, roles: Iterable[str] = ("user",), **fields: Any) -> dict[str, Any]:
    return {
        "username": f"USR:local_{name}",
        "nickname": name,
        "roles": list(roles),
        "status": {"status": "online", "text": ""},
        "password_hash": password_hash(),
        **fields,
    }


def user_id(name: str) -> str:
    return f"USR:local_{name}"


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A deep copy of `base` in which `changes` replace values, section by section."""
    result = copy.deepcopy(dict(base))
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def write_community(
    folder: Path,
    *,
    users: Mapping[str, Iterable[str]] | None = None,
    channels: list[dict[str, Any]] | None = None,
    roles: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
) -> Path:
    """Make `folder` a place to start a server on.

    users: bare name of a local account -> its roles. channels: None for general, staff and the forum ideas.
    roles: None for the default roles. config: merged over a config without rate limits.
    """
    data = folder / "db"
    data.mkdir(parents=True, exist_ok=True)
    save(folder / "config.json", merged(CONFIG, config or {}))
    save(data / "users.json", {user_id(name): account(name, held) for name, held in (users or {}).items()})
    save(data / "channels.json", CHANNELS if channels is None else channels)
    if roles is not None:
        save(data / "roles.json", roles)
    return folder


def save(path: Path, value: Any) -> None:
    """Save as an editor that writes a temporary file and renames it."""
    temporary = path.with_name(f".{path.name}.swp")
    temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False), encoding="utf-8")
    temporary.replace(path)


def save_in_place(path: Path, value: Any) -> None:
    """Save as an editor that truncates the file and writes it again, in two steps."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    with path.open("w", encoding="utf-8") as file:
        file.write(text[: len(text) // 2])
        file.flush()
        os.fsync(file.fileno())
        file.write(text[len(text) // 2 :])


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def edit_with_care(path: Path, change: Callable[[Any], object]) -> Any:
    """`edit` by an editor that notices when the file was changed after it was opened, and opens it again."""
    while True:
        opened = path.stat()
        value = load(path)
        change(value)
        temporary = path.with_name(f".{path.name}.swp")
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False), encoding="utf-8")
        now = path.stat()
        if (now.st_ino, now.st_mtime_ns) == (opened.st_ino, opened.st_mtime_ns):
            temporary.replace(path)
            return value


def edit(path: Path, change: Callable[[Any], object], write: Callable[[Path, Any], None] = save) -> Any:
    """Read a document, let `change` alter it in place, save it. Returns what was saved."""
    value = load(path)
    change(value)
    write(path, value)
    return value
