"""
The design's z-score: (x - mean) / population standard deviation of the window before x.

Sums run over values shifted by one value of the window: that keeps 14 digits at an offset of 1e9,
where plain sums lose all. They are made anew from the window itself, shifted by its newest value,
for a share of the series at each update (each series once in a window) and at once for a series

* whose mean has moved far from the shift, so that the squares would lose the digits of the spread,
* whose squares have become much less than they were, because the rounding errors would stay,
* whose squares would be too small or too large for a double.

They run in a unit of the series' own, the power of two that is next above the largest of its
window: exact, and so the spread may be anything from 1e-300 to 1e150.
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
# Squares that are less by more than this than they have been have lost 4 digits.
_LOST: Final = 1e4
# In the unit of the window squares are about 1; beyond these they are not, and may soon be 0 or
# infinite.
_LEAST_SQUARES: Final = 1e-200
_GREATEST_SQUARES: Final = 1e200
_GREATEST_EXPONENT: Final = 1000
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
        self.unit = np.ones(n)  # multiplied with
        self.sum = np.zeros(n)  # of the window, each value less the shift, in its unit
        self.squares = np.zeros(n)
        self.most = np.zeros(n)  # of the squares, since they were summed
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
        d = (x - self.shift) * self.unit
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
        with np.errstate(over="ignore", invalid="ignore"):
            if complete and self._even and len(x):
                k = int(self.slot[0])
                old = (self.ring[k] - self.shift) * self.unit
                self.ring[k] = x
                self.sum += d - old
                self.squares += d * d - old * old
                self.slot[:] = (k + 1) % w
                self.count += self.count < w
            else:
                self._even = False
                r = self._r[usable]
                slot = self.slot[r]
                old = (self.ring[slot, r] - self.shift[r]) * self.unit[r]
                new = d[r]
                self.ring[slot, r] = x[r]
                self.sum[r] += new - old
                self.squares[r] += new * new - old * old
                self.slot[r] = (slot + 1) % w
                self.count[r] = np.minimum(self.count[r] + 1, w)
        far = self._lost(d, usable)
        n = len(x)
        begin, end = self._turn * n // w, (self._turn + 1) * n // w
        self._turn = (self._turn + 1) % w
        if end > begin:
            self._sum_anew(self._r[begin:end])
        if len(far):
            self._sum_anew(far)

    def _lost(self, d: FloatArray, usable: BoolArray) -> IntArray:
        """Find the series whose squares have lost digits; *d* is what was added last."""
        squares, most = self.squares, self.most
        np.maximum(most, squares, out=most)
        lost = most > _LOST * squares
        # NaN, of infinite squares, is neither more nor less.
        if len(squares) and not squares.max() < _GREATEST_SQUARES:
            lost |= ~(squares < _GREATEST_SQUARES)
        if len(squares) and not squares.min() > _LEAST_SQUARES:
            lost |= (squares <= _LEAST_SQUARES) & (d != 0) & usable
        return np.flatnonzero(lost)

    def _sum_anew(self, i: IntArray) -> None:
        """Shift series *i* by their newest value, and sum their windows."""
        slot, w = self.slot[i], self.window
        newest = self.ring[(slot - 1) % w, i]
        taken = np.arange(w)[:, None] < self.count[i]
        part = np.where(taken, self.ring[:, i], newest)
        self.ring[:, i] = part
        part -= newest
        # Of a window without spread the exponent is 0.
        _, exponent = np.frexp(np.abs(part).max(0))
        unit = np.ldexp(1.0, np.minimum(-exponent, _GREATEST_EXPONENT))
        part *= unit
        self.shift[i] = newest
        self.unit[i] = unit
        self.sum[i] = part.sum(0)
        self.squares[i] = self.most[i] = np.einsum("ij,ij->j", part, part)
