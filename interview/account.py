"""The first owner: a local account in users.json."""

from __future__ import annotations

import unicodedata
from typing import Any

from db.users import LOCAL_PREFIX
from handlers.login import NAME, NAME_LENGTH, PASSWORD_LENGTH, local_name
from handlers.passwords import hash_password

GOOD_PASSWORD_LENGTH = 8
OWNER_ROLE = "owner"


def checked_name(text: str) -> str:
    """The name as typed, without space around it. Raises ValueError."""
    name = unicodedata.normalize("NFKC", text).strip()
    if not NAME_LENGTH[0] <= len(name) <= NAME_LENGTH[1]:
        raise ValueError("a name has {} to {} characters".format(*NAME_LENGTH))
    if not NAME.fullmatch(name):
        raise ValueError("a name has only letters, digits, _ and -")
    return name


def checked_password(text: str) -> str:
    """Raises ValueError."""
    if not PASSWORD_LENGTH[0] <= len(text) <= PASSWORD_LENGTH[1]:
        raise ValueError("a password has {} to {} characters".format(*PASSWORD_LENGTH))
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("that is not UTF-8 text") from None
    return text


def account_id(name: str) -> str:
    return LOCAL_PREFIX + local_name(name)


def find(users: dict[str, Any], name: str) -> str | None:
    """Key of the local account of that name in users.json."""
    wanted = account_id(name).lower()
    return next((key for key in users if key.lower() == wanted), None)


def with_owner(users: dict[str, Any], name: str, password: str, member_roles: tuple[str, ...], now: float) -> None:
    """Put the account into users.json, or give the one that is there a new password and the role; others stay.

    `now`: unix seconds.
    """
    key = find(users, name)
    password_hash = hash_password(password)
    if key is not None:
        record = users[key]
        roles = [role for role in record.get("roles", []) if role != OWNER_ROLE]
        users[key] = record | {"roles": [OWNER_ROLE, *roles], "password_hash": password_hash}
        return
    users[account_id(name)] = {
        "username": account_id(name),
        "roles": [OWNER_ROLE, *(role for role in member_roles if role != OWNER_ROLE)],
        "nickname": name,
        "password_hash": password_hash,
        "joined_at": now,
    }
