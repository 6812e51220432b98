from __future__ import annotations

import pytest

from handlers.throttle import Throttle, network_of


def test_the_sixth_try_of_a_minute_waits() -> None:
    now = 0.0
    throttle = Throttle(lambda: 5, lambda: now)
    for _ in range(5):
        assert throttle.wait_s("a") == 0
        throttle.count("a")
    assert throttle.wait_s("a") == pytest.approx(60.0)
    assert throttle.wait_s("b") == 0
    assert throttle.wait_s("b", "a") == pytest.approx(60.0)
    now = 60.5
    assert throttle.wait_s("a") == 0


def test_sweep_forgets_what_is_past() -> None:
    now = 0.0
    throttle = Throttle(lambda: 1, lambda: now)
    throttle.count("a", "b")
    now = 61.0
    throttle.sweep()
    assert throttle._tries == {}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("unknown", "unknown"),
    ],
)
def test_ipv6_counts_by_its_64(address: str, network: str) -> None:
    assert network_of(address) == network
