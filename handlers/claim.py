"""The one-time code that makes the first account owner."""

from __future__ import annotations

import hmac
from collections.abc import Callable


class Claim:
    """Open while the community has no owner; printed on the start screen, new at each start."""

    def __init__(self, code: str | None, has_owner: Callable[[], bool]) -> None:
        """code: None when there is an owner already. has_owner: whether there is one in memory now."""
        self.code = code
        self._has_owner = has_owner

    def fits(self, presented: str) -> bool:
        """Whether this makes its presenter owner. The code stays valid until `close`, as making an owner may fail."""
        if self.code is None or self._has_owner():
            return False
        return hmac.compare_digest(self.code.encode(), presented.strip().upper().encode())

    @property
    def open(self) -> bool:
        """Whether there is no owner yet."""
        return self.code is not None and not self._has_owner()

    def close(self) -> None:
        """It was used: an owner is on disk."""
        self.code = None
