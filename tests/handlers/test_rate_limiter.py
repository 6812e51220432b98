"""The two token buckets, on a clock that stands still until told."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.limits import RateLimiting
from handlers.rate_limiter import RateLimiter


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Bench:
    limiter: RateLimiter
    clock: Clock
    settings: RateLimiting

    def take(self, times: int = 1) -> list[bool]:
        return [self.limiter.take("ann") is None for _ in range(times)]


def bench(*, per_minute: int = 60, burst: int = 10, cooldown: int = 30, enabled: bool = True) -> Bench:
    clock = Clock()
    settings = RateLimiting(
        enabled=enabled, messages_per_minute=per_minute, burst_limit=burst, cooldown_seconds=cooldown
    )
    made = Bench(RateLimiter(lambda: made.settings, clock), clock, settings)
    return made


def test_ten_in_a_row_then_the_cooldown() -> None:
    b = bench()
    assert b.take(11) == [True] * 10 + [False]
    refusal = b.limiter.take("ann")
    assert refusal is not None
    assert refusal[0] == pytest.approx(30.0)
    assert "rate limit" in refusal[1].lower()
    b.clock.now += 29.9
    assert b.take() == [False]
    b.clock.now += 0.2
    assert b.take() == [True]


def test_burst_tokens_return_after_ten_seconds() -> None:
    b = bench(burst=3)
    assert b.take(2) == [True, True]
    b.clock.now += 10.0
    assert b.take(2) == [True, True]
    assert b.limiter.status("ann").cooldown_remaining_s == 0


def test_a_minute_never_holds_more_than_its_limit() -> None:
    b = bench(per_minute=5, burst=100)
    assert b.take(6) == [True] * 5 + [False]
    refusal = b.limiter.take("ann")
    assert refusal is not None
    assert refusal[0] == pytest.approx(60.0)
    b.clock.now += 60.0
    assert b.take() == [True]


def test_users_do_not_share_buckets() -> None:
    b = bench(burst=1)
    assert b.take(2) == [True, False]
    assert b.limiter.take("bob") is None


def test_refused_tries_cost_nothing() -> None:
    b = bench(burst=2, cooldown=5)
    b.take(2)
    b.take(50)
    b.clock.now += 10.0
    assert b.take(2) == [True, True]


def test_switched_off_it_refuses_nobody() -> None:
    assert all(bench(enabled=False).take(500))


def test_settings_are_live() -> None:
    b = bench(burst=2)
    b.take(2)
    b.settings = RateLimiting(enabled=False)
    assert b.take() == [True]
    b.settings = RateLimiting(enabled=True, burst_limit=50, messages_per_minute=60, cooldown_seconds=30)
    b.clock.now += 31
    assert b.take(40) == [True] * 40


def test_reset_gives_everything_back() -> None:
    b = bench(burst=2)
    b.take(3)
    b.limiter.reset("ann")
    assert b.take(2) == [True, True]


def test_sweep_forgets_only_who_is_unrestricted() -> None:
    b = bench(burst=1, cooldown=300)
    b.take()
    b.clock.now += 61
    b.limiter.sweep()
    assert b.take() == [False], "the cooldown is remembered"
    b.clock.now += 300
    b.limiter.sweep()
    assert b.limiter.status("ann").messages_this_minute == 0


@given(
    st.lists(st.floats(min_value=0, max_value=20, allow_nan=False), max_size=120),
    st.integers(1, 12),
    st.integers(1, 6),
    st.integers(0, 15),
)
def test_no_window_ever_holds_too_many(gaps: list[float], per_minute: int, burst: int, cooldown: int) -> None:
    b = bench(per_minute=per_minute, burst=burst, cooldown=cooldown)
    accepted: list[float] = []
    for gap in gaps:
        b.clock.now += gap
        refusal = b.limiter.take("ann")
        if refusal is None:
            accepted.append(b.clock.now)
        else:
            assert refusal[0] > 0
    for index, at in enumerate(accepted):
        assert sum(1 for other in accepted[index:] if other < at + 60) <= per_minute
        assert sum(1 for other in accepted[index:] if other < at + 10) <= burst


@given(st.integers(1, 10), st.integers(1, 5), st.integers(0, 40))
def test_after_the_told_time_it_works(per_minute: int, burst: int, cooldown: int) -> None:
    b = bench(per_minute=per_minute, burst=burst, cooldown=cooldown)
    for _ in range(30):
        refusal = b.limiter.take("ann")
        if refusal is not None:
            b.clock.now += refusal[0] + 1e-6
            assert b.limiter.take("ann") is None
