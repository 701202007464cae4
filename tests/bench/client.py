"""The same samples given to prometheus_client, as a custom collector does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client import Metric as ClientFamily

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .synthetic import Snapshot


class _Collector:
    """Hands out families that were built once: nothing but prometheus_client's work is measured."""

    def __init__(self, families: list[ClientFamily]) -> None:
        self._families = families

    def collect(self) -> Iterable[ClientFamily]:
        return self._families


def registry(snapshot: Snapshot) -> CollectorRegistry:
    """Return a registry with the samples of *snapshot* and nothing else."""
    families = []
    for metric, samples in snapshot.items():
        name = metric.name.removesuffix("_total")
        family = ClientFamily(name, metric.help, str(metric.kind), metric.unit)
        for sample in samples:
            labels = dict(zip(metric.labels, sample.labels, strict=True))
            family.add_sample(metric.name, labels, sample.value)
        families.append(family)
    made = CollectorRegistry()
    made.register(_Collector(families))
    return made
