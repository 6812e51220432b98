"""What is measured, in the text format of Prometheus.

Little is counted where it happens: once a group of the journal, once a batch of the fan-out. The rest is read from the
parts themselves when somebody asks.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from backups import Backups
    from db.events import LoggedEvent
    from gate import Gatekeeper
    from handlers.context import World

COMMIT_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
FANOUT_BUCKETS_S = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)
RECENT_COMMITS = 10_000
OWN_GATEWAY = "originchats"
"""Label of the OriginChats protocol, whose gateway has no name."""


class Metrics:
    """The measurements of one server in the process."""

    def __init__(self, world: World, gate: Gatekeeper, backups: Backups) -> None:
        self._registry = CollectorRegistry()
        self._commit = Histogram(
            "originchats_commit_seconds",
            "Time to carry out and store one group of operations.",
            buckets=COMMIT_BUCKETS_S,
            registry=self._registry,
        )
        self._fanout = Histogram(
            "originchats_fanout_seconds",
            "Time to hand one batch of events to the outboxes of their audiences.",
            buckets=FANOUT_BUCKETS_S,
            registry=self._registry,
        )
        self._messages = Counter("originchats_messages_stored", "Messages stored.", registry=self._registry)
        self.stored = 0
        """Messages stored since the start."""
        self._recent: deque[float] = deque(maxlen=RECENT_COMMITS)
        self._registry.register(_State(world, gate, backups))
        ProcessCollector(registry=self._registry)
        world.journal.observe = self._committed
        world.fanout.observe = self._fanout.observe

    def text(self) -> bytes:
        """Call it on the event loop."""
        return generate_latest(self._registry)

    def take_commits(self) -> Iterable[float]:
        """How long the commits since the last call took, in seconds."""
        taken, self._recent = self._recent, deque(maxlen=RECENT_COMMITS)
        return taken

    def _committed(self, took_s: float, events: Sequence[LoggedEvent]) -> None:
        """In the journal's thread."""
        self._commit.observe(took_s)
        self._recent.append(took_s)
        messages = sum(event.ref is not None for event in events)
        if messages:
            self._messages.inc(messages)
            self.stored += messages


class _State(Collector):
    """What the parts know of themselves."""

    def __init__(self, world: World, gate: Gatekeeper, backups: Backups) -> None:
        self._world = world
        self._gate = gate
        self._backups = backups

    def collect(self) -> Iterable[Metric]:
        world, gate = self._world, self._gate
        connections = Tally({OWN_GATEWAY: 0, "chat_api": gate.polls})
        connections.update(client.gateway or OWN_GATEWAY for client in gate.open_clients)
        yield _gauge("connections", "Open WebSocket connections and waiting polls.", "gateway", connections)
        sessions = Tally({OWN_GATEWAY: 0})
        sessions.update(session.gateway or OWN_GATEWAY for session in world.fanout.sessions.values())
        yield _gauge("sessions", "Live sessions.", "gateway", sessions)
        users = Tally({"account": 0, "guest": 0})
        users.update("guest" if user.guest else "account" for user in world.users)
        yield _gauge("users", "Users, banned ones included.", "kind", users)
        yield GaugeMetricFamily(
            "originchats_journal_queue", "Operations that the journal has not settled.", value=world.journal.depth
        )
        yield CounterMetricFamily(
            "originchats_limiter_refusals", "Commands refused by the message limiter.", value=world.limiter.refusals
        )
        resumes = CounterMetricFamily("originchats_resumes", "Replays, by how they ended.", labels=["result"])
        for result, times in {"recovered": 0, **world.resumes}.items():
            resumes.add_metric([result], times)
        yield resumes
        pushes = CounterMetricFamily("originchats_pushes", "Notifications, by how they ended.", labels=["result"])
        for result, times in {"sent": 0, **world.pushes}.items():
            pushes.add_metric([result], times)
        yield pushes
        yield GaugeMetricFamily(
            "originchats_backup_timestamp_seconds",
            "When the newest automatic backup was made that was read back in order; 0: there is none.",
            value=self._backups.newest_at or 0,
        )


def _gauge(name: str, about: str, label: str, values: Tally[str]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"originchats_{name}", about, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family
