"""What a collector hands on: samples, and what it could not read."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exporter.catalogue.sample import Sample, states
from exporter.collectors.labels import label

if TYPE_CHECKING:
    from exporter.catalogue.model import Dialect, Metric


class SchemaError(Exception):
    """
    Raised when the top-level shape of an answer is in neither dialect.

    The text names what was looked for and holds nothing of the answer.
    """


@dataclass(kw_only=True)
class Context:
    """
    What a reader knows beside the payload.

    Attributes:
        received_at: Unix time at which the answer was complete.
        memory: Of this endpoint and target alone; kept from answer to answer, for growth between
            two polls.
        whole_keys: Show cache keys as they are, not as patterns.
        time_range: The window that a designed backend was asked for, for example ``24h``.
    """

    received_at: float
    memory: dict[str, Any] = field(default_factory=dict)
    whole_keys: bool = False
    time_range: str = "24h"


@dataclass(kw_only=True)
class Reading:
    """
    Everything that one answer told.

    Attributes:
        dialect: Which of the two the answer is in; None where both have the same shape.
        missing: Paths of the fields that should be there and are not, or have a wrong type.
        unknown: Paths of the fields that are neither read nor ignored knowingly.
        ignored: Path and reason of each field that has no metric.
        resets: Metrics whose source had fallen since the last answer.
        made_at: Unix time at which the backend made the answer; None when it does not say.
    """

    dialect: Dialect | None
    missing: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    ignored: dict[str, str] = field(default_factory=dict)
    resets: set[Metric] = field(default_factory=set)
    made_at: float | None = None
    _samples: dict[tuple[str, tuple[str, ...]], Sample] = field(default_factory=dict)

    @property
    def samples(self) -> list[Sample]:
        """The samples in the order in which they were added; no series stands twice."""
        return list(self._samples.values())

    def add(self, metric: Metric, value: float | None, *labels: str, weight: float = 0.0) -> None:
        """Add a sample; without a value the series stays absent. The first of a series counts."""
        if value is None or not math.isfinite(value):
            return
        self._put(Sample(metric, tuple(label(text) for text in labels), float(value), weight))

    def add_states(self, metric: Metric, current: str | None, *labels: str) -> None:
        """Add the whole state set with *current* at 1, or nothing when it is not known."""
        if current is None:
            return
        for sample in states(metric, current, *(label(text) for text in labels)):
            self._put(sample)

    def _put(self, sample: Sample) -> None:
        self._samples.setdefault((sample.metric.name, sample.labels), sample)
