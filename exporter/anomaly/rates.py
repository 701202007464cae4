"""
Counters become rates before anything else looks at them.

A counter only grows, and starts again near zero after a restart. Its increments per second are the
series to judge. The increment across a reset is only a lower bound (what was counted before the
reset is lost), so it is skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.anomaly.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.anomaly.arrays import BoolArray, FloatArray, SmallArray

AUTO, COUNTER, GAUGE = range(3)
# A noisy gauge falls half of the time: 60 samples without one fall have a chance of 1e-18.
PROBE_SAMPLES: Final = 60
# A gauge that stands still does not fall either; a counter worth the name moves at least every
# fourth sample.
MIN_MOVES: Final = 0.25
# A fall to less than half is a reset; Prometheus calls any fall one, but it knows that it has a
# counter.
RESET_SHARE: Final = 0.5
# So many samples in a row from before the newest one: they are not late, the clock was put back.
LATE_MAX: Final = 10


class Rates(Store):
    """Per series: what it is (declared or found out), its newest value and moment."""

    def __init__(self, declared: SmallArray) -> None:
        n = len(declared)
        self.declared = declared.copy()
        self.kind = declared.copy()
        self.last = np.full(n, np.nan)
        self.last_ts = np.zeros(n)
        self.moves = np.zeros(n, np.int32)
        self.count = np.zeros(n, np.int32)
        self.late = np.zeros(n, np.int8)  # how many samples in a row came late

    def limits(self) -> Mapping[str, tuple[int, int]]:
        """Name the arrays that are used as indices, with their bounds."""
        return {"declared": (AUTO, GAUGE), "kind": (AUTO, GAUGE)}

    def fresh(self, timestamps: FloatArray, values: FloatArray, valid: BoolArray) -> BoolArray:
        """
        Find the samples that bring something new.

        One that was taken in already, the same value of the same moment, does not. Neither does
        one from before the newest: blocks, seasons and rates only go on. But when late samples
        are all that comes, the clock was put back, and it goes on from there.

        Args:
            timestamps: Shape (n,), seconds.
            values: Shape (n,).
            valid: Shape (n,), whether the value is a number that can be.
        """
        late = valid & (timestamps < self.last_ts) & np.isfinite(self.last)
        if late.any() or self.late.any():
            more = np.minimum(self.late + 1, LATE_MAX + 1)
            self.late = np.where(late, more, np.where(valid, 0, self.late)).astype(np.int8)
            late &= self.late <= LATE_MAX
        fresh: BoolArray = valid & ~late & ~((timestamps == self.last_ts) & (values == self.last))
        return fresh

    def update(
        self, timestamps: FloatArray, values: FloatArray, usable: BoolArray
    ) -> tuple[FloatArray, BoolArray]:
        """
        Turn the values of counters into rates.

        Args:
            timestamps: Shape (n,), seconds.
            values: Shape (n,), in the series' own unit.
            usable: Shape (n,), whether the value is a number.

        Returns:
            Values to judge (per second for counters), NaN where a counter has no rate yet; and the
            series that have just been found to be a counter, or not to be one: what was learnt of
            them so far is of no use.
        """
        step = values - self.last
        known = ~np.isnan(step)
        fall = step < 0
        early = self.count < PROBE_SAMPLES
        plain_fall = fall & ((values > RESET_SHARE * self.last) | early)
        gauge = (plain_fall | (values < 0)) & (self.declared == AUTO)
        restart: BoolArray = gauge & (self.kind == COUNTER)
        self.kind[gauge] = GAUGE
        self.moves += step > 0
        self.count += known
        probed = (self.kind == AUTO) & (self.count >= PROBE_SAMPLES)
        if probed.any():
            found = probed & (self.moves >= MIN_MOVES * self.count)
            self.kind[probed] = GAUGE
            self.kind[found] = COUNTER
            restart |= found
        counter = self.kind == COUNTER
        judged = values
        if counter.any():
            elapsed = timestamps - self.last_ts
            with np.errstate(all="ignore"):
                rate = np.where(known & ~fall & (elapsed > 0), step / elapsed, np.nan)
            judged = np.where(counter, rate, values)
        np.copyto(self.last, values, where=usable)
        np.copyto(self.last_ts, timestamps, where=usable)
        return judged, restart
