"""Two token buckets for each user guard message_new, message_edit and message_delete.

One bucket holds `messages_per_minute` tokens whose tokens return 60 s after they were taken, the other `burst_limit`
tokens that return after 10 s. So no 10-second window holds more than `burst_limit` actions and no minute more than
`messages_per_minute`. Taking the last burst token starts a cooldown of `cooldown_seconds`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import msgspec

from config.limits import RateLimiting

MINUTE_S = 60.0
BURST_S = 10.0


class LimiterStatus(msgspec.Struct, frozen=True):
    messages_this_minute: int
    recent_messages: int
    cooldown_remaining_s: float


class _Buckets:
    """The times at which one user's tokens were taken, oldest first."""

    __slots__ = ("cooldown_until", "taken")

    def __init__(self) -> None:
        self.taken: deque[float] = deque()
        self.cooldown_until = 0.0


class RateLimiter:
    def __init__(self, settings: Callable[[], RateLimiting], clock: Callable[[], float]) -> None:
        """clock: seconds, never going backwards."""
        self._settings = settings
        self._clock = clock
        self._users: dict[str, _Buckets] = {}
        self.refusals = 0
        """How often `take` has refused."""

    def take(self, user_id: str) -> tuple[float, str] | None:
        """Take one token of each bucket. None when both had one, else (seconds until it may work, reason)."""
        refusal = self._take(user_id)
        self.refusals += refusal is not None
        return refusal

    def _take(self, user_id: str) -> tuple[float, str] | None:
        settings = self._settings()
        if not settings.enabled:
            return None
        now = self._clock()
        buckets = self._users.setdefault(user_id, _Buckets())
        taken = buckets.taken
        while taken and taken[0] <= now - MINUTE_S:
            taken.popleft()
        free_at = [now]
        if len(taken) >= settings.messages_per_minute:
            free_at.append(taken[-settings.messages_per_minute] + MINUTE_S)
        if self._recent(taken, now) >= settings.burst_limit:  # without a cooldown, or after the limit was lowered
            free_at.append(taken[-settings.burst_limit] + BURST_S)
        if buckets.cooldown_until > max(free_at):
            wait_s = buckets.cooldown_until - now
            return wait_s, f"Rate limit exceeded. You are in cooldown for {wait_s:.1f} more seconds"
        if max(free_at) > now:
            wait_s = max(free_at) - now
            return wait_s, f"Rate limit exceeded. Wait {wait_s:.1f} seconds"
        taken.append(now)
        if self._recent(taken, now) >= settings.burst_limit:
            buckets.cooldown_until = now + settings.cooldown_seconds
        return None

    def status(self, user_id: str) -> LimiterStatus:
        now = self._clock()
        buckets = self._users.get(user_id) or _Buckets()
        return LimiterStatus(
            messages_this_minute=sum(1 for at in buckets.taken if at > now - MINUTE_S),
            recent_messages=self._recent(buckets.taken, now),
            cooldown_remaining_s=max(0.0, buckets.cooldown_until - now),
        )

    def reset(self, user_id: str) -> None:
        """Give all tokens back and end the cooldown."""
        self._users.pop(user_id, None)

    def sweep(self) -> None:
        """Forget users whose buckets are full again."""
        now = self._clock()
        for user_id, buckets in list(self._users.items()):
            if buckets.cooldown_until <= now and (not buckets.taken or buckets.taken[-1] <= now - MINUTE_S):
                del self._users[user_id]

    @staticmethod
    def _recent(taken: deque[float], now: float) -> int:
        count = 0
        for at in reversed(taken):
            if at <= now - BURST_S:
                break
            count += 1
        return count
