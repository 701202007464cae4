"""
The design's z-score: (x - mean) / population standard deviation of the window before x.

Sums run over values shifted by one value of the window: that keeps 14 digits at an offset of 1e9,
where plain sums lose all. They are made anew from the window itself, shifted by its newest value,
for a share of the series at each update (each series once in a window) and at once for a series

* whose mean has moved far from the shift, so that the squares would lose the digits of the spread,
* that lets go of a value very far from the rest, because its rounding errors would stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.anomaly.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.anomaly.arrays import BoolArray, FloatArray, IntArray

WINDOW: Final = 120
# Fewer values say nothing about spread.
MIN_SAMPLES: Final = 10
# A window without spread: a value off its mean is "as far as can be said", never infinite.
CAP: Final = 1e6
# Squares of more would overflow.
_GREATEST: Final = 1e150
# Where the mean is further from the shift than 100 standard deviations, squares lose 4 digits.
# The newest value of a window of w is never further from its mean than sqrt(w - 1) of them
# (Samuelson 1968), so the shift is good again after one step for any window below 10,001.
_OFF_CENTRE: Final = 1e4
# A value that leaves with more than this times the remaining squares takes 4 digits with it.
_SPIKE: Final = 1e4
# The share of the squares that is rounding; a variance below is none.
_ROUNDING: Final = 1e-13


class ZScore(Store):
    """Windows of n series, one value at a time."""

    def __init__(self, n: int, window: int = WINDOW) -> None:
        if not 2 <= window <= _OFF_CENTRE:  # noqa: PLR2004 - one value has no spread
            message = f"window: {window}: write a whole number from 2 to {_OFF_CENTRE:.0f}"
            raise ValueError(message)
        # Places that are not taken yet repeat the shift: they add nothing to the sums.
        self.ring = np.zeros((window, n))
        self.shift = np.zeros(n)
        self.sum = np.zeros(n)  # of the window, each value less the shift
        self.squares = np.zeros(n)
        self.slot = np.zeros(n, np.int32)
        self.count = np.zeros(n, np.int32)
        self._turn = 0
        self.prepare()

    def limits(self) -> Mapping[str, tuple[int, int]]:
        """Name the arrays that are used as indices, with their bounds."""
        return {"slot": (0, self.window - 1), "count": (0, self.window)}

    def prepare(self) -> None:
        """Find out whether all series are at the same place: then whole rows can be used."""
        self._r = np.arange(len(self.slot))
        self._even = bool((self.slot == self.slot[:1]).all())

    @property
    def window(self) -> int:
        """Samples (not seconds) that mean and deviation are taken over."""
        return len(self.ring)

    def update(self, values: FloatArray, usable: BoolArray) -> FloatArray:
        """
        Score *values* against the windows before them, then take them in.

        Args:
            values: Shape (n,), in the series' own unit.
            usable: Shape (n,), which of them are numbers; the others change nothing.

        Returns:
            z, shape (n,), within ±CAP; NaN where there is no value or the window holds fewer than
            MIN_SAMPLES (all of it, when it is shorter). 0 for the mean of a window without spread.
        """
        x = np.clip(values, -_GREATEST, _GREATEST)
        first = usable & (self.count == 0)
        if first.any():
            self.shift[first] = x[first]
            self.ring[:, first] = x[first]
        mean, variance = self._moments()
        d = x - self.shift
        flat = ~(variance > _ROUNDING * (mean * mean))
        off = d - mean
        with np.errstate(all="ignore"):
            z = off / np.sqrt(np.where(flat, 1.0, variance))
        if flat.any():
            z = np.where(flat, np.sign(off) * CAP, z)
        ready = usable & (self.count >= min(MIN_SAMPLES, self.window))
        z = np.where(ready, np.clip(z, -CAP, CAP), np.nan)
        self._push(x, d, usable)
        return z

    def _moments(self) -> tuple[FloatArray, FloatArray]:
        """Mean less the shift, and variance, both of shape (n,)."""
        n = np.maximum(self.count, 1)
        mean = self.sum / n
        variance = self.squares / n - mean * mean
        off_centre = mean * mean > _OFF_CENTRE * variance
        if off_centre.any():
            i = np.flatnonzero(off_centre)
            self._sum_anew(i)
            mean[i] = self.sum[i] / n[i]
            variance[i] = self.squares[i] / n[i] - mean[i] * mean[i]
        return mean, variance

    def _push(self, x: FloatArray, d: FloatArray, usable: BoolArray) -> None:
        w = self.window
        complete = bool(usable.all())
        if complete and self._even and len(x):
            k = int(self.slot[0])
            old = self.ring[k] - self.shift
            self.ring[k] = x
            self.sum += d - old
            old *= old
            self.squares += d * d - old
            self.slot[:] = (k + 1) % w
            self.count += self.count < w
            far = np.flatnonzero(old > _SPIKE * np.abs(self.squares))
        else:
            self._even = False
            r = self._r[usable]
            slot = self.slot[r]
            old = self.ring[slot, r] - self.shift[r]
            new = d[r]
            self.ring[slot, r] = x[r]
            self.sum[r] += new - old
            old *= old
            self.squares[r] += new * new - old
            self.slot[r] = (slot + 1) % w
            self.count[r] = np.minimum(self.count[r] + 1, w)
            far = r[old > _SPIKE * np.abs(self.squares[r])]
        n = len(x)
        begin, end = self._turn * n // w, (self._turn + 1) * n // w
        self._turn = (self._turn + 1) % w
        if end > begin:
            self._sum_anew(self._r[begin:end])
        if len(far):
            self._sum_anew(far)

    def _sum_anew(self, i: IntArray) -> None:
        """Shift series *i* by their newest value, and sum their windows."""
        slot, w = self.slot[i], self.window
        newest = self.ring[(slot - 1) % w, i]
        taken = np.arange(w)[:, None] < self.count[i]
        part = np.where(taken, self.ring[:, i], newest)
        self.ring[:, i] = part
        part -= newest
        self.shift[i] = newest
        self.sum[i] = part.sum(0)
        self.squares[i] = np.einsum("ij,ij->j", part, part)
