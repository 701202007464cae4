"""What the last answers of one target told, put together: one owner for each metric."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from exporter.catalogue import metrics, own_metrics
from exporter.catalogue.model import Kind
from exporter.catalogue.sample import Sample
from exporter.polling.limit import Limiter

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        self._asked: set[str] = set()
        self._readings: dict[str, Reading] = {}
        self._grouped: dict[str, dict[Metric, list[Sample]]] = {}
        self._limiters = {m: Limiter(m, limit) for m in metrics.ALL if m.free_labels}
        self._last: dict[Metric, dict[tuple[str, ...], float]] = {}
        self.by_metric: dict[Metric, Sequence[Sample]] = {}
        self.dropped: dict[str, int] = {m.name: 0 for m in self._limiters}
        self.resets: dict[str, int] = {}

    def replace(self, endpoint: Endpoint, reading: Reading | None) -> None:
        """Put the latest *reading* in the place of the one before; None after a failure."""
        grouped: dict[Metric, list[Sample]] = defaultdict(list)
        if reading is not None:
            self._readings[endpoint.name] = reading
            for sample in reading.samples:
                grouped[sample.metric].append(sample)
            for metric in reading.resets:
                self.resets[metric.name] = self.resets.get(metric.name, 0) + 1
        else:
            self._readings.pop(endpoint.name, None)
        self._asked.add(endpoint.name)
        self._grouped[endpoint.name] = grouped
        for metric in _METRICS_OF[endpoint.name]:
            self._combine(metric)

    def _combine(self, metric: Metric) -> None:
        chosen: list[Sample] = []
        assert metric.owner is not None  # noqa: S101 - each metric of the API has an owner
        for source in (metric.owner, metric.fallback, metric.also):
            if source is None or (source is metric.fallback and self._owner_gives(metric)):
                continue
            present = {sample.labels for sample in chosen}
            given = self._grouped.get(source.name, {}).get(metric, ())
            chosen += [sample for sample in given if sample.labels not in present]
        kept: Sequence[Sample] = chosen
        if metric in self._limiters:
            kept = self._limiters[metric].keep(chosen)
            self.dropped[metric.name] += len(chosen) - len(kept)
        if metric.kind is Kind.COUNTER and kept:
            self._watch(metric, kept)
        if not kept:
            self.by_metric.pop(metric, None)
        elif list(self.by_metric.get(metric, ())) != list(kept):
            self.by_metric[metric] = kept

    def _owner_gives(self, metric: Metric) -> bool:
        """Whether the fallback must keep quiet; also until the owner was asked for the first time."""
        assert metric.owner is not None  # noqa: S101 - each metric of the API has an owner
        owner = metric.owner.name
        if owner in self._enabled and owner not in self._asked:
            return True
        reading = self._readings.get(owner)
        if reading is None:
            return False
        return metric.owner_dialect is None or reading.dialect is metric.owner_dialect

    def _watch(self, metric: Metric, samples: Sequence[Sample]) -> None:
        """Count a fall of a counter: a restart, or two backend processes taking turns."""
        values = {sample.labels: sample.value for sample in samples}
        before = self._last.get(metric, {})
        self.resets.setdefault(metric.name, 0)
        if any(value < before.get(labels, value) for labels, value in values.items()):
            self.resets[metric.name] += 1
        self._last[metric] = values

    def counted(self) -> dict[Metric, list[Sample]]:
        """Return the exporter's own counts of what was dropped and what fell."""
        return {
            own_metrics.SERIES_DROPPED: [
                Sample(own_metrics.SERIES_DROPPED, (name,), float(count))
                for name, count in self.dropped.items()
            ],
            own_metrics.RESETS_OBSERVED: [
                Sample(own_metrics.RESETS_OBSERVED, (name,), float(count))
                for name, count in sorted(self.resets.items())
            ],
        }
