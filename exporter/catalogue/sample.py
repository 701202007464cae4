"""A value of a metric at one moment, as collectors yield it and the exposition renders it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.catalogue.model import Metric


@dataclass(frozen=True, slots=True)
class Sample:
    """
    One series of *metric* with its present value.

    Attributes:
        labels: Label values in the order of ``metric.labels``.
        value: In the base unit of the metric.
        weight: What decides who stays when there are more entities than the limit allows: a size
            for keys and tables, a moment for jobs. Larger stays.
        names: Of the further labels, where ``metric.open_labels``; their values come last.
        suffix: Of a series of a histogram: ``_bucket`` (with the further label ``le``, whose last
            value is ``+Inf``), ``_sum`` or ``_count``.
    """

    metric: Metric
    labels: tuple[str, ...]
    value: float
    weight: float = 0.0
    names: tuple[str, ...] = ()
    suffix: str = ""


def states(metric: Metric, current: str, *labels: str) -> Iterator[Sample]:
    """Yield the whole state set of *metric*: 1 for *current*, 0 for each other state."""
    for state in metric.states:
        yield Sample(metric, (*labels, state), 1.0 if state == current else 0.0)
