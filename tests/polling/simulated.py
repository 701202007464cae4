"""The exporter's own way from answer to judgement, on the simulated product, faster than time."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from exporter.api.answer import Answer
from exporter.catalogue import own_metrics as own
from exporter.catalogue.endpoints import ENDPOINTS
from exporter.catalogue.model import Dialect
from exporter.catalogue.verdicts import Verdict
from exporter.collectors import collect
from exporter.collectors.reading import Context
from exporter.polling.anomalies import Anomalies
from exporter.polling.plan import plan
from exporter.polling.snapshot import Snapshot
from exporter.settings import Settings
from exporter.simulator import deployed, designed
from exporter.simulator.answer import Rejected
from exporter.simulator.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.catalogue.model import Endpoint, Metric
    from exporter.catalogue.sample import Sample
    from exporter.collectors.reading import Reading

STARTED_AT = 1_795_392_000.0  # a Monday, midnight UTC
INTERVAL_S = 30.0
DAY_S = 86_400.0


class Simulated:
    """
    A product that is polled at the default pace.

    Attributes:
        world: What is polled; it is at the moment of the last poll.
        failing: Names of the endpoints that give no answer.

    Args:
        start: Unix time; some Monday, midnight UTC, without it.
    """

    def __init__(
        self,
        seed: int = 1,
        settings: Settings | None = None,
        *,
        start: float | None = None,
        dialect: Dialect = Dialect.DESIGNED,
    ) -> None:
        settings = settings or Settings()
        self.world = World(seed, STARTED_AT if start is None else start)
        self.anomalies = Anomalies("default", settings)
        self.snapshot = Snapshot(frozenset(e.name for e in ENDPOINTS), 200)
        self.failing: set[str] = set()
        self._tell = designed.answers if dialect is Dialect.DESIGNED else deployed.answers
        sources = {metric.owner for metric in plan(settings)}
        if dialect is Dialect.DEPLOYED:
            sources |= {metric.fallback for metric in plan(settings)}
        # Those that no watched metric comes from need not be asked.
        self.endpoints = [e for e in ENDPOINTS if e in sources]
        self._memory: dict[str, dict[str, Any]] = {e.name: {} for e in ENDPOINTS}

    @property
    def now(self) -> float:
        return self.world.now

    def poll(self) -> None:
        """Let an interval pass and ask every endpoint once."""
        self.world.advance_to(self.world.now + INTERVAL_S)
        for endpoint in self.endpoints:
            self.ask(endpoint)

    def ask(self, endpoint: Endpoint) -> None:
        """Let one endpoint answer, now, or fail."""
        reading = None
        with suppress(Rejected):
            if endpoint.name not in self.failing:
                reading = self._read(endpoint)
        self.snapshot.replace(endpoint, reading)
        told = self.snapshot.told_by(endpoint)
        self.anomalies.take(endpoint, reading, told, self.now)

    def _read(self, endpoint: Endpoint) -> Reading:
        answer = Answer(
            endpoint=endpoint,
            verdict=Verdict.OK,
            duration_s=0.01,
            received_at=self.now,
            payload=self._tell(self.world, endpoint.name).body,
        )
        memory = self._memory[endpoint.name]
        return collect(answer, Context(received_at=self.now, memory=memory))

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / INTERVAL_S)):
            self.poll()

    def samples(self, metric: Metric) -> list[Sample]:
        return list(self.anomalies.by_metric.get(metric, ()))

    def active(self) -> set[tuple[str, ...]]:
        """Return metric, kind, level and further labels of each anomaly that is active now."""
        return {sample.labels for sample in self.samples(own.ANOMALY_ACTIVE) if sample.value}


def alerting(one: Simulated) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Yield severity, series and kind of what OpsAnomaly fires for, by the rules' own words."""
    outside = {s.labels: s.value for s in one.samples(own.ANOMALY_OUTSIDE)}
    active = one.active()
    high = {(metric, kind, *rest) for metric, kind, level, *rest in active if level == "high"}
    for metric, kind, level, *rest in active:
        series = (metric, *rest)
        if kind == "pattern" or outside.get(series, 0) >= 3:
            if level == "high":
                yield "warning", series, kind
            elif (metric, kind, *rest) not in high:
                yield "info", series, kind
