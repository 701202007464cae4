"""
Time of day and hour of week.

The profile is the mean of each half hour over about the last seven days, linear in between. What
the profile leaves over is kept by the hour of the week, half believed, once a week has been seen
(shrinkage, as in GitLab's weekly baselines, but learnt one value at a time). Times are UTC: a
series that follows local clocks shifts with summer time by one hour, twice a year.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.anomaly.settings import DAY_S, WEEK_S, Settings
from exporter.anomaly.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.anomaly.arrays import BoolArray, FloatArray, IntArray

HOURS: Final = 168
# A moment on the edge of a bin belongs to the bin that begins, whatever the division rounds to.
_ROUNDING: Final = 1e-6
# The week is kept in single precision, which ends at 3.4e38.
_GREATEST: Final = 3e38


class Season(Store):
    """The time-of-day profile of n series, relative to their reference."""

    def __init__(self, n: int, settings: Settings) -> None:
        self._s = settings
        self.profile = np.zeros((settings.bins, n))
        self.days = np.zeros((settings.bins, n), np.float32)  # how many days each bin has seen
        self.week = np.full((HOURS, n), np.nan, np.float32)  # rest by hour of week; NaN: unseen
        self.residual = np.zeros(n)  # what the profile leaves over, smoothed
        self.total = np.zeros(n)  # of the bin that is open
        self.samples = np.zeros(n)
        self.bin = np.full(n, -1)
        self.hour = np.zeros(n, np.int64)
        self.prepare()

    def limits(self) -> Mapping[str, tuple[int, int]]:
        """Name the arrays that are used as indices, with their bounds."""
        return {"bin": (-1, self._s.bins - 1), "hour": (0, HOURS - 1)}

    def prepare(self) -> None:
        """Make what `predict` leaves to `learn`."""
        n = len(self.bin)
        self._r = np.arange(n)
        self._bin = self._hour = np.zeros(n, np.int64)
        self._known = np.zeros(n, np.bool_)
        self._value = np.zeros(n)

    def predict(self, timestamps: FloatArray) -> tuple[FloatArray, BoolArray]:
        """
        Tell the profile at *timestamps*, and where it is known; `learn` is for these moments.

        Args:
            timestamps: Shape (n,), seconds since 1970.

        Returns:
            Both of shape (n,); the first in the unit of the series.
        """
        bins, r, n = self._s.bins, self._r, len(self._r)
        day = timestamps * (1 / DAY_S)
        place = (day - np.floor(day)) * bins
        at = np.minimum((place + _ROUNDING).astype(np.int64), bins - 1)
        off = place - at - 0.5
        neighbour = np.where(off >= 0, at + 1, at - 1)
        neighbour[neighbour < 0] = bins - 1
        neighbour[neighbour >= bins] = 0
        share = np.abs(off)
        # take() on the flat array: three times faster than two arrays of indices.
        here, there = at * n + r, neighbour * n + r
        self._known = (self.days.take(here) > 0) & (self.days.take(there) > 0)
        value = self.profile.take(here) * (1 - share) + self.profile.take(there) * share
        week = timestamps * (1 / WEEK_S)
        hour = ((week - np.floor(week)) * HOURS + _ROUNDING).astype(np.int64)
        hour = np.minimum(hour, HOURS - 1)
        rest = self.week.take(hour * n + r)
        value += np.where(np.isnan(rest), 0.0, rest)
        self._bin, self._hour, self._value = at, hour, value
        return value, self._known

    def learn(self, values: FloatArray, usable: BoolArray) -> None:
        """
        Take in the (clipped) values of the moments last predicted, and smooth the residual.

        Args:
            values: Shape (n,), relative to the reference.
            usable: Shape (n,), whether there is a value.
        """
        live = usable & self._known
        step = self._s.season_weight * (values - self._value - self.residual)
        self.residual += np.where(live, step, 0.0)
        moved = usable & (self._bin != self.bin)
        if moved.any():
            self._close(np.flatnonzero(moved & (self.samples > 0)))
            self.total[moved] = 0.0
            self.samples[moved] = 0.0
            self.bin[moved] = self._bin[moved]
            self.hour[moved] = self._hour[moved]
        self.total += np.where(usable, values, 0.0)
        self.samples += usable

    def _close(self, i: IntArray) -> None:
        """Put the mean of the bin that has ended into the profile and the week of series *i*."""
        s, at, hour = self._s, self.bin[i], self.hour[i]
        mean = self.total[i] / self.samples[i]
        days = self.days[at, i]
        rest = s.week_trust * (mean - self.profile[at, i])
        seen = days >= s.bin_days - 1
        old = self.week[hour, i]
        new = np.where(np.isnan(old), rest, old + s.week_weight * (rest - old))
        self.week[hour, i] = np.clip(np.where(seen, new, old), -_GREATEST, _GREATEST)
        self.profile[at, i] += (mean - self.profile[at, i]) / np.minimum(days + 1, s.bin_days)
        self.days[at, i] = days + 1

    def amplitude(self, i: IntArray) -> FloatArray:
        """Return half the range of the profile of series *i*, shape (len(i),)."""
        known = self.days[:, i] > 0
        profile = self.profile[:, i]
        high = np.where(known, profile, -np.inf).max(0)
        low = np.where(known, profile, np.inf).min(0)
        with np.errstate(invalid="ignore"):
            return np.where(high > low, (high - low) / 2, 0.0)
