"""Watched series that are judged together, and what is shown of each of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

import numpy as np

from exporter.anomaly import COUNTER, GAUGE, KINDS, LEVELS, Detectors, literal
from exporter.anomaly.rows import IN_UNIT, NONE, PATTERN
from exporter.catalogue import own_metrics as own
from exporter.catalogue.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from exporter.anomaly import Judgement
    from exporter.catalogue.model import Metric
    from exporter.catalogue.watched import Watched

_KINDS: Final = KINDS[1:]  # the first is none
# How many samples after an event it is still active, and of how many the outside ones are counted.
LASTING: Final = 10
_ALL_RECENT: Final = (1 << LASTING) - 1
# How many bits are set in each number that LASTING bits can hold.
_BITS: Final = np.array([number.bit_count() for number in range(_ALL_RECENT + 1)])
# A label that has not come for a week comes no more: a module, a worker, an event of the past.
UNSEEN_MAX_S: Final = 7 * 86_400.0


class Series(NamedTuple):
    """One watched series."""

    metric: Metric
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Shown:
    """The labels under which a series is shown; made once, since they never change."""

    names: tuple[str, ...]
    labels: tuple[str, ...]
    active: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, series: Series) -> _Shown:
        name, labels = series.metric.name, series.labels
        active = tuple((name, *which, *labels) for which in product(_KINDS, LEVELS))
        return cls(series.metric.labels, (name, *labels), active)


class Bank:
    """
    Series of one endpoint whose z-scores have the same window.

    Attributes:
        series: In the order in which they came. One that is not seen for a week is dropped; of a
            metric that has as many as the limit, so is the longest unseen when a new one comes.
        limit: Most series of one metric.

    Args:
        watched: How each metric is judged.
        window: Samples.
        limit: Most series of one metric.
        by_design: The design's rule makes the events, not the detector.
    """

    # Arrays with the series as last axis, beside what the detectors know.
    PARTS: ClassVar = ("left", "recent", "seen")

    def __init__(
        self, watched: Mapping[Metric, Watched], *, window: int, limit: int, by_design: bool
    ) -> None:
        self.series: list[Series] = []
        self.detectors = Detectors(window=window)
        self._watched = watched
        self.limit = limit
        self._by_design = by_design
        self._places: dict[Series, int] = {}
        self._shown: list[_Shown] = []
        # By kind and level, for each series: for how many samples it is still active.
        self.left = np.zeros((len(_KINDS) * len(LEVELS), 0), np.int8)
        # A bit for each of the last samples of a series, set when it was outside; the newest last.
        self.recent = np.zeros(0, np.int16)
        self.seen = np.zeros(0)  # unix time of the last value

    def update(self, at: float, values: Mapping[Series, float]) -> Iterator[Sample]:
        """Judge the *values* of one moment, unix time, and yield what is to be shown of them."""
        self._forget(at, values)
        self._make_room(values)
        self.extend(values)
        row = np.full(len(self.series), np.nan)
        for series, value in values.items():
            place = self._places.get(series)
            if place is not None:
                row[place] = value
        judgement = self.detectors.update(at, row)
        there = np.isfinite(row)
        self.seen[there] = at
        self._note(judgement, there)
        return self._samples(judgement, np.flatnonzero(there).tolist())

    def extend(self, new: Iterable[Series]) -> None:
        """Take in those of *new* that are not known yet, as far as the limit allows."""
        strangers = [series for series in new if series not in self._places]
        if not strangers:
            return
        counts = Counter(series.metric for series in self.series)
        for series in strangers:
            counts[series.metric] += 1
            if counts[series.metric] > self.limit:
                continue
            watched = self._watched[series.metric]
            self.detectors.append(
                kind=COUNTER if watched.counter else GAUGE,
                direction=watched.direction,
                log=watched.log,
                floor=watched.margin,
                low=watched.low,
                high=watched.high,
            )
            self._places[series] = len(self.series)
            self.series.append(series)
            self._shown.append(_Shown.of(series))
        more = len(self.series) - len(self.recent)
        self.left = np.pad(self.left, ((0, 0), (0, more)))
        self.recent = np.pad(self.recent, (0, more))
        self.seen = np.pad(self.seen, (0, more))

    def keep(self, places: Sequence[int]) -> None:
        """Keep the series at *places*, in that order, and forget all others."""
        self.detectors.keep(places)
        self.series = [self.series[place] for place in places]
        self._shown = [self._shown[place] for place in places]
        self._places = {series: place for place, series in enumerate(self.series)}
        self.left, self.recent = self.left[:, places], self.recent[places]
        self.seen = self.seen[places]

    def _forget(self, at: float, values: Mapping[Series, float]) -> None:
        """Drop the series that have not been seen for a week, and are not now."""
        old = at - self.seen > UNSEEN_MAX_S
        if old.any():
            gone = {
                place for place in np.flatnonzero(old).tolist() if self.series[place] not in values
            }
            self._drop(gone)

    def _make_room(self, values: Mapping[Series, float]) -> None:
        """Drop as many series that are not among *values* as the limit has no room for."""
        new = Counter(series.metric for series in values if series not in self._places)
        if not new:
            return
        counts = Counter(series.metric for series in self.series)
        gone: set[int] = set()
        for metric, count in new.items():
            absent = [
                place
                for place, series in enumerate(self.series)
                if series.metric is metric and series not in values
            ]
            absent.sort(key=lambda place: float(self.seen[place]))
            gone |= set(absent[: max(counts[metric] + count - self.limit, 0)])
        self._drop(gone)

    def _drop(self, gone: set[int]) -> None:
        if gone:
            self.keep([place for place in range(len(self.series)) if place not in gone])

    def _note(self, judgement: Judgement, there: NDArray[np.bool_]) -> None:
        """Keep the events for as long as they are active, and count what was outside."""
        self.left[:, there] = np.maximum(self.left[:, there] - 1, 0)
        if self._by_design:
            flag, kind, level = literal.events(judgement.zscore)
        else:
            flag, kind, level = self._meant(judgement), judgement.kind, judgement.level
        events = np.flatnonzero(flag & there & (kind > NONE))
        self.left[(kind[events] - 1) * len(LEVELS) + level[events], events] = LASTING + 1
        newest = (self.recent << 1 | judgement.outside) & _ALL_RECENT
        self.recent = np.where(there, newest, self.recent)

    def _meant(self, judgement: Judgement) -> NDArray[np.bool_]:
        """Return the detector's events without the patterns that nobody would care about."""
        flag = judgement.flag.copy()
        for place in np.flatnonzero(flag & (judgement.kind == PATTERN)).tolist():
            watched = self._watched[self.series[place].metric]
            flag[place] = watched.patterns or judgement.row[place] in IN_UNIT
        return flag

    def _samples(self, judgement: Judgement, places: list[int]) -> Iterator[Sample]:
        ready = np.isfinite(judgement.zscore) if self._by_design else judgement.ready
        shown = self._shown
        for metric, values in (
            (own.ANOMALY_READY, ready.astype(float)),
            (own.ANOMALY_SAMPLES, judgement.samples.astype(float)),
            (own.ANOMALY_ZSCORE, judgement.zscore),
        ):
            yield from self._family(metric, values, places)
        places = [place for place in places if ready[place]]
        for metric, values in (
            (own.ANOMALY_SCORE, judgement.score),
            (own.ANOMALY_EXPECTED, judgement.expected),
            (own.ANOMALY_LOWER, judgement.lower),
            (own.ANOMALY_UPPER, judgement.upper),
            (own.ANOMALY_OUTSIDE, _BITS[self.recent & _ALL_RECENT].astype(float)),
        ):
            yield from self._family(metric, values, places)
        active = (self.left > 0).astype(float).T.tolist()
        for place in places:
            one = shown[place]
            for labels, value in zip(one.active, active[place], strict=True):
                yield Sample(own.ANOMALY_ACTIVE, labels, value, names=one.names)

    def _family(
        self, metric: Metric, values: NDArray[np.float64], places: list[int]
    ) -> Iterator[Sample]:
        """Yield a sample for each place that has a number."""
        numbers = values.tolist()
        finite = np.isfinite(values)
        for place in places:
            if finite[place]:
                one = self._shown[place]
                yield Sample(metric, one.labels, numbers[place], names=one.names)
