"""What each view usually reaches, and the evidence that it has left that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from exporter.anomaly import rows, tail
from exporter.anomaly.arrays import NO_SERIES
from exporter.anomaly.settings import DAY_S
from exporter.anomaly.store import Store
from exporter.anomaly.watermarks import Watermarks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.anomaly.arrays import BoolArray, FloatArray, IntArray
    from exporter.anomaly.options import Options
    from exporter.anomaly.settings import Settings
    from exporter.anomaly.views import Views


class Baseline(Store):
    """The marks of n series: made at the end of a block, looked at with each value."""

    def __init__(self, n: int, settings: Settings) -> None:
        self._s = settings
        self.watermarks = Watermarks(rows.ROWS, n, settings)
        self.mark = np.full((rows.ROWS, n), np.inf)  # infinite: nothing is known
        self.scale = np.ones((rows.ROWS, n))
        self.degrees = np.full((rows.ROWS, n), 2, np.int8)
        self.base = np.zeros((rows.ROWS, n), np.float32)
        self.young = np.ones(n, np.bool_)  # not every day of the week may have been seen

    def limits(self) -> Mapping[str, tuple[int, int]]:
        """Name the arrays that are used as indices, with their bounds."""
        return {"degrees": (2, self._s.tail_max)}

    def refit(self, timestamps: FloatArray, usable: BoolArray, views: Views, opts: Options) -> None:
        """Close the blocks that have ended, and make new marks of the series that had one."""
        i = self.watermarks.roll(timestamps, usable)
        if len(i):
            self.fit(i, timestamps, views, opts)

    def fit(self, i: IntArray, timestamps: FloatArray, views: Views, opts: Options) -> None:
        """Make new marks of series *i* (indices) of the blocks that they have."""
        s, block_s = self._s, self.watermarks.block_s[i]
        mark, scale, degrees, m, high = tail.fit(self.watermarks.of(i), block_s, s)
        ready = m >= s.ready_blocks
        young = timestamps[i] - views.started[i] < s.young_days * DAY_S
        floors = views.floors(i, mark, young)
        floor = opts.floor[i]
        if floor.any():
            mark[rows.IN_UNIT] += floor
            mark[rows.FORECASTS] = np.maximum(mark[rows.FORECASTS], floor / views.unit(i))
        self.mark[:, i] = np.where(ready & ~opts.ignored(i), mark, np.inf)
        self.scale[:, i] = np.maximum(scale, floors)
        self.degrees[:, i] = degrees
        self.base[:, i] = tail.base(m, block_s, s)
        self.young[i] = young
        views.settle(i, high[rows.VALUE], -high[rows.LOW_VALUE], ready[rows.VALUE])

    def evidence(self, views: FloatArray) -> tuple[IntArray, FloatArray, IntArray]:
        """
        Weigh the views of one moment.

        Args:
            views: Shape (ROWS, n).

        Returns:
            The series (indices) of which a view has left its marks; their evidence, the strongest
            view and a share of the strongest of another kind; and the row of the strongest.
        """
        beyond = views > self.mark
        hit = np.flatnonzero(beyond.any(0))
        if not len(hit):
            return NO_SERIES, np.zeros(0), NO_SERIES
        # Far beyond any mark is infinite here; evidence() caps it.
        with np.errstate(over="ignore"):
            z = (views[:, hit] - self.mark[:, hit]) / self.scale[:, hit]
        e = np.zeros(z.shape)
        at = z > 0
        degrees = self.degrees[:, hit][at].astype(np.float64)
        e[at] = tail.evidence(z[at], degrees, self.base[:, hit][at])
        young = self.young[hit]
        if young.any():
            rhythm = e[rows.SEASONS]
            e[rows.SEASONS] = np.where(young, np.minimum(rhythm, self._s.young_evidence), rhythm)
        kinds = np.maximum.reduceat(e, rows.GROUPS, axis=0)
        kinds.sort(axis=0)
        second = self._s.second_opinion * np.maximum(kinds[-2], 0.0)
        return hit, np.maximum(kinds[-1], 0.0) + second, e.argmax(0)

    def learn(self, views: FloatArray) -> None:
        """Take in the views of one moment, shape (ROWS, n)."""
        self.watermarks.learn(views)

    def bounds(self, expected: FloatArray, unit: FloatArray) -> tuple[FloatArray, FloatArray]:
        """
        Tell between what the value may lie: beyond, one view alone makes an event.

        Args:
            expected: Shape (n,), less the reference.
            unit: Shape (n,), what the forecast view is measured in.

        Returns:
            Lower and upper bound less the reference, shape (n,); infinite where there is none.
        """
        with np.errstate(all="ignore"):
            high, low = self._room(rows.VALUE), self._room(rows.LOW_VALUE)
            jump, fall = self._room(rows.FORECAST), self._room(rows.LOW_FORECAST)
            upper = np.maximum(np.minimum(high, expected + jump * unit), expected)
            lower = np.minimum(np.maximum(-low, expected - fall * unit), expected)
        return lower, upper

    def _room(self, row: int) -> FloatArray:
        """How far a view may go, shape (n,)."""
        more = tail.excess(
            self._s.threshold, self.degrees[row].astype(np.float64), self.base[row].astype(float)
        )
        room: FloatArray = self.mark[row] + self.scale[row] * more
        return room

    @property
    def ready(self) -> BoolArray:
        """Which series have a mark, shape (n,)."""
        ready: BoolArray = np.isfinite(self.mark).any(0)
        return ready
