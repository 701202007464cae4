"""A made-up snapshot of any size, with names, labels and values as long as real ones."""

from __future__ import annotations

import random
from functools import cache
from typing import Final

from exporter.catalogue.model import Kind, Metric
from exporter.catalogue.sample import Sample

Snapshot = dict[Metric, list[Sample]]

# The catalogue has some 100 metrics; most series belong to few of them.
_SERIES_PER_FAMILY: Final = 100
_QUANTILES: Final = ("0.5", "0.95", "0.99")


def snapshot(samples: int, seed: int) -> Snapshot:
    """
    Return *samples* samples, the same for the same *seed*.

    Another seed gives other values of the same series, in tuples of their own, as the next poll
    of the same backend does.
    """
    source = random.Random(seed)  # noqa: S311 - figures, not secrets
    families: Snapshot = {}
    for number in range(-(-samples // _SERIES_PER_FAMILY)):
        metric = _metric(number)
        series = min(_SERIES_PER_FAMILY, samples - number * _SERIES_PER_FAMILY)
        families[metric] = [
            Sample(metric, _labels(metric, index), _value(metric, source))
            for index in range(series)
        ]
    return families


# As in the catalogue, a metric is one object, by which the page knows it again.
@cache
def _metric(number: int) -> Metric:
    text = f"Made up for the benchmark, family {number}; from GET /api/monitoring/synthetic."
    match number % 4:
        case 0:
            name, kind, last = f"ops_synthetic_{number}_calls_total", Kind.COUNTER, "status"
        case 1:
            name, kind, last = f"ops_synthetic_{number}_duration_seconds", Kind.SUMMARY, "quantile"
        case 2:
            name, kind, last = f"ops_synthetic_{number}_hit_ratio", Kind.GAUGE, "worker"
        case _:
            name, kind, last = f"ops_synthetic_{number}_size_bytes", Kind.GAUGE, "table"
    return Metric(name=name, kind=kind, help=text, labels=("module", "method", last))


def _labels(metric: Metric, index: int) -> tuple[str, ...]:
    last = _QUANTILES[index % 3] if metric.kind is Kind.SUMMARY else f"{metric.labels[-1]}-{index}"
    return f"knowledge-graph-{index % 13}", f"service.resolve_entities_{index // 3}", last


def _value(metric: Metric, source: random.Random) -> float:
    match metric.labels[-1]:
        case "status" | "table":
            return float(source.randrange(1_000_000))
        case "worker":
            return round(source.random(), 4)
        case _:
            return source.expovariate(10.0)
