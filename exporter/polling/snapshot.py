"""What the last answers of one target told, put together: one owner for each metric."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from exporter.catalogue import metrics, own_metrics
from exporter.catalogue.endpoints import BY_NAME
from exporter.catalogue.model import Kind
from exporter.catalogue.sample import Sample
from exporter.polling.ledger import same
from exporter.polling.limit import Limiter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.catalogue.model import Endpoint, Metric
    from exporter.collectors.reading import Reading

_SOURCES: Final = {
    metric: tuple(e for e in (metric.owner, metric.fallback, metric.also) if e is not None)
    for metric in metrics.ALL
}
_METRICS_OF: Final[dict[str, list[Metric]]] = defaultdict(list)
for _metric, _endpoints in _SOURCES.items():
    for _endpoint in _endpoints:
        _METRICS_OF[_endpoint.name].append(_metric)


# Series of a counter whose last value is kept to notice a fall.
_REMEMBERED: Final = 10_000


class Snapshot:
    """
    The product's metrics of one target.

    Attributes:
        by_metric: The series of each metric; a list that did not change stays the same object.
        dropped: Series left out so far, by metric.
        resets: Answers in which a counter had fallen, by metric.

    Args:
        enabled: Names of the endpoints that are polled at all.
        limit: Most entities of one metric.
    """

    def __init__(self, enabled: frozenset[str], limit: int) -> None:
        self._enabled = enabled
        self._readings: dict[str, Reading] = {}
        self._grouped: dict[str, dict[Metric, list[Sample]]] = {}
        # Which answer, counted over all endpoints, was each one's last, and last usable one.
        self._answers = 0
        self._asked: dict[str, int] = {}
        self._answered: dict[str, int] = {}
        self._limiters = {m: Limiter(m, limit) for m in metrics.ALL if m.free_labels}
        # By metric and whether the fallback told it.
        self._last: dict[tuple[Metric, bool], dict[tuple[str, ...], float]] = {}
        self.by_metric: dict[Metric, Sequence[Sample]] = {}
        self.dropped: dict[str, int] = {m.name: 0 for m in self._limiters}
        self.resets: dict[str, int] = {}

    def replace(self, endpoint: Endpoint, reading: Reading | None) -> None:
        """Put the latest *reading* in the place of the one before; None after a failure."""
        name = endpoint.name
        self._answers += 1
        self._asked[name] = self._answers
        grouped: dict[Metric, list[Sample]] = defaultdict(list)
        if reading is not None:
            self._answered[name] = self._answers
            self._readings[name] = reading
            for sample in reading.samples:
                grouped[sample.metric].append(sample)
            for metric in reading.resets:
                self.resets[metric.name] = self.resets.get(metric.name, 0) + 1
        else:
            self._readings.pop(name, None)
        self._grouped[name] = grouped
        for metric in _METRICS_OF[name]:
            self._combine(metric, grouped.get(metric, ()))

    def told_by(self, endpoint: Endpoint) -> Iterator[tuple[Metric, Sequence[Sample]]]:
        """Yield the metrics with their series that *endpoint* speaks for, after its last answer."""
        grouped = self._grouped.get(endpoint.name, {})
        for metric in _METRICS_OF[endpoint.name]:
            if not grouped.get(metric):
                continue
            if metric.fallback is not endpoint or self._falls_back(metric):
                yield metric, self.by_metric.get(metric, ())

    def _combine(self, metric: Metric, new: Sequence[Sample]) -> None:
        """Choose the series of *metric* anew, among them those that have just come."""
        chosen: dict[tuple[str, ...], Sample] = {}
        falls_back = metric.fallback is not None and self._falls_back(metric)
        for source in _SOURCES[metric]:
            if source is metric.fallback and not falls_back:
                continue
            for sample in self._grouped.get(source.name, {}).get(metric, ()):
                chosen.setdefault(sample.labels, sample)
        kept: Sequence[Sample] = list(chosen.values())
        if metric in self._limiters:
            kept = self._limiters[metric].keep(kept)
            if len(kept) < len(chosen):
                exposed = {s.labels for s in kept}
                left_out = {s.labels for s in new} & (chosen.keys() - exposed)
                self.dropped[metric.name] += len(left_out)
        if metric.kind is Kind.COUNTER and kept:
            self._watch(metric, kept, falls_back=falls_back)
        if not kept:
            self.by_metric.pop(metric, None)
        elif not same(self.by_metric.get(metric, ()), kept):
            self.by_metric[metric] = kept

    def _falls_back(self, metric: Metric) -> bool:
        """Whether the fallback speaks; not before the owner was asked for the first time."""
        owner, fallback = metric.owner, metric.fallback
        assert owner is not None  # noqa: S101 - each metric of the API has an owner
        assert fallback is not None  # noqa: S101 - or nobody would ask
        reading = self._readings.get(owner.name)
        if reading is not None:
            return metric.owner_dialect is not None and reading.dialect is not metric.owner_dialect
        if owner.name in self._enabled and owner.name not in self._asked:
            return False
        # A total from before the owner's last would be smaller, and look like a restart.
        late = self._asked.get(fallback.name, 0) > self._answered.get(owner.name, 0)
        return late or metric.kind is not Kind.COUNTER

    def _watch(self, metric: Metric, samples: Sequence[Sample], *, falls_back: bool) -> None:
        """
        Count a fall of a counter: a restart, or two backend processes taking turns.

        The fallback counts something of its own, so each of the two is compared with itself.
        """
        values = {sample.labels: sample.value for sample in samples}
        before = self._last.get((metric, falls_back), {})
        self.resets.setdefault(metric.name, 0)
        # Who is missing once may come back lower; who is gone for good must not fill the memory.
        known = {**before, **values}
        if any(value < before.get(labels, value) for labels, value in values.items()):
            self.resets[metric.name] += 1
            # Who is missing now comes back lower because of the same restart.
            known = values
        self._last[metric, falls_back] = known if len(known) <= _REMEMBERED else values

    def inherit(self, other: Snapshot) -> None:
        """Go on with the answers that *other* has; its limits do not come along."""
        self._last.update(other._last)
        for name, reading in other._readings.items():
            if name in self._enabled:
                self.replace(BY_NAME[name], reading)
        self.dropped.update(other.dropped)
        self.resets.update(other.resets)

    def counted(self) -> Iterator[Sample]:
        """Yield the exporter's own counts of what was dropped and what fell."""
        for name, count in self.dropped.items():
            yield Sample(own_metrics.SERIES_DROPPED, (name,), float(count))
        for name, count in sorted(self.resets.items()):
            yield Sample(own_metrics.RESETS_OBSERVED, (name,), float(count))
