"""What is watched by a configuration, and what of it is judged together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from exporter.catalogue.watched import BY_NAME, DIRECTIONS, WATCHABLE, Watched

if TYPE_CHECKING:
    from exporter.catalogue.model import Metric
    from exporter.settings import Settings


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
