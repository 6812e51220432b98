"""What may be called what: names of channels, roles, members."""

from __future__ import annotations

import unicodedata

from db.users import LOCAL_PREFIX
from protocol.errors import Code, Refused
from protocol.objects_community import MAX_NAME, MAX_NICKNAME, MAX_USERNAME
from protocol.plain_text import WEBHOOK_MARK

_INVISIBLE = frozenset({"Cc", "Cs", "Co", "Zl", "Zp"})
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
"""Marks that turn the direction of the text around them, by which one name can look like another."""
_LETTERS = frozenset("LNM")
_SYMBOLS = frozenset({"So", "Sk"})
_JOINER = "\u200d"
RESERVED_ROLE = "banned"
"""In older files this name among a member's roles is a ban."""


_RESERVED_NAMES = frozenset({"originchats"})
"""What the author of the server's own messages is called, as id and as username; without case."""
_RESERVED_STARTS = ("plugin:", "webhook:")
_RESERVED_END = WEBHOOK_MARK.strip()


def is_reserved(text: str) -> bool:
    """Whether a member with this id or name could be taken for the server, a plugin or a webhook."""
    name = unicodedata.normalize("NFKC", text).strip().casefold()
    name = name.removeprefix(LOCAL_PREFIX.casefold()).removeprefix("usr:").strip()
    return name in _RESERVED_NAMES or name.startswith(_RESERVED_STARTS) or name.endswith(_RESERVED_END)


def is_visible(text: str) -> bool:
    """Whether the text has no control characters and nothing that changes its direction, and is not blank."""
    return bool(text.strip()) and not any(
        unicodedata.category(character) in _INVISIBLE or character in _DIRECTION for character in text
    )


def _visible(text: str, field: str, max_chars: int) -> str:
    text = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(text) <= max_chars:
        raise Refused(Code.BAD_VALUE, field=field, reason=f"expected 1 to {max_chars} characters")
    if not is_visible(text):
        raise Refused(Code.BAD_VALUE, field=field, reason="expected visible characters only")
    return text


def checked_nickname(text: str, field: str) -> str:
    return _visible(text, field, MAX_NICKNAME)


def checked_username(text: str, field: str) -> str:
    """For accounts of an identity service; clients take everything that starts with `USR:` for a local account."""
    name = _visible(text, field, MAX_USERNAME)
    if name.casefold().startswith("usr:"):
        raise Refused(Code.BAD_VALUE, field=field, reason="must not start with USR:")
    if is_reserved(name):
        raise Refused(Code.NAME_TAKEN)
    return name


def checked_channel_name(text: str, type_: str) -> str:
    """Letters, digits and marks of any script, emoji, `-` and `_`; in a separator, which is a heading, spaces too."""
    name = unicodedata.normalize("NFC", text).strip()
    extra = "-_ " + _JOINER if type_ == "separator" else "-_" + _JOINER
    fits = all(
        character in extra
        or unicodedata.category(character)[0] in _LETTERS
        or unicodedata.category(character) in _SYMBOLS
        for character in name
    )
    if not 1 <= len(name) <= MAX_NAME or not fits or not name.strip(_JOINER):
        raise Refused(Code.BAD_CHANNEL_NAME)
    return name


def checked_role_name(text: str) -> str:
    name = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(name) <= MAX_NAME or name.startswith("!") or not is_visible(name):
        raise Refused(Code.BAD_ROLE_NAME)
    if name.casefold() == RESERVED_ROLE:
        raise Refused(Code.ROLE_EXISTS)
    return name
