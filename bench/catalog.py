"""What is measured, and what the numbers should be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.big import many_messages, many_users
from bench.moving import moving_in
from bench.polls import idle_sessions, long_polls
from bench.scenarios import (
    Numbers,
    Options,
    s1_fan_out,
    s2_latency,
    s3_ingest_4,
    s3_ingest_50,
    s4_memory,
    s5_logins,
    stalled_reader,
)
from bench.web import web


@dataclass(frozen=True)
class AtLeast:
    value: float

    def met(self, number: float) -> bool:
        return number >= self.value


@dataclass(frozen=True)
class AtMost:
    value: float

    def met(self, number: float) -> bool:
        return number <= self.value


@dataclass(frozen=True)
class Scenario:
    """goals: name of a number of the run -> what it should be; the first one is the number that is compared."""

    name: str
    run: Callable[[str, Options], Awaitable[Numbers]]
    goals: dict[str, AtLeast | AtMost]
    has_yardstick: bool = True


SCENARIOS = (
    Scenario("S1 fan-out, 500 members", s1_fan_out, {"deliveries_per_s": AtLeast(1_000_000)}),
    Scenario("S2 latency, 50 msg/s to 500", s2_latency, {"p99_ms": AtMost(7.0)}),
    Scenario("S3 ingest, 4 members", s3_ingest_4, {"messages_per_s": AtLeast(8_000)}),
    Scenario("S3 ingest, 50 senders of 50", s3_ingest_50, {"messages_per_s": AtLeast(8_000)}),
    Scenario("S4 memory, idle", s4_memory, {"kib_per_connection": AtMost(10.0)}),
    Scenario("S5 logins beside a channel", s5_logins, {"p99_ms": AtMost(20.0)}, has_yardstick=False),
    Scenario(
        "long polls, all waiting for one channel",
        long_polls,
        {"worst_ms": AtMost(50.0), "kib_per_poll": AtMost(10.0)},
        has_yardstick=False,
    ),
    Scenario("10 000 idle API sessions", idle_sessions, {"times_as_much": AtMost(1.2)}, has_yardstick=False),
    Scenario(
        "stalled reader among 500",
        stalled_reader,
        {"p99_ratio": AtMost(1.5), "server_grew_mib": AtMost(32.0)},
        has_yardstick=False,
    ),
    Scenario(
        "big: 10 000 users",
        many_users,
        {"start_s": AtMost(1.5), "hand_edit_ms": AtMost(500.0), "registration_ms": AtMost(50.0)},
        has_yardstick=False,
    ),
    Scenario(
        "big: 1 000 000 messages",
        many_messages,
        {
            "start_s": AtMost(1.5),
            "newest_100_ms": AtMost(5.0),
            "middle_100_by_number_ms": AtMost(5.0),
            "middle_100_by_id_ms": AtMost(5.0),
            "search_rare_ms": AtMost(50.0),
            "search_common_ms": AtMost(50.0),
            "search_two_words_ms": AtMost(50.0),
            "search_nothing_ms": AtMost(50.0),
        },
        has_yardstick=False,
    ),
    Scenario("import of 1 000 000 messages", moving_in, {"messages_per_s": AtLeast(30_000)}, has_yardstick=False),
    Scenario(
        "web client, 100 000 messages",
        web,
        {
            "first_paint_cold_ms": AtMost(1000.0),
            "first_paint_warm_ms": AtMost(1000.0),
            "longest_task_ms": AtMost(100.0),
            "transfer_kb": AtMost(150.0),
        },
        has_yardstick=False,
    ),
)
