"""What is counted within a minute: login and registration tries per address and per account, and what each user makes
everybody hear of.

Only failures count for a login, so that a whole office behind one address can log in after a restart; every
registration counts. IPv6 addresses count by their /64, because one host commonly owns all of it.
"""

from __future__ import annotations

import ipaddress
from collections import deque
from collections.abc import Callable

from protocol.errors import Code, Refused

WINDOW_S = 60.0


def network_of(address: str) -> str:
    """The address for IPv4, the /64 for IPv6; text that is no address stays as it is."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


class Throttle:
    """At most `limit()` counted tries for each key within a minute."""

    def __init__(self, limit: Callable[[], int], clock: Callable[[], float]) -> None:
        """clock: seconds, never going backwards."""
        self._limit = limit
        self._clock = clock
        self._tries: dict[str, deque[float]] = {}

    def wait_s(self, *keys: str) -> float:
        """Seconds until a try is allowed for all of the keys; 0 when it is allowed now."""
        now = self._clock()
        wait = 0.0
        for key in keys:
            tries = self._tries.get(key)
            if tries is None:
                continue
            while tries and tries[0] <= now - WINDOW_S:
                tries.popleft()
            if not tries:
                del self._tries[key]
            elif len(tries) >= self._limit():
                wait = max(wait, tries[-self._limit()] + WINDOW_S - now)
        return wait

    def count(self, *keys: str) -> None:
        for key in keys:
            self._tries.setdefault(key, deque()).append(self._clock())

    def spend(self, key: str) -> None:
        """Count, where it is allowed now. Raises Refused."""
        wait_s = self.wait_s(key)
        if wait_s:
            raise Refused(Code.TOO_MANY_TRIES, wait_s=round(wait_s) + 1)
        self.count(key)

    def sweep(self) -> None:
        """Forget keys without a recent try."""
        for key in list(self._tries):
            self.wait_s(key)
