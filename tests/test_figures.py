"""server_status: figures of a server, sampled every ten seconds."""

from __future__ import annotations

import pytest

from figures import KEPT, _percentile_ms
from tests.support.house import House

pytestmark = pytest.mark.anyio


def tick(house: House, seconds: int, each_s: float = 1.0) -> None:
    for _ in range(seconds):
        house.community.figures.tick()
        house.clock.now += each_s


async def test_server_status_is_for_owners_and_administrators(house: House) -> None:
    ann, host = await house.enter("ann"), await house.enter("host")
    assert (await ann.one("server_status"))["code"] == "permission_required"
    answer = await host.one("server_status")
    assert (answer["version"], answer["database"], answer["interval_s"]) == ("0.1.0", "sqlite", 10.0)
    assert answer["history"] == [answer["now"]]
    assert (answer["now"]["connections"], answer["now"]["sessions"], answer["now"]["users_online"]) == (2, 2, 2)


async def test_server_status_tells_rates_of_the_last_ten_seconds(house: House) -> None:
    ann, host = await house.enter("ann"), await house.enter("host")
    tick(house, 11)
    for number in range(5):
        await ann.ask("message_new", channel="general", content=str(number))
    tick(house, 10)
    now = (await host.one("server_status"))["now"]
    assert now["messages_per_s"] == 0.5
    assert now["deliveries_per_s"] >= 1.0
    assert 0 < now["commit_p50_ms"] <= now["commit_p99_ms"]
    assert now["memory_bytes"] > 1_000_000
    tick(house, 10)
    now = (await host.one("server_status"))["now"]
    assert (now["messages_per_s"], now["commit_p50_ms"]) == (0.0, None)


async def test_server_status_tells_how_late_the_loop_was(house: House) -> None:
    host = await house.enter("host")
    tick(house, 11)
    assert (await host.one("server_status"))["now"]["loop_lag_ms"] == 0
    tick(house, 3, each_s=1.25)
    tick(house, 8)
    assert (await host.one("server_status"))["now"]["loop_lag_ms"] == 250


async def test_server_status_keeps_an_hour_and_gives_what_is_new(house: House) -> None:
    host = await house.enter("host")
    tick(house, 10 * (KEPT + 5))
    history = (await host.one("server_status"))["history"]
    assert len(history) == KEPT
    assert history[-1]["at"] - history[0]["at"] == 3590
    newer = (await host.one("server_status", after=history[-3]["at"]))["history"]
    assert newer == history[-2:]


async def test_the_disk_is_measured_aside(house: House) -> None:
    host = await house.enter("host")
    tick(house, 1)
    measuring = house.community.figures._measuring
    assert measuring is not None
    await measuring
    tick(house, 10)
    now = (await host.one("server_status"))["now"]
    assert now["database_bytes"] > 0
    assert now["disk_free_bytes"] > 0


def test_percentiles() -> None:
    assert _percentile_ms([], 0.5) is None
    assert _percentile_ms([0.001], 0.99) == 1.0
    assert _percentile_ms([number / 1000 for number in range(1, 101)], 0.5) == 50.0
    assert _percentile_ms([number / 1000 for number in range(1, 101)], 0.99) == 99.0
