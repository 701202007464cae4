"""
Several views of one series; each finds other faults.

    value     the value                                   spike, drop
    forecast  error of the best predictor, in its own     spike, drop, also inside the usual range
    deviation value minus the mean of the last hours      spike, drop on a drifting series
    short     mean of the last minutes                    shift that lasts
    mid       mean of the last half hour                  shift, drift
    burst     short minus mid                             step
    season    smoothed rest of the time-of-day profile    broken rhythm
    spread    logarithm of the mean forecast error        changed variance
    run       length of the run of equal values           stuck value

Every view but the run is watched in both directions (rows.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.anomaly import rows
from exporter.anomaly.season import Season
from exporter.anomaly.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.anomaly.arrays import BoolArray, FloatArray, IntArray
    from exporter.anomaly.settings import Settings

# Moving means, by the weights of the settings: last moments, minutes, half hour, hours.
MOMENTS, MINUTES, HALF_HOUR, HOURS = range(4)
# Predictors of the next value: the last value, the moving means, the last mean with the season.
LAST: Final = 0
FAST_MEANS: Final = slice(1, 4)
RHYTHM: Final = 4
PREDICTORS: Final = 5

# Values beyond are clipped: sums and differences must stay finite.
HUGE: Final = 1e100
TINY: Final = 1e-300
# A forecast error below a tenth of the usual step is no error worth the name.
_STEP_SHARE: Final = 0.1
# Doubles hold 16 digits: a forecast is never better than 12 of them.
_DIGITS: Final = 1e-12
# The usual step is a mean over about the last 288 changes.
_STEP_WEIGHT: Final = 1 / 288
# The spread of a series that stands still is a thousandth of its step, so that its logarithm ends.
_STILL: Final = 1e-3
# A series is known to move after five changes; before, a long run says nothing.
_MOVES: Final = 5


class Views(Store):
    """The views of n series, and the slow statistics behind them."""

    def __init__(self, n: int, settings: Settings) -> None:
        self._s = settings
        # The first value; all else is kept relative to it, which keeps 14 digits at 1e9.
        self.reference = np.full(n, np.nan)
        self.started = np.zeros(n)  # its moment
        self.count = np.zeros(n, np.int64)
        self.last = np.zeros(n)
        self.means = np.zeros((len(settings.mean_weights), n))  # of the clipped values
        self.errors = np.zeros((PREDICTORS, n))  # mean absolute errors
        self.best = np.zeros(n, np.int64)  # the predictor in use
        self.step = np.zeros(n)  # mean absolute change, of the changes
        self.changes = np.zeros(n)
        self.run = np.zeros(n)
        self.spread = np.zeros(n)
        self.centre = np.zeros(n)  # of the clipping range
        self.width = np.full(n, np.inf)
        self.season = Season(n, settings)
        self.prepare()

    def limits(self) -> Mapping[str, tuple[int, int]]:
        """Name the arrays that are used as indices, with their bounds."""
        return {"best": (0, PREDICTORS - 1)}

    def prepare(self) -> None:
        """Make room for what one update computes."""
        n = len(self.count)
        self._weights = np.array(self._s.mean_weights)[:, None]
        self._r = np.arange(n)
        self._views = np.full((rows.ROWS, n), np.nan)
        self._predicted = np.zeros((PREDICTORS, n))
        self._expected = np.zeros(n)
        self._unit = np.ones(n)

    @property
    def value(self) -> FloatArray:
        """The value of the last update less the reference, shape (n,)."""
        value: FloatArray = self._views[rows.VALUE]
        return value

    @property
    def expected(self) -> FloatArray:
        """What had been expected of it, less the reference, shape (n,)."""
        return self._expected

    @property
    def expected_unit(self) -> FloatArray:
        """What the forecast view of the last update was measured in, shape (n,)."""
        return self._unit

    def unit(self, i: IntArray) -> FloatArray:
        """Return the usual error of the forecast of series *i*, shape (len(i),)."""
        error: FloatArray = self.errors[self.best[i], i] + self._least_unit(i)
        return error

    def _least_unit(self, i: IntArray | slice) -> FloatArray:
        least: FloatArray = _STEP_SHARE * self.step[i] + _DIGITS * np.abs(self.reference[i]) + TINY
        return least

    def update(self, timestamps: FloatArray, values: FloatArray, usable: BoolArray) -> FloatArray:
        """
        Compute the views of this moment, and learn from it.

        Args:
            timestamps: Shape (n,), seconds since 1970.
            values: Shape (n,), in the unit judged.
            usable: Shape (n,), which of them are numbers.

        Returns:
            Shape (ROWS, n), overwritten by the next update; NaN where a view says nothing yet or
            the value is missing.
        """
        y, predicted = self._views, self._predicted
        new = usable & (self.count == 0)
        if new.any():
            self.reference[new] = values[new]
            self.started[new] = timestamps[new]
        complete = bool(usable.all())
        d = values - self.reference
        if not complete:
            d = np.where(usable, d, self.last)
        clipped = self._clipped(d)
        profile, known = self.season.predict(timestamps)
        predicted[LAST] = self.last
        predicted[FAST_MEANS] = self.means[:HOURS]
        predicted[RHYTHM] = np.where(known, profile + self.season.residual, self.means[HOURS])
        place = self.best * len(self._r) + self._r
        self._expected = predicted.take(place)
        self._unit = self.errors.take(place) + self._least_unit(slice(None))

        y[rows.VALUE] = d
        np.divide(d - self._expected, self._unit, out=y[rows.FORECAST])
        np.subtract(d, self.means[HOURS], out=y[rows.DEVIATION])
        self._learn(d, clipped, usable)
        y[rows.SHORT] = self.means[MINUTES]
        y[rows.MID] = self.means[HALF_HOUR]
        np.subtract(y[rows.SHORT], y[rows.MID], out=y[rows.BURST])
        y[rows.SEASON] = np.where(known, self.season.residual, np.nan)
        y[rows.SPREAD] = np.log(self.spread + _STILL * self.step + TINY)
        np.negative(y[rows.POINTS], out=y[rows.LOW_POINTS])
        np.negative(y[rows.MEANS], out=y[rows.LOW_MEANS])
        np.negative(y[rows.SEASON], out=y[rows.LOW_SEASON])
        np.negative(y[rows.SPREAD], out=y[rows.LOW_SPREAD])
        y[rows.RUN] = np.where(self.changes > _MOVES, self.run, np.nan)
        if not complete or int(self.count.min()) <= self._s.lead_samples:
            y[:, ~usable | (self.count <= self._s.lead_samples)] = np.nan
        return y

    def _clipped(self, d: FloatArray) -> FloatArray:
        """
        Clip to the usual range, so that an outlier poisons nothing.

        The range lies around the middle of the marks, or where the last hours were: a trend and a
        new level are followed.
        """
        slow, reach = self.means[HOURS], self._s.follow * self.width
        low = np.minimum(self.centre, slow + reach) - self.width
        return np.clip(d, low, np.maximum(self.centre, slow - reach) + self.width)

    def _learn(self, d: FloatArray, clipped: FloatArray, usable: BoolArray) -> None:
        s = self._s
        young = 1.0 / (self.count + 1.0)
        live = usable.astype(np.float64)
        change = np.abs(d - self.last)
        moved = change > 0
        self.run = np.where(moved, 0.0, self.run + live)
        moved_live = moved.astype(np.float64)
        weight = np.maximum(_STEP_WEIGHT, 1.0 / (self.changes + 1.0)) * moved_live
        self.step += weight * (np.minimum(change, 2 * self.width) - self.step)
        self.changes += moved_live
        weight = np.maximum(s.mean_weights[HALF_HOUR], young) * live
        self.spread += weight * (np.abs(clipped - self._expected) - self.spread)
        error = self._predicted
        np.subtract(clipped, error, out=error)
        np.abs(error, out=error)
        error -= self.errors
        self.errors += error * (np.maximum(s.predictor_weight, young) * live)
        self.means += np.maximum(self._weights, young) * live * (clipped - self.means)
        self.season.learn(clipped, usable)
        self.last = d
        self.count += usable

    def floors(self, i: IntArray, mark: FloatArray, young: BoolArray) -> FloatArray:
        """
        Tell the least typical excess of each view of series *i*.

        Args:
            i: Indices of series.
            mark: Their marks, shape (ROWS, len(i)); those of a young season are raised in place.
            young: Of which of them not every day of the week may have been seen.

        Returns:
            Shape (ROWS, len(i)), in the unit of each view.
        """
        s, step = self._s, self.step[i]
        out = np.empty(mark.shape)
        out[rows.LEVELS] = s.floor_value * step
        out[rows.FORECASTS] = s.floor_forecast * step / self.unit(i)
        out[rows.QUICK_MEANS] = s.floor_short * step
        out[rows.SLOW_MEANS] = s.floor_mid * step
        out[rows.SPREADS] = s.floor_dispersion
        longest = np.where(np.isfinite(mark[rows.RUN]), mark[rows.RUN], 0.0)
        out[rows.RUN] = np.maximum(1.0, s.floor_run * longest)
        rounding = s.floor_relative * np.abs(self.reference[i]) + TINY
        np.maximum(out, rounding, out=out)
        least = np.where(young, s.young_amplitude * self.season.amplitude(i), -np.inf)
        mark[rows.SEASON] = np.maximum(mark[rows.SEASON], least)
        mark[rows.LOW_SEASON] = np.maximum(mark[rows.LOW_SEASON], least)
        return out

    def settle(self, i: IntArray, high: FloatArray, low: FloatArray, ready: BoolArray) -> None:
        """
        At the end of a block, choose the clipping range and the best predictor of series *i*.

        Args:
            i: Indices of series.
            high: Highest values without the worst block, shape (len(i),).
            low: Lowest values, likewise.
            ready: Whether there have been blocks enough, shape (len(i),).
        """
        s = self._s
        with np.errstate(all="ignore"):
            width = s.clip_ranges * (high - low) + 3 * self.step[i]
            known = ready & np.isfinite(width) & (width > 0)
            self.width[i] = np.where(known, width, np.inf)
            self.centre[i] = np.where(known, (high + low) / 2, 0.0)
        errors = self.errors[:, i]
        best = np.argmin(errors, 0)
        r = np.arange(len(i))
        better = errors[best, r] < s.predictor_gain * errors[self.best[i], r]
        self.best[i] = np.where(better, best, self.best[i])
