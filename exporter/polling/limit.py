"""Keeps a metric within its cardinality limit, by a choice that does not change at every poll."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.catalogue.model import Metric
    from exporter.catalogue.sample import Sample

# Two keys of nearly the same size would otherwise change places at every poll, and each change is
# a new series. Who ranks within four fifths of the limit gets in; who is in stays in
# while it ranks within a quarter more than the limit.
_ENTERS: Final = 0.8
_STAYS: Final = 1.25


class Limiter:
    """
    The entities of one metric that are exposed.

    Args:
        limit: Distinct combinations of the metric's free labels.
    """

    def __init__(self, metric: Metric, limit: int) -> None:
        self._places = [metric.labels.index(name) for name in metric.free_labels]
        self._limit = limit
        self._kept: set[tuple[str, ...]] = set()

    def keep(self, samples: Sequence[Sample]) -> Sequence[Sample]:
        """Return *samples* of the entities that are exposed, those with the most weight."""
        if not samples:
            return samples  # a failed poll is no reason to forget the choice
        weights: dict[tuple[str, ...], float] = {}
        for sample in samples:
            entity = self._entity(sample)
            weights[entity] = max(weights.get(entity, sample.weight), sample.weight)
        if len(weights) <= self._limit:
            self._kept = set(weights)
            return samples
        ranked = sorted(weights, key=lambda entity: (-weights[entity], entity))
        chosen = set(ranked[: int(self._limit * _ENTERS)])
        stay = (e for e in ranked[: math.ceil(self._limit * _STAYS)] if e in self._kept)
        for entity in (*stay, *ranked):
            if len(chosen) >= self._limit:
                break
            chosen.add(entity)
        self._kept = chosen
        return [sample for sample in samples if self._entity(sample) in chosen]

    def _entity(self, sample: Sample) -> tuple[str, ...]:
        return tuple(sample.labels[place] for place in self._places)
