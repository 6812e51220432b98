"""The one-time code that makes the first account owner."""

from __future__ import annotations

import hmac


class Claim:
    """Open while the community has no owner; printed on the start screen, new at each start."""

    def __init__(self, code: str | None) -> None:
        """code: None when there is an owner already."""
        self.code = code

    def take(self, presented: str) -> bool:
        """True once, for whoever presents the code."""
        if self.code is None or not hmac.compare_digest(self.code.encode(), presented.strip().upper().encode()):
            return False
        self.code = None
        return True
