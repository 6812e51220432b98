"""How long an uploaded file stays, and what it may be called."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config.features import Attachments

MIB = 1_048_576
LIFETIMES = ((5 * MIB, 49.0), (25 * MIB, 7.0), (100 * MIB, 1.0))
"""(bytes, days): a file of this size stays so long; linear between, and level at both ends."""
MAX_NAME = 255
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"})


def lifetime_days(size: int, permanent: bool, attachments: Attachments) -> float:
    """How many days a file of so many bytes stays."""
    if permanent:
        return attachments.permanent_expiration_days
    days = LIFETIMES[0][1] if size <= LIFETIMES[0][0] else LIFETIMES[-1][1]
    for (low, long), (high, short) in pairwise(LIFETIMES):
        if low < size <= high:
            days = long + (short - long) * (size - low) / (high - low)
    return min(days, attachments.free_tier_max_expiration_days)


def clean_name(name: str) -> str:
    """The last part of a path, without signs that are not seen, at most `MAX_NAME` characters; the ending stays."""
    name = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    name = "".join(sign for sign in name if unicodedata.category(sign) not in _UNSEEN).strip()
    if not name.strip("."):
        return "file"
    if len(name) > MAX_NAME:
        stem, dot, ending = name.rpartition(".")
        ending = dot + ending if stem and len(ending) <= 16 else ""
        name = name[: MAX_NAME - len(ending)] + ending
    return name
