"""What is watched by a configuration, and what of it is judged together."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from exporter.catalogue.watched import BY_NAME, DIRECTIONS, WATCHABLE, Watched
from exporter.polling.bank import Series

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exporter.catalogue.model import Metric
    from exporter.catalogue.sample import Sample
    from exporter.settings import Settings

    Values = dict[Series, float]


class Key(NamedTuple):
    """
    A bank: metrics that are judged together, because one endpoint tells all of them at a time.

    Attributes:
        owner: The endpoint that the metrics come from.
        fallback: The one that tells them when the owner does not; empty when there is none. An
            owner may tell some of its metrics while this tells the others.
        window: Of their z-scores, in samples.
    """

    owner: str
    fallback: str
    window: int

    @property
    def name(self) -> str:
        """One word for all of it."""
        return ":".join(map(str, self))


def key_of(metric: Metric, window: int) -> Key:
    """Return the bank of *metric*."""
    assert metric.owner is not None  # noqa: S101 - the exporter's own cannot be watched
    return Key(metric.owner.name, metric.fallback.name if metric.fallback else "", window)


def plan(settings: Settings) -> dict[Metric, tuple[Watched, int]]:
    """Return how each metric is judged that *settings* want watched, and its window in samples."""
    anomaly = settings.anomaly
    chosen = {}
    for name, metric in WATCHABLE.items():
        wish = anomaly.watch.get(name)
        watched = BY_NAME.get(name)
        if wish is not None and wish.enabled:
            watched = watched or Watched(metric=metric)
            if wish.direction is not None:
                watched = replace(watched, direction=DIRECTIONS[wish.direction])
            if wish.floor is not None:
                watched = replace(watched, floor=wish.floor)
        elif wish is not None:
            watched = None
        if watched is not None:
            chosen[metric] = watched, (wish and wish.window) or anomaly.window
    return chosen


class Places:
    """
    Which bank judges what.

    Attributes:
        judged: How each metric is judged, also those that nobody watches now: a saved state may
            have them, and they are kept for some days.
    """

    def __init__(self, settings: Settings) -> None:
        self._plan = plan(settings)
        self.judged = {m: BY_NAME.get(m.name, Watched(metric=m)) for m in WATCHABLE.values()}
        self.judged |= {metric: watched for metric, (watched, _) in self._plan.items()}

    def place(self, metric: Metric, window: int) -> Key:
        """Return the bank of *metric*; one that nobody watches stays in its *window*."""
        return key_of(metric, self._plan[metric][1] if metric in self._plan else window)

    def wanted(self) -> dict[Key, list[Metric]]:
        """Return what is to be watched, by the bank that judges it."""
        found: dict[Key, list[Metric]] = defaultdict(list)
        for metric, (_, window) in self._plan.items():
            found[key_of(metric, window)].append(metric)
        return found

    def sort(self, told: Iterable[tuple[Metric, Sequence[Sample]]]) -> dict[Key, Values]:
        """Return the watched values by the bank that judges them."""
        values: dict[Key, Values] = defaultdict(dict)
        for metric, samples in told:
            if metric in self._plan:
                found = values[key_of(metric, self._plan[metric][1])]
                for sample in samples:
                    found[Series(metric, sample.labels)] = sample.value
        return values
