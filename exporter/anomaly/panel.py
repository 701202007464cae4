"""
The judge of n series that are updated together.

Per moment and series: every view that has left its marks gives evidence (tail.py); the strongest
view counts, a second kind of view adds a fifth, evidence that lasts adds a tenth; only a new peak
is an event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from exporter.anomaly.baseline import Baseline
from exporter.anomaly.events import Events
from exporter.anomaly.rates import COUNTER, Rates
from exporter.anomaly.store import Store
from exporter.anomaly.views import HUGE, Views
from exporter.anomaly.zscore import ZScore

if TYPE_CHECKING:
    from exporter.anomaly.arrays import BoolArray, FloatArray, IntArray
    from exporter.anomaly.options import Options
    from exporter.anomaly.settings import Settings


class Panel(Store):
    """All that is remembered of n series."""

    def __init__(self, options: Options, window: int, settings: Settings) -> None:
        n = len(options.kind)
        self._s = settings
        self.options = options
        self.rates = Rates(options.kind)
        self.zscore = ZScore(n, window)
        self.views = Views(n, settings)
        self.baseline = Baseline(n, settings)
        self.events = Events(n, settings)
        self.prepare()

    def prepare(self) -> None:
        """Make room for what the last update found."""
        n = len(self)
        self._z = np.full(n, np.nan)
        self._usable = np.zeros(n, np.bool_)
        self._evidence = np.zeros(n)
        self._row = np.zeros(n, np.int64)

    def __len__(self) -> int:
        return len(self.options.kind)

    @property
    def z(self) -> FloatArray:
        """The z-scores of the last update, shape (n,)."""
        return self._z

    @property
    def usable(self) -> BoolArray:
        """Which series had a value to judge in the last update, shape (n,)."""
        return self._usable

    @property
    def evidence(self) -> FloatArray:
        """The evidence of the last update, also while an event lasts, shape (n,)."""
        return self._evidence

    @property
    def row(self) -> IntArray:
        """The view that spoke loudest, shape (n,); of no meaning where the evidence is 0."""
        return self._row

    @property
    def counters(self) -> BoolArray:
        """Which series are judged as rates, shape (n,)."""
        found: BoolArray = self.rates.kind == COUNTER
        return found

    def update(self, timestamps: FloatArray, values: FloatArray) -> FloatArray:
        """
        Judge one value of every series and learn from it.

        Args:
            timestamps: Shape (n,), seconds since 1970, finite.
            values: Shape (n,), in the series' own unit; what is no number, lies outside the valid
                range, comes late or was taken in already is a missing value.

        Returns:
            Scores, shape (n,), in [0, 1): new, unusual evidence.
        """
        valid = self.rates.fresh(timestamps, values, self.options.valid(values))
        x = np.clip(values, -HUGE, HUGE)
        if not valid.all():
            x = np.where(valid, x, np.nan)
        x, restart = self.rates.update(timestamps, x, valid)
        if restart.any():
            self._restart(np.flatnonzero(restart))
        self._usable = usable = np.isfinite(x)
        self._z = self.zscore.update(x, usable)
        x = self.options.judged(x)
        self.baseline.refit(timestamps, usable, self.views, self.options)
        views = self.views.update(timestamps, x, usable)
        hit, evidence, row = self.baseline.evidence(views)
        total = np.zeros(len(self))
        total[hit] = evidence
        self._row[hit] = row
        self.baseline.learn(views)
        self._evidence, scores = self.events.update(total, usable, self._row)
        return scores

    def inherit(self, other: Panel) -> BoolArray:
        """
        Take over what *other* has learnt of the series that it judges in the same unit.

        Returns:
            Which these are, shape (n,).
        """
        same = self.options.same_unit(other.options)
        i = np.flatnonzero(same)
        self.rates.take(i, other.rates)
        self.zscore.take(i, other.zscore)
        self.views.take(i, other.views)
        self.baseline.take(i, other.baseline)
        self.events.take(i, other.events)
        # Direction and floor are in the marks.
        moved = np.flatnonzero(same & ~self.options.same_limits(other.options))
        if len(moved):
            self.baseline.fit(moved, self.rates.last_ts, self.views, self.options)
        return same

    def _restart(self, i: IntArray) -> None:
        """Forget what was learnt of series *i*, but not what they are."""
        n = 1
        self.views.reset(i, Views(n, self._s))
        self.baseline.reset(i, Baseline(n, self._s))
        self.zscore.reset(i, ZScore(n, self.zscore.window))
        self.events.reset(i, Events(n, self._s))
