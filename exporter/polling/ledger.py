"""The metrics that the exporter makes of its own polling of one target, kept from poll to poll."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exporter.catalogue.model import Metric
    from exporter.catalogue.sample import Sample


class Ledger:
    """
    Samples by metric, entered for one endpoint at a time.

    A poll changes what is told of one endpoint of many: only that is made anew.

    Attributes:
        by_metric: A list that did not change stays the same object.
    """

    def __init__(self) -> None:
        self._entries: dict[Metric, dict[str, list[Sample]]] = defaultdict(dict)
        self.by_metric: dict[Metric, Sequence[Sample]] = {}

    def enter(self, endpoint: str, samples: Iterable[Sample]) -> None:
        """Put *samples* in the place of those last entered for *endpoint*."""
        entered: dict[Metric, list[Sample]] = {}
        for sample in samples:
            entered.setdefault(sample.metric, []).append(sample)
        before = [metric for metric, entries in self._entries.items() if entries.get(endpoint)]
        for metric in {**entered, **dict.fromkeys(before)}:
            new, entries = entered.get(metric, []), self._entries[metric]
            if not same(entries.get(endpoint, ()), new):
                entries[endpoint] = new
                self.by_metric[metric] = [sample for entry in entries.values() for sample in entry]


def same(before: Sequence[Sample], now: Sequence[Sample]) -> bool:
    """Whether both show the same; weights are not shown."""
    return len(before) == len(now) and all(
        old.value == new.value and old.labels == new.labels
        for old, new in zip(before, now, strict=True)
    )
