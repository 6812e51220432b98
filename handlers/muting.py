"""What a muted member cannot do: anything that others would read or see of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocol.errors import Code, Refused

if TYPE_CHECKING:
    from handlers.context import Context

MUTED = frozenset({"typing", "slash_response", "message_react_add", "pfp_set"})
"""Commands that a muted user may not use, besides the limited ones. Of others a part may be read: a status text, the
name of a thread; their handlers look after it."""


def muted_s(ctx: Context) -> float:
    """For how many seconds the caller is muted still; 0 when it is not."""
    until = ctx.user.muted_until
    return 0.0 if until is None else max(0.0, until - ctx.world.clock())


def require_unmuted(ctx: Context) -> None:
    """Raise Refused while the caller is muted."""
    left_s = muted_s(ctx)
    if left_s:
        raise Refused(Code.RATE_LIMIT, reason=f"You are timed out for {max(1, round(left_s))} seconds")
